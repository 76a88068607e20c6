//! The rules of IBM watsonx and of IBM's identity service: what they refuse, and how they answer.

use crate::stub::{Answer, Seen};
use serde_json::{Value, json};

pub const KEY: &str = "ibm-cloud-api-key";
pub const TOKEN: &str = "ibm-iam-token";

fn refuse(status: u16, code: &str, words: &str) -> Answer {
    let error =
        json!({"code": code, "message": words, "more_info": "https://cloud.ibm.com/apidocs/watsonx-ai"});
    Answer::Refuse(
        status,
        Vec::new(),
        json!({"errors": [error], "trace": "t", "status_code": status}),
    )
}

/// Both services.
pub fn rules(seen: &Seen) -> Answer {
    if seen.uri.path() == "/identity/token" {
        return token(seen);
    }
    if seen.header("authorization") != format!("Bearer {TOKEN}") {
        return refuse(
            401,
            "authentication_token_not_valid",
            "Failed to authenticate the request due to invalid token",
        );
    }
    let dated = seen
        .uri
        .query()
        .is_some_and(|query| query.starts_with("version=20"));
    if !dated {
        return refuse(
            400,
            "invalid_request_entity",
            "The required query parameter 'version' is missing",
        );
    }
    let body = seen.json();
    match seen.uri.path() {
        "/ml/v1/text/chat_stream" => match check(&body, true) {
            Some(refusal) => refusal,
            None => Answer::Stream("text/event-stream", chunks(&body)),
        },
        "/ml/v1/deployments/d-1/text/chat_stream" => match check(&body, false) {
            Some(refusal) => refusal,
            None => Answer::Stream("text/event-stream", chunks(&body)),
        },
        "/ml/v1/text/embeddings" => embed(&body),
        _ => refuse(404, "deployment_not_found", "The deployment was not found"),
    }
}

fn token(seen: &Seen) -> Answer {
    let form: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(&seen.body).into_owned().collect();
    let grant = form.get("grant_type").map(String::as_str);
    if grant != Some("urn:ibm:params:oauth:grant-type:apikey")
        || form.get("apikey").map(String::as_str) != Some(KEY)
    {
        let error =
            json!({"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."});
        return Answer::Refuse(400, Vec::new(), error);
    }
    Answer::Whole(json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3_600}))
}

/// What chat refuses, the first mistake only.
fn check(body: &Value, is_addressed: bool) -> Option<Answer> {
    const KNOWN: [&str; 15] = [
        "model_id",
        "project_id",
        "space_id",
        "messages",
        "tools",
        "tool_choice",
        "tool_choice_option",
        "max_tokens",
        "temperature",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "stop",
        "response_format",
    ];
    let invalid = |words: String| Some(refuse(400, "invalid_request_entity", &words));
    if let Some(key) = body
        .as_object()?
        .keys()
        .find(|key| !KNOWN.contains(&key.as_str()))
    {
        return invalid(format!("Json document validation error: field {key} is unknown"));
    }
    let addressed =
        body.get("model_id").is_some() && (body.get("project_id").is_some() ^ body.get("space_id").is_some());
    let bare = ["model_id", "project_id", "space_id"]
        .iter()
        .all(|key| body.get(key).is_none());
    if is_addressed && !addressed || !is_addressed && !bare {
        return invalid("model_id and exactly one of project_id, space_id".into());
    }
    match body["model_id"].as_str() {
        None | Some("ibm/granite-3-3-8b-instruct") => {}
        Some(model) => {
            let words = format!(
                "Model '{model}' was not found. This model may be unsupported, deprecated, or removed."
            );
            return Some(refuse(404, "model_not_supported", &words));
        }
    }
    for message in body["messages"].as_array()? {
        if !matches!(
            message["role"].as_str(),
            Some("system" | "user" | "assistant" | "tool")
        ) {
            return invalid(format!("role {} is unknown", message["role"]));
        }
        if message["role"] == "user" && !message["content"].is_array() {
            return invalid("content of a user message must be an array".into());
        }
    }
    body["tools"]
        .to_string()
        .contains("strict")
        .then(|| refuse(400, "invalid_request_entity", "strict is unknown"))
}

/// An event as watsonx writes it.
pub fn event(number: usize, name: &str, data: &Value) -> Vec<u8> {
    format!("id: {number}\nevent: {name}\ndata: {data}\n\n").into_bytes()
}

fn chunks(body: &Value) -> Vec<Vec<u8>> {
    let chunk = |delta: Value, finish: Option<&str>| {
        json!({"id": "chatcmpl-1", "model_id": "ibm/granite-3-3-8b-instruct", "created": 1, "model_version": "3.3.0",
               "created_at": "2025-02-11T00:00:00.000Z",
               "choices": [{"index": 0, "finish_reason": finish, "delta": delta}]})
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    let finish = if body["tool_choice_option"] == "required" {
        let call = |arguments: &str, id: &str, name: &str| {
            json!({"tool_calls": [{"index": 0, "id": id, "type": "function",
                                   "function": {"name": name, "arguments": arguments}}]})
        };
        chunks.push(chunk(call("{\"city\":", "call_1", "weather"), None));
        chunks.push(chunk(call("\"Kyoto\"}", "", ""), None));
        "tool_calls"
    } else if body.get("response_format").is_some() {
        chunks.extend(["{\"day\": ", "\"Monday\"}"].map(|text| chunk(json!({"content": text}), None)));
        "stop"
    } else {
        chunks.extend(
            ["The lease ends ", "on 31 March", " 2027."].map(|text| chunk(json!({"content": text}), None)),
        );
        "stop"
    };
    chunks.push(chunk(json!({"content": ""}), Some(finish)));
    let usage = json!({"prompt_tokens": 30, "completion_tokens": 100, "total_tokens": 130});
    chunks.push(json!({"id": "chatcmpl-1", "choices": [], "usage": usage}));
    let mut events: Vec<Vec<u8>> = chunks
        .iter()
        .enumerate()
        .map(|(number, chunk)| event(number + 1, "message", chunk))
        .collect();
    events.push(event(events.len() + 1, "close", &json!({})));
    events
}

fn embed(body: &Value) -> Answer {
    let inputs = body["inputs"].as_array().map(Vec::len).unwrap_or_default();
    let known = ["model_id", "project_id", "space_id", "inputs", "parameters"];
    let is_known = body
        .as_object()
        .is_some_and(|fields| fields.keys().all(|key| known.contains(&key.as_str())));
    if inputs == 0 || !is_known || body.get("project_id").is_none() {
        return refuse(400, "invalid_request_entity", "inputs");
    }
    let results = vec![json!({"embedding": [3.0, 4.0]}); inputs];
    Answer::Whole(json!({"model_id": body["model_id"], "results": results, "input_token_count": 2}))
}
