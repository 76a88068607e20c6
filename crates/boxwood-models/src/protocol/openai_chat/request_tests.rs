//! Tests of [`super`]: what each family of models is sent, and what is left out.

use super::*;
use crate::capability::{Family, JsonSchemaSupport};
use crate::host::{Host, HostKind, test_host};
use crate::protocol::parameters::{output_limit, warnings};
use boxwood_core::{ChatRequest, Effort, ImageInput, Sampling, ToolCall, ToolDefinition};

fn body_of(host: &Host, request: &ChatRequest, output_limit: u32) -> Value {
    try_body(host, request, output_limit).unwrap()
}

fn try_body(host: &Host, request: &ChatRequest, output_limit: u32) -> Result<Value, ModelError> {
    let model = "m";
    encode(&Call {
        host,
        model,
        request,
        output_limit,
    })
}

/// What Box's default agent sends, through to the model.
fn box_request() -> ChatRequest {
    ChatRequest {
        messages: vec![
            ChatMessage::new(ChatRole::System, "Answer from the documents."),
            ChatMessage::new(ChatRole::User, "Which day?"),
        ],
        sampling: Sampling {
            temperature: Some(0.0),
            top_p: Some(1.0),
            top_k: None,
            frequency_penalty: Some(0.0),
            presence_penalty: Some(1.5),
            seed: None,
        },
        max_output_tokens: 6_000,
        stop: vec!["<|im_end|>".into()],
        effort: Some(Effort::Low),
        ..ChatRequest::new(Vec::new(), 0)
    }
}

fn wanted(name: &str) -> JsonSchemaFormat {
    JsonSchemaFormat {
        name: name.to_owned(),
        schema: json!({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}),
    }
}

#[test]
fn o4_mini_gets_only_what_it_takes() {
    let host = test_host(HostKind::AzureOpenai, Family::OSeries);
    let limit = output_limit(&host.capabilities, &box_request(), 20);
    assert_eq!(
        body_of(&host, &box_request(), limit),
        json!({
            "model": "prod",
            "messages": [
                {"role": "developer", "content": "Answer from the documents."},
                {"role": "user", "content": "Which day?"},
            ],
            "max_completion_tokens": 10_096,
            "reasoning_effort": "low",
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
    let warned: Vec<_> = warnings(&host.capabilities, &box_request())
        .iter()
        .map(|w| w.parameter)
        .collect();
    // The nucleus and the frequency penalty are the host's defaults anyway.
    assert_eq!(warned, ["temperature", "presence_penalty", "stop"]);
}

#[test]
fn other_models_get_everything() {
    let host = test_host(HostKind::OpenaiCompatible, Family::Compatible);
    let mut request = box_request();
    request.sampling.temperature = Some(0.1);
    request.sampling.top_k = Some(40.0);
    request.sampling.seed = Some(7);
    request.effort = None;
    let limit = output_limit(&host.capabilities, &request, 20);
    assert_eq!(
        body_of(&host, &request, limit),
        json!({
            "model": "served-model",
            "messages": [
                {"role": "system", "content": "Answer from the documents."},
                {"role": "user", "content": "Which day?"},
            ],
            "max_tokens": 6_000,
            "temperature": 0.1,
            "top_p": 1.0,
            "top_k": 40,
            "frequency_penalty": 0.0,
            "presence_penalty": 1.5,
            "seed": 7,
            "stop": ["<|im_end|>"],
            "stream": true,
            "stream_options": {"include_usage": true},
        })
    );
    assert_eq!(warnings(&host.capabilities, &request), []);
}

#[test]
fn the_dated_host_has_the_deployment_in_its_url_only() {
    let body = body_of(
        &test_host(HostKind::AzureOpenaiDated, Family::Gpt4),
        &box_request(),
        10,
    );
    assert_eq!(body.get("model"), None);
}

#[test]
fn images_become_data_urls() {
    let mut request = box_request();
    request.messages[1].images.push(ImageInput {
        media_type: "image/png".into(),
        bytes: b"PNG".to_vec(),
    });
    let body = body_of(&test_host(HostKind::Openai, Family::OSeries), &request, 10);
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "text", "text": "Which day?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,UE5H"}},
        ])
    );
}

#[test]
fn at_most_four_stop_strings_are_sent() {
    let mut request = box_request();
    request.stop = (0..6).map(|number| number.to_string()).collect();
    let body = body_of(&test_host(HostKind::Openai, Family::Gpt4), &request, 10);
    assert_eq!(body["stop"], json!(["0", "1", "2", "3"]));
}

#[test]
fn a_schema_is_sent_as_the_binding_takes_it() {
    let check = |kind, support, expected: Value| {
        let mut host = test_host(kind, Family::OSeries);
        host.capabilities.json_schema = support;
        let mut request = box_request();
        request.response_format = Some(wanted("lease terms: day"));
        let body = body_of(&host, &request, 10);
        let expected = json!({"name": "lease_terms__day", "strict": true, "schema": expected});
        assert_eq!(
            body["response_format"],
            json!({"type": "json_schema", "json_schema": expected})
        );
        assert_eq!(body.get("stop"), None, "a stop string would cut the value");
    };
    check(
        HostKind::AzureOpenai,
        JsonSchemaSupport::Strict,
        json!({"type": "object", "properties": {"day": {"type": ["string", "null"]}}, "required": ["day"],
               "additionalProperties": false}),
    );
    check(
        HostKind::OpenaiCompatible,
        JsonSchemaSupport::Full,
        wanted("").schema,
    );
}

#[test]
fn a_schema_that_a_host_cannot_be_asked_for_is_refused() {
    let mut host = test_host(HostKind::OpenaiCompatible, Family::Compatible);
    let refused = |host: &Host, wanted| {
        let mut request = box_request();
        request.response_format = Some(wanted);
        try_body(host, &request, 10).unwrap_err()
    };
    let error = refused(&host, wanted("x"));
    assert!(
        matches!(error, ModelError::Unsupported { .. }),
        "a server that is not known to have it: {error}"
    );
    host.capabilities.json_schema = JsonSchemaSupport::Strict;
    let mut list = wanted("x");
    list.schema = json!({"type": "array", "items": {"type": "string"}});
    let error = refused(&host, list).to_string();
    assert!(error.contains("must be an object"), "{error}");
}

#[test]
fn tools_and_their_results_are_sent() {
    let parameters = json!({"type": "object", "properties": {"day": {"type": "string", "minLength": 1}}});
    let mut request = box_request();
    request.tools = vec![ToolDefinition {
        name: "find".into(),
        description: Some("Finds a day.".into()),
        parameters: parameters.clone(),
        strict: true,
    }];
    request.tool_choice = ToolChoice::Named("find".into());
    request.parallel_tool_calls = Some(false);
    let call = ToolCall {
        id: "call_1".into(),
        name: "find".into(),
        arguments: "{\"day\":\"1\"}".into(),
    };
    request.messages.push(ChatMessage::calls("", vec![call]));
    request
        .messages
        .push(ChatMessage::tool_result("call_1", "Monday"));

    let host = test_host(HostKind::AzureOpenai, Family::OSeries);
    let body = body_of(&host, &request, 10);
    let function = &body["tools"][0]["function"];
    assert_eq!(
        (&function["strict"], &function["parameters"]["required"]),
        (&json!(true), &json!(["day"]))
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "find"}})
    );
    assert_eq!(body.get("parallel_tool_calls"), None, "o4-mini refuses it");
    let warned = warnings(&host.capabilities, &request);
    assert!(
        warned
            .iter()
            .any(|warning| warning.parameter == "parallel_tool_calls")
    );
    assert_eq!(
        (&body["messages"][2], &body["messages"][3]),
        (
            &json!({"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "find", "arguments": "{\"day\":\"1\"}"}}]}),
            &json!({"role": "tool", "tool_call_id": "call_1", "content": "Monday"}),
        )
    );

    let body = body_of(
        &test_host(HostKind::OpenaiCompatible, Family::GptOss),
        &request,
        10,
    );
    let function = &body["tools"][0]["function"];
    assert_eq!(
        (function.get("strict"), &function["parameters"]),
        (None, &parameters)
    );
    assert_eq!(body["parallel_tool_calls"], false);
}
