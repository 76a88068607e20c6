//! What is compared: fields of a template and of the item, and their values.

use crate::metadata::template::{FieldKind, TemplateField};
use crate::metadata::values::{Values, moment};
use chrono::NaiveDate;
use serde_json::Value;
use std::cmp::Ordering;

/// One value that can be compared with others of its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Milliseconds since 1970 in UTC.
    Moment(i64),
}

impl Scalar {
    /// Compares two values of one kind; `None` for different kinds.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
            (Scalar::Number(left), Scalar::Number(right)) => Some(left.total_cmp(right)),
            (Scalar::Moment(left), Scalar::Moment(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

/// What can be done with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Text: also patterns.
    Text,
    /// One of several options.
    Choice,
    /// A number.
    Number,
    /// A moment.
    Moment,
    /// A set of texts.
    Many,
}

impl Class {
    /// A value of a query as a value of this class; `Err`: what it must be.
    pub fn scalar(self, value: &Value) -> Result<Scalar, &'static str> {
        match self {
            Class::Text | Class::Choice | Class::Many => match value {
                Value::String(text) => Ok(Scalar::Text(text.clone())),
                _ => Err("must be a string"),
            },
            Class::Number => {
                // Box's own examples write numbers as strings too.
                let number = value
                    .as_f64()
                    .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
                match number.filter(|number| number.is_finite()) {
                    // Negative zero equals zero.
                    Some(number) => Ok(Scalar::Number(number + 0.0)),
                    None => Err("must be a number"),
                }
            }
            Class::Moment => value
                .as_str()
                .and_then(moment_or_day)
                .map(Scalar::Moment)
                .ok_or("must be a date and time as in RFC 3339: 2026-11-22T00:00:00Z"),
        }
    }
}

/// A moment, or the beginning of a day.
fn moment_or_day(text: &str) -> Option<i64> {
    if let Some(moment) = moment(text) {
        return Some(moment.timestamp_millis());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// A field of every item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemField {
    /// `file` or `folder`.
    Type,
    /// The name.
    Name,
    /// The description.
    Description,
    /// What follows the last dot of a file's name.
    Extension,
    /// `user_123`.
    OwnedBy,
    /// The enterprise of the owner.
    OwnerEnterprise,
    /// When it was made here.
    CreatedAt,
    /// When it was last changed here.
    ModifiedAt,
    /// When the content was made.
    ContentCreatedAt,
    /// When the content was last changed.
    ContentModifiedAt,
}

impl ItemField {
    /// Every field with its name in a query.
    pub const TABLE: [(ItemField, &'static str); 10] = [
        (ItemField::Type, "item.type"),
        (ItemField::Name, "item.name"),
        (ItemField::Description, "item.description"),
        (ItemField::Extension, "item.extension"),
        (ItemField::OwnedBy, "item.owned_by"),
        (ItemField::OwnerEnterprise, "item.owner_enterprise_id"),
        (ItemField::CreatedAt, "item.created_at"),
        (ItemField::ModifiedAt, "item.modified_at"),
        (ItemField::ContentCreatedAt, "item.content_created_at"),
        (ItemField::ContentModifiedAt, "item.content_modified_at"),
    ];

    /// The field with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(field, _)| *field)
    }

    fn class(self) -> Class {
        match self {
            ItemField::CreatedAt
            | ItemField::ModifiedAt
            | ItemField::ContentCreatedAt
            | ItemField::ContentModifiedAt => Class::Moment,
            _ => Class::Text,
        }
    }
}

/// A field that a query names.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldRef {
    /// Of the template.
    Metadata {
        /// Its key.
        key: String,
        /// What can be done with it.
        class: Class,
    },
    /// Of the item.
    Item(ItemField),
}

impl FieldRef {
    /// A field of a template.
    pub fn of(field: &TemplateField) -> Self {
        let class = match field.kind {
            FieldKind::Text => Class::Text,
            FieldKind::Float | FieldKind::Integer => Class::Number,
            FieldKind::Date => Class::Moment,
            FieldKind::Enum => Class::Choice,
            FieldKind::MultiSelect | FieldKind::Taxonomy => Class::Many,
        };
        Self::Metadata {
            key: field.key.clone(),
            class,
        }
    }

    /// What can be done with it.
    pub fn class(&self) -> Class {
        match self {
            FieldRef::Metadata { class, .. } => *class,
            FieldRef::Item(field) => field.class(),
        }
    }
}

/// What a query may ask of an item besides its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFacts {
    /// The item's number; orders what is otherwise equal.
    pub id: i64,
    /// A file, not a folder.
    pub is_file: bool,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// Whose it is.
    pub owner: i64,
    /// The enterprise of the owner.
    pub enterprise: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub modified_at: i64,
    /// Milliseconds since 1970.
    pub content_created_at: i64,
    /// Milliseconds since 1970.
    pub content_modified_at: i64,
}

/// An item that the principal may see, with its metadata under the template.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Of the item.
    pub facts: ItemFacts,
    /// Of its metadata.
    pub values: Values,
}

impl Candidate {
    /// The values of a field; `None` where there is none.
    pub fn values_of(&self, field: &FieldRef) -> Option<Vec<Scalar>> {
        match field {
            FieldRef::Item(field) => Some(vec![self.of_item(*field)]),
            FieldRef::Metadata { key, class } => match self.values.get(key)? {
                Value::Array(entries) => entries.iter().map(|entry| class.scalar(entry).ok()).collect(),
                single => class.scalar(single).ok().map(|scalar| vec![scalar]),
            },
        }
    }

    /// The value of a field that holds at most one.
    pub fn value_of(&self, field: &FieldRef) -> Option<Scalar> {
        self.values_of(field)?.into_iter().next()
    }

    fn of_item(&self, field: ItemField) -> Scalar {
        let facts = &self.facts;
        match field {
            ItemField::Type => Scalar::Text(if facts.is_file { "file" } else { "folder" }.to_owned()),
            ItemField::Name => Scalar::Text(facts.name.clone()),
            ItemField::Description => Scalar::Text(facts.description.clone()),
            ItemField::Extension => {
                let extension = facts.name.rsplit_once('.').filter(|_| facts.is_file);
                Scalar::Text(extension.map_or_else(String::new, |(_, extension)| extension.to_owned()))
            }
            ItemField::OwnedBy => Scalar::Text(format!("user_{}", facts.owner)),
            ItemField::OwnerEnterprise => Scalar::Text(facts.enterprise.to_string()),
            ItemField::CreatedAt => Scalar::Moment(facts.created_at),
            ItemField::ModifiedAt => Scalar::Moment(facts.modified_at),
            ItemField::ContentCreatedAt => Scalar::Moment(facts.content_created_at),
            ItemField::ContentModifiedAt => Scalar::Moment(facts.content_modified_at),
        }
    }
}
