//! Whether a confidence of 0.8 is right eight times of ten.
//!
//! Called by the reports. Pure.

use crate::score::Judgement;
use crate::statistics::{as_float, mean};

/// Bins of equal width.
pub const BINS: usize = 10;

/// Confidences of one range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// How many.
    pub count: usize,
    /// Their mean.
    pub confidence: f64,
    /// Share that was right.
    pub right: f64,
}

/// How far confidences are from the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// How many confidences there are.
    pub count: usize,
    /// Expected calibration error: the mean distance between confidence and share that was right, 0 to 1.
    pub expected_error: f64,
    /// Brier's score: the mean squared distance of each, 0 to 1.
    pub brier: f64,
    /// Each range with its values; `None` where it has none.
    pub bins: [Option<Bin>; BINS],
}

/// Measures confidences; `None` without any.
pub fn measure(judgements: &[Judgement]) -> Option<Calibration> {
    if judgements.is_empty() {
        return None;
    }
    let all = as_float(judgements.len());
    let right = |judgement: &Judgement| f64::from(u8::from(judgement.right));
    let squares: Vec<f64> = judgements
        .iter()
        .map(|judgement| (judgement.confidence - right(judgement)).powi(2))
        .collect();
    let bins: [Option<Bin>; BINS] = std::array::from_fn(|bin| {
        let within: Vec<&Judgement> = judgements
            .iter()
            .filter(|judgement| bin_of(judgement.confidence) == bin)
            .collect();
        (!within.is_empty()).then(|| Bin {
            count: within.len(),
            confidence: mean(
                &within
                    .iter()
                    .map(|judgement| judgement.confidence)
                    .collect::<Vec<_>>(),
            ),
            right: mean(
                &within
                    .iter()
                    .map(|judgement| right(judgement))
                    .collect::<Vec<_>>(),
            ),
        })
    });
    let distances = bins.iter().flatten();
    let expected_error = distances
        .map(|bin| as_float(bin.count) / all * (bin.confidence - bin.right).abs())
        .sum();
    Some(Calibration {
        count: judgements.len(),
        expected_error,
        brier: mean(&squares),
        bins,
    })
}

fn bin_of(confidence: f64) -> usize {
    let upper = |bin: usize| as_float(bin + 1) / as_float(BINS);
    (0..BINS - 1)
        .find(|bin| confidence < upper(*bin))
        .unwrap_or(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgements(groups: &[(f64, usize, usize)]) -> Vec<Judgement> {
        let all = groups.iter().flat_map(|(confidence, right, wrong)| {
            let one = |right: bool| Judgement {
                confidence: *confidence,
                right,
            };
            (0..*right)
                .map(move |_| one(true))
                .chain((0..*wrong).map(move |_| one(false)))
        });
        all.collect()
    }

    #[test]
    fn confidences_that_hold_have_no_error() {
        let found = measure(&judgements(&[(0.75, 3, 1), (0.25, 1, 3)])).unwrap();
        assert!(found.expected_error < 1e-12, "{found:?}");
        assert!((found.brier - 0.1875).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn the_error_is_the_weighted_distance() {
        // Ten at 0.95 of which 6 are right, ten at 0.15 of which none is.
        let found = measure(&judgements(&[(0.95, 6, 4), (0.15, 0, 10)])).unwrap();
        assert!(
            (found.expected_error - (0.35 + 0.15) / 2.0).abs() < 1e-12,
            "{found:?}"
        );
        assert_eq!(found.bins[9].unwrap().count, 10);
        assert_eq!(found.bins[5], None);
    }

    #[test]
    fn ends_of_the_range_have_a_place() {
        let found = measure(&judgements(&[(0.0, 0, 1), (1.0, 1, 0), (0.1, 0, 1)])).unwrap();
        let counts = found.bins.map(|bin| bin.map_or(0, |bin| bin.count));
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(measure(&[]), None);
    }
}
