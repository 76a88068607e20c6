//! Work for the model that runs, and who waits for it: questions, texts, extractions; all are called questions here.
//!
//! An SDK gives up reading after 60 seconds and sends the same request again, so an identical question (same operation,
//! same principal, same bytes) joins the one that runs instead of doubling the work.
//!
//! Invariants: a question runs in its own task and survives its waiters by `join_grace`; when nobody came back by then
//! it is cancelled; an outcome that nobody received is kept for the same time. A waiter that is dropped stops counting.
//! Only questions of an *equal* principal are joined, and each waiter's access was checked before it came here.

use crate::error::ApiError;
use boxwood_answer::{AnswerError, Progress, ProgressSink};
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::Principal;
use futures::FutureExt;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a cancelled question may take to wind up before it is dropped.
const WIND_UP: Duration = Duration::from_secs(5);
/// What a client is told to wait when too many questions run.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What makes two questions the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionKey([u8; 32]);

impl QuestionKey {
    /// Of an operation, a principal and the bytes of the body.
    pub fn new(operation: &str, principal: &Principal, body: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(operation.as_bytes());
        hasher.update([0]);
        // Debug prints every field of the principal with its name, so two different ones never print the same.
        hasher.update(format!("{principal:?}").as_bytes());
        hasher.update([0]);
        hasher.update(body);
        Self(hasher.finalize().into())
    }
}

/// How a question ended: the body of its answer, or why there is none.
pub type Outcome = Result<Value, ApiError>;

/// What a waiter sees of a running question.
#[derive(Debug, Default)]
pub struct RunState {
    /// The latest step; draft text is in `draft`.
    pub step: Option<Progress>,
    /// Counts steps, so that a waiter sees that there is a new one.
    pub step_number: u64,
    /// The draft answer so far.
    pub draft: String,
    /// The end.
    pub outcome: Option<Arc<Outcome>>,
}

struct Run {
    state: watch::Sender<RunState>,
    waiters: watch::Sender<usize>,
    cancel: CancellationToken,
}

struct Sink(Arc<Run>);

impl ProgressSink for Sink {
    fn report(&self, progress: Progress) {
        self.0.state.send_modify(|state| match progress {
            Progress::Draft(text) => state.draft.push_str(&text),
            // A step lasts as long as its pieces come.
            Progress::Thinking(_) if matches!(state.step, Some(Progress::Thinking(_))) => {}
            step => {
                state.step = Some(step);
                state.step_number += 1;
            }
        });
    }
}

/// Every running question.
#[derive(Clone)]
pub struct Joins {
    runs: Arc<Mutex<HashMap<QuestionKey, Arc<Run>>>>,
    tasks: TaskTracker,
    most: usize,
    grace: Duration,
    stop: CancellationToken,
}

impl std::fmt::Debug for Joins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joins")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

/// What [`Joins::join`] needs to start a question that does not run yet.
pub trait StartQuestion: Send + 'static {
    /// Answers; ends soon after `cancel`.
    fn run(
        self,
        cancel: CancellationToken,
        progress: Arc<dyn ProgressSink>,
    ) -> impl Future<Output = Outcome> + Send;
}

impl Joins {
    /// An empty table: at most `most` questions at a time; `stop` cancels all of them.
    pub fn new(most: usize, grace: Duration, stop: CancellationToken) -> Self {
        Self {
            runs: Arc::default(),
            tasks: TaskTracker::new(),
            most,
            grace,
            stop,
        }
    }

    /// How many questions run.
    pub fn running(&self) -> usize {
        self.runs
            .lock()
            .values()
            .filter(|run| run.state.borrow().outcome.is_none())
            .count()
    }

    /// Joins the question if it runs, else starts it. Answers whether it was joined.
    ///
    /// # Errors
    /// 429 when too many run, 503 when the server stops.
    pub fn join(&self, key: QuestionKey, question: impl StartQuestion) -> Result<(Waiter, bool), ApiError> {
        if self.stop.is_cancelled() {
            return Err(ApiError::new(ErrorCode::Unavailable, "The server is stopping.")
                .with_retry_after(RETRY_AFTER));
        }
        let mut runs = self.runs.lock();
        if let Some(run) = runs.get(&key).filter(|run| !run.cancel.is_cancelled()).cloned() {
            if run.state.borrow().outcome.is_some() {
                // It was kept for this client's next try, and is given once.
                runs.remove(&key);
            }
            return Ok((Waiter::new(run), true));
        }
        if runs.len() >= self.most {
            let message = format!("{} questions run already; try again later.", runs.len());
            return Err(ApiError::new(ErrorCode::TooManyRequests, message.clone())
                .with_error(FieldError::new(Reason::Overloaded, "", message))
                .with_retry_after(RETRY_AFTER));
        }
        let run = Arc::new(Run {
            state: watch::Sender::new(RunState::default()),
            waiters: watch::Sender::new(0),
            cancel: self.stop.child_token(),
        });
        let waiter = Waiter::new(run.clone());
        runs.insert(key, run.clone());
        drop(runs);
        let table = self.clone();
        self.tasks
            .spawn(async move { table.drive(key, run, question).await });
        Ok((waiter, false))
    }

    /// Waits until every question ended (after the stop token was cancelled).
    pub async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn drive(&self, key: QuestionKey, run: Arc<Run>, question: impl StartQuestion) {
        let answering = question.run(run.cancel.clone(), Arc::new(Sink(run.clone())));
        // A panic must reach the waiters as a failure, not leave them waiting.
        let answering = AssertUnwindSafe(answering)
            .catch_unwind()
            .map(|ended| match ended {
                Ok(outcome) => outcome,
                Err(payload) => Err(ApiError::panicked(payload.as_ref())),
            });
        let mut answering = pin!(answering);
        let outcome = tokio::select! {
            outcome = &mut answering => outcome,
            () = run.cancel.cancelled() => wind_up(answering).await,
            () = run.abandoned(self.grace) => {
                run.cancel.cancel();
                wind_up(answering).await
            }
        };
        let outcome = Arc::new(outcome);
        run.state.send_modify(|state| state.outcome = Some(outcome));
        if *run.waiters.borrow() == 0 && !run.cancel.is_cancelled() {
            // The client may be between two tries: what was finished in between is kept for it.
            tokio::select! {
                () = tokio::time::sleep(self.grace) => {}
                () = run.cancel.cancelled() => {}
                () = run.taken() => {}
            }
        }
        let mut runs = self.runs.lock();
        if runs.get(&key).is_some_and(|current| Arc::ptr_eq(current, &run)) {
            runs.remove(&key);
        }
    }
}

async fn wind_up(answering: Pin<&mut impl Future<Output = Outcome>>) -> Outcome {
    let cancelled = || Err(AnswerError::Cancelled.into());
    tokio::time::timeout(WIND_UP, answering)
        .await
        .unwrap_or_else(|_| cancelled())
}

impl Run {
    /// Ends when nobody has waited for `grace`.
    async fn abandoned(&self, grace: Duration) {
        let mut waiters = self.waiters.subscribe();
        loop {
            // The sender lives in `self`, so the channel never closes.
            let _ = waiters.wait_for(|waiting| *waiting == 0).await;
            let back = waiters.wait_for(|waiting| *waiting > 0);
            if tokio::time::timeout(grace, back).await.is_err() {
                return;
            }
        }
    }

    /// Ends when somebody waits.
    async fn taken(&self) {
        let _ = self.waiters.subscribe().wait_for(|waiting| *waiting > 0).await;
    }
}

/// Somebody who waits for a question. Dropping it is going away.
pub struct Waiter {
    run: Arc<Run>,
    state: watch::Receiver<RunState>,
}

impl Waiter {
    fn new(run: Arc<Run>) -> Self {
        run.waiters.send_modify(|waiting| *waiting += 1);
        let state = run.state.subscribe();
        Self { run, state }
    }

    /// Waits for the end.
    pub async fn outcome(mut self) -> Arc<Outcome> {
        let ended = self.state.wait_for(|state| state.outcome.is_some()).await;
        let outcome = ended.ok().and_then(|state| state.outcome.clone());
        outcome.unwrap_or_else(|| {
            Arc::new(Err(ApiError::new(
                ErrorCode::Unavailable,
                "The question was cancelled.",
            )))
        })
    }

    /// Waits for news. `false`: there will be none any more.
    pub async fn changed(&mut self) -> bool {
        self.state.changed().await.is_ok()
    }

    /// What is known now.
    pub fn look<T>(&mut self, read: impl FnOnce(&RunState) -> T) -> T {
        read(&self.state.borrow_and_update())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.run
            .waiters
            .send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}
