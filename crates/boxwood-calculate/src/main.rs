//! Runs one Python program that a model wrote, and ends.
//!
//! A job comes as JSON on standard input, its outcome goes as JSON to standard output: `boxwood-answer` starts one
//! process a program (`reason/sandbox.rs`), so nothing of one program can reach another. Invariant: the process has
//! locked itself in before the program is looked at; what it can't end by itself (memory, processor time), the kernel
//! ends, and the parent after its own time limit.

mod confine;
mod console;
mod interpreter;
mod prepare;

use interpreter::{Outcome, Patience};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

/// Memory of the whole process.
const MEMORY_BYTES: u64 = 256 << 20;
/// The interpreter's stack, part of the memory.
const STACK_BYTES: usize = 64 << 20;
/// The largest job.
const MAX_JOB_BYTES: u64 = 4 << 20;
/// The longest time that a job may ask for.
const MAX_TIME: Duration = Duration::from_secs(20);

/// What is to be run.
#[derive(Debug, Deserialize)]
struct Job {
    /// Python.
    program: String,
    /// Values under their names.
    #[serde(default)]
    values: serde_json::Map<String, serde_json::Value>,
    /// Time that it may take.
    milliseconds: u64,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Reply {
    output: String,
    error: Option<String>,
    /// Cells of the value `tables` that the program read by their labels: table, row, column.
    cells: Vec<[u32; 3]>,
    /// Which protections held.
    sandbox: String,
}

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().take(MAX_JOB_BYTES).read_to_string(&mut text)?;
    let job: Job = serde_json::from_str(&text)?;
    let time = Duration::from_millis(job.milliseconds).min(MAX_TIME);
    let sandbox = confine::confine(MEMORY_BYTES, time.as_secs() + 1);
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || run_caught(&job, time))?
        .join()
        .unwrap_or_else(|_| failure("the interpreter's thread died"));
    let reply = Reply {
        output: outcome.output,
        error: outcome.error,
        cells: outcome.cells,
        sandbox,
    };
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &reply)?;
    output.flush()
}

fn run_caught(job: &Job, time: Duration) -> Outcome {
    let run = || interpreter::run(&job.program, &job.values, Patience::of(time));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| failure("the interpreter can't run this program"))
}

fn failure(words: &str) -> Outcome {
    Outcome {
        output: String::new(),
        error: Some(format!("SystemError: {words}")),
        cells: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
