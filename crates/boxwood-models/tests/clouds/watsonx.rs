//! watsonx: streams, tools, schemas, deployments, tokens.

use crate::ask::{NAME, ask, mistakes, question, registry, weather};
use crate::stub::Stub;
use crate::watsonx_host::{KEY, rules};
use boxwood_core::{ChatMessage, FinishReason, ImageInput, JsonSchemaFormat, ModelError, ToolChoice};
use boxwood_models::ResolvedModel;
use serde_json::json;

pub fn table(stub: &Stub, address: &str, more: &str) -> String {
    format!(
        "[bindings.{NAME}]\nhost = \"watsonx\"\nbase_url = \"{0}\"\ntoken_url = \"{0}/identity/token\"\n{address}\n\
         family = \"watsonx\"\ntools = true\nimages = true\njson_schema = \"full\"\nretries = 0\napi_key_env = \"KEY\"\n{more}\n",
        stub.base_url
    )
}

pub const ADDRESS: &str = "model = \"ibm/granite-3-3-8b-instruct\"\nproject_id = \"p-1\"";

fn bound(stub: &Stub, address: &str, key: &'static str) -> ResolvedModel {
    let registry = registry(&table(stub, address, ""), move |_| Some(key.to_owned()));
    registry.resolve(Some(NAME)).unwrap()
}

#[tokio::test]
async fn an_answer_comes_through_with_its_usage() {
    let stub = Stub::start(rules).await;
    let model = bound(&stub, ADDRESS, KEY);
    for _ in 0..2 {
        let reply = ask(&model, question()).await.unwrap();
        assert_eq!(reply.text, "The lease ends on 31 March 2027.");
        assert_eq!(reply.finish(), FinishReason::Stop);
        assert_eq!(
            (reply.usage().input_tokens, reply.usage().output_tokens),
            (30, 100)
        );
    }
    assert_eq!(stub.seen("/identity/token").len(), 1);
    let seen = stub.seen("/text/chat_stream").remove(0);
    assert_eq!(seen.uri.to_string(), "/ml/v1/text/chat_stream?version=2025-02-11");
    assert!(!String::from_utf8_lossy(&seen.body).contains(KEY));
}

#[tokio::test]
async fn a_deployment_is_asked_under_its_own_address() {
    let stub = Stub::start(rules).await;
    let reply = ask(
        &bound(&stub, "deployment = \"d-1\"\nmodel = \"ibm/granite\"", KEY),
        question(),
    )
    .await
    .unwrap();
    assert_eq!(reply.finish(), FinishReason::Stop);
    assert_eq!(stub.seen("/deployments/d-1/text/chat_stream").len(), 1);
}

#[tokio::test]
async fn tools_schemas_and_pictures_are_taken() {
    let stub = Stub::start(rules).await;
    let model = bound(&stub, ADDRESS, KEY);
    let mut request = question();
    request.tools = vec![weather()];
    request.tools[0].strict = true;
    request.tool_choice = ToolChoice::Required;
    let reply = ask(&model, request.clone()).await.unwrap();
    assert_eq!(reply.finish(), FinishReason::ToolCalls);
    assert_eq!(reply.calls[0].arguments, "{\"city\":\"Kyoto\"}");
    request.tool_choice = ToolChoice::Auto;
    request.messages.push(ChatMessage::calls("", reply.calls.clone()));
    request
        .messages
        .push(ChatMessage::tool_result(&reply.calls[0].id, "31 °C"));
    ask(&model, request).await.unwrap();
    let mut request = question();
    request.response_format = Some(JsonSchemaFormat {
        name: "day".into(),
        schema: json!({"type": "object", "properties": {"day": {"type": "string"}}}),
    });
    assert_eq!(ask(&model, request).await.unwrap().text, "{\"day\":\"Monday\"}");
    let mut request = question();
    request.messages[1].images = vec![ImageInput {
        media_type: "image/png".into(),
        bytes: vec![1, 2, 3],
    }];
    ask(&model, request).await.unwrap();
}

#[tokio::test]
async fn a_refusal_says_what_mends_it() {
    let stub = Stub::start(rules).await;
    let gone = bound(
        &stub,
        "model = \"ibm/granite-13b-chat-v2\"\nproject_id = \"p-1\"",
        KEY,
    );
    let error = ask(&gone, question()).await.unwrap_err();
    assert!(matches!(error, ModelError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("successor"), "{error}");
    let error = ask(&bound(&stub, ADDRESS, "wrong-key"), question())
        .await
        .unwrap_err();
    assert!(matches!(error, ModelError::Refused { .. }), "{error:?}");
    assert!(
        error.to_string().contains("api_key_env") && !error.to_string().contains("wrong-key"),
        "{error}"
    );
}

#[test]
fn settings_say_what_is_missing() {
    let found =
        mistakes("[bindings.b]\nhost = \"watsonx\"\nmodel = \"m\"\nfamily = \"watsonx\"\napi_key = \"k\"");
    assert!(found.contains("region: is missing"), "{found}");
    let found = mistakes(
        "[bindings.b]\nhost = \"watsonx\"\nregion = \"eu-de\"\nmodel = \"m\"\nfamily = \"watsonx\"\napi_key = \"k\"",
    );
    assert!(found.contains("project_id: is missing"), "{found}");
}
