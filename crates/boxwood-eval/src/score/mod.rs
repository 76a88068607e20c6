//! Scores predictions, each task by its own rule; the same figures as `shared/eval/score.py` (`tests/score_py.rs`).
//!
//! Invariant: every set has one main measure, and it is a share of sums: the gains of the rows over their weights. So one
//! bootstrap over rows gives its interval whatever the task is. Pure. Called by the verb and the reports.

mod code;
mod dialog;
mod fields;
mod leaves;
mod patterns;
pub mod python;
mod qa;
mod reason;
mod robust;
mod schema;
pub mod text;

#[cfg(test)]
mod tests;

use crate::predictions::{Prediction, Predictions};
use crate::rows::{DataSet, Row, Task};
use crate::statistics::{self, Interval};
use serde_json::{Map, Value};

/// What a measured probability said, and whether it was right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Of what: an answer or a field.
    pub confidence: f64,
    /// Whether it was right.
    pub right: bool,
}

/// How one row came out.
#[derive(Debug, Clone, PartialEq)]
pub struct RowScore {
    /// The row.
    pub id: String,
    /// The part of the set that it belongs to.
    pub group: String,
    /// What it adds to the main measure, at most its weight.
    pub gain: f64,
    /// What it could add.
    pub weight: f64,
    /// Confidences with their outcomes.
    pub judgements: Vec<Judgement>,
}

impl RowScore {
    pub(crate) fn new(row: &Row, gain: f64) -> Self {
        Self {
            id: row.id.clone(),
            group: row.group().to_owned(),
            gain,
            weight: 1.0,
            judgements: Vec::new(),
        }
    }

    /// Whether nothing is missing.
    pub fn is_right(&self) -> bool {
        self.gain >= self.weight - 1e-9
    }

    /// Gain over weight, 0 to 1.
    pub fn share(&self) -> f64 {
        match self.weight > 0.0 {
            true => self.gain / self.weight,
            false => 1.0,
        }
    }
}

/// Scores of one run over one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The set's name.
    pub set: String,
    /// Name of the main measure: `"accuracy"`, `"f1"`.
    pub measure: &'static str,
    /// What `score.py` prints.
    pub metrics: Map<String, Value>,
    /// Each row, in the order of the set.
    pub rows: Vec<RowScore>,
    /// Rows that gave an error instead of an answer.
    pub errors: usize,
}

/// The part of a set that is scored on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupScore {
    /// Its name.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// The main measure in percent.
    pub percent: f64,
}

impl Scores {
    /// The main measure in percent.
    pub fn percent(&self) -> f64 {
        100.0 * statistics::share_of_sums(&self.parts())
    }

    /// Its 95 % interval in percent: Wilson's for shares of rows that are right or wrong, else by bootstrap.
    pub fn interval(&self) -> Interval {
        statistics::interval_of(&self.parts()).scaled(100.0)
    }

    /// Gain and weight of every row.
    pub fn parts(&self) -> Vec<(f64, f64)> {
        self.rows.iter().map(|row| (row.gain, row.weight)).collect()
    }

    /// All confidences with their outcomes.
    pub fn judgements(&self) -> Vec<Judgement> {
        self.rows
            .iter()
            .flat_map(|row| row.judgements.iter().copied())
            .collect()
    }

    /// The main measure of each part of the set, in order of appearance; empty where there is one part.
    pub fn groups(&self) -> Vec<GroupScore> {
        let mut groups: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
        for row in &self.rows {
            let part = (row.gain, row.weight);
            match groups.iter_mut().find(|(name, _)| *name == row.group) {
                Some((_, parts)) => parts.push(part),
                None => groups.push((row.group.clone(), vec![part])),
            }
        }
        if groups.len() < 2 {
            return Vec::new();
        }
        let groups = groups.into_iter();
        groups
            .map(|(name, parts)| GroupScore {
                name,
                rows: parts.len(),
                percent: 100.0 * statistics::share_of_sums(&parts),
            })
            .collect()
    }
}

/// Scores a run. A row without a prediction counts as an empty one, as in `score.py`; cut the set down to the rows that
/// were asked with [`DataSet::only`].
pub fn score(set: &DataSet, predictions: &Predictions) -> Scores {
    let found = |row: &Row| predictions.get(&row.id);
    let rows: Vec<(&Row, Option<&Prediction>)> = set.rows.iter().map(|row| (row, found(row))).collect();
    let scored = match set.task {
        Task::Qa => qa::score(&rows),
        Task::Dialog => dialog::score(&rows),
        Task::Extract if set.name == "extractbench" => leaves::score(&rows),
        Task::Extract => fields::score(&rows),
        Task::JsonSchema => schema::score(&rows),
        Task::Reason => reason::score(&rows),
        Task::Code => code::score(&rows),
        Task::Robust => robust::score(&rows),
    };
    let errors = rows
        .iter()
        .filter(|(_, found)| found.is_some_and(|found| found.error.is_some()));
    Scores {
        set: set.name.clone(),
        measure: scored.measure,
        errors: errors.count(),
        metrics: scored.metrics,
        rows: scored.rows,
    }
}

/// What a task's scorer gives.
struct Scored {
    measure: &'static str,
    metrics: Map<String, Value>,
    rows: Vec<RowScore>,
}

/// A row with what was predicted for it.
type Pair<'a> = (&'a Row, Option<&'a Prediction>);

/// The predicted answer; null where there is none.
fn answer_of(prediction: Option<&Prediction>) -> &Value {
    prediction.map_or(&Value::Null, |prediction| &prediction.answer)
}

/// Percent with two digits, as `score.py` rounds; null without values.
fn mean(values: &[f64]) -> Value {
    match values.is_empty() {
        true => Value::Null,
        false => python::rounded(100.0 * values.iter().sum::<f64>() / count(values.len())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Values by name, names in order of appearance.
#[derive(Default)]
struct ByName(Vec<(String, Vec<f64>)>);

impl ByName {
    fn add(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name.to_owned(), vec![value])),
        }
    }

    fn means(&self) -> Map<String, Value> {
        let means = self.0.iter();
        means.map(|(name, values)| (name.clone(), mean(values))).collect()
    }

    /// The mean over all, summed name by name, as `score.py` does.
    fn mean_of_all(&self) -> Value {
        let all: Vec<f64> = self
            .0
            .iter()
            .flat_map(|(_, values)| values.iter().copied())
            .collect();
        mean(&all)
    }
}

fn as_number(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}
