//! A data set: rows with a question (or a schema), documents, and what is right.
//!
//! Invariant: a row that was read can be asked and scored; every mistake is told with its line and field before the first
//! row is asked. Called by the verb and by tests; the form is that of `shared/eval/README.md`.

mod check;

use crate::error::EvalError;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What a row wants to be done; one data set has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// A question about documents; may have no answer in them.
    Qa,
    /// The same as the last turn of a conversation.
    Dialog,
    /// Fields of a document, by a JSON schema.
    Extract,
    /// A value that is valid against a schema.
    JsonSchema,
    /// A problem without documents: a number, a letter, a formula.
    Reason,
    /// A function to be completed.
    Code,
    /// A file that must be read, or refused, without harm.
    Robust,
}

impl Task {
    /// Every task with its name in a row: the one table for reading and printing.
    pub const TABLE: [(Task, &'static str); 7] = [
        (Task::Qa, "qa"),
        (Task::Dialog, "dialog"),
        (Task::Extract, "extract"),
        (Task::JsonSchema, "jsonschema"),
        (Task::Reason, "reason"),
        (Task::Code, "code"),
        (Task::Robust, "robust"),
    ];

    /// The name in a row.
    pub fn as_str(self) -> &'static str {
        let found = Self::TABLE.iter().find(|(task, _)| *task == self);
        found.map_or("", |(_, name)| name)
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let found = Self::TABLE.iter().find(|(_, known)| *known == name);
        found.map(|(task, _)| *task)
    }
}

/// Which text of a row's documents is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DocumentChoice {
    /// As the row gives them.
    #[default]
    Given,
    /// The long text that holds the paragraph (`long_document`), where there is one: for retrieval.
    Long,
    /// The plain text (`text_path`) of a picture or PDF, where there is one.
    Text,
}

impl DocumentChoice {
    /// The name in a run's record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Long => "long",
            Self::Text => "text",
        }
    }
}

/// One document of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowDocument {
    /// The name that `sources` of a prediction use.
    pub doc_id: String,
    /// The file's name for the answering side.
    pub name: String,
    /// Where its content is.
    pub content: DocumentContent,
}

/// Content of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentContent {
    /// Text that stands in the row.
    Text(String),
    /// A file.
    File(PathBuf),
}

/// One turn of a conversation before the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Whether the person spoke, not the assistant.
    pub by_person: bool,
    /// What was said.
    pub text: String,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The row's id; distinct in a set.
    pub id: String,
    /// The set that scoring knows: `"gsm8k"`.
    pub set: String,
    /// What is to be done.
    pub task: Task,
    /// BCP 47 language of the question: `"en"`.
    pub language: String,
    /// The documents.
    pub documents: Vec<RowDocument>,
    /// The question; empty where the task has none.
    pub question: String,
    /// What may be chosen, A first.
    pub choices: Vec<String>,
    /// What was said before.
    pub history: Vec<Turn>,
    /// The schema of an extraction or of a value.
    pub schema: Option<Value>,
    /// What a nested extraction must give.
    pub expected: Option<Value>,
    /// The row as it stands, for scoring.
    pub raw: Map<String, Value>,
}

impl Row {
    /// A member as text, empty where it is missing or no string.
    pub fn text(&self, member: &str) -> &str {
        self.raw.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member as flag, with what it is where it is missing.
    pub fn flag(&self, member: &str, otherwise: bool) -> bool {
        self.raw.get(member).and_then(Value::as_bool).unwrap_or(otherwise)
    }

    /// The answers that are right, as text.
    pub fn answers(&self) -> Vec<String> {
        let answers = self.raw.get("answers").and_then(Value::as_array);
        answers.map_or_else(Vec::new, |answers| {
            answers.iter().map(crate::score::python::to_text).collect()
        })
    }

    /// Part of a set that is scored on its own: the subtask, subset, domain, subject or kind; else the set.
    pub fn group(&self) -> &str {
        [
            "subtask",
            "subset",
            "domain",
            "subject",
            "category",
            "answerability",
            "kind",
        ]
        .into_iter()
        .map(|member| self.text(member))
        .find(|name| !name.is_empty())
        .unwrap_or(&self.set)
    }
}

/// A data set.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// Its name: that of its rows.
    pub name: String,
    /// What all its rows want.
    pub task: Task,
    /// The file of rows.
    pub path: PathBuf,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The rows.
    pub rows: Vec<Row>,
}

impl DataSet {
    /// Reads a set: `place` is a folder with `SPLIT.jsonl`, or such a file.
    ///
    /// # Errors
    /// [`EvalError::File`], or [`EvalError::Rows`] with every mistake.
    pub fn read(place: &Path, split: &str, documents: DocumentChoice) -> Result<Self, EvalError> {
        let path = match place.is_dir() {
            true => place.join(format!("{split}.jsonl")),
            false => place.to_owned(),
        };
        let text = std::fs::read_to_string(&path).map_err(EvalError::file("read", &path))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut mistakes = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        let mut ids = HashSet::new();
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            match check::read_row(line, folder, documents) {
                Ok(row) => {
                    let first = rows.first().unwrap_or(&row);
                    if row.task != first.task {
                        let (own, all) = (row.task.as_str(), first.task.as_str());
                        mistakes.push(format!(
                            "line {}, field `task`: `{own}`, but the set began with `{all}`; one file has one task",
                            index + 1
                        ));
                    }
                    if !ids.insert(row.id.clone()) {
                        mistakes.push(format!(
                            "line {}, field `id`: `{}` is there already",
                            index + 1,
                            row.id
                        ));
                    }
                    rows.push(row);
                }
                Err(mistake) => mistakes.push(format!("line {}, {mistake}", index + 1)),
            }
        }
        let (Some(first), true) = (rows.first(), mistakes.is_empty()) else {
            if mistakes.is_empty() {
                mistakes.push("it has no rows".to_owned());
            }
            return Err(EvalError::Rows { path, mistakes });
        };
        Ok(Self {
            name: first.set.clone(),
            task: first.task,
            sha256: hex::encode(Sha256::digest(text.as_bytes())),
            path,
            rows,
        })
    }

    /// The set with only its first rows.
    #[must_use]
    pub fn first(mut self, rows: usize) -> Self {
        self.rows.truncate(rows);
        self
    }

    /// The set with only the rows that the function wants.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&Row) -> bool) -> Self {
        self.rows.retain(|row| wanted(row));
        self
    }
}

#[cfg(test)]
mod tests;
