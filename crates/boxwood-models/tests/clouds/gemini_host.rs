//! The rules of Google's Gemini API and of Vertex: what they refuse, and how they answer.

use crate::stub::{Answer, Seen, event};
use serde_json::{Value, json};

pub const KEY: &str = "AIza-test-key";
pub const TOKEN: &str = "ya29.test-token";

fn refuse(code: u16, status: &str, words: &str, reason: &str) -> Answer {
    let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                          "domain": "googleapis.com"}]);
    let error = json!({"error": {"code": code, "message": words, "status": status, "details": details}});
    // Where a stream was asked for, a refusal stands in a list.
    Answer::Refuse(code, Vec::new(), json!([error]))
}

/// The Gemini API.
pub fn rules(seen: &Seen) -> Answer {
    if seen.header("x-goog-api-key") != KEY {
        let words = "API key not valid. Please pass a valid API key.";
        return refuse(400, "INVALID_ARGUMENT", words, "API_KEY_INVALID");
    }
    match seen.uri.path().strip_prefix("/v1beta/models/") {
        Some("text-embedding:batchEmbedContents") => embed(&seen.json()),
        Some(call) => generate(call, seen),
        None => refuse(404, "NOT_FOUND", "", ""),
    }
}

/// Vertex, with the token service beside it.
pub fn vertex_rules(seen: &Seen) -> Answer {
    if seen.header("authorization") != format!("Bearer {TOKEN}") {
        let words = "Request had invalid authentication credentials.";
        return refuse(401, "UNAUTHENTICATED", words, "ACCESS_TOKEN_EXPIRED");
    }
    let place = "/v1/projects/my-project/locations/europe-west4/publishers/google/models/";
    match seen.uri.path().strip_prefix(place) {
        Some("text-embedding:predict") => predict(&seen.json()),
        Some(call) => generate(call, seen),
        None => refuse(
            403,
            "PERMISSION_DENIED",
            "Permission denied on resource project.",
            "IAM_PERMISSION_DENIED",
        ),
    }
}

fn generate(call: &str, seen: &Seen) -> Answer {
    let Some((model, "streamGenerateContent")) = call.split_once(':') else {
        return refuse(404, "NOT_FOUND", "", "");
    };
    if !matches!(model, "gemini-2.0-flash" | "gemini-2.5-flash" | "gemini-3-pro") {
        let words = format!(
            "models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels \
             to see the list of available models and their supported methods."
        );
        return refuse(404, "NOT_FOUND", &words, "");
    }
    if seen.uri.query() != Some("alt=sse") {
        return refuse(400, "INVALID_ARGUMENT", "alt=sse is wanted by this test", "");
    }
    let body = seen.json();
    if let Some(words) = check(model, &body) {
        return refuse(400, "INVALID_ARGUMENT", &words, "");
    }
    Answer::Stream("text/event-stream", chunks(&body))
}

/// What `generateContent` refuses with 400, the first mistake only.
fn check(model: &str, body: &Value) -> Option<String> {
    const KNOWN: [&str; 5] = [
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
    ];
    const CONFIG: [&str; 11] = [
        "maxOutputTokens",
        "temperature",
        "topP",
        "topK",
        "seed",
        "frequencyPenalty",
        "presencePenalty",
        "stopSequences",
        "responseMimeType",
        "responseSchema",
        "thinkingConfig",
    ];
    let unknown = |object: &Value, known: &[&str], place: &str| {
        let key = object
            .as_object()?
            .keys()
            .find(|key| !known.contains(&key.as_str()))?
            .clone();
        Some(format!(
            "Invalid JSON payload received. Unknown name \"{key}\" at '{place}': Cannot find field."
        ))
    };
    let config = &body["generationConfig"];
    let found = unknown(body, &KNOWN, "").or_else(|| unknown(config, &CONFIG, "generation_config"));
    if found.is_some() {
        return found;
    }
    let thinks = model != "gemini-2.0-flash";
    if thinks && (config.get("presencePenalty").is_some() || config.get("frequencyPenalty").is_some()) {
        return Some(format!("Penalty is not enabled for models/{model}"));
    }
    let thinking = &config["thinkingConfig"];
    if !thinks && !thinking.is_null() {
        return Some("Unable to submit request because thinking is not supported by this model.".into());
    }
    if model == "gemini-3-pro" && !matches!(thinking["thinkingLevel"].as_str(), None | Some("LOW" | "HIGH")) {
        return Some("Thinking level is not supported for this model.".into());
    }
    if config["stopSequences"]
        .as_array()
        .is_some_and(|stop| stop.len() > 5)
    {
        return Some("Unable to submit request because it has too many stop sequences".into());
    }
    check_schema(&config["responseSchema"], "generation_config.response_schema")
        .or_else(|| check_contents(model, body))
}

fn check_schema(schema: &Value, place: &str) -> Option<String> {
    const KNOWN: [&str; 18] = [
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "maxItems",
        "minItems",
        "properties",
        "required",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "anyOf",
        "items",
        "propertyOrdering",
    ];
    let fields = schema.as_object()?;
    if let Some(key) = fields.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Some(format!(
            "Invalid JSON payload received. Unknown name \"{key}\" at '{place}': Cannot find field."
        ));
    }
    let kinds = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT"];
    if !fields.contains_key("anyOf") && !kinds.contains(&schema["type"].as_str().unwrap_or_default()) {
        return Some(format!("{place}: schema didn't specify the schema type field"));
    }
    if schema["type"] == "OBJECT"
        && schema["properties"]
            .as_object()
            .is_none_or(serde_json::Map::is_empty)
    {
        return Some(format!("{place}.properties: should be non-empty for OBJECT type"));
    }
    let inner = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.values());
    inner
        .chain(schema.get("items"))
        .chain(schema["anyOf"].as_array().into_iter().flatten())
        .find_map(|inner| check_schema(inner, place))
}

fn check_contents(model: &str, body: &Value) -> Option<String> {
    let contents = body["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if contents.is_empty() {
        return Some("contents is not specified".into());
    }
    let mut wanted = "user";
    let mut open = 0;
    for content in contents {
        if content["role"] != wanted {
            return Some("Please ensure that multiturn requests alternate between user and model.".into());
        }
        wanted = if wanted == "user" { "model" } else { "user" };
        let parts = content["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let results = parts
            .iter()
            .filter(|part| part.get("functionResponse").is_some())
            .count();
        if results != open {
            return Some(
                "Please ensure that the number of function response parts is equal to the number of function call parts of \
                 the function call turn."
                    .into(),
            );
        }
        open = parts
            .iter()
            .filter(|part| part.get("functionCall").is_some())
            .count();
        let first = parts.iter().find(|part| part.get("functionCall").is_some());
        if model == "gemini-3-pro" && first.is_some_and(|part| part.get("thoughtSignature").is_none()) {
            return Some("Function call is missing a thought_signature in functionCall parts.".into());
        }
        if parts.is_empty() || parts.iter().any(|part| part["text"] == "") {
            return Some("Unable to submit request because it must have a text parameter.".into());
        }
    }
    None
}

fn chunks(body: &Value) -> Vec<Vec<u8>> {
    let chunk = |parts: Value| {
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}], "responseId": "r1",
               "modelVersion": "gemini", "usageMetadata": {"promptTokenCount": 30, "totalTokenCount": 30}})
    };
    let mut chunks = Vec::new();
    if body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true {
        chunks.push(chunk(json!([{"text": "The lease says it.", "thought": true}])));
    }
    if body["toolConfig"]["functionCallingConfig"]["mode"] == "ANY" {
        let call = json!({"name": "weather", "args": {"city": "Kyoto"}});
        chunks.push(chunk(
            json!([{"functionCall": call, "thoughtSignature": "c2ln+/=="}]),
        ));
    } else if body["generationConfig"]["responseMimeType"] == "application/json" {
        chunks.extend(["{\"day\": ", "\"Monday\"}"].map(|text| chunk(json!([{"text": text}]))));
    } else {
        chunks
            .extend(["The lease ends ", "on 31 March", " 2027."].map(|text| chunk(json!([{"text": text}]))));
    }
    if let Some(last) = chunks.last_mut() {
        last["candidates"][0]["finishReason"] = json!("STOP");
        last["usageMetadata"] = json!({"promptTokenCount": 30, "cachedContentTokenCount": 10, "candidatesTokenCount": 36,
                                       "thoughtsTokenCount": 64, "totalTokenCount": 130});
    }
    chunks.iter().map(event).collect()
}

fn embed(body: &Value) -> Answer {
    let requests = body["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_good = |request: &&Value| {
        request["model"] == "models/text-embedding" && request["content"]["parts"][0]["text"].is_string()
    };
    if requests.is_empty() || requests.len() > 100 || !requests.iter().all(|request| is_good(&request)) {
        let words = "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch";
        return refuse(400, "INVALID_ARGUMENT", words, "");
    }
    Answer::Whole(json!({"embeddings": vec![json!({"values": [3.0, 4.0]}); requests.len()]}))
}

fn predict(body: &Value) -> Answer {
    let instances = body["instances"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if instances.len() != 1 || !instances[0]["content"].is_string() {
        return refuse(
            400,
            "INVALID_ARGUMENT",
            "Only one instance is supported per request.",
            "",
        );
    }
    let statistics = json!({"token_count": 2, "truncated": false});
    Answer::Whole(json!({"predictions": [{"embeddings": {"values": [3.0, 4.0], "statistics": statistics}}]}))
}
