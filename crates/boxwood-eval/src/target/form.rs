//! What a row asks for, in a form that both targets understand: fields or a prompt for an extraction, turns for a
//! conversation, a prompt for a value.

use crate::rows::Turn;
use boxwood_answer::DialogueTurn;
use serde_json::{Map, Value};

/// Members of a schema that say nothing about what is wanted.
const NOISE: [&str; 8] = [
    "evaluation_config",
    "$schema",
    "examples",
    "default",
    "minimum",
    "maximum",
    "minItems",
    "additionalProperties",
];
/// The description by which a schema asks for a date.
const DATE: &str = "YYYY-MM-DD";

/// Types of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlatKind {
    Text,
    Number,
    Boolean,
    Date,
}

/// One field of a flat schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlatField {
    pub(super) key: String,
    pub(super) kind: FlatKind,
    pub(super) description: Option<String>,
}

/// How an extraction is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ExtractForm {
    /// By fields with types: the schema is flat.
    Fields(Vec<FlatField>),
    /// By the schema as a prompt.
    Prompt(String),
}

/// Fields for a flat schema, else the schema itself.
pub(super) fn extract_form(schema: &Value) -> ExtractForm {
    let properties = schema.get("properties").and_then(Value::as_object);
    let fields: Option<Vec<FlatField>> = properties.and_then(|properties| {
        properties
            .iter()
            .map(|(key, field)| flat_field(key, field))
            .collect()
    });
    match fields {
        Some(fields) if !fields.is_empty() => ExtractForm::Fields(fields),
        _ => ExtractForm::Prompt(stripped(schema).to_string()),
    }
}

/// `None` for a field that holds others.
fn flat_field(key: &str, field: &Value) -> Option<FlatField> {
    if field.get("anyOf").is_some() || field.get("$ref").is_some() {
        return None;
    }
    let description = field.get("description").and_then(Value::as_str);
    let kind = match type_of(field) {
        "string" if description == Some(DATE) => FlatKind::Date,
        "string" => FlatKind::Text,
        "number" | "integer" => FlatKind::Number,
        "boolean" => FlatKind::Boolean,
        _ => return None,
    };
    Some(FlatField {
        key: key.to_owned(),
        kind,
        description: description.filter(|_| kind != FlatKind::Date).map(str::to_owned),
    })
}

fn type_of(field: &Value) -> &str {
    match field.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.find(|name| *name != "null").unwrap_or("null")
        }
        _ => "string",
    }
}

fn stripped(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !NOISE.contains(&key.as_str()));
            Value::Object(
                kept.map(|(key, value)| (key.clone(), stripped(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(values) => Value::Array(values.iter().map(stripped).collect()),
        other => other.clone(),
    }
}

/// The conversation before the question, as pairs.
pub(super) fn dialogue(history: &[Turn]) -> Vec<DialogueTurn> {
    let mut turns: Vec<DialogueTurn> = Vec::new();
    for turn in history {
        match (turn.by_person, turns.last_mut()) {
            (false, Some(last)) if last.answer.is_empty() => last.answer.clone_from(&turn.text),
            (true, _) => turns.push(DialogueTurn {
                prompt: turn.text.clone(),
                answer: String::new(),
            }),
            // An assistant that speaks first, or twice.
            (false, _) => turns.push(DialogueTurn {
                prompt: String::new(),
                answer: turn.text.clone(),
            }),
        }
    }
    turns.retain(|turn| !turn.prompt.is_empty() && !turn.answer.is_empty());
    turns
}

/// The prompt for a value that is valid against the row's schema.
pub(super) fn value_prompt(schema: &Value) -> String {
    format!(
        "Write one example of a JSON value that is valid against this JSON Schema. Write the value only.\n\n{schema}"
    )
}

/// The prompt for a value whose schema is too long to be shown; the reply is held to it all the same.
pub(super) const BARE_VALUE_PROMPT: &str =
    "Write one example of a JSON value that is valid against the given schema.";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flat_schemas_become_fields_and_others_a_prompt() {
        let flat = json!({"type": "object", "properties": {
            "company": {"type": "string"}, "issued": {"type": ["string", "null"], "description": "YYYY-MM-DD"},
            "total": {"type": ["null", "number"], "description": "with tax"}, "paid": {"type": "boolean"}, "lines": {"type": "integer"},
        }});
        let field = |key: &str, kind, description: Option<&str>| FlatField {
            key: key.to_owned(),
            kind,
            description: description.map(str::to_owned),
        };
        assert_eq!(
            extract_form(&flat),
            ExtractForm::Fields(vec![
                field("company", FlatKind::Text, None),
                field("issued", FlatKind::Date, None),
                field("total", FlatKind::Number, Some("with tax")),
                field("paid", FlatKind::Boolean, None),
                field("lines", FlatKind::Number, None),
            ])
        );
        let nested = json!({"$schema": "x", "properties": {"rows": {"type": "array", "minItems": 1, "items": {"type": "string"}}}});
        assert_eq!(
            extract_form(&nested),
            ExtractForm::Prompt(
                r#"{"properties":{"rows":{"type":"array","items":{"type":"string"}}}}"#.to_owned()
            )
        );
    }

    #[test]
    fn turns_are_paired() {
        let turn = |by_person, text: &str| Turn {
            by_person,
            text: text.to_owned(),
        };
        let pairs = dialogue(&[
            turn(false, "Hello"),
            turn(true, "Who?"),
            turn(false, "Ann."),
            turn(true, "Asked in vain"),
            turn(true, "When?"),
            turn(false, "Today."),
        ]);
        let pairs: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.prompt.as_str(), pair.answer.as_str()))
            .collect();
        assert_eq!(pairs, [("Who?", "Ann."), ("When?", "Today.")]);
    }
}
