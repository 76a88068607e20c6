//! Two runs over the same rows: which is better, and is that more than chance?
//!
//! Called by the verb and the page. Pure.

use crate::error::EvalError;
use crate::predictions::Predictions;
use crate::rows::DataSet;
use crate::score::{RowScore, Scores, score};
use crate::statistics::{Difference, paired};

/// A comparison; percents.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The set's name.
    pub set: String,
    /// The main measure.
    pub measure: &'static str,
    /// Rows that both runs asked.
    pub rows: usize,
    /// The first run's score over these rows.
    pub first: f64,
    /// The second run's.
    pub second: f64,
    /// Second minus first, in percent points.
    pub difference: Difference,
    /// Rows on which the second run is better.
    pub won: Vec<String>,
    /// Rows on which the first run is better.
    pub lost: Vec<String>,
}

/// Compares two runs over the rows that both asked.
///
/// # Errors
/// [`EvalError::Report`] when they have no row in common.
pub fn compare(set: &DataSet, first: &Predictions, second: &Predictions) -> Result<Comparison, EvalError> {
    let common = set
        .clone()
        .only(|row| first.get(&row.id).is_some() && second.get(&row.id).is_some());
    if common.rows.is_empty() {
        return Err(EvalError::Report {
            message: format!("the runs have no row of {} in common", set.name),
        });
    }
    let (first, second) = (score(&common, first), score(&common, second));
    let difference = paired(&first.parts(), &second.parts());
    Ok(Comparison {
        set: set.name.clone(),
        measure: first.measure,
        rows: common.rows.len(),
        first: first.percent(),
        second: second.percent(),
        difference: Difference {
            value: 100.0 * difference.value,
            interval: difference.interval.scaled(100.0),
            p_value: difference.p_value,
        },
        won: better(&first, &second),
        lost: better(&second, &first),
    })
}

/// Rows on which the second run is better.
fn better(first: &Scores, second: &Scores) -> Vec<String> {
    let pairs = first.rows.iter().zip(&second.rows);
    let is_better = |(first, second): &(&RowScore, &RowScore)| second.share() > first.share() + 1e-9;
    pairs.filter(is_better).map(|(row, _)| row.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictions::Prediction;
    use crate::rows::DocumentChoice;
    use serde_json::json;

    fn set(rows: usize) -> DataSet {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<String> = (0..rows)
            .map(|row| {
                json!({"id": row.to_string(), "set": "sums", "task": "reason", "question": "?", "answers": [row.to_string()]})
                    .to_string()
            })
            .collect();
        std::fs::write(folder.path().join("dev.jsonl"), lines.join("\n")).unwrap();
        DataSet::read(folder.path(), "dev", DocumentChoice::Given).unwrap()
    }

    fn run(rows: usize, right: impl Fn(usize) -> bool) -> Predictions {
        let answers = (0..rows).map(|row| Prediction {
            id: row.to_string(),
            answer: json!(if right(row) {
                row.to_string()
            } else {
                "-1".to_owned()
            }),
            ..Prediction::default()
        });
        answers.collect()
    }

    #[test]
    fn only_rows_of_both_runs_are_compared() {
        let found = compare(&set(40), &run(40, |row| row < 10), &run(30, |row| row < 20)).unwrap();
        assert_eq!((found.rows, found.won.len(), found.lost.len()), (30, 10, 0));
        assert!((found.difference.value - 100.0 / 3.0).abs() < 1e-9);
        assert!(
            found.difference.interval.low > 10.0 && found.difference.p_value < 0.01,
            "{found:?}"
        );
    }

    #[test]
    fn runs_without_a_common_row_are_refused() {
        assert!(compare(&set(4), &run(4, |_| true), &Predictions::default()).is_err());
    }
}
