//! Files that a principal may read: the value that the answer pipeline takes and that only the store makes.
//!
//! Invariant: the fields are private and there is no public constructor except [`ReadableFiles::of_own_files`], so a
//! forgotten permission check does not compile.

use crate::blob::{BlobPin, BlobStore, ByteStream};
use crate::error::StoreError;
use boxwood_core::{ContentHash, FileId, FileVersionId};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// A content that was taken in but is not a file yet. Dropping it leaves it to the next sweep.
#[derive(Debug)]
pub struct StagedBlob {
    pub(crate) hash: ContentHash,
    pub(crate) sha1: [u8; 20],
    pub(crate) size: u64,
    /// Keeps the sweep away until the row is committed.
    pub(crate) _pin: BlobPin,
}

impl StagedBlob {
    /// SHA-256.
    pub fn content_hash(&self) -> ContentHash {
        self.hash
    }

    /// SHA-1, hexadecimal.
    pub fn sha1(&self) -> String {
        hex::encode(self.sha1)
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Where the bytes are.
#[derive(Clone)]
enum Source {
    Blob(Arc<dyn BlobStore>),
    OwnFile(PathBuf),
}

/// One file that the principal may read.
#[derive(Clone)]
pub struct ReadableFile {
    id: FileId,
    name: String,
    version_id: FileVersionId,
    hash: ContentHash,
    size: u64,
    source: Source,
}

impl std::fmt::Debug for ReadableFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadableFile")
            .field("id", &self.id)
            .field("version_id", &self.version_id)
            .field("hash", &self.hash)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl ReadableFile {
    pub(crate) fn of_blob(
        blobs: Arc<dyn BlobStore>,
        id: FileId,
        version_id: FileVersionId,
        name: String,
        hash: ContentHash,
        size: u64,
    ) -> Self {
        Self {
            id,
            name,
            version_id,
            hash,
            size,
            source: Source::Blob(blobs),
        }
    }

    /// The file's id; for own files 1, 2, … in their order.
    pub fn id(&self) -> &FileId {
        &self.id
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which version this is.
    pub fn version_id(&self) -> &FileVersionId {
        &self.version_id
    }

    /// SHA-256 of the bytes.
    pub fn content_hash(&self) -> ContentHash {
        self.hash
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes, or a range of them (cut to the size).
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the content is gone, [`StoreError::Io`].
    pub async fn open(&self, range: Option<Range<u64>>) -> Result<ByteStream<'static>, StoreError> {
        let range = range.map(|range| range.start.min(self.size)..range.end.min(self.size));
        match &self.source {
            Source::Blob(blobs) => blobs.open(&self.hash, range).await,
            Source::OwnFile(path) => open_range(path, range).await,
        }
    }

    /// A path with the whole content, for the parser's worker process.
    ///
    /// # Errors
    /// As [`ReadableFile::open`].
    pub async fn local_copy(&self) -> Result<LocalCopy, StoreError> {
        match &self.source {
            Source::Blob(blobs) => blobs.local_copy(&self.hash).await,
            Source::OwnFile(path) => Ok(LocalCopy::in_place(path.clone())),
        }
    }
}

/// A path that can be read as long as this value lives.
#[derive(Debug)]
pub struct LocalCopy {
    path: PathBuf,
    temporary: bool,
}

impl LocalCopy {
    /// The store's own file; must not be written.
    pub fn in_place(path: PathBuf) -> Self {
        Self {
            path,
            temporary: false,
        }
    }

    /// A file made for the reader; it is removed at the end.
    pub fn temporary(path: PathBuf) -> Self {
        Self {
            path,
            temporary: true,
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LocalCopy {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "a temporary copy could not be removed");
        }
    }
}

/// Files that one principal may read, in the order that was asked for.
#[derive(Debug, Clone)]
pub struct ReadableFiles(Vec<ReadableFile>);

/// A file that the operating-system user named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it is.
    pub path: PathBuf,
    /// What to call it in answers.
    pub name: String,
}

impl ReadableFiles {
    pub(crate) fn new(files: Vec<ReadableFile>) -> Self {
        Self(files)
    }

    /// Files that the operating-system user may read, because the operating system lets this process read them. For the
    /// command line only: a server must never call it with a path from a request.
    ///
    /// # Errors
    /// [`StoreError::Io`] for a file that can't be read.
    pub async fn of_own_files(files: Vec<OwnFile>) -> Result<Self, StoreError> {
        let mut readable = Vec::with_capacity(files.len());
        for (number, file) in (1u64..).zip(files) {
            let (hash, size) = hash_file(&file.path).await?;
            readable.push(ReadableFile {
                id: FileId::from_number(number),
                name: file.name,
                version_id: FileVersionId::from_number(number),
                hash,
                size,
                source: Source::OwnFile(file.path),
            });
        }
        Ok(Self(readable))
    }

    /// The files.
    pub fn iter(&self) -> std::slice::Iter<'_, ReadableFile> {
        self.0.iter()
    }

    /// The files.
    pub fn as_slice(&self) -> &[ReadableFile] {
        &self.0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a ReadableFiles {
    type Item = &'a ReadableFile;
    type IntoIter = std::slice::Iter<'a, ReadableFile>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

async fn hash_file(path: &Path) -> Result<(ContentHash, u64), StoreError> {
    let path = path.to_owned();
    let shown = path.clone();
    let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<(ContentHash, u64)> {
        let mut hasher = Sha256::new();
        let size = std::io::copy(&mut std::fs::File::open(&path)?, &mut hasher)?;
        Ok((ContentHash(hasher.finalize().into()), size))
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    hashed.map_err(|source| StoreError::Io {
        action: "read",
        path: shown,
        source,
    })
}

/// Opens a file, or a range of it.
pub(crate) async fn open_range(
    path: &Path,
    range: Option<Range<u64>>,
) -> Result<ByteStream<'static>, StoreError> {
    let failed = |source| StoreError::Io {
        action: "open",
        path: path.to_owned(),
        source,
    };
    let mut file = tokio::fs::File::open(path).await.map_err(failed)?;
    file.set_max_buf_size(256 * 1024);
    match range {
        None => Ok(Box::pin(file)),
        Some(range) => {
            file.seek(std::io::SeekFrom::Start(range.start))
                .await
                .map_err(failed)?;
            Ok(Box::pin(file.take(range.end.saturating_sub(range.start))))
        }
    }
}
