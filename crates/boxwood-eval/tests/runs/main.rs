//! Runs from a data set to predictions, in this process and over a server, with a scripted model.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

mod local;
mod server;

use boxwood_core::ChatRequest;
use boxwood_eval::run::{RunEnd, RunOptions, RunProgress, run};
use boxwood_eval::target::Target;
use boxwood_eval::{DataSet, DocumentChoice, EvalError, Prediction, Row};
use boxwood_test::{Script, ScriptedModel};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The program that parses files and cages programs.
const HELPER: &str = env!("CARGO_BIN_EXE_boxwood-eval-helper");

/// A set in a folder of its own.
struct Given {
    folder: TempDir,
    set: DataSet,
}

impl Given {
    fn new(rows: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        std::fs::write(folder.path().join("dev.jsonl"), lines.join("\n")).unwrap();
        let set = DataSet::read(folder.path(), "dev", DocumentChoice::Given).unwrap();
        Self { folder, set }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out.jsonl")
    }

    async fn run(&self, target: &dyn Target) -> Result<RunEnd, EvalError> {
        run(
            &self.set,
            target,
            None,
            &self.options(),
            &Stop::never(),
            &CancellationToken::new(),
        )
        .await
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            out: self.out(),
            retry_errors: false,
            parallel: 1,
        }
    }

    fn ids(&self) -> Vec<String> {
        lines(&self.out())
            .iter()
            .map(|line| line["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The predictions as `score.py` reads them.
fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Questions whose answers stand in their documents.
fn questions() -> Vec<Value> {
    let row = |id: &str, place: &str, question: &str| {
        json!({"id": id, "set": "squad2", "task": "qa", "lang": "en", "question": question, "answers": [place],
        "documents": [
            {"doc_id": format!("{id}/a"), "title": "Weather", "text": "It rained on Monday."},
            {"doc_id": format!("{id}/b"), "title": "Sky", "text": format!("The sun of {id} rises in the {place}.")},
        ]})
    };
    vec![
        row("q1", "east", "Where does the sun of q1 rise?"),
        row("q2", "west", "Where does the sun of q2 rise?"),
        row("q3", "north", "Where does the sun of q3 rise?"),
    ]
}

/// Answers [`questions`].
fn model() -> ScriptedModel {
    let model = ScriptedModel::saying("I cannot tell.");
    model.respond_with(|request: &ChatRequest| {
        let prompt: String = request
            .messages
            .iter()
            .map(|message| message.content.as_str())
            .collect();
        let known = [("q1", "east"), ("q2", "west"), ("q3", "north")];
        let found = known
            .into_iter()
            .find(|(id, _)| prompt.contains(&format!("sun of {id} rise?")));
        found.map(|(id, place)| Script::Says(format!("The sun of {id} rises in the {place}.")))
    });
    model
}

/// Cancels the run after some rows.
struct Stop {
    after: usize,
    seen: AtomicUsize,
    cancel: CancellationToken,
}

impl Stop {
    fn never() -> Self {
        Self::after(usize::MAX, CancellationToken::new())
    }

    fn after(after: usize, cancel: CancellationToken) -> Self {
        Self {
            after,
            seen: AtomicUsize::new(0),
            cancel,
        }
    }
}

impl RunProgress for Stop {
    fn begin(&self, _rows: usize, _done: usize) {}

    fn answered(&self, _row: &Row, _prediction: &Prediction) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.after {
            self.cancel.cancel();
        }
    }
}
