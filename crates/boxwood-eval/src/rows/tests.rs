//! Reading of data sets: what is wrong is told with its line and field.

use super::*;
use serde_json::json;

fn folder_with(lines: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dev.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn mistakes(line: Value) -> String {
    let good = json!({"id": "good", "task": "reason", "question": "1 + 1?", "answers": ["2"]});
    let folder = folder_with(&[good.to_string(), line.to_string()]);
    DataSet::read(folder.path(), "dev", DocumentChoice::Given)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_mistake_names_its_line_and_field() {
    for (line, words) in [
        (json!({"task": "reason"}), "line 2, field `id`: a text is needed"),
        (
            json!({"id": 7, "task": "reason"}),
            "line 2, field `id`: a text is needed, not a number",
        ),
        (json!({"id": "a"}), "line 2, field `task`: a text is needed"),
        (
            json!({"id": "a", "task": "sing"}),
            "line 2, field `task`: `sing` is none of qa, dialog",
        ),
        (
            json!({"id": "a", "task": "reason", "answers": ["1"]}),
            "field `question`",
        ),
        (
            json!({"id": "a", "task": "reason", "question": "?", "answers": "1"}),
            "field `answers`",
        ),
        (
            json!({"id": "a", "task": "qa", "question": "?", "answers": ["1"]}),
            "field `documents`",
        ),
        (
            json!({"id": "a", "task": "qa", "question": "?", "answers": ["1"], "documents": [{"text": "x"}]}),
            "field `documents[0].doc_id`",
        ),
        (
            json!({"id": "a", "task": "qa", "question": "?", "documents": [{"doc_id": "d", "path": "no.pdf"}]}),
            "field `documents[0].path`: there is no file",
        ),
        (
            json!({"id": "a", "task": "qa", "question": "?", "documents": [{"doc_id": "d", "text": "x"}]}),
            "field `answers`",
        ),
        (
            json!({"id": "a", "task": "extract", "documents": [{"doc_id": "d", "text": "x"}]}),
            "field `schema`",
        ),
        (
            json!({"id": "a", "task": "extract", "documents": [{"doc_id": "d", "text": "x"}], "schema": {},
                   "expected": {"a": 1}, "scored_fields": ["b"]}),
            "field `scored_fields`: `b` is not in `expected`",
        ),
        (
            json!({"id": "a", "task": "code", "question": "def f():"}),
            "field `entry_point`",
        ),
        (
            json!({"id": "a", "task": "dialog", "question": "?", "answers": ["x"], "history": [{"role": "judge"}]}),
            "field `history[0].role`",
        ),
        (
            json!({"id": "good", "task": "reason", "question": "?", "answers": ["2"]}),
            "line 2, field `id`: `good` is there already",
        ),
        (
            json!({"id": "b", "task": "code", "question": "def f():", "entry_point": "f", "test": "x"}),
            "line 2, field `task`: `code`, but the set began with `reason`",
        ),
    ] {
        let said = mistakes(line.clone());
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[test]
fn a_file_of_ones_own_is_a_set_too() {
    let folder = folder_with(&[
        json!({"id": "1", "task": "qa", "question": " Who? ", "answers": ["Ann"],
               "documents": [{"doc_id": "notes/a.txt", "text": "Ann did it."}]})
        .to_string(),
        String::new(),
    ]);
    let path = folder.path().join("dev.jsonl");
    let set = DataSet::read(&path, "unused", DocumentChoice::Given).unwrap();
    assert_eq!((set.name.as_str(), set.task, set.rows.len()), ("qa", Task::Qa, 1));
    assert_eq!(set.rows[0].documents[0].name, "a.txt");
    assert_eq!(set.sha256.len(), 64);
}

#[test]
fn the_long_text_is_read_where_it_is_wanted() {
    let row = json!({"id": "1", "task": "qa", "question": "Who?", "answers": ["Ann"],
        "documents": [{"doc_id": "p", "text": "Ann did it."}], "long_document": {"path": "long.txt"}});
    let folder = folder_with(&[row.to_string()]);
    std::fs::write(folder.path().join("long.txt"), "All of it.").unwrap();
    let read = |choice| DataSet::read(folder.path(), "dev", choice).unwrap().rows[0].documents[0].clone();
    assert_eq!(read(DocumentChoice::Given).doc_id, "p");
    assert_eq!(read(DocumentChoice::Long).doc_id, "long.txt");
}

#[test]
fn an_empty_or_missing_set_says_so() {
    let folder = folder_with(&[]);
    let read = |split| {
        DataSet::read(folder.path(), split, DocumentChoice::Given)
            .unwrap_err()
            .to_string()
    };
    assert!(read("dev").contains("it has no rows"));
    assert!(read("test").contains("test.jsonl can't be read"));
}
