//! Last turns of conversations: token F1 and recall where there is an answer, abstention where there is none, a question
//! back where the question says too little.

use super::patterns::ASKS_BACK;
use super::text::{abstains, answer_text, f1, shared, tokens};
use super::{ByName, Pair, RowScore, Scored, answer_of, as_number, count};
use serde_json::{Map, Value, json};

pub(super) fn score(pairs: &[Pair<'_>]) -> Scored {
    let mut by_name = ByName::default();
    let mut rows = Vec::with_capacity(pairs.len());
    for (row, prediction) in pairs {
        let text = answer_text(answer_of(*prediction));
        let gold = row.answers().into_iter().next().unwrap_or_default();
        let abstained = abstains(&Value::from(text.as_str()));
        let (wanted, found) = (tokens(&gold, "en"), tokens(&text, "en"));
        let overlap = f1(&text, &gold, "en");
        let kind = row.text("answerability");
        by_name.add(&format!("f1_{kind}"), overlap);
        by_name.add(
            &format!("recall_{kind}"),
            count(shared(&wanted, &found)) / count(wanted.len().max(1)),
        );
        let gain = match kind {
            "UNANSWERABLE" => {
                by_name.add("abstain_UNANSWERABLE", as_number(abstained));
                as_number(abstained)
            }
            "UNDERSPECIFIED" => {
                let asks = as_number(text.contains('?') || ASKS_BACK.is_match(&text));
                by_name.add("asks_back_UNDERSPECIFIED", asks);
                asks
            }
            _ => {
                let declines = abstained && !abstains(&Value::from(gold.as_str()));
                by_name.add("false_abstain", as_number(declines));
                overlap
            }
        };
        rows.push(RowScore::new(row, gain));
    }
    let mut metrics = Map::new();
    metrics.insert("n".to_owned(), json!(rows.len()));
    by_name.0.sort_by(|(first, _), (second, _)| first.cmp(second));
    metrics.extend(by_name.means());
    Scored {
        measure: "outcome",
        metrics,
        rows,
    }
}
