//! An embedding model on a host, as an [`Embedder`].
//!
//! Invariants: vectors come back in the order of the texts, made to length one; texts leave in batches of what the host
//! takes, a few at a time. Made by the registry, one per binding of an embedding model.

use super::sender::Sender;
use crate::host::{Embedding, Host};
use crate::protocol::embeddings;
use crate::protocol::errors::{transport_error, without_secrets};
use crate::protocol::host_failed;
use crate::tokens::estimate_tokens;
use crate::transport::{Transport, TransportError};
use async_trait::async_trait;
use boxwood_core::{Embedder, ModelError, ModelIdentity};
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::time::Instant;

/// Batches on their way at the same time; the binding's `max_concurrent` bounds them too.
const BATCHES_AT_ONCE: usize = 4;
/// A reply is read no further than this.
const LONGEST_REPLY: usize = 64 << 20;

/// An embedding model on a host.
pub(crate) struct RemoteEmbedder {
    identity: ModelIdentity,
    embedding: Embedding,
    sender: Sender,
}

impl RemoteEmbedder {
    pub(crate) fn new(
        identity: ModelIdentity,
        host: Host,
        embedding: Embedding,
        transport: Transport,
    ) -> Result<Self, TransportError> {
        let url = embeddings::url(&host, &embedding).map_err(|error| TransportError::Setup {
            reason: format!("the base URL makes no URL: {error}"),
        })?;
        let sender = Sender::new(&identity.name, host, url, "application/json", transport)?;
        Ok(Self {
            identity,
            embedding,
            sender,
        })
    }

    async fn batch(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let model = &self.identity.name;
        let deadline = Instant::now() + self.sender.host.limits.deadline;
        let texts_tokens = texts.iter().map(|text| estimate_tokens(text));
        let tokens = texts_tokens.fold(0, u32::saturating_add);
        let place = self.sender.admit(tokens, deadline).await?;
        let body = embeddings::body(&self.sender.host, &self.embedding, texts).to_string();
        let reply = self.sender.send(body.into(), deadline).await?;
        let mut pieces = std::pin::pin!(reply.pieces());
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| transport_error(model, &error).error)?;
            body.extend_from_slice(&piece);
            if body.len() > LONGEST_REPLY {
                return Err(host_failed(model, "sent a reply that is too long"));
            }
        }
        drop(place);
        let vectors = embeddings::read(model, &self.embedding, texts.len(), &body)?;
        self.sender.pace.succeeded();
        Ok(vectors)
    }
}

#[async_trait]
impl Embedder for RemoteEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn dimensions(&self) -> usize {
        self.embedding.dimensions
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let batches = texts.chunks(self.embedding.batch.max(1));
        let batches: Vec<_> = batches.map(|texts| self.batch(texts).boxed()).collect();
        let vectors: Result<Vec<_>, ModelError> = futures::stream::iter(batches)
            .buffered(BATCHES_AT_ONCE)
            .try_collect()
            .await;
        let vectors = vectors.map_err(|error| without_secrets(error, &*self.sender.authenticator))?;
        Ok(vectors.into_iter().flatten().collect())
    }
}
