//! The rules of Bedrock's runtime: what Converse refuses, and how it answers.

use crate::stub::{Answer, Seen};
use serde_json::{Value, json};

pub const KEY: &str = "bedrock-api-key-abc";
pub const REGION: &str = "eu-west-1";
/// A model id with a character that must be encoded.
pub const MODEL: &str = "eu.anthropic.claude-sonnet-4-20250514-v1:0";
/// A model that is no Claude.
pub const NOVA: &str = "eu.amazon.nova-pro-v1:0";

/// A message of the event stream, with its checksums (CRC-32, bit by bit: no library that the client uses too).
pub fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (name, value) in headers {
        encoded.push(u8::try_from(name.len()).unwrap());
        encoded.extend(name.as_bytes());
        encoded.push(7);
        encoded.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        encoded.extend(value.as_bytes());
    }
    let total = u32::try_from(16 + encoded.len() + payload.len()).unwrap();
    let mut bytes = Vec::new();
    bytes.extend(total.to_be_bytes());
    bytes.extend(u32::try_from(encoded.len()).unwrap().to_be_bytes());
    bytes.extend(crc(&bytes).to_be_bytes());
    bytes.extend(encoded);
    bytes.extend(payload.as_bytes());
    bytes.extend(crc(&bytes).to_be_bytes());
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

pub fn event(name: &str, payload: &Value) -> Vec<u8> {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    message(&headers, &payload.to_string())
}

pub fn exception(name: &str, words: &str) -> Vec<u8> {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    message(&headers, &json!({"message": words}).to_string())
}

fn refuse(status: u16, name: &str, words: &str) -> Answer {
    let header = ("x-amzn-errortype", format!("{name}:http://internal.amazon.com/"));
    Answer::Refuse(status, vec![header], json!({"message": words}))
}

/// The host.
pub fn rules(seen: &Seen) -> Answer {
    if let Some(refusal) = check_proof(seen) {
        return refusal;
    }
    let path = seen.uri.path();
    let Some((model, operation)) = path
        .strip_prefix("/model/")
        .and_then(|rest| rest.rsplit_once('/'))
    else {
        return refuse(404, "UnknownOperationException", "");
    };
    match model {
        "retired" => {
            let words = "This model version has reached the end of its life. Please refer to the AWS documentation for more \
                         details.";
            return refuse(404, "ResourceNotFoundException", words);
        }
        "no-access" => {
            let words = "You don't have access to the model with the specified model ID.";
            return refuse(403, "AccessDeniedException", words);
        }
        "on-demand" => {
            let words = "Invocation of model ID on-demand with on-demand throughput isn’t supported. Retry your request with \
                         the ID or ARN of an inference profile that contains this model.";
            return refuse(400, "ValidationException", words);
        }
        // AWS's own clients encode the colon.
        "eu.anthropic.claude-sonnet-4-20250514-v1%3A0" | "eu.amazon.nova-pro-v1%3A0" => {}
        "amazon.titan-embed-text-v2%3A0" if operation == "invoke" => return titan(&seen.json()),
        "cohere.embed-v4%3A0" if operation == "invoke" => return cohere(&seen.json()),
        _ => {
            return refuse(
                400,
                "ValidationException",
                "The provided model identifier is invalid.",
            );
        }
    }
    if operation != "converse-stream" {
        return refuse(404, "UnknownOperationException", "");
    }
    if let Some(words) = check(model.contains("claude"), &seen.json()) {
        return refuse(400, "ValidationException", &words);
    }
    Answer::Stream("application/vnd.amazon.eventstream", events(&seen.json()))
}

fn check_proof(seen: &Seen) -> Option<Answer> {
    let proof = seen.header("authorization");
    if let Some(key) = proof.strip_prefix("Bearer ") {
        return (key != KEY).then(|| {
            refuse(
                403,
                "AccessDeniedException",
                "Authentication failed: invalid API key",
            )
        });
    }
    let scope = format!("/{REGION}/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date");
    let is_signed = proof.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") && proof.contains(&scope);
    if !is_signed || seen.header("x-amz-date").len() != 16 {
        return Some(refuse(
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ));
    }
    None
}

/// What Converse refuses with 400, the first mistake only.
fn check(is_claude: bool, body: &Value) -> Option<String> {
    const KNOWN: [&str; 6] = [
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "outputConfig",
    ];
    if let Some(key) = body
        .as_object()?
        .keys()
        .find(|key| !KNOWN.contains(&key.as_str()))
    {
        return Some(format!("Unknown field {key}"));
    }
    let inference = &body["inferenceConfig"];
    if inference["temperature"].as_f64().is_some_and(|value| value > 1.0) {
        return Some("temperature: range: 0..1".into());
    }
    if is_claude && inference.get("temperature").is_some() && inference.get("topP").is_some() {
        return Some(
            "The model returned the following errors: `temperature` and `top_p` cannot both be specified"
                .into(),
        );
    }
    let extra = &body["additionalModelRequestFields"];
    if extra.get("thinking").is_some() && body["toolConfig"].get("toolChoice").is_some() {
        return Some("Thinking may not be enabled when tool_choice forces tool use.".into());
    }
    if let Some(budget) = extra["thinking"]["budget_tokens"].as_u64()
        && (budget < 1_024 || budget >= inference["maxTokens"].as_u64()?)
    {
        return Some("`max_tokens` must be greater than `thinking.budget_tokens`".into());
    }
    check_messages(body)
}

fn check_messages(body: &Value) -> Option<String> {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut wanted = "user";
    let mut called: Vec<&str> = Vec::new();
    for message in messages {
        if message["role"] != wanted {
            return Some("A conversation must alternate between user and assistant roles.".into());
        }
        wanted = if wanted == "user" { "assistant" } else { "user" };
        for block in message["content"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
        {
            if block["text"].as_str().is_some_and(|text| text.trim().is_empty()) {
                return Some("The text field in the ContentBlock object is blank.".into());
            }
            if (block.get("toolUse").is_some() || block.get("toolResult").is_some())
                && body.get("toolConfig").is_none()
            {
                return Some(
                    "The toolConfig field must be defined when using toolUse and toolResult content blocks."
                        .into(),
                );
            }
            called.extend(block["toolUse"]["toolUseId"].as_str());
            if let Some(id) = block["toolResult"]["toolUseId"].as_str()
                && !called.contains(&id)
            {
                return Some("unexpected `tool_use_id` found in `tool_result` blocks".into());
            }
        }
    }
    (messages.is_empty() || wanted == "user").then(|| "A conversation must end with a user message.".into())
}

fn events(body: &Value) -> Vec<Vec<u8>> {
    let mut events = vec![event("messageStart", &json!({"role": "assistant"}))];
    let mut index = 0;
    let delta = |index: i32, delta: Value| {
        event(
            "contentBlockDelta",
            &json!({"contentBlockIndex": index, "delta": delta}),
        )
    };
    let stop = |index: i32| event("contentBlockStop", &json!({"contentBlockIndex": index}));
    if body["additionalModelRequestFields"].get("thinking").is_some() {
        events.push(delta(
            index,
            json!({"reasoningContent": {"text": "The lease says it."}}),
        ));
        events.push(delta(index, json!({"reasoningContent": {"signature": "c2ln"}})));
        events.push(stop(index));
        index += 1;
    }
    let forced = body["toolConfig"]["toolChoice"]["tool"]["name"].as_str();
    let reason = if let Some(name) =
        forced.or_else(|| body["toolConfig"]["toolChoice"].get("any").map(|_| "weather"))
    {
        let input = if name == "weather" {
            ["{\"city\":", "\"Kyoto\"}"]
        } else {
            ["{\"day\": ", "\"Monday\"}"]
        };
        let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": name}});
        events.push(event(
            "contentBlockStart",
            &json!({"contentBlockIndex": index, "start": start}),
        ));
        events.extend(input.map(|input| delta(index, json!({"toolUse": {"input": input}}))));
        events.push(stop(index));
        "tool_use"
    } else {
        events.extend(
            ["The lease ends ", "on 31 March", " 2027."].map(|text| delta(index, json!({"text": text}))),
        );
        events.push(stop(index));
        "end_turn"
    };
    events.push(event("messageStop", &json!({"stopReason": reason})));
    let usage = json!({"inputTokens": 18, "outputTokens": 100, "totalTokens": 130, "cacheReadInputTokens": 10,
                       "cacheWriteInputTokens": 2});
    events.push(event(
        "metadata",
        &json!({"usage": usage, "metrics": {"latencyMs": 321}}),
    ));
    events
}

fn titan(body: &Value) -> Answer {
    let known = ["inputText", "dimensions", "normalize"];
    let is_known = body
        .as_object()
        .is_some_and(|fields| fields.keys().all(|key| known.contains(&key.as_str())));
    if !is_known || !body["inputText"].is_string() {
        return refuse(
            400,
            "ValidationException",
            "Malformed input request: please reformat your input and try again.",
        );
    }
    Answer::Whole(json!({"embedding": [3.0, 4.0], "inputTextTokenCount": 2}))
}

fn cohere(body: &Value) -> Answer {
    let texts = body["texts"].as_array().map(Vec::len).unwrap_or_default();
    if texts == 0 || texts > 96 || !body["input_type"].is_string() {
        return refuse(
            400,
            "ValidationException",
            "Malformed input request: invalid input_type",
        );
    }
    let vectors = vec![json!([3.0, 4.0]); texts];
    Answer::Whole(json!({"id": "1", "embeddings": {"float": vectors}, "response_type": "embeddings_by_type"}))
}
