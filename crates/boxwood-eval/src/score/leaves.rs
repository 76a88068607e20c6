//! Nested extraction: the leaves of the expected value that stand at the same place in the answer. Numbers may be 1 % off,
//! texts nearly the same; lists are compared by position.

use super::text::{is_close, number, similarity};
use super::{ByName, Pair, RowScore, Scored, answer_of, count, python};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Characters of a text that are compared.
const COMPARED: usize = 400;
/// From this similarity on two texts are the same.
const SAME_FROM: f64 = 0.8;

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let mut by_schema = ByName::default();
    let mut rows = Vec::with_capacity(pairs.len());
    for (row, prediction) in pairs {
        let recall = recall(
            row.expected.as_ref().unwrap_or(&Value::Null),
            answer_of(*prediction),
        );
        by_schema.add(row.text("domain"), recall);
        rows.push(RowScore::new(row, recall));
    }
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(rows.len()));
    metrics.insert("leaf_recall".to_owned(), by_schema.mean_of_all());
    metrics.insert("by_schema".to_owned(), Value::Object(by_schema.means()));
    Scored {
        measure: "leaf_recall",
        metrics,
        rows,
    }
}

/// Share of the expected leaves that were found.
fn recall(expected: &Value, answer: &Value) -> f64 {
    let (mut wanted, mut found) = (Vec::new(), Vec::new());
    leaves(expected, String::new(), &mut wanted);
    if answer.is_object() || answer.is_array() {
        leaves(answer, String::new(), &mut found);
    }
    wanted.retain(|(_, value)| !value.is_null() && **value != "");
    let found: HashMap<&str, &Value> = found
        .iter()
        .map(|(path, value)| (path.as_str(), *value))
        .collect();
    let hits = wanted.iter().filter(|(path, value)| {
        let given = found.get(path.as_str());
        given.is_some_and(|given| is_same(value, given))
    });
    count(hits.count()) / count(wanted.len().max(1))
}

fn leaves<'a>(value: &'a Value, path: String, into: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                leaves(member, format!("{path}.{key}"), into);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                leaves(value, format!("{path}[{index}]"), into);
            }
        }
        leaf => into.push((path, leaf)),
    }
}

fn is_same(gold: &Value, given: &Value) -> bool {
    match gold {
        Value::Bool(gold) => match given {
            Value::Bool(given) => gold == given,
            other => other.as_f64() == Some(super::as_number(*gold)),
        },
        Value::Number(gold) => is_close(number(&python::to_text(given)), gold.as_f64(), 0.01),
        gold => {
            let (gold, given) = (python::to_text(gold), python::to_text(given));
            gold == given || similarity(beginning(&given), beginning(&gold)) >= SAME_FROM
        }
    }
}

fn beginning(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(COMPARED)
        .map_or(text.len(), |(end, _)| end);
    &text[..end]
}
