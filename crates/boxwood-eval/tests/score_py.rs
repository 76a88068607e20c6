//! Our scorers give the very figures of `shared/eval/score.py`, for good, bad, empty and odd predictions of every set.
//!
//! Needs the data sets beside the repository (`../shared/eval`, or `BOXWOOD_SHARED`) and python3; says so and passes
//! where they are not there, as the data may not be part of the project.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

use boxwood_eval::{DataSet, DocumentChoice, Prediction, Predictions, Row, Task};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn sets_folder() -> Option<PathBuf> {
    let own = std::env::var_os("BOXWOOD_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = own.unwrap_or(beside).join("eval");
    folder.join("score.py").is_file().then_some(folder)
}

fn python_can(statement: &str) -> bool {
    let run = Command::new("python3").args(["-c", statement]).output();
    run.is_ok_and(|run| run.status.success())
}

/// The right answer of a row, as `score.py --selftest` takes it.
fn gold(row: &Row) -> Value {
    let answers = row.answers();
    match row.task {
        Task::Qa if !row.flag("answerable", true) => json!(""),
        Task::Qa if row.flag("answer_is_list", false) => json!(answers.join(" ; ")),
        Task::Extract => row.expected.clone().unwrap(),
        Task::Reason if row.set == "math500" => json!(format!("\\boxed{{{}}}", answers[0])),
        Task::JsonSchema => {
            let tests = row.raw["tests"].as_array().unwrap();
            let valid = tests.iter().find(|test| test["valid"] == true).unwrap();
            json!(valid["data"].to_string())
        }
        _ => json!(answers.first().cloned().unwrap_or_default()),
    }
}

/// An answer that is wrong, odd or nearly right in one of many ways.
fn odd(row: &Row, other: &Row, kind: usize) -> Value {
    let right = gold(row);
    let text = right.as_str().unwrap_or_default().to_owned();
    match kind {
        0 => right,
        1 => json!(format!("The answer is {text}, as (1,234.50) shows.")),
        2 => json!(format!("1. First, 12% of $3,000 is 360.\n2. So **{text}**")),
        3 => Value::Null,
        4 => json!("The document does not mention it."),
        5 => gold(other),
        6 => json!([text, "和 ﬁ Straße", 1.5, null, true]),
        7 => json!({"total": 12.50, "name": "Ünïcode \"x\"", "lines": [1, 2.0, 1e20]}),
        8 => json!(-12.75),
        9 => json!(text.to_uppercase() + " "),
        10 => json!(text.chars().rev().collect::<String>()),
        11 => json!("記載がありません"),
        12 => json!(format!("(B) {text} \\boxed{{\\dfrac{{1}}{{2}}\\text{{ cm}}}}")),
        13 => changed(&right),
        _ => json!(""),
    }
}

/// The same value with some of its leaves changed, dropped or of another type.
fn changed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().enumerate().filter(|(index, _)| index % 7 != 5);
            Value::Object(
                kept.map(|(index, (key, value))| {
                    let value = match (index % 5, value) {
                        (1, value) if !value.is_object() && !value.is_array() => json!(format!("{value}")),
                        (2, Value::Number(number)) => json!(number.as_f64().unwrap() * 1.004),
                        (3, Value::String(text)) => json!(text.to_lowercase().replacen('e', "3", 1)),
                        (_, value) => changed(value),
                    };
                    (key.clone(), value)
                })
                .collect(),
            )
        }
        Value::Array(values) => values.iter().rev().map(changed).collect(),
        other => other.clone(),
    }
}

fn run(set: &DataSet, answer: impl Fn(usize, &Row) -> Option<Value>) -> Predictions {
    let answers = set.rows.iter().enumerate();
    answers
        .filter_map(|(index, row)| {
            Some(Prediction {
                id: row.id.clone(),
                answer: answer(index, row)?,
                ..Prediction::default()
            })
        })
        .collect()
}

fn by_python(folder: &Path, set: &str, predictions: &Predictions) -> Value {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for prediction in predictions.iter() {
        writeln!(file, "{}", serde_json::to_string(prediction).unwrap()).unwrap();
    }
    let scored = Command::new("python3")
        .arg(folder.join("score.py"))
        .arg(folder.join(set))
        .arg("dev")
        .arg(file.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&scored.stderr).into_owned();
    assert!(scored.status.success(), "{set}: {words}");
    serde_json::from_slice(&scored.stdout).unwrap()
}

/// The same figures, whatever their order and whether they are written with a fraction.
#[track_caller]
fn assert_same(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let names = |of: &serde_json::Map<String, Value>| {
                let mut names: Vec<String> = of.keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(names(ours), names(theirs), "{place}");
            for (name, value) in ours {
                assert_same(value, &theirs[name], &format!("{place}.{name}"));
            }
        }
        (Value::Number(ours), Value::Number(theirs)) => {
            let distance = (ours.as_f64().unwrap() - theirs.as_f64().unwrap()).abs();
            assert!(distance < 1e-9, "{place}: {ours} is not {theirs}");
        }
        (ours, theirs) => assert_eq!(ours, theirs, "{place}"),
    }
}

fn check_set(folder: &Path, name: &str) {
    let set = DataSet::read(&folder.join(name), "dev", DocumentChoice::Given).unwrap();
    let rows = set.rows.len();
    let other = |index: usize| &set.rows[(index + 1) % rows];
    let runs = [
        run(&set, |_, row| Some(gold(row))),
        run(&set, |_, _| None),
        run(&set, |index, row| Some(odd(row, other(index), index % 15))),
        run(&set, |index, row| {
            (index % 3 != 1).then(|| odd(row, other(index), (index * 7 + 3) % 15))
        }),
        run(&set, |_, row| Some(changed(&gold(row)))),
    ];
    for (number, predictions) in runs.iter().enumerate() {
        let scores = boxwood_eval::score::score(&set, predictions);
        let wrong: Vec<&str> = scores
            .rows
            .iter()
            .filter(|row| !row.is_right())
            .map(|row| row.id.as_str())
            .take(3)
            .collect();
        let ours = Value::Object(scores.metrics);
        let theirs = by_python(folder, name, predictions);
        assert_same(
            &ours,
            &theirs,
            &format!("{name} run {number} (first wrong ones {wrong:?})"),
        );
    }
}

#[test]
fn our_figures_are_those_of_score_py() {
    let Some(folder) = sets_folder().filter(|_| python_can("")) else {
        eprintln!("NOT RUN: there is no ../shared/eval/score.py (set BOXWOOD_SHARED), or no python3");
        return;
    };
    let mut checked = 0;
    for name in [
        "squad2",
        "nq_multidoc",
        "hotpotqa_multidoc",
        "needle",
        "tatqa",
        "finqa",
        "uda_pdf",
        "mtrag_un",
        "jsquad",
        "cmrc2018",
        "sroie",
        "einvoice_pdf",
        "extractbench",
        "gsm8k",
        "math500",
        "mmlu_science",
        "bbh_date_arith",
    ] {
        check_set(&folder, name);
        checked += 1;
    }
    if python_can("import jsonschema") {
        check_set(&folder, "jsonschemabench");
        checked += 1;
    } else {
        eprintln!("NOT RUN: jsonschemabench, since Python has no jsonschema");
    }
    assert!(checked >= 17);
}

#[test]
fn every_set_of_the_folder_can_be_read() {
    let Some(folder) = sets_folder() else {
        eprintln!("NOT RUN: there is no ../shared/eval");
        return;
    };
    for entry in std::fs::read_dir(folder).unwrap() {
        let place = entry.unwrap().path();
        if place.join("dev.jsonl").is_file() {
            for documents in [DocumentChoice::Given, DocumentChoice::Long, DocumentChoice::Text] {
                let set = DataSet::read(&place, "dev", documents).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(set.name, place.file_name().unwrap().to_string_lossy());
            }
        }
    }
}
