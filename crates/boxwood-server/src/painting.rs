//! Thumbnails that are being made: work that goes on when the client that wanted it is told to come back.
//!
//! Invariants: at most [`MOST`] files are waited for at a time, and all of it ends when the server stops. Called by the
//! handlers of thumbnails and representations.

use boxwood_answer::library::{Library, ReadError};
use boxwood_ingest::Thumbnails;
use boxwood_store::ReadableFile;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Requests that wait for a painter at the same time; a further one is told to come back.
const MOST: usize = 32;
/// How long a request waits for thumbnails that were not made yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// What makes thumbnails; cheap to clone.
#[derive(Debug, Clone)]
pub struct Painting {
    library: Arc<Library>,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Painting {
    /// Over a library; `stop` ends everything.
    pub fn new(library: Arc<Library>, stop: CancellationToken) -> Self {
        Self {
            library,
            places: Arc::new(Semaphore::new(MOST)),
            tasks: TaskTracker::new(),
            stop,
        }
    }

    /// The thumbnails of a file, empty where it has no picture; `None`: they are still being made.
    ///
    /// # Errors
    /// From the store or the worker pool.
    pub async fn thumbnails(&self, file: &ReadableFile) -> Result<Option<Thumbnails>, ReadError> {
        if let Some(made) = self.library.made_thumbnails(file).await? {
            return Ok(Some(made));
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Ok(None);
        };
        let (library, file, cancel) = (self.library.clone(), file.clone(), self.stop.child_token());
        let painting = self.tasks.spawn(async move {
            let _place = place;
            library.thumbnails(&file, &cancel).await
        });
        match tokio::time::timeout(PATIENCE, painting).await {
            Err(_) => Ok(None),
            Ok(Ok(painted)) => painted.map(Some),
            // It panicked or the runtime ends.
            Ok(Err(_)) => Err(ReadError::Cancelled),
        }
    }

    /// Waits until nothing is painted any more (after the stop token was cancelled).
    pub async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
