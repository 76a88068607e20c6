//! A small conversation with the real hosts, for those who have access: never run by default.
//!
//! `BOXWOOD_LIVE=boxwood.toml cargo test --release --workspace --test clouds live -- --ignored --nocapture` asks every
//! binding of that file on Google, AWS and IBM: a text, a schema and a tool where the binding has them, vectors for an
//! embedding model. It costs a few hundred tokens a binding.

use crate::ask::{ask, weather};
use boxwood_core::{ChatMessage, ChatRequest, ChatRole, FinishReason, JsonSchemaFormat, ToolChoice};
use boxwood_models::{ModelRegistry, RawModels};
use serde_json::{Value, json};

/// The `[models]` table of the file.
fn models() -> toml::Table {
    let file = std::env::var("BOXWOOD_LIVE").expect("BOXWOOD_LIVE names a boxwood.toml with bindings");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut whole: toml::Table = toml::from_str(&text).unwrap();
    whole.remove("models").unwrap().try_into().unwrap()
}

async fn check(host: &str) {
    let table = models();
    let raw: RawModels = table.clone().try_into().unwrap();
    let settings = raw.validate(&|name| std::env::var(name).ok()).unwrap();
    let registry = ModelRegistry::new(settings, Vec::new(), None).unwrap();
    let bindings = table["bindings"].as_table().unwrap();
    let of_host = bindings
        .iter()
        .filter(|(_, binding)| binding["host"].as_str() == Some(host));
    let mut asked = 0;
    for (name, _) in of_host {
        asked += 1;
        match registry.resolve(Some(name)) {
            Ok(model) => {
                println!("{name}: {}", chat(&model).await);
            }
            Err(_) => {
                let embedder = registry.resolve_embedder(Some(name)).unwrap().embedder;
                let texts = ["a cat sleeps", "a kitten naps", "the tax on diesel"].map(str::to_owned);
                let vectors = embedder.embed(&texts).await.unwrap();
                let near = |other: usize| {
                    vectors[0]
                        .iter()
                        .zip(&vectors[other])
                        .map(|(a, b)| a * b)
                        .sum::<f32>()
                };
                println!(
                    "{name}: {} numbers, {:.3} > {:.3}",
                    vectors[0].len(),
                    near(1),
                    near(2)
                );
                assert!(near(1) > near(2));
            }
        }
    }
    assert!(asked > 0, "the file binds nothing on {host}");
}

async fn chat(model: &boxwood_models::ResolvedModel) -> String {
    let question = |text: &str| ChatRequest::new(vec![ChatMessage::new(ChatRole::User, text)], 200);
    let reply = ask(model, question("Which city is the capital of Japan? One word."))
        .await
        .unwrap();
    assert!(reply.text.contains("Tokyo"), "{reply:?}");
    assert!(reply.usage().input_tokens > 0 && reply.usage().output_tokens > 0);
    let identity = model.model.identity();
    if identity.json_schema {
        let mut request = question("Which city is the capital of Japan?");
        request.response_format = Some(JsonSchemaFormat {
            name: "capital".into(),
            schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        });
        let reply = ask(model, request).await.unwrap();
        let value: Value = serde_json::from_str(&reply.text).unwrap();
        assert_eq!(value["city"], "Tokyo");
    }
    if identity.tools {
        let mut request = question("What is the weather in Kyoto?");
        request.tools = vec![weather()];
        request.tool_choice = ToolChoice::Required;
        let first = ask(model, request.clone()).await.unwrap();
        assert_eq!(first.finish(), FinishReason::ToolCalls);
        request.tool_choice = ToolChoice::Auto;
        request
            .messages
            .push(ChatMessage::calls(first.text.clone(), first.calls.clone()));
        for call in &first.calls {
            request
                .messages
                .push(ChatMessage::tool_result(&call.id, "31 degrees"));
        }
        let second = ask(model, request).await.unwrap();
        assert!(second.text.contains("31"), "{second:?}");
    }
    reply.text
}

#[tokio::test]
#[ignore = "asks the real host; see the head of this file"]
async fn live_gemini() {
    check("gemini").await;
}

#[tokio::test]
#[ignore = "asks the real host; see the head of this file"]
async fn live_vertex() {
    check("vertex").await;
}

#[tokio::test]
#[ignore = "asks the real host; see the head of this file"]
async fn live_bedrock() {
    check("bedrock").await;
}

#[tokio::test]
#[ignore = "asks the real host; see the head of this file"]
async fn live_watsonx() {
    check("watsonx").await;
}
