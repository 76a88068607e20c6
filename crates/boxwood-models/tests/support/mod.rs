//! A strict stand-in for o4-mini on Azure: it refuses what the real host refuses, and fails on demand.
//!
//! Written from what real hosts sent, not from our client, so that the two can disagree.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const KEY: &str = "azure-test-key";
pub const DEPLOYMENT: &str = "prod";

/// What goes wrong with the next request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A refusal with this status, headers and body.
    Refuse(u16, Vec<(&'static str, String)>, Value),
    /// Silence for so long, then as usual.
    Slow(Duration),
    /// The stream breaks off after so many chunks.
    CutAfter(usize),
    /// The stream pauses for so long before the chunk of this number.
    PauseBefore(usize, Duration),
    /// In place of the chunk of this number.
    Replace(usize, String),
    /// Sent elsewhere.
    Redirect(String),
    /// The limit was used up by thinking.
    OnlyThinking,
    /// The model refuses in words of its own.
    ModelRefuses,
    /// A whole JSON reply although a stream was asked for.
    NotStreamed,
}

#[derive(Default)]
struct Script {
    faults: VecDeque<Fault>,
    requests: Vec<(HeaderMap, String, Value)>,
    running: usize,
    most_running: usize,
}

/// A running stand-in.
#[derive(Clone)]
pub struct O4MiniStub {
    pub base_url: String,
    answer: Vec<String>,
    script: Arc<Mutex<Script>>,
}

impl O4MiniStub {
    /// Starts on a free loopback port; answers in these pieces.
    pub async fn start(answer: &[&str]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            base_url: format!("http://{}", listener.local_addr().unwrap()),
            answer: answer.iter().map(|piece| (*piece).to_owned()).collect(),
            script: Arc::default(),
        };
        let app = Router::new()
            .route("/openai/v1/chat/completions", post(v1))
            .route("/openai/deployments/{deployment}/chat/completions", post(dated))
            .fallback(|| async { refuse(404, json!({"code": "404", "message": "Resource not found"})) })
            .with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        stub
    }

    pub fn fail_next(&self, fault: Fault) {
        self.script.lock().unwrap().faults.push_back(fault);
    }

    /// Headers, path with query, and body of every request.
    pub fn requests(&self) -> Vec<(HeaderMap, String, Value)> {
        self.script.lock().unwrap().requests.clone()
    }

    pub fn most_running(&self) -> usize {
        self.script.lock().unwrap().most_running
    }

    pub fn running(&self) -> usize {
        self.script.lock().unwrap().running
    }
}

async fn v1(State(stub): State<O4MiniStub>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let deployment = body["model"].as_str().unwrap_or_default().to_owned();
    answer(stub, &deployment, uri, headers, body).await
}

async fn dated(
    State(stub): State<O4MiniStub>,
    Path(deployment): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !uri.query().unwrap_or_default().starts_with("api-version=20") {
        return refuse(404, json!({"code": "404", "message": "Resource not found"}));
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    answer(stub, &deployment, uri, headers, body).await
}

async fn answer(stub: O4MiniStub, deployment: &str, uri: Uri, headers: HeaderMap, body: Value) -> Response {
    let fault = {
        let mut script = stub.script.lock().unwrap();
        script
            .requests
            .push((headers.clone(), uri.to_string(), body.clone()));
        script.faults.pop_front()
    };
    let key = headers.get("api-key").and_then(|value| value.to_str().ok());
    if key != Some(KEY) {
        let message = "Access denied due to invalid subscription key or wrong API endpoint.";
        return refuse(401, json!({"code": "401", "message": message}));
    }
    if deployment != DEPLOYMENT {
        let message = "The API deployment for this resource does not exist.";
        return refuse(404, json!({"code": "DeploymentNotFound", "message": message}));
    }
    if let Some(refusal) = check(&body) {
        return refuse(400, refusal);
    }
    match &fault {
        Some(Fault::Refuse(status, headers, body)) => {
            let mut response = refuse(*status, body.clone());
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            return response;
        }
        Some(Fault::Redirect(to)) => {
            return (StatusCode::TEMPORARY_REDIRECT, [("location", to.clone())]).into_response();
        }
        Some(Fault::Slow(pause)) => tokio::time::sleep(*pause).await,
        Some(Fault::NotStreamed) => {
            let message = json!({"role": "assistant", "content": stub.answer.concat()});
            let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
            return axum::Json(json!({"choices": [choice], "usage": usage()})).into_response();
        }
        Some(Fault::ModelRefuses) => {
            let message = json!({"role": "assistant", "content": null, "refusal": "I can't help with that."});
            let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
            return axum::Json(json!({"choices": [choice], "usage": usage()})).into_response();
        }
        _ => {}
    }
    stream(stub, fault)
}

fn usage() -> Value {
    json!({"prompt_tokens": 30, "completion_tokens": 100, "total_tokens": 130,
           "prompt_tokens_details": {"audio_tokens": null, "cached_tokens": 10},
           "completion_tokens_details": {"reasoning_tokens": 64}})
}

/// Counts the streams that run; ends with the stream, also when the client goes away.
struct Count(O4MiniStub);

impl Drop for Count {
    fn drop(&mut self) {
        self.0.script.lock().unwrap().running -= 1;
    }
}

fn stream(stub: O4MiniStub, fault: Option<Fault>) -> Response {
    {
        let mut script = stub.script.lock().unwrap();
        script.running += 1;
        script.most_running = script.most_running.max(script.running);
    }
    let count = Count(stub.clone());
    let chunks = chunks(&stub.answer, matches!(fault, Some(Fault::OnlyThinking)));
    let steps = futures::stream::unfold((0, count), move |(number, count)| {
        let (chunk, fault) = (chunks.get(number).cloned(), fault.clone());
        async move {
            let chunk = match &fault {
                Some(Fault::CutAfter(at)) if *at == number => {
                    return Some((Err(std::io::Error::other("cut")), (usize::MAX, count)));
                }
                Some(Fault::PauseBefore(at, pause)) if *at == number => {
                    tokio::time::sleep(*pause).await;
                    chunk?
                }
                Some(Fault::Replace(at, with)) if *at == number => with.clone(),
                _ => chunk?,
            };
            // Lets each chunk leave as a piece of its own.
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok(format!("data: {chunk}\n\n")), (number + 1, count)))
        }
    });
    (
        [("content-type", "text/event-stream; charset=utf-8")],
        Body::from_stream(steps),
    )
        .into_response()
}

/// The chunks of an answer as Azure sends them, with its oddities.
fn chunks(answer: &[String], only_thinking: bool) -> Vec<String> {
    let safe = json!({"hate": {"filtered": false, "severity": "safe"}});
    let mut chunks = vec![
        json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
               "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": safe}]}),
        json!({"choices": [{"content_filter_results": {}, "index": 0, "finish_reason": null, "logprobs": null,
               "delta": {"content": "", "refusal": null, "role": "assistant"}}],
               "id": "chatcmpl-1", "model": "o4-mini-2025-04-16", "obfuscation": "D3W", "usage": null}),
    ];
    if !only_thinking {
        for piece in answer {
            chunks.push(
                json!({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": null,
                               "content_filter_results": safe}], "usage": null}),
            );
            // The asynchronous filter: a choice without `delta`.
            chunks.push(
                json!({"choices": [{"index": 0, "finish_reason": null, "content_filter_results": safe,
                "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198}}]}),
            );
        }
    }
    let reason = if only_thinking { "length" } else { "stop" };
    chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": null}));
    chunks.push(json!({"choices": [], "usage": usage()}));
    let mut lines: Vec<String> = chunks.iter().map(Value::to_string).collect();
    lines.push("[DONE]".into());
    lines
}

fn refuse(status: u16, error: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, axum::Json(json!({"error": error}))).into_response()
}

/// What o4-mini refuses with 400, the first mistake only, as the host does.
fn check(body: &Value) -> Option<Value> {
    let refusal = |message: String, parameter: Option<&str>, code: Option<&str>| {
        Some(json!({"message": message, "type": "invalid_request_error", "param": parameter, "code": code}))
    };
    let unsupported = |name: &str, more: &str| {
        let message = format!("Unsupported parameter: '{name}' is not supported with this model.{more}");
        refusal(message, Some(name), Some("unsupported_parameter"))
    };
    for (name, value) in body.as_object()? {
        let refused = match name.as_str() {
            "model" | "stream" | "stream_options" | "messages" => None,
            "max_completion_tokens" => {
                let most = value
                    .as_u64()
                    .is_some_and(|tokens| (1..=100_000).contains(&tokens));
                if most {
                    None
                } else {
                    refusal(
                        "max_tokens is too large".into(),
                        Some(name),
                        Some("invalid_value"),
                    )
                }
            }
            "reasoning_effort" => match value.as_str() {
                Some("low" | "medium" | "high") => None,
                _ => refusal(
                    format!("Unsupported value: {value}"),
                    Some(name),
                    Some("unsupported_value"),
                ),
            },
            "response_format" => check_format(value).and_then(|message| {
                let message = format!("Invalid schema for response_format: {message}");
                refusal(message, Some(name), None)
            }),
            "temperature" if value.as_f64() == Some(1.0) => None,
            "temperature" => refusal(
                format!(
                    "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported."
                ),
                Some(name),
                Some("unsupported_value"),
            ),
            "max_tokens" => unsupported(name, " Use 'max_completion_tokens' instead."),
            "top_p"
            | "stop"
            | "logit_bias"
            | "parallel_tool_calls"
            | "presence_penalty"
            | "frequency_penalty"
            | "logprobs"
            | "top_logprobs" => unsupported(name, ""),
            _ => refusal(
                format!("Unrecognized request argument supplied: {name}"),
                None,
                None,
            ),
        };
        if refused.is_some() {
            return refused;
        }
    }
    check_messages(
        body.get("messages")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default(),
    )
}

/// What structured outputs refuse under `strict`, the first mistake only.
fn check_format(format: &Value) -> Option<String> {
    let asked = &format["json_schema"];
    let name = asked["name"].as_str().unwrap_or_default();
    let is_named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if format["type"] != "json_schema" || name.is_empty() || name.len() > 64 || !name.chars().all(is_named) {
        return Some("a name is wanted".into());
    }
    if asked["strict"] != true || asked["schema"]["type"] != "object" {
        return Some("schema must be a JSON Schema of 'type: \"object\"'".into());
    }
    let mut properties = 0;
    check_schema(&asked["schema"], 0, &mut properties)
        .or_else(|| (properties > 100).then(|| "too many properties".into()))
}

fn check_schema(schema: &Value, level: usize, properties: &mut usize) -> Option<String> {
    const KNOWN: [&str; 9] = [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "anyOf",
        "description",
        "$defs",
    ];
    let keys = schema.as_object()?;
    if keys.contains_key("$ref") {
        return (keys.len() > 1).then(|| "$ref cannot have keywords beside it".into());
    }
    if let Some(key) = keys.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Some(format!("'{key}' is not permitted"));
    }
    if !keys.contains_key("type") && !keys.contains_key("anyOf") {
        return Some("schema must have a 'type' key".into());
    }
    let is_object = schema["type"] == "object";
    if is_object {
        let own = schema["properties"].as_object()?;
        let names: Vec<&str> = schema["required"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        *properties += own.len();
        if schema["additionalProperties"] != false || own.keys().any(|name| !names.contains(&name.as_str())) {
            return Some("'required' is required to be an array including every key in properties".into());
        }
        if level >= 5 {
            return Some("5 levels of nesting exceeded".into());
        }
    }
    let level = level + usize::from(is_object);
    let inner = ["properties", "$defs"]
        .iter()
        .filter_map(|key| schema[*key].as_object());
    let lists = schema["anyOf"].as_array().into_iter().flatten();
    inner
        .flat_map(|group| group.values())
        .chain(lists)
        .chain(schema.get("items"))
        .find_map(|schema| check_schema(schema, level, properties))
}

fn check_messages(messages: &[Value]) -> Option<Value> {
    let roles: Vec<&str> = messages
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect();
    let known = |role: &&str| matches!(*role, "developer" | "system" | "user" | "assistant");
    let both = roles.contains(&"developer") && roles.contains(&"system");
    let fine = !messages.is_empty() && roles.len() == messages.len() && roles.iter().all(known) && !both;
    if fine {
        return None;
    }
    Some(
        json!({"message": "Invalid 'messages'.", "type": "invalid_request_error", "param": "messages", "code": null}),
    )
}
