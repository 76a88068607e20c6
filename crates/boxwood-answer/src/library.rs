//! Parsed files and their vectors: read once, kept as artifacts in the store, shared by every copy of a content.
//!
//! Invariant: the key of everything kept is the content's hash, which only a [`ReadableFile`] gives, so nobody reaches
//! an artifact of a file that he may not read. Called by the answer pipeline, by the server's representations and by
//! its parse workers.

mod thumbnails;

use boxwood_core::{ContentHash, Document, FileId};
use boxwood_ingest::{IngestError, Ingestor, PARSER_VERSION, PagePicture, PictureRequest};
use boxwood_search::{DocumentVectors, VectorKey};
use boxwood_store::{DOCUMENT, ParseLease, ParseOutcome, ParseState, ReadableFile, Store, StoreError};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Artifact kind of a document's vectors.
const VECTORS: &str = "vectors";
/// Decoded documents kept in memory, by bytes of text.
const MEMORY_BYTES: usize = 8 << 20;

/// How long a parse job is held: longer than any file may take.
const JOB_LEASE: chrono::TimeDelta = chrono::TimeDelta::minutes(30);
/// How often an idle worker looks for a job.
const JOB_POLL: Duration = Duration::from_millis(700);
/// How long a worker waits after a failure of the store.
const JOB_RETRY: Duration = Duration::from_secs(5);

/// Why a file gave no document.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file itself is at fault; trying again gives the same.
    #[error("{message}")]
    Refused {
        /// `unsupported`, `encrypted`, `empty`, `damaged`, `limit_reached` or `worker_crashed`.
        code: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// Something passing.
    #[error("file {file_id} could not be read: {message}")]
    Failed {
        /// The file.
        file_id: FileId,
        /// What happened.
        message: String,
    },
    /// The caller went away.
    #[error("reading was cancelled")]
    Cancelled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads files through the worker pool and keeps what was read.
pub struct Library {
    store: Arc<dyn Store>,
    ingestor: Ingestor,
    recent: Mutex<RecentDocuments>,
    running: Mutex<HashMap<Turn, Weak<tokio::sync::Mutex<()>>>>,
}

/// What is made of a content by one caller at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Turn {
    /// Its document.
    Document(ContentHash),
    /// Its thumbnails.
    Thumbnails(ContentHash),
}

impl Library {
    /// A library over a store and a worker pool.
    pub fn new(store: Arc<dyn Store>, ingestor: Ingestor) -> Self {
        Self {
            store,
            ingestor,
            recent: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// The store that the artifacts are in.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The parsed file: from memory, from its artifact, or parsed now. Callers that want the same content at the same
    /// time wait for one parse.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn document(
        &self,
        file: &ReadableFile,
        cancel: &CancellationToken,
    ) -> Result<Arc<Document>, ReadError> {
        let hash = file.content_hash();
        if let Some(document) = self.recent.lock().get(&hash) {
            return Ok(document);
        }
        let turn = self.turn_of(Turn::Document(hash));
        let _turn = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(ReadError::Cancelled),
            turn = turn.lock() => turn,
        };
        if let Some(document) = self.stored(&hash).await? {
            return Ok(document);
        }
        if let Some(ParseState::Refused { code, message }) =
            self.store.parse_state(&hash, PARSER_VERSION).await?
        {
            return Err(ReadError::Refused { code, message });
        }
        self.parse(file, cancel).await
    }

    /// Whether the parsed file is there already, without parsing it.
    ///
    /// # Errors
    /// From the store.
    pub async fn parsed(&self, file: &ReadableFile) -> Result<Option<Arc<Document>>, StoreError> {
        let recent = self.recent.lock().get(&file.content_hash());
        match recent {
            Some(document) => Ok(Some(document)),
            None => self.stored(&file.content_hash()).await,
        }
    }

    /// Runs one leased parse job to its end, for the server's parse workers: reads the content and indexes its text for
    /// search.
    ///
    /// # Errors
    /// From the store; the job is then leased again later.
    pub async fn run_job(&self, lease: ParseLease, cancel: &CancellationToken) -> Result<(), StoreError> {
        let outcome = match self.document(&lease.file().clone(), cancel).await {
            Ok(document) => {
                let hash = lease.file().content_hash();
                self.store
                    .index_text(&hash, PARSER_VERSION, &document.text)
                    .await?;
                ParseOutcome::Done
            }
            Err(ReadError::Refused { code, message }) => ParseOutcome::Refused { code, message },
            Err(ReadError::Store(error)) => return Err(error),
            Err(error @ (ReadError::Failed { .. } | ReadError::Cancelled)) => ParseOutcome::Retry {
                code: "worker_crashed".to_owned(),
                message: error.to_string(),
            },
        };
        self.store.finish_parse_job(lease, outcome).await
    }

    /// Takes parse jobs until `stop`, one after the other. Jobs of a crashed process are taken up when their lease ends.
    pub async fn serve_jobs(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.store.lease_parse_job(PARSER_VERSION, JOB_LEASE).await {
                Ok(Some(lease)) => match self.run_job(lease, stop).await {
                    Ok(()) => continue,
                    Err(error) => {
                        tracing::warn!(%error, "a parse job could not be ended");
                        JOB_RETRY
                    }
                },
                Ok(None) => JOB_POLL,
                Err(error) => {
                    tracing::warn!(%error, "parse jobs can't be read");
                    JOB_RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// The vectors that were computed so far for a document.
    ///
    /// # Errors
    /// From the store.
    pub async fn vectors(
        &self,
        file: &ReadableFile,
        key: &VectorKey,
        chunks: usize,
    ) -> Result<DocumentVectors, StoreError> {
        let kept = self
            .store
            .artifact(&file.content_hash(), VECTORS, PARSER_VERSION)
            .await?;
        let kept = kept.and_then(|bytes| DocumentVectors::from_artifact(&bytes, key, chunks).ok());
        Ok(kept.unwrap_or_else(|| DocumentVectors::empty(key.clone(), chunks)))
    }

    /// Keeps vectors. A failure costs only time later, so it is logged and not returned.
    pub async fn keep_vectors(&self, file: &ReadableFile, vectors: &DocumentVectors) {
        let bytes = match vectors.to_artifact() {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) => return tracing::warn!(%error, "vectors could not be encoded"),
        };
        if let Err(error) = self
            .store
            .put_artifact(&file.content_hash(), VECTORS, PARSER_VERSION, bytes)
            .await
        {
            tracing::warn!(%error, "vectors could not be kept");
        }
    }

    async fn stored(&self, hash: &ContentHash) -> Result<Option<Arc<Document>>, StoreError> {
        let Some(bytes) = self.store.artifact(hash, DOCUMENT, PARSER_VERSION).await? else {
            return Ok(None);
        };
        match Document::from_artifact(&bytes) {
            Ok(document) if document.parser_version == PARSER_VERSION => {
                let document = Arc::new(document);
                self.recent.lock().put(*hash, Arc::clone(&document));
                Ok(Some(document))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                tracing::warn!(%hash, %error, "a parse result is damaged; the file is parsed again");
                Ok(None)
            }
        }
    }

    async fn parse(
        &self,
        file: &ReadableFile,
        cancel: &CancellationToken,
    ) -> Result<Arc<Document>, ReadError> {
        let copy = file.local_copy().await?;
        let parsed = self
            .ingestor
            .parse(copy.path(), file.name(), cancel.clone())
            .await;
        let document = parsed.map_err(|error| read_error(file.id(), error))?;
        match document.to_artifact() {
            Ok(bytes) => {
                self.store
                    .put_artifact(&file.content_hash(), DOCUMENT, PARSER_VERSION, Bytes::from(bytes))
                    .await?;
            }
            Err(error) => tracing::warn!(%error, "a parse result could not be encoded"),
        }
        let document = Arc::new(document);
        self.recent.lock().put(file.content_hash(), Arc::clone(&document));
        Ok(document)
    }

    /// The first pages of a file as pictures, painted now: nothing of them is kept.
    ///
    /// # Errors
    /// [`ReadError`]; a format without pages is refused.
    pub async fn pictures(
        &self,
        file: &ReadableFile,
        request: PictureRequest,
        cancel: &CancellationToken,
    ) -> Result<Vec<PagePicture>, ReadError> {
        let copy = file.local_copy().await?;
        let painted = self
            .ingestor
            .pictures(copy.path(), file.name(), request, cancel.clone())
            .await;
        painted.map_err(|error| read_error(file.id(), error))
    }

    /// The lock of something; forgotten when nobody holds it.
    fn turn_of(&self, of: Turn) -> Arc<tokio::sync::Mutex<()>> {
        let mut running = self.running.lock();
        running.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = running.get(&of).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        running.insert(of, Arc::downgrade(&turn));
        turn
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

fn read_error(file_id: &FileId, error: IngestError) -> ReadError {
    let code = match &error {
        IngestError::File(error) => error.code(),
        IngestError::WorkerCrashed { .. } => "worker_crashed",
        IngestError::Cancelled => return ReadError::Cancelled,
        IngestError::Io { .. } => {
            return ReadError::Failed {
                file_id: file_id.clone(),
                message: error.to_string(),
            };
        }
    };
    ReadError::Refused {
        code: code.to_owned(),
        message: error.to_string(),
    }
}

/// The documents that were used last, bounded by their text.
#[derive(Default)]
struct RecentDocuments {
    /// Most recent last.
    entries: VecDeque<(ContentHash, Arc<Document>)>,
}

impl RecentDocuments {
    fn get(&mut self, hash: &ContentHash) -> Option<Arc<Document>> {
        let index = self.entries.iter().position(|(known, _)| known == hash)?;
        let entry = self.entries.remove(index)?;
        let document = Arc::clone(&entry.1);
        self.entries.push_back(entry);
        Some(document)
    }

    fn put(&mut self, hash: ContentHash, document: Arc<Document>) {
        self.entries.retain(|(known, _)| *known != hash);
        self.entries.push_back((hash, document));
        while self.entries.len() > 1 && self.bytes() > MEMORY_BYTES {
            self.entries.pop_front();
        }
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, document)| document.text.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::DocumentFormat;
    use boxwood_core::document::DocumentBuilder;

    fn document(bytes: usize) -> Arc<Document> {
        let mut builder = DocumentBuilder::new(PARSER_VERSION, DocumentFormat::Text);
        builder.line(&"x".repeat(bytes), boxwood_core::LineKind::Body);
        Arc::new(builder.finish())
    }

    #[test]
    fn recent_documents_are_bounded_and_least_recently_used_goes_first() {
        let mut recent = RecentDocuments::default();
        let hash = |n: u8| ContentHash([n; 32]);
        recent.put(hash(1), document(MEMORY_BYTES / 2));
        recent.put(hash(2), document(MEMORY_BYTES / 4));
        assert!(recent.get(&hash(1)).is_some());
        recent.put(hash(3), document(MEMORY_BYTES / 2));
        assert!(
            recent.get(&hash(2)).is_none(),
            "the one that was used least recently is gone"
        );
        assert!(recent.bytes() <= MEMORY_BYTES);
        recent.put(hash(4), document(MEMORY_BYTES * 2));
        assert!(
            recent.get(&hash(4)).is_some(),
            "the newest stays, whatever its size"
        );
    }
}
