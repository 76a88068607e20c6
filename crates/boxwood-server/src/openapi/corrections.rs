//! What is corrected in the facts of Box's description so that every answer of this server fits it.
//!
//! Invariant: a correction widens what an answer may be and never drops a rule for requests. Called by the description
//! only; `tests/sdk/schema` holds the answers against the outcome.

use boxwood_api::ErrorCode;
use serde_json::{Value, json};

/// What is null until it happens, though Box's description does not say so.
const NULLABLE: [&str; 4] = [
    "/schemas/Event/properties/session_id",
    "/schemas/Event/properties/source",
    "/schemas/FileVersion/allOf/1/properties/restored_by",
    "/schemas/FileVersion/allOf/1/properties/trashed_by",
];

/// Where an answer is one of several kinds of which one is any object: more than one fits.
const OVERLAPPING: [&str; 1] = ["/schemas/EventSourceResource"];

/// Refusals whose body Box's description mistakes for the object that was asked for.
const REFUSALS: [&str; 1] = ["/operations/get_metadata_templates_id/responses/400/content/application~1json"];

/// Bodies of pictures, whose type Box's description writes as no picture's type is written.
const PICTURES: [&str; 1] = ["/operations/get_files_id_thumbnail_id/responses/200/content"];

/// The facts, corrected.
pub(super) fn correct(facts: &mut Value) {
    name_error_codes(facts);
    lift_nullable(facts);
    for pointer in NULLABLE {
        if let Some(schema) = facts.pointer_mut(pointer) {
            *schema = json!({"allOf": [schema.take()], "nullable": true});
        }
    }
    for pointer in REFUSALS {
        if let Some(body) = facts.pointer_mut(pointer) {
            *body = refusal();
        }
    }
    for pointer in PICTURES {
        if let Some(bodies) = facts.pointer_mut(pointer).and_then(Value::as_object_mut)
            && let Some(body) = bodies.get("image/jpg").cloned()
        {
            bodies.insert("image/jpeg".to_owned(), body);
        }
    }
    for pointer in OVERLAPPING {
        if let Some(members) = facts.pointer_mut(pointer).and_then(Value::as_object_mut) {
            let kinds = members.remove("oneOf").unwrap_or_default();
            members.insert("anyOf".to_owned(), kinds);
        }
    }
}

/// Box's list of codes lacks several that its service and this server answer with.
fn name_error_codes(facts: &mut Value) {
    let codes = &mut facts["schemas"]["ClientError"]["properties"]["code"]["enum"];
    let Some(codes) = codes.as_array_mut() else {
        return;
    };
    for row in ErrorCode::TABLE {
        let code = Value::from(row.wire);
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
}

/// Box writes `allOf: [A, {nullable: true}]` for "A or null", which by the rules of schemas allows no null.
fn lift_nullable(value: &mut Value) {
    match value {
        Value::Array(entries) => entries.iter_mut().for_each(lift_nullable),
        Value::Object(members) => {
            members.values_mut().for_each(lift_nullable);
            let Some(Value::Array(parts)) = members.get_mut("allOf") else {
                return;
            };
            let before = parts.len();
            parts.retain(|part| *part != json!({"nullable": true}));
            if parts.len() < before {
                members.insert("nullable".to_owned(), true.into());
            }
        }
        _ => {}
    }
}

/// The JSON body of every refusal and failure: the error object.
pub(super) fn refusal() -> Value {
    json!({"schema": {"$ref": "#/components/schemas/ClientError"}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_allowed_where_box_means_it() {
        let mut facts =
            json!({"a": {"allOf": [{"$ref": "#/x"}, {"nullable": true}]}, "b": {"allOf": [{"$ref": "#/x"}]}});
        lift_nullable(&mut facts);
        let expected =
            json!({"a": {"allOf": [{"$ref": "#/x"}], "nullable": true}, "b": {"allOf": [{"$ref": "#/x"}]}});
        assert_eq!(facts, expected);
    }

    #[test]
    fn every_correction_finds_its_place() {
        let facts = super::super::facts().unwrap();
        for pointer in NULLABLE.iter().chain(&REFUSALS) {
            assert!(facts.pointer(pointer).is_some(), "{pointer}");
        }
        for pointer in PICTURES {
            assert!(
                facts.pointer(pointer).unwrap()["image/jpg"].is_object(),
                "{pointer}"
            );
        }
        for pointer in OVERLAPPING {
            assert!(facts.pointer(pointer).unwrap()["oneOf"].is_array(), "{pointer}");
        }
    }

    #[test]
    fn every_code_of_the_table_is_named_once() {
        let mut facts =
            json!({"schemas": {"ClientError": {"properties": {"code": {"enum": ["not_found", "created"]}}}}});
        name_error_codes(&mut facts);
        let codes = facts["schemas"]["ClientError"]["properties"]["code"]["enum"]
            .as_array()
            .unwrap();
        assert_eq!(codes.len(), ErrorCode::TABLE.len() + 1);
    }
}
