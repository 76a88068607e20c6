//! Flat extraction: values field by field. The main measure is F1 over all values, so a document gives twice its hits
//! over its expected and given values together.

use super::patterns::JOINTS;
use super::python::{self, joined, to_text};
use super::text::{number, similarity};
use super::{ByName, Judgement, Pair, RowScore, Scored, answer_of, as_number, count, mean};
use crate::predictions::Prediction;
use crate::rows::Row;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Fields that are amounts or counts, however they are written.
const AMOUNTS: [&str; 4] = ["net_total", "tax_total", "grand_total", "line_items"];

#[derive(Default)]
struct Tally {
    hits: usize,
    extra: usize,
    missed: usize,
    fields: ByName,
    similarities: Vec<f64>,
    whole: Vec<f64>,
}

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let mut tally = Tally::default();
    let rows: Vec<RowScore> = pairs
        .iter()
        .map(|(row, prediction)| score_row(row, *prediction, &mut tally))
        .collect();
    Scored {
        measure: "f1",
        metrics: metrics(&tally, rows.len()),
        rows,
    }
}

fn score_row(row: &Row, prediction: Option<&Prediction>, tally: &mut Tally) -> RowScore {
    let empty = Map::new();
    let answer = answer_of(prediction).as_object().unwrap_or(&empty);
    let expected = row.expected.as_ref().and_then(Value::as_object).unwrap_or(&empty);
    let mut scored = RowScore::new(row, 0.0);
    (scored.gain, scored.weight) = (0.0, 0.0);
    let mut is_whole = true;
    for key in scored_fields(row, expected) {
        let gold = expected.get(&key).unwrap_or(&Value::Null);
        let given = answer.get(&key).unwrap_or(&Value::Null);
        let wanted: BTreeSet<String> = values(gold, |value| !value.is_null(), &key, &row.set);
        let found = values(given, |value| !value.is_null() && *value != "", &key, &row.set);
        let hits = wanted.intersection(&found).count();
        tally.hits += hits;
        tally.extra += found.len() - hits;
        tally.missed += wanted.len() - hits;
        scored.gain += count(2 * hits);
        scored.weight += count(wanted.len() + found.len());
        let right = wanted == found;
        is_whole &= right;
        tally.fields.add(&key, as_number(right));
        scored
            .judgements
            .extend(confidence_of(prediction, &key).map(|confidence| Judgement { confidence, right }));
        if !gold.is_array() {
            tally
                .similarities
                .push(similarity(&or_empty(given), &or_empty(gold)));
        }
    }
    tally.whole.push(as_number(is_whole));
    scored
}

fn scored_fields(row: &Row, expected: &Map<String, Value>) -> Vec<String> {
    match row.raw.get("scored_fields").and_then(Value::as_array) {
        Some(fields) if !fields.is_empty() => fields.iter().map(to_text).collect(),
        _ => expected.keys().cloned().collect(),
    }
}

/// `{"field": {"score": 0.9}}` or `{"field": 0.9}`.
fn confidence_of(prediction: Option<&Prediction>, key: &str) -> Option<f64> {
    let field = prediction?.confidence.as_ref()?.get(key)?;
    field.get("score").unwrap_or(field).as_f64()
}

fn or_empty(value: &Value) -> String {
    match python::is_true(value) {
        true => to_text(value),
        false => String::new(),
    }
}

fn values(value: &Value, is_one: impl Fn(&Value) -> bool, key: &str, set: &str) -> BTreeSet<String> {
    let all = match value {
        Value::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    let kept = all.iter().filter(|value| is_one(value));
    kept.map(|value| comparable(value, key, set)).collect()
}

/// A value in the form in which two of them are compared.
fn comparable(value: &Value, key: &str, set: &str) -> String {
    if let Some(amount) = value.as_f64() {
        return format!("{amount:.2}");
    }
    let text = to_text(value);
    if let Some(amount) = number(&text).filter(|_| AMOUNTS.contains(&key)) {
        return format!("{amount:.2}");
    }
    match set {
        "kleister_nda" => python::joined(&JOINTS.replace_all(&text, " ")).to_uppercase(),
        "einvoice_pdf" => {
            let folded = python::folded(&text);
            folded
                .chars()
                .filter(|character| character.is_alphanumeric())
                .collect()
        }
        _ => joined(&text),
    }
}

fn metrics(tally: &Tally, documents: usize) -> Map<String, Value> {
    let share = |of: usize, other: usize| match of + other {
        0 => 0.0,
        all => count(of) / count(all),
    };
    let (precision, recall) = (share(tally.hits, tally.extra), share(tally.hits, tally.missed));
    let f1 = match precision + recall > 0.0 {
        true => 200.0 * precision * recall / (precision + recall),
        false => 0.0,
    };
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(documents));
    metrics.insert("precision".to_owned(), python::rounded(100.0 * precision));
    metrics.insert("recall".to_owned(), python::rounded(100.0 * recall));
    metrics.insert("f1".to_owned(), python::rounded(f1));
    metrics.insert("field_accuracy".to_owned(), Value::Object(tally.fields.means()));
    metrics.insert("anls".to_owned(), mean(&tally.similarities));
    metrics.insert("document_exact".to_owned(), mean(&tally.whole));
    metrics
}
