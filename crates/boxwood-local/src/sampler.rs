//! From logits to the next token, and the probabilities behind it.
//!
//! Invariant: log-probabilities are the model's own (before temperature, penalties and cuts); the same seed and logits
//! give the same token. Called by `running` for every generated token, by `constrained` and by `choices`.

use boxwood_core::Sampling;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;

/// Logits further below the best than this weigh nothing in single precision, and are skipped.
const NEGLIGIBLE: f32 = 25.0;

/// A chosen token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampled {
    /// The token's number.
    pub token: i32,
    /// Natural-log probability under the model.
    pub log_prob: f32,
}

/// The state of one request's sampling.
#[derive(Debug)]
pub(crate) struct Sampler {
    temperature: f32,
    top_p: f32,
    top_k: usize,
    frequency_penalty: f32,
    presence_penalty: f32,
    random: StdRng,
    counts: HashMap<i32, u32>,
}

impl Sampler {
    /// Greedy where no temperature is given. Values outside their range are brought into it.
    pub fn new(sampling: &Sampling) -> Self {
        let number =
            |value: Option<f32>, default: f32| value.filter(|value| value.is_finite()).unwrap_or(default);
        Self {
            temperature: number(sampling.temperature, 0.0).max(0.0),
            top_p: number(sampling.top_p, 1.0).clamp(0.0, 1.0),
            // Saturates: a negative number of candidates means no bound, as 0 does.
            top_k: number(sampling.top_k, 0.0).round() as usize,
            frequency_penalty: number(sampling.frequency_penalty, 0.0),
            presence_penalty: number(sampling.presence_penalty, 0.0),
            random: sampling
                .seed
                .map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64),
            counts: HashMap::new(),
        }
    }

    /// Chooses the next token and takes it, or `None` when the logits are no numbers.
    pub fn sample(&mut self, logits: &[f32]) -> Option<Sampled> {
        let token = self.propose(logits)?;
        self.take(token, logits)
    }

    /// Chooses a token without taking it; logits of minus infinity are never chosen. `None` when none is a number.
    pub fn propose(&mut self, logits: &[f32]) -> Option<i32> {
        if self.temperature < 1e-4 {
            self.greedy(logits)
        } else {
            self.draw(logits)
        }
    }

    /// Counts a chosen token and gives it with its probability under the model.
    pub fn take(&mut self, token: i32, logits: &[f32]) -> Option<Sampled> {
        let log_prob = log_prob(token, logits)?;
        *self.counts.entry(token).or_insert(0) += 1;
        Some(Sampled { token, log_prob })
    }

    fn greedy(&self, logits: &[f32]) -> Option<i32> {
        if self.counts.is_empty() || !self.penalises() {
            return best(logits.iter().copied());
        }
        best(
            logits
                .iter()
                .zip(0..)
                .map(|(logit, token)| logit - self.penalty(token)),
        )
    }

    fn draw(&mut self, logits: &[f32]) -> Option<i32> {
        let penalises = self.penalises();
        let adjusted = |(logit, token): (&f32, i32)| {
            let penalty = if penalises { self.penalty(token) } else { 0.0 };
            (logit - penalty, token)
        };
        let highest = logits
            .iter()
            .zip(0..)
            .map(adjusted)
            .fold(f32::NEG_INFINITY, |highest, (logit, _)| highest.max(logit));
        if !highest.is_finite() {
            return None;
        }
        let floor = highest - NEGLIGIBLE * self.temperature;
        let mut candidates: Vec<(f32, i32)> = logits
            .iter()
            .zip(0..)
            .map(adjusted)
            .filter(|(logit, _)| *logit >= floor)
            .collect();
        candidates.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        if self.top_k > 0 {
            candidates.truncate(self.top_k);
        }
        for candidate in &mut candidates {
            candidate.0 = ((candidate.0 - highest) / self.temperature).exp();
        }
        let total: f32 = candidates.iter().map(|(weight, _)| weight).sum();
        let kept = nucleus(&candidates, total * self.top_p);
        let mass: f32 = kept.iter().map(|(weight, _)| weight).sum();
        let mut point = self.random.random::<f32>() * mass;
        for (weight, token) in kept {
            point -= weight;
            if point < 0.0 {
                return Some(*token);
            }
        }
        kept.last().map(|(_, token)| *token)
    }

    fn penalises(&self) -> bool {
        self.frequency_penalty != 0.0 || self.presence_penalty != 0.0
    }

    fn penalty(&self, token: i32) -> f32 {
        match self.counts.get(&token) {
            Some(count) => self.presence_penalty + self.frequency_penalty * *count as f32,
            None => 0.0,
        }
    }
}

/// Log-probability of a token over the whole vocabulary.
pub(crate) fn log_prob(token: i32, logits: &[f32]) -> Option<f32> {
    let logit = logits.get(usize::try_from(token).ok()?)?;
    Some(logit - log_sum_exp(logits)?)
}

/// The fewest best candidates whose weight reaches the given mass; at least one.
fn nucleus(candidates: &[(f32, i32)], mass: f32) -> &[(f32, i32)] {
    let mut sum = 0.0;
    let count = candidates
        .iter()
        .position(|(weight, _)| {
            sum += weight;
            sum >= mass
        })
        .map_or(candidates.len(), |position| position + 1);
    &candidates[..count]
}

fn best(logits: impl Iterator<Item = f32>) -> Option<i32> {
    let mut found = None;
    let mut highest = f32::NEG_INFINITY;
    for (logit, token) in logits.zip(0..) {
        if logit > highest {
            highest = logit;
            found = Some(token);
        }
    }
    found
}

/// Logarithm of the sum of the exponentials, or `None` when there is no finite logit.
pub(crate) fn log_sum_exp(logits: &[f32]) -> Option<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !highest.is_finite() {
        return None;
    }
    let floor = highest - NEGLIGIBLE;
    // Single precision would lose the small terms behind the large ones over a vocabulary of 150,000.
    let sum: f64 = logits
        .iter()
        .filter(|logit| **logit > floor)
        .map(|logit| f64::from((logit - highest).exp()))
        .sum();
    Some(highest + sum.ln() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(sampling: &Sampling, logits: &[f32], count: usize) -> Vec<i32> {
        let mut sampler = Sampler::new(sampling);
        (0..count)
            .filter_map(|_| sampler.sample(logits).map(|sampled| sampled.token))
            .collect()
    }

    fn warm(seed: u64) -> Sampling {
        Sampling {
            temperature: Some(1.0),
            seed: Some(seed),
            ..Sampling::default()
        }
    }

    #[test]
    fn greedy_takes_the_best_and_tells_its_probability() {
        let mut sampler = Sampler::new(&Sampling::default());
        let sampled = sampler.sample(&[0.0, 2.0f32.ln(), 0.0]).unwrap();
        assert_eq!(sampled.token, 1);
        assert!((sampled.log_prob - 0.5f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn no_numbers_no_token() {
        let mut sampler = Sampler::new(&Sampling::default());
        assert_eq!(sampler.sample(&[f32::NAN, f32::NAN]), None);
        assert_eq!(sampler.sample(&[]), None);
        assert_eq!(sampler.sample(&[f32::NEG_INFINITY]), None);
    }

    #[test]
    fn a_proposal_is_not_counted_and_keeps_off_minus_infinity() {
        let never = f32::NEG_INFINITY;
        for temperature in [0.0, 1.0] {
            let sampling = Sampling {
                temperature: Some(temperature),
                presence_penalty: Some(100.0),
                ..warm(5)
            };
            let mut sampler = Sampler::new(&sampling);
            assert_eq!(sampler.propose(&[never, 1.0, never]), Some(1));
            assert_eq!(sampler.propose(&[never, never]), None);
            assert_eq!(
                sampler.propose(&[2.0, 1.0]),
                Some(0),
                "a proposal alone costs no penalty"
            );
            let taken = sampler.take(0, &[0.0, 3.0f32.ln()]).unwrap();
            assert!((taken.log_prob.exp() - 0.25).abs() < 1e-6);
            assert_eq!(sampler.propose(&[2.0, 1.0]), Some(1));
        }
    }

    #[test]
    fn penalties_count_generated_tokens_only() {
        let sampling = Sampling {
            presence_penalty: Some(1.0),
            ..Sampling::default()
        };
        assert_eq!(draws(&sampling, &[1.0, 0.5, 0.0], 4), [0, 1, 0, 0]);
        let sampling = Sampling {
            frequency_penalty: Some(0.4),
            ..Sampling::default()
        };
        // 1.0, then 0.6, then 0.2 against 0.5: the second comes when the first was taken twice.
        assert_eq!(draws(&sampling, &[1.0, 0.5], 3), [0, 0, 1]);
    }

    #[test]
    fn the_same_seed_draws_the_same_tokens() {
        let logits = [0.1, 0.2, 0.3, 0.4];
        assert_eq!(draws(&warm(7), &logits, 50), draws(&warm(7), &logits, 50));
        assert_ne!(draws(&warm(7), &logits, 50), draws(&warm(8), &logits, 50));
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let logits = [0.0, 3.0f32.ln()];
        let tokens = draws(&warm(1), &logits, 4000);
        let share = tokens.iter().filter(|token| **token == 1).count() as f32 / 4000.0;
        assert!((share - 0.75).abs() < 0.03, "{share}");
    }

    #[test]
    fn cuts_leave_only_the_best() {
        let logits = [0.0, 1.0, 2.0, 3.0];
        let one = |sampling: Sampling| draws(&sampling, &logits, 60).iter().all(|token| *token == 3);
        assert!(one(Sampling {
            top_k: Some(1.0),
            ..warm(3)
        }));
        assert!(one(Sampling {
            top_p: Some(0.5),
            ..warm(3)
        }));
        assert!(one(Sampling {
            top_p: Some(0.0),
            ..warm(3)
        }));
        let two = draws(
            &Sampling {
                top_k: Some(2.0),
                ..warm(3)
            },
            &logits,
            200,
        );
        assert!(two.iter().all(|token| *token >= 2) && two.contains(&2));
        let all = draws(
            &Sampling {
                top_k: Some(0.0),
                ..warm(3)
            },
            &logits,
            400,
        );
        assert!(all.contains(&0));
    }

    #[test]
    fn sums_are_exact_over_a_large_vocabulary() {
        let logits = vec![1.0f32; 150_000];
        let expected = 1.0 + 150_000f32.ln();
        assert!((log_sum_exp(&logits).unwrap() - expected).abs() < 1e-4);
    }
}
