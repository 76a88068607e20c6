//! Templates as values: what they are, and what is asked of a new one.
//!
//! Invariant: a [`MetadataTemplate`] went through the rules of `template_rules`; its fields' keys are unique, and so are
//! the keys of each field's options. The serde forms are how a store keeps fields; wire structs are the server's.

use super::scope::{TemplateScope, enterprise_scope};
use boxwood_core::EnterpriseId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FieldKind {
    /// Text.
    #[serde(rename = "string")]
    Text,
    /// A number.
    #[serde(rename = "float")]
    Float,
    /// A whole number: Box's old kind, which new fields can't have.
    #[serde(rename = "integer")]
    Integer,
    /// A moment, RFC 3339.
    #[serde(rename = "date")]
    Date,
    /// One of the options.
    #[serde(rename = "enum")]
    Enum,
    /// Any of the options.
    #[serde(rename = "multiSelect")]
    MultiSelect,
    /// Nodes of a taxonomy.
    #[serde(rename = "taxonomy")]
    Taxonomy,
}

impl FieldKind {
    /// Every kind with its name on the wire.
    pub const TABLE: [(FieldKind, &'static str); 7] = [
        (FieldKind::Text, "string"),
        (FieldKind::Float, "float"),
        (FieldKind::Integer, "integer"),
        (FieldKind::Date, "date"),
        (FieldKind::Enum, "enum"),
        (FieldKind::MultiSelect, "multiSelect"),
        (FieldKind::Taxonomy, "taxonomy"),
    ];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, name)| name)
    }

    /// Reads what [`FieldKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(kind, _)| *kind)
    }

    /// Whether fields of this kind have a list of options of their own.
    pub fn has_options(self) -> bool {
        matches!(self, FieldKind::Enum | FieldKind::MultiSelect)
    }
}

/// One option of an `enum` or `multiSelect` field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldOption {
    /// A UUID; stays when the key changes.
    pub id: String,
    /// What instances hold, and what a person sees.
    pub key: String,
    /// Box's `staticConfig`: the definition and the colour of a classification. Kept and shown as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub static_config: Option<Value>,
}

/// What a `taxonomy` field takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxonomyRule {
    /// The taxonomy's UUID.
    pub taxonomy_id: String,
    /// Its key.
    pub taxonomy_key: String,
    /// Its namespace: `enterprise_123`.
    pub namespace: String,
    /// Whether the field may hold several nodes.
    pub multi_select: bool,
    /// Levels, from 1, whose nodes may be chosen; empty: all.
    pub selectable_levels: Vec<u32>,
}

impl TaxonomyRule {
    /// Whether nodes of that level may be chosen.
    pub fn takes_level(&self, level: u32) -> bool {
        self.selectable_levels.is_empty() || self.selectable_levels.contains(&level)
    }
}

/// One field of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateField {
    /// A UUID; stays when the key changes.
    pub id: String,
    /// What it holds.
    pub kind: FieldKind,
    /// The name of its values in instances.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// For whoever makes templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// In order; empty for kinds without options.
    #[serde(default)]
    pub options: Vec<FieldOption>,
    /// Of a `taxonomy` field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxonomy: Option<TaxonomyRule>,
}

impl TemplateField {
    /// Whether there is an option with that key.
    pub fn has_option(&self, key: &str) -> bool {
        self.options.iter().any(|option| option.key == key)
    }
}

/// A template.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataTemplate {
    /// A UUID.
    pub id: String,
    /// Whose it is; `None`: built in, scope `global`.
    pub enterprise: Option<EnterpriseId>,
    /// The name in paths; unique in its scope.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Whether the copy of an item gets a copy of its instance.
    pub copy_with_item: bool,
    /// Counts changes: `$typeVersion` of instances.
    pub revision: u32,
    /// In order.
    pub fields: Vec<TemplateField>,
}

impl MetadataTemplate {
    /// `global` or `enterprise_123`.
    pub fn scope(&self) -> String {
        match &self.enterprise {
            Some(id) => enterprise_scope(id),
            None => "global".to_owned(),
        }
    }

    /// The field with that key.
    pub fn field(&self, key: &str) -> Option<&TemplateField> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The fields that take nodes of a taxonomy.
    pub fn fields_of_taxonomy<'a>(&'a self, taxonomy_id: &'a str) -> impl Iterator<Item = &'a TemplateField> {
        self.fields.iter().filter(move |field| {
            field
                .taxonomy
                .as_ref()
                .is_some_and(|rule| rule.taxonomy_id == taxonomy_id)
        })
    }

    /// Whether instances take any key with a text, as Box's `global/properties` does.
    pub fn is_free_form(&self) -> bool {
        self.enterprise.is_none()
    }

    /// The built-in templates: Box's bucket of free key–value pairs.
    pub fn built_in() -> Vec<Self> {
        vec![Self {
            id: "b05c0000-0000-4000-8000-000000000001".to_owned(),
            enterprise: None,
            key: "properties".to_owned(),
            display_name: "Properties".to_owned(),
            hidden: false,
            copy_with_item: false,
            revision: 0,
            fields: Vec::new(),
        }]
    }

    /// The built-in template with that key.
    pub fn built_in_by_key(key: &str) -> Option<Self> {
        Self::built_in().into_iter().find(|template| template.key == key)
    }
}

/// An option to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOption {
    /// Its key.
    pub key: String,
    /// Box's `staticConfig`.
    pub static_config: Option<Value>,
}

/// The taxonomy of a field to make, by key and namespace or by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTaxonomyRule {
    /// The taxonomy's key.
    pub taxonomy_key: Option<String>,
    /// The taxonomy's UUID.
    pub taxonomy_id: Option<String>,
    /// Its namespace; `None`: the template's own enterprise.
    pub namespace: Option<TemplateScope>,
    /// Whether the field may hold several nodes.
    pub multi_select: bool,
    /// Levels whose nodes may be chosen; empty: all.
    pub selectable_levels: Vec<u32>,
}

/// A field to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewField {
    /// What it holds.
    pub kind: FieldKind,
    /// Its key.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// For whoever makes templates.
    pub description: Option<String>,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// In order.
    pub options: Vec<NewOption>,
    /// Of a `taxonomy` field.
    pub taxonomy: Option<NewTaxonomyRule>,
}

/// A template to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTemplate {
    /// The name in paths; `None`: made from the display name.
    pub key: Option<String>,
    /// What a person sees.
    pub display_name: String,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Whether the copy of an item gets a copy of its instance.
    pub copy_with_item: bool,
    /// In order.
    pub fields: Vec<NewField>,
}

/// Which page of a list that is ordered by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// The marker of the page before; `None`: the first page.
    pub marker: Option<String>,
    /// 1 to 1,000 entries.
    pub limit: u32,
}

impl Default for PageQuery {
    fn default() -> Self {
        Self {
            marker: None,
            limit: 100,
        }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Marker of the next page; `None` on the last one.
    pub next_marker: Option<String>,
}

impl<T> Page<T> {
    /// Cuts a page out of a sorted list.
    ///
    /// # Errors
    /// A marker that names no place in this order.
    pub fn cut(
        sorted: Vec<T>,
        query: &PageQuery,
        place: impl Fn(&T) -> String,
    ) -> Result<Self, super::error::MetadataError> {
        let after = match &query.marker {
            None => None,
            Some(marker) => Some(read_marker(marker)?),
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut rest = sorted
            .into_iter()
            .filter(|entry| after.as_ref().is_none_or(|after| place(entry) > *after));
        let entries: Vec<T> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let next_marker = entries
            .last()
            .filter(|_| more)
            .map(|last| write_marker(&place(last)));
        Ok(Self { entries, next_marker })
    }
}

/// A place in an order as a marker.
pub(crate) fn write_marker(place: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(place)
}

/// The place that a marker names.
pub(crate) fn read_marker(marker: &str) -> Result<String, super::error::MetadataError> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            super::error::MetadataError::invalid("marker", "must be the marker of the page before")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_name_everywhere() {
        for (kind, name) in FieldKind::TABLE {
            assert_eq!(FieldKind::parse(name), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
        }
    }

    #[test]
    fn pages_join_without_gaps() {
        let all: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let mut query = PageQuery {
            marker: None,
            limit: 2,
        };
        let mut seen = Vec::new();
        loop {
            let page = Page::cut(all.clone(), &query, Clone::clone).unwrap();
            seen.extend(page.entries);
            match page.next_marker {
                Some(marker) => query.marker = Some(marker),
                None => break,
            }
        }
        assert_eq!(seen, all);
        query.marker = Some("!".into());
        assert!(Page::cut(all, &query, Clone::clone).is_err());
    }
}
