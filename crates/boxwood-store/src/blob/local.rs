//! Blobs in a local folder.
//!
//! ```text
//! blobs/ab/ab12…        a content, by SHA-256
//! artifacts/ab/ab12…/   what was derived from it: `document.3`
//! uploads/<session>/    parts of a running upload: `<offset>-<sha1>`
//! temporary/            what is being written; emptied at start
//! ```
//! Invariant: a file appears under its final name only complete and flushed (write, fsync, rename, fsync of the folder).

use super::parts::PartReader;
use super::pins::{Pins, Removal};
use super::{ArtifactKey, BlobStore, ByteStream, StoredPart};
use crate::content::{LocalCopy, StagedBlob, open_range};
use crate::error::{DigestKind, StoreError};
use async_trait::async_trait;
use boxwood_core::{ContentHash, Ids};
use bytes::Bytes;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// Bytes that are read from a sender and written at once.
const CHUNK: usize = 256 * 1024;
/// Chunks between the sender and the disk: with the one being read and the one being written the memory of an upload.
const CHUNKS_IN_FLIGHT: usize = 4;

/// Blobs in a folder of this machine.
#[derive(Debug, Clone)]
pub struct LocalBlobs {
    root: PathBuf,
    pins: Arc<Pins>,
    ids: Arc<dyn Ids>,
}

/// A complete file in `temporary/`; removed with this value unless it was published before.
struct Written {
    path: PathBuf,
    sha256: [u8; 32],
    sha1: [u8; 20],
    size: u64,
}

impl Drop for Written {
    fn drop(&mut self) {
        discard(&self.path);
    }
}

impl LocalBlobs {
    /// Opens the folder, makes what is missing and removes what a crash left half-written. Only one process may have it
    /// open; the store's lock file sees to that.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::NoSpace`].
    pub fn open(root: &Path, ids: Arc<dyn Ids>) -> Result<Self, StoreError> {
        let blobs = Self {
            root: root.to_owned(),
            pins: Arc::default(),
            ids,
        };
        for folder in ["blobs", "artifacts", "uploads", "temporary"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|error| blobs.failed("create", &path, error))?;
        }
        let temporary = root.join("temporary");
        let entries = fs::read_dir(&temporary).map_err(|error| blobs.failed("list", &temporary, error))?;
        for entry in entries {
            let path = entry
                .map_err(|error| blobs.failed("list", &temporary, error))?
                .path();
            fs::remove_file(&path).map_err(|error| blobs.failed("remove", &path, error))?;
        }
        Ok(blobs)
    }

    fn blob_path(&self, hash: &ContentHash) -> PathBuf {
        let name = hash.to_hex();
        self.root.join("blobs").join(&name[..2]).join(name)
    }

    fn artifact_folder(&self, hash: &ContentHash) -> PathBuf {
        let name = hash.to_hex();
        self.root.join("artifacts").join(&name[..2]).join(name)
    }

    fn artifact_path(&self, key: &ArtifactKey) -> Result<PathBuf, StoreError> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if key.kind.is_empty() || key.kind.len() > 64 || !key.kind.bytes().all(plain) {
            return Err(StoreError::InvalidValue {
                field: "kind",
                reason: "a name of an artifact has 1 to 64 lower-case letters, digits, `-` or `_`".into(),
            });
        }
        Ok(self
            .artifact_folder(&key.content)
            .join(format!("{}.{}", key.kind, key.version)))
    }

    /// Session ids are made by the store; anything else must not become a path.
    fn session_folder(&self, session: &str) -> Result<PathBuf, StoreError> {
        if session.is_empty() || !session.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(StoreError::not_found(crate::error::Thing::UploadSession, session));
        }
        Ok(self.root.join("uploads").join(session))
    }

    fn failed(&self, action: &'static str, path: &Path, error: io::Error) -> StoreError {
        file_error(&self.root, action, path, error)
    }

    /// Streams into a temporary file. The sender and the disk work at the same time, with a bounded queue between them.
    async fn write_temporary(&self, mut content: ByteStream<'_>, limit: u64) -> Result<Written, StoreError> {
        let path = self.root.join("temporary").join(self.ids.hex(16));
        let (sender, receiver) = mpsc::channel::<Vec<u8>>(CHUNKS_IN_FLIGHT);
        let writer = tokio::task::spawn_blocking({
            let path = path.clone();
            move || write_chunks(&path, receiver)
        });
        let sent = send_chunks(&mut content, &sender, limit).await;
        if sent.is_ok() {
            // An empty chunk says that the content is complete; a queue that just ends was abandoned.
            drop(sender.send(Vec::new()).await);
        }
        drop(sender);
        let written = writer.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        match (sent, written) {
            (Err(error), _) => Err(error),
            (Ok(()), Err(error)) => Err(self.failed("write", &path, error)),
            (Ok(()), Ok(written)) => Ok(written),
        }
    }

    /// Moves a temporary file to its final name.
    async fn publish(&self, written: Written, to: PathBuf) -> Result<(), StoreError> {
        let root = self.root.clone();
        blocking(move || {
            publish_file(&written.path, &to).map_err(|error| file_error(&root, "publish", &to, error))
        })
        .await
    }

    async fn stage_written(&self, written: Written) -> Result<StagedBlob, StoreError> {
        let hash = ContentHash(written.sha256);
        let pin = self.pins.pin(hash).await;
        let path = self.blob_path(&hash);
        let (sha1, size) = (written.sha1, written.size);
        if !fs::metadata(&path).is_ok_and(|found| found.len() == size) {
            self.publish(written, path).await?;
        }
        Ok(StagedBlob {
            hash,
            sha1,
            size,
            _pin: pin,
        })
    }
}

/// Reads the sender into the queue.
async fn send_chunks(
    content: &mut ByteStream<'_>,
    sender: &mpsc::Sender<Vec<u8>>,
    limit: u64,
) -> Result<(), StoreError> {
    let mut total = 0u64;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            let room = u64::try_from(CHUNK - chunk.len()).unwrap_or(0);
            let read = (&mut *content).take(room).read_buf(&mut chunk).await;
            if read.map_err(|source| StoreError::Source { source })? == 0 {
                break;
            }
        }
        if chunk.is_empty() {
            return Ok(());
        }
        total = total.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if total > limit {
            return Err(StoreError::TooLarge { limit });
        }
        if sender.send(chunk).await.is_err() {
            // The writer has ended: its error is the one to tell.
            return Ok(());
        }
    }
}

/// Writes the queue into a new file and flushes it; removes the file when anything fails.
fn write_chunks(path: &Path, mut chunks: mpsc::Receiver<Vec<u8>>) -> io::Result<Written> {
    let mut write = || -> io::Result<Written> {
        let mut file = fs::File::options().write(true).create_new(true).open(path)?;
        let (mut sha256, mut sha1, mut size) = (Sha256::new(), Sha1::new(), 0u64);
        loop {
            let chunk = chunks
                .blocking_recv()
                .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the sender gave up"))?;
            if chunk.is_empty() {
                break;
            }
            file.write_all(&chunk)?;
            sha256.update(&chunk);
            sha1.update(&chunk);
            size += u64::try_from(chunk.len()).map_err(io::Error::other)?;
        }
        file.sync_all()?;
        Ok(Written {
            path: path.to_owned(),
            sha256: sha256.finalize().into(),
            sha1: sha1.finalize().into(),
            size,
        })
    };
    let written = write();
    if written.is_err() {
        discard(path);
    }
    written
}

fn publish_file(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to
        .parent()
        .ok_or_else(|| io::Error::other("the path has no folder"))?;
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        let mut made = folder;
        // The folder's own entry must survive a power loss, too.
        for _ in 0..2 {
            let Some(above) = made.parent() else { break };
            fs::File::open(above)?.sync_all()?;
            made = above;
        }
    }
    fs::rename(from, to)?;
    fs::File::open(folder)?.sync_all()
}

/// Removes a temporary file as well as can be; the next start empties the folder anyway.
fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "a temporary file could not be removed");
    }
}

fn file_error(root: &Path, action: &'static str, path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::NoSpace {
                path: root.to_owned(),
            }
        }
        _ => StoreError::Io {
            action,
            path: path.to_owned(),
            source: error,
        },
    }
}

/// Runs file work off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(StoreError::Io {
            action: "run",
            path: PathBuf::new(),
            source: io::Error::other(error),
        })
    })
}

/// The names in a folder; none where it does not exist.
fn names_in(root: &Path, folder: &Path) -> Result<Vec<(String, u64)>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file_error(root, "list", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| file_error(root, "list", folder, error))?;
        let size = match entry.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(file_error(root, "list", folder, error)),
        };
        names.push((entry.file_name().to_string_lossy().into_owned(), size));
    }
    Ok(names)
}

/// An artifact ends in its own SHA-256, so that damage is noticed.
fn read_artifact(path: &Path) -> io::Result<Option<Bytes>> {
    let mut bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let content_length = bytes.len().checked_sub(32);
    let sound = content_length.is_some_and(|length| {
        let (content, sum) = bytes.split_at(length);
        <[u8; 32]>::from(Sha256::digest(content)).as_slice() == sum
    });
    if sound {
        bytes.truncate(content_length.unwrap_or(0));
        return Ok(Some(bytes.into()));
    }
    tracing::warn!(path = %path.display(), "a damaged artifact is removed; it will be made again");
    fs::remove_file(path)?;
    Ok(None)
}

#[async_trait]
impl BlobStore for LocalBlobs {
    async fn stage(&self, content: ByteStream<'_>, limit: u64) -> Result<StagedBlob, StoreError> {
        let written = self.write_temporary(content, limit).await?;
        self.stage_written(written).await
    }

    async fn open(
        &self,
        hash: &ContentHash,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream<'static>, StoreError> {
        open_range(&self.blob_path(hash), range)
            .await
            .map_err(|error| missing_is_damage(hash, error))
    }

    async fn local_copy(&self, hash: &ContentHash) -> Result<LocalCopy, StoreError> {
        let path = self.blob_path(hash);
        match fs::metadata(&path) {
            Ok(_) => Ok(LocalCopy::in_place(path)),
            Err(error) => Err(missing_is_damage(hash, self.failed("open", &path, error))),
        }
    }

    async fn list(&self, first_byte: u8) -> Result<Vec<(ContentHash, u64)>, StoreError> {
        let root = self.root.clone();
        blocking(move || {
            let folder = root.join("blobs").join(format!("{first_byte:02x}"));
            let names = names_in(&root, &folder)?;
            Ok(names
                .into_iter()
                .filter_map(|(name, size)| Some((ContentHash::from_hex(&name)?, size)))
                .collect())
        })
        .await
    }

    fn begin_removal(&self, hash: &ContentHash) -> Option<Removal> {
        self.pins.begin_removal(*hash)
    }

    async fn remove(&self, removal: Removal) -> Result<(), StoreError> {
        let (blob, artifacts) = (
            self.blob_path(removal.hash()),
            self.artifact_folder(removal.hash()),
        );
        let root = self.root.clone();
        blocking(move || {
            for removed in [fs::remove_dir_all(&artifacts), fs::remove_file(&blob)] {
                match removed {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(file_error(&root, "remove", &blob, error));
                    }
                    _ => {}
                }
            }
            drop(removal);
            Ok(())
        })
        .await
    }

    async fn artifact(&self, key: &ArtifactKey) -> Result<Option<Bytes>, StoreError> {
        let (path, root) = (self.artifact_path(key)?, self.root.clone());
        blocking(move || read_artifact(&path).map_err(|error| file_error(&root, "read", &path, error))).await
    }

    async fn put_artifact(&self, key: &ArtifactKey, bytes: Bytes) -> Result<(), StoreError> {
        let to = self.artifact_path(key)?;
        let sum: [u8; 32] = Sha256::digest(&bytes).into();
        let from = self.root.join("temporary").join(self.ids.hex(16));
        let root = self.root.clone();
        blocking(move || {
            let write = || -> io::Result<()> {
                let mut file = fs::File::options().write(true).create_new(true).open(&from)?;
                file.write_all(&bytes)?;
                file.write_all(&sum)?;
                file.sync_all()?;
                publish_file(&from, &to)
            };
            write().map_err(|error| {
                discard(&from);
                file_error(&root, "write", &to, error)
            })
        })
        .await
    }

    async fn has_artifact(&self, key: &ArtifactKey) -> Result<bool, StoreError> {
        Ok(self.artifact_path(key)?.is_file())
    }

    async fn put_part(
        &self,
        session: &str,
        announced: &StoredPart,
        content: ByteStream<'_>,
    ) -> Result<(), StoreError> {
        let folder = self.session_folder(session)?;
        let expected = announced.size;
        let written = self
            .write_temporary(content, expected)
            .await
            .map_err(|error| match error {
                StoreError::TooLarge { .. } => StoreError::SizeMismatch {
                    expected,
                    found: expected.saturating_add(1),
                },
                other => other,
            })?;
        let found = hex::encode(written.sha1);
        let problem = if written.size != expected {
            Some(StoreError::SizeMismatch {
                expected,
                found: written.size,
            })
        } else if found != announced.sha1 {
            let expected = announced.sha1.clone();
            Some(StoreError::DigestMismatch {
                kind: DigestKind::Part,
                expected,
                found,
            })
        } else {
            None
        };
        match problem {
            Some(problem) => Err(problem),
            None => self.publish(written, folder.join(part_name(announced))).await,
        }
    }

    async fn join_parts(
        &self,
        session: &str,
        parts: Vec<StoredPart>,
        limit: u64,
    ) -> Result<StagedBlob, StoreError> {
        let folder = self.session_folder(session)?;
        let paths = parts.iter().map(|part| folder.join(part_name(part))).collect();
        let written = self
            .write_temporary(Box::pin(PartReader::new(paths)), limit)
            .await?;
        self.stage_written(written).await
    }

    async fn remove_session(&self, session: &str) -> Result<(), StoreError> {
        let (folder, root) = (self.session_folder(session)?, self.root.clone());
        blocking(move || match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(file_error(&root, "remove", &folder, error))
            }
            _ => Ok(()),
        })
        .await
    }

    async fn sessions(&self) -> Result<Vec<String>, StoreError> {
        let root = self.root.clone();
        blocking(move || {
            Ok(names_in(&root, &root.join("uploads"))?
                .into_iter()
                .map(|(name, _)| name)
                .collect())
        })
        .await
    }

    async fn health(&self) -> Result<(), StoreError> {
        let path = self.root.join("temporary").join(self.ids.hex(16));
        let root = self.root.clone();
        blocking(move || {
            let probed = fs::write(&path, b"probe");
            discard(&path);
            probed.map_err(|error| file_error(&root, "write", &path, error))
        })
        .await
    }
}

fn part_name(part: &StoredPart) -> String {
    format!("{}-{}", part.offset, part.sha1)
}

fn missing_is_damage(hash: &ContentHash, error: StoreError) -> StoreError {
    match error {
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => StoreError::Damaged {
            what: format!("the content {hash} is missing"),
        },
        other => other,
    }
}
