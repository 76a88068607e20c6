//! Golden bodies for Converse. That AWS's service model takes them is proven by `tests/oracle.rs`.

use super::*;
use crate::capability::Family;
use crate::host::{HostKind, test_host};
use boxwood_core::{Effort, JsonSchemaFormat, Sampling, ToolCall, ToolDefinition};

fn body(family: Family, request: &ChatRequest) -> Value {
    let mut host = test_host(HostKind::Bedrock, family);
    host.capabilities.json_schema = JsonSchemaSupport::Tool;
    encode(&Call {
        host: &host,
        model: "m",
        request,
        output_limit: 4_000,
    })
    .unwrap()
}

fn conversation() -> ChatRequest {
    let call = ToolCall {
        id: "call_1".into(),
        name: "weather".into(),
        arguments: "{\"city\":\"Kyoto\"}".into(),
    };
    ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Be brief."),
            ChatMessage::new(ChatRole::User, "Documents"),
            ChatMessage::new(ChatRole::User, "Is it warm?"),
            ChatMessage::calls("", vec![call]),
            ChatMessage::tool_result("call_1", "31 °C"),
        ],
        100,
    )
}

#[test]
fn a_box_request_is_encoded_as_the_service_wants_it() {
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Answer from the documents."),
            ChatMessage::new(ChatRole::User, "Which day?"),
        ],
        100,
    );
    request.sampling = Sampling {
        temperature: Some(0.1),
        top_p: Some(0.9),
        top_k: Some(40.0),
        presence_penalty: Some(1.5),
        ..Sampling::default()
    };
    request.stop = vec!["<|im_end|>".into()];
    assert_eq!(
        body(Family::Claude, &request),
        json!({
            "messages": [{"role": "user", "content": [{"text": "Which day?"}]}],
            "system": [{"text": "Answer from the documents."}],
            "inferenceConfig": {"maxTokens": 4000, "temperature": 0.1, "stopSequences": ["<|im_end|>"]},
            "additionalModelRequestFields": {"top_k": 40},
        })
    );
    assert_eq!(
        body(Family::Converse, &request)["inferenceConfig"],
        json!({"maxTokens": 4000, "temperature": 0.1, "topP": 0.9, "stopSequences": ["<|im_end|>"]})
    );
}

#[test]
fn turns_alternate_and_results_belong_to_the_user() {
    let body = body(Family::Claude, &conversation());
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"text": "Documents"}, {"text": "Is it warm?"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Kyoto"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "call_1", "content": [{"text": "31 °C"}]}}]},
        ])
    );
    // Tools that were called are named, though none is offered any more.
    assert_eq!(
        body["toolConfig"],
        json!({"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]})
    );
}

#[test]
fn a_conversation_that_the_assistant_begins_gets_a_first_turn() {
    let request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::Assistant, "Hello"),
            ChatMessage::new(ChatRole::User, "Hi"),
        ],
        100,
    );
    assert_eq!(body(Family::Claude, &request)["messages"][0]["role"], "user");
}

#[test]
fn choices_of_tools_are_translated() {
    let tool = ToolDefinition {
        name: "weather".into(),
        description: Some("Tells the weather.".into()),
        parameters: json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        strict: true,
    };
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "Is it warm?")], 100);
    request.tools = vec![tool];
    let mut check = |choice: ToolChoice, expected: Value| {
        request.tool_choice = choice;
        assert_eq!(
            body(Family::Claude, &request)["toolConfig"]["toolChoice"],
            expected
        );
    };
    check(ToolChoice::Auto, Value::Null);
    check(ToolChoice::Required, json!({"any": {}}));
    check(
        ToolChoice::Named("weather".into()),
        json!({"tool": {"name": "weather"}}),
    );
    request.tool_choice = ToolChoice::Auto;
    assert_eq!(
        body(Family::Claude, &request)["toolConfig"]["tools"][0]["toolSpec"],
        json!({"name": "weather", "description": "Tells the weather.", "strict": true,
               "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}}}})
    );
    request.tool_choice = ToolChoice::None;
    assert!(body(Family::Claude, &request).get("toolConfig").is_none());
}

#[test]
fn thinking_is_asked_for_where_the_service_takes_it() {
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "Why?")], 100);
    request.effort = Some(Effort::Low);
    assert_eq!(
        body(Family::ClaudeThinking, &request)["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 3000}})
    );
    let adaptive = body(Family::ClaudeAdaptive, &request);
    assert_eq!(
        adaptive["additionalModelRequestFields"],
        json!({"thinking": {"type": "adaptive"}})
    );
    assert_eq!(adaptive["outputConfig"], json!({"effort": "low"}));
    assert!(
        body(Family::ClaudeThinking, &conversation())
            .get("additionalModelRequestFields")
            .is_none()
    );
    request.response_format = Some(JsonSchemaFormat {
        name: "reply".into(),
        schema: json!({"type": "object"}),
    });
    assert!(
        body(Family::ClaudeThinking, &request)
            .get("additionalModelRequestFields")
            .is_none()
    );
}

#[test]
fn a_schema_is_kept_by_a_tool_or_by_the_host() {
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "Which day?")], 100);
    request.stop = vec!["\n".into()];
    let schema = json!({"type": "object", "properties": {"day": {"type": "string", "minLength": 2}}});
    request.response_format = Some(JsonSchemaFormat {
        name: "day".into(),
        schema: schema.clone(),
    });
    let by_tool = body(Family::Claude, &request);
    assert_eq!(
        by_tool["toolConfig"]["toolChoice"],
        json!({"tool": {"name": REPLY_TOOL}})
    );
    assert_eq!(
        by_tool["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"],
        schema
    );
    assert!(by_tool["inferenceConfig"].get("stopSequences").is_none());
    let mut host = test_host(HostKind::Bedrock, Family::Claude);
    host.capabilities.json_schema = JsonSchemaSupport::Strict;
    let call = Call {
        host: &host,
        model: "m",
        request: &request,
        output_limit: 100,
    };
    let by_host = encode(&call).unwrap();
    let format = &by_host["outputConfig"]["textFormat"];
    assert_eq!(format["type"], "json_schema");
    let sent: Value =
        serde_json::from_str(format["structure"]["jsonSchema"]["schema"].as_str().unwrap()).unwrap();
    assert_eq!(sent["additionalProperties"], false);
    assert!(!sent.to_string().contains("minLength"));
}

#[test]
fn ids_of_other_hosts_are_made_fit() {
    assert_eq!(tool_id("tooluse_a-B.9:x"), "tooluse_a-B.9:x");
    for id in ["", "a b", &"x".repeat(65), "日本"] {
        let made = tool_id(id);
        assert!(made.len() <= LONGEST_ID && made.starts_with("call_"), "{made}");
        assert_eq!(made, tool_id(id));
    }
}

#[test]
fn pictures_are_sent_in_the_four_kinds_that_the_service_takes() {
    let mut message = ChatMessage::new(ChatRole::User, "What is it?");
    message.images = vec![ImageInput {
        media_type: "image/png".into(),
        bytes: vec![1, 2, 3],
    }];
    let mut request = ChatRequest::new(vec![message], 100);
    assert_eq!(
        body(Family::Claude, &request)["messages"][0]["content"][1],
        json!({"image": {"format": "png", "source": {"bytes": "AQID"}}})
    );
    request.messages[0].images[0].media_type = "image/tiff".into();
    let host = test_host(HostKind::Bedrock, Family::Claude);
    let call = Call {
        host: &host,
        model: "m",
        request: &request,
        output_limit: 100,
    };
    assert!(matches!(encode(&call), Err(ModelError::Unsupported { .. })));
}
