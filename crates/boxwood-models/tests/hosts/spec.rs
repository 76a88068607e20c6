//! Our requests against the published specification of Azure's v1 API, and our reading of bodies that real hosts sent,
//! where copies of both are at hand.
//!
//! They lie beside the repository on the developers' machines (`../shared/azure`, or the folder that `BOXWOOD_SHARED`
//! names). Without them the tests say that they were skipped; `errors_tests.rs` holds the same bodies in short.

use crate::rules::Dialect;
use crate::stub::Fault;
use boxwood_core::{ChatMessage, JsonSchemaFormat, ToolCall, ToolChoice};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// A file of the shared folder; says so where it is not there.
fn shared(file: &str) -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let named = std::env::var_os("BOXWOOD_SHARED").map(PathBuf::from);
    let text = named
        .into_iter()
        .chain([beside, PathBuf::from("/work/shared")])
        .find_map(|folder| std::fs::read_to_string(folder.join(file)).ok());
    if text.is_none() {
        eprintln!(
            "SKIPPED: {file} is not beside the repository; set BOXWOOD_SHARED to the folder that holds it"
        );
    }
    text.map(|text| serde_json::from_str(&text).unwrap())
}

/// What each of the samples has to become: words of its description, the kind of error, words of the message.
const SAMPLES: [(&str, &str, &str); 8] = [
    ("rate limited", "Overloaded", ""),
    ("no such deployment", "Unavailable", "no deployment `prod`"),
    ("wrong path or retired", "Unavailable", "successor"),
    ("retired model", "Unavailable", "retired"),
    ("content filter", "Refused", "jailbreak"),
    ("context overflow", "ContextTooLong", ""),
    ("unknown field", "Refused", "Unrecognized request argument"),
    ("", "Refused", "`unsupported`"),
];

#[tokio::test]
async fn bodies_that_real_hosts_sent_are_read() {
    let Some(samples) = shared("azure/azure-wire-samples.json") else {
        return;
    };
    for sample in list(&samples, "errors") {
        let (when, status) = (sample["when"].as_str().unwrap(), sample["http"].as_u64().unwrap());
        let status = u16::try_from(status).unwrap();
        let fault = Fault::Refuse(status, Vec::new(), sample["body"].clone());
        let (outcome, _) = crate::with_fault(Dialect::AzureChat, fault, "retries = 0").await;
        let error = outcome.expect_err(when);
        let (_, kind, words) = SAMPLES.iter().find(|(begin, ..)| when.contains(begin)).unwrap();
        assert!(format!("{error:?}").starts_with(kind), "{when}: {error:?}");
        assert!(error.to_string().contains(words), "{when}: {error}");
    }
    for sample in list(&samples, "stream") {
        let fault = Fault::Replace(0, sample["chunk"].to_string());
        let (outcome, _) = crate::with_fault(Dialect::AzureChat, fault, "").await;
        assert_eq!(outcome.unwrap().text, crate::PIECES.concat(), "{sample}");
    }
}

#[tokio::test]
async fn requests_keep_to_azures_specification() {
    let Some(specification) = shared("azure/azure-v1.chat-responses.json") else {
        return;
    };
    for (dialect, path) in [
        (Dialect::AzureChat, "/chat/completions"),
        (Dialect::AzureResponses, "/responses"),
    ] {
        let body = crate::sent(dialect, |request| {
            let call = ToolCall {
                id: "call_1".into(),
                name: "find".into(),
                arguments: "{\"clause\":\"lease\"}".into(),
            };
            request
                .messages
                .push(ChatMessage::calls("Let me look.", vec![call]));
            request
                .messages
                .push(ChatMessage::tool_result("call_1", "Clause 4."));
            request.tool_choice = ToolChoice::Required;
            request.response_format = Some(JsonSchemaFormat {
                name: "lease".into(),
                schema: json!({"type": "object", "properties": {"day": {"type": "string"}}}),
            });
        })
        .await;
        let checker = Checker {
            schemas: &specification["components"]["schemas"],
        };
        let root =
            &specification["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let problems = checker.problems(root, &body, "#", true);
        assert_eq!(problems, Vec::<String>::new(), "{path}: {body:#}");

        // The check itself can fail.
        for (key, value) in [
            ("stream", json!("yes")),
            ("frobnicate", json!(1)),
            ("tools", json!([{"type": "?"}])),
        ] {
            let mut wrong = body.clone();
            wrong[key] = value;
            assert!(
                !checker.problems(root, &wrong, "#", true).is_empty(),
                "{path} {key}"
            );
        }
    }
}

/// As much of OpenAPI 3.0 as the specification uses.
struct Checker<'a> {
    schemas: &'a Value,
}

impl Checker<'_> {
    /// What is wrong with the value. `follow`: whether a discriminator leads on to the schema of its kind.
    fn problems(&self, schema: &Value, value: &Value, place: &str, follow: bool) -> Vec<String> {
        let schema = self.resolved(schema);
        if value.is_null() && schema["nullable"] == true {
            return Vec::new();
        }
        // A part that stands alone is the schema itself, under a description of its own.
        if let [only] = list(schema, "allOf")
            && schema.get("properties").is_none()
        {
            return self.problems(only, value, place, follow);
        }
        if follow && let Some(kind) = self.kind_of(schema, value) {
            return match kind {
                Ok(kind) => self.problems(&json!({"$ref": kind}), value, place, true),
                Err(found) => vec![format!("{place}: no such kind: {found}")],
            };
        }
        let mut problems = self.scalar(schema, value, place);
        for part in list(schema, "allOf") {
            problems.extend(self.problems(part, value, place, false));
        }
        for key in ["anyOf", "oneOf"] {
            let parts = list(schema, key);
            let tried: Vec<Vec<String>> = parts
                .iter()
                .map(|part| self.problems(part, value, place, true))
                .collect();
            if !tried.is_empty() && !tried.iter().any(Vec::is_empty) {
                problems.extend(tried.into_iter().min_by_key(Vec::len).unwrap_or_default());
            }
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (index, value) in values.iter().enumerate() {
                problems.extend(self.problems(items, value, &format!("{place}/{index}"), true));
            }
        }
        if let Some(fields) = value.as_object() {
            problems.extend(self.fields(schema, fields, place, follow));
        }
        problems
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"]
            .as_str()
            .and_then(|reference| reference.rsplit('/').next())
        {
            Some(name) => self.resolved(&self.schemas[name]),
            None => schema,
        }
    }

    /// The schema that a discriminator names, where it names another one.
    fn kind_of(&self, schema: &Value, value: &Value) -> Option<Result<String, String>> {
        let discriminator = schema.get("discriminator")?;
        let found = &value[discriminator["propertyName"].as_str()?];
        let mapping = discriminator["mapping"].as_object()?;
        let kind = found.as_str().and_then(|name| mapping.get(name));
        Some(
            kind.and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| found.to_string()),
        )
    }

    fn scalar(&self, schema: &Value, value: &Value, place: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let fits = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64() || value.is_i64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !fits {
            problems.push(format!("{place}: {value} is no {}", schema["type"]));
        }
        let allowed = list(schema, "enum");
        if !allowed.is_empty() && !allowed.contains(value) {
            problems.push(format!("{place}: {value} is none of {}", schema["enum"]));
        }
        if let (Some(number), Some(most)) = (value.as_f64(), schema["maximum"].as_f64())
            && number > most
        {
            problems.push(format!("{place}: {number} is above {most}"));
        }
        problems
    }

    fn fields(&self, schema: &Value, fields: &Map<String, Value>, place: &str, strict: bool) -> Vec<String> {
        let mut problems = Vec::new();
        for name in list(schema, "required").iter().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                problems.push(format!("{place}/{name}: is missing"));
            }
        }
        let known = self.properties(schema);
        for (name, value) in fields {
            let place = format!("{place}/{name}");
            match schema["properties"].get(name) {
                Some(property) => problems.extend(self.problems(property, value, &place, true)),
                // A schema without properties takes any.
                None if strict && !known.is_empty() && !known.contains(name) => {
                    problems.push(format!("{place}: is not a field"));
                }
                None => {}
            }
        }
        problems
    }

    /// All property names, those of the parts included.
    fn properties(&self, schema: &Value) -> Vec<String> {
        let schema = self.resolved(schema);
        let own = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .cloned();
        let parts = list(schema, "allOf")
            .iter()
            .flat_map(|part| self.properties(part));
        own.chain(parts).collect()
    }
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema[key].as_array().map(Vec::as_slice).unwrap_or_default()
}
