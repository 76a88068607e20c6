//! Keeps what models were used for, beside the request and not in its way.
//!
//! Invariants: nothing here makes a request wait: a bounded queue stands between, and what finds no place in it is
//! counted in the log; the first record is written at once, those that come meanwhile in batches, each in one
//! transaction, by a tracked task for which a stop waits.
//! A batch that could not be written is tried again, so a disk that was full for a moment loses nothing. Made by the
//! binary, handed to the [`Meter`](boxwood_models::Meter).

use async_trait::async_trait;
use boxwood_core::UsageRecord;
use boxwood_models::UsageSink;
use boxwood_store::Store;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Records that may wait to be written.
const MOST_WAITING: usize = 65_536;
/// Records that are written together.
const BATCH: usize = 512;
/// After a batch the next one gathers for so long: under load hundreds of records share one transaction.
const GATHER: Duration = Duration::from_millis(25);
/// Tries of one batch.
const TRIES: u32 = 5;
/// Before the second try; doubled for each later one.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Writes records in the background. Cheap to clone.
#[derive(Clone)]
pub struct UsageWriter(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    waiting: Mutex<Waiting>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<UsageRecord>,
    /// How many found no place.
    dropped: u64,
    /// Whether a task writes.
    writing: bool,
}

impl UsageWriter {
    /// Over a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner {
            store,
            waiting: Mutex::default(),
            tasks: TaskTracker::new(),
        }))
    }
}

#[async_trait]
impl UsageSink for UsageWriter {
    fn take(&self, record: UsageRecord) {
        let mut waiting = self.0.waiting.lock();
        if waiting.records.len() >= MOST_WAITING {
            waiting.dropped += 1;
            return;
        }
        waiting.records.push_back(record);
        if !waiting.writing {
            waiting.writing = true;
            let inner = Arc::clone(&self.0);
            self.0.tasks.spawn(async move { inner.write().await });
        }
    }

    async fn drained(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Inner {
    /// Writes until nothing waits.
    async fn write(&self) {
        loop {
            let (batch, dropped) = {
                let mut waiting = self.waiting.lock();
                let count = waiting.records.len().min(BATCH);
                let batch: Vec<UsageRecord> = waiting.records.drain(..count).collect();
                waiting.writing = !batch.is_empty();
                (batch, std::mem::take(&mut waiting.dropped))
            };
            if dropped > 0 {
                tracing::error!(
                    dropped,
                    "uses of models were not kept: too many waited to be written"
                );
            }
            if batch.is_empty() {
                return;
            }
            self.write_batch(&batch).await;
            if batch.len() < BATCH {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    async fn write_batch(&self, batch: &[UsageRecord]) {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=TRIES {
            match self.store.record_usage(batch).await {
                Ok(()) => return,
                Err(error) if attempt == TRIES => {
                    tracing::error!(%error, count = batch.len(), "uses of models could not be kept");
                }
                Err(error) => {
                    tracing::warn!(%error, attempt, "uses of models could not be kept yet");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
            }
        }
    }
}
