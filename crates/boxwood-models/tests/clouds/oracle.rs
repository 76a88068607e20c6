//! What we send, and what our stand-ins answer, held against the makers' own libraries: botocore (signatures byte for
//! byte, service model, event-stream reader), Google's description of Vertex AI, IBM's SDK.
//!
//! They need `python3` with venv; packages are installed once (`tests/hosts`). With `BOXWOOD_SDK=skip` these tests say so
//! and do nothing.

use crate::ask::{NAME, ask, question, registry, weather};
use crate::bedrock_host::{self, MODEL, NOVA, REGION};
use crate::stub::{Answer, Seen, Stub};
use crate::{bedrock, gemini, gemini_host, watsonx, watsonx_host};
use base64::Engine;
use boxwood_core::{
    ChatMessage, ChatRequest, Effort, ImageInput, JsonSchemaFormat, Sampling, ToolCall, ToolChoice,
};
use boxwood_models::ResolvedModel;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn left_out() -> bool {
    let skip = std::env::var("BOXWOOD_SDK").is_ok_and(|value| value == "skip");
    if skip {
        println!("left out: BOXWOOD_SDK=skip");
    }
    skip
}

/// Requests of every kind: plain, all parameters, pictures, tools with their results, schemas, effort.
fn requests() -> Vec<ChatRequest> {
    let plain = question();
    let mut sampled = question();
    sampled.sampling = Sampling {
        temperature: Some(0.7),
        top_p: Some(0.9),
        top_k: Some(40.0),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(0.5),
        seed: Some(u64::MAX),
    };
    let mut pictured = question();
    pictured.messages[1].images = vec![ImageInput {
        media_type: "image/png".into(),
        bytes: (0..=255).collect(),
    }];
    let mut tooled = question();
    tooled.tools = vec![weather()];
    let forced = ChatRequest {
        tool_choice: ToolChoice::Named("weather".into()),
        ..tooled.clone()
    };
    let mut answered = tooled.clone();
    let call = |id: &str| ToolCall {
        id: id.into(),
        name: "weather".into(),
        arguments: "{\"city\": \"京都\"}".into(),
    };
    // One id that fits everywhere, one of another host.
    let ids = [
        "tooluse_1",
        "call 2/日本/with-an-id-that-is-far-too-long-for-any-host-that-limits-ids",
    ];
    answered
        .messages
        .push(ChatMessage::calls("Let me see.", ids.map(call).to_vec()));
    for id in ids {
        answered.messages.push(ChatMessage::tool_result(id, "31 °C"));
    }
    let mut schema = question();
    schema.response_format = Some(JsonSchemaFormat {
        name: "lease".into(),
        schema: json!({"type": "object", "additionalProperties": false, "required": ["day"], "properties": {
            "day": {"type": ["string", "null"], "format": "date", "minLength": 2, "description": "the last day"},
            "rent": {"type": "number", "minimum": 0, "exclusiveMaximum": 9.5},
            "rows": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/row"}}},
            "$defs": {"row": {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}}}}),
    });
    let mut all = vec![plain, sampled, pictured, tooled, forced, answered, schema];
    for request in all.clone() {
        all.push(ChatRequest {
            effort: Some(Effort::High),
            ..request
        });
    }
    all
}

/// Sends every request that the binding takes; the stand-in must take each.
async fn send(model: &ResolvedModel) {
    let identity = model.model.identity().clone();
    for request in requests() {
        let fits = (identity.tools || !request.uses_tools())
            && (identity.json_schema || request.response_format.is_none())
            && (identity.images || request.messages.iter().all(|message| message.images.is_empty()));
        if fits {
            ask(model, request.clone())
                .await
                .unwrap_or_else(|error| panic!("{error}: {request:?}"));
        }
    }
}

fn encoded(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn exchange(stub: &Stub, seen: &Seen, rules: impl Fn(&Seen) -> Answer) -> Value {
    let Answer::Stream(_, pieces) = rules(seen) else {
        panic!("the stand-in refused what it took before");
    };
    let headers: serde_json::Map<String, Value> = seen
        .headers
        .keys()
        .map(|name| (name.to_string(), seen.header(name.as_str()).into()))
        .collect();
    json!({"url": format!("{}{}", stub.base_url, seen.uri), "headers": headers, "body": encoded(&seen.body),
           "reply": encoded(&pieces.concat())})
}

/// Runs a check over exchanges, one a line.
fn run(check: &str, exchanges: &[Value]) {
    assert!(!exchanges.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchanges");
    let lines: String = exchanges.iter().map(|exchange| format!("{exchange}\n")).collect();
    std::fs::write(&file, lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hosts/run.sh");
    let output = Command::new(script).arg(check).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    println!("{check}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_signs_the_same_and_takes_requests_and_replies() {
    if left_out() {
        return;
    }
    let mut exchanges = Vec::new();
    for (family, json_schema) in [
        ("claude", "tool"),
        ("claude", "strict"),
        ("claude_thinking", "tool"),
        ("claude_adaptive", "strict"),
        ("converse", "none"),
    ] {
        let stub = Stub::start(bedrock_host::rules).await;
        let session = if family == "claude" {
            "session_token_env = \"SESSION\""
        } else {
            ""
        };
        let more = format!("family = \"{family}\"\njson_schema = \"{json_schema}\"\ntools = true\n{session}");
        let model = if family == "converse" { NOVA } else { MODEL };
        let table = bedrock::table(&stub, model, &more);
        let registry = registry(&table, |variable| {
            let value = match variable {
                "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY" => SECRET,
                _ => "session-token/+=",
            };
            Some(value.to_owned())
        });
        send(&registry.resolve(Some(NAME)).unwrap()).await;
        for seen in stub.seen("/converse-stream") {
            let mut exchange = exchange(&stub, &seen, bedrock_host::rules);
            let session = seen
                .headers
                .get("x-amz-security-token")
                .map(|_| "session-token/+=");
            exchange["keys"] = json!({"id": "AKIDEXAMPLE", "secret": SECRET, "session": session});
            exchange["region"] = json!(REGION);
            exchange["model"] = json!(model);
            exchanges.push(exchange);
        }
    }
    assert!(exchanges.len() > 50, "{}", exchanges.len());
    run("aws", &exchanges);
}

#[tokio::test(flavor = "multi_thread")]
async fn google_s_own_description_takes_requests_and_replies() {
    if left_out() {
        return;
    }
    let mut exchanges = Vec::new();
    for (model, family) in [
        ("gemini-2.0-flash", "gemini"),
        ("gemini-2.5-flash", "gemini_2_5"),
        ("gemini-3-pro", "gemini_3"),
    ] {
        let stub = Stub::start(gemini_host::rules).await;
        let table = gemini::table(&stub, model, family, "");
        let registry = registry(&table, |_| Some(gemini_host::KEY.to_owned()));
        send(&registry.resolve(Some(NAME)).unwrap()).await;
        let seen = stub.seen(":streamGenerateContent");
        exchanges.extend(seen.iter().map(|seen| exchange(&stub, seen, gemini_host::rules)));
    }
    run("google", &exchanges);
}

#[tokio::test(flavor = "multi_thread")]
async fn ibm_s_own_sdk_knows_every_field() {
    if left_out() {
        return;
    }
    let stub = Stub::start(watsonx_host::rules).await;
    let table = watsonx::table(&stub, watsonx::ADDRESS, "");
    let registry = registry(&table, |_| Some(watsonx_host::KEY.to_owned()));
    send(&registry.resolve(Some(NAME)).unwrap()).await;
    let seen = stub.seen("/text/chat_stream");
    let exchanges: Vec<Value> = seen
        .iter()
        .map(|seen| exchange(&stub, seen, watsonx_host::rules))
        .collect();
    run("ibm", &exchanges);
}
