//! A model, or an embedder, that counts what it is used for: the wrapper that every resolved model wears.
//!
//! Invariants: budgets are asked before the model is; a stream is settled exactly once, at its end, at its error, or when
//! it is dropped, and before the event that ends it is passed on; what the model is and says is passed through unchanged.
//! Made by the registry only.

use super::{Account, Meter, Of};
use crate::capability::Capabilities;
use crate::protocol::parameters::output_limit;
use crate::tokens::{estimate_prompt, estimate_tokens};
use async_trait::async_trait;
use boxwood_core::metering::{UsageKind, UsageOutcome};
use boxwood_core::{
    ChatEvent, ChatModel, ChatRequest, ChatStream, ChoiceScores, Embedder, ModelError, ModelIdentity, Usage,
};
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// A model that is metered.
pub(crate) struct MeteredModel {
    inner: Arc<dyn ChatModel>,
    meter: Meter,
    of: Arc<Of>,
    capabilities: Option<Capabilities>,
}

impl MeteredModel {
    /// Wraps a model; `capabilities` are those of a host, which may write more than was asked for: its thinking.
    pub(crate) fn new(
        inner: Arc<dyn ChatModel>,
        meter: Meter,
        of: Of,
        capabilities: Option<Capabilities>,
    ) -> Self {
        Self {
            inner,
            meter,
            of: Arc::new(of),
            capabilities,
        }
    }

    /// The most that a completion may write.
    fn most_output(&self, request: &ChatRequest, prompt: u32) -> u32 {
        match &self.capabilities {
            Some(capabilities) => output_limit(capabilities, request, prompt),
            None => request.max_output_tokens,
        }
    }
}

#[async_trait]
impl ChatModel for MeteredModel {
    fn identity(&self) -> &ModelIdentity {
        self.inner.identity()
    }

    fn thinks(&self) -> bool {
        self.inner.thinks()
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        self.inner.count_tokens(text).await
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let prompt = estimate_prompt(&request);
        let most = self.most_output(&request, prompt);
        let account = self.meter.open(&self.of, UsageKind::Chat, prompt, most)?;
        let events = self.inner.stream(request).await?;
        let stream = MeteredStream {
            events,
            account,
            prompt,
            read: None,
            pieces: 0,
            began: Instant::now(),
            first_piece: None,
        };
        Ok(stream.boxed())
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        let prompt = estimate_prompt(&request);
        let mut account = self.meter.open(&self.of, UsageKind::Score, prompt, 0)?;
        let scores = self.inner.score_choices(request, choices).await?;
        account.settle(UsageOutcome::Finished, estimated(prompt));
        Ok(scores)
    }
}

/// Prompt tokens that only we counted.
fn estimated(input_tokens: u32) -> Usage {
    Usage {
        input_tokens,
        estimated: true,
        ..Usage::default()
    }
}

/// A completion that runs.
struct MeteredStream {
    events: ChatStream,
    account: Account,
    /// Our estimate of the prompt.
    prompt: u32,
    /// Prompt tokens that the model told it has read.
    read: Option<u32>,
    /// Pieces of output: models send about one token a piece.
    pieces: u32,
    began: Instant,
    first_piece: Option<Instant>,
}

impl MeteredStream {
    fn note(&mut self, event: &Result<ChatEvent, ModelError>) {
        match event {
            Ok(ChatEvent::PromptProgress { done, .. }) => self.read = Some(*done),
            Ok(ChatEvent::End { usage, .. }) => self.account.settle(UsageOutcome::Finished, usage.clone()),
            Ok(_) => {
                self.first_piece.get_or_insert_with(Instant::now);
                self.pieces = self.pieces.saturating_add(1);
            }
            Err(_) => self.account.settle(UsageOutcome::Failed, self.so_far()),
        }
    }

    /// What was used so far, as far as we can tell: a prompt that is not told to be read in part was read.
    fn so_far(&self) -> Usage {
        let now = Instant::now();
        Usage {
            input_tokens: self.read.filter(|_| self.pieces == 0).unwrap_or(self.prompt),
            output_tokens: self.pieces,
            estimated: true,
            time_to_first_token: self.first_piece.unwrap_or(now) - self.began,
            total_time: now - self.began,
            ..Usage::default()
        }
    }
}

impl Stream for MeteredStream {
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = self.events.poll_next_unpin(context);
        if let Poll::Ready(Some(event)) = &event {
            self.note(event);
        }
        event
    }
}

impl Drop for MeteredStream {
    /// Does nothing after a settlement.
    fn drop(&mut self) {
        let used = self.so_far();
        self.account.settle(UsageOutcome::Cancelled, used);
    }
}

/// An embedder that is metered.
pub(crate) struct MeteredEmbedder {
    inner: Arc<dyn Embedder>,
    meter: Meter,
    of: Arc<Of>,
}

impl MeteredEmbedder {
    /// Wraps an embedder.
    pub(crate) fn new(inner: Arc<dyn Embedder>, meter: Meter, of: Of) -> Self {
        Self {
            inner,
            meter,
            of: Arc::new(of),
        }
    }
}

#[async_trait]
impl Embedder for MeteredEmbedder {
    fn identity(&self) -> &ModelIdentity {
        self.inner.identity()
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let tokens = texts
            .iter()
            .map(|text| estimate_tokens(text))
            .fold(0, u32::saturating_add);
        let mut account = self.meter.open(&self.of, UsageKind::Embedding, tokens, 0)?;
        let vectors = self.inner.embed(texts).await?;
        account.settle(UsageOutcome::Finished, estimated(tokens));
        Ok(vectors)
    }
}
