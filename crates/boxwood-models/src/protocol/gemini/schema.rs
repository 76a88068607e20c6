//! A JSON Schema in the words of Google's `Schema`: upper-case types, `nullable`, texts in `enum`, `propertyOrdering`.
//!
//! Invariant: what comes out holds only fields that Google knows (an unknown one is answered with 400), and accepts
//! everything that the given schema accepts: rules that can't be said are left out, never bent. References are replaced
//! by what they mean; a schema that holds itself has no finite form and is refused.

use serde_json::{Map, Value, json};

/// References are followed so deep; a deeper one holds itself.
const DEEPEST: usize = 32;
/// A schema that is larger than this after its references were replaced is refused by the host as too complex.
const MOST_NODES: usize = 5_000;

/// Keywords that mean the same in both languages. `format` is taken for the values that Google knows only.
const SAME: [&str; 5] = ["description", "title", "minimum", "maximum", "pattern"];
/// The same, but 64-bit numbers are texts there.
const COUNTS: [&str; 6] = [
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];

/// The schema as Google takes it.
///
/// # Errors
/// What of the schema can't be said, and where.
pub(super) fn google_schema(schema: &Value) -> Result<Value, String> {
    let mut translation = Translation {
        root: schema,
        nodes: 0,
    };
    translation.schema(schema, "$", 0)
}

struct Translation<'a> {
    root: &'a Value,
    nodes: usize,
}

impl Translation<'_> {
    fn schema(&mut self, schema: &Value, path: &str, depth: usize) -> Result<Value, String> {
        self.nodes += 1;
        if depth > DEEPEST {
            return Err(format!(
                "at {path}: a schema that holds itself has no form that Gemini takes"
            ));
        }
        if self.nodes > MOST_NODES {
            return Err(format!("at {path}: the schema is too large"));
        }
        let Value::Object(fields) = schema else {
            return Err(format!("at {path}: a value of any kind can't be asked for"));
        };
        if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
            let target = self
                .target(reference)
                .ok_or_else(|| format!("at {path}: `{reference}` leads nowhere"))?;
            let mut translated = self.schema(&target, path, depth + 1)?;
            if let Some(description) = fields.get("description") {
                translated["description"] = description.clone();
            }
            return Ok(translated);
        }
        self.fields(fields, path, depth)
    }

    fn target(&self, reference: &str) -> Option<Value> {
        let pointer = reference.strip_prefix('#')?;
        self.root.pointer(pointer).cloned()
    }

    fn fields(&mut self, fields: &Map<String, Value>, path: &str, depth: usize) -> Result<Value, String> {
        let mut out = Map::new();
        for key in SAME {
            if let Some(value) = fields.get(key) {
                out.insert(key.into(), value.clone());
            }
        }
        for key in COUNTS {
            if let Some(count) = fields.get(key).and_then(Value::as_u64) {
                out.insert(key.into(), json!(count.to_string()));
            }
        }
        if let Some(branches) = ["anyOf", "oneOf"]
            .iter()
            .find_map(|key| fields.get(*key)?.as_array())
        {
            self.branches(branches, path, depth, &mut out)?;
        } else {
            let kinds = kinds_of(fields)
                .ok_or_else(|| format!("at {path}: a value of any kind can't be asked for"))?;
            self.kinds(&kinds, fields, path, depth, &mut out)?;
        }
        Ok(Value::Object(out))
    }

    /// Alternatives; `null` among them becomes `nullable`.
    fn branches(
        &mut self,
        branches: &[Value],
        path: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let is_null = |branch: &&Value| {
            branch["type"] == "null" || branch["const"] == Value::Null && branch.get("const").is_some()
        };
        let mut translated = Vec::new();
        for (index, branch) in branches.iter().enumerate().filter(|(_, branch)| !is_null(branch)) {
            translated.push(self.schema(branch, &format!("{path}.anyOf[{index}]"), depth + 1)?);
        }
        if translated.len() < branches.len() {
            out.insert("nullable".into(), json!(true));
        }
        match (translated.len(), translated.pop()) {
            (1, Some(Value::Object(only))) => {
                for (key, value) in only {
                    out.entry(key).or_insert(value);
                }
            }
            (_, Some(last)) => {
                translated.push(last);
                out.insert("anyOf".into(), translated.into());
            }
            (_, None) => return Err(format!("at {path}: nothing but null can't be asked for")),
        }
        Ok(())
    }

    /// One kind, or alternatives of several.
    fn kinds(
        &mut self,
        kinds: &[&str],
        fields: &Map<String, Value>,
        path: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let wanted: Vec<&str> = kinds.iter().copied().filter(|kind| *kind != "null").collect();
        if wanted.len() < kinds.len() {
            out.insert("nullable".into(), json!(true));
        }
        match wanted.as_slice() {
            [] => Err(format!("at {path}: nothing but null can't be asked for")),
            [kind] => self.kind(kind, fields, path, depth, out),
            several => {
                let mut branches = Vec::new();
                for kind in several {
                    let mut branch = Map::new();
                    self.kind(kind, fields, path, depth, &mut branch)?;
                    branches.push(Value::Object(branch));
                }
                out.insert("anyOf".into(), branches.into());
                Ok(())
            }
        }
    }

    fn kind(
        &mut self,
        kind: &str,
        fields: &Map<String, Value>,
        path: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        out.insert("type".into(), json!(kind.to_ascii_uppercase()));
        match kind {
            "object" => self.object(fields, path, depth, out)?,
            "array" => {
                let items = fields
                    .get("items")
                    .ok_or_else(|| format!("at {path}: the items of a list must be described"))?;
                out.insert(
                    "items".into(),
                    self.schema(items, &format!("{path}.items"), depth + 1)?,
                );
            }
            "string" => {
                let values = values_of(fields);
                if !values.is_empty() {
                    out.insert("enum".into(), json!(values));
                    out.insert("format".into(), json!("enum"));
                } else if let Some(format) = fields.get("format").filter(|format| *format == "date-time") {
                    out.insert("format".into(), format.clone());
                }
            }
            // A list of numbers can't be said: values are then checked by whoever asked.
            "number" | "integer" | "boolean" => {}
            other => return Err(format!("at {path}: `{other}` is no kind of value")),
        }
        Ok(())
    }

    fn object(
        &mut self,
        fields: &Map<String, Value>,
        path: &str,
        depth: usize,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let Some(properties) = fields
            .get("properties")
            .and_then(Value::as_object)
            .filter(|all| !all.is_empty())
        else {
            return Err(format!("at {path}: an object must name its keys"));
        };
        let mut translated = Map::new();
        for (name, property) in properties {
            translated.insert(
                name.clone(),
                self.schema(property, &format!("{path}.{name}"), depth + 1)?,
            );
        }
        let order: Vec<&String> = properties.keys().collect();
        out.insert("propertyOrdering".into(), json!(order));
        out.insert("properties".into(), translated.into());
        if let Some(required) = fields
            .get("required")
            .filter(|required| required.as_array().is_some_and(|all| !all.is_empty()))
        {
            out.insert("required".into(), required.clone());
        }
        Ok(())
    }
}

/// The kinds of value that a schema without alternatives takes; `None` where it does not say.
fn kinds_of(fields: &Map<String, Value>) -> Option<Vec<&str>> {
    match fields.get("type") {
        Some(Value::String(kind)) => Some(vec![kind]),
        Some(Value::Array(kinds)) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        _ if !values_of(fields).is_empty() => Some(vec!["string"]),
        _ if fields.contains_key("properties") => Some(vec!["object"]),
        _ if fields.contains_key("items") => Some(vec!["array"]),
        _ => None,
    }
}

/// The texts of `enum` and `const`.
fn values_of(fields: &Map<String, Value>) -> Vec<&str> {
    let listed = fields.get("enum").and_then(Value::as_array).into_iter().flatten();
    listed
        .chain(fields.get("const"))
        .filter_map(Value::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: Value, expected: Value) {
        assert_eq!(google_schema(&schema).unwrap(), expected, "{schema}");
    }

    #[test]
    fn objects_keep_the_order_of_their_keys() {
        check(
            json!({"$schema": "x", "type": "object", "additionalProperties": false, "required": ["b"], "properties": {
                "b": {"type": "string", "description": "the day", "format": "date", "minLength": 2},
                "a": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 9, "multipleOf": 2},
                "c": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3}}}),
            json!({"type": "OBJECT", "propertyOrdering": ["b", "a", "c"], "properties": {
                "b": {"description": "the day", "minLength": "2", "type": "STRING"},
                "a": {"minimum": 0, "nullable": true, "type": "INTEGER"},
                "c": {"maxItems": "3", "type": "ARRAY", "items": {"type": "BOOLEAN"}}}, "required": ["b"]}),
        );
    }

    #[test]
    fn values_and_alternatives_are_said_in_google_s_words() {
        check(
            json!({"enum": ["a", "b"]}),
            json!({"type": "STRING", "enum": ["a", "b"], "format": "enum"}),
        );
        check(
            json!({"const": "a"}),
            json!({"type": "STRING", "enum": ["a"], "format": "enum"}),
        );
        check(
            json!({"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"}),
            json!({"description": "d", "nullable": true, "type": "STRING"}),
        );
        check(
            json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
            json!({"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}),
        );
        check(
            json!({"type": ["string", "number"]}),
            json!({"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}),
        );
        check(
            json!({"type": "integer", "enum": [1, 2]}),
            json!({"type": "INTEGER"}),
        );
    }

    #[test]
    fn references_are_replaced() {
        check(
            json!({"type": "array", "items": {"$ref": "#/$defs/a", "description": "one"}, "$defs": {"a": {"type": "string"}}}),
            json!({"type": "ARRAY", "items": {"type": "STRING", "description": "one"}}),
        );
    }

    #[test]
    fn what_can_t_be_said_is_refused_with_its_place() {
        let refused = |schema: Value, place: &str| {
            let message = google_schema(&schema).unwrap_err();
            assert!(message.contains(place), "{message}");
        };
        refused(json!({"type": "object", "properties": {"a": true}}), "$.a");
        refused(json!({"type": "object", "properties": {"a": {}}}), "$.a");
        refused(json!({"type": "object"}), "$");
        refused(
            json!({"type": "object", "properties": {"a": {"type": "array"}}}),
            "$.a",
        );
        refused(
            json!({"type": "object", "properties": {"a": {"$ref": "#"}}}),
            "holds itself",
        );
        refused(json!({"$ref": "#/$defs/x"}), "leads nowhere");
        refused(json!({"type": "null"}), "null");
    }
}
