//! Questions about documents: exact match, token F1, containment; for amounts, the number.

use super::patterns::AMOUNT;
use super::text::{abstains, answer_text, f1, is_close, normalised, number};
use super::{Judgement, Pair, RowScore, Scored, answer_of, as_number, mean};
use crate::rows::Row;
use serde_json::{Map, Value, json};

/// Sets whose authors count an answer that contains the right one.
const BY_CONTAINMENT: [&str; 2] = ["nq_multidoc", "needle"];
/// From this F1 on an answer counts as right for calibration.
const RIGHT_FROM: f64 = 0.5;

/// One row's measures, 0 to 1.
struct Measures {
    exact: f64,
    f1: f64,
    contains: f64,
    abstained: bool,
    answerable: bool,
}

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let measured: Vec<Measures> = pairs
        .iter()
        .map(|(row, prediction)| measure(row, answer_of(*prediction)))
        .collect();
    let by_containment = pairs
        .first()
        .is_some_and(|(row, _)| BY_CONTAINMENT.contains(&row.set.as_str()));
    let rows = pairs.iter().zip(&measured).map(|((row, prediction), measures)| {
        let gain = if by_containment {
            measures.contains
        } else {
            measures.f1
        };
        let mut scored = RowScore::new(row, gain);
        // An abstention has no answer that a confidence could be about.
        let confidence = prediction.and_then(|prediction| prediction.confidence.as_ref()?.as_f64());
        let judged = confidence.filter(|_| !measures.abstained);
        let right = measures.answerable && measures.f1.max(measures.contains) >= RIGHT_FROM;
        scored
            .judgements
            .extend(judged.map(|confidence| Judgement { confidence, right }));
        scored
    });
    Scored {
        measure: if by_containment { "contains" } else { "f1" },
        rows: rows.collect(),
        metrics: metrics(&measured),
    }
}

fn metrics(measured: &[Measures]) -> Map<String, Value> {
    let of = |wanted: fn(&Measures) -> bool, value: fn(&Measures) -> f64| {
        let values: Vec<f64> = measured.iter().filter(|row| wanted(row)).map(value).collect();
        mean(&values)
    };
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(measured.len()));
    metrics.insert("em".to_owned(), of(|_| true, |row| row.exact));
    metrics.insert("f1".to_owned(), of(|_| true, |row| row.f1));
    metrics.insert("contains".to_owned(), of(|_| true, |row| row.contains));
    metrics.insert("answerable_f1".to_owned(), of(|row| row.answerable, |row| row.f1));
    let abstained = |row: &Measures| as_number(row.abstained);
    metrics.insert("false_abstain".to_owned(), of(|row| row.answerable, abstained));
    if measured.iter().any(|row| !row.answerable) {
        metrics.insert(
            "unanswerable_abstain".to_owned(),
            of(|row| !row.answerable, abstained),
        );
    }
    metrics
}

fn measure(row: &Row, answer: &Value) -> Measures {
    let abstained = abstains(answer);
    let answerable = row.flag("answerable", true);
    let all = |value: f64| Measures {
        exact: value,
        f1: value,
        contains: value,
        abstained,
        answerable,
    };
    if !answerable {
        return all(as_number(abstained));
    }
    if abstained {
        return all(0.0);
    }
    let (text, gold) = (answer_text(answer), row.answers());
    let is_list = row.flag("answer_is_list", false) || row.text("answer_type") == "multi-span";
    let wanted = match is_list {
        true => vec![gold.join(" ; "), gold.join(" ")],
        false => gold.clone(),
    };
    let plain = normalised(&text);
    let best = |values: &[String], of: &dyn Fn(&String) -> f64| values.iter().map(of).fold(0.0, f64::max);
    let exact = best(&wanted, &|gold| as_number(plain == normalised(gold)));
    let overlap = best(&wanted, &|gold| f1(&text, gold, &row.language));
    let contains = best(&gold, &|gold| as_number(plain.contains(&normalised(gold))));
    match amount(row, &gold) {
        Some(amount) => {
            let found = number(&text);
            let written = gold.first().and_then(|gold| number(gold));
            let near = is_close(found, Some(amount), 0.01)
                || is_close(found, Some(amount * 100.0), 0.01)
                || is_close(found, written, 0.01);
            all(exact.max(as_number(near)))
        }
        None => Measures {
            exact,
            f1: overlap,
            contains,
            abstained,
            answerable,
        },
    }
}

/// The right amount, where the row's answer is one that is computed or compared as a number.
fn amount(row: &Row, gold: &[String]) -> Option<f64> {
    let (set, subset) = (row.set.as_str(), row.text("subset"));
    let has_amounts =
        matches!(set, "tatqa" | "finqa" | "financebench_pdf") || matches!(subset, "fin" | "tat");
    let first = gold.first()?;
    let is_amount = matches!(row.text("answer_type"), "arithmetic" | "count")
        || set == "finqa"
        || subset == "fin"
        || (set == "financebench_pdf" && AMOUNT.is_match(first.trim()));
    if !has_amounts || !is_amount {
        return None;
    }
    match row.raw.get("numeric_answer") {
        Some(Value::Number(amount)) => amount.as_f64(),
        _ => number(first),
    }
}
