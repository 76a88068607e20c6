//! What the tests of the engine share: a very small model, its documents, whole answers.
//!
//! Needs `SmolLM2-135M-Instruct.Q4_1.gguf` in `$BOXWOOD_CACHE/models` (or `~/.cache/boxwood/models`); a missing file
//! fails with the command that brings it.

use boxwood_core::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, FinishReason, ModelError, SharedPrefix, Usage,
};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel};
use futures::StreamExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub const MODEL: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
pub const PLENTY: Duration = Duration::from_secs(300);

pub fn model_path() -> PathBuf {
    let cache = std::env::var_os("BOXWOOD_CACHE")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            let home = std::env::var_os("HOME").expect("HOME or BOXWOOD_CACHE must be set");
            Path::new(&home).join(".cache/boxwood")
        });
    let path = cache.join("models").join(MODEL);
    assert!(
        path.exists(),
        "{} is missing: run `boxwood models pull smollm2-135m-instruct`",
        path.display()
    );
    path
}

pub fn config() -> EngineConfig {
    let mut config = EngineConfig::new(model_path(), "boxwood__smollm2_135m_instruct");
    config.context_tokens = 1024;
    config.cache_tokens = 3072;
    config.max_output_tokens = 512;
    config
}

pub fn start(config: EngineConfig) -> LocalModel {
    LocalEngine::start(config).expect("the engine starts")
}

pub fn user(content: &str, max_output_tokens: u32) -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, content)], max_output_tokens)
}

/// A document of about 330 tokens.
pub fn document(title: &str) -> String {
    let mut text = format!("Report about {title}.\n");
    for number in 1..13 {
        text.push_str(&format!(
            "{number}. The {title} of station {number} was measured on day {number}, it was {} units.\n",
            number * 7 % 31
        ));
    }
    text
}

pub fn about(document: &str, question: &str, partition: &str) -> ChatRequest {
    let mut request = user(&format!("{document}\n{question}"), 12);
    request.shared_prefix = Some(SharedPrefix {
        boundary: document.len() + 1,
        partition: partition.to_owned(),
    });
    request
}

#[derive(Debug)]
pub struct Completion {
    pub text: String,
    pub log_prob: f32,
    pub progress: Vec<(u32, u32)>,
    pub finish: FinishReason,
    pub usage: Usage,
}

pub async fn complete(model: &LocalModel, request: ChatRequest) -> Result<Completion, ModelError> {
    let mut stream = model.stream(request).await?;
    let (mut text, mut sum, mut progress) = (String::new(), 0.0, Vec::new());
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::PromptProgress { done, total } => progress.push((done, total)),
            ChatEvent::Text {
                text: piece,
                log_prob,
            } => {
                text.push_str(&piece);
                sum += log_prob.expect("the engine knows its probabilities");
            }
            ChatEvent::Reasoning { .. } | ChatEvent::ToolCall(_) => panic!("neither was asked for"),
            ChatEvent::End { finish, usage } => {
                assert!(stream.next().await.is_none(), "nothing follows the end");
                return Ok(Completion {
                    text,
                    log_prob: sum,
                    progress,
                    finish,
                    usage,
                });
            }
        }
    }
    panic!("the stream ended without an end");
}

pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PLENTY, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
