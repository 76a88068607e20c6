//! Fields → the JSON schema that a completion is held to, and the lines that tell the model what each field is.
//!
//! Numbers and dates are wanted as text, exactly as the document writes them: they are worked out afterwards, and a
//! place in the file can be found for what was written. Every single value and every list may be null. Called by the
//! prompting step.

use super::field::{FieldKind, FieldSpec};
use crate::agent::Language;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// How strictly values are held to their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Numbers and dates as they are written.
    AsWritten,
    /// Numbers as numbers and dates as `YYYY-MM-DD`: the repair of a value that could not be read.
    Typed,
    /// As they are written, and there: the repair of a `null` that the model did not mean.
    Present,
}

/// Most options that are listed in the prompt; the schema holds the model to all of them.
const LISTED_OPTIONS: usize = 80;

/// The schema of an object with these fields.
pub fn object_schema(fields: &[FieldSpec], strictness: Strictness) -> Value {
    let mut properties = Map::new();
    for field in fields {
        properties.insert(field.key.clone(), field_schema(&field.kind, strictness));
    }
    let keys: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": keys,
        "additionalProperties": false,
    })
}

fn field_schema(kind: &FieldKind, strictness: Strictness) -> Value {
    let schema = nullable_schema(kind, strictness);
    if strictness == Strictness::Present {
        present(schema)
    } else {
        schema
    }
}

/// The same without `null` and without an empty list.
fn present(mut schema: Value) -> Value {
    if schema.get("items").is_some() {
        schema["minItems"] = json!(1);
    }
    for word in ["type", "enum"] {
        if let Some(entries) = schema.get_mut(word).and_then(Value::as_array_mut) {
            entries.retain(|entry| !entry.is_null() && entry != "null");
        }
    }
    schema
}

fn nullable_schema(kind: &FieldKind, strictness: Strictness) -> Value {
    let typed = strictness == Strictness::Typed;
    match kind {
        FieldKind::Number if typed => json!({"type": ["number", "null"]}),
        FieldKind::Date(_) if typed => {
            json!({"type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
        }
        // A model that is kept from writing a bare number rather writes `null` than a string.
        FieldKind::Number => json!({"type": ["string", "number", "null"]}),
        FieldKind::Text | FieldKind::Date(_) => json!({"type": ["string", "null"]}),
        FieldKind::Boolean => json!({"type": ["boolean", "null"]}),
        FieldKind::Choice { options, multiple } => choice_schema(options.iter(), *multiple),
        FieldKind::Taxonomy(choice) => {
            choice_schema(choice.options.iter().map(|option| &option.label), choice.multiple)
        }
        FieldKind::Struct(fields) => object_schema(fields, inside(strictness)),
        // A model that is told to write `null` and is kept from it writes an empty list that it does not mean.
        FieldKind::Table(fields) => {
            json!({"type": ["array", "null"], "items": object_schema(fields, inside(strictness))})
        }
        FieldKind::List(kind) => {
            json!({"type": ["array", "null"], "items": field_schema(kind, inside(strictness))})
        }
    }
}

/// That a field is there does not mean that all of it is.
fn inside(strictness: Strictness) -> Strictness {
    match strictness {
        Strictness::Present => Strictness::AsWritten,
        other => other,
    }
}

fn choice_schema<'a>(options: impl Iterator<Item = &'a String>, multiple: bool) -> Value {
    let mut options: Vec<Value> = options.map(|option| json!(option)).collect();
    if multiple {
        let most = options.len();
        return json!({
            "type": ["array", "null"],
            "items": {"type": "string", "enum": options},
            "maxItems": most,
        });
    }
    options.push(Value::Null);
    json!({"type": ["string", "null"], "enum": options})
}

/// What the model is told to do with the fields.
pub fn instruction(fields: &[FieldSpec], language: Language) -> String {
    let rows = fields.iter().any(|field| field.kind.is_open());
    let mut text = String::from(match (language, rows) {
        (Language::English, false) => {
            "Fill in these fields from the text above. Write each value exactly as it stands there, and null where it is \
             not given."
        }
        (Language::English, true) => {
            "Fill in these fields from the text above. List every row, from the first to the last, none left out and \
             none twice. Write each value exactly as it stands there, and null where it is not given."
        }
        (Language::Japanese, false) => {
            "上の文書から次の項目を記入してください。値は文書の表記のまま書き、書かれていなければ null とします。"
        }
        (Language::Japanese, true) => {
            "上の文書から次の項目を記入してください。最初から最後まで、すべての行を漏れなく、重複なく書き出します。\
             値は文書の表記のまま書き、書かれていなければ null とします。"
        }
    });
    text.push_str("\n\n");
    for field in fields {
        push_line(&mut text, field, 0, language);
    }
    text.push_str(match language {
        Language::English => "\nAnswer with one JSON object.",
        Language::Japanese => "\n一つの JSON オブジェクトで答えてください。",
    });
    text
}

fn push_line(text: &mut String, field: &FieldSpec, depth: usize, language: Language) {
    let indent = "  ".repeat(depth);
    let _infallible = write!(
        text,
        "{indent}- {} ({})",
        Value::String(field.key.clone()),
        type_words(&field.kind, language)
    );
    let mut told: Vec<&str> = Vec::new();
    for part in [&field.display_name, &field.description, &field.prompt]
        .into_iter()
        .flatten()
    {
        let part = part.trim();
        if !part.is_empty() && part != field.key && !told.contains(&part) {
            told.push(part);
        }
    }
    if !told.is_empty() {
        text.push_str(": ");
        text.push_str(&told.join(". ").replace(['\n', '\r'], " "));
    }
    text.push('\n');
    for inner in field.kind.fields() {
        push_line(text, inner, depth + 1, language);
    }
}

fn type_words(kind: &FieldKind, language: Language) -> String {
    let english = language == Language::English;
    match kind {
        FieldKind::Text => (if english { "text" } else { "文字列" }).to_owned(),
        FieldKind::Number => (if english { "number" } else { "数値" }).to_owned(),
        FieldKind::Date(_) => (if english { "date" } else { "日付" }).to_owned(),
        FieldKind::Boolean => "true / false".to_owned(),
        FieldKind::Choice { options, multiple } => options_words(options.iter(), *multiple, english),
        FieldKind::Taxonomy(choice) => options_words(
            choice.options.iter().map(|option| &option.label),
            choice.multiple,
            english,
        ),
        FieldKind::Struct(_) => (if english { "object" } else { "オブジェクト" }).to_owned(),
        FieldKind::Table(_) => (if english {
            "list of rows"
        } else {
            "行のリスト"
        })
        .to_owned(),
        FieldKind::List(kind) => {
            let inner = type_words(kind, language);
            if english {
                format!("list of {inner}")
            } else {
                format!("{inner}のリスト")
            }
        }
    }
}

fn options_words<'a>(options: impl Iterator<Item = &'a String>, multiple: bool, english: bool) -> String {
    let all: Vec<String> = options
        .map(|option| Value::String(option.clone()).to_string())
        .collect();
    let listed = all
        .iter()
        .take(LISTED_OPTIONS)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match (english, multiple) {
        (true, false) => format!("one of {listed}"),
        (true, true) => format!("only those that the text gives, of {listed}"),
        (false, false) => format!("次から一つ: {listed}"),
        (false, true) => format!("次から当てはまるものすべて: {listed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::DateForm;
    use super::*;

    fn fields() -> Vec<FieldSpec> {
        let hobby = FieldKind::Choice {
            options: vec!["guitar".to_owned(), "books".to_owned()],
            multiple: true,
        };
        let street = FieldSpec::text("street").of_kind(FieldKind::Text);
        vec![
            FieldSpec::text("born").of_kind(FieldKind::Date(DateForm::Day)),
            FieldSpec::text("hobby").of_kind(hobby),
            FieldSpec::text("address").of_kind(FieldKind::Struct(vec![street])),
        ]
    }

    #[test]
    fn every_single_value_and_list_may_be_null_and_keys_keep_their_order() {
        let rows = FieldSpec::text("rows").of_kind(FieldKind::Table(fields()));
        let schema = object_schema(&[rows], Strictness::AsWritten);
        assert_eq!(schema["properties"]["rows"]["type"], json!(["array", "null"]));
        let schema = object_schema(&fields(), Strictness::AsWritten);
        assert_eq!(schema["required"], json!(["born", "hobby", "address"]));
        assert_eq!(schema["properties"]["born"]["type"], json!(["string", "null"]));
        assert_eq!(
            schema["properties"]["hobby"]["items"]["enum"],
            json!(["guitar", "books"])
        );
        assert_eq!(
            schema["properties"]["address"]["properties"]["street"]["type"],
            json!(["string", "null"])
        );
    }

    #[test]
    fn the_repair_holds_values_to_their_type() {
        let schema = object_schema(&fields(), Strictness::Typed);
        assert!(schema["properties"]["born"]["pattern"].is_string());
    }

    #[test]
    fn the_repair_of_a_null_leaves_no_null() {
        let rows = FieldSpec::text("rows").of_kind(FieldKind::Table(vec![FieldSpec::text("a")]));
        let age = FieldSpec::text("age").of_kind(FieldKind::Number);
        let schema = object_schema(&[rows, age], Strictness::Present);
        assert_eq!(schema["properties"]["rows"]["minItems"], 1);
        assert_eq!(schema["properties"]["rows"]["type"], json!(["array"]));
        let cell = &schema["properties"]["rows"]["items"]["properties"]["a"]["type"];
        assert_eq!(cell, &json!(["string", "null"]), "a cell of a row may lack");
        assert_eq!(schema["properties"]["age"]["type"], json!(["string", "number"]));
    }

    #[test]
    fn the_model_is_told_name_type_and_description() {
        let mut fields = fields();
        fields[0].display_name = Some("Birth date".to_owned());
        fields[0].prompt = Some("When were you born?".to_owned());
        let text = instruction(&fields, Language::English);
        assert!(
            text.contains("- \"born\" (date): Birth date. When were you born?\n"),
            "{text}"
        );
        assert!(text.contains("of \"guitar\", \"books\""), "{text}");
        assert!(text.contains("\n  - \"street\" (text)\n"), "{text}");
    }
}
