//! Tokens and time of one problem.
//!
//! Invariant: tokens are taken before a completion starts and what it did not use is given back after it, so that
//! completions that run beside each other never spend more than there is.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Tokens that are kept for a last, short answer.
pub(super) const ANSWER_RESERVE: u32 = 48;
/// The part of the time that thinking may take; the rest is for a last, short answer.
const THINKING_SHARE: f64 = 0.85;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    tokens: AtomicU32,
    thinking_until: Option<Instant>,
    answer_until: Option<Instant>,
}

impl Budget {
    pub fn new(tokens: u32, time_limit: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            tokens: AtomicU32::new(tokens.saturating_sub(ANSWER_RESERVE)),
            thinking_until: time_limit.map(|limit| now + limit.mul_f64(THINKING_SHARE)),
            answer_until: time_limit.map(|limit| now + limit),
        }
    }

    /// Takes up to this many tokens.
    pub fn take(&self, wanted: u32) -> u32 {
        let mut granted = 0;
        let _ = self
            .tokens
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                granted = wanted.min(left);
                Some(left - granted)
            });
        granted
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&self, unused: u32) {
        self.tokens.fetch_add(unused, Ordering::AcqRel);
    }

    /// Tokens that are left for thinking.
    pub fn tokens_left(&self) -> u32 {
        self.tokens.load(Ordering::Acquire)
    }

    /// When thinking ends.
    pub fn thinking_until(&self) -> Option<Instant> {
        self.thinking_until
    }

    /// When everything ends.
    pub fn answer_until(&self) -> Option<Instant> {
        self.answer_until
    }

    /// Whether the time for thinking is over.
    pub fn is_late(&self) -> bool {
        self.thinking_until.is_some_and(|until| Instant::now() >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_more_is_granted_than_there_is(tokens in 0u32..5_000, wishes in proptest::collection::vec(0u32..1_000, 0..20)) {
            let budget = Budget::new(tokens, None);
            let granted: u32 = wishes.iter().map(|wish| budget.take(*wish)).sum();
            prop_assert!(granted + budget.tokens_left() == tokens.saturating_sub(ANSWER_RESERVE));
        }
    }
}
