//! Cuts a JSON Schema down to what hosts accept under `strict`: OpenAI's subset.
//!
//! Invariant: pure; what the result allows may be wider than the schema in its keywords (lengths, patterns, ranges are
//! left out) and in one place in its values (an optional key becomes a required one that may be `null`), never narrower
//! in what it can express; what can't be expressed is refused with its place. Whoever sent the schema validates the
//! reply against the whole of it. Called by `request` for bindings whose `json_schema` is `strict`.

use crate::capability::SchemaLimits;
use serde_json::{Map, Value, json};

/// What of a schema a host can't be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub(crate) struct SchemaProblem {
    /// JSON pointer into the schema; `#` is its root.
    path: String,
    problem: String,
}

type Cut = Result<Value, SchemaProblem>;

/// The schema as a host with these limits takes it.
///
/// # Errors
/// A root that is no object, free keys, values of any kind, references out of the schema, too many of something.
pub(crate) fn strict_schema(schema: &Value, limits: SchemaLimits) -> Cut {
    let mut cutter = Cutter {
        root: schema,
        limits,
        properties: 0,
        enum_values: 0,
        characters: 0,
        wanted: Vec::new(),
    };
    let (root, path) = cutter.resolved_root()?;
    let mut cut = cutter.node(root, &path, 0)?;
    if cut.get("type") != Some(&json!("object")) {
        return Err(problem(
            "#",
            "the reply must be an object: put the value under a key",
        ));
    }
    let mut definitions = Map::new();
    // A definition may name others, which come to the end of the list.
    let mut next = 0;
    while let Some(name) = cutter.wanted.get(next).cloned() {
        next += 1;
        let (path, definition) = cutter.definition(&name)?;
        let definition = cutter.node(definition, &path, 1)?;
        definitions.insert(name, definition);
    }
    if !definitions.is_empty() {
        cut["$defs"] = Value::Object(definitions);
    }
    cutter.check_limits()?;
    Ok(cut)
}

struct Cutter<'a> {
    root: &'a Value,
    limits: SchemaLimits,
    properties: usize,
    enum_values: usize,
    characters: usize,
    /// Names of definitions that are referred to.
    wanted: Vec<String>,
}

fn problem(path: &str, problem: impl Into<String>) -> SchemaProblem {
    SchemaProblem {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

impl<'a> Cutter<'a> {
    /// A root that only refers to a definition stands for it.
    fn resolved_root(&self) -> Result<(&'a Value, String), SchemaProblem> {
        match self.root.get("$ref").and_then(Value::as_str) {
            None => Ok((self.root, "#".to_owned())),
            Some(reference) => {
                let name = definition_name(reference)
                    .ok_or_else(|| problem("#/$ref", "the root can only refer to a definition"))?;
                let (path, definition) = self.definition(&name)?;
                Ok((definition, path))
            }
        }
    }

    fn definition(&self, name: &str) -> Result<(String, &'a Value), SchemaProblem> {
        ["$defs", "definitions"]
            .iter()
            .find_map(|group| {
                let found = self.root.get(group)?.get(name)?;
                Some((format!("#/{group}/{name}"), found))
            })
            .ok_or_else(|| problem(&format!("#/$defs/{name}"), "is referred to and missing"))
    }

    fn check_limits(&self) -> Result<(), SchemaProblem> {
        let counts = [
            ("properties", self.properties, self.limits.properties),
            ("values in its enums", self.enum_values, self.limits.enum_values),
            (
                "characters in names and enums",
                self.characters,
                self.limits.characters,
            ),
        ];
        for (what, count, limit) in counts {
            if count > limit {
                return Err(problem(
                    "#",
                    format!("has {count} {what}, but the host takes at most {limit}"),
                ));
            }
        }
        Ok(())
    }

    /// Cuts one schema; `level` counts the objects around it.
    fn node(&mut self, schema: &Value, path: &str, level: usize) -> Cut {
        let Some(schema) = schema.as_object() else {
            return Err(problem(
                path,
                "a value of any kind can't be asked for: give it a type",
            ));
        };
        let mut cut = self.shape(schema, path, level)?;
        // Beside a reference nothing else may stand.
        if let (Some(description), false) = (schema.get("description"), cut.get("$ref").is_some()) {
            cut["description"] = description.clone();
        }
        Ok(cut)
    }

    fn shape(&mut self, schema: &Map<String, Value>, path: &str, level: usize) -> Cut {
        if let Some(reference) = schema.get("$ref") {
            return self.reference(reference, path);
        }
        if let Some(value) = schema.get("const") {
            return Ok(self.values(std::slice::from_ref(value)));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Ok(self.values(values));
        }
        match types_of(schema) {
            Types::One(kind) => self.typed(schema, kind, path, level),
            Types::Several(kinds) => self.several(schema, &kinds, path, level),
            Types::NotSaid => self.untyped(schema, path, level),
        }
    }

    fn reference(&mut self, reference: &Value, path: &str) -> Cut {
        let reference = reference.as_str().unwrap_or_default();
        if reference == "#" {
            return Ok(json!({"$ref": "#"}));
        }
        let name = definition_name(reference)
            .ok_or_else(|| problem(path, "refers to something that is no definition of the schema"))?;
        let cut = json!({"$ref": format!("#/$defs/{name}")});
        if !self.wanted.contains(&name) {
            self.wanted.push(name);
        }
        Ok(cut)
    }

    fn values(&mut self, values: &[Value]) -> Value {
        self.enum_values += values.len();
        let texts = values.iter().filter_map(Value::as_str);
        self.characters += texts.map(|text| text.chars().count()).sum::<usize>();
        let mut kinds: Vec<&str> = values.iter().map(kind_of).collect();
        kinds.sort_unstable();
        kinds.dedup();
        json!({"type": one_or_many(&kinds), "enum": values})
    }

    fn typed(&mut self, schema: &Map<String, Value>, kind: &str, path: &str, level: usize) -> Cut {
        match kind {
            "object" => self.object(schema, path, level + 1),
            "array" => self.array(schema, path, level),
            _ => Ok(json!({"type": kind})),
        }
    }

    fn several(&mut self, schema: &Map<String, Value>, kinds: &[&str], path: &str, level: usize) -> Cut {
        if !kinds.iter().any(|kind| matches!(*kind, "object" | "array")) {
            return Ok(json!({"type": kinds}));
        }
        let options = kinds
            .iter()
            .map(|kind| self.typed(schema, kind, path, level))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(json!({"anyOf": options}))
    }

    fn untyped(&mut self, schema: &Map<String, Value>, path: &str, level: usize) -> Cut {
        for key in ["anyOf", "oneOf"] {
            if let Some(options) = schema.get(key).and_then(Value::as_array) {
                let options = self.nodes(options, &format!("{path}/{key}"), level)?;
                return Ok(json!({"anyOf": options}));
            }
        }
        match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => self.node(only, &format!("{path}/allOf/0"), level),
            Some(_) => Err(problem(
                path,
                "several schemas at once (allOf) can't be asked for: join them",
            )),
            None => Err(problem(
                path,
                "a value of any kind can't be asked for: give it a type",
            )),
        }
    }

    fn nodes(&mut self, schemas: &[Value], path: &str, level: usize) -> Result<Vec<Value>, SchemaProblem> {
        let numbered = schemas.iter().enumerate();
        numbered
            .map(|(index, schema)| self.node(schema, &format!("{path}/{index}"), level))
            .collect()
    }

    fn object(&mut self, schema: &Map<String, Value>, path: &str, level: usize) -> Cut {
        if level > self.limits.levels {
            let most = self.limits.levels;
            return Err(problem(
                path,
                format!("is object number {level} inside another, but the host takes {most}"),
            ));
        }
        let nothing = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&nothing);
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        if properties.is_empty() && !is_closed {
            return Err(problem(
                path,
                "an object with free keys can't be asked for: name its properties",
            ));
        }
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if let Some(name) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(problem(path, format!("requires `{name}`, which has no schema")));
        }
        let mut cut = Map::new();
        for (name, property) in properties {
            self.properties += 1;
            self.characters += name.chars().count();
            let node = self.node(property, &format!("{path}/properties/{name}"), level)?;
            let is_required = required.contains(&name.as_str());
            cut.insert(name.clone(), if is_required { node } else { nullable(node) });
        }
        let names: Vec<&String> = properties.keys().collect();
        Ok(json!({"type": "object", "properties": cut, "required": names, "additionalProperties": false}))
    }

    fn array(&mut self, schema: &Map<String, Value>, path: &str, level: usize) -> Cut {
        let by_position = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_array)
                .map(|list| (key.to_owned(), list))
        };
        if let Some((key, positions)) = by_position("prefixItems").or_else(|| by_position("items")) {
            let options = self.nodes(positions, &format!("{path}/{key}"), level)?;
            return Ok(json!({"type": "array", "items": {"anyOf": options}}));
        }
        let items = schema.get("items").filter(|items| items.is_object());
        let items = items.ok_or_else(|| {
            problem(
                path,
                "a list of anything can't be asked for: say with `items` what it holds",
            )
        })?;
        let items = self.node(items, &format!("{path}/items"), level)?;
        Ok(json!({"type": "array", "items": items}))
    }
}

/// The name in `#/$defs/NAME` or `#/definitions/NAME`.
fn definition_name(reference: &str) -> Option<String> {
    let name = reference
        .strip_prefix("#/$defs/")
        .or_else(|| reference.strip_prefix("#/definitions/"))?;
    let is_plain = !name.is_empty() && !name.contains(['/', '~', '%']);
    is_plain.then(|| name.to_owned())
}

enum Types<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
    NotSaid,
}

/// The types of a schema, from its other keywords where it states none.
fn types_of(schema: &Map<String, Value>) -> Types<'_> {
    match schema.get("type") {
        Some(Value::String(kind)) => return Types::One(kind),
        Some(Value::Array(kinds)) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            return match kinds.as_slice() {
                [] => Types::NotSaid,
                [kind] => Types::One(kind),
                _ => Types::Several(kinds),
            };
        }
        _ => {}
    }
    let told_by = [
        ("properties", "object"),
        ("items", "array"),
        ("prefixItems", "array"),
        ("pattern", "string"),
    ];
    told_by
        .iter()
        .find(|(key, _)| schema.contains_key(*key))
        .map_or(Types::NotSaid, |(_, kind)| Types::One(kind))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn one_or_many(kinds: &[&str]) -> Value {
    match kinds {
        [kind] => json!(kind),
        _ => json!(kinds),
    }
}

/// The same, or `null`.
fn nullable(mut schema: Value) -> Value {
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(options) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        let null = json!({"type": "null"});
        if !options.contains(&null) {
            options.push(null);
        }
        return schema;
    }
    match schema.get("type").cloned() {
        Some(Value::String(kind)) if kind != "null" => schema["type"] = json!([kind, "null"]),
        Some(Value::Array(mut kinds)) if !kinds.contains(&json!("null")) => {
            kinds.push(json!("null"));
            schema["type"] = Value::Array(kinds);
        }
        Some(_) => {}
        None => return json!({"anyOf": [schema, {"type": "null"}]}),
    }
    schema
}

#[cfg(test)]
#[path = "strict_schema_tests.rs"]
mod tests;
