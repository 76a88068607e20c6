//! The page shows what it must, and nothing of a model's words can act in it.

use super::*;
use crate::compare::compare;
use crate::predictions::{Prediction, TokenUse};
use crate::rows::DocumentChoice;
use serde_json::json;
use std::collections::BTreeMap;

fn shown(effort: &str, right: usize, tokens: u64) -> ShownRun {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..6)
        .map(|row| {
            json!({"id": format!("r{row}"), "set": "sums", "task": "qa", "question": format!("<b>What is {row}?</b>"),
                   "answers": [format!("number {row}")], "documents": [{"doc_id": "d", "text": "x"}],
                   "subset": if row < 3 { "easy" } else { "hard" }})
            .to_string()
        })
        .collect();
    std::fs::write(folder.path().join("dev.jsonl"), lines.join("\n")).unwrap();
    let set = DataSet::read(folder.path(), "dev", DocumentChoice::Given).unwrap();
    let predictions: Predictions = (0..6)
        .map(|row| Prediction {
            id: format!("r{row}"),
            answer: json!(if row < right {
                format!("number {row}")
            } else {
                "<script>alert(1)</script>".to_owned()
            }),
            sources: vec!["d".to_owned()],
            confidence: Some(json!(0.8)),
            usage: Some(TokenUse {
                output_tokens: tokens,
                ..TokenUse::default()
            }),
            timings: BTreeMap::from([("gather".to_owned(), 0.5), ("generate".to_owned(), 2.0)]),
            seconds: Some(2.5),
            ..Prediction::default()
        })
        .collect();
    let record = serde_json::from_value(json!({
        "set": "sums", "set_file": "dev.jsonl", "set_sha256": "", "task": "qa", "effort": effort, "documents": "given",
        "enhanced": false, "model": null, "model_sha256": "abc", "server": null, "commit": null, "version": "0",
        "started": "2026-01-01", "processors": 2,
    }))
    .unwrap();
    let summary = RunSummary::new(format!("sums-{effort}"), Some(record), &set, &predictions);
    ShownRun {
        summary,
        set,
        predictions,
    }
}

#[test]
fn a_page_has_figures_charts_and_failures() {
    let runs = [shown("low", 2, 10), shown("high", 4, 90)];
    let comparison = compare(&runs[0].set, &runs[0].predictions, &runs[1].predictions).unwrap();
    let page = page(&runs, &[comparison]);
    for wanted in [
        "<h2>Scores</h2>",
        "<h2>Two runs compared</h2>",
        "<h2>Score against tokens written</h2>",
        "<h2>Time of each step</h2>",
        "<h2>Confidence</h2>",
        "<h2>Parts of the sets</h2>",
        "rows that some runs have right, others not (2)",
        "rows that no run has right (2)",
        "66.7",
        "+33.3",
        "<polyline",
        "expected calibration error",
        "&lt;b&gt;What is 2?&lt;/b&gt;",
        "cites d",
    ] {
        assert!(page.contains(wanted), "{wanted} is missing");
    }
}

#[test]
fn nothing_of_the_page_acts_or_loads() {
    let page = page(&[shown("low", 0, 10)], &[]);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for forbidden in [
        "<script", "http:", "https:", "src=", "url(", "<link", "@import", "onload",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn tags_of_the_charts_are_closed() {
    let page = page(&[shown("low", 2, 10), shown("high", 4, 90)], &[]);
    for tag in [
        "svg", "section", "table", "details", "text", "circle", "div", "pre",
    ] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}
