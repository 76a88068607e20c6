//! How sure a score is: intervals, and whether two runs differ.
//!
//! Invariant: the same rows give the same figures; chance is a generator with a fixed seed. Pure.

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Both ends times a factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            low: self.low * factor,
            high: self.high * factor,
        }
    }
}

/// Standard score of 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 10_000;
/// Begin of the generator.
const SEED: u64 = 0x5eed_b0c5;

/// Gain and weight of one row.
pub type Part = (f64, f64);

/// Σ gain / Σ weight; 0 without weight.
pub fn share_of_sums(parts: &[Part]) -> f64 {
    let (gain, weight) = parts.iter().fold((0.0, 0.0), add);
    match weight > 0.0 {
        true => gain / weight,
        false => 0.0,
    }
}

fn add(sums: Part, part: &Part) -> Part {
    (sums.0 + part.0, sums.1 + part.1)
}

/// Wilson's interval of a share of rows that are right or wrong, else the bootstrap's.
pub fn interval_of(parts: &[Part]) -> Interval {
    let is_binary = parts
        .iter()
        .all(|(gain, weight)| is_same(*weight, 1.0) && (is_same(*gain, 0.0) || is_same(*gain, 1.0)));
    match is_binary {
        true => wilson(parts.iter().filter(|(gain, _)| *gain > 0.5).count(), parts.len()),
        false => bootstrap(parts),
    }
}

fn is_same(first: f64, second: f64) -> bool {
    (first - second).abs() < 1e-12
}

/// Wilson's score interval of `hits` in `all`.
pub fn wilson(hits: usize, all: usize) -> Interval {
    if all == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = as_float(all);
    let share = as_float(hits) / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    }
}

/// Percentile interval of [`share_of_sums`] over resampled rows.
pub fn bootstrap(parts: &[Part]) -> Interval {
    if parts.is_empty() {
        return Interval { low: 0.0, high: 1.0 };
    }
    let mut shares = resampled(parts.len(), |picked| {
        let picked: Vec<Part> = picked.iter().map(|index| parts[*index]).collect();
        share_of_sums(&picked)
    });
    middle_of(&mut shares)
}

/// How two runs over the same rows differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Second minus first.
    pub value: f64,
    /// 95 % interval of that.
    pub interval: Interval,
    /// Probability of a difference at least as far from none, were there none (two-sided, by bootstrap).
    pub p_value: f64,
}

/// Paired bootstrap: rows are drawn together for both runs. Both lists must be of the same rows in the same order; what
/// one has more is left out.
pub fn paired(first: &[Part], second: &[Part]) -> Difference {
    let rows = first.len().min(second.len());
    let (first, second) = (&first[..rows], &second[..rows]);
    let value = share_of_sums(second) - share_of_sums(first);
    if rows == 0 {
        let interval = Interval { low: 0.0, high: 0.0 };
        return Difference {
            value: 0.0,
            interval,
            p_value: 1.0,
        };
    }
    let mut differences = resampled(rows, |picked| {
        let of =
            |parts: &[Part]| share_of_sums(&picked.iter().map(|index| parts[*index]).collect::<Vec<_>>());
        of(second) - of(first)
    });
    let at_most = differences
        .iter()
        .filter(|difference| **difference <= 1e-12)
        .count();
    let at_least = differences
        .iter()
        .filter(|difference| **difference >= -1e-12)
        .count();
    // One more than was seen: a bootstrap can't show a probability of 0.
    let tail = as_float(at_most.min(at_least) + 1) / as_float(RESAMPLES + 1);
    Difference {
        value,
        interval: middle_of(&mut differences),
        p_value: (2.0 * tail).min(1.0),
    }
}

fn resampled(rows: usize, mut of: impl FnMut(&[usize]) -> f64) -> Vec<f64> {
    let mut chance = Chance(SEED);
    let mut picked = vec![0; rows];
    (0..RESAMPLES)
        .map(|_| {
            for place in &mut picked {
                *place = chance.below(rows);
            }
            of(&picked)
        })
        .collect()
}

/// The middle 95 %.
fn middle_of(values: &mut [f64]) -> Interval {
    values.sort_by(f64::total_cmp);
    Interval {
        low: quantile(values, 0.025),
        high: quantile(values, 0.975),
    }
}

/// A quantile of sorted values, between neighbours in proportion; 0 without values.
pub fn quantile(sorted: &[f64], at: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = at.clamp(0.0, 1.0) * as_float(last);
    let below = whole(place.floor()).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

/// Mean; 0 without values.
pub fn mean(values: &[f64]) -> f64 {
    match values.is_empty() {
        true => 0.0,
        false => values.iter().sum::<f64>() / as_float(values.len()),
    }
}

/// SplitMix64: small, and good enough to draw rows.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u128::try_from(bound).unwrap_or(1);
        let place = (u128::from(self.next()) * bound) >> 64;
        usize::try_from(place).unwrap_or(0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
pub(crate) fn as_float(number: usize) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list: not negative, and bounded by the list"
)]
fn whole(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    /// Values of R's `prop.test(x, n, correct = FALSE)`.
    #[test]
    fn wilson_gives_known_intervals() {
        for (hits, all, low, high) in [
            (0, 10, 0.0, 0.277_532_8),
            (5, 10, 0.236_593_1, 0.763_406_9),
            (48, 60, 0.682_159_3, 0.881_725_5),
            (60, 60, 0.939_826_4, 1.0),
        ] {
            let interval = wilson(hits, all);
            assert_near(interval.low, low, 1e-3);
            assert_near(interval.high, high, 1e-3);
        }
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn shares_of_right_and_wrong_take_wilson_and_others_the_bootstrap() {
        let binary: Vec<Part> = (0..60).map(|row| (f64::from(u8::from(row < 48)), 1.0)).collect();
        assert_eq!(interval_of(&binary), wilson(48, 60));
        let graded: Vec<Part> = (0..60).map(|row| (f64::from(row % 3) / 2.0, 1.0)).collect();
        assert_eq!(interval_of(&graded), bootstrap(&graded));
    }

    /// For a mean of many rows the bootstrap comes near the normal interval.
    #[test]
    fn the_bootstrap_agrees_with_the_normal_interval() {
        let parts: Vec<Part> = (0..400).map(|row| (f64::from(row % 5) / 4.0, 1.0)).collect();
        let half = Z * (0.125_f64 / 400.0).sqrt();
        let interval = bootstrap(&parts);
        assert_near(interval.low, 0.5 - half, 0.003);
        assert_near(interval.high, 0.5 + half, 0.003);
        assert_eq!(interval, bootstrap(&parts), "the same rows, the same interval");
    }

    #[test]
    fn weights_count() {
        assert_near(share_of_sums(&[(2.0, 4.0), (0.0, 0.0), (1.0, 2.0)]), 0.5, 1e-12);
        assert_near(share_of_sums(&[]), 0.0, 0.0);
    }

    #[test]
    fn a_paired_comparison_sees_what_two_intervals_hide() {
        // 20 of 200 rows are won, none lost: each run's own interval is ±7 points wide.
        let run = |hits: usize| -> Vec<Part> {
            (0..200)
                .map(|row| (f64::from(u8::from(row < hits)), 1.0))
                .collect()
        };
        let (first, second) = (run(100), run(120));
        let difference = paired(&first, &second);
        assert_near(difference.value, 0.1, 1e-12);
        assert!(
            difference.interval.low > 0.05 && difference.interval.high < 0.15,
            "{difference:?}"
        );
        assert!(difference.p_value < 0.001, "{difference:?}");
        assert!(
            interval_of(&first).high > interval_of(&second).low,
            "the intervals overlap"
        );
        let back = paired(&second, &first);
        assert_near(back.value, -0.1, 1e-12);
    }

    #[test]
    fn runs_that_do_not_differ_say_so() {
        let parts: Vec<Part> = (0..50).map(|row| (f64::from(row % 2), 1.0)).collect();
        assert_eq!(paired(&parts, &parts).p_value, 1.0);
        assert_eq!(paired(&[], &[]).p_value, 1.0);
        // One row won, one lost.
        let mut other = parts.clone();
        (other[0], other[1]) = ((1.0, 1.0), (0.0, 1.0));
        assert!(paired(&parts, &other).p_value > 0.5);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_near(quantile(&values, 0.5), 2.5, 1e-12);
        assert_near(quantile(&values, 0.0), 1.0, 1e-12);
        assert_near(quantile(&values, 1.0), 4.0, 1e-12);
        assert_near(quantile(&[], 0.5), 0.0, 0.0);
    }

    #[test]
    fn draws_are_even() {
        let mut chance = Chance(1);
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            counts[chance.below(10)] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{counts:?}"
        );
    }
}
