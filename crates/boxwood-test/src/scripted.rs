//! A chat model that says what the test tells it to, and remembers what it was asked.
//!
//! Keeps the contract of [`ChatModel`] (see [`crate::conformance`]): one token is one word.

use async_trait::async_trait;
use boxwood_core::{
    ChatEvent, ChatModel, ChatRequest, ChatStream, ChoiceScores, FinishReason, ModelError, ModelIdentity,
    Usage,
};
use futures::StreamExt;
use futures::stream;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// What one completion does.
#[derive(Debug, Clone)]
pub enum Script {
    /// Writes this text, a word a piece.
    Says(String),
    /// Refuses before the first token because its queue is full.
    Overloaded(Duration),
    /// Breaks after the first token.
    Breaks,
    /// Panics: for the layer that catches it.
    Panics,
}

struct Shared {
    identity: ModelIdentity,
    scripts: Mutex<VecDeque<Script>>,
    fallback: Mutex<Script>,
    requests: Mutex<Vec<ChatRequest>>,
    open: watch::Sender<bool>,
    running: AtomicUsize,
    abandoned: AtomicUsize,
    support: Mutex<f32>,
}

/// See the module.
#[derive(Clone)]
pub struct ScriptedModel(Arc<Shared>);

impl ScriptedModel {
    /// A model that always says this.
    pub fn saying(text: &str) -> Self {
        Self(Arc::new(Shared {
            identity: ModelIdentity {
                name: "scripted__model".to_owned(),
                provider: "scripted".to_owned(),
                context_window: 8_192,
                max_output_tokens: 1_024,
                images: false,
                scores_choices: true,
            },
            scripts: Mutex::default(),
            fallback: Mutex::new(Script::Says(text.to_owned())),
            requests: Mutex::default(),
            open: watch::Sender::new(true),
            running: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
            support: Mutex::new(0.98),
        }))
    }

    /// What the next completion does, before it goes back to its usual text.
    pub fn next(&self, script: Script) {
        self.0.scripts.lock().push_back(script);
    }

    /// The probability that it gives to the first of two choices.
    pub fn set_support(&self, probability: f32) {
        *self.0.support.lock() = probability;
    }

    /// Completions stop before their first token until [`ScriptedModel::release`].
    pub fn hold(&self) {
        self.0.open.send_replace(false);
    }

    /// Lets completions go on.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    /// Every completion that was asked for.
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.0.requests.lock().clone()
    }

    /// Completions that run now.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    /// Completions whose stream was dropped before its end.
    pub fn abandoned(&self) -> usize {
        self.0.abandoned.load(Ordering::SeqCst)
    }

    fn words(request: &ChatRequest) -> u32 {
        let words: usize = request
            .messages
            .iter()
            .map(|message| message.content.split_whitespace().count())
            .sum();
        u32::try_from(words).unwrap_or(u32::MAX)
    }

    fn check_length(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        let identity = &self.0.identity;
        let tokens = Self::words(request);
        if tokens.saturating_add(1) > identity.context_window {
            let model = identity.name.clone();
            return Err(ModelError::ContextTooLong {
                model,
                tokens,
                limit: identity.context_window,
            });
        }
        Ok(tokens)
    }

    fn failed(&self) -> ModelError {
        ModelError::Failed {
            model: self.0.identity.name.clone(),
            message: "the script says so".to_owned(),
        }
    }

    fn events(&self, script: &Script, input_tokens: u32, limit: u32) -> Vec<Result<ChatEvent, ModelError>> {
        let text = match script {
            Script::Says(text) => text.as_str(),
            _ => return vec![Ok(piece("A ")), Err(self.failed())],
        };
        let pieces: Vec<&str> = text.split_inclusive(' ').collect();
        let kept = pieces.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        let finish = if kept < pieces.len() {
            FinishReason::Length
        } else {
            FinishReason::Stop
        };
        let usage = Usage {
            input_tokens,
            output_tokens: u32::try_from(kept).unwrap_or(u32::MAX),
            ..Usage::default()
        };
        let mut events = vec![Ok(ChatEvent::PromptProgress {
            done: input_tokens,
            total: input_tokens,
        })];
        events.extend(pieces.into_iter().take(kept).map(|word| Ok(piece(word))));
        events.push(Ok(ChatEvent::End { finish, usage }));
        events
    }
}

fn piece(text: &str) -> ChatEvent {
    ChatEvent::Text {
        text: text.to_owned(),
        log_prob: Some(-0.1),
    }
}

/// Counts a completion while it runs.
struct Running {
    model: Arc<Shared>,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.model.running.fetch_sub(1, Ordering::SeqCst);
        if !self.ended {
            self.model.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn identity(&self) -> &ModelIdentity {
        &self.0.identity
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        Ok(u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX))
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let input_tokens = self.check_length(&request)?;
        let limit = request.max_output_tokens;
        self.0.requests.lock().push(request);
        let next = self.0.scripts.lock().pop_front();
        let script = next.unwrap_or_else(|| self.0.fallback.lock().clone());
        match &script {
            Script::Overloaded(retry_after) => {
                let model = self.0.identity.name.clone();
                return Err(ModelError::Overloaded {
                    model,
                    retry_after: *retry_after,
                });
            }
            Script::Panics => panic!("the script says to panic"),
            Script::Says(_) | Script::Breaks => {}
        }
        self.0.running.fetch_add(1, Ordering::SeqCst);
        let running = Running {
            model: self.0.clone(),
            ended: false,
        };
        let events = VecDeque::from(self.events(&script, input_tokens, limit));
        let open = self.0.open.subscribe();
        let stream = stream::unfold(
            (running, events, open),
            |(mut running, mut events, mut open)| async move {
                let event = events.pop_front()?;
                // The sender lives in `running`, so waiting can only end by opening.
                let _ = open.wait_for(|open| *open).await;
                running.ended = events.is_empty();
                Some((event, (running, events, open)))
            },
        );
        Ok(stream.boxed())
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        self.check_length(&request)?;
        let support = *self.0.support.lock();
        let others = u16::try_from(choices.len().saturating_sub(1).max(1)).unwrap_or(u16::MAX);
        let other = (1.0 - support) / f32::from(others);
        let log_probs: Vec<f32> = (0..choices.len())
            .map(|index| if index == 0 { support.ln() } else { other.ln() })
            .collect();
        Ok(ChoiceScores {
            token_log_probs: log_probs.iter().map(|log_prob| vec![*log_prob]).collect(),
            log_probs,
            state: None,
        })
    }
}
