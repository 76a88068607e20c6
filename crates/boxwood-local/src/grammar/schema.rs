//! A JSON Schema as the grammar compiler takes it.
//!
//! Invariant: the result allows no value that the schema forbids, and no white space outside strings. Called by
//! [`super::GrammarTable::compile`] only.

use serde_json::{Map, Value, json};

/// Values stand under these keys, not schemas.
const DATA_KEYS: [&str; 4] = ["const", "enum", "default", "examples"];

/// The formats of the specification; a validator passes over any other name, and so does a grammar.
const FORMATS: [&str; 19] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uuid",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

/// A day of the calendar that exists, leap years included; the compiler's own pattern takes 29 February of every year.
const DATE: &str = concat!(
    "(?:",
    "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-",
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)",
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))",
    "|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29",
    ")"
);

/// What follows the date in a `date-time`. No leap seconds: whether one was inserted is not in the text.
const TIME: &str = "[tT](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

/// Bounds of numbers that have none: they keep to plain digits, where a small model would otherwise write exponents that
/// no number type holds.
const LARGEST_NUMBER: f64 = 1e18;
const BOUNDS: [&str; 4] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

/// The schema with the compiler's options in it: compact, keys in the schema's order, nothing enforced by half.
pub(super) fn prepared(schema: &Value) -> Result<Value, String> {
    let mut prepared = match schema {
        Value::Object(_) => schema.clone(),
        Value::Bool(true) => json!({}),
        _ => return Err("#: a schema is an object".to_owned()),
    };
    make_exact(&mut prepared);
    prepared["x-guidance"] = json!({
        "item_separator": ",",
        "key_separator": ":",
        "whitespace_flexible": false,
        "coerce_one_of": false,
        "lenient": false,
    });
    Ok(prepared)
}

fn make_exact(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(make_exact),
        Value::Object(keys) => {
            exact_format(keys);
            plain_number(keys);
            let inner = keys
                .iter_mut()
                .filter(|(key, _)| !DATA_KEYS.contains(&key.as_str()));
            inner.for_each(|(_, value)| make_exact(value));
        }
        _ => {}
    }
}

/// A date's format as a pattern, unless the schema has one of its own beside it; a format that nobody knows left out.
fn exact_format(keys: &mut Map<String, Value>) {
    let pattern = match keys.get("format").and_then(Value::as_str) {
        Some("date") => format!("^{DATE}$"),
        Some("date-time") => format!("^{DATE}{TIME}$"),
        Some(name) if !FORMATS.contains(&name) => {
            keys.remove("format");
            return;
        }
        _ => return,
    };
    if !keys.contains_key("pattern") {
        keys.remove("format");
        keys.insert("pattern".to_owned(), pattern.into());
    }
}

fn plain_number(keys: &mut Map<String, Value>) {
    let is_number = match keys.get("type") {
        Some(Value::String(kind)) => kind == "number",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "number"),
        _ => false,
    };
    if is_number && !BOUNDS.iter().any(|bound| keys.contains_key(*bound)) {
        keys.insert("minimum".to_owned(), (-LARGEST_NUMBER).into());
        keys.insert("maximum".to_owned(), LARGEST_NUMBER.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_made_exact_where_they_are_formats() {
        let schema = json!({
            "type": "object",
            "properties": {
                "format": {"type": "string", "format": "date"},
                "both": {"format": "date", "pattern": "^2"},
                "kind": {"enum": [{"format": "date"}], "default": {"format": "date"}},
                "own": {"type": "string", "format": "css-color"},
                "known": {"type": "string", "format": "uuid"},
                "list": {"items": {"anyOf": [{"format": "date-time"}]}},
            },
        });
        let prepared = prepared(&schema).unwrap();
        let properties = &prepared["properties"];
        assert_eq!(
            properties["format"],
            json!({"type": "string", "pattern": format!("^{DATE}$")})
        );
        assert_eq!(properties["both"], schema["properties"]["both"]);
        assert_eq!(properties["kind"], schema["properties"]["kind"]);
        assert_eq!(properties["own"], json!({"type": "string"}));
        assert_eq!(properties["known"], schema["properties"]["known"]);
        assert!(properties["list"]["items"]["anyOf"][0]["pattern"].is_string());
        assert_eq!(prepared["x-guidance"]["whitespace_flexible"], false);
    }

    #[test]
    fn numbers_without_bounds_get_wide_ones() {
        let schema = json!({"anyOf": [{"type": ["number", "null"]}, {"type": "number", "minimum": 1}, {"type": "integer"}]});
        let prepared = prepared(&schema).unwrap();
        assert_eq!(
            prepared["anyOf"][0],
            json!({"type": ["number", "null"], "minimum": -1e18, "maximum": 1e18})
        );
        assert_eq!(prepared["anyOf"][1], schema["anyOf"][1]);
        assert_eq!(prepared["anyOf"][2], schema["anyOf"][2]);
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert!(super::prepared(&json!("string")).is_err());
        assert!(super::prepared(&json!(false)).is_err());
        assert!(super::prepared(&json!(true)).is_ok());
    }
}
