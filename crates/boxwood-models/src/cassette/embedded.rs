//! An embedder whose vectors are written to a cassette, and one that gives what a cassette holds.
//!
//! Invariant: a text is played back by itself, whatever it was embedded beside, since its vector depends on nothing else;
//! a text without a recording is an error. Made by the registry, around or in place of every embedder.

use super::{Cassette, Recorder, Traffic};
use async_trait::async_trait;
use boxwood_core::{Embedder, ModelError, ModelIdentity};
use std::sync::Arc;

/// An embedder that is recorded.
pub(crate) struct RecordedEmbedder {
    inner: Arc<dyn Embedder>,
    recorder: Arc<Recorder>,
}

impl RecordedEmbedder {
    pub(crate) fn new(inner: Arc<dyn Embedder>, recorder: Arc<Recorder>) -> Self {
        Self { inner, recorder }
    }
}

#[async_trait]
impl Embedder for RecordedEmbedder {
    fn identity(&self) -> &ModelIdentity {
        self.inner.identity()
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let vectors = self.inner.embed(texts).await?;
        let traffic = Traffic::Embed {
            dimensions: self.dimensions(),
            texts: texts.to_vec(),
            vectors: vectors.clone(),
        };
        self.recorder.write(self.identity(), false, traffic);
        Ok(vectors)
    }
}

/// An embedder of a cassette.
pub(crate) struct ReplayedEmbedder {
    identity: ModelIdentity,
    dimensions: usize,
    cassette: Arc<Cassette>,
}

impl ReplayedEmbedder {
    pub(crate) fn new(identity: ModelIdentity, dimensions: usize, cassette: Arc<Cassette>) -> Self {
        Self {
            identity,
            dimensions,
            cassette,
        }
    }

    /// Whether the vectors of all these texts were recorded.
    pub(super) fn holds(&self, texts: &[String]) -> bool {
        let mut texts = texts.iter();
        texts.all(|text| self.cassette.holds_vector(&self.identity.name, text))
    }
}

#[async_trait]
impl Embedder for ReplayedEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let vectors = texts
            .iter()
            .map(|text| self.cassette.vector(&self.identity.name, text));
        vectors.collect()
    }
}
