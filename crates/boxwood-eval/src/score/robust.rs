//! Hostile and ordinary files: text or a clean refusal within the time, never a crash.

use super::{ByName, Pair, RowScore, Scored, as_number, mean};
use crate::predictions::Prediction;
use serde_json::{Map, Value, json};

/// Seconds from which on a file counts as hanging.
const HANGS_FROM: f64 = 30.0;

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let mut outcomes = ByName::default();
    let mut survived = Vec::new();
    let mut rows = Vec::with_capacity(pairs.len());
    for (row, prediction) in pairs {
        let outcome = prediction.map_or("missing", outcome_of);
        outcomes.add(outcome, 1.0);
        let in_time = prediction.is_some_and(|found| found.seconds.unwrap_or(0.0) <= HANGS_FROM);
        let value = as_number(in_time && matches!(outcome, "text" | "refused"));
        survived.push(value);
        rows.push(RowScore::new(row, value));
    }
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(rows.len()));
    metrics.insert("survived".to_owned(), mean(&survived));
    let counts = outcomes
        .0
        .iter()
        .map(|(name, values)| (name.clone(), json!(values.len())));
    metrics.insert("outcomes".to_owned(), Value::Object(counts.collect()));
    Scored {
        measure: "survived",
        metrics,
        rows,
    }
}

fn outcome_of(prediction: &Prediction) -> &'static str {
    let said = prediction.answer.get("outcome").and_then(Value::as_str);
    match (said, &prediction.error) {
        (Some("text"), _) => "text",
        (Some("refused"), _) => "refused",
        (Some("crashed"), _) => "crashed",
        _ => "error",
    }
}
