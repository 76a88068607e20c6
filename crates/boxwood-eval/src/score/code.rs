//! Programs: the share that passed its tests (`pass@1`). They were run when they were written ([`crate::program`]).

use super::{Pair, RowScore, Scored, as_number, mean};
use serde_json::{Map, Value, json};

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let passed: Vec<f64> = pairs
        .iter()
        .map(|(_, prediction)| {
            as_number(prediction.is_some_and(|prediction| prediction.passed == Some(true)))
        })
        .collect();
    let rows = pairs
        .iter()
        .zip(&passed)
        .map(|((row, _), passed)| RowScore::new(row, *passed));
    let rows: Vec<RowScore> = rows.collect();
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(rows.len()));
    metrics.insert("pass_at_1".to_owned(), mean(&passed));
    Scored {
        measure: "pass_at_1",
        metrics: metrics.into_iter().collect::<Map<String, Value>>(),
        rows,
    }
}
