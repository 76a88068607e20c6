//! Which cassette is recorded to, played back or extended, around every model of a registry.
//!
//! Called by the registry, once.

use super::{
    Cassette, Extended, ExtendedEmbedder, Recorded, RecordedEmbedder, Recorder, Replayed, ReplayedEmbedder,
};
use crate::settings::ModelSettings;
use crate::transport::TransportError;
use boxwood_core::{ChatModel, Embedder};
use std::sync::Arc;

/// The cassette that every model's traffic is recorded to, played back from, or both.
pub(crate) enum Tape {
    None,
    Record(Arc<Recorder>),
    Replay(Arc<Cassette>),
    Extend(Arc<Cassette>, Arc<Recorder>),
}

impl Tape {
    /// Opens the cassette that the settings name.
    ///
    /// # Errors
    /// One that can't be opened or read.
    pub(crate) fn open(settings: &ModelSettings) -> Result<Self, TransportError> {
        let setup = |reason: String| TransportError::Setup { reason };
        if let Some(path) = &settings.replay {
            let cassette = Cassette::open(path).map_err(setup)?;
            return Ok(Self::Replay(Arc::new(cassette)));
        }
        let Some(path) = settings.record.as_ref().or(settings.extend.as_ref()) else {
            return Ok(Self::None);
        };
        // Opening it for writing makes the file, so that one that is to be extended may be new.
        let recorder = Recorder::open(path).map_err(|error| {
            setup(format!(
                "the cassette {} can't be written: {error}",
                path.display()
            ))
        })?;
        let recorder = Arc::new(recorder);
        if settings.extend.is_none() {
            return Ok(Self::Record(recorder));
        }
        let cassette = Cassette::open(path).map_err(setup)?;
        Ok(Self::Extend(Arc::new(cassette), recorder))
    }

    /// The model with the cassette around it, or instead of it.
    pub(crate) fn around(&self, model: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        match self {
            Self::None => model,
            Self::Record(recorder) => Arc::new(Recorded::new(model, recorder.clone())),
            Self::Replay(cassette) => Arc::new(Replayed::new(model.identity().clone(), cassette.clone())),
            Self::Extend(cassette, recorder) => {
                Arc::new(Extended::new(model, cassette.clone(), recorder.clone()))
            }
        }
    }

    /// Played back, the local models are those that were recorded, installed here or not.
    pub(crate) fn around_locals(
        &self,
        locals: Vec<Arc<dyn ChatModel>>,
        on_hosts: &[String],
    ) -> Vec<Arc<dyn ChatModel>> {
        let Self::Replay(cassette) = self else {
            return locals.into_iter().map(|local| self.around(local)).collect();
        };
        let recorded = cassette.identities().iter();
        recorded
            .filter(|identity| !on_hosts.contains(&identity.name))
            .map(|identity| Arc::new(Replayed::new(identity.clone(), cassette.clone())) as Arc<dyn ChatModel>)
            .collect()
    }

    /// The embedder with the cassette around it, or instead of it.
    pub(crate) fn around_embedder(&self, embedder: Arc<dyn Embedder>) -> Arc<dyn Embedder> {
        match self {
            Self::None => embedder,
            Self::Record(recorder) => Arc::new(RecordedEmbedder::new(embedder, recorder.clone())),
            Self::Replay(cassette) => Arc::new(ReplayedEmbedder::new(
                embedder.identity().clone(),
                embedder.dimensions(),
                cassette.clone(),
            )),
            Self::Extend(cassette, recorder) => Arc::new(ExtendedEmbedder::new(
                embedder,
                cassette.clone(),
                recorder.clone(),
            )),
        }
    }

    /// Played back, the local embedder is the one that was recorded, installed here or not.
    pub(crate) fn around_local_embedder(
        &self,
        local: Option<Arc<dyn Embedder>>,
        on_hosts: &[String],
    ) -> Option<Arc<dyn Embedder>> {
        let recorded = match self {
            Self::Replay(cassette) => cassette
                .embedders()
                .iter()
                .find(|(identity, _)| !on_hosts.contains(&identity.name))
                .map(|(identity, dimensions)| {
                    ReplayedEmbedder::new(identity.clone(), *dimensions, cassette.clone())
                }),
            _ => None,
        };
        match recorded {
            Some(recorded) => Some(Arc::new(recorded)),
            None => local.map(|local| self.around_embedder(local)),
        }
    }
}
