//! Problems: the last letter, the last number, or the formula in the box.

use super::patterns::{LETTER, PLAIN_NUMBER};
use super::text::{answer_text, boxed, is_close, number, plain_formula};
use super::{ByName, Judgement, Pair, RowScore, Scored, answer_of, as_number};
use crate::rows::Row;
use serde_json::{Map, Value, json};

/// How near a number must be.
const NEAR: f64 = 1e-6;

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let mut by_part = ByName::default();
    let mut rows = Vec::with_capacity(pairs.len());
    for (row, prediction) in pairs {
        let right = is_right(row, &answer_text(answer_of(*prediction)));
        let subtask = row.text("subtask");
        by_part.add(
            if subtask.is_empty() { &row.set } else { subtask },
            as_number(right),
        );
        let mut scored = RowScore::new(row, as_number(right));
        let confidence = prediction.and_then(|prediction| prediction.confidence.as_ref()?.as_f64());
        scored
            .judgements
            .extend(confidence.map(|confidence| Judgement { confidence, right }));
        rows.push(scored);
    }
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(rows.len()));
    metrics.insert("accuracy".to_owned(), by_part.mean_of_all());
    metrics.insert("by".to_owned(), Value::Object(by_part.means()));
    Scored {
        measure: "accuracy",
        metrics,
        rows,
    }
}

fn is_right(row: &Row, text: &str) -> bool {
    let Some(gold) = row.answers().into_iter().next() else {
        return false;
    };
    // A set of one's own with choices is compared by letter as well.
    if row.text("subtask") == "date_understanding" || !row.choices.is_empty() {
        let letter = LETTER.captures_iter(text).last();
        let letter = letter.and_then(|found| found.get(1)).map(|found| found.as_str());
        return letter == Some(gold.trim_matches(['(', ')']));
    }
    if row.set == "math500" {
        let found = boxed(text);
        let plain = plain_formula(&gold);
        return plain_formula(found) == plain
            || (PLAIN_NUMBER.is_match(&plain) && is_close(number(found), number(&gold), NEAR));
    }
    is_close(number(text), number(&gold), NEAR)
}
