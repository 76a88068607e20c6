//! How many threads compute, on a machine that others use, too.
//!
//! The library's threads wait for each other some hundred times a batch, by spinning. While every thread has a core of
//! its own that is the fastest way. If another program takes one of the cores, each wait lasts until the operating
//! system gives the core back: an answer of a second takes minutes. One thread waits for nobody and only gets slower by
//! its share of the core. So the number of threads is halved when the threads did not get the cores that they should
//! have had, and doubled again when cores are free.
//!
//! Invariant: never more than configured, never less than one. Called by `scheduler` around every batch.

use crate::native::{ComputeTime, compute_time};
use std::time::{Duration, Instant};

/// A judgement needs at least this much time: shorter spans are noise.
const SPAN: Duration = Duration::from_millis(30);
/// Threads that got less than this share of the time were in others' way.
const FAIR_SHARE: f64 = 0.85;
/// Waiting before more threads are tried again, after the first failure and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The number of threads, and what it is judged by.
#[derive(Debug)]
pub(crate) struct Pace {
    most: i32,
    current: i32,
    retry_at: Instant,
    pause: Duration,
    span: Span,
}

/// What was seen since the last judgement.
#[derive(Debug, Default, Clone, Copy)]
struct Span {
    wall: Duration,
    thread: Duration,
    process: Duration,
}

impl Pace {
    pub fn new(most: i32) -> Self {
        Self {
            most: most.max(1),
            current: most.max(1),
            retry_at: Instant::now(),
            pause: FIRST_PAUSE,
            span: Span::default(),
        }
    }

    /// Threads for the next batch.
    pub fn threads(&mut self) -> i32 {
        let now = Instant::now();
        if self.current < self.most && now >= self.retry_at {
            let wanted = (self.current * 2).min(self.most);
            if cores_are_free(wanted) {
                self.current = wanted;
                self.span = Span::default();
            } else {
                self.retry_at = now + FIRST_PAUSE;
            }
        }
        self.current
    }

    /// Runs one batch and learns from it.
    pub fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (started, before) = (Instant::now(), compute_time());
        let result = work();
        self.observe(started.elapsed(), before, compute_time());
        result
    }

    fn observe(&mut self, wall: Duration, before: ComputeTime, after: ComputeTime) {
        self.span.wall += wall;
        self.span.thread += after.thread.saturating_sub(before.thread);
        self.span.process += after.process.saturating_sub(before.process);
        if self.span.wall < SPAN {
            return;
        }
        let span = std::mem::take(&mut self.span);
        if self.current == 1 {
            return;
        }
        // Another busy thread of this process hides what our helpers lost, but not what this thread lost.
        let own = span.thread.as_secs_f64() / span.wall.as_secs_f64();
        let all = span.process.as_secs_f64() / (span.wall.as_secs_f64() * f64::from(self.current));
        if own < FAIR_SHARE || all < FAIR_SHARE {
            self.current = (self.current / 2).max(1);
            self.retry_at = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            tracing::debug!(
                own,
                all,
                threads = self.current,
                "others use the cores: fewer threads compute"
            );
        } else {
            self.pause = (self.pause / 2).max(FIRST_PAUSE);
        }
    }
}

/// Whether so many threads would find a core each, judged by what runs at this moment (this thread is one of them).
/// True where the system does not tell.
fn cores_are_free(wanted: i32) -> bool {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let Some(others) = std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| runnable(&text))
        .map(|count| count.saturating_sub(1))
    else {
        return true;
    };
    usize::try_from(wanted).is_ok_and(|wanted| others + wanted <= cores)
}

/// The number of runnable threads in `0.5 0.4 0.3 2/180 4711`.
fn runnable(load: &str) -> Option<usize> {
    load.split_whitespace().nth(3)?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: ComputeTime = ComputeTime {
        thread: Duration::ZERO,
        process: Duration::ZERO,
    };

    /// Threads after one batch of 100 ms in which this thread and the process computed so long.
    fn check(most: i32, thread: u64, process: u64, expected: i32) {
        let mut pace = Pace::new(most);
        let after = ComputeTime {
            thread: Duration::from_millis(thread),
            process: Duration::from_millis(process),
        };
        pace.observe(Duration::from_millis(100), ZERO, after);
        assert_eq!(
            pace.current, expected,
            "{most} threads, {thread} and {process} ms"
        );
    }

    #[test]
    fn threads_that_lost_their_cores_become_fewer() {
        check(2, 99, 198, 2);
        check(2, 50, 198, 1);
        check(2, 99, 150, 1);
        check(8, 99, 790, 8);
        check(8, 99, 500, 4);
        check(1, 30, 30, 1);
    }

    #[test]
    fn short_batches_are_judged_together() {
        let mut pace = Pace::new(2);
        for _ in 0..2 {
            pace.observe(Duration::from_millis(14), ZERO, ZERO);
            assert_eq!(pace.current, 2);
        }
        pace.observe(Duration::from_millis(14), ZERO, ZERO);
        assert_eq!(pace.current, 1);
    }

    #[test]
    fn failures_in_a_row_wait_longer_and_successes_shorter() {
        let mut pace = Pace::new(2);
        for _ in 0..10 {
            pace.current = 2;
            pace.observe(Duration::from_millis(100), ZERO, ZERO);
        }
        assert_eq!(pace.pause, LONGEST_PAUSE);
        let full = ComputeTime {
            thread: Duration::from_millis(100),
            process: Duration::from_millis(200),
        };
        for _ in 0..10 {
            pace.current = 2;
            pace.observe(Duration::from_millis(100), ZERO, full);
        }
        assert_eq!(pace.pause, FIRST_PAUSE);
    }

    #[test]
    fn the_number_of_runnable_threads_is_read() {
        assert_eq!(runnable("5.66 6.94 5.44 7/180 28717\n"), Some(7));
        assert_eq!(runnable("nonsense"), None);
    }
}
