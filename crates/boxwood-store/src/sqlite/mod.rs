//! The embedded store: SQLite for rows, a local folder for bytes.
//!
//! ```text
//! <data folder>/boxwood.lock       held as long as the store is open
//! <data folder>/boxwood.sqlite3    rows (write-ahead log beside it)
//! <data folder>/blobs/ …           bytes, see `LocalBlobs`
//! ```
//! Invariants: one connection writes, inside `BEGIN IMMEDIATE`, so what a transaction has read stays true until it
//! commits; a commit is on disk before the method answers (`synchronous=FULL`); every value goes into SQL by a bind
//! parameter.

mod access;
mod agents;
mod answers;
mod collaborations;
mod contents;
mod convert;
mod copying;
mod events;
mod files;
mod folders;
mod grants;
mod groups;
mod identity;
mod index;
mod jobs;
mod listing;
mod lock;
mod memo;
mod metadata;
mod ownership;
mod responses;
mod rows;
mod schema;
mod search;
mod sharing;
mod sweep;
mod taxonomies;
mod taxonomy_store;
mod tokens;
mod trash;
mod tree;
mod uploads;
mod usage;
mod users;
mod versions;

use crate::blob::{BlobStore, LocalBlobs};
use crate::content::ReadableFile;
use crate::error::StoreError;
use crate::identity::AccessToken;
use boxwood_core::{Clock, FileId, Ids, Principal, SystemClock, SystemIds};
use convert::Doing;
use lock::FolderLock;
use memo::{Commits, Memo, Writing};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use usage::UsageReader;

/// How to open a [`SqliteStore`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The data folder; made if missing.
    pub folder: PathBuf,
    /// Bytes that one file may have.
    pub max_file_size: u64,
    /// Parser version of the jobs that uploads enqueue.
    pub parser_version: u32,
    /// How long answers are kept; zero: the next sweep removes them all.
    pub answer_retention: chrono::Duration,
    /// How long responses are kept; zero: the next sweep removes them all.
    pub response_retention: chrono::Duration,
    /// How long events are kept; zero: the next sweep removes them all.
    pub event_retention: chrono::Duration,
    /// How long uses of models are kept; a budget of a month needs 31 days.
    pub usage_retention: chrono::Duration,
    /// Connections that only read.
    pub readers: u32,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
}

impl StoreOptions {
    /// The usual options for a data folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            max_file_size: 50 * 1024 * 1024 * 1024,
            parser_version: 1,
            answer_retention: chrono::Duration::days(30),
            response_retention: chrono::Duration::days(30),
            event_retention: chrono::Duration::days(365),
            usage_retention: chrono::Duration::days(400),
            readers: 4,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }
}

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    options: StoreOptions,
    writer: SqlitePool,
    readers: SqlitePool,
    commits: Commits,
    /// Valid tokens by the hash of their secret.
    checked_tokens: Memo<Vec<u8>, AccessToken>,
    /// When the next collaboration ends.
    next_end: collaborations::NextEnd,
    /// What principals were found to be allowed to read.
    found_readable: Memo<(Principal, Vec<FileId>), Vec<ReadableFile>>,
    blobs: Arc<dyn BlobStore>,
    // Last, so that it is released when the connections are gone.
    _lock: FolderLock,
}

/// Memory that a connection may use for pages, in KiB.
const PAGE_CACHE_KIB: u32 = 2048;

impl SqliteStore {
    /// Opens or makes a data folder with its bytes in local files.
    ///
    /// # Errors
    /// [`StoreError::DataFolderInUse`], [`StoreError::SchemaTooNew`], [`StoreError::NoSpace`].
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let lock = FolderLock::take(&options.folder)?;
        let blobs = Arc::new(LocalBlobs::open(&options.folder, Arc::clone(&options.ids))?);
        Self::open_locked(options, lock, blobs).await
    }

    /// Opens or makes a data folder with its bytes somewhere else.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_with_blobs(
        options: StoreOptions,
        blobs: Arc<dyn BlobStore>,
    ) -> Result<Self, StoreError> {
        let lock = FolderLock::take(&options.folder)?;
        Self::open_locked(options, lock, blobs).await
    }

    async fn open_locked(
        options: StoreOptions,
        lock: FolderLock,
        blobs: Arc<dyn BlobStore>,
    ) -> Result<Self, StoreError> {
        let connect = SqliteConnectOptions::new()
            .filename(options.folder.join("boxwood.sqlite3"))
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(128)
            .pragma("cache_size", format!("-{PAGE_CACHE_KIB}"))
            .pragma("temp_store", "memory")
            .pragma("journal_size_limit", (16 * 1024 * 1024).to_string());
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .min_connections(0)
                .acquire_timeout(Duration::from_secs(30))
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .before_acquire(|connection, _| Box::pin(async move { Ok(is_clean(connection)) }))
        };
        let writer = pool(1).connect_with(connect.clone()).await.doing("open")?;
        schema::migrate(&writer).await?;
        let mut connection = writer.acquire().await.doing("open")?;
        jobs::requeue_abandoned(&mut connection).await?;
        drop(connection);
        let mut catching_up = writer.begin_with("BEGIN IMMEDIATE").await.doing("open")?;
        index::catch_up(&mut catching_up).await?;
        catching_up.commit().await.doing("open")?;
        let readers = pool(options.readers.max(1)).connect_lazy_with(connect.read_only(true));
        Ok(Self {
            options,
            writer,
            readers,
            commits: Commits::default(),
            checked_tokens: Memo::default(),
            next_end: collaborations::NextEnd::default(),
            found_readable: Memo::default(),
            blobs,
            _lock: lock,
        })
    }

    /// A consistent view for several reads.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.end_collaborations().await?;
        self.readers.begin().await.doing("begin reading")
    }

    /// The only writer; waits for its turn. Dropped without a commit, nothing happened.
    async fn write(&self) -> Result<Writing, StoreError> {
        self.end_collaborations().await?;
        self.begin_writing().await
    }

    async fn begin_writing(&self) -> Result<Writing, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        Ok(Writing::new(begun.doing("begin writing")?, self.commits.clone()))
    }

    /// As [`Self::write`], for rows on which no memo depends (answers, events, words): what the memos hold stays good.
    async fn write_aside(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.doing("begin writing")
    }

    fn now(&self) -> i64 {
        self.options.clock.now().timestamp_millis()
    }
}

/// Whether a connection from the pool may be used. SQLite ends a transaction itself when the disk is full; the driver
/// then fails to roll back, goes on counting an open transaction, and refuses every later one. Such a connection is
/// replaced by a new one.
fn is_clean(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

async fn commit(writing: Writing) -> Result<(), StoreError> {
    writing.commit().await
}

#[cfg(test)]
mod tests;
