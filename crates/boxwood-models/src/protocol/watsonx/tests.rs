//! Golden bodies and streams for watsonx. That IBM's own SDK knows the fields is proven by `tests/oracle.rs`.

use super::*;
use crate::capability::{Family, JsonSchemaSupport};
use crate::host::{HostKind, test_host};
use crate::protocol::{Decoded, Ending, Frame};
use boxwood_core::{
    ChatMessage, ChatRequest, ChatRole, FinishReason, JsonSchemaFormat, ToolChoice, ToolDefinition,
};

fn host() -> Host {
    let mut host = test_host(HostKind::Watsonx, Family::Watsonx);
    host.deployment = None;
    host.model = Some("ibm/granite-3-3-8b-instruct".into());
    host.api_version = Some("2025-02-11".into());
    host.place.project = Some("p-1".into());
    host.capabilities.json_schema = JsonSchemaSupport::Full;
    host
}

fn body(host: &Host, request: &ChatRequest) -> Value {
    let call = Call {
        host,
        model: "m",
        request,
        output_limit: 500,
    };
    Watsonx.body(&call).unwrap()
}

fn question() -> ChatRequest {
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Be brief."),
            ChatMessage::new(ChatRole::User, "Which day?"),
        ],
        100,
    );
    request.sampling.temperature = Some(0.5);
    request
}

#[test]
fn a_request_is_encoded_as_ibm_wants_it() {
    assert_eq!(
        body(&host(), &question()),
        json!({
            "model_id": "ibm/granite-3-3-8b-instruct",
            "project_id": "p-1",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Which day?"}]},
            ],
            "max_tokens": 500,
            "temperature": 0.5,
        })
    );
    assert_eq!(
        Watsonx.url(&host()).unwrap().as_str(),
        "https://r.example/ml/v1/text/chat_stream?version=2025-02-11"
    );
}

#[test]
fn a_deployment_says_which_model_it_is() {
    let host = Host {
        deployment: Some("d-1".into()),
        ..host()
    };
    let body = body(&host, &question());
    assert!(body.get("model_id").is_none() && body.get("project_id").is_none());
    assert_eq!(
        Watsonx.url(&host).unwrap().as_str(),
        "https://r.example/ml/v1/deployments/d-1/text/chat_stream?version=2025-02-11"
    );
}

#[test]
fn tools_and_schemas_are_adapted() {
    let mut request = question();
    request.tools = vec![ToolDefinition {
        name: "now".into(),
        description: None,
        parameters: json!({"type": "object"}),
        strict: true,
    }];
    request.tool_choice = ToolChoice::Required;
    request.response_format = Some(JsonSchemaFormat {
        name: "day".into(),
        schema: json!({"type": "object", "properties": {"day": {"type": "string"}}}),
    });
    let body = body(&host(), &request);
    assert_eq!(body["tool_choice_option"], "required");
    assert!(body.get("tool_choice").is_none());
    assert!(!body["tools"].to_string().contains("strict"));
    assert_eq!(
        body["response_format"]["json_schema"]["schema"]["properties"]["day"],
        json!({"type": "string"})
    );
}

fn read(frames: &[(&str, Value)]) -> Result<(Vec<Decoded>, Ending), ModelError> {
    let mut decoder = Watsonx.decoder("m");
    let mut decoded = Vec::new();
    for (name, data) in frames {
        let frame = Frame {
            name: Some((*name).to_owned()),
            data: data.to_string().into_bytes(),
            is_error: false,
        };
        decoded.extend(decoder.frame(&frame)?);
    }
    Ok((decoded, decoder.end()?))
}

fn chunk(text: &str, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "model_id": "m", "created_at": "2025-02-11T00:00:00.000Z",
           "choices": [{"index": 0, "finish_reason": finish, "delta": {"content": text}}]})
}

#[test]
fn streams_end_with_their_close_event() {
    let usage =
        json!({"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39}});
    let frames = [
        ("message", chunk("On ", None)),
        ("message", chunk("Monday", Some("stop"))),
        ("message", usage),
        ("close", json!({})),
    ];
    let (decoded, ending) = read(&frames).unwrap();
    assert_eq!(
        decoded,
        [Decoded::Text("On ".into()), Decoded::Text("Monday".into())]
    );
    assert_eq!(ending.finish, FinishReason::Stop);
    assert_eq!(ending.usage.unwrap().input_tokens, 30);
    assert!(read(&frames[..1]).is_err());
}

#[test]
fn an_error_event_is_an_error() {
    let errors =
        json!({"errors": [{"code": "downstream_request_failed", "message": "broken"}], "status_code": 500});
    for name in ["error", "message"] {
        let frames = [("message", chunk("On ", None)), (name, errors.clone())];
        assert!(matches!(read(&frames), Err(ModelError::Failed { .. })), "{name}");
    }
}
