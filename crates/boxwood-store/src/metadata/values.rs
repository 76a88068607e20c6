//! The values of an instance, checked against its template.
//!
//! Invariant: what is kept holds only keys of the template, each with a value of its field's kind; dates are UTC with
//! milliseconds, so that they can be compared; a taxonomy field holds a list of node ids. Pure; called by the stores.

use super::error::MetadataError;
use super::template::{FieldKind, MetadataTemplate, TaxonomyRule, TemplateField};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Values by the key of their field.
pub type Values = Map<String, Value>;

/// Characters that the key of a free-form template may have.
const MAX_FREE_KEY: usize = 256;

/// The level of each node that exists, by taxonomy and node id: what the store has looked up.
pub type NodeLevels = HashMap<(String, String), u32>;

/// Checks values and gives them back in the form in which they are kept.
///
/// # Errors
/// [`MetadataError::InvalidValue`] for the first key that does not fit.
pub fn check_values(
    template: &MetadataTemplate,
    values: &Values,
    nodes: &NodeLevels,
) -> Result<Values, MetadataError> {
    let mut checked = Values::new();
    for (key, value) in values {
        let value = if template.is_free_form() {
            free_form(key, value)?
        } else {
            let Some(field) = template.field(key) else {
                let shown: String = key.chars().take(64).collect();
                return Err(MetadataError::value(shown, "is not a field of the template"));
            };
            field_value(field, value, nodes)?
        };
        checked.insert(key.clone(), value);
    }
    Ok(checked)
}

/// The nodes that the values name, by taxonomy: what [`check_values`] needs to know.
pub fn named_nodes<'a>(template: &'a MetadataTemplate, values: &'a Values) -> Vec<(&'a str, &'a str)> {
    let mut named = Vec::new();
    for field in &template.fields {
        let Some(rule) = &field.taxonomy else { continue };
        let ids = match values.get(&field.key) {
            Some(Value::String(id)) => vec![id.as_str()],
            Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        named.extend(ids.into_iter().map(|id| (rule.taxonomy_id.as_str(), id)));
    }
    named
}

fn free_form(key: &str, value: &Value) -> Result<Value, MetadataError> {
    let length = key.chars().count();
    if key.starts_with('$') {
        return Err(MetadataError::value(
            key,
            "must not begin with `$`: such names belong to the server",
        ));
    }
    if !(1..=MAX_FREE_KEY).contains(&length) {
        let shown: String = key.chars().take(64).collect();
        let reason = format!("must be a key of 1 to {MAX_FREE_KEY} characters, not {length}");
        return Err(MetadataError::value(shown, reason));
    }
    match value {
        Value::String(_) => Ok(value.clone()),
        _ => Err(MetadataError::value(key, "must be a string")),
    }
}

fn field_value(field: &TemplateField, value: &Value, nodes: &NodeLevels) -> Result<Value, MetadataError> {
    let refuse = |reason: String| Err(MetadataError::value(&field.key, reason));
    match field.kind {
        FieldKind::Text if value.is_string() => Ok(value.clone()),
        FieldKind::Text => refuse("must be a string".to_owned()),
        FieldKind::Float if value.is_number() => Ok(value.clone()),
        FieldKind::Float => refuse("must be a number".to_owned()),
        FieldKind::Integer if value.is_i64() || value.is_u64() => Ok(value.clone()),
        FieldKind::Integer => refuse("must be a whole number".to_owned()),
        FieldKind::Date => match value.as_str().and_then(moment) {
            Some(moment) => Ok(Value::String(kept_moment(moment))),
            None => refuse("must be a date and time as in RFC 3339: 2026-11-22T00:00:00Z".to_owned()),
        },
        FieldKind::Enum => match value.as_str() {
            Some(key) if field.has_option(key) => Ok(value.clone()),
            _ => refuse(format!("must be {}", options(field, "one of"))),
        },
        FieldKind::MultiSelect => {
            let chosen = texts(field, value)?;
            match chosen.iter().find(|key| !field.has_option(key)) {
                None => Ok(chosen.into()),
                Some(unknown) => {
                    let shown: String = unknown.chars().take(64).collect();
                    refuse(format!(
                        "must hold only {}, not `{shown}`",
                        options(field, "options of")
                    ))
                }
            }
        }
        FieldKind::Taxonomy => {
            let chosen = match value {
                Value::String(id) => vec![id.clone()],
                other => texts(field, other)?,
            };
            if let Some(rule) = &field.taxonomy {
                check_nodes(field, rule, &chosen, nodes)?;
            }
            Ok(chosen.into())
        }
    }
}

/// A list of different texts.
fn texts(field: &TemplateField, value: &Value) -> Result<Vec<String>, MetadataError> {
    let refuse = |reason: &str| Err(MetadataError::value(&field.key, reason));
    let Value::Array(entries) = value else {
        return refuse("must be a list of strings");
    };
    let mut seen = HashSet::new();
    let mut texts = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry.as_str() {
            Some(text) if seen.insert(text) => texts.push(text.to_owned()),
            Some(_) => return refuse("must not hold the same value twice"),
            None => return refuse("must be a list of strings"),
        }
    }
    Ok(texts)
}

fn check_nodes(
    field: &TemplateField,
    rule: &TaxonomyRule,
    chosen: &[String],
    nodes: &NodeLevels,
) -> Result<(), MetadataError> {
    let refuse = |reason: String| Err(MetadataError::value(&field.key, reason));
    if chosen.len() > 1 && !rule.multi_select {
        return refuse("must hold at most one node: the field does not take several".to_owned());
    }
    for id in chosen {
        let shown: String = id.chars().take(64).collect();
        match nodes.get(&(rule.taxonomy_id.clone(), id.clone())) {
            None => {
                let reason = format!(
                    "must hold ids of nodes of `{}`; `{shown}` is none",
                    rule.taxonomy_key
                );
                return refuse(reason);
            }
            Some(level) if !rule.takes_level(*level) => {
                let levels: Vec<String> = rule.selectable_levels.iter().map(u32::to_string).collect();
                return refuse(format!(
                    "must hold nodes of level {}; `{shown}` is of level {level}",
                    levels.join(" or ")
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The first options, for a message.
fn options(field: &TemplateField, words: &str) -> String {
    const SHOWN: usize = 10;
    let mut names: Vec<String> = field
        .options
        .iter()
        .take(SHOWN)
        .map(|option| format!("`{}`", option.key))
        .collect();
    if field.options.len() > SHOWN {
        names.push("…".to_owned());
    }
    format!("{words} {}", names.join(", "))
}

/// A moment of a text, RFC 3339.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    Some(moment.to_utc())
}

/// A moment as it is kept.
fn kept_moment(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{TaxonomyRule, testing};
    use serde_json::json;

    fn template() -> MetadataTemplate {
        let field = |kind: FieldKind, options: &[&str]| testing::field(kind.as_str(), kind, options);
        let rule = TaxonomyRule {
            taxonomy_id: "t".into(),
            taxonomy_key: "geography".into(),
            namespace: "enterprise_1".into(),
            multi_select: false,
            selectable_levels: vec![2],
        };
        let place = TemplateField {
            taxonomy: Some(rule),
            ..field(FieldKind::Taxonomy, &[])
        };
        testing::template(vec![
            field(FieldKind::Text, &[]),
            field(FieldKind::Float, &[]),
            field(FieldKind::Integer, &[]),
            field(FieldKind::Date, &[]),
            field(FieldKind::Enum, &["a", "b"]),
            field(FieldKind::MultiSelect, &["a", "b"]),
            place,
        ])
    }

    #[track_caller]
    fn check(key: &str, value: Value, expected: Option<Value>) {
        let template = template();
        let values: Values = [(key.to_owned(), value.clone())].into_iter().collect();
        let nodes: NodeLevels = [(("t".into(), "n2".into()), 2), (("t".into(), "n1".into()), 1)]
            .into_iter()
            .collect();
        let found = check_values(&template, &values, &nodes).ok();
        assert_eq!(
            found.and_then(|mut found| found.remove(key)),
            expected,
            "{key}: {value}"
        );
    }

    #[test]
    fn values_fit_their_field() {
        check("string", json!("x"), Some(json!("x")));
        check("string", json!(1), None);
        check("string", json!(null), None);
        check("float", json!(23), Some(json!(23)));
        check("float", json!(1.5), Some(json!(1.5)));
        check("float", json!("1"), None);
        check("integer", json!(3), Some(json!(3)));
        check("integer", json!(3.5), None);
        check(
            "date",
            json!("2035-01-02T00:00:00Z"),
            Some(json!("2035-01-02T00:00:00.000Z")),
        );
        check(
            "date",
            json!("2035-01-02T02:00:00.5+02:00"),
            Some(json!("2035-01-02T00:00:00.500Z")),
        );
        check("date", json!("2035-01-02"), None);
        check("enum", json!("a"), Some(json!("a")));
        check("enum", json!("c"), None);
        check("enum", json!(["a"]), None);
        check("multiSelect", json!(["b", "a"]), Some(json!(["b", "a"])));
        check("multiSelect", json!([]), Some(json!([])));
        check("multiSelect", json!(["a", "a"]), None);
        check("multiSelect", json!(["a", "c"]), None);
        check("multiSelect", json!("a"), None);
        check("taxonomy", json!("n2"), Some(json!(["n2"])));
        check("taxonomy", json!(["n2"]), Some(json!(["n2"])));
        check("taxonomy", json!(["n1"]), None);
        check("taxonomy", json!(["n3"]), None);
        check("unknown", json!("x"), None);
    }

    #[test]
    fn free_form_values_are_texts() {
        let template = MetadataTemplate::built_in_by_key("properties").unwrap();
        for (values, fits) in [
            (json!({"any key": "x", "日本": ""}), true),
            (json!({"a": 1}), false),
            (json!({"$a": "x"}), false),
            (json!({"": "x"}), false),
        ] {
            let values = values.as_object().unwrap();
            let checked = check_values(&template, values, &NodeLevels::new());
            assert_eq!(checked.is_ok(), fits, "{values:?}");
        }
    }
}
