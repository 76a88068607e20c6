//! Thumbnails of files: painted once by the worker, kept as one artifact, shared by every copy of a content.
//!
//! Invariant: a file that gives no picture is remembered as such, so that it is tried once and not by every request.
//! Called by the server's thumbnails and representations.

use super::{Library, ReadError, Turn, read_error};
use boxwood_ingest::{THUMBNAIL_VERSION, Thumbnails};
use boxwood_store::{ReadableFile, StoreError};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

/// Artifact kind.
const THUMBNAILS: &str = "thumbnails";

impl Library {
    /// The thumbnails that were made; `None`: it was not tried yet.
    ///
    /// # Errors
    /// From the store.
    pub async fn made_thumbnails(&self, file: &ReadableFile) -> Result<Option<Thumbnails>, StoreError> {
        let kept = self
            .store
            .artifact(&file.content_hash(), THUMBNAILS, THUMBNAIL_VERSION)
            .await?;
        Ok(kept.and_then(|bytes| Thumbnails::from_artifact(&bytes).ok()))
    }

    /// The thumbnails, made now where they were not made yet; empty for a file without a picture.
    ///
    /// # Errors
    /// From the store or the worker pool; cancellation. What is wrong with the file itself is no error.
    pub async fn thumbnails(
        &self,
        file: &ReadableFile,
        cancel: &CancellationToken,
    ) -> Result<Thumbnails, ReadError> {
        let turn = self.turn_of(Turn::Thumbnails(file.content_hash()));
        let _turn = turn.lock().await;
        if let Some(made) = self.made_thumbnails(file).await? {
            return Ok(made);
        }
        let copy = file.local_copy().await?;
        let painted = self
            .ingestor
            .thumbnails(copy.path(), file.name(), cancel.clone())
            .await;
        let thumbnails = match painted.map_err(|error| read_error(file.id(), error)) {
            Ok(thumbnails) => thumbnails,
            Err(ReadError::Refused { code, .. }) => {
                tracing::debug!(file = %file.id(), code, "a file has no thumbnails");
                Thumbnails::default()
            }
            Err(error) => return Err(error),
        };
        match thumbnails.to_artifact() {
            Ok(bytes) => {
                self.store
                    .put_artifact(
                        &file.content_hash(),
                        THUMBNAILS,
                        THUMBNAIL_VERSION,
                        Bytes::from(bytes),
                    )
                    .await?;
            }
            Err(error) => tracing::warn!(%error, "thumbnails could not be encoded"),
        }
        Ok(thumbnails)
    }
}
