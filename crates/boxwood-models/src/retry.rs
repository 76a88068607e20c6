//! When a failed try is tried again: the policy of OpenAI's own client, as a pure function.
//!
//! Invariant: a host that asks for a longer wait than two minutes is not waited for; the caller is told instead.

use boxwood_core::ModelError;
use std::time::Duration;

/// The longest wait that a host may ask for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryHint {
    /// The same request fails again.
    Never,
    /// It may work; the host does not say when.
    Backoff,
    /// The host says when.
    After(Duration),
}

/// A failed try.
#[derive(Debug)]
pub(crate) struct AttemptError {
    /// What the caller is told when there is no further try.
    pub(crate) error: ModelError,
    /// Whether to try again.
    pub(crate) hint: RetryHint,
}

impl AttemptError {
    pub(crate) fn never(error: ModelError) -> Self {
        Self {
            error,
            hint: RetryHint::Never,
        }
    }

    pub(crate) fn backoff(error: ModelError) -> Self {
        Self {
            error,
            hint: RetryHint::Backoff,
        }
    }
}

/// How long to wait before the next try; `None`: give up. `tries` counts the tries made so far, from 1.
pub(crate) fn next_delay(hint: RetryHint, tries: u32, retries: u32) -> Option<Duration> {
    if tries > retries {
        return None;
    }
    let backoff = Duration::from_millis(500).saturating_mul(1 << tries.saturating_sub(1).min(4));
    match hint {
        RetryHint::Never => None,
        RetryHint::Backoff => Some(backoff),
        RetryHint::After(wait) if wait > LONGEST_WAIT => None,
        RetryHint::After(wait) if wait.is_zero() => Some(backoff),
        RetryHint::After(wait) => Some(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_policy() {
        let check = |hint, tries, expected: Option<u64>| {
            assert_eq!(
                next_delay(hint, tries, 2),
                expected.map(Duration::from_millis),
                "{hint:?} {tries}"
            );
        };
        check(RetryHint::Backoff, 1, Some(500));
        check(RetryHint::Backoff, 2, Some(1000));
        check(RetryHint::Backoff, 3, None);
        check(RetryHint::Never, 1, None);
        check(RetryHint::After(Duration::from_secs(37)), 1, Some(37_000));
        check(RetryHint::After(Duration::from_secs(120)), 1, Some(120_000));
        check(RetryHint::After(Duration::from_secs(86_400)), 1, None);
        check(RetryHint::After(Duration::ZERO), 1, Some(500));
        assert_eq!(
            next_delay(RetryHint::Backoff, 9, 10),
            Some(Duration::from_secs(8))
        );
    }
}
