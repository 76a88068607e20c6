//! One line of a data set → [`Row`], or what is wrong with which field.

use super::{DocumentChoice, DocumentContent, Row, RowDocument, Task, Turn};
use crate::score::python;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What is wrong: `` field `question`: … ``.
type Mistake = String;

fn mistake(field: &str, message: impl std::fmt::Display) -> Mistake {
    format!("field `{field}`: {message}")
}

/// Reads one line.
pub(super) fn read_row(line: &str, folder: &Path, choice: DocumentChoice) -> Result<Row, Mistake> {
    let raw: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("no JSON object: {error}"))?;
    let named = wanted_text(&raw, "task")?;
    let task = Task::of_name(named).ok_or_else(|| {
        let names: Vec<&str> = Task::TABLE.iter().map(|(_, name)| *name).collect();
        mistake("task", format_args!("`{named}` is none of {}", names.join(", ")))
    })?;
    let row = Row {
        id: wanted_text(&raw, "id")?.to_owned(),
        set: optional_text(&raw, "set")?.unwrap_or(task.as_str()).to_owned(),
        task,
        language: optional_text(&raw, "lang")?.unwrap_or("en").to_owned(),
        documents: documents(&raw, folder, choice)?,
        question: optional_text(&raw, "question")?.unwrap_or_default().to_owned(),
        choices: texts(&raw, "choices")?,
        history: history(&raw)?,
        schema: json_or_path(&raw, "schema", folder)?,
        expected: json_or_path(&raw, "expected", folder)?,
        raw,
    };
    check_task(&row)?;
    Ok(row)
}

/// What the task needs beyond the form.
fn check_task(row: &Row) -> Result<(), Mistake> {
    let asks = matches!(row.task, Task::Qa | Task::Dialog | Task::Reason | Task::Code);
    if asks && row.question.trim().is_empty() {
        return Err(mistake("question", "a question is needed"));
    }
    let reads = matches!(row.task, Task::Qa | Task::Extract | Task::Robust);
    if reads && row.documents.is_empty() {
        return Err(mistake("documents", "at least one document is needed"));
    }
    match row.task {
        Task::Qa if row.answers().is_empty() && row.flag("answerable", true) => Err(mistake(
            "answers",
            "give the right answers, or set `answerable` to false",
        )),
        Task::Dialog | Task::Reason if row.answers().is_empty() => {
            Err(mistake("answers", "the right answer is needed"))
        }
        Task::Dialog if row.text("answerability").is_empty() => Err(mistake(
            "answerability",
            "ANSWERABLE, PARTIAL, UNDERSPECIFIED or UNANSWERABLE is needed",
        )),
        Task::Extract | Task::JsonSchema if row.schema.is_none() => Err(mistake(
            "schema",
            "a schema is needed, here or in the file of `schema_path`",
        )),
        Task::Extract => check_expected(row),
        Task::Code if row.text("entry_point").is_empty() => {
            Err(mistake("entry_point", "the function's name is needed"))
        }
        Task::Code if row.text("test").is_empty() => Err(mistake(
            "test",
            "a program that defines `check(candidate)` is needed",
        )),
        _ => Ok(()),
    }
}

fn check_expected(row: &Row) -> Result<(), Mistake> {
    let Some(expected) = &row.expected else {
        return Err(mistake(
            "expected",
            "the right values are needed, here or in the file of `expected_path`",
        ));
    };
    for key in texts(&row.raw, "scored_fields")? {
        if expected.get(&key).is_none() {
            return Err(mistake(
                "scored_fields",
                format_args!("`{key}` is not in `expected`"),
            ));
        }
    }
    Ok(())
}

fn wanted_text<'a>(row: &'a Map<String, Value>, field: &str) -> Result<&'a str, Mistake> {
    optional_text(row, field)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| mistake(field, "a text is needed"))
}

fn optional_text<'a>(row: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, Mistake> {
    match row.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(mistake(
            field,
            format_args!("a text is needed, not {}", kind(other)),
        )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn list<'a>(row: &'a Map<String, Value>, field: &str) -> Result<&'a [Value], Mistake> {
    match row.get(field) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(other) => Err(mistake(
            field,
            format_args!("a list is needed, not {}", kind(other)),
        )),
    }
}

fn texts(row: &Map<String, Value>, field: &str) -> Result<Vec<String>, Mistake> {
    Ok(list(row, field)?.iter().map(python::to_text).collect())
}

fn documents(
    row: &Map<String, Value>,
    folder: &Path,
    choice: DocumentChoice,
) -> Result<Vec<RowDocument>, Mistake> {
    if choice == DocumentChoice::Long
        && let Some(long) = row.get("long_document")
    {
        let path = existing(long.get("path"), folder, "long_document.path")?;
        let doc_id = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        return Ok(vec![RowDocument {
            name: doc_id.clone(),
            doc_id,
            content: DocumentContent::File(path),
        }]);
    }
    let documents = list(row, "documents")?.iter().enumerate();
    documents
        .map(|(index, document)| read_document(document, index, folder, choice))
        .collect()
}

fn read_document(
    document: &Value,
    index: usize,
    folder: &Path,
    choice: DocumentChoice,
) -> Result<RowDocument, Mistake> {
    let field = |name: &str| format!("documents[{index}].{name}");
    let text_of = |name: &str| document.get(name).and_then(Value::as_str);
    let doc_id = text_of("doc_id").ok_or_else(|| mistake(&field("doc_id"), "a text is needed"))?;
    let plain = (choice == DocumentChoice::Text)
        .then(|| document.get("text_path"))
        .flatten();
    let content = match (text_of("text"), plain) {
        (_, Some(plain)) => DocumentContent::File(existing(Some(plain), folder, &field("text_path"))?),
        (Some(text), None) => DocumentContent::Text(text.to_owned()),
        (None, None) => DocumentContent::File(existing(document.get("path"), folder, &field("path"))?),
    };
    let name = match (text_of("title"), &content) {
        (Some(title), _) if !title.is_empty() => title.to_owned(),
        (_, DocumentContent::File(path)) => file_name(path),
        _ => file_name(Path::new(doc_id)),
    };
    Ok(RowDocument {
        doc_id: doc_id.to_owned(),
        name,
        content,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A file inside the set's folder.
fn existing(path: Option<&Value>, folder: &Path, field: &str) -> Result<PathBuf, Mistake> {
    let Some(path) = path.and_then(Value::as_str) else {
        return Err(mistake(field, "a path, or `text` beside it, is needed"));
    };
    let path = folder.join(path);
    match path.is_file() {
        true => Ok(path),
        false => Err(mistake(
            field,
            format_args!("there is no file {}", path.display()),
        )),
    }
}

/// The member itself, or the content of the file that `MEMBER_path` names.
fn json_or_path(row: &Map<String, Value>, field: &str, folder: &Path) -> Result<Option<Value>, Mistake> {
    if let Some(value) = row.get(field).filter(|value| !value.is_null()) {
        return Ok(Some(value.clone()));
    }
    let in_file = format!("{field}_path");
    let Some(path) = row.get(&in_file).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let path = existing(Some(path), folder, &in_file)?;
    let text = std::fs::read_to_string(&path).map_err(|error| mistake(&in_file, error))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| mistake(&in_file, format_args!("{} is no JSON: {error}", path.display())))?;
    Ok(Some(match value.get("schema_definition") {
        Some(inner) if field == "schema" => inner.clone(),
        _ => value,
    }))
}

fn history(row: &Map<String, Value>) -> Result<Vec<Turn>, Mistake> {
    let turns = list(row, "history")?.iter().enumerate();
    turns
        .map(|(index, turn)| {
            let text_of = |name: &str| turn.get(name).and_then(Value::as_str);
            let field = |name: &str| format!("history[{index}].{name}");
            let by_person = match text_of("role") {
                Some("user") => true,
                Some("assistant") => false,
                _ => return Err(mistake(&field("role"), "`user` or `assistant` is needed")),
            };
            let text = text_of("content").ok_or_else(|| mistake(&field("content"), "a text is needed"))?;
            Ok(Turn {
                by_person,
                text: text.to_owned(),
            })
        })
        .collect()
}
