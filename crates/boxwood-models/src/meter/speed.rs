//! How fast each model answers, measured on what it really answered.
//!
//! Invariants: only completions that ended count; at most [`KEPT`] of each model, none older than [`WINDOW`]; what a
//! completion does not tell (the prefill of a model that thought first) is left out, never guessed. Written by the
//! meter, read by `/metrics`, `GET /boxwood/models` and `boxwood models`.

use boxwood_core::Usage;
use chrono::{DateTime, Duration, Utc};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// Completions of a model that are looked back at.
const KEPT: usize = 256;
/// Models, each by the name that was asked for, that are measured: names behind a pattern are the client's to choose.
const MOST_NAMES: usize = 256;
/// How far back.
pub const WINDOW: Duration = Duration::hours(24);

/// One completion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Prompt tokens that were read anew, a second; `None` where thinking came before the first token.
    pub prefill: Option<f64>,
    /// Visible tokens after the first one, a second; `None` for a single token.
    pub decode: Option<f64>,
    /// Seconds from the start of the work to the first token.
    pub first_token: f64,
}

impl Sample {
    /// What a completion tells; `None` where it tells nothing.
    pub fn of(usage: &Usage, at: DateTime<Utc>) -> Option<Self> {
        let first = usage.time_to_first_token.as_secs_f64();
        let rest = (usage.total_time.saturating_sub(usage.time_to_first_token)).as_secs_f64();
        if usage.output_tokens == 0 || usage.total_time.is_zero() || usage.estimated {
            return None;
        }
        let fresh = usage.input_tokens.saturating_sub(usage.cached_tokens);
        let visible = usage.output_tokens.saturating_sub(usage.reasoning_tokens);
        let rate =
            |tokens: u32, seconds: f64| (tokens > 0 && seconds > 0.0).then(|| f64::from(tokens) / seconds);
        Some(Self {
            at,
            prefill: rate(fresh, first).filter(|_| usage.reasoning_tokens == 0),
            decode: rate(visible.saturating_sub(1), rest),
            first_token: first,
        })
    }
}

/// The middle of some measurements, and what 95 of 100 were at least as good as.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half were better.
    pub median: f64,
    /// 95 of 100 were at least as good as this: the slow end, for a speed as for a time.
    pub p95: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>, higher_is_better: bool) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        if higher_is_better {
            values.reverse();
        }
        let at = |hundredths: usize| {
            let place = (values.len() * hundredths).div_ceil(100).max(1) - 1;
            values.get(place).copied()
        };
        Some(Self {
            median: at(50)?,
            p95: at(95)?,
        })
    }
}

/// How fast a model was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    /// What answered.
    pub model: String,
    /// The name that was asked for.
    pub requested: String,
    /// Completions that were looked at.
    pub samples: usize,
    /// Prompt tokens a second.
    pub prefill_tokens_per_second: Option<Spread>,
    /// Output tokens a second after the first.
    pub decode_tokens_per_second: Option<Spread>,
    /// Seconds to the first visible token.
    pub first_token_seconds: Option<Spread>,
}

impl Speed {
    /// Sums samples up.
    pub fn of(model: &str, requested: &str, samples: &[Sample]) -> Self {
        let all = |value: fn(&Sample) -> Option<f64>| samples.iter().filter_map(value).collect();
        Self {
            model: model.to_owned(),
            requested: requested.to_owned(),
            samples: samples.len(),
            prefill_tokens_per_second: Spread::of(all(|sample| sample.prefill), true),
            decode_tokens_per_second: Spread::of(all(|sample| sample.decode), true),
            first_token_seconds: Spread::of(all(|sample| Some(sample.first_token)), false),
        }
    }
}

/// The samples of all models.
#[derive(Debug, Default)]
pub(super) struct Speeds(Mutex<BTreeMap<(String, String), VecDeque<Sample>>>);

impl Speeds {
    /// Takes a completion in.
    pub(super) fn note(&self, model: &str, requested: &str, sample: Sample) {
        let mut all = self.0.lock();
        let name = (model.to_owned(), requested.to_owned());
        if all.len() >= MOST_NAMES && !all.contains_key(&name) {
            return;
        }
        let samples = all.entry(name).or_default();
        if samples.len() >= KEPT {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// How fast each was within the window before `now`.
    pub(super) fn all(&self, now: DateTime<Utc>) -> Vec<Speed> {
        let mut all = self.0.lock();
        for samples in all.values_mut() {
            samples.retain(|sample| sample.at + WINDOW >= now);
        }
        all.retain(|_, samples| !samples.is_empty());
        all.iter()
            .map(|((model, requested), samples)| {
                let samples: Vec<Sample> = samples.iter().copied().collect();
                Speed::of(model, requested, &samples)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration as Time;

    fn usage(input: u32, cached: u32, output: u32, reasoning: u32, first_ms: u64, total_ms: u64) -> Usage {
        Usage {
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            time_to_first_token: Time::from_millis(first_ms),
            total_time: Time::from_millis(total_ms),
            ..Usage::default()
        }
    }

    #[test]
    fn a_completion_tells_what_it_can() {
        let now = Utc::now();
        let plain = Sample::of(&usage(1_100, 100, 101, 0, 500, 1_500), now).unwrap();
        assert_eq!(
            (plain.prefill, plain.decode, plain.first_token),
            (Some(2_000.0), Some(100.0), 0.5)
        );
        let thinking = Sample::of(&usage(1_000, 0, 301, 200, 4_000, 5_000), now).unwrap();
        assert_eq!((thinking.prefill, thinking.decode), (None, Some(100.0)));
        let single = Sample::of(&usage(1_000, 0, 1, 0, 500, 500), now).unwrap();
        assert_eq!((single.prefill, single.decode), (Some(2_000.0), None));
        assert_eq!(Sample::of(&usage(10, 0, 0, 0, 5, 5), now), None);
    }

    #[test]
    fn the_slow_end_is_what_95_of_100_reach() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let times = Spread::of(values.clone(), false).unwrap();
        assert_eq!((times.median, times.p95), (50.0, 95.0));
        let speeds = Spread::of(values, true).unwrap();
        assert_eq!((speeds.median, speeds.p95), (51.0, 6.0));
        assert_eq!(Spread::of(vec![], true), None);
    }

    #[test]
    fn old_samples_go() {
        let speeds = Speeds::default();
        let now = Utc::now();
        let sample = Sample::of(&usage(100, 0, 10, 0, 10, 20), now).unwrap();
        for _ in 0..KEPT + 10 {
            speeds.note("m", "n", sample);
        }
        assert_eq!(speeds.all(now)[0].samples, KEPT);
        assert!(speeds.all(now + WINDOW + Duration::seconds(1)).is_empty());
    }
}
