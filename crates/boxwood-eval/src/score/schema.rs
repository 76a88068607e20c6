//! Values against schemas: is it JSON, is it valid.

use super::{Pair, RowScore, Scored, as_number, mean};
use crate::predictions::Prediction;
use crate::rows::Row;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Formats that `score.py` passes over: Python checks them only with packages beside its own.
const UNCHECKED_FORMATS: [&str; 8] = [
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "hostname",
    "idn-hostname",
    "duration",
];

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let (mut parsed, mut valid) = (Vec::new(), Vec::new());
    let mut rows = Vec::with_capacity(pairs.len());
    for (row, prediction) in pairs {
        let value = prediction.and_then(value_of);
        let is_valid = value.as_ref().is_some_and(|value| is_valid(row, value));
        parsed.push(as_number(value.is_some()));
        valid.push(as_number(is_valid));
        rows.push(RowScore::new(row, as_number(is_valid)));
    }
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(rows.len()));
    metrics.insert("json_valid".to_owned(), mean(&parsed));
    metrics.insert("schema_valid".to_owned(), mean(&valid));
    Scored {
        measure: "schema_valid",
        metrics,
        rows,
    }
}

/// The value itself; a text is the JSON of one.
fn value_of(prediction: &Prediction) -> Option<Cow<'_, Value>> {
    match &prediction.answer {
        Value::String(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        value => Some(Cow::Borrowed(value)),
    }
}

fn is_valid(row: &Row, value: &Value) -> bool {
    let Some(schema) = &row.schema else {
        return false;
    };
    validator(schema).is_some_and(|validator| validator.is_valid(value))
}

/// `None` for a schema that is none. Nothing is fetched; formats are those that a plain Python installation checks.
fn validator(schema: &Value) -> Option<Validator> {
    let draft = match Draft::default().detect(schema) {
        Draft::Unknown => Draft::default(),
        known => known,
    };
    let mut options = jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(true)
        .with_format("email", |text: &str| text.contains('@'));
    for name in UNCHECKED_FORMATS {
        options = options.with_format(name, |_: &str| true);
    }
    let built = options.build(schema);
    built
        .or_else(|_| options.build(&with_literal_braces(schema)))
        .ok()
}

/// The same with braces in patterns escaped where they bound no repetition: Python reads `\{d}` as it stands, stricter
/// readers refuse it.
fn with_literal_braces(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| {
                    let member = match member {
                        Value::String(pattern) if key == "pattern" => Value::String(literal_braces(pattern)),
                        other => with_literal_braces(other),
                    };
                    (key.clone(), member)
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.iter().map(with_literal_braces).collect()),
        other => other.clone(),
    }
}

fn literal_braces(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len() + 4);
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                written.push(character);
                written.extend(rest.next());
            }
            '{' => match repetition(rest.as_str()) {
                Some(bounds) => {
                    written.push_str(&format!("{{{bounds}}}"));
                    rest = rest.as_str()[bounds.len() + 1..].chars();
                }
                None => written.push_str("\\{"),
            },
            '}' => written.push_str("\\}"),
            other => written.push(other),
        }
    }
    written
}

/// `3`, `3,` or `3,5` before a closing brace.
fn repetition(rest: &str) -> Option<&str> {
    let bounds = &rest[..rest.find('}')?];
    let is_bound = |character: char| character.is_ascii_digit() || character == ',';
    let begins = bounds.chars().next().is_some_and(|first| first.is_ascii_digit());
    (begins && bounds.chars().all(is_bound)).then_some(bounds)
}
