//! Where bytes are kept: contents by their SHA-256, artifacts beside them, and the parts of running uploads.
//!
//! Invariant: a content becomes visible under its hash only when it is complete and flushed; what fails on the way
//! leaves nothing behind that a restart would not remove. Knows no users: only the store calls it.

mod local;
mod parts;
mod pins;

pub use local::LocalBlobs;
pub use pins::{BlobPin, Pins, Removal};

use crate::content::{LocalCopy, StagedBlob};
use crate::error::StoreError;
use async_trait::async_trait;
use boxwood_core::ContentHash;
use bytes::Bytes;
use std::ops::Range;
use std::pin::Pin;
use tokio::io::AsyncRead;

/// Bytes that come or go.
pub type ByteStream<'a> = Pin<Box<dyn AsyncRead + Send + 'a>>;

/// Names something derived from a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactKey {
    /// The content.
    pub content: ContentHash,
    /// A short name of lower-case letters, digits, `-` and `_`.
    pub kind: String,
    /// Version of the program part that made it.
    pub version: u32,
}

/// A part of an upload as it lies in the blob store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// Where it begins in the whole content.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// SHA-1, hexadecimal.
    pub sha1: String,
}

/// A place for bytes.
#[async_trait]
pub trait BlobStore: Send + Sync + std::fmt::Debug {
    /// Takes a content in.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::NoSpace`], [`StoreError::Source`], [`StoreError::Io`].
    async fn stage(&self, content: ByteStream<'_>, limit: u64) -> Result<StagedBlob, StoreError>;

    /// Opens a content, or a range of it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is not there.
    async fn open(
        &self,
        hash: &ContentHash,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream<'static>, StoreError>;

    /// A path with the content.
    ///
    /// # Errors
    /// As [`BlobStore::open`].
    async fn local_copy(&self, hash: &ContentHash) -> Result<LocalCopy, StoreError>;

    /// The contents whose hash begins with the byte, with their sizes.
    ///
    /// # Errors
    /// From the file system.
    async fn list(&self, first_byte: u8) -> Result<Vec<(ContentHash, u64)>, StoreError>;

    /// The right to remove a content; `None` while somebody stages or pins it. The caller then looks whether a row names
    /// it, and removes it or drops the right.
    fn begin_removal(&self, hash: &ContentHash) -> Option<Removal>;

    /// Removes a content and its artifacts.
    ///
    /// # Errors
    /// From the file system.
    async fn remove(&self, removal: Removal) -> Result<(), StoreError>;

    /// Reads an artifact. A damaged one is removed and reads as `None`.
    ///
    /// # Errors
    /// From the file system.
    async fn artifact(&self, key: &ArtifactKey) -> Result<Option<Bytes>, StoreError>;

    /// Writes an artifact.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`], from the file system.
    async fn put_artifact(&self, key: &ArtifactKey, bytes: Bytes) -> Result<(), StoreError>;

    /// Whether an artifact is there; it may still prove damaged.
    ///
    /// # Errors
    /// From the file system.
    async fn has_artifact(&self, key: &ArtifactKey) -> Result<bool, StoreError>;

    /// Takes a part of an upload in, which must have the announced size and SHA-1.
    ///
    /// # Errors
    /// [`StoreError::SizeMismatch`], [`StoreError::DigestMismatch`], and as [`BlobStore::stage`].
    async fn put_part(
        &self,
        session: &str,
        announced: &StoredPart,
        content: ByteStream<'_>,
    ) -> Result<(), StoreError>;

    /// Joins parts into a staged content. The parts stay.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a part is gone.
    async fn join_parts(
        &self,
        session: &str,
        parts: Vec<StoredPart>,
        limit: u64,
    ) -> Result<StagedBlob, StoreError>;

    /// Removes all parts of a session.
    ///
    /// # Errors
    /// From the file system.
    async fn remove_session(&self, session: &str) -> Result<(), StoreError>;

    /// The sessions that have parts.
    ///
    /// # Errors
    /// From the file system.
    async fn sessions(&self) -> Result<Vec<String>, StoreError>;

    /// Whether it can be written.
    ///
    /// # Errors
    /// What is wrong.
    async fn health(&self) -> Result<(), StoreError>;
}
