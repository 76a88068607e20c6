//! `boxwood eval` as a user starts it: killed in the middle and started again, mistakes in a set, comparison and reports.

use crate::server::{Running, start_model, stub_config};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Rows of the set.
const ROWS: usize = 24;

struct Bench {
    folder: TempDir,
    _model: Running,
}

impl Bench {
    /// A set whose answers the stub finds, and a configuration of its own.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (model, port) = start_model();
        std::fs::write(folder.path().join("boxwood.toml"), stub_config(port)).unwrap();
        let rows: Vec<String> = (0..ROWS).map(|row| question(row).to_string()).collect();
        std::fs::write(folder.path().join("dev.jsonl"), rows.join("\n")).unwrap();
        Self {
            folder,
            _model: model,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxwood"));
        command
            .args(["--config", "boxwood.toml", "--cache", "cache", "eval"])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed, and gives what it printed.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", words(&output.stderr));
        words(&output.stdout)
    }

    /// Runs what must be refused, and gives the words.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{}", words(&output.stdout));
        words(&output.stderr)
    }
}

fn question(row: usize) -> Value {
    json!({
        "id": format!("row-{row}"), "set": "own", "task": "qa", "question": format!("What is the deposit of flat {row}?"),
        "answers": [format!("The deposit of flat {row} is {} pounds.", 100 + row)],
        "documents": [{"doc_id": "lease", "title": "lease.txt",
                       "text": format!("It has a garden.\nThe deposit of flat {row} is {} pounds.\n", 100 + row)}],
    })
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ids(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_run_that_was_killed_goes_on_and_asks_no_row_twice() {
    let bench = Bench::new();
    let out = bench.path("out.jsonl");
    let mut first = Running(
        bench
            .command(&["dev.jsonl", "--out", "out.jsonl"])
            .spawn()
            .unwrap(),
    );
    let deadline = Instant::now() + Duration::from_secs(120);
    let written = || std::fs::read_to_string(&out).map_or(0, |text| text.lines().count());
    while written() < 2 {
        assert!(Instant::now() < deadline, "no row was answered");
        std::thread::sleep(Duration::from_millis(5));
    }
    first.0.kill().unwrap();
    first.0.wait().unwrap();
    // As if the power had failed in the middle of a line.
    let mut begun = std::fs::read(&out).unwrap();
    assert!(written() < ROWS, "it was killed before its end");
    begun.truncate(begun.len() - 10);
    std::fs::write(&out, begun).unwrap();

    let said = bench.done(&["dev.jsonl", "--out", "out.jsonl"]);
    let expected: Vec<String> = (0..ROWS).map(|row| format!("row-{row}")).collect();
    assert_eq!(ids(&out), expected, "each row once, in order");
    assert!(
        said.contains("own default: f1 100.0 %") && said.contains("over 24 rows, 0 of them failed"),
        "{said}"
    );
    let record: Value = serde_json::from_slice(&std::fs::read(bench.path("out.run.json")).unwrap()).unwrap();
    assert_eq!(
        (&record["set"], record["set_sha256"].as_str().unwrap().len()),
        (&json!("own"), 64)
    );
}

#[test]
fn runs_are_compared_and_reported() {
    let bench = Bench::new();
    bench.done(&["dev.jsonl", "--limit", "3", "--out", "a.jsonl"]);
    bench.done(&[
        "dev.jsonl",
        "--limit",
        "4",
        "--out",
        "b.jsonl",
        "--html",
        "b.html",
    ]);
    let compared = bench.done(&["compare", "a.jsonl", "b.jsonl", "--json"]);
    let compared: Value = serde_json::from_str(&compared).unwrap();
    assert_eq!(
        (&compared["rows"], &compared["difference"], &compared["p_value"]),
        (&json!(3), &json!(0.0), &json!(1.0))
    );
    let said = bench.done(&["report", "a.jsonl", "b.jsonl", "--html", "both.html"]);
    assert!(
        said.contains("over 3 rows") && said.contains("over 4 rows"),
        "{said}"
    );
    for page in ["b.html", "both.html"] {
        assert!(
            std::fs::read_to_string(bench.path(page))
                .unwrap()
                .contains("<h2>Scores</h2>"),
            "{page}"
        );
    }
    let said = bench.refused(&["report", "a.jsonl", "--keep", "reports"]);
    assert!(said.contains("a was run without --effort"), "{said}");
}

#[test]
fn mistakes_are_told_before_anything_is_asked() {
    let bench = Bench::new();
    let wrong = [
        question(0).to_string(),
        json!({"id": "x", "task": "qa", "documents": []}).to_string(),
    ];
    std::fs::write(bench.path("wrong.jsonl"), wrong.join("\n")).unwrap();
    let said = bench.refused(&["wrong.jsonl", "--out", "out.jsonl"]);
    assert!(
        said.contains("wrong.jsonl can't be used") && said.contains("line 2, field `question`"),
        "{said}"
    );
    assert!(!bench.path("out.jsonl").exists());
    bench.done(&["dev.jsonl", "--limit", "1", "--out", "out.jsonl"]);
    let said = bench.refused(&["dev.jsonl", "--documents", "long", "--out", "out.jsonl"]);
    assert!(said.contains("begun with documents given, not long"), "{said}");
    let said = bench.refused(&[
        "dev.jsonl",
        "--server",
        "http://127.0.0.1:9",
        "--out",
        "far.jsonl",
    ]);
    assert!(said.contains("http://127.0.0.1:9 can't be reached"), "{said}");
    let said = bench.refused(&["report", "missing.jsonl"]);
    assert!(
        said.contains("missing.jsonl has no record of its settings"),
        "{said}"
    );
}
