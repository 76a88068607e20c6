//! Counters of an engine, for `/metrics`, `boxwood doctor` and tests.
//!
//! Invariant: written by the engine's thread and by callers, read by anyone; a number is never reset while the engine
//! lives, so that rates can be taken from two readings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// One reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineStatus {
    /// Whether the model is in memory.
    pub loaded: bool,
    /// Requests in the engine, waiting ones included.
    pub outstanding: usize,
    /// Requests that are worked on.
    pub running: usize,
    /// Prompt tokens that were computed.
    pub prompt_tokens: u64,
    /// Prompt tokens that came from memory or disk instead.
    pub cached_tokens: u64,
    /// Tokens that were generated.
    pub output_tokens: u64,
    /// Of these, tokens for which a schema left no choice.
    pub forced_tokens: u64,
    /// Masks that were computed because a schema forbade the model's own choice.
    pub masks: u64,
    /// Documents found in memory.
    pub prefix_hits: u64,
    /// Documents restored from disk.
    pub prefix_restores: u64,
    /// Documents that had to be read.
    pub prefix_misses: u64,
    /// Documents written to disk.
    pub prefix_saves: u64,
    /// Saved documents that were damaged or did not load, and were removed.
    pub prefix_rejects: u64,
    /// Requests that were refused because the queue was full.
    pub overloads: u64,
    /// Requests whose caller went away before the end.
    pub cancellations: u64,
    /// Times that the engine's thread failed and started again.
    pub failures: u64,
}

/// The counters behind [`EngineStatus`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub loaded: AtomicBool,
    pub outstanding: Arc<AtomicUsize>,
    pub running: AtomicUsize,
    pub prompt_tokens: AtomicU64,
    pub cached_tokens: AtomicU64,
    pub output_tokens: AtomicU64,
    pub forced_tokens: AtomicU64,
    pub masks: AtomicU64,
    pub prefix_hits: AtomicU64,
    pub prefix_restores: AtomicU64,
    pub prefix_misses: AtomicU64,
    pub prefix_saves: Arc<AtomicU64>,
    pub prefix_rejects: AtomicU64,
    pub overloads: AtomicU64,
    pub cancellations: AtomicU64,
    pub failures: AtomicU64,
    /// Moving average of one request's working time, in milliseconds; 0 while none has ended.
    service_millis: AtomicU64,
}

impl Counters {
    /// A reading of everything.
    pub fn read(&self) -> EngineStatus {
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineStatus {
            loaded: self.loaded.load(Ordering::Relaxed),
            outstanding: self.outstanding.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
            prompt_tokens: number(&self.prompt_tokens),
            cached_tokens: number(&self.cached_tokens),
            output_tokens: number(&self.output_tokens),
            forced_tokens: number(&self.forced_tokens),
            masks: number(&self.masks),
            prefix_hits: number(&self.prefix_hits),
            prefix_restores: number(&self.prefix_restores),
            prefix_misses: number(&self.prefix_misses),
            prefix_saves: number(&self.prefix_saves),
            prefix_rejects: number(&self.prefix_rejects),
            overloads: number(&self.overloads),
            cancellations: number(&self.cancellations),
            failures: number(&self.failures),
        }
    }

    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, amount: usize) {
        counter.fetch_add(amount as u64, Ordering::Relaxed);
    }

    /// Takes one of `limit` places, or `None` when all are taken.
    pub fn try_enter(&self, limit: usize) -> Option<Permit> {
        self.outstanding
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < limit).then_some(taken + 1)
            })
            .ok()
            .map(|_| Permit(Arc::clone(&self.outstanding)))
    }

    /// Learns how long a request was worked on.
    pub fn observe_service(&self, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let _ = self
            .service_millis
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |average| {
                Some(if average == 0 {
                    took
                } else {
                    average.saturating_mul(3).saturating_add(took) / 4
                })
            });
    }

    /// When a place is likely free again: the time that what is in the engine needs, shared by its sequences.
    pub fn retry_after(&self, sequences: u32) -> Duration {
        let average = match self.service_millis.load(Ordering::Relaxed) {
            0 => 10_000,
            known => known,
        };
        let waiting = self.outstanding.load(Ordering::Relaxed) as u64;
        let millis = average.saturating_mul(waiting) / u64::from(sequences.max(1));
        Duration::from_millis(millis.clamp(1_000, 120_000))
    }
}

/// A place in the engine, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let counters = Counters::default();
        let first = counters.try_enter(2);
        let second = counters.try_enter(2);
        assert!(first.is_some() && second.is_some());
        assert!(counters.try_enter(2).is_none());
        drop(first);
        assert!(counters.try_enter(2).is_some());
    }

    #[test]
    fn the_time_to_try_again_follows_what_was_measured() {
        let counters = Counters::default();
        assert_eq!(
            counters.retry_after(1),
            Duration::from_secs(1),
            "nothing is running"
        );
        let places: Vec<_> = (0..4).filter_map(|_| counters.try_enter(9)).collect();
        assert_eq!(places.len(), 4);
        assert_eq!(counters.retry_after(1), Duration::from_secs(40));
        counters.observe_service(Duration::from_secs(2));
        assert_eq!(counters.retry_after(1), Duration::from_secs(8));
        assert_eq!(counters.retry_after(4), Duration::from_secs(2));
        counters.observe_service(Duration::from_secs(2000));
        assert_eq!(
            counters.retry_after(1),
            Duration::from_secs(120),
            "never more than two minutes"
        );
    }
}
