//! Rows that a run did not get right, with every run's answer beside the others.

use super::{ShownRun, escaped, push};
use crate::rows::{Row, Task};
use crate::score::RowScore;
use crate::score::text::answer_text;
use serde_json::Value;

/// Rows that are shown of one set and kind.
const MOST: usize = 200;
/// Characters of a text that are shown.
const LONGEST: usize = 4_000;

/// All sets of the runs, each once.
pub(super) fn of_runs(runs: &[ShownRun]) -> String {
    let mut content = String::new();
    let mut seen: Vec<&str> = Vec::new();
    for run in runs {
        if !seen.contains(&run.set.name.as_str()) {
            seen.push(&run.set.name);
            let same: Vec<&ShownRun> = runs
                .iter()
                .filter(|other| other.set.name == run.set.name)
                .collect();
            content.push_str(&of_set(&same));
        }
    }
    content
}

fn of_set(runs: &[&ShownRun]) -> String {
    let Some(first) = runs.first() else {
        return String::new();
    };
    let (mut differing, mut failing) = (Vec::new(), Vec::new());
    for row in &first.set.rows {
        let outcomes: Vec<&RowScore> = runs.iter().filter_map(|run| outcome(run, &row.id)).collect();
        let right = outcomes.iter().filter(|outcome| outcome.is_right()).count();
        match (outcomes.len() - right, right) {
            (0, _) => {}
            (_, 0) => failing.push(row),
            _ => differing.push(row),
        }
    }
    let name = escaped(&first.set.name);
    block(
        &format!("{name}: rows that some runs have right, others not"),
        &differing,
        runs,
    ) + &block(&format!("{name}: rows that no run has right"), &failing, runs)
}

fn outcome<'a>(run: &'a ShownRun, id: &str) -> Option<&'a RowScore> {
    run.summary.scores.rows.iter().find(|row| row.id == id)
}

fn block(head: &str, rows: &[&Row], runs: &[&ShownRun]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut content = format!("<details>\n<summary>{head} ({})</summary>\n", rows.len());
    for row in rows.iter().take(MOST) {
        content.push_str(&shown_row(row, runs));
    }
    if rows.len() > MOST {
        push(
            &mut content,
            format_args!("<p class=\"note\">and {} more</p>\n", rows.len() - MOST),
        );
    }
    content + "</details>\n"
}

fn shown_row(row: &Row, runs: &[&ShownRun]) -> String {
    let mut content = format!(
        "<div class=\"row\">\n<p class=\"note\">{} · {}</p>\n<pre>{}</pre>\n<div class=\"sides\">\n\
         <div><p class=\"note\">expected</p><pre>{}</pre></div>\n",
        escaped(&row.id),
        escaped(row.group()),
        cut(&question(row)),
        cut(&expected(row))
    );
    for run in runs {
        if let (Some(outcome), Some(found)) = (outcome(run, &row.id), run.predictions.get(&row.id)) {
            let class = if outcome.is_right() { "right" } else { "wrong" };
            let given = found.error.clone().unwrap_or_else(|| written(&found.answer));
            let notes = [
                Some(format!("{:.0} %", 100.0 * outcome.share())),
                found
                    .confidence
                    .as_ref()
                    .and_then(Value::as_f64)
                    .map(|confidence| format!("confidence {confidence:.2}")),
                found.seconds.map(|seconds| format!("{seconds:.1} s")),
                found.usage.map(|usage| format!("{} tokens", usage.output_tokens)),
                found.failure.clone(),
                (!found.sources.is_empty()).then(|| format!("cites {}", found.sources.join(", "))),
            ];
            let notes: Vec<String> = notes.into_iter().flatten().collect();
            push(
                &mut content,
                format_args!(
                    "<div><p class=\"note\"><span class=\"{class}\">{}</span> {}</p><pre>{}</pre></div>\n",
                    escaped(&format!("{} {}", run.summary.name, run.summary.effort())),
                    escaped(&notes.join(" · ")),
                    cut(&given)
                ),
            );
        }
    }
    content + "</div>\n</div>\n"
}

fn question(row: &Row) -> String {
    let mut text = row.question.trim().to_owned();
    for (letter, choice) in ('A'..).zip(&row.choices) {
        text.push_str(&format!("\n({letter}) {choice}"));
    }
    if text.is_empty() {
        let names: Vec<&str> = row
            .documents
            .iter()
            .map(|document| document.name.as_str())
            .collect();
        text = names.join(", ");
    }
    text
}

fn expected(row: &Row) -> String {
    match (&row.expected, row.task) {
        (Some(expected), _) => written(expected),
        (None, Task::JsonSchema) => row.schema.as_ref().map_or_else(String::new, written),
        (None, Task::Code) => row.text("test").to_owned(),
        (None, _) if !row.flag("answerable", true) => "(the documents do not say)".to_owned(),
        (None, _) => row.answers().join("\n"),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        other => answer_text(other),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => escaped(&text[..end]) + " …",
        None => escaped(text),
    }
}
