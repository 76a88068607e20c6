//! Golden bodies for Gemini. That Google's own description takes them is proven by `tests/oracle.rs`.

use super::*;
use crate::host::{HostKind, test_host};
use boxwood_core::{ChatRequest, ImageInput, JsonSchemaFormat, Sampling, ToolCall};

fn try_body(family: Family, support: JsonSchemaSupport, request: &ChatRequest) -> Result<Value, ModelError> {
    let mut host = test_host(HostKind::Gemini, family);
    host.capabilities.json_schema = support;
    encode(&Call {
        host: &host,
        model: "m",
        request,
        output_limit: 9_000,
    })
}

fn body(family: Family, request: &ChatRequest) -> Value {
    try_body(family, JsonSchemaSupport::Strict, request).unwrap()
}

fn question() -> ChatRequest {
    ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Answer from the documents."),
            ChatMessage::new(ChatRole::User, "Which day?"),
        ],
        100,
    )
}

#[test]
fn a_box_request_is_encoded_as_google_wants_it() {
    let mut request = question();
    request.sampling = Sampling {
        temperature: Some(0.1),
        top_p: Some(0.9),
        top_k: Some(40.0),
        frequency_penalty: Some(0.5),
        presence_penalty: None,
        seed: Some(1 << 40 | 7),
    };
    request.stop = (0..7).map(|number| format!("stop{number}")).collect();
    assert_eq!(
        body(Family::Gemini, &request),
        json!({
            "systemInstruction": {"parts": [{"text": "Answer from the documents."}]},
            "contents": [{"role": "user", "parts": [{"text": "Which day?"}]}],
            "generationConfig": {"maxOutputTokens": 9000, "temperature": 0.1, "topP": 0.9, "topK": 40,
                                 "frequencyPenalty": 0.5, "seed": 7,
                                 "stopSequences": ["stop0", "stop1", "stop2", "stop3", "stop4"]},
        })
    );
}

#[test]
fn effort_is_a_budget_or_a_level() {
    let mut request = question();
    request.sampling = Sampling::default();
    let mut check = |family, effort, expected: Value| {
        request.effort = effort;
        let body = body(family, &request);
        assert_eq!(
            body["generationConfig"]
                .get("thinkingConfig")
                .cloned()
                .unwrap_or_default(),
            expected
        );
    };
    check(Family::Gemini, Some(Effort::High), Value::Null);
    check(Family::Gemini25, None, json!({"includeThoughts": true}));
    check(
        Family::Gemini25,
        Some(Effort::Low),
        json!({"includeThoughts": true, "thinkingBudget": 4096}),
    );
    check(
        Family::Gemini25,
        Some(Effort::High),
        json!({"includeThoughts": true, "thinkingBudget": 6750}),
    );
    check(
        Family::Gemini3,
        Some(Effort::Low),
        json!({"includeThoughts": true, "thinkingLevel": "LOW"}),
    );
    check(
        Family::Gemini3,
        Some(Effort::Medium),
        json!({"includeThoughts": true, "thinkingLevel": "HIGH"}),
    );
}

#[test]
fn calls_and_results_keep_their_signatures() {
    let call = |id: &str| ToolCall {
        id: id.into(),
        name: "weather".into(),
        arguments: "{\"city\":\"Kyoto\"}".into(),
    };
    let signed = signature::join("call_1", Some("c2ln"));
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::User, "Is it warm?"),
            ChatMessage::calls("", vec![call(&signed), call("call_2")]),
            ChatMessage::tool_result(&signed, "{\"celsius\": 31}"),
            ChatMessage::tool_result("call_2", "warm"),
        ],
        100,
    );
    let contents = body(Family::Gemini3, &request)["contents"].clone();
    assert_eq!(
        contents,
        json!([
            {"role": "user", "parts": [{"text": "Is it warm?"}]},
            {"role": "model", "parts": [
                {"functionCall": {"name": "weather", "args": {"city": "Kyoto"}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "weather", "args": {"city": "Kyoto"}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "weather", "response": {"celsius": 31}}},
                {"functionResponse": {"name": "weather", "response": {"result": "warm"}}}]},
        ])
    );
    request.messages[1].tool_calls[0].id = "call_1".into();
    let unsigned = |family| body(family, &request)["contents"][1]["parts"][0]["thoughtSignature"].clone();
    assert_eq!(unsigned(Family::Gemini3), signature::NONE);
    assert_eq!(unsigned(Family::Gemini25), Value::Null);
}

#[test]
fn tools_and_their_choice_are_translated() {
    let tool = |name: &str, parameters: Value| ToolDefinition {
        name: name.into(),
        description: Some("Tells it.".into()),
        parameters,
        strict: true,
    };
    let mut request = question();
    request.tools = vec![
        tool(
            "weather",
            json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        ),
        tool("now", json!({"type": "object", "properties": {}})),
        tool(
            "tree",
            json!({"type": "object", "properties": {"child": {"$ref": "#"}}}),
        ),
    ];
    request.tool_choice = ToolChoice::Named("now".into());
    let body = body(Family::Gemini, &request);
    assert_eq!(
        body["tools"],
        json!([{"functionDeclarations": [
            {"name": "weather", "description": "Tells it.", "parameters": {
                "type": "OBJECT", "propertyOrdering": ["city"], "properties": {"city": {"type": "STRING"}}}},
            {"name": "now", "description": "Tells it."},
            {"name": "tree", "description": "Tells it.", "parametersJsonSchema": {
                "type": "object", "properties": {"child": {"$ref": "#"}}}},
        ]}])
    );
    assert_eq!(
        body["toolConfig"],
        json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["now"]}})
    );
}

#[test]
fn a_schema_is_asked_for_as_the_binding_says() {
    let mut request = question();
    request.stop = vec!["x".into()];
    let schema =
        json!({"type": "object", "properties": {"day": {"type": "string"}}, "additionalProperties": false});
    request.response_format = Some(JsonSchemaFormat {
        name: "day".into(),
        schema: schema.clone(),
    });
    let config = body(Family::Gemini, &request)["generationConfig"].clone();
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(
        config["responseSchema"]["properties"]["day"],
        json!({"type": "STRING"})
    );
    assert!(config.get("stopSequences").is_none());
    let full = try_body(Family::Gemini, JsonSchemaSupport::Full, &request).unwrap();
    assert_eq!(full["generationConfig"]["responseJsonSchema"], schema);
    let none = try_body(Family::Gemini, JsonSchemaSupport::None, &request);
    assert!(matches!(none, Err(ModelError::Unsupported { .. })));
    request.response_format = Some(JsonSchemaFormat {
        name: "any".into(),
        schema: json!({}),
    });
    let refused = try_body(Family::Gemini, JsonSchemaSupport::Strict, &request);
    assert!(matches!(refused, Err(ModelError::SchemaUnsupported { .. })));
}

#[test]
fn pictures_stand_in_line() {
    let mut request = question();
    request.messages[1].images = vec![ImageInput {
        media_type: "image/png".into(),
        bytes: vec![1, 2, 3],
    }];
    assert_eq!(
        body(Family::Gemini, &request)["contents"][0]["parts"][1],
        json!({"inlineData": {"mimeType": "image/png", "data": "AQID"}})
    );
}
