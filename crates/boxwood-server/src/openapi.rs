//! `/openapi.json`: what this server serves, derived from the table of routes.
//!
//! Invariant: a path stands in it only if a route serves it. Parameters, bodies and schemas are facts of Box's published
//! description 2024.0 (`data/description*.json`: its operations that have a route, without any of its prose); what
//! Boxwood adds (the event stream, the `boxwood` member, own operations) is added here.

mod corrections;

use crate::routes;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Each holds `operations` and `schemas`; together they have every schema that one of them refers to.
const FACTS: [&str; 2] = [
    include_str!("../data/description.json"),
    include_str!("../data/description-metadata.json"),
];

/// The facts of all parts.
fn facts() -> Result<Value, serde_json::Error> {
    let mut all = json!({"operations": {}, "schemas": {}});
    for part in FACTS {
        let part: Value = serde_json::from_str(part)?;
        for group in ["operations", "schemas"] {
            for (name, fact) in part[group].as_object().into_iter().flatten() {
                all[group][name] = fact.clone();
            }
        }
    }
    Ok(all)
}

/// The description, with the server's address as the client knows it.
///
/// # Errors
/// When the embedded facts are no JSON, which a test rules out.
pub fn describe(base: &str) -> Result<Value, serde_json::Error> {
    let mut facts = facts()?;
    corrections::correct(&mut facts);
    extend_answers(&mut facts);
    let mut paths: Map<String, Value> = Map::new();
    let mut named = HashSet::new();
    let of_box = routes::table().into_iter();
    for route in of_box.filter(|route| !route.operation.starts_with("openai_")) {
        let mut operation = operation(&facts["operations"][route.operation], &route);
        if named.insert(route.operation) {
            // The same operation may be served on two paths, but ids are unique.
            operation.insert("operationId".to_owned(), route.operation.into());
        }
        if route.path.starts_with("/2.0/") {
            operation.insert("security".to_owned(), json!([{"bearer": []}]));
        }
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_ascii_lowercase()] = Value::Object(operation);
    }
    Ok(json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Boxwood",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The operations of the Box API that this Boxwood serves. Paths under /2.0 are also served \
                            under /api/2.0. Everything else of the Box API answers 501.",
        },
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "schemas": facts["schemas"].take(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }))
}

/// One operation from its facts; own operations have none and get the least that is true.
fn operation(facts: &Value, route: &routes::Route) -> Map<String, Value> {
    let mut operation = Map::new();
    let mut parameters: Vec<Value> = path_parameters(route.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(facts["parameters"].as_array().cloned().unwrap_or_default());
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(body) = facts.get("requestBody") {
        operation.insert("requestBody".to_owned(), body.clone());
    }
    let mut responses = facts["responses"].as_object().cloned().unwrap_or_default();
    if responses.is_empty() {
        let done = if route.method == Method::DELETE {
            "204"
        } else {
            "200"
        };
        responses.insert(done.to_owned(), json!({}));
    }
    let refusal = &mut responses.entry("default").or_insert_with(|| json!({}))["content"]["application/json"];
    if refusal.is_null() {
        *refusal = corrections::refusal();
    }
    for (status, response) in &mut responses {
        response["description"] = outcome(status).into();
    }
    operation.insert("responses".to_owned(), responses.into());
    operation
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn outcome(status: &str) -> &'static str {
    match status.as_bytes().first() {
        Some(b'2') => "Done.",
        Some(b'3') => "Look at the headers.",
        _ => "Refused or failed: an error object, see /docs/errors.",
    }
}

/// What Boxwood adds to questions and texts.
fn extend_answers(facts: &mut Value) {
    for operation in ["post_ai_ask", "post_ai_text_gen"] {
        let content = &mut facts["operations"][operation]["responses"]["200"]["content"];
        content["text/event-stream"] = json!({"schema": {"type": "string"}});
    }
    // `AiResponse--Full` extends this one.
    facts["schemas"]["AiResponse"]["properties"]["boxwood"] = json!({"type": "object"});
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.push(reference.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let description = describe("http://127.0.0.1:8020").unwrap();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(found.len() > 50);
        assert!(
            !FACTS.concat().contains("\"allOf\":[]"),
            "an empty allOf is no valid schema"
        );
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_of_box_has_its_facts_and_every_operation_a_response() {
        let facts = facts().unwrap();
        for route in routes::table() {
            let of_box = crate::operations::rows().any(|(_, _, operation)| operation == route.operation);
            assert!(
                !of_box || facts["operations"].get(route.operation).is_some(),
                "{route:?}"
            );
        }
        let description = describe("http://x").unwrap();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(!responses.is_empty(), "{method} {path}");
                assert!(
                    responses
                        .values()
                        .all(|response| response["description"].is_string()),
                    "{method} {path}"
                );
            }
        }
    }
}
