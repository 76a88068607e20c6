//! The filters of a search (`mdfilters`): exact values, ranges, any of several; all of them must hold.

use super::parser::field_named;
use super::predicate::{Comparison, Predicate};
use super::scalar::{Class, FieldRef};
use crate::metadata::error::MetadataError;
use crate::metadata::scope::TemplateScope;
use crate::metadata::template::MetadataTemplate;
use serde_json::Value;

/// A range; both bounds belong to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Range {
    /// The upper bound: `lt`.
    pub most: Option<Value>,
    /// The lower bound: `gt`.
    pub least: Option<Value>,
}

/// What one field must be.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldFilter {
    /// This value; of a field with several values: one of them.
    Exactly(Value),
    /// Within these bounds: numbers and dates.
    Within(Range),
    /// One of these values.
    AnyOf(Vec<Value>),
}

/// A filter over one template.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataFilter {
    /// The scope of the template.
    pub scope: TemplateScope,
    /// The template's key.
    pub template_key: String,
    /// Keys of fields and what they must be; none: every item that has metadata of the template.
    pub fields: Vec<(String, FieldFilter)>,
}

impl MetadataFilter {
    /// The filter as a predicate over its template.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for `filters.<key>`: no such field, or a value of another type.
    pub fn predicate(&self, template: &MetadataTemplate) -> Result<Predicate, MetadataError> {
        let mut parts = Vec::with_capacity(self.fields.len());
        for (key, wanted) in &self.fields {
            let shown: String = key.chars().take(64).collect();
            let path = format!("filters.{shown}");
            let field = field_named(template, key)
                .ok_or_else(|| MetadataError::invalid(&path, "must be a field of the template"))?;
            parts.push(condition(field, wanted, &path)?);
        }
        Ok(Predicate::All(parts))
    }
}

fn condition(field: FieldRef, wanted: &FieldFilter, path: &str) -> Result<Predicate, MetadataError> {
    let class = field.class();
    let scalar = |value: &Value| {
        class
            .scalar(value)
            .map_err(|reason| MetadataError::invalid(path, reason))
    };
    match wanted {
        FieldFilter::Exactly(value) => Ok(Predicate::HasAny {
            values: vec![scalar(value)?],
            field,
        }),
        FieldFilter::AnyOf(values) => Ok(Predicate::HasAny {
            values: values.iter().map(scalar).collect::<Result<_, _>>()?,
            field,
        }),
        FieldFilter::Within(range) => {
            if !matches!(class, Class::Number | Class::Moment) {
                return Err(MetadataError::invalid(
                    path,
                    "must not be a range: the field is neither a number nor a date",
                ));
            }
            let mut parts = vec![Predicate::Present(field.clone())];
            for (bound, comparison) in [
                (&range.least, Comparison::AtLeast),
                (&range.most, Comparison::AtMost),
            ] {
                if let Some(bound) = bound {
                    parts.push(Predicate::Compare {
                        field: field.clone(),
                        comparison,
                        value: scalar(bound)?,
                    });
                }
            }
            Ok(Predicate::All(parts))
        }
    }
}
