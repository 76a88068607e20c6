//! Step 9: signals → how sure a value is. Measured, never asked of the model.
//!
//! A logistic model joins the probabilities of the value's own tokens, whether the files say the value, and, where it was
//! made, a second reading of the field alone and a check of the passage. The weights of values were fitted to receipts and
//! invoices (`eval/confidence/fit.py`, `docs/extraction.md`). Invariant: more of any signal never lowers the score. Called by the reading
//! and second-reading steps.

use super::field::FieldKind;
use super::finding::Signals;

/// Least log-probability that counts.
const FLOOR: f32 = -8.0;

/// Weights of the logistic model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceModel {
    /// Constant of a value.
    pub bias: f32,
    /// Of the mean log-probability of its tokens.
    pub log_prob: f32,
    /// Of the least one.
    pub least_log_prob: f32,
    /// Of the grounding, 0 to 1.
    pub grounding: f32,
    /// Of the second reading's ln(P(some value)/P(null)), within ±8.
    pub presence: f32,
    /// Of the second reading's log-probability of the same value.
    pub agreement: f32,
    /// Of the passage check's log-odds, within ±8.
    pub check: f32,
    /// Constant of an absence.
    pub absence_bias: f32,
    /// Of the mean log-probability of its `null`.
    pub absence_log_prob: f32,
    /// Of the second reading's ln(P(null)/P(some value)), within ±8.
    pub absence_presence: f32,
    /// A value that stands nowhere in the files, and is no conclusion, is kept only from this score on.
    pub ungrounded_below: f32,
    /// The same for a date: every writing of it was looked for, so that it was rather made up.
    pub ungrounded_date_below: f32,
}

impl ConfidenceModel {
    /// Weights for the default model.
    pub const DEFAULT: Self = Self {
        // The fit has 0.66 and 1.16; of twelve values that stood nowhere one was right, so that these are never more than LOW.
        bias: 0.36,
        log_prob: 0.71,
        least_log_prob: 1.45,
        grounding: 1.46,
        presence: 0.07,
        agreement: 0.24,
        // Of the enhanced agent alone; those runs were not fitted.
        check: 0.1,
        absence_bias: 2.0,
        absence_log_prob: 2.0,
        absence_presence: 0.24,
        ungrounded_below: 0.75,
        ungrounded_date_below: 0.85,
    };

    /// The score from which on a value that stands nowhere in the files is kept.
    pub fn kept_from(&self, kind: &FieldKind) -> f32 {
        match kind {
            FieldKind::Date(_) => self.ungrounded_date_below,
            _ => self.ungrounded_below,
        }
    }

    /// How sure a value is.
    pub fn value(&self, signals: &Signals, inferred: bool) -> f32 {
        let mut logit = self.bias + self.grounding * signals.grounding.clamp(0.0, 1.0);
        // A conclusion stands nowhere as it is written: that alone says little against it.
        if inferred && signals.grounding < 1.0 {
            logit += self.grounding * 0.25;
        }
        match (signals.log_prob, signals.least_log_prob) {
            (Some(mean), Some(least)) => {
                logit += self.log_prob * mean.max(FLOOR) + self.least_log_prob * least.max(FLOOR);
            }
            // Copied from a cell, or a host without probabilities: grounding is all there is.
            _ => logit -= 0.2,
        }
        logit += self.presence * signals.presence.unwrap_or(0.0).clamp(-8.0, 8.0);
        logit += self.agreement * signals.agreement.unwrap_or(0.0).max(FLOOR);
        logit += self.check * signals.check.unwrap_or(0.0).clamp(-8.0, 8.0);
        logistic(logit)
    }

    /// How sure it is that there is no value.
    pub fn absence(&self, signals: &Signals) -> f32 {
        let Some(mean) = signals.log_prob else {
            return 0.5;
        };
        let logit = self.absence_bias + self.absence_log_prob * mean.max(FLOOR)
            - self.absence_presence * signals.presence.unwrap_or(0.0).clamp(-8.0, 8.0);
        logistic(logit)
    }
}

fn logistic(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_of_a_signal_never_lowers_the_score() {
        let base = Signals {
            log_prob: Some(-0.8),
            least_log_prob: Some(-2.0),
            grounding: 0.5,
            presence: Some(0.0),
            agreement: Some(-3.0),
            check: Some(0.0),
        };
        let model = ConfidenceModel::DEFAULT;
        let better = [
            Signals {
                log_prob: Some(-0.1),
                ..base
            },
            Signals {
                least_log_prob: Some(-0.3),
                ..base
            },
            Signals {
                grounding: 1.0,
                ..base
            },
            Signals {
                presence: Some(4.0),
                ..base
            },
            Signals {
                agreement: Some(-0.5),
                ..base
            },
            Signals {
                check: Some(3.0),
                ..base
            },
        ];
        for signals in better {
            for inferred in [false, true] {
                assert!(
                    model.value(&signals, inferred) >= model.value(&base, inferred),
                    "{signals:?}"
                );
            }
        }
    }

    #[test]
    fn a_sure_value_is_high_when_the_file_states_it_and_a_second_reading_says_the_same() {
        let sure = Signals {
            log_prob: Some(-0.02),
            least_log_prob: Some(-0.1),
            grounding: 1.0,
            presence: Some(8.0),
            agreement: Some(-0.05),
            ..Signals::default()
        };
        let model = ConfidenceModel::DEFAULT;
        assert!(model.value(&sure, false) >= 0.9);
        let read_once = Signals {
            presence: None,
            agreement: None,
            ..sure
        };
        assert!((0.7..0.9).contains(&model.value(&read_once, false)));
        let nowhere = Signals {
            grounding: 0.0,
            ..sure
        };
        assert!(model.value(&nowhere, false) < 0.7);
    }

    #[test]
    fn a_likely_value_in_the_second_reading_speaks_against_absence() {
        let sure = Signals {
            log_prob: Some(-0.01),
            ..Signals::default()
        };
        let doubtful = Signals {
            presence: Some(4.0),
            ..sure
        };
        let model = ConfidenceModel::DEFAULT;
        assert!(model.absence(&sure) > model.absence(&doubtful));
        assert!((model.absence(&Signals::default()) - 0.5).abs() < 1e-6);
    }
}
