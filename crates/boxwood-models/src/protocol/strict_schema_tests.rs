//! Tests of [`super`]: pairs of a schema and what a strict host gets, or why it gets nothing.

use super::*;

const LIMITS: SchemaLimits = SchemaLimits {
    properties: 8,
    levels: 3,
    enum_values: 6,
    characters: 100,
};

/// The property `x` of an object, required, as the strict host gets it.
fn check(schema: Value, expected: Value) {
    let root = json!({"type": "object", "properties": {"x": schema}, "required": ["x"]});
    let cut = strict_schema(&root, LIMITS).unwrap();
    assert_eq!(cut["properties"]["x"], expected, "{schema}");
    assert_eq!(cut["additionalProperties"], false);
}

fn check_refused(root: &Value, path: &str, words: &str) {
    let problem = strict_schema(root, LIMITS).unwrap_err();
    assert_eq!(problem.path, path, "{root}");
    assert!(problem.problem.contains(words), "{problem} should say {words}");
}

fn closed(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

#[test]
fn keywords_that_strict_hosts_refuse_are_left_out() {
    check(
        json!({"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a", "format": "date", "default": "a"}),
        json!({"type": "string"}),
    );
    check(
        json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2}),
        json!({"type": "integer"}),
    );
    check(
        json!({"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3, "uniqueItems": true}),
        json!({"type": "array", "items": {"type": "number"}}),
    );
    check(
        json!({"type": "string", "description": "The day.", "title": "Day", "examples": ["x"], "$comment": "y"}),
        json!({"type": "string", "description": "The day."}),
    );
}

#[test]
fn every_property_is_required_and_optional_ones_may_be_null() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "kind": {"enum": ["a", "b"]},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            "nothing": {"type": ["string", "null"]},
        },
        "required": ["name"],
        "patternProperties": {"^x": {}},
        "minProperties": 1,
    });
    let expected = closed(
        json!({
            "name": {"type": "string"},
            "age": {"type": ["integer", "null"]},
            "kind": {"type": ["string", "null"], "enum": ["a", "b", null]},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
            "nothing": {"type": ["string", "null"]},
        }),
        &["name", "age", "kind", "either", "nothing"],
    );
    let cut = strict_schema(&schema, LIMITS).unwrap();
    assert_eq!(cut, expected);
    assert_eq!(
        cut.to_string(),
        expected.to_string(),
        "the order of the keys is kept"
    );
}

#[test]
fn values_carry_their_type() {
    check(json!({"const": "x"}), json!({"type": "string", "enum": ["x"]}));
    check(
        json!({"type": "string", "enum": ["a"]}),
        json!({"type": "string", "enum": ["a"]}),
    );
    check(
        json!({"enum": [1, 2]}),
        json!({"type": "integer", "enum": [1, 2]}),
    );
    check(
        json!({"enum": ["a", null]}),
        json!({"type": ["null", "string"], "enum": ["a", null]}),
    );
}

#[test]
fn choices_are_kept_as_far_as_they_can_be() {
    let (text, number) = (json!({"type": "string"}), json!({"type": "number"}));
    check(json!({"oneOf": [text, number]}), json!({"anyOf": [text, number]}));
    check(json!({"allOf": [text]}), text.clone());
    check(
        json!({"type": "string", "anyOf": [{"minLength": 1}, {"pattern": "a"}]}),
        text.clone(),
    );
    check(
        json!({"type": ["string", "number"]}),
        json!({"type": ["string", "number"]}),
    );
    check(
        json!({"type": ["array", "null"], "items": {"type": "string"}}),
        json!({"anyOf": [{"type": "array", "items": text}, {"type": "null"}]}),
    );
    check(
        json!({"prefixItems": [text, number]}),
        json!({"type": "array", "items": {"anyOf": [text, number]}}),
    );
    check(json!({"pattern": "^a"}), text);
}

#[test]
fn definitions_come_along_when_they_are_referred_to() {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"first": {"$ref": "#/definitions/node", "description": "lost"}, "again": {"$ref": "#"}},
        "required": ["first"],
        "definitions": {
            "node": {"properties": {"next": {"$ref": "#/definitions/leaf"}}, "required": ["next"]},
            "leaf": {"type": "string", "maxLength": 3},
            "unused": {"not": {}},
        },
    });
    let cut = strict_schema(&schema, LIMITS).unwrap();
    assert_eq!(cut["properties"]["first"], json!({"$ref": "#/$defs/node"}));
    assert_eq!(
        cut["properties"]["again"],
        json!({"anyOf": [{"$ref": "#"}, {"type": "null"}]})
    );
    let definitions = json!({
        "node": closed(json!({"next": {"$ref": "#/$defs/leaf"}}), &["next"]),
        "leaf": {"type": "string"},
    });
    assert_eq!(cut["$defs"], definitions);
    assert!(cut.get("$schema").is_none());

    let root = json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"x": {"type": "null"}}}}});
    assert_eq!(
        strict_schema(&root, LIMITS).unwrap(),
        closed(json!({"x": {"type": "null"}}), &["x"])
    );
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_its_place() {
    let of = |schema: Value| json!({"type": "object", "properties": {"x": schema}, "required": ["x"]});
    check_refused(
        &json!({"type": "array", "items": {"type": "string"}}),
        "#",
        "must be an object",
    );
    check_refused(
        &json!({"anyOf": [of(json!({"type": "string"}))]}),
        "#",
        "must be an object",
    );
    check_refused(&json!(true), "#", "give it a type");
    check_refused(&json!({"type": "object"}), "#", "free keys");
    check_refused(&of(json!({})), "#/properties/x", "give it a type");
    check_refused(
        &of(json!({"type": "object", "additionalProperties": {"type": "string"}})),
        "#/properties/x",
        "free keys",
    );
    check_refused(&of(json!({"type": "array"})), "#/properties/x", "items");
    check_refused(
        &of(json!({"$ref": "https://example.com/x"})),
        "#/properties/x",
        "no definition",
    );
    check_refused(&of(json!({"$ref": "#/$defs/none"})), "#/$defs/none", "missing");
    check_refused(
        &of(json!({"allOf": [{"type": "string"}, {"minLength": 1}]})),
        "#/properties/x",
        "allOf",
    );
    check_refused(
        &of(json!({"type": "object", "properties": {"a": {"type": "null"}}, "required": ["b"]})),
        "#/properties/x",
        "`b`",
    );
}

#[test]
fn too_much_is_refused_with_the_numbers() {
    let of = |count: usize| {
        let properties: Map<String, Value> = (0..count)
            .map(|number| (format!("p{number}"), json!({"type": "null"})))
            .collect();
        json!({"type": "object", "properties": properties})
    };
    assert!(strict_schema(&of(8), LIMITS).is_ok());
    check_refused(&of(9), "#", "9 properties");
    let nested = |levels: usize| {
        (1..levels).fold(of(1), |inner, _| json!({"type": "object", "properties": {"in": {"type": "array", "items": inner}}, "required": ["in"]}))
    };
    assert!(strict_schema(&nested(3), LIMITS).is_ok());
    check_refused(
        &nested(4),
        "#/properties/in/items/properties/in/items/properties/in/items",
        "4",
    );
    let choice = |values: usize, length: usize| {
        let values: Vec<String> = (0..values)
            .map(|number| number.to_string().repeat(length))
            .collect();
        json!({"type": "object", "properties": {"x": {"enum": values}}, "required": ["x"]})
    };
    assert!(strict_schema(&choice(6, 1), LIMITS).is_ok());
    check_refused(&choice(7, 1), "#", "7 values");
    check_refused(&choice(5, 40), "#", "characters");
}
