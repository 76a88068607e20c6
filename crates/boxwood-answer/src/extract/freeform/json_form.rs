//! A prompt that is JSON: a stringified list of fields, a JSON schema, a sample of the answer, or a list of keys. Escaped
//! quotation marks and missing outer braces, as Box's own example has them, are understood.

use crate::extract::field::{DateForm, FieldKind, FieldSpec};
use serde_json::{Map, Value};

/// How deep schemas and samples may be nested.
const DEEPEST: usize = 12;

/// The fields, if the prompt is JSON.
pub(super) fn read(prompt: &str) -> Option<Vec<FieldSpec>> {
    let unescaped = prompt.replace("\\\"", "\"");
    let forms = [
        prompt.to_owned(),
        format!("{{{prompt}}}"),
        unescaped.clone(),
        format!("{{{unescaped}}}"),
    ];
    let value = forms
        .iter()
        .find_map(|form| serde_json::from_str::<Value>(form).ok())?;
    match &value {
        Value::Object(members) => from_object(members),
        Value::Array(entries) => from_array(entries),
        // A prompt in quotation marks is read by what is inside.
        Value::String(inner) if inner.starts_with(['{', '[']) => read(inner),
        _ => None,
    }
}

fn from_object(members: &Map<String, Value>) -> Option<Vec<FieldSpec>> {
    if let Some(Value::Array(fields)) = members.get("fields") {
        return Some(fields.iter().filter_map(listed_field).collect());
    }
    let schema = Schema { root: members };
    if let Some(properties) = members.get("properties").and_then(Value::as_object) {
        return Some(schema.fields(properties, 0));
    }
    Some(sample_fields(members, 0))
}

fn from_array(entries: &[Value]) -> Option<Vec<FieldSpec>> {
    entries
        .iter()
        .map(|entry| match entry {
            Value::String(key) => Some(FieldSpec::text(key.trim())),
            Value::Object(_) => listed_field(entry),
            _ => None,
        })
        .collect()
}

/// A field as `extract_structured` writes it; a type that is not known is text.
fn listed_field(value: &Value) -> Option<FieldSpec> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let key = text("key").or_else(|| text("name"))?;
    let options = || -> Vec<String> {
        let options = value.get("options").and_then(Value::as_array);
        let key_of = |option: &Value| option.get("key").unwrap_or(option).as_str().map(str::to_owned);
        options.into_iter().flatten().filter_map(key_of).collect()
    };
    let inner = || -> Vec<FieldSpec> {
        let fields = value.get("fields").and_then(Value::as_array);
        fields.into_iter().flatten().filter_map(listed_field).collect()
    };
    let kind = match text("type").unwrap_or_default().as_str() {
        "float" | "number" | "integer" => FieldKind::Number,
        "date" => FieldKind::Date(DateForm::Day),
        "boolean" => FieldKind::Boolean,
        "enum" if !options().is_empty() => choice(options(), false),
        "multiSelect" if !options().is_empty() => choice(options(), true),
        "struct" if !inner().is_empty() => FieldKind::Struct(inner()),
        "table" if !inner().is_empty() => FieldKind::Table(inner()),
        _ => FieldKind::Text,
    };
    Some(FieldSpec {
        key,
        display_name: text("displayName"),
        description: text("description"),
        prompt: text("prompt"),
        kind,
    })
}

fn choice(options: Vec<String>, multiple: bool) -> FieldKind {
    FieldKind::Choice { options, multiple }
}

/// The members of a sample: the kind of each value is the kind that is wanted, text in it describes it.
fn sample_fields(members: &Map<String, Value>, depth: usize) -> Vec<FieldSpec> {
    members
        .iter()
        .map(|(key, value)| {
            let mut field = FieldSpec::text(key.trim());
            field.description = match value {
                Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
                _ => None,
            };
            field.kind = sample_kind(value, depth);
            field
        })
        .collect()
}

fn sample_kind(value: &Value, depth: usize) -> FieldKind {
    match value {
        Value::Number(_) => FieldKind::Number,
        Value::Bool(_) => FieldKind::Boolean,
        Value::Object(members) if !members.is_empty() && depth < DEEPEST => {
            FieldKind::Struct(sample_fields(members, depth + 1))
        }
        Value::Array(entries) => match entries.first() {
            Some(Value::Object(members)) if !members.is_empty() && depth < DEEPEST => {
                FieldKind::Table(sample_fields(members, depth + 1))
            }
            Some(entry @ (Value::Number(_) | Value::Bool(_))) => {
                FieldKind::List(Box::new(sample_kind(entry, depth)))
            }
            _ => FieldKind::List(Box::new(FieldKind::Text)),
        },
        _ => FieldKind::Text,
    }
}

/// A JSON schema.
struct Schema<'a> {
    root: &'a Map<String, Value>,
}

impl Schema<'_> {
    fn fields(&self, properties: &Map<String, Value>, depth: usize) -> Vec<FieldSpec> {
        properties
            .iter()
            .map(|(key, schema)| {
                // What a reference leads to may say what the field is.
                let own = |name: &str| schema.get(name).or_else(|| self.resolved(schema).get(name));
                let text = |name: &str| own(name).and_then(Value::as_str).map(str::to_owned);
                let mut field = FieldSpec::text(key.trim());
                (field.display_name, field.description) = (text("title"), text("description"));
                field.kind = match self.kind(schema, depth) {
                    FieldKind::Text if is_iso_day(field.description.as_deref()) => {
                        FieldKind::Date(DateForm::Day)
                    }
                    kind => kind,
                };
                field
            })
            .collect()
    }

    fn kind(&self, schema: &Value, depth: usize) -> FieldKind {
        let schema = self.resolved(schema);
        if depth > DEEPEST {
            return FieldKind::Text;
        }
        if let Some(options) = strings(schema.get("enum")) {
            return choice(options, false);
        }
        match type_of(schema) {
            "number" | "integer" => FieldKind::Number,
            "boolean" => FieldKind::Boolean,
            "array" => self.array(schema, depth),
            "object" => match schema.get("properties").and_then(Value::as_object) {
                Some(properties) if !properties.is_empty() => {
                    FieldKind::Struct(self.fields(properties, depth + 1))
                }
                _ => FieldKind::Text,
            },
            _ if schema.get("format").and_then(Value::as_str) == Some("date") => {
                FieldKind::Date(DateForm::Day)
            }
            _ => FieldKind::Text,
        }
    }

    fn array(&self, schema: &Value, depth: usize) -> FieldKind {
        let Some(items) = schema.get("items") else {
            return FieldKind::List(Box::new(FieldKind::Text));
        };
        match self.kind(items, depth + 1) {
            FieldKind::Struct(fields) => FieldKind::Table(fields),
            FieldKind::Choice { options, .. } => choice(options, true),
            FieldKind::Table(_) | FieldKind::List(_) => FieldKind::List(Box::new(FieldKind::Text)),
            kind => FieldKind::List(Box::new(kind)),
        }
    }

    /// References within the schema followed, and the first alternative that is not null taken.
    fn resolved<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let mut current = schema;
        for _ in 0..DEEPEST {
            if let Some(path) = current.get("$ref").and_then(Value::as_str) {
                match self.referred(path) {
                    Some(target) => current = target,
                    None => return current,
                }
                continue;
            }
            let alternatives = ["anyOf", "oneOf", "allOf"]
                .iter()
                .find_map(|word| current.get(word).and_then(Value::as_array));
            let not_null =
                |alternative: &&Value| alternative.get("type").and_then(Value::as_str) != Some("null");
            match alternatives.and_then(|all| all.iter().find(not_null)) {
                Some(alternative) => current = alternative,
                None => return current,
            }
        }
        current
    }

    fn referred(&self, path: &str) -> Option<&Value> {
        let mut parts = path.strip_prefix("#/")?.split('/');
        let first = self.root.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }
}

/// Whether a description asks for a date in the form that dates are written in here.
fn is_iso_day(description: Option<&str>) -> bool {
    description.is_some_and(|description| description.to_ascii_uppercase().contains("YYYY-MM-DD"))
}

/// The type; of several the first that is not null.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(several)) => {
            let mut types = several.iter().filter_map(Value::as_str);
            types.find(|one| *one != "null").unwrap_or("string")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let strings: Vec<String> = value?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    (!strings.is_empty()).then_some(strings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(prompt: &str) -> Vec<FieldKind> {
        let fields = read(prompt).unwrap_or_default();
        fields.into_iter().map(|field| field.kind).collect()
    }

    #[test]
    fn a_sample_tells_the_kinds() {
        let found = kinds(r#"{"a": "", "b": 0, "c": true, "d": ["x"], "e": [{"f": 1}], "g": {"h": ""}}"#);
        assert_eq!(found[1], FieldKind::Number);
        assert_eq!(found[2], FieldKind::Boolean);
        assert_eq!(found[3], FieldKind::List(Box::new(FieldKind::Text)));
        assert_eq!(
            found[4],
            FieldKind::Table(vec![FieldSpec::text("f").of_kind(FieldKind::Number)])
        );
        assert_eq!(found[5], FieldKind::Struct(vec![FieldSpec::text("h")]));
    }

    #[test]
    fn a_schema_tells_the_kinds_through_references_and_alternatives() {
        let found = kinds(
            r##"{"$defs": {"money": {"type": ["null", "number"]}}, "properties": {
                "total": {"$ref": "#/$defs/money"},
                "date": {"anyOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
                "state": {"enum": ["open", "paid"]},
                "lines": {"type": "array", "items": {"properties": {"name": {"type": "string"}}}},
                "loop": {"$ref": "#/properties/loop"}
            }}"##,
        );
        assert_eq!(found[0], FieldKind::Number);
        assert_eq!(found[1], FieldKind::Date(DateForm::Day));
        assert_eq!(
            found[2],
            choice(vec!["open".to_owned(), "paid".to_owned()], false)
        );
        assert_eq!(found[3], FieldKind::Table(vec![FieldSpec::text("name")]));
        assert_eq!(found[4], FieldKind::Text);
    }

    #[test]
    fn what_a_reference_says_describes_the_field() {
        let fields = read(
            r##"{"$defs": {"unit": {"type": "string", "description": "Currency or measure"}}, "properties": {
                "unit": {"$ref": "#/$defs/unit"},
                "signed": {"type": ["string", "null"], "description": "Day of signing (YYYY-MM-DD)"}
            }}"##,
        )
        .unwrap();
        assert_eq!(fields[0].description.as_deref(), Some("Currency or measure"));
        assert_eq!(fields[1].kind, FieldKind::Date(DateForm::Day));
    }

    #[test]
    fn listed_fields_keep_their_words() {
        let fields =
            read(r#"{"fields":[{"key":"n","type":"strange","displayName":"N","prompt":"p"}]}"#).unwrap();
        assert_eq!(fields[0].kind, FieldKind::Text);
        assert_eq!(
            (fields[0].display_name.as_deref(), fields[0].prompt.as_deref()),
            (Some("N"), Some("p"))
        );
    }
}
