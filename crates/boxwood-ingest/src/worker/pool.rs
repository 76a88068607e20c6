//! The pool of worker processes: what the rest of Boxwood calls to turn a file into a `Document`.
//!
//! Invariant: at most `workers` processes run at once, a worker that was killed, crashed or grew large is never used
//! again, and a worker that has nothing to do ends after a while, so that an idle server holds none.

use super::process::{Observer, Outcome, Sent, Worker};
use super::protocol::Task;
use super::sandbox::MAX_FILES;
use crate::context::{IngestLimits, OcrConfig, ParseProgress};
use crate::error::{IngestError, ParseError};
use crate::picture::{PagePicture, PictureRequest};
use crate::thumbnail::Thumbnails;
use boxwood_core::Document;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::fs::File;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A worker whose memory once exceeded this is not used again: the allocator rarely gives it back.
const RECYCLE_MEMORY_BYTES: u64 = 384 << 20;
/// Artifacts above this are decoded off the async threads.
const LARGE_ARTIFACT_BYTES: usize = 1 << 20;

/// Which program is the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// Path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Settings of an [`Ingestor`].
#[derive(Debug, Clone)]
pub struct IngestConfig {
    /// The worker's program; `None`: this program with the argument `ingest-worker`.
    pub worker_command: Option<WorkerCommand>,
    /// How many files are parsed at once.
    pub workers: usize,
    /// What one file may use.
    pub limits: IngestLimits,
    /// How pixels become text.
    pub ocr: OcrConfig,
    /// After how long without a file a worker ends.
    pub idle_seconds: u64,
}

impl Default for IngestConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            worker_command: None,
            workers: cores.clamp(1, 8),
            limits: IngestLimits::default(),
            ocr: OcrConfig::default(),
            idle_seconds: 30,
        }
    }
}

/// Finds the program to start.
pub(super) trait ResolveCommand {
    /// The configured command, or this program's hidden verb.
    fn resolve(&self) -> io::Result<WorkerCommand>;
}

impl ResolveCommand for Option<WorkerCommand> {
    fn resolve(&self) -> io::Result<WorkerCommand> {
        if let Some(command) = self {
            return Ok(command.clone());
        }
        Ok(WorkerCommand {
            program: std::env::current_exe()?,
            arguments: vec!["ingest-worker".into()],
        })
    }
}

/// What was seen while a file was parsed, for logs and measurements.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParseReport {
    /// Name of the detected format (or of what was refused).
    pub detected: Option<String>,
    /// From taking a worker to the finished document, waiting for a free worker not counted.
    pub elapsed: Duration,
    /// Largest resident memory of the worker so far; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
}

/// Parses files in limited worker processes. Cheap to make and to clone; starts nothing until it is used.
#[derive(Clone)]
pub struct Ingestor {
    shared: Arc<Shared>,
}

struct Shared {
    config: IngestConfig,
    permits: Semaphore,
    idle: Mutex<Vec<Worker>>,
    /// Whether a task looks after the idle workers.
    swept: AtomicBool,
}

impl std::fmt::Debug for Ingestor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Ingestor")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl Ingestor {
    /// A pool that starts its workers when they are needed.
    pub fn new(config: IngestConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                permits: Semaphore::new(config.workers.max(1)),
                idle: Mutex::new(Vec::new()),
                swept: AtomicBool::new(false),
                config,
            }),
        }
    }

    /// Parses a file. `file_name` is only a hint between kinds of text. Cancelling kills the worker.
    ///
    /// # Errors
    /// [`IngestError`]: the file's own faults, limits, a crash of the worker, or cancellation.
    pub async fn parse(
        &self,
        source: &Path,
        file_name: &str,
        cancel: CancellationToken,
    ) -> Result<Document, IngestError> {
        self.parse_observed(source, file_name, cancel, &|_| ()).await.0
    }

    /// [`Ingestor::parse`] that tells how far it has come and what it cost.
    pub async fn parse_observed(
        &self,
        source: &Path,
        file_name: &str,
        cancel: CancellationToken,
        observer: &(dyn Fn(ParseProgress) + Send + Sync),
    ) -> (Result<Document, IngestError>, ParseReport) {
        let mut report = ParseReport::default();
        let result = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(IngestError::Cancelled),
            result = self.work(source, file_name, Task::Parse, observer, &mut report) => result,
        };
        let result = match result {
            Ok(Outcome::Parsed(artifact)) => decode(artifact).await,
            Ok(outcome) => Err(unexpected(outcome)),
            Err(error) => Err(error),
        };
        (result, report)
    }

    /// Paints the first pages of a PDF or frames of a picture. Cancelling kills the worker.
    ///
    /// # Errors
    /// [`IngestError`], as for [`Ingestor::parse`]; a format without pages is unsupported.
    pub async fn pictures(
        &self,
        source: &Path,
        file_name: &str,
        request: PictureRequest,
        cancel: CancellationToken,
    ) -> Result<Vec<PagePicture>, IngestError> {
        match self
            .paint(source, file_name, Task::Paint(request), cancel)
            .await?
        {
            Outcome::Painted(pictures) => Ok(pictures),
            outcome => Err(unexpected(outcome)),
        }
    }

    /// The first page of a PDF or the first frame of a picture in Box's sizes. Cancelling kills the worker.
    ///
    /// # Errors
    /// [`IngestError`], as for [`Ingestor::pictures`].
    pub async fn thumbnails(
        &self,
        source: &Path,
        file_name: &str,
        cancel: CancellationToken,
    ) -> Result<Thumbnails, IngestError> {
        match self.paint(source, file_name, Task::Thumbnails, cancel).await? {
            Outcome::Thumbnails(thumbnails) => Ok(thumbnails),
            outcome => Err(unexpected(outcome)),
        }
    }

    async fn paint(
        &self,
        source: &Path,
        file_name: &str,
        task: Task,
        cancel: CancellationToken,
    ) -> Result<Outcome, IngestError> {
        let mut report = ParseReport::default();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(IngestError::Cancelled),
            outcome = self.work(source, file_name, task, &|_| (), &mut report) => outcome,
        }
    }

    async fn work(
        &self,
        source: &Path,
        file_name: &str,
        task: Task,
        observer: Observer<'_>,
        report: &mut ParseReport,
    ) -> Result<Outcome, IngestError> {
        let limits = &self.shared.config.limits;
        let (file, size) = open(source, limits).await?;
        let _permit = self
            .shared
            .permits
            .acquire()
            .await
            .map_err(|_| IngestError::Cancelled)?;
        let started = Instant::now();
        let mut worker = self.take_worker().await?;
        let sent = Sent {
            file,
            size,
            name: file_name,
            task,
        };
        let outcome = worker.work(sent, limits, (observer, &mut *report)).await;
        report.elapsed = started.elapsed();
        let outcome = outcome?;
        self.give_back(worker, report);
        Ok(outcome)
    }

    async fn take_worker(&self) -> Result<Worker, IngestError> {
        loop {
            let Some(mut worker) = self.shared.lock_idle().pop() else {
                return Worker::start(&self.shared.config).await;
            };
            if worker.is_alive() {
                return Ok(worker);
            }
        }
    }

    fn give_back(&self, mut worker: Worker, report: &ParseReport) {
        if worker.files >= MAX_FILES || report.peak_memory_bytes > RECYCLE_MEMORY_BYTES {
            return;
        }
        worker.idle_since = Instant::now();
        self.shared.lock_idle().push(worker);
        if !self.shared.swept.swap(true, Ordering::AcqRel) {
            let idle_time = Duration::from_secs(self.shared.config.idle_seconds);
            tokio::spawn(end_idle_workers(Arc::downgrade(&self.shared), idle_time));
        }
    }
}

impl Shared {
    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs while there are idle workers; ends by itself, also when the pool is gone.
async fn end_idle_workers(pool: Weak<Shared>, idle_time: Duration) {
    loop {
        tokio::time::sleep(idle_time).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.lock_idle();
        idle.retain(|worker| worker.idle_since.elapsed() < idle_time);
        if idle.is_empty() {
            pool.swept.store(false, Ordering::Release);
            return;
        }
    }
}

/// Opens a regular file within its size limit.
async fn open(source: &Path, limits: &IngestLimits) -> Result<(File, u64), IngestError> {
    let reading = || IngestError::io(format!("can't read {}", source.display()));
    let file = File::open(source).await.map_err(reading())?;
    let metadata = file.metadata().await.map_err(reading())?;
    if !metadata.is_file() {
        return Err(reading()(io::Error::other("it is not a regular file")));
    }
    if metadata.len() == 0 {
        return Err(ParseError::Empty.into());
    }
    if metadata.len() > limits.max_file_bytes {
        let limit = format!("{} MiB", limits.max_file_bytes >> 20);
        return Err(ParseError::limit("file size", limit).into());
    }
    Ok((file, metadata.len()))
}

/// The error of a refusal, or of a worker that did something else than it was asked for.
fn unexpected(outcome: Outcome) -> IngestError {
    match outcome {
        Outcome::Refused(error) => error.into(),
        Outcome::Parsed(_) | Outcome::Painted(_) | Outcome::Thumbnails(_) => IngestError::WorkerCrashed {
            detail: "it did another task than it was given".to_owned(),
        },
    }
}

/// The artifact came from a process that read untrusted bytes: its invariants are checked.
async fn decode(artifact: Vec<u8>) -> Result<Document, IngestError> {
    let nonsense = |detail: String| IngestError::WorkerCrashed { detail };
    let decoded = if artifact.len() < LARGE_ARTIFACT_BYTES {
        Document::from_artifact(&artifact)
    } else {
        tokio::task::spawn_blocking(move || Document::from_artifact(&artifact))
            .await
            .map_err(|error| nonsense(error.to_string()))?
    };
    decoded.map_err(|error| nonsense(error.to_string()))
}
