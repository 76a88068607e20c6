//! Where programs of a model run: a process of its own for each, which has locked itself in (`boxwood-calculate`).
//!
//! Invariant: a program gets the values that it is handed and nothing else; it ends within its time, and its output
//! has an end. What it prints is data, never an instruction. Called by the methods that compute.

use super::tables::Place;
use boxwood_ingest::WorkerCommand;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

/// Name of the program beside this one.
const PROGRAM: &str = "boxwood-calculate";
/// Time that one program may compute.
const PROGRAM_TIME: Duration = Duration::from_secs(3);
/// Time on top for starting and ending.
const MARGIN: Duration = Duration::from_secs(7);
/// Largest answer of the process.
const MAX_REPLY_BYTES: u64 = 1 << 20;
/// Output that the model is shown.
const MAX_SHOWN_CHARACTERS: usize = 2_000;

/// Runs programs. Cheap to clone; starts nothing until it is used.
#[derive(Clone)]
pub struct Sandbox {
    command: WorkerCommand,
    permits: Arc<Semaphore>,
    /// After so long the process is ended from outside.
    patience: Duration,
}

/// What a program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ran {
    /// What it printed.
    pub output: String,
    /// Why it ended early, as Python words it.
    pub error: Option<String>,
    /// Cells of the value `tables` that it read by their labels.
    pub cells: Vec<Place>,
}

/// Why no program can be run at all.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The process can't be started or talked to.
    #[error("the process that runs calculations failed: {0}")]
    Process(#[from] io::Error),
}

#[derive(Serialize)]
struct Job<'a> {
    program: &'a str,
    values: &'a Map<String, Value>,
    milliseconds: u64,
}

#[derive(Deserialize)]
struct Reply {
    output: String,
    error: Option<String>,
    #[serde(default)]
    cells: Vec<Place>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("program", &self.command.program)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// The sandbox whose program stands beside this one; `None` where it was not built or installed.
    pub fn beside_this_program() -> Option<Self> {
        let own = std::env::current_exe().ok()?;
        // Programs of tests and examples stand one folder deeper.
        let folders = own.ancestors().skip(1).take(2);
        let program = folders
            .map(|folder| folder.join(PROGRAM))
            .find(|program| program.is_file())?;
        Some(Self::new(program))
    }

    /// A sandbox of this program.
    pub fn new(program: PathBuf) -> Self {
        Self::with_command(WorkerCommand {
            program,
            arguments: Vec::new(),
        })
    }

    /// A sandbox of this command, which takes a job on its standard input.
    pub fn with_command(command: WorkerCommand) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            command,
            permits: Arc::new(Semaphore::new(cores.clamp(1, 8))),
            patience: PROGRAM_TIME + MARGIN,
        }
    }

    /// Runs a program with values under their names. Of a long output the end is kept, as a model is shown it.
    ///
    /// # Errors
    /// [`SandboxError`] where no program can be run; a program's own mistakes stand in [`Ran::error`].
    pub(super) async fn run(&self, program: &str, values: &Map<String, Value>) -> Result<Ran, SandboxError> {
        let ran = self.run_whole(program, values).await?;
        Ok(Ran {
            output: shortened(ran.output),
            ..ran
        })
    }

    /// [`Sandbox::run`] with all of the output that the process gives.
    ///
    /// # Errors
    /// As [`Sandbox::run`].
    pub(super) async fn run_whole(
        &self,
        program: &str,
        values: &Map<String, Value>,
    ) -> Result<Ran, SandboxError> {
        let _permit = self.permits.acquire().await.map_err(io::Error::other)?;
        let job = Job {
            program,
            values,
            milliseconds: u64::try_from(PROGRAM_TIME.as_millis()).unwrap_or(u64::MAX),
        };
        let job = serde_json::to_vec(&job).map_err(io::Error::other)?;
        match tokio::time::timeout(self.patience, self.process(job)).await {
            Ok(ran) => Ok(ran?),
            Err(_) => Ok(ended("TimeoutError: the program took too long")),
        }
    }

    async fn process(&self, job: Vec<u8>) -> io::Result<Ran> {
        let mut child = tokio::process::Command::new(&self.command.program)
            .args(&self.command.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a pipe is missing"));
        };
        // A process that ended early closes its pipe; its reply, or the lack of one, tells why.
        let _ = input.write_all(&job).await;
        drop(input);
        let mut bytes = Vec::new();
        output.take(MAX_REPLY_BYTES).read_to_end(&mut bytes).await?;
        let status = child.wait().await?;
        if bytes.is_empty() {
            return match status.code() {
                Some(_) => Err(io::Error::other(format!("it ended with {status} and no reply"))),
                None => Ok(ended("MemoryError: the program used too much memory or time")),
            };
        }
        let reply: Reply = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        Ok(Ran {
            output: reply.output,
            error: reply.error.map(shortened),
            cells: reply.cells,
        })
    }
}

fn ended(error: &str) -> Ran {
    Ran {
        output: String::new(),
        error: Some(error.to_owned()),
        cells: Vec::new(),
    }
}

/// The end of a long output: results are printed last.
fn shortened(text: String) -> String {
    let characters = text.chars().count();
    if characters <= MAX_SHOWN_CHARACTERS {
        return text;
    }
    text.chars().skip(characters - MAX_SHOWN_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Sandbox {
        Sandbox::with_command(WorkerCommand {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
        })
    }

    async fn run(script: &str) -> Result<Ran, SandboxError> {
        shell(script).run("print(1)", &Map::new()).await
    }

    #[tokio::test]
    async fn a_reply_a_death_and_nonsense_are_told_apart() {
        let replied = run(r#"cat > /dev/null; echo '{"output":"42","error":null,"cells":[[0,2,1]]}'"#)
            .await
            .unwrap();
        assert_eq!((replied.output.as_str(), replied.error), ("42", None));
        assert_eq!(replied.cells, [[0, 2, 1]]);
        let killed = run("kill -9 $$").await.unwrap();
        assert!(killed.error.unwrap().starts_with("MemoryError"));
        assert!(run("cat > /dev/null; echo nonsense").await.is_err());
        assert!(run("exit 3").await.is_err());
        assert!(
            Sandbox::new("/nowhere".into())
                .run("", &Map::new())
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn the_program_gets_its_job_and_no_environment() {
        let ran = run(r#"job=$(cat); case "$job" in *'print(1)'*) echo "{\"output\":\"${HOME:-none}\",\"error\":null}";; esac"#)
            .await
            .unwrap();
        assert_eq!(ran.output, "none");
    }

    #[tokio::test]
    async fn a_process_that_does_not_end_is_ended() {
        let mut sandbox = shell("sleep 100");
        sandbox.patience = Duration::from_millis(200);
        let ran = sandbox.run("print(1)", &Map::new()).await.unwrap();
        assert!(ran.error.unwrap().starts_with("TimeoutError"));
    }
}
