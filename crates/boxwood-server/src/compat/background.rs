//! Responses that go on without their client.
//!
//! Invariants: every one is tracked, so that a stop waits for what it leaves behind; it ends when it is cancelled or
//! when the server's grace is over; their number is bounded.

use boxwood_api::openai::OpenAiError;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a client is told to wait when too many run.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The responses that run in the background. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backgrounds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    stop: CancellationToken,
    tasks: TaskTracker,
    running: Mutex<HashMap<String, CancellationToken>>,
}

/// The right to run, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: String,
    inner: Arc<Inner>,
    /// Cancelled by the client.
    pub(super) cancel: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.running.lock().remove(&self.id);
    }
}

impl Place {
    /// Resolves when the server ends.
    pub(super) async fn stopped(&self) {
        self.inner.stop.cancelled().await;
    }
}

impl Backgrounds {
    /// At most so many, until the server ends.
    pub fn new(most: usize, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            most,
            stop,
            tasks: TaskTracker::new(),
            running: Mutex::default(),
        }))
    }

    /// A place for a response.
    ///
    /// # Errors
    /// 429 when too many run.
    pub(super) fn place(&self, id: &str) -> Result<Place, OpenAiError> {
        let mut running = self.0.running.lock();
        if running.len() >= self.0.most {
            return Err(OpenAiError {
                azure_code: Some("429"),
                retry_after: Some(RETRY_AFTER),
                ..OpenAiError::failure(
                    429,
                    "requests",
                    Some("rate_limit_exceeded"),
                    "Too many responses run in the background.",
                )
            });
        }
        let cancel = CancellationToken::new();
        running.insert(id.to_owned(), cancel.clone());
        Ok(Place {
            id: id.to_owned(),
            inner: Arc::clone(&self.0),
            cancel,
        })
    }

    /// Runs work.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(work);
    }

    /// Whether a response runs here.
    pub(super) fn runs(&self, id: &str) -> bool {
        self.0.running.lock().contains_key(id)
    }

    /// Asks a response to end; whether it runs here.
    pub(super) fn cancel(&self, id: &str) -> bool {
        let running = self.0.running.lock();
        let token = running.get(id);
        if let Some(token) = token {
            token.cancel();
        }
        token.is_some()
    }

    /// Waits until all have ended.
    pub async fn drained(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}
