//! Bedrock: Converse streams, tools, schemas, thinking, keys and signatures.

use crate::ask::{NAME, ask, mistakes, question, registry, weather};
use crate::bedrock_host::{KEY, MODEL, REGION, rules};
use crate::stub::Stub;
use boxwood_core::{
    ChatMessage, ChatRole, Effort, FinishReason, ImageInput, JsonSchemaFormat, ModelError, ToolChoice,
};
use boxwood_models::ResolvedModel;
use serde_json::json;

pub fn table(stub: &Stub, model: &str, more: &str) -> String {
    format!(
        "[bindings.{NAME}]\nhost = \"bedrock\"\nregion = \"{REGION}\"\nbase_url = \"{}\"\nmodel = \"{model}\"\n\
         images = true\nretries = 0\n{more}\n",
        stub.base_url
    )
}

fn bearer(stub: &Stub, family: &str, more: &str) -> ResolvedModel {
    let more = format!("family = \"{family}\"\napi_key_env = \"KEY\"\ntools = true\n{more}");
    let registry = registry(&table(stub, MODEL, &more), |_| Some(KEY.to_owned()));
    registry.resolve(Some(NAME)).unwrap()
}

#[tokio::test]
async fn an_answer_comes_through_with_its_usage() {
    let stub = Stub::start(rules).await;
    let reply = ask(&bearer(&stub, "claude", ""), question()).await.unwrap();
    assert_eq!(reply.text, "The lease ends on 31 March 2027.");
    assert_eq!(reply.finish(), FinishReason::Stop);
    let usage = reply.usage();
    assert_eq!(
        (usage.input_tokens, usage.cached_tokens, usage.output_tokens),
        (30, 10, 100)
    );
    let seen = stub.seen("/converse-stream").remove(0);
    assert_eq!(seen.header("authorization"), format!("Bearer {KEY}"));
    assert!(
        seen.header("accept")
            .contains("application/vnd.amazon.eventstream")
    );
    let body = seen.json();
    assert_eq!(body["inferenceConfig"]["stopSequences"], json!(["<|im_end|>"]));
    assert_eq!(body["inferenceConfig"]["temperature"], json!(0.0));
    assert!(body["inferenceConfig"].get("topP").is_none());
}

#[tokio::test]
async fn keys_sign_in_place_of_a_bearer() {
    let stub = Stub::start(rules).await;
    let more = "family = \"claude\"\nsession_token_env = \"SESSION\"";
    let registry = registry(&table(&stub, MODEL, more), |variable| {
        let value = match variable {
            "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY" => "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "SESSION" => "session-token",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let reply = ask(&registry.resolve(Some(NAME)).unwrap(), question())
        .await
        .unwrap();
    assert_eq!(reply.finish(), FinishReason::Stop);
    assert_eq!(
        stub.seen("/converse-stream")[0].header("x-amz-security-token"),
        "session-token"
    );
}

#[tokio::test]
async fn thinking_is_shown_apart() {
    let stub = Stub::start(rules).await;
    for family in ["claude_thinking", "claude_adaptive"] {
        let mut request = question();
        request.effort = Some(Effort::Low);
        let reply = ask(&bearer(&stub, family, ""), request).await.unwrap();
        assert_eq!(reply.reasoning, "The lease says it.");
        assert_eq!(reply.text, "The lease ends on 31 March 2027.");
    }
}

#[tokio::test]
async fn tools_are_called_and_their_results_sent_back() {
    let stub = Stub::start(rules).await;
    for family in ["claude", "claude_thinking"] {
        let model = bearer(&stub, family, "");
        let mut request = question();
        request.tools = vec![weather()];
        request.tool_choice = ToolChoice::Required;
        let reply = ask(&model, request.clone()).await.unwrap();
        assert_eq!(reply.finish(), FinishReason::ToolCalls);
        assert_eq!(reply.calls[0].name, "weather");
        assert_eq!(reply.calls[0].arguments, "{\"city\":\"Kyoto\"}");
        request.tool_choice = ToolChoice::Auto;
        request.messages.push(ChatMessage::calls("", reply.calls.clone()));
        request
            .messages
            .push(ChatMessage::tool_result(&reply.calls[0].id, "31 °C"));
        let reply = ask(&model, request).await.unwrap();
        assert_eq!(reply.text, "The lease ends on 31 March 2027.");
    }
}

#[tokio::test]
async fn a_schema_is_kept_by_a_forced_tool() {
    let stub = Stub::start(rules).await;
    for family in ["claude", "claude_adaptive"] {
        let mut request = question();
        request.response_format = Some(JsonSchemaFormat {
            name: "day".into(),
            schema: json!({"type": "object", "properties": {"day": {"type": "string"}}}),
        });
        let reply = ask(&bearer(&stub, family, ""), request).await.unwrap();
        assert_eq!(reply.text, "{\"day\":\"Monday\"}");
        assert_eq!(reply.finish(), FinishReason::Stop);
        assert!(reply.calls.is_empty());
    }
}

#[tokio::test]
async fn pictures_are_sent() {
    let stub = Stub::start(rules).await;
    let mut request = question();
    request.messages[1].images = vec![ImageInput {
        media_type: "image/jpeg".into(),
        bytes: vec![1, 2, 3],
    }];
    ask(&bearer(&stub, "claude", ""), request).await.unwrap();
    let body = stub.seen("/converse-stream")[0].json();
    assert_eq!(body["messages"][0]["content"][1]["image"]["format"], "jpeg");
}

#[tokio::test]
async fn a_refusal_says_what_mends_it() {
    let stub = Stub::start(rules).await;
    let refused = |model: &'static str, key: &'static str| {
        let more = "family = \"claude\"\napi_key_env = \"KEY\"";
        let registry = registry(&table(&stub, model, more), move |_| Some(key.to_owned()));
        async move {
            ask(&registry.resolve(Some(NAME)).unwrap(), question())
                .await
                .unwrap_err()
        }
    };
    let check = |error: ModelError, is_unavailable: bool, words: &[&str]| {
        assert_eq!(
            matches!(error, ModelError::Unavailable { .. }),
            is_unavailable,
            "{error:?}"
        );
        let message = error.to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert!(!message.contains(KEY), "{message}");
    };
    check(refused("retired", KEY).await, true, &["retired", "successor"]);
    check(refused("no-access", KEY).await, true, &["Model access", "region"]);
    check(refused("on-demand", KEY).await, true, &["inference profile"]);
    check(refused("unheard-of", KEY).await, true, &["`model`", "`region`"]);
    check(refused(MODEL, "wrong-key").await, false, &["bedrock:InvokeModel"]);
}

#[test]
fn settings_say_what_is_missing() {
    let found =
        mistakes("[bindings.b]\nhost = \"bedrock\"\nmodel = \"m\"\nfamily = \"claude\"\napi_key = \"k\"");
    assert!(found.contains("region: is missing"), "{found}");
    let found = mistakes(
        "[bindings.b]\nhost = \"bedrock\"\nregion = \"eu/../x\"\nmodel = \"m\"\nfamily = \"gpt_4\"\napi_key = \"k\"",
    );
    assert!(found.contains("region: may hold letters"), "{found}");
    let found = mistakes(
        "[bindings.b]\nhost = \"bedrock\"\nregion = \"eu-west-1\"\nmodel = \"m\"\nfamily = \"gpt_4\"\napi_key = \"k\"",
    );
    assert!(
        found.contains("family: is \"gpt_4\"") && found.contains("claude_adaptive"),
        "{found}"
    );
    let found = mistakes(
        "[bindings.b]\nhost = \"bedrock\"\nregion = \"eu-west-1\"\nmodel = \"m\"\nfamily = \"claude\"\n\
         authentication = \"api_key\"\napi_key = \"k\"",
    );
    assert!(
        found.contains("authentication: must be \"sigv4\" or \"bearer\""),
        "{found}"
    );
}

#[tokio::test]
async fn the_conversation_may_begin_with_the_assistant() {
    let stub = Stub::start(rules).await;
    let mut request = question();
    request
        .messages
        .insert(1, ChatMessage::new(ChatRole::Assistant, "Hello."));
    ask(&bearer(&stub, "claude", ""), request).await.unwrap();
}
