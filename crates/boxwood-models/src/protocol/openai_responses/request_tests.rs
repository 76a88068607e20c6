//! Tests of [`super`]: what the Responses API is sent.

use super::*;
use crate::capability::Family;
use crate::host::{Api, Host, HostKind, Summary, test_host};
use boxwood_core::{ChatRequest, Effort, ImageInput, JsonSchemaFormat, ToolCall, ToolDefinition};

fn host(kind: HostKind, family: Family) -> Host {
    let mut host = test_host(kind, family);
    host.api = Api::Responses;
    host.capabilities.also_refused = Api::Responses.refused().to_vec();
    host
}

fn body_of(host: &Host, request: &ChatRequest) -> Value {
    let output_limit = 4_000;
    encode(&Call {
        host,
        model: "m",
        request,
        output_limit,
    })
    .unwrap()
}

fn request() -> ChatRequest {
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Answer from the documents."),
            ChatMessage::new(ChatRole::User, "Which day?"),
        ],
        100,
    );
    request.sampling.top_p = Some(0.5);
    request.sampling.presence_penalty = Some(1.5);
    request.sampling.seed = Some(1);
    request.stop = vec!["END".into()];
    request.effort = Some(Effort::High);
    request
}

#[test]
fn o4_mini_gets_only_what_it_takes() {
    let mut host = host(HostKind::AzureOpenai, Family::OSeries);
    host.reasoning_summary = Some(Summary::Auto);
    assert_eq!(
        body_of(&host, &request()),
        json!({
            "model": "prod",
            "input": [
                {"type": "message", "role": "developer",
                 "content": [{"type": "input_text", "text": "Answer from the documents."}]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Which day?"}]},
            ],
            "max_output_tokens": 4_000,
            "reasoning": {"effort": "high", "summary": "auto"},
            "store": false,
            "stream": true,
        })
    );
}

#[test]
fn what_the_api_lacks_is_left_out_for_every_family() {
    let body = body_of(&host(HostKind::Openai, Family::Gpt4), &request());
    assert_eq!((&body["temperature"], &body["top_p"]), (&json!(0.0), &json!(0.5)));
    for name in ["presence_penalty", "seed", "stop", "reasoning"] {
        assert_eq!(body.get(name), None, "{name}");
    }
    assert_eq!(body["model"], "prod", "the deployment is named by the body");
}

#[test]
fn pictures_tools_and_schemas_have_their_own_form() {
    let mut request = request();
    request.messages[1].images.push(ImageInput {
        media_type: "image/png".into(),
        bytes: b"PNG".to_vec(),
    });
    let call = ToolCall {
        id: "call_1".into(),
        name: "find".into(),
        arguments: "{}".into(),
    };
    request.messages.push(ChatMessage::calls("", vec![call]));
    request
        .messages
        .push(ChatMessage::tool_result("call_1", "Monday"));
    request.tools = vec![ToolDefinition {
        name: "find".into(),
        description: None,
        parameters: json!({"type": "object", "properties": {}}),
        strict: false,
    }];
    request.tool_choice = ToolChoice::Named("find".into());
    request.response_format = Some(JsonSchemaFormat {
        name: "day".into(),
        schema: json!({"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}),
    });
    let body = body_of(&host(HostKind::AzureOpenaiDated, Family::OSeries), &request);
    assert_eq!(
        body["input"][1]["content"][1],
        json!({"type": "input_image", "image_url": "data:image/png;base64,UE5H", "detail": "auto"})
    );
    assert_eq!(
        (&body["input"][2], &body["input"][3]),
        (
            &json!({"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"}),
            &json!({"type": "function_call_output", "call_id": "call_1", "output": "Monday"}),
        )
    );
    assert_eq!(
        body["tools"],
        json!([{"type": "function", "name": "find", "parameters": {"type": "object", "properties": {}}, "strict": false}])
    );
    assert_eq!(body["tool_choice"], json!({"type": "function", "name": "find"}));
    let format = &body["text"]["format"];
    assert_eq!(
        (
            &format["type"],
            &format["name"],
            &format["strict"],
            &format["schema"]["additionalProperties"]
        ),
        (&json!("json_schema"), &json!("day"), &json!(true), &json!(false))
    );
}
