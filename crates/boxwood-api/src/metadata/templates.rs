//! Metadata templates on the wire: the resource, and the body that makes one.
//!
//! Called by the server's handlers. Unknown members are ignored; names that Box writes in camel case stay so.

use crate::error::Reason;
use crate::reading::{Findings, Reader, one_of};
use serde::Serialize;
use serde_json::Value;

/// Types of a field.
const TYPES: &[(&str, &str)] = &[
    ("string", "string"),
    ("float", "float"),
    ("integer", "integer"),
    ("date", "date"),
    ("enum", "enum"),
    ("multiSelect", "multiSelect"),
    ("taxonomy", "taxonomy"),
];

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataTemplate {
    /// The UUID.
    pub id: String,
    /// Always `metadata_template`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name in paths.
    pub template_key: String,
    /// `global` or `enterprise_123`.
    pub scope: String,
    /// What a person sees.
    pub display_name: String,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Whether copies of items get copies of instances.
    pub copy_instance_on_item_copy: bool,
    /// In order.
    pub fields: Vec<TemplateField>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateField {
    /// The UUID.
    pub id: String,
    /// `string`, `float`, ….
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name of its values.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// For whoever makes templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Of `enum` and `multiSelect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<FieldOption>>,
    /// Of `taxonomy`.
    #[serde(flatten)]
    pub taxonomy: Option<FieldTaxonomy>,
}

/// The taxonomy of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldTaxonomy {
    /// Its key.
    pub taxonomy_key: String,
    /// Its UUID.
    pub taxonomy_id: String,
    /// `enterprise_123`.
    pub namespace: String,
    /// What may be chosen.
    pub options_rules: OptionsRules,
}

/// What may be chosen of a taxonomy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OptionsRules {
    /// Whether several nodes may be chosen.
    pub multi_select: bool,
    /// From 1; empty: all.
    pub selectable_levels: Vec<u32>,
}

/// An option of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldOption {
    /// The UUID.
    pub id: String,
    /// What instances hold.
    pub key: String,
    /// Of a classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub static_config: Option<Value>,
}

/// A page of templates, taxonomies or nodes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarkerPage<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// The most entries of a page.
    pub limit: u32,
    /// Where the next page starts; `null` on the last one.
    pub next_marker: Option<String>,
    /// Always `null`: pages are read forwards.
    pub prev_marker: Option<String>,
    /// How many there are in all, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_result_count: Option<usize>,
}

impl<T> MarkerPage<T> {
    /// A page without a count.
    pub fn new(entries: Vec<T>, limit: u32, next_marker: Option<String>) -> Self {
        Self {
            entries,
            limit,
            next_marker,
            prev_marker: None,
            total_result_count: None,
        }
    }
}

/// A field to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewField {
    /// `string`, `float`, ….
    pub kind: &'static str,
    /// The name of its values.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// For whoever makes templates.
    pub description: Option<String>,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Keys and configurations, in order.
    pub options: Vec<NewOption>,
    /// Where the field names one.
    pub taxonomy: Option<NewTaxonomy>,
}

/// An option to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOption {
    /// Its key.
    pub key: String,
    /// Of a classification.
    pub static_config: Option<Value>,
}

/// The taxonomy that a new field names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTaxonomy {
    /// Its key.
    pub key: Option<String>,
    /// Its UUID.
    pub id: Option<String>,
    /// `enterprise_123`.
    pub namespace: Option<String>,
    /// What may be chosen.
    pub rules: OptionsRules,
}

/// `POST /2.0/metadata_templates/schema`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTemplate {
    /// `enterprise`, `enterprise_123`; `global` is refused by the handler.
    pub scope: String,
    /// The name in paths; absent: made from the display name.
    pub template_key: Option<String>,
    /// What a person sees.
    pub display_name: String,
    /// Whether user interfaces leave it out.
    pub hidden: bool,
    /// Whether copies of items get copies of instances.
    pub copy_instance_on_item_copy: bool,
    /// In order.
    pub fields: Vec<NewField>,
}

impl CreateTemplate {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let scope = reader.required_text("scope", findings).map(str::to_owned);
        let template_key = reader.text("templateKey", findings).map(str::to_owned);
        let display_name = reader.required_text("displayName", findings).map(str::to_owned);
        let hidden = reader.flag("hidden", findings).unwrap_or(false);
        let copy = reader.flag("copyInstanceOnItemCopy", findings).unwrap_or(false);
        let entries = reader.array("fields", findings).unwrap_or_default();
        let fields: Vec<Option<NewField>> = entries
            .iter()
            .enumerate()
            .map(|(index, field)| NewField::read(field, &format!("fields[{index}]"), None, findings))
            .collect();
        reader.close(findings);
        Some(Self {
            scope: scope?,
            template_key,
            display_name: display_name?,
            hidden,
            copy_instance_on_item_copy: copy,
            fields: fields.into_iter().collect::<Option<_>>()?,
        })
    }
}

impl NewField {
    /// Reads a field. `key` is used where the field has none: `addField` may name it beside the field.
    pub(super) fn read(
        value: &Value,
        path: &str,
        key: Option<&str>,
        findings: &mut Findings,
    ) -> Option<Self> {
        let mut reader = Reader::object(value, path, findings)?;
        let kind = reader
            .required_text("type", findings)
            .and_then(|text| one_of(text, TYPES, &reader.path_of("type"), findings));
        let own_key = match key {
            Some(key) => Some(reader.text("key", findings).unwrap_or(key)),
            None => reader.required_text("key", findings),
        };
        let display_name = reader.required_text("displayName", findings).map(str::to_owned);
        let description = reader.text("description", findings).map(str::to_owned);
        let hidden = reader.flag("hidden", findings).unwrap_or(false);
        let path = reader.path_of("options");
        let entries = reader.array("options", findings).unwrap_or_default();
        let options: Vec<Option<NewOption>> = entries
            .iter()
            .enumerate()
            .map(|(index, option)| NewOption::read(option, &format!("{path}[{index}]"), findings))
            .collect();
        let taxonomy = NewTaxonomy::read(&mut reader, findings);
        reader.close(findings);
        Some(Self {
            kind: kind?,
            key: own_key?.to_owned(),
            display_name: display_name?,
            description,
            hidden,
            options: options.into_iter().collect::<Option<_>>()?,
            taxonomy,
        })
    }
}

impl NewOption {
    pub(super) fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(value, path, findings)?;
        let key = reader.required_text("key", findings).map(str::to_owned);
        let static_config = reader.value("staticConfig").cloned();
        reader.close(findings);
        Some(Self {
            key: key?,
            static_config,
        })
    }
}

impl NewTaxonomy {
    /// Reads what a field says of its taxonomy; `None` where it names none.
    fn read(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Self> {
        let key = reader.text("taxonomyKey", findings).map(str::to_owned);
        let id = reader.text("taxonomyId", findings).map(str::to_owned);
        let namespace = reader.text("namespace", findings).map(str::to_owned);
        let rules = reader.child("optionsRules", findings);
        let rules = rules.map(|mut rules| {
            let read = OptionsRules {
                multi_select: rules.flag("multiSelect", findings).unwrap_or(false),
                selectable_levels: levels(&mut rules, findings),
            };
            rules.close(findings);
            read
        });
        (key.is_some() || id.is_some()).then(|| Self {
            key,
            id,
            namespace,
            rules: rules.unwrap_or_default(),
        })
    }
}

fn levels(reader: &mut Reader<'_>, findings: &mut Findings) -> Vec<u32> {
    let path = reader.path_of("selectableLevels");
    let entries = reader.array("selectableLevels", findings).unwrap_or_default();
    let mut levels = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match entry.as_u64().and_then(|level| u32::try_from(level).ok()) {
            Some(level) => levels.push(level),
            None => findings.refuse(
                Reason::WrongType,
                format!("{path}[{index}]"),
                "must be the number of a level, counted from 1",
            ),
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn refused(body: Value, expected: &[&str]) {
        let mut findings = Findings::default();
        CreateTemplate::read(&body, &mut findings);
        let names: Vec<&str> = findings.errors.iter().map(|error| error.name.as_str()).collect();
        assert_eq!(names, expected, "{body}");
    }

    #[test]
    fn every_wrong_field_is_named() {
        refused(json!({}), &["scope", "displayName"]);
        refused(json!([]), &[""]);
        refused(
            json!({"scope": "enterprise", "displayName": "A", "hidden": 1, "fields": [
                {"type": "strings", "key": "a", "displayName": "A"},
                {"type": "enum", "displayName": 1, "options": [{}, {"key": 1}]},
                7,
                {"type": "taxonomy", "key": "t", "displayName": "T", "taxonomyKey": "x",
                 "optionsRules": {"selectableLevels": [1, "2"]}},
            ]}),
            &[
                "hidden",
                "fields[0].type",
                "fields[1].key",
                "fields[1].displayName",
                "fields[1].options[0].key",
                "fields[1].options[1].key",
                "fields[2]",
                "fields[3].optionsRules.selectableLevels[1]",
            ],
        );
        refused(json!({"scope": "enterprise", "displayName": "A"}), &[]);
    }
}
