//! What a run says in figures: score, interval, cost, times; and the small report that backs a claim.
//!
//! Invariant: a report names the model by the sum of its file and the source by its commit, where the runs know them; runs
//! of different models never stand in one. Pure. Called by the verb and the page.

use crate::calibration::{self, Calibration};
use crate::error::EvalError;
use crate::predictions::{Prediction, Predictions};
use crate::record::{EffortChoice, RunRecord};
use crate::rows::DataSet;
use crate::score::{Scores, python, score};
use crate::statistics::{mean, quantile};
use serde_json::{Map, Value, json};

/// What the rows of a run cost, each.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Tokens read, mean.
    pub input_tokens: f64,
    /// Tokens written, all samples and thinking included, mean.
    pub output_tokens: f64,
    /// Of these, thinking.
    pub reasoning_tokens: f64,
    /// Seconds, mean.
    pub seconds: f64,
    /// Seconds, median.
    pub median_seconds: f64,
    /// Seconds, 90th percentile.
    pub slow_seconds: f64,
}

/// One run in figures.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// What it is called: the name of its file.
    pub name: String,
    /// Its settings, where they are known.
    pub record: Option<RunRecord>,
    /// The name of what answered, where that is known.
    pub model: Option<String>,
    /// Scores over the rows that were asked.
    pub scores: Scores,
    /// Cost of a row.
    pub cost: Cost,
    /// Mean seconds of each step, by name.
    pub steps: Vec<(String, f64)>,
    /// How far confidences hold, where there are any.
    pub calibration: Option<Calibration>,
}

impl RunSummary {
    /// Scores a run over the rows that it asked.
    pub fn new(name: String, record: Option<RunRecord>, set: &DataSet, predictions: &Predictions) -> Self {
        let asked = set.clone().only(|row| predictions.get(&row.id).is_some());
        let scores = score(&asked, predictions);
        let of_set: Vec<&Prediction> = asked
            .rows
            .iter()
            .filter_map(|row| predictions.get(&row.id))
            .collect();
        Self {
            name,
            record,
            model: of_set.iter().find_map(|prediction| prediction.model.clone()),
            cost: cost(&of_set),
            steps: steps(&of_set),
            calibration: calibration::measure(&scores.judgements()),
            scores,
        }
    }

    /// The effort's name; `"default"` where none was chosen.
    pub fn effort(&self) -> &'static str {
        let effort = self.record.as_ref().and_then(|record| record.effort);
        effort.map_or("default", EffortChoice::as_str)
    }

    /// As one JSON object.
    pub fn to_json(&self) -> Value {
        let calibration = self.calibration.as_ref().map(|found| {
            json!({"count": found.count, "expected_error": found.expected_error, "brier": found.brier})
        });
        json!({
            "set": self.scores.set,
            "run": self.name,
            "effort": self.effort(),
            "model": self.model,
            "measure": self.scores.measure,
            "figures": figures(self),
            "errors": self.scores.errors,
            "metrics": self.scores.metrics,
            "steps": self.steps.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "calibration": calibration,
        })
    }
}

fn cost(predictions: &[&Prediction]) -> Cost {
    let tokens = |of: fn(&crate::predictions::TokenUse) -> u64| {
        let used = predictions
            .iter()
            .filter_map(|prediction| prediction.usage.as_ref());
        mean(&used.map(|usage| as_float(of(usage))).collect::<Vec<_>>())
    };
    let mut seconds: Vec<f64> = predictions
        .iter()
        .filter_map(|prediction| prediction.seconds)
        .collect();
    seconds.sort_by(f64::total_cmp);
    Cost {
        input_tokens: tokens(|usage| usage.input_tokens),
        output_tokens: tokens(|usage| usage.output_tokens),
        reasoning_tokens: tokens(|usage| usage.reasoning_tokens),
        seconds: mean(&seconds),
        median_seconds: quantile(&seconds, 0.5),
        slow_seconds: quantile(&seconds, 0.9),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^53")]
fn as_float(number: u64) -> f64 {
    number as f64
}

/// Steps in the order in which they run, as far as their names are known.
const STEPS: [&str; 5] = ["gather", "retrieve", "reason", "generate", "check"];

fn steps(predictions: &[&Prediction]) -> Vec<(String, f64)> {
    let mut names: Vec<&str> = Vec::new();
    let used = predictions
        .iter()
        .flat_map(|prediction| prediction.timings.keys());
    for name in used {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| {
        STEPS
            .iter()
            .position(|known| known == name)
            .unwrap_or(STEPS.len())
    });
    let mean_of = |name: &str| {
        let values = predictions
            .iter()
            .filter_map(|prediction| prediction.timings.get(name).copied());
        mean(&values.collect::<Vec<_>>())
    };
    names
        .into_iter()
        .map(|name| (name.to_owned(), mean_of(name)))
        .collect()
}

/// `{score, n, interval, tokens, seconds}`: percent, rows, percents, tokens written a row, seconds a row.
fn figures(run: &RunSummary) -> Value {
    let interval = run.scores.interval();
    json!({
        "score": python::rounded(run.scores.percent()),
        "n": run.scores.rows.len(),
        "interval": [python::rounded(interval.low), python::rounded(interval.high)],
        "tokens": python::rounded(run.cost.output_tokens),
        "seconds": python::rounded(run.cost.seconds),
    })
}

/// The report of `eval/reports/DATE-reasoning.json`: set → effort → figures, with model and commit.
///
/// # Errors
/// [`EvalError::Report`] for runs without an effort, of different models, or twice of the same set and effort.
pub fn claim(runs: &[RunSummary], date: &str) -> Result<Value, EvalError> {
    let (run, record) = newest(runs)?;
    let mut sets: Map<String, Value> = Map::new();
    for run in runs {
        let effort = run.effort();
        let set = sets.entry(run.scores.set.clone()).or_insert_with(|| json!({}));
        if set.get(effort).is_some() {
            return refuse(format!("{} with effort {effort} is there twice", run.scores.set));
        }
        set[effort] = figures(run);
        let commit = run.record.as_ref().map(|record| &record.commit);
        if let Some(commit) = commit.filter(|commit| **commit != record.commit) {
            set[effort]["commit"] = json!(commit);
        }
    }
    sets.values_mut().for_each(in_order);
    Ok(json!({
        "date": date,
        "commit": record.commit,
        "model": {"name": run.model, "sha256": record.model_sha256},
        "processors": record.processors,
        "units": {"score": "percent", "interval": "95 %, percent", "tokens": "written tokens a row", "seconds": "a row"},
        "mean": means(&sets),
        "sets": sets,
    }))
}

fn refuse<T>(message: String) -> Result<T, EvalError> {
    Err(EvalError::Report { message })
}

/// The run that was begun last, after all were found to belong together.
fn newest(runs: &[RunSummary]) -> Result<(&RunSummary, &RunRecord), EvalError> {
    let mut newest: Option<(&RunSummary, &RunRecord)> = None;
    for run in runs {
        let Some(record) = &run.record else {
            return refuse(format!("{} has no record of its settings beside it", run.name));
        };
        if record.effort.is_none() {
            return refuse(format!("{} was run without --effort", run.name));
        }
        match newest {
            Some((first, known)) if model_of(known) != model_of(record) => {
                return refuse(format!(
                    "{} and {} come from different models",
                    first.name, run.name
                ));
            }
            Some((_, known)) if known.started >= record.started => {}
            _ => newest = Some((run, record)),
        }
    }
    newest.map_or_else(|| refuse("name at least one run".to_owned()), Ok)
}

fn model_of(record: &RunRecord) -> (&Option<String>, &Option<String>, &Option<String>) {
    (&record.model_sha256, &record.model, &record.server)
}

/// Least effort first.
fn in_order(set: &mut Value) {
    let sorted = EffortChoice::ALL.iter().filter_map(|effort| {
        let name = effort.as_str();
        Some((name.to_owned(), set.get(name)?.clone()))
    });
    *set = Value::Object(sorted.collect());
}

/// The mean score over the sets, for every effort that all of them have.
fn means(sets: &Map<String, Value>) -> Value {
    let all = EffortChoice::ALL.iter().filter_map(|effort| {
        let name = effort.as_str();
        let scores: Option<Vec<f64>> = sets
            .values()
            .map(|set| set.get(name)?["score"].as_f64())
            .collect();
        Some((name.to_owned(), python::rounded(mean(&scores?))))
    });
    Value::Object(all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::RowScore;

    fn run(set: &str, effort: EffortChoice, right: usize, commit: &str) -> RunSummary {
        let row = |index: usize| RowScore {
            id: index.to_string(),
            group: set.to_owned(),
            gain: f64::from(u8::from(index < right)),
            weight: 1.0,
            judgements: Vec::new(),
        };
        RunSummary {
            name: format!("{set}-{}", effort.as_str()),
            record: Some(RunRecord {
                set: set.to_owned(),
                set_file: "dev.jsonl".into(),
                set_sha256: String::new(),
                task: "reason".to_owned(),
                effort: Some(effort),
                documents: "given".to_owned(),
                enhanced: false,
                model: None,
                model_sha256: Some("ab".to_owned()),
                server: None,
                commit: Some(commit.to_owned()),
                version: "0".to_owned(),
                started: format!("2026-01-0{}", 1 + right % 9),
                processors: 2,
            }),
            model: Some("m".to_owned()),
            scores: Scores {
                set: set.to_owned(),
                measure: "accuracy",
                metrics: Map::new(),
                rows: (0..10).map(row).collect(),
                errors: 0,
            },
            cost: Cost {
                output_tokens: 78.25,
                seconds: 3.0,
                ..Cost::default()
            },
            steps: Vec::new(),
            calibration: None,
        }
    }

    #[test]
    fn a_claim_says_what_it_rests_on() {
        let runs = [
            run("gsm8k", EffortChoice::High, 8, "new"),
            run("gsm8k", EffortChoice::Baseline, 5, "old"),
            run("math500", EffortChoice::Baseline, 3, "new"),
        ];
        let report = claim(&runs, "2026-01-31").unwrap();
        assert_eq!(report["commit"], "new");
        assert_eq!(report["model"]["sha256"], "ab");
        assert_eq!(
            report["mean"],
            json!({"baseline": 40.0}),
            "only what every set has"
        );
        let gsm8k = &report["sets"]["gsm8k"];
        let efforts: Vec<&String> = gsm8k.as_object().unwrap().keys().collect();
        assert_eq!(efforts, ["baseline", "high"]);
        assert_eq!(gsm8k["baseline"]["commit"], "old");
        assert_eq!(gsm8k["high"]["commit"], Value::Null);
        assert_eq!(gsm8k["high"]["score"], 80.0);
        assert_eq!(gsm8k["high"]["interval"], json!([49.02, 94.33]));
        assert_eq!(
            (&gsm8k["high"]["tokens"], &gsm8k["high"]["n"]),
            (&json!(78.25), &json!(10))
        );
    }

    #[test]
    fn claims_that_do_not_belong_together_are_refused() {
        let first = run("gsm8k", EffortChoice::Low, 5, "c");
        let mut other = run("math500", EffortChoice::Low, 5, "c");
        other.record.as_mut().unwrap().model_sha256 = Some("cd".to_owned());
        let said = |runs: &[RunSummary]| claim(runs, "d").unwrap_err().to_string();
        assert!(said(&[first.clone(), other]).contains("different models"));
        assert!(said(&[first.clone(), first.clone()]).contains("twice"));
        let mut bare = first.clone();
        bare.record.as_mut().unwrap().effort = None;
        assert!(said(&[bare.clone()]).contains("without --effort"));
        bare.record = None;
        assert!(said(&[bare]).contains("no record"));
        assert!(said(&[]).contains("at least one run"));
    }
}
