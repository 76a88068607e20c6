//! A typed predicate and what it holds for.
//!
//! Truth has two values: a comparison with a value that is not there does not hold, and neither does its negation by
//! `<>`, `NOT LIKE` or `NOT IN`; `NOT (…)` turns around what is in the parentheses, as Box's guide words it.

use super::pattern::Pattern;
use super::scalar::{Candidate, FieldRef, Scalar};
use std::cmp::Ordering;
use std::collections::HashSet;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Unequal => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Every one holds.
    All(Vec<Predicate>),
    /// One holds.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// A field that holds one value.
    Compare {
        /// The field.
        field: FieldRef,
        /// How.
        comparison: Comparison,
        /// With what.
        value: Scalar,
    },
    /// A field that holds several values has exactly these, in any order.
    SameSet {
        /// The field.
        field: FieldRef,
        /// The values.
        values: Vec<Scalar>,
    },
    /// A text fits a pattern.
    Like {
        /// The field.
        field: FieldRef,
        /// The pattern.
        pattern: Pattern,
    },
    /// The field has one of these values.
    HasAny {
        /// The field.
        field: FieldRef,
        /// The values.
        values: Vec<Scalar>,
    },
    /// The field has all of these values.
    HasAll {
        /// The field.
        field: FieldRef,
        /// The values.
        values: Vec<Scalar>,
    },
    /// The field has a value.
    Present(FieldRef),
}

impl Predicate {
    /// It does not hold, but the field has a value.
    pub(super) fn negated_if_present(field: &FieldRef, inner: Predicate) -> Self {
        Predicate::All(vec![
            Predicate::Present(field.clone()),
            Predicate::Not(Box::new(inner)),
        ])
    }

    /// Whether it holds for an item.
    pub fn holds(&self, candidate: &Candidate) -> bool {
        match self {
            Predicate::All(inner) => inner.iter().all(|predicate| predicate.holds(candidate)),
            Predicate::Any(inner) => inner.iter().any(|predicate| predicate.holds(candidate)),
            Predicate::Not(inner) => !inner.holds(candidate),
            Predicate::Compare {
                field,
                comparison,
                value,
            } => candidate
                .value_of(field)
                .and_then(|found| found.compare(value))
                .is_some_and(|order| comparison.holds(order)),
            Predicate::Like { field, pattern } => {
                matches!(candidate.value_of(field), Some(Scalar::Text(text)) if pattern.matches(&text))
            }
            Predicate::SameSet { field, values } => candidate
                .values_of(field)
                .is_some_and(|found| has_all(&found, values) && has_all(values, &found)),
            Predicate::HasAny { field, values } => candidate
                .values_of(field)
                .is_some_and(|found| values.iter().any(|value| found.contains(value))),
            Predicate::HasAll { field, values } => candidate
                .values_of(field)
                .is_some_and(|found| has_all(&found, values)),
            Predicate::Present(field) => candidate.values_of(field).is_some_and(|found| !found.is_empty()),
        }
    }
}

fn has_all(found: &[Scalar], wanted: &[Scalar]) -> bool {
    let texts: HashSet<&str> = found
        .iter()
        .filter_map(|scalar| match scalar {
            Scalar::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    wanted.iter().all(|value| match value {
        Scalar::Text(text) => texts.contains(text.as_str()),
        other => found.contains(other),
    })
}
