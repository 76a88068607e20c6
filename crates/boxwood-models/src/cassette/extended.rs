//! A model that a cassette plays, and that is asked, and recorded, for what the cassette lacks.
//!
//! Invariant: a request of which the cassette held a recording when it was opened is never asked. Made by the registry,
//! around every model while `[models] extend` is set.

use super::{Cassette, Recorded, RecordedEmbedder, Recorder, Replayed, ReplayedEmbedder};
use async_trait::async_trait;
use boxwood_core::{ChatModel, ChatRequest, ChatStream, ChoiceScores, Embedder, ModelError, ModelIdentity};
use std::sync::Arc;

/// A model whose cassette grows.
pub(crate) struct Extended {
    live: Recorded,
    played: Replayed,
}

impl Extended {
    pub(crate) fn new(model: Arc<dyn ChatModel>, cassette: Arc<Cassette>, recorder: Arc<Recorder>) -> Self {
        Self {
            played: Replayed::new(model.identity().clone(), cassette),
            live: Recorded::new(model, recorder),
        }
    }
}

#[async_trait]
impl ChatModel for Extended {
    fn identity(&self) -> &ModelIdentity {
        self.live.identity()
    }

    fn thinks(&self) -> bool {
        self.live.thinks()
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        match self.played.count_tokens(text).await {
            Ok(tokens) => Ok(tokens),
            Err(_) => self.live.count_tokens(text).await,
        }
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        match self.played.recorded(&request, None) {
            Some(asked) => self.played.said(&asked),
            None => self.live.stream(request).await,
        }
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        match self.played.recorded(&request, Some(choices)) {
            Some(asked) => self.played.weighed(&asked),
            None => self.live.score_choices(request, choices).await,
        }
    }
}

/// An embedder whose cassette grows.
pub(crate) struct ExtendedEmbedder {
    live: RecordedEmbedder,
    played: ReplayedEmbedder,
}

impl ExtendedEmbedder {
    pub(crate) fn new(embedder: Arc<dyn Embedder>, cassette: Arc<Cassette>, recorder: Arc<Recorder>) -> Self {
        let (identity, dimensions) = (embedder.identity().clone(), embedder.dimensions());
        Self {
            played: ReplayedEmbedder::new(identity, dimensions, cassette),
            live: RecordedEmbedder::new(embedder, recorder),
        }
    }
}

#[async_trait]
impl Embedder for ExtendedEmbedder {
    fn identity(&self) -> &ModelIdentity {
        self.live.identity()
    }

    fn dimensions(&self) -> usize {
        self.live.dimensions()
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        match self.played.holds(texts) {
            true => self.played.embed(texts).await,
            false => self.live.embed(texts).await,
        }
    }
}
