//! Runs a written function against its tests, in a process that is locked in ([`crate::cage`]).
//!
//! Invariant: a program counts as passed only when its last line says that it came to its end; ending early with a good
//! status is a failure. Called by the run for sets of task `code`.

use crate::cage::CageArguments;
use crate::error::EvalError;
use crate::predictions::Prediction;
use crate::rows::Row;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// Processor seconds of one program.
const SECONDS: u64 = 10;
/// Waiting beyond the processor time, for programs that sleep.
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory of one program.
const MEMORY: u64 = 512 << 20;
/// Output that is read.
const OUTPUT: u64 = 64 << 10;
/// Characters of a failure that are kept.
const FAILURE: usize = 400;

/// Starts caged programs.
#[derive(Debug, Clone)]
pub struct ProgramRunner {
    helper: PathBuf,
    arguments: CageArguments,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramEnd {
    /// Its tests passed.
    Passed,
    /// Why they did not.
    Failed(String),
}

impl ProgramRunner {
    /// Finds Python; `helper` is a program whose verb [`crate::cage::VERB`] is [`crate::cage::main`].
    ///
    /// # Errors
    /// [`EvalError::Target`] where there is no Python.
    pub async fn find(helper: PathBuf) -> Result<Self, EvalError> {
        let missing = |why: &str| EvalError::Target {
            message: format!("programs can't be run: {why}; install python3"),
        };
        // The file itself: what the path finds may be a script that starts it, which the cage would not let through.
        let asked = Command::new("python3")
            .args([
                "-I",
                "-c",
                "import sys; print(sys.executable); print(sys.base_prefix)",
            ])
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| missing(&format!("python3 can't be started ({error})")))?;
        let told = String::from_utf8_lossy(&asked.stdout).into_owned();
        let mut lines = told.lines();
        let (Some(python), Some(prefix), true) = (lines.next(), lines.next(), asked.status.success()) else {
            return Err(missing("python3 does not say where it is"));
        };
        let python = std::fs::canonicalize(python).map_err(EvalError::file("read", python))?;
        Ok(Self {
            helper,
            arguments: CageArguments {
                python,
                prefix: prefix.into(),
                seconds: SECONDS,
                memory: MEMORY,
            },
        })
    }

    /// The same with another limit of processor time.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        self.arguments.seconds = seconds;
        self
    }

    /// Runs the program of a prediction and notes how it went.
    ///
    /// # Errors
    /// [`EvalError::Target`] when no program can be started at all.
    pub async fn judge(&self, row: &Row, prediction: &mut Prediction) -> Result<(), EvalError> {
        let answer = prediction.answer.as_str().unwrap_or_default();
        let end = match answer.trim().is_empty() {
            true => ProgramEnd::Failed("there is no program".to_owned()),
            false => self.run(&assembled(row, answer)).await?,
        };
        (prediction.passed, prediction.failure) = match end {
            ProgramEnd::Passed => (Some(true), None),
            ProgramEnd::Failed(why) => (Some(false), Some(why)),
        };
        Ok(())
    }

    /// Runs a program to its end, or to its limits.
    ///
    /// # Errors
    /// [`EvalError::Target`] when it can't be started.
    pub async fn run(&self, program: &str) -> Result<ProgramEnd, EvalError> {
        let failed = |error: std::io::Error| EvalError::Target {
            message: format!("a program can't be run: {error}"),
        };
        let mark = format!("passed {}", hex::encode(&Sha256::digest(program)[..8]));
        let child = Command::new(&self.helper)
            .args(self.arguments.to_arguments())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let text = format!("{program}\nprint()\nprint('{mark}')\n");
        match tokio::time::timeout(PATIENCE, attend(child, &text)).await {
            Err(_) => Ok(ProgramEnd::Failed(format!(
                "it did not end within {} s",
                PATIENCE.as_secs()
            ))),
            Ok(Err(error)) => Err(failed(error)),
            Ok(Ok(ended)) => Ok(self.end_of(&ended, &mark)),
        }
    }

    fn end_of(&self, ended: &Ended, mark: &str) -> ProgramEnd {
        use std::os::unix::process::ExitStatusExt;
        let status = ended.status;
        let came_to_its_end = ended.output.trim_end().lines().last() == Some(mark);
        if status.success() && came_to_its_end {
            return ProgramEnd::Passed;
        }
        let said = ended.errors.trim_end().lines().last().unwrap_or_default().trim();
        let why = match (status.signal(), said) {
            (Some(libc::SIGXCPU | libc::SIGKILL), _) => {
                format!("it used up its {} s", self.arguments.seconds)
            }
            (Some(signal), _) => format!("it was ended by signal {signal}"),
            (None, "") if status.success() => "it ended before its tests did".to_owned(),
            (None, "") => "it failed without words".to_owned(),
            (None, said) => said.chars().take(FAILURE).collect(),
        };
        ProgramEnd::Failed(why)
    }
}

/// A process that ended.
struct Ended {
    status: ExitStatus,
    output: String,
    errors: String,
}

/// Feeds the program and reads what it says; too much is cut off.
async fn attend(mut child: Child, text: &str) -> std::io::Result<Ended> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async move {
        if let Some(mut input) = input {
            // A program that ends before it was read is judged by its status.
            let _ended_early = input.write_all(text.as_bytes()).await;
        }
    };
    let (_, output, errors) = tokio::join!(feed, read_end(output), read_end(errors));
    Ok(Ended {
        status: child.wait().await?,
        output: output?,
        errors: errors?,
    })
}

/// Reads everything and keeps the end of it.
async fn read_end(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut stream) = stream else {
        return Ok(String::new());
    };
    let mut kept = Vec::new();
    loop {
        let read = (&mut stream).take(OUTPUT).read_to_end(&mut kept).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        let limit = usize::try_from(OUTPUT).unwrap_or(usize::MAX);
        kept.drain(..kept.len().saturating_sub(limit));
    }
}

/// The whole program: what was given, what was written, the tests, the call of the tests.
fn assembled(row: &Row, answer: &str) -> String {
    let entry = row.text("entry_point");
    let answer = without_fence(answer);
    let has_function = answer
        .lines()
        .filter_map(|line| line.strip_prefix("def ")?.trim_start().strip_prefix(entry))
        .any(|rest| rest.trim_start().starts_with('('));
    // The beginning ends with a doc string, so it is a whole function also where a new one follows.
    let joint = if has_function { "\n\n" } else { "" };
    let (question, test) = (&row.question, row.text("test"));
    format!("{question}{joint}{answer}\n\n{test}\n\ncheck({entry})\n")
}

/// The content of the last fenced block, also of one that was not closed; the whole text where there is none.
fn without_fence(answer: &str) -> &str {
    let fences: Vec<usize> = answer.match_indices("```").map(|(place, _)| place).collect();
    let (open, close) = match fences.as_slice() {
        [] => return answer,
        [.., open] if fences.len() % 2 == 1 => (*open, answer.len()),
        [.., open, close] => (*open, *close),
        [open] => (*open, answer.len()),
    };
    // The first line names the language.
    answer[open + 3..close]
        .split_once('\n')
        .map_or("", |(_, program)| program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{DataSet, DocumentChoice};

    fn row() -> Row {
        let line = serde_json::json!({"id": "1", "task": "code", "entry_point": "twice",
            "question": "def twice(x):\n    \"\"\"Twice.\"\"\"\n", "test": "def check(candidate):\n    assert candidate(2) == 4\n"});
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dev.jsonl"), line.to_string()).unwrap();
        DataSet::read(folder.path(), "dev", DocumentChoice::Given)
            .unwrap()
            .rows
            .remove(0)
    }

    #[test]
    fn programs_are_taken_whole_or_as_a_body() {
        let head = "def twice(x):\n    \"\"\"Twice.\"\"\"\n";
        let tail = "\n\ndef check(candidate):\n    assert candidate(2) == 4\n\n\ncheck(twice)\n";
        for (answer, middle) in [
            ("    return 2 * x", "    return 2 * x"),
            (
                "def twice(x):\n    return 2 * x",
                "\n\ndef twice(x):\n    return 2 * x",
            ),
            (
                "So:\n```python\ndef twice(x):\n    return 2 * x\n```\nDone.",
                "\n\ndef twice(x):\n    return 2 * x\n",
            ),
            ("```\n    return 2 * x\n```", "    return 2 * x\n"),
            ("```python\n    return 2 * x", "    return 2 * x"),
        ] {
            assert_eq!(
                assembled(&row(), answer),
                format!("{head}{middle}{tail}"),
                "{answer}"
            );
        }
    }
}
