//! A chat model that says what the test tells it to, and remembers what it was asked.
//!
//! Keeps the contract of [`ChatModel`] (see [`crate::conformance`]): one token is one word, or one piece of a JSON value.
//! It does not enforce a schema: what it says is the test's business, and [`ScriptedModel::requests`] tells the schema
//! that it was asked for.

use crate::waiting::until;
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
    /// Writes this value as compact JSON, as a model does that keeps to a schema: a name, a value or a mark a piece.
    SaysJson(serde_json::Value),
    /// Writes these pieces, each with its log-probability.
    SaysPieces(Vec<(String, f32)>),
    /// Yields these events (thinking, calls of tools, texts), then ends as told with exactly this usage.
    Streams {
        /// What comes before the end.
        events: Vec<ChatEvent>,
        /// Why it ends.
        finish: FinishReason,
        /// What it cost.
        usage: Usage,
    },
    /// Refuses before the first token because its queue is full.
    Overloaded(Duration),
    /// Breaks after the first token.
    Breaks,
    /// Panics: for the layer that catches it.
    Panics,
}

/// Chooses what a completion does by what was asked; `None` leaves it to the queue and the usual text.
type Responder = dyn Fn(&ChatRequest) -> Option<Script> + Send + Sync;

struct Shared {
    identity: ModelIdentity,
    scripts: Mutex<VecDeque<Script>>,
    fallback: Mutex<Script>,
    responder: Mutex<Option<Arc<Responder>>>,
    requests: Mutex<Vec<ChatRequest>>,
    open: watch::Sender<bool>,
    running: AtomicUsize,
    abandoned: AtomicUsize,
    support: Mutex<f32>,
    preferred: Mutex<Option<String>>,
}

/// See the module.
#[derive(Clone)]
pub struct ScriptedModel(Arc<Shared>);

impl ScriptedModel {
    /// A model that always says this.
    pub fn saying(text: &str) -> Self {
        Self::with_identity(text, |_| ())
    }

    /// The same, with an identity that differs from the usual one: a small window, no schemas.
    pub fn with_identity(text: &str, change: impl FnOnce(&mut ModelIdentity)) -> Self {
        let mut identity = ModelIdentity {
            name: "scripted__model".to_owned(),
            provider: "scripted".to_owned(),
            context_window: 8_192,
            max_output_tokens: 1_024,
            images: false,
            scores_choices: true,
            json_schema: true,
            tools: true,
        };
        change(&mut identity);
        Self(Arc::new(Shared {
            identity,
            scripts: Mutex::default(),
            fallback: Mutex::new(Script::Says(text.to_owned())),
            responder: Mutex::default(),
            requests: Mutex::default(),
            open: watch::Sender::new(true),
            running: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
            support: Mutex::new(0.98),
            preferred: Mutex::default(),
        }))
    }

    /// What the next completion does, before it goes back to its usual text.
    pub fn next(&self, script: Script) {
        self.0.scripts.lock().push_back(script);
    }

    /// From now on, what a completion does is chosen by what was asked: for requests that run beside each other, whose
    /// order is not known. `None` leaves it to [`ScriptedModel::next`] and the usual text.
    pub fn respond_with(&self, responder: impl Fn(&ChatRequest) -> Option<Script> + Send + Sync + 'static) {
        *self.0.responder.lock() = Some(Arc::new(responder));
    }

    fn script_for(&self, request: &ChatRequest) -> Script {
        let responder = self.0.responder.lock().clone();
        if let Some(script) = responder.and_then(|responder| responder(request)) {
            return script;
        }
        let next = self.0.scripts.lock().pop_front();
        next.unwrap_or_else(|| self.0.fallback.lock().clone())
    }

    /// The probability that it gives to the first of two choices.
    pub fn set_support(&self, probability: f32) {
        *self.0.support.lock() = probability;
    }

    /// That probability is for the choice with this text in the prompt (`(B) text`) from now on, wherever it stands.
    pub fn prefer(&self, text: &str) {
        *self.0.preferred.lock() = Some(text.to_owned());
    }

    fn preferred(&self, request: &ChatRequest, choices: &[String]) -> usize {
        let preferred = self.0.preferred.lock();
        let prompt = request.messages.last().map_or("", |message| &message.content);
        let place = preferred.as_ref().and_then(|text| {
            let stands = |label: &String| prompt.lines().any(|line| line == format!("({label}) {text}"));
            choices.iter().position(stands)
        });
        place.unwrap_or(0)
    }

    /// Completions stop before their first token until [`ScriptedModel::release`].
    pub fn hold(&self) {
        self.0.open.send_replace(false);
    }

    /// Lets completions go on.
    pub fn release(&self) {
        self.0.open.send_replace(true);
    }

    /// Every completion that was asked for, its schema included.
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

    /// Waits until a completion runs.
    ///
    /// # Panics
    /// Where none does.
    pub async fn until_running(&self) {
        until("the model is asked", || self.running() > 0).await;
    }

    /// Waits until the stream of a completion was dropped before its end.
    ///
    /// # Panics
    /// Where that does not happen: the work goes on although nobody waits for it.
    pub async fn until_abandoned(&self) {
        until("the completion is abandoned", || self.abandoned() > 0).await;
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
        if let Script::Streams {
            events,
            finish,
            usage,
        } = script
        {
            let end = ChatEvent::End {
                finish: *finish,
                usage: usage.clone(),
            };
            return events.iter().cloned().chain([end]).map(Ok).collect();
        }
        let pieces: Vec<(String, f32)> = match script {
            Script::Says(text) => with_usual_log_prob(text.split_inclusive(' ')),
            Script::SaysJson(value) => {
                let text = value.to_string();
                with_usual_log_prob(json_pieces(&text))
            }
            Script::SaysPieces(pieces) => pieces.clone(),
            _ => return vec![Ok(piece("A ", USUAL_LOG_PROB)), Err(self.failed())],
        };
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
        let kept = pieces.iter().take(kept);
        events.extend(kept.map(|(text, log_prob)| Ok(piece(text, *log_prob))));
        events.push(Ok(ChatEvent::End { finish, usage }));
        events
    }
}

const USUAL_LOG_PROB: f32 = -0.1;

fn with_usual_log_prob<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<(String, f32)> {
    let piece = |text: &str| (text.to_owned(), USUAL_LOG_PROB);
    pieces.into_iter().map(piece).collect()
}

/// Compact JSON in pieces: marks between values (as many as stand together), the rest word by word.
fn json_pieces(text: &str) -> Vec<&str> {
    let is_mark = |character: char| "{}[]:,\"".contains(character);
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if is_mark(first) {
            rest.find(|character| !is_mark(character))
        } else {
            rest.find(is_mark)
        };
        let (head, tail) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.extend(head.split_inclusive(' '));
        rest = tail;
    }
    pieces
}

fn piece(text: &str, log_prob: f32) -> ChatEvent {
    ChatEvent::Text {
        text: text.to_owned(),
        log_prob: Some(log_prob),
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
        self.0.identity.check_tools(&request)?;
        if request.response_format.is_some() && !self.0.identity.json_schema {
            return Err(ModelError::Unsupported {
                model: self.0.identity.name.clone(),
                what: "keep to a schema",
            });
        }
        let script = self.script_for(&request);
        self.0.requests.lock().push(request);
        match &script {
            Script::Overloaded(retry_after) => {
                let model = self.0.identity.name.clone();
                return Err(ModelError::Overloaded {
                    model,
                    retry_after: *retry_after,
                });
            }
            Script::Panics => panic!("the script says to panic"),
            Script::Says(_)
            | Script::SaysJson(_)
            | Script::SaysPieces(_)
            | Script::Breaks
            | Script::Streams { .. } => {}
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
        let preferred = self.preferred(&request, choices);
        let others = u16::try_from(choices.len().saturating_sub(1).max(1)).unwrap_or(u16::MAX);
        let other = (1.0 - support) / f32::from(others);
        let log_probs: Vec<f32> = (0..choices.len())
            .map(|index| {
                if index == preferred {
                    support.ln()
                } else {
                    other.ln()
                }
            })
            .collect();
        Ok(ChoiceScores {
            token_log_probs: log_probs.iter().map(|log_prob| vec![*log_prob]).collect(),
            log_probs,
            state: None,
        })
    }
}
