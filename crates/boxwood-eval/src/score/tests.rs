//! Scorers against values that were worked out by hand; `tests/score_py.rs` holds them against `score.py`.

use super::*;
use crate::rows::DocumentChoice;
use serde_json::json;

/// A set of rows, with an answer for each.
fn scored(rows: &[(Value, Value)]) -> Scores {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(index, (row, _))| {
            let mut row = row.clone();
            row["id"] = json!(index.to_string());
            row.to_string()
        })
        .collect();
    std::fs::write(folder.path().join("dev.jsonl"), lines.join("\n")).unwrap();
    let set = DataSet::read(folder.path(), "dev", DocumentChoice::Given).unwrap();
    let predictions = rows.iter().enumerate().map(|(index, (_, answer))| Prediction {
        id: index.to_string(),
        answer: answer["answer"].clone(),
        confidence: answer.get("confidence").cloned(),
        passed: answer.get("passed").and_then(Value::as_bool),
        seconds: answer.get("seconds").and_then(Value::as_f64),
        ..Prediction::default()
    });
    score(&set, &predictions.collect())
}

/// The gains of the rows.
fn gains(rows: &[(Value, Value)]) -> Vec<f64> {
    scored(rows).rows.iter().map(|row| row.share()).collect()
}

fn question(set: &str, more: &Value) -> Value {
    let mut row =
        json!({"set": set, "task": "qa", "question": "?", "documents": [{"doc_id": "d", "text": "x"}]});
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    row
}

fn answer(answer: Value) -> Value {
    json!({"answer": answer})
}

#[test]
fn answers_are_compared_without_case_articles_and_punctuation() {
    let gold = |answers: Value| question("squad2", &json!({"answers": answers}));
    let rows = [
        (
            gold(json!(["Donald Davies"])),
            answer(json!("the donald-davies!")),
        ),
        (gold(json!(["Donald Davies"])), answer(json!("Donald Davies."))),
        (
            gold(json!(["Donald Davies", "Davies"])),
            answer(json!("It was Davies")),
        ),
        (gold(json!(["1965"])), answer(json!("The document does not say."))),
        (gold(json!(["1965"])), answer(json!(1965))),
        (gold(json!(["1965"])), answer(json!(null))),
    ];
    assert_eq!(gains(&rows), [0.0, 1.0, 0.5, 0.0, 1.0, 0.0]);
    let scores = scored(&rows);
    assert_eq!(
        (
            scores.metrics["em"].clone(),
            scores.metrics["false_abstain"].clone()
        ),
        (json!(33.33), json!(33.33))
    );
}

#[test]
fn an_abstention_is_right_only_where_there_is_no_answer() {
    let none = || question("squad2", &json!({"answers": [], "answerable": false}));
    let rows = [
        (none(), answer(json!(""))),
        (none(), answer(json!("Der Text: not mentioned in it."))),
        (none(), answer(json!("この文書には記載がありません。"))),
        (none(), answer(json!("Paris"))),
    ];
    assert_eq!(gains(&rows), [1.0, 1.0, 1.0, 0.0]);
    assert_eq!(scored(&rows).metrics["unanswerable_abstain"], json!(75.0));
}

#[test]
fn japanese_is_compared_by_character() {
    let row = question("jsquad", &json!({"answers": ["約120回"], "lang": "ja"}));
    let found = gains(&[(row, answer(json!("約１２０回です")))]);
    assert!((found[0] - 2.0 * 5.0 / 12.0).abs() < 1e-12, "{found:?}");
}

#[test]
fn amounts_count_as_numbers_and_as_percents() {
    let row = |more: Value| question("tatqa", &more);
    let sum = |gold: &str| row(json!({"answers": [gold], "answer_type": "arithmetic"}));
    let rows = [
        (sum("12.5"), answer(json!("It is $12.50 million"))),
        (sum("0.125"), answer(json!("12.5%"))),
        (sum("-1234"), answer(json!("(1,234)"))),
        (sum("12.5"), answer(json!("13.5"))),
        (
            row(json!({"answers": ["a", "b"], "answer_type": "multi-span"})),
            answer(json!(["a", "b"])),
        ),
        (
            question("finqa", &json!({"answers": ["7"], "numeric_answer": 7.25})),
            answer(json!("7.25")),
        ),
    ];
    // "a" is an article, so that only the other span is left of both.
    assert_eq!(gains(&rows), [1.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn sets_that_count_containment_do_so() {
    let row = || question("needle", &json!({"answers": ["5571862"]}));
    let rows = [
        (row(), answer(json!("The number is 5571862."))),
        (row(), answer(json!("557186"))),
    ];
    assert_eq!(
        (gains(&rows), scored(&rows).measure),
        (vec![1.0, 0.0], "contains")
    );
}

#[test]
fn confidences_of_answers_are_judged_unless_they_abstain() {
    let row = || question("squad2", &json!({"answers": ["east"]}));
    let scores = scored(&[
        (row(), json!({"answer": "east", "confidence": 0.9})),
        (row(), json!({"answer": "west", "confidence": 0.6})),
        (row(), json!({"answer": "", "confidence": 0.1})),
    ]);
    let judged: Vec<_> = scores
        .judgements()
        .iter()
        .map(|judged| (judged.confidence, judged.right))
        .collect();
    assert_eq!(judged, [(0.9, true), (0.6, false)]);
}

#[test]
fn fields_are_scored_one_by_one() {
    let row = |set: &str, expected: Value| json!({"set": set, "task": "extract", "documents": [{"doc_id": "d", "text": "x"}], "schema": {}, "expected": expected});
    let scores = scored(&[
        (
            row("sroie", json!({"company": "A  B", "total": "4.00", "date": null})),
            json!({"answer": {"company": "A B", "total": "5.00"}, "confidence": {"company": {"score": 0.9}, "total": 0.4}}),
        ),
        (row("sroie", json!({"company": "C"})), answer(json!("no object"))),
    ]);
    // Found: one of three expected and of two given values.
    assert_eq!(scores.metrics["precision"], json!(50.0));
    assert_eq!(scores.metrics["recall"], json!(33.33));
    assert_eq!(scores.metrics["f1"], json!(40.0));
    assert!((scores.percent() - 40.0).abs() < 1e-9);
    assert_eq!(
        scores.metrics["field_accuracy"],
        json!({"company": 50.0, "total": 0.0, "date": 100.0})
    );
    let judged: Vec<_> = scores
        .judgements()
        .iter()
        .map(|judged| (judged.confidence, judged.right))
        .collect();
    assert_eq!(judged, [(0.9, true), (0.4, false)]);
    let invoice = row(
        "einvoice_pdf",
        json!({"seller_name": "Straße & Co.", "net_total": 473.0, "line_items": 2}),
    );
    let given = answer(json!({"seller_name": "STRASSE CO", "net_total": "EUR 473.00", "line_items": 2}));
    assert_eq!(
        scored(&[(invoice, given)]).metrics["document_exact"],
        json!(100.0)
    );
}

#[test]
fn leaves_are_found_at_their_place() {
    let row = json!({"set": "extractbench", "task": "extract", "domain": "cv", "documents": [{"doc_id": "d", "text": "x"}],
        "schema": {}, "expected": {"name": "Ann Example", "age": 40, "open": true, "jobs": [{"at": "A"}, {"at": "B"}], "none": null}});
    let given =
        answer(json!({"name": "Ann Exampel", "age": "40.2", "open": 1, "jobs": [{"at": "B"}, {"at": "B"}]}));
    let found = scored(&[(row, given)]);
    assert_eq!(found.metrics["leaf_recall"], json!(80.0));
    assert_eq!(found.metrics["by_schema"], json!({"cv": 80.0}));
}

#[test]
fn problems_are_right_by_number_letter_or_formula() {
    let row = |set: &str, more: Value, gold: &str| {
        let mut row = json!({"set": set, "task": "reason", "question": "?", "answers": [gold]});
        for (key, value) in more.as_object().unwrap() {
            row[key] = value.clone();
        }
        row
    };
    let none = || json!({});
    let date = || json!({"subtask": "date_understanding"});
    let choices = || json!({"choices": ["x", "y"]});
    for (row, given, right) in [
        (
            row("gsm8k", none(), "2000"),
            "So 1,500 + 500 = 2,000 steps.",
            true,
        ),
        (row("gsm8k", none(), "2000"), "2000 steps in 3 days", false),
        (row("bbh_date_arith", date(), "(C)"), "The answer is (C).", true),
        (row("bbh_date_arith", date(), "(C)"), "(C), not (D)", false),
        (row("mmlu_science", choices(), "B"), "B", true),
        (row("own", choices(), "B"), "It is b", false),
        (
            row("math500", none(), "\\frac{1}{2}"),
            "\\boxed{\\dfrac{1}{2}}",
            true,
        ),
        (row("math500", none(), "\\text{even}"), "\\boxed{{even}}", true),
        (row("math500", none(), "90"), "\\boxed{90^\\circ}", true),
        (row("math500", none(), "1,000"), "\\boxed{1000}", true),
        (row("math500", none(), "x^2"), "\\boxed{x^3}", false),
    ] {
        assert_eq!(
            scored(&[(row.clone(), answer(json!(given)))]).rows[0].is_right(),
            right,
            "{row} {given}"
        );
    }
}

#[test]
fn values_are_held_against_their_schema() {
    let row = || json!({"set": "own", "task": "jsonschema", "schema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}});
    let scores = scored(&[
        (row(), answer(json!({"a": 1}))),
        (row(), answer(json!("{\"a\": 1}"))),
        (row(), answer(json!({"a": "1"}))),
        (row(), answer(json!("{\"a\":"))),
    ]);
    assert_eq!(
        (
            scores.metrics["json_valid"].clone(),
            scores.metrics["schema_valid"].clone()
        ),
        (json!(75.0), json!(50.0))
    );
}

#[test]
fn braces_that_bound_no_repetition_are_read_as_they_stand() {
    let row = || json!({"set": "own", "task": "jsonschema", "schema": {"type": "string", "pattern": "^\\d{2}:\\{d}$"}});
    let rows = [
        (row(), answer(json!("\"12:{d}\""))),
        (row(), answer(json!("\"1:{d}\""))),
        (row(), answer(json!("\"12:7\""))),
    ];
    assert_eq!(gains(&rows), [1.0, 0.0, 0.0]);
}

#[test]
fn turns_are_judged_by_what_they_should_do() {
    let row = |kind: &str| json!({"set": "own", "task": "dialog", "question": "?", "answers": ["It was Ann"], "answerability": kind});
    let rows = [
        (row("ANSWERABLE"), answer(json!("It was Ann"))),
        (row("UNANSWERABLE"), answer(json!("I don't know"))),
        (row("UNANSWERABLE"), answer(json!("Bob"))),
        (row("UNDERSPECIFIED"), answer(json!("Which one do you mean"))),
    ];
    assert_eq!(gains(&rows), [1.0, 1.0, 0.0, 1.0]);
    assert_eq!(scored(&rows).groups().len(), 3);
}

#[test]
fn programs_and_files_count_by_their_outcome() {
    let code =
        || json!({"set": "own", "task": "code", "question": "def f():", "entry_point": "f", "test": "x"});
    let programs = [
        (code(), json!({"passed": true})),
        (code(), json!({"passed": false})),
        (code(), json!({})),
    ];
    assert_eq!(gains(&programs), [1.0, 0.0, 0.0]);
    let file = || json!({"set": "own", "task": "robust", "documents": [{"doc_id": "d", "text": "x"}]});
    let outcome = |outcome: &str, seconds: f64| json!({"answer": {"outcome": outcome}, "seconds": seconds});
    let files = [
        (file(), outcome("text", 1.0)),
        (file(), outcome("refused", 1.0)),
        (file(), outcome("crashed", 1.0)),
        (file(), outcome("text", 31.0)),
    ];
    assert_eq!(gains(&files), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn similarity_ends_below_one_half() {
    for (first, second, expected) in [
        ("abcd", "abcd", 1.0),
        ("abcd", "abcx", 0.75),
        ("ab", "cd", 0.0),
        ("", "", 1.0),
        ("", "a", 0.0),
    ] {
        assert!(
            (text::similarity(first, second) - expected).abs() < 1e-12,
            "{first} {second}"
        );
    }
}

#[test]
fn the_last_number_of_a_text_is_taken() {
    for (said, expected) in [
        ("from 2019 to 2,020.5 million", Some(2020.5)),
        ("a loss of (1,234)", Some(-1234.0)),
        ("($ 5)", Some(-5.0)),
        ("\u{2212}7 %", Some(-7.0)),
        ("-$3", Some(-3.0)),
        ("１２", Some(12.0)),
        ("none", None),
    ] {
        assert_eq!(text::number(said), expected, "{said}");
    }
}
