//! Official clients of OpenAI and Azure, unmodified, against a server in process whose model does what the conversation
//! asks for: the same every time, so that the clients are what is tested.
//!
//! They need `python3` with venv and `node` with npm; packages are installed once, by lock files (`tests/sdk`). With
//! `BOXWOOD_SDK=skip` these tests say so and do nothing.

use async_trait::async_trait;
use boxwood_core::{
    ChatEvent, ChatRequest, ChatRole, Embedder, FinishReason, ModelError, ModelIdentity, ToolCall, Usage,
};
use boxwood_test::app::DEVELOPER_TOKEN;
use boxwood_test::{Script, ScriptedModel, TestApp};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

fn usage() -> Usage {
    Usage {
        input_tokens: 1_500,
        cached_tokens: 1_024,
        output_tokens: 80,
        reasoning_tokens: 64,
        ..Usage::default()
    }
}

fn weather(city: &str) -> ChatEvent {
    ChatEvent::ToolCall(ToolCall {
        id: String::new(),
        name: "weather".into(),
        arguments: json!({"city": city}).to_string(),
    })
}

fn streams(events: Vec<ChatEvent>, finish: FinishReason) -> Option<Script> {
    Some(Script::Streams {
        events,
        finish,
        usage: usage(),
    })
}

/// What the conversation asks for.
fn respond(request: &ChatRequest) -> Option<Script> {
    let last = request.messages.last()?;
    if last.role == ChatRole::Tool {
        return Some(Script::Says(format!("The tool says: {}", last.content)));
    }
    if let Some(format) = &request.response_format {
        let is_sun = format.schema["properties"].get("direction").is_some();
        return Some(Script::SaysJson(if is_sun {
            json!({"direction": "east", "sure": true})
        } else {
            json!({"any": "object"})
        }));
    }
    let text = |text: &str| ChatEvent::Text {
        text: text.to_owned(),
        log_prob: Some(-0.25),
    };
    let words = last.content.to_lowercase();
    if !request.tools.is_empty() && words.contains("weather") {
        let mut calls = vec![weather("Oslo")];
        if words.contains("bergen") {
            calls.push(weather("Bergen"));
        }
        return streams(calls, FinishReason::ToolCalls);
    }
    if words.contains("think") {
        let thought = ChatEvent::Reasoning {
            text: "The east, surely.".into(),
        };
        return streams(
            vec![thought, text("In "), text("the "), text("east.")],
            FinishReason::Stop,
        );
    }
    if words.contains("picture") {
        let pictures = last.images.len();
        return Some(Script::Says(format!(
            "{pictures} picture of {} bytes",
            last.images.first()?.bytes.len()
        )));
    }
    if words.contains("cut") {
        return streams(Vec::new(), FinishReason::Length);
    }
    words.contains("break").then_some(Script::Breaks)
}

struct Counting(ModelIdentity);

#[async_trait]
impl Embedder for Counting {
    fn identity(&self) -> &ModelIdentity {
        &self.0
    }

    fn dimensions(&self) -> usize {
        3
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        Ok(texts
            .iter()
            .map(|text| vec![0.25, -0.5, f32::from(u8::try_from(text.len()).unwrap_or(u8::MAX))])
            .collect())
    }
}

async fn start() -> TestApp {
    let model = ScriptedModel::with_identity("The sun rises in the east.", |identity| identity.images = true);
    model.respond_with(respond);
    let mut identity = None;
    drop(ScriptedModel::with_identity("", |usual| {
        usual.name = "counting".into();
        identity = Some(usual.clone());
    }));
    TestApp::builder()
        .model(model)
        .embedder(Arc::new(Counting(identity.unwrap())))
        .start()
        .await
}

#[expect(clippy::print_stdout, reason = "a test that was left out says so")]
async fn run(suite: &'static str) {
    if std::env::var("BOXWOOD_SDK").is_ok_and(|value| value == "skip") {
        println!("left out: BOXWOOD_SDK=skip");
        return;
    }
    let app = start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sdk/openai.sh");
    let mut command = std::process::Command::new(script);
    command
        .arg(suite)
        .env("BOXWOOD_OPENAI_URL", &app.base)
        .env("BOXWOOD_OPENAI_TOKEN", DEVELOPER_TOKEN)
        .env("BOXWOOD_OPENAI_MODEL", "azure__openai__gpt_o4_mini")
        .env("BOXWOOD_OPENAI_LOCAL", "scripted__model");
    let outcome = tokio::task::spawn_blocking(move || command.status().unwrap())
        .await
        .unwrap();
    assert!(outcome.success(), "the suite {suite} failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_works_for_openai_and_for_azure() {
    run("python").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn langchain_works_with_its_azure_class() {
    run("langchain").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_client_works_for_openai_and_for_azure() {
    run("node").await;
}
