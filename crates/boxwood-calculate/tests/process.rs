//! The program as `boxwood-answer` starts it: jobs in, outcomes out, and what the kernel ends.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn run(program: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_boxwood-calculate"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_clear()
        .spawn()
        .unwrap();
    let job = json!({"program": program, "values": {}, "milliseconds": 1_000});
    child
        .stdin
        .take()
        .unwrap()
        .write_all(job.to_string().as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn reply(program: &str) -> Value {
    serde_json::from_slice(&run(program).stdout).unwrap()
}

#[test]
fn a_program_is_run_behind_the_sandbox() {
    let reply = reply("print(6 * 7)");
    assert_eq!(reply["output"], "42");
    assert_eq!(reply["error"], Value::Null);
    assert_eq!(reply["cells"], json!([]));
    if cfg!(target_os = "linux") {
        assert_eq!(reply["sandbox"], "resource limits, seccomp");
    }
}

#[test]
fn memory_has_an_end() {
    for program in [
        "x = []\nwhile True:\n    x.append('a' * 1000000)",
        "x = 'a' * (10 ** 10)",
        "x = [0] * (10 ** 10)",
        "x = 10 ** (10 ** 9)",
        "x = [1]\nwhile True:\n    x = x + x",
        "print(str(9 ** 9 ** 8))",
    ] {
        let started = Instant::now();
        let output = run(program);
        assert!(started.elapsed() < Duration::from_secs(10), "{program}");
        // Either the interpreter refuses, or the kernel ends the process.
        if output.status.success() {
            let reply: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(reply["error"].is_string(), "{program}: {reply}");
        }
    }
}

#[test]
fn a_job_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_boxwood-calculate"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
}
