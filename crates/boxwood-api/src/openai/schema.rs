//! The subset of JSON Schema that strict structured outputs take, as Azure documents it.
//!
//! Invariant: a schema that passes is one that the o-series takes; in doubt it is refused, since a program that is
//! tested here must run there. Called by `format` and `tools`.

use serde_json::{Map, Value};
use std::fmt::Write;

/// As Azure bounds it.
const MOST_PROPERTIES: usize = 100;
/// As Azure bounds it.
const MOST_LEVELS: usize = 5;

/// Keywords that the subset does not have.
const NOT_PERMITTED: [&str; 27] = [
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "prefixItems",
    "allOf",
    "oneOf",
    "not",
    "if",
    "dependentRequired",
];

/// Checks a schema.
///
/// # Errors
/// What is not strict, and where, in OpenAI's words.
pub fn check_strict(schema: &Value) -> Result<(), String> {
    let Some(root) = schema.as_object() else {
        return Err("schema must be a JSON Schema of 'type: \"object\"'.".to_owned());
    };
    if root.contains_key("anyOf") {
        return Err(at(&[], "'anyOf' is not permitted at the root"));
    }
    if root.get("type").and_then(Value::as_str) != Some("object") && !root.contains_key("$ref") {
        let given = root.get("type").and_then(Value::as_str).unwrap_or("None");
        return Err(format!(
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{given}\"'."
        ));
    }
    let mut walk = Walk {
        properties: 0,
        path: Vec::new(),
    };
    walk.schema(schema, 0)?;
    for key in ["$defs", "definitions"] {
        for (name, definition) in root.get(key).and_then(Value::as_object).into_iter().flatten() {
            walk.inside([key, name], definition, 0)?;
        }
    }
    if walk.properties > MOST_PROPERTIES {
        return Err(format!(
            "it has {} properties; at most {MOST_PROPERTIES} are permitted.",
            walk.properties
        ));
    }
    Ok(())
}

struct Walk {
    properties: usize,
    path: Vec<String>,
}

impl Walk {
    fn inside<const N: usize>(
        &mut self,
        steps: [&str; N],
        schema: &Value,
        level: usize,
    ) -> Result<(), String> {
        self.path.extend(steps.map(str::to_owned));
        self.schema(schema, level)?;
        self.path.truncate(self.path.len() - N);
        Ok(())
    }

    fn schema(&mut self, schema: &Value, level: usize) -> Result<(), String> {
        let Some(keys) = schema.as_object() else {
            return Err(at(&self.path, "a schema must be an object"));
        };
        if let Some(name) = NOT_PERMITTED.iter().find(|name| keys.contains_key(**name)) {
            return Err(at(&self.path, &format!("'{name}' is not permitted")));
        }
        let describes = ["type", "anyOf", "$ref", "enum", "const"];
        if !describes.iter().any(|key| keys.contains_key(*key)) {
            return Err(at(&self.path, "schema must have a 'type' key"));
        }
        if level > MOST_LEVELS {
            return Err(at(
                &self.path,
                &format!("at most {MOST_LEVELS} levels of nesting are permitted"),
            ));
        }
        if is_object(keys) {
            self.object(keys, level)?;
        }
        if let Some(items) = keys.get("items") {
            self.inside(["items"], items, level + 1)?;
        }
        for (index, branch) in keys
            .get("anyOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            self.inside(["anyOf", &index.to_string()], branch, level)?;
        }
        Ok(())
    }

    fn object(&mut self, keys: &Map<String, Value>, level: usize) -> Result<(), String> {
        if keys.get("additionalProperties") != Some(&Value::Bool(false)) {
            let message = "'additionalProperties' is required to be supplied and to be false";
            return Err(at(&self.path, message));
        }
        let empty = Map::new();
        let properties = keys
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let required: Vec<&str> = keys
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let sentence =
            "'required' is required to be supplied and to be an array including every key in properties";
        if let Some(missing) = properties.keys().find(|name| !required.contains(&name.as_str())) {
            return Err(at(&self.path, &format!("{sentence}. Missing '{missing}'")));
        }
        if let Some(extra) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(at(
                &self.path,
                &format!("{sentence}. Extra required key '{extra}' supplied"),
            ));
        }
        self.properties += properties.len();
        for (name, property) in properties {
            self.inside(["properties", name], property, level + 1)?;
        }
        Ok(())
    }
}

fn is_object(keys: &Map<String, Value>) -> bool {
    match keys.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => keys.contains_key("properties"),
    }
}

/// `In context=('properties', 'a'), …`.
fn at(path: &[String], what: &str) -> String {
    let mut place = String::new();
    for step in path {
        let separator = if place.is_empty() { "" } else { ", " };
        // Writing into a string never fails.
        let _ = write!(place, "{separator}'{step}'");
    }
    if path.len() == 1 {
        place.push(',');
    }
    format!("In context=({place}), {what}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(properties: Value) -> Value {
        let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    #[track_caller]
    fn refused(schema: Value, part: &str) {
        let problem = check_strict(&schema).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }

    #[test]
    fn strict_schemas_pass() {
        let inner = object(json!({"n": {"type": ["number", "null"]}}));
        let schema = object(json!({
            "list": {"type": "array", "items": inner},
            "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/node"}]},
            "kind": {"enum": ["a", "b"]},
        }));
        let mut schema = schema;
        schema["$defs"] =
            json!({"node": object(json!({"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}))});
        assert_eq!(check_strict(&schema), Ok(()));
    }

    #[test]
    fn what_is_not_strict_is_named_with_its_place() {
        refused(json!({"type": "array"}), "got 'type: \"array\"'");
        refused(
            json!({"type": "object", "properties": {}}),
            "In context=(), 'additionalProperties' is required",
        );
        let mut lacking = object(json!({"a": {"type": "string"}, "b": {"type": "string"}}));
        lacking["required"] = json!(["a"]);
        refused(lacking, "Missing 'b'");
        refused(
            object(json!({"a": {"type": "string", "minLength": 1}})),
            "In context=('properties', 'a'), 'minLength' is not permitted.",
        );
        refused(object(json!({"a": {}})), "must have a 'type' key");
        let mut deep = json!({"type": "string"});
        for _ in 0..6 {
            deep = object(json!({"a": deep}));
        }
        refused(deep, "levels of nesting");
        let many: Map<String, Value> = (0..101)
            .map(|n| (format!("p{n}"), json!({"type": "string"})))
            .collect();
        refused(object(Value::Object(many)), "101 properties");
    }
}
