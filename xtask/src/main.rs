//! What only developers run: `cargo xtask tidy`, `cargo xtask conformance`.
//!
//! `tidy` holds the rules of CONTRIBUTING.md that neither the compiler nor clippy checks; `make lint` calls it.
//! `conformance` writes `docs/conformance.md`.

mod conformance;

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Lines that a source file may have.
const LONGEST_FILE: usize = 640;

/// Libraries that only the named crates may list under `[dependencies]`.
const KEPT_UNDER: [(&str, &[&str]); 11] = [
    ("axum", &["boxwood-server", "boxwood-test"]),
    ("reqwest", &["boxwood-models", "boxwood-test", "boxwood-eval"]),
    ("jsonschema", &["boxwood-eval"]),
    ("sqlx", &["boxwood-store"]),
    ("llama-cpp-2", &["boxwood-local"]),
    ("llguidance", &["boxwood-local"]),
    ("hayro", &["boxwood-ingest"]),
    ("rten", &["boxwood-ingest"]),
    ("calamine", &["boxwood-ingest"]),
    ("landlock", &["boxwood-cage"]),
    ("seccompiler", &["boxwood-cage"]),
];

#[expect(
    clippy::print_stderr,
    reason = "a developer's tool says what is wrong on standard error"
)]
fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let result = match task.as_deref() {
        Some("tidy") => repository().and_then(|root| tidy(&root)),
        Some("conformance") => repository().and_then(|root| write_conformance(&root)),
        _ => Err(anyhow::anyhow!("usage: cargo xtask tidy|conformance")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout that cargo runs this for. Asked at run time: clones share one target folder, so that a path from compile
/// time may name another clone.
fn repository() -> anyhow::Result<PathBuf> {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").context("run this by `cargo xtask`")?;
    let root = Path::new(&own).parent().map(Path::to_owned);
    root.context("the folder of xtask has no parent")
}

fn tidy(root: &Path) -> anyhow::Result<()> {
    let mut mistakes = Vec::new();
    let mut files = Vec::new();
    collect(&root.join("crates"), &mut files)?;
    collect(&root.join("xtask"), &mut files)?;
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let shown = file.strip_prefix(root).unwrap_or(file).display();
        match file.file_name().and_then(|name| name.to_str()) {
            Some("Cargo.toml") => check_manifest(&text, &shown.to_string(), &mut mistakes),
            _ => check_source(&text, &shown.to_string(), &mut mistakes),
        }
    }
    let document = root.join(conformance::DOCUMENT);
    if std::fs::read_to_string(document).unwrap_or_default() != conformance::render(root)? {
        let document = conformance::DOCUMENT;
        mistakes.push(format!("{document}: stale; run `cargo xtask conformance`"));
    }
    if mistakes.is_empty() {
        Ok(())
    } else {
        bail!("{}", mistakes.join("\n"))
    }
}

fn write_conformance(root: &Path) -> anyhow::Result<()> {
    std::fs::write(root.join(conformance::DOCUMENT), conformance::render(root)?)
        .with_context(|| format!("{} can't be written", conformance::DOCUMENT))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "fixtures" {
                collect(&path, files)?;
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            files.push(path);
        }
    }
    Ok(())
}

fn check_source(text: &str, shown: &str, mistakes: &mut Vec<String>) {
    if !text.starts_with("//!") {
        mistakes.push(format!(
            "{shown}: a file opens with //! (what it is for, its invariant, who calls it)"
        ));
    }
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        mistakes.push(format!(
            "{shown}: {lines} lines; split it (at most {LONGEST_FILE})"
        ));
    }
}

fn check_manifest(text: &str, shown: &str, mistakes: &mut Vec<String>) {
    let crate_name = text
        .lines()
        .find_map(|line| line.strip_prefix("name = "))
        .unwrap_or("")
        .trim_matches('"');
    let mut section = "";
    for line in text.lines() {
        if line.starts_with('[') {
            section = line;
        }
        if section != "[dependencies]" {
            continue;
        }
        let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
        for (library, owners) in KEPT_UNDER {
            if dependency == library && !owners.contains(&crate_name) {
                mistakes.push(format!("{shown}: {library} stays under {}", owners.join(", ")));
            }
        }
    }
}
