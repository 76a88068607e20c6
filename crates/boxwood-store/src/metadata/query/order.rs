//! The order of a result, and its pages.
//!
//! Invariant: the order is total (ties are broken by the item's number), what has no value comes last, and a marker names
//! a place in the order and not a count, so items that come or go between two pages are neither shown twice nor skipped.

use super::parser::field_named;
use super::scalar::{Candidate, Class, FieldRef, Scalar};
use crate::metadata::error::MetadataError;
use crate::metadata::template::{MetadataTemplate, read_marker, write_marker};
use serde::{Deserialize, Serialize};
use std::cmp;

/// One field of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataOrder {
    /// The field's key, or `item.…`.
    pub key: String,
    /// Largest first.
    pub descending: bool,
}

/// An order over candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordering {
    fields: Vec<FieldRef>,
    descending: bool,
}

/// A place in an order.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    keys: Vec<Option<Scalar>>,
    item: i64,
}

/// A marker's content. Numbers are kept by their bits, so that they are read back exactly.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker {
    /// Of which query.
    query: String,
    keys: Vec<Option<Key>>,
    item: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Key {
    Text(String),
    Number(u64),
    Moment(i64),
}

impl Ordering {
    /// An order by fields of a template.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for a field that is not there or has no order, and for directions that differ.
    pub fn new(template: &MetadataTemplate, order: &[MetadataOrder]) -> Result<Self, MetadataError> {
        let descending = order.first().is_some_and(|first| first.descending);
        let mut fields = Vec::with_capacity(order.len());
        for (index, wanted) in order.iter().enumerate() {
            let Some(field) = field_named(template, &wanted.key) else {
                let reason = "must be the key of a field of the template";
                return Err(MetadataError::invalid(
                    format!("order_by[{index}].field_key"),
                    reason,
                ));
            };
            if matches!(field.class(), Class::Many | Class::Choice) {
                let reason = "must be a field of type `string`, `float` or `date`: others have no order";
                return Err(MetadataError::invalid(
                    format!("order_by[{index}].field_key"),
                    reason,
                ));
            }
            if wanted.descending != descending {
                let reason = "must be the same for every field";
                return Err(MetadataError::invalid(
                    format!("order_by[{index}].direction"),
                    reason,
                ));
            }
            fields.push(field);
        }
        Ok(Self { fields, descending })
    }

    /// Sorts candidates and gives a page of them with the marker of the next one. `query` tells queries apart.
    ///
    /// # Errors
    /// A marker of another query.
    pub fn page(
        &self,
        candidates: Vec<Candidate>,
        query: &str,
        marker: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Candidate>, Option<String>), MetadataError> {
        let after = marker.map(|marker| read(marker, query)).transpose()?;
        let mut placed: Vec<(Place, Candidate)> = candidates
            .into_iter()
            .map(|candidate| (self.place(&candidate), candidate))
            .filter(|(place, _)| {
                after
                    .as_ref()
                    .is_none_or(|after| self.compare(place, after).is_gt())
            })
            .collect();
        placed.sort_by(|left, right| self.compare(&left.0, &right.0));
        let more = placed.len() > limit;
        placed.truncate(limit);
        let next = match placed.last() {
            Some((place, _)) if more => Some(write(place, query)?),
            _ => None,
        };
        Ok((placed.into_iter().map(|(_, candidate)| candidate).collect(), next))
    }

    fn place(&self, candidate: &Candidate) -> Place {
        Place {
            keys: self
                .fields
                .iter()
                .map(|field| candidate.value_of(field))
                .collect(),
            item: candidate.facts.id,
        }
    }

    fn compare(&self, left: &Place, right: &Place) -> cmp::Ordering {
        for (left, right) in left.keys.iter().zip(&right.keys) {
            let order = match (left, right) {
                (Some(left), Some(right)) => {
                    let order = left.compare(right).unwrap_or(cmp::Ordering::Equal);
                    if self.descending { order.reverse() } else { order }
                }
                (Some(_), None) => cmp::Ordering::Less,
                (None, Some(_)) => cmp::Ordering::Greater,
                (None, None) => cmp::Ordering::Equal,
            };
            if order.is_ne() {
                return order;
            }
        }
        left.item.cmp(&right.item)
    }
}

fn write(place: &Place, query: &str) -> Result<String, MetadataError> {
    let key = |scalar: &Scalar| match scalar {
        Scalar::Text(text) => Key::Text(text.clone()),
        Scalar::Number(number) => Key::Number(number.to_bits()),
        Scalar::Moment(moment) => Key::Moment(*moment),
    };
    let marker = Marker {
        query: query.to_owned(),
        keys: place.keys.iter().map(|value| value.as_ref().map(key)).collect(),
        item: place.item,
    };
    let json = serde_json::to_string(&marker)
        .map_err(|error| MetadataError::invalid("marker", format!("can't be written: {error}")))?;
    Ok(write_marker(&json))
}

fn read(marker: &str, query: &str) -> Result<Place, MetadataError> {
    let text = read_marker(marker)?;
    match serde_json::from_str::<Marker>(&text) {
        Ok(marker) if marker.query == query => Ok(Place {
            keys: marker
                .keys
                .into_iter()
                .map(|key| {
                    key.map(|key| match key {
                        Key::Text(text) => Scalar::Text(text),
                        Key::Number(bits) => Scalar::Number(f64::from_bits(bits)),
                        Key::Moment(moment) => Scalar::Moment(moment),
                    })
                })
                .collect(),
            item: marker.item,
        }),
        _ => Err(MetadataError::invalid(
            "marker",
            "must be the marker of the page before of the same query",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::query::scalar::ItemFacts;
    use crate::metadata::template::FieldKind;
    use crate::metadata::testing::{self, field};
    use serde_json::{Value, json};

    fn template() -> MetadataTemplate {
        testing::template(vec![
            field("n", FieldKind::Float, &[]),
            field("t", FieldKind::Text, &[]),
            field("e", FieldKind::Enum, &[]),
        ])
    }

    fn candidates() -> Vec<Candidate> {
        let one = |id: i64, values: Value| Candidate {
            facts: ItemFacts {
                id,
                is_file: true,
                name: format!("{id}"),
                description: String::new(),
                owner: 1,
                enterprise: 1,
                created_at: 0,
                modified_at: 0,
                content_created_at: 0,
                content_modified_at: 0,
            },
            values: values.as_object().unwrap().clone(),
        };
        vec![
            one(1, json!({"n": 0.1, "t": "b"})),
            one(2, json!({"t": "a"})),
            one(3, json!({"n": 0.3, "t": "a"})),
            one(4, json!({"n": 0.1, "t": "a"})),
            one(5, json!({})),
        ]
    }

    fn by(keys: &[(&str, bool)]) -> Vec<MetadataOrder> {
        keys.iter()
            .map(|(key, descending)| MetadataOrder {
                key: (*key).to_owned(),
                descending: *descending,
            })
            .collect()
    }

    #[track_caller]
    fn check(order: &[(&str, bool)], expected: &[i64]) {
        let order = Ordering::new(&template(), &by(order)).unwrap();
        for limit in 1..=5 {
            let (mut seen, mut marker) = (Vec::new(), None);
            loop {
                let (page, next) = order.page(candidates(), "q", marker.as_deref(), limit).unwrap();
                seen.extend(page.iter().map(|candidate| candidate.facts.id));
                match next {
                    Some(next) => marker = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, expected, "pages of {limit}");
        }
    }

    #[test]
    fn orders_are_total_and_pages_join() {
        check(&[], &[1, 2, 3, 4, 5]);
        check(&[("n", false)], &[1, 4, 3, 2, 5]);
        check(&[("n", true)], &[3, 1, 4, 2, 5]);
        check(&[("n", false), ("t", false)], &[4, 1, 3, 2, 5]);
        check(&[("item.name", true)], &[5, 4, 3, 2, 1]);
    }

    #[test]
    fn wrong_orders_and_markers_are_refused() {
        for (order, field) in [
            (by(&[("none", false)]), "order_by[0].field_key"),
            (by(&[("n", false), ("e", false)]), "order_by[1].field_key"),
            (by(&[("n", false), ("t", true)]), "order_by[1].direction"),
        ] {
            let refusal = Ordering::new(&template(), &order).unwrap_err();
            assert!(matches!(refusal, MetadataError::Invalid { field: found, .. } if found == field));
        }
        let order = Ordering::new(&template(), &[]).unwrap();
        let (_, marker) = order.page(candidates(), "q", None, 2).unwrap();
        assert!(order.page(candidates(), "other", marker.as_deref(), 2).is_err());
        assert!(order.page(candidates(), "q", Some("x"), 2).is_err());
    }
}
