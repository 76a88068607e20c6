//! The embedded store: SQLite for rows, a local folder for bytes.

use crate::error::StoreError;
use boxwood_core::{Clock, Ids, SystemClock, SystemIds};
use std::path::PathBuf;
use std::sync::Arc;

/// How to open a [`SqliteStore`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The data folder; made if missing.
    pub folder: PathBuf,
    /// Bytes that one file may have.
    pub max_file_size: u64,
    /// Parser version of the jobs that uploads enqueue.
    pub parser_version: u32,
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
            readers: 4,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }
}

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    #[expect(dead_code, reason = "published before its methods")]
    options: StoreOptions,
}

impl SqliteStore {
    /// Opens or makes a data folder.
    ///
    /// # Errors
    /// [`StoreError::DataFolderInUse`], [`StoreError::SchemaTooNew`], [`StoreError::NoSpace`].
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        Ok(Self { options })
    }
}
