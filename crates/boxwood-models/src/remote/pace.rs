//! How fast, and whether at all, a binding is asked: its limits per minute, and a breaker for a host that keeps failing.
//!
//! Invariants: a request is never sent above the limits that the binding states, and never to a host that failed several
//! times in a row until the pause is over; both are told at once instead of waited for where waiting has no sense, so
//! that the fallback takes over. Pure: the moment is an argument. One per binding, shared by its requests.

use crate::host::PaceLimits;
use crate::retry::LONGEST_WAIT;
use boxwood_core::ModelError;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// A minute's limits are kept by intervals of this length.
const MINUTE: Duration = Duration::from_secs(60);
/// A host that keeps failing is asked again after at most so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Why a request is not sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// The binding's limits leave room only after so long.
    Limit(Duration),
    /// The host asked to be left alone for so long.
    Asked(Duration),
    /// The host failed so many times in a row; it is tried again after so long.
    Broken(u32, Duration),
}

/// The pace of one binding.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: PaceLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: Allowance,
    tokens: Allowance,
    failures: u32,
    pause: Duration,
    closed_until: Option<Instant>,
    asked_until: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(limits: PaceLimits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
        }
    }

    /// Takes a place for a request of so many tokens: how long to wait before it is sent.
    ///
    /// # Errors
    /// When the wait would be longer than `patience`, or the host is left alone for now; nothing is taken then.
    pub(crate) fn take(&self, tokens: u32, now: Instant, patience: Duration) -> Result<Duration, Held> {
        let mut state = self.state.lock();
        let left = |until: Option<Instant>| until.and_then(|until| until.checked_duration_since(now));
        if let Some(left) = left(state.asked_until).filter(|left| !left.is_zero()) {
            return Err(Held::Asked(left));
        }
        if let Some(left) = left(state.closed_until).filter(|left| !left.is_zero()) {
            return Err(Held::Broken(state.failures, left));
        }
        let wait_for_request = state.requests.wait(self.limits.requests_per_minute, 1, now);
        let wait_for_tokens = state.tokens.wait(self.limits.tokens_per_minute, tokens, now);
        let wait = wait_for_request.max(wait_for_tokens);
        if wait > patience {
            return Err(Held::Limit(wait));
        }
        state.requests.take(self.limits.requests_per_minute, 1, now);
        state.tokens.take(self.limits.tokens_per_minute, tokens, now);
        if state.closed_until.is_some() {
            // The pause is over: this request tries the host, others wait for what becomes of it.
            state.closed_until = Some(now + state.pause);
        }
        Ok(wait)
    }

    /// A request ended with this error.
    pub(crate) fn learn(&self, error: &ModelError, now: Instant) {
        match error {
            ModelError::Failed { .. } => self.failed(now),
            ModelError::Overloaded { retry_after, .. } if *retry_after > LONGEST_WAIT => {
                self.asked_to_wait(*retry_after, now);
            }
            ModelError::Overloaded { .. } => {}
            // Whoever refuses is there.
            _ => self.succeeded(),
        }
    }

    /// The host answered to the end.
    pub(crate) fn succeeded(&self) {
        let mut state = self.state.lock();
        (state.failures, state.pause, state.closed_until) = (0, Duration::ZERO, None);
    }

    /// The host failed: no connection, an error of its own, a stream that broke off.
    fn failed(&self, now: Instant) {
        let mut state = self.state.lock();
        state.failures = state.failures.saturating_add(1);
        let most = self.limits.breaker_failures;
        if most == 0 || state.failures < most {
            return;
        }
        let longer = state.pause.saturating_mul(2);
        state.pause = longer.clamp(
            self.limits.breaker_pause,
            LONGEST_PAUSE.max(self.limits.breaker_pause),
        );
        state.closed_until = Some(now + state.pause);
    }

    /// The host asks to be left alone for so long.
    fn asked_to_wait(&self, wait: Duration, now: Instant) {
        self.state.lock().asked_until = Some(now + wait);
    }
}

/// What is left of a minute's allowance. It refills evenly and holds a minute's worth at most; it may go below zero,
/// which is what later requests wait for.
#[derive(Debug, Default)]
struct Allowance {
    /// Used, and not refilled yet.
    used: f64,
    at: Option<Instant>,
}

impl Allowance {
    fn refill(&mut self, per_minute: u32, now: Instant) {
        let passed = self
            .at
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let refilled = f64::from(per_minute) * passed.as_secs_f64() / MINUTE.as_secs_f64();
        self.used = (self.used - refilled).max(0.0);
        self.at = Some(now);
    }

    fn wait(&mut self, per_minute: Option<u32>, amount: u32, now: Instant) -> Duration {
        let Some(per_minute) = per_minute else {
            return Duration::ZERO;
        };
        self.refill(per_minute, now);
        // What is more than a minute's worth waits for the whole allowance, and goes then.
        let amount = amount.min(per_minute);
        let over = self.used + f64::from(amount) - f64::from(per_minute);
        let seconds = over.max(0.0) * MINUTE.as_secs_f64() / f64::from(per_minute.max(1));
        Duration::from_secs_f64(seconds)
    }

    fn take(&mut self, per_minute: Option<u32>, amount: u32, now: Instant) {
        if let Some(per_minute) = per_minute {
            self.refill(per_minute, now);
            self.used += f64::from(amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_secs(100);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn pace(requests: Option<u32>, tokens: Option<u32>) -> Pace {
        Pace::new(PaceLimits {
            requests_per_minute: requests,
            tokens_per_minute: tokens,
            ..PaceLimits::default()
        })
    }

    #[test]
    fn requests_above_the_limit_wait_for_its_refill() {
        let (pace, start) = (pace(Some(60), None), Instant::now());
        for _ in 0..60 {
            assert_eq!(pace.take(1, start, PATIENT), Ok(Duration::ZERO));
        }
        assert_eq!(pace.take(1, start, PATIENT), Ok(seconds(1)));
        assert_eq!(pace.take(1, start, PATIENT), Ok(seconds(2)));
        assert_eq!(pace.take(1, start, seconds(1)), Err(Held::Limit(seconds(3))));
        assert_eq!(pace.take(1, start + seconds(63), PATIENT), Ok(Duration::ZERO));
    }

    #[test]
    fn tokens_count_with_all_that_may_be_written() {
        let (pace, start) = (pace(None, Some(6_000)), Instant::now());
        assert_eq!(pace.take(5_000, start, PATIENT), Ok(Duration::ZERO));
        assert_eq!(pace.take(2_000, start, PATIENT), Ok(seconds(10)));
        // More than a minute's worth is not refused for ever: it waits for the whole allowance.
        let later = start + seconds(600);
        assert_eq!(pace.take(60_000, later, PATIENT), Ok(Duration::ZERO));
        assert_eq!(
            pace.take(1, later, PATIENT),
            Err(Held::Limit(Duration::from_millis(540_010)))
        );
    }

    #[test]
    fn a_host_that_keeps_failing_is_left_alone_and_tried_again() {
        let (pace, start) = (pace(None, None), Instant::now());
        let take = |after: u64| pace.take(1, start + seconds(after), PATIENT);
        for _ in 0..4 {
            pace.failed(start);
            assert_eq!(take(0), Ok(Duration::ZERO));
        }
        pace.failed(start);
        assert_eq!(take(10), Err(Held::Broken(5, seconds(20))));
        // One tries; the others wait for what becomes of it.
        assert_eq!(take(30), Ok(Duration::ZERO));
        assert_eq!(take(31), Err(Held::Broken(5, seconds(29))));
        pace.failed(start + seconds(32));
        assert_eq!(take(33), Err(Held::Broken(6, seconds(59))));
        assert_eq!(take(92), Ok(Duration::ZERO));
        pace.succeeded();
        assert_eq!((take(93), take(93)), (Ok(Duration::ZERO), Ok(Duration::ZERO)));
        pace.failed(start + seconds(94));
        assert_eq!(take(95), Ok(Duration::ZERO), "one failure is none in a row");
    }

    #[test]
    fn a_host_that_asks_for_time_gets_it() {
        let (pace, start) = (pace(None, None), Instant::now());
        pace.asked_to_wait(seconds(600), start);
        assert_eq!(
            pace.take(1, start + seconds(100), PATIENT),
            Err(Held::Asked(seconds(500)))
        );
        assert_eq!(pace.take(1, start + seconds(600), PATIENT), Ok(Duration::ZERO));
    }

    #[test]
    fn a_breaker_of_zero_failures_never_opens() {
        let pace = Pace::new(PaceLimits {
            breaker_failures: 0,
            ..PaceLimits::default()
        });
        let now = Instant::now();
        (0..100).for_each(|_| pace.failed(now));
        assert_eq!(pace.take(1, now, PATIENT), Ok(Duration::ZERO));
    }
}
