//! A page about one or several runs: figures, charts, failures side by side.
//!
//! Invariant: the page is one file without scripts, and loads nothing. Everything that a data set or a model wrote is
//! escaped. Pure. Called by the verb.

mod charts;
mod failures;

use crate::compare::Comparison;
use crate::predictions::Predictions;
use crate::report::RunSummary;
use crate::rows::DataSet;
use charts::Series;
use std::fmt::Write;

/// The page's look.
const STYLE: &str = include_str!("style.css");

/// A run that the page shows.
#[derive(Debug)]
pub struct ShownRun {
    /// Its figures.
    pub summary: RunSummary,
    /// Its set.
    pub set: DataSet,
    /// Its predictions.
    pub predictions: Predictions,
}

/// The page.
pub fn page(runs: &[ShownRun], comparisons: &[Comparison]) -> String {
    let mut body = String::new();
    section(&mut body, "Scores", &(score_table(runs) + &charts::scores(runs)));
    section(&mut body, "Two runs compared", &comparison_table(comparisons));
    section(&mut body, "Score against tokens written", &curve(runs));
    section(&mut body, "Time of each step", &charts::steps(runs));
    section(&mut body, "Confidence", &charts::calibrations(runs));
    section(&mut body, "Parts of the sets", &group_table(runs));
    section(&mut body, "Failures side by side", &failures::of_runs(runs));
    section(&mut body, "How the runs were made", &record_table(runs));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>boxwood eval</title>\n<style>\n{STYLE}</style>\n<main>\n<h1>{}</h1>\n{body}</main>\n</html>\n",
        escaped(&title(runs))
    )
}

fn title(runs: &[ShownRun]) -> String {
    let mut sets: Vec<&str> = Vec::new();
    for run in runs {
        if !sets.contains(&run.set.name.as_str()) {
            sets.push(&run.set.name);
        }
    }
    sets.join(", ")
}

/// Nothing, where there is nothing to show.
fn section(body: &mut String, head: &str, content: &str) {
    if !content.is_empty() {
        push(
            body,
            format_args!("<section>\n<h2>{head}</h2>\n{content}</section>\n"),
        );
    }
}

/// Appends; writing into a string can't fail.
fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    let _infallible = text.write_fmt(more);
}

/// Text that stands in a page as it is.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            other => written.push(other),
        }
    }
    written
}

fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("<table>\n{}", line("th", heads.iter().copied()));
    for row in rows {
        text.push_str(&line("td", row.iter().map(String::as_str)));
    }
    text + "</table>\n"
}

fn line<'a>(tag: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let cells = cells.map(|cell| format!("<{tag}>{cell}</{tag}>"));
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

/// `gsm8k high`.
fn label(run: &ShownRun) -> String {
    format!("{} {}", run.set.name, run.summary.effort())
}

fn score_table(runs: &[ShownRun]) -> String {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let (scores, cost) = (&run.summary.scores, &run.summary.cost);
            let interval = scores.interval();
            vec![
                escaped(&run.summary.name),
                escaped(&run.set.name),
                run.summary.effort().to_owned(),
                scores.measure.to_owned(),
                format!("{:.1}", scores.percent()),
                format!("{:.1} – {:.1}", interval.low, interval.high),
                scores.rows.len().to_string(),
                scores.errors.to_string(),
                format!("{:.0}", cost.input_tokens),
                format!("{:.0}", cost.output_tokens),
                format!("{:.0}", cost.reasoning_tokens),
                format!("{:.1}", cost.seconds),
                format!("{:.1} / {:.1}", cost.median_seconds, cost.slow_seconds),
            ]
        })
        .collect();
    table(
        &[
            "run",
            "set",
            "effort",
            "measure",
            "score %",
            "95 %",
            "rows",
            "errors",
            "tokens read",
            "written",
            "of these thinking",
            "seconds",
            "median / 90 %",
        ],
        &rows,
    )
}

fn comparison_table(comparisons: &[Comparison]) -> String {
    let rows: Vec<Vec<String>> = comparisons
        .iter()
        .map(|found| {
            vec![
                escaped(&found.set),
                found.rows.to_string(),
                format!("{:.1}", found.first),
                format!("{:.1}", found.second),
                format!("{:+.1}", found.difference.value),
                format!(
                    "{:+.1} – {:+.1}",
                    found.difference.interval.low, found.difference.interval.high
                ),
                format!("{:.4}", found.difference.p_value),
                format!("{} : {}", found.won.len(), found.lost.len()),
            ]
        })
        .collect();
    table(
        &[
            "set",
            "rows",
            "first %",
            "second %",
            "difference",
            "95 %",
            "p",
            "better : worse",
        ],
        &rows,
    )
}

/// One line a set that was run with several efforts.
fn curve(runs: &[ShownRun]) -> String {
    let mut series: Vec<Series> = Vec::new();
    for run in runs.iter().filter(|run| run.summary.cost.output_tokens > 0.0) {
        let point = (
            run.summary.cost.output_tokens,
            run.summary.scores.percent(),
            run.summary.effort().to_owned(),
        );
        match series.iter_mut().find(|series| series.name == run.set.name) {
            Some(series) => series.points.push(point),
            None => series.push(Series {
                name: run.set.name.clone(),
                points: vec![point],
            }),
        }
    }
    match series.iter().any(|series| series.points.len() > 1) {
        true => charts::curve(series),
        false => String::new(),
    }
}

fn group_table(runs: &[ShownRun]) -> String {
    let mut rows = Vec::new();
    for run in runs {
        for group in run.summary.scores.groups() {
            rows.push(vec![
                escaped(&label(run)),
                escaped(&group.name),
                group.rows.to_string(),
                format!("{:.1}", group.percent),
            ]);
        }
    }
    table(&["run", "part", "rows", "score %"], &rows)
}

fn record_table(runs: &[ShownRun]) -> String {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .filter_map(|run| {
            let record = run.summary.record.as_ref()?;
            let or_none = |text: &Option<String>| escaped(text.as_deref().unwrap_or("–"));
            Some(vec![
                escaped(&run.summary.name),
                or_none(&run.summary.model),
                or_none(&record.model_sha256),
                or_none(&record.server),
                or_none(&record.commit),
                escaped(&record.started),
                record.processors.to_string(),
                escaped(&record.documents),
            ])
        })
        .collect();
    table(
        &[
            "run",
            "answered by",
            "model's SHA-256",
            "server",
            "commit",
            "begun",
            "processors",
            "documents",
        ],
        &rows,
    )
}

#[cfg(test)]
mod tests;
