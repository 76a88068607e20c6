//! Runs every file of a directory through the real worker pool and prints what became of it.
//!
//! `cargo run --release -p boxwood-ingest --example robustness -- DIRECTORY [OCR-MODELS-DIRECTORY]`

#![expect(clippy::print_stdout, reason = "a measuring program for people")]

use boxwood_ingest::{IngestConfig, IngestError, Ingestor, OcrConfig, ParseError, ParseReport};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Summary {
    parsed: usize,
    refused: usize,
    limits: usize,
    crashes: usize,
    slowest: f64,
    largest: u64,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next() else {
        println!("usage: robustness DIRECTORY [OCR-MODELS-DIRECTORY]");
        return ExitCode::FAILURE;
    };
    if directory == "ingest-worker" {
        return boxwood_ingest::worker_main();
    }
    let models = arguments.next().map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(Path::new(&directory), models))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{directory}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(directory: &Path, models_dir: Option<PathBuf>) -> std::io::Result<()> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let ingestor = Ingestor::new(IngestConfig {
        workers: 1,
        ocr: OcrConfig {
            models_dir,
            ..OcrConfig::default()
        },
        ..IngestConfig::default()
    });
    let mut summary = Summary::default();
    println!("| file | detected | outcome | seconds | peak MB |");
    println!("|---|---|---|---|---|");
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (result, report) = ingestor
            .parse_observed(path, &name, CancellationToken::new(), &|_| ())
            .await;
        let outcome = summary.count(result, &report);
        println!(
            "| {name} | {} | {} | {:.2} | {} |",
            report.detected.as_deref().unwrap_or("-"),
            outcome.replace(['\n', '|'], " "),
            report.elapsed.as_secs_f64(),
            report.peak_memory_bytes >> 20
        );
    }
    println!(
        "\n{} files: {} parsed, {} refused, {} over a limit, {} crashes; slowest {:.1} s, largest worker {} MB",
        files.len(),
        summary.parsed,
        summary.refused,
        summary.limits,
        summary.crashes,
        summary.slowest,
        summary.largest >> 20
    );
    Ok(())
}

impl Summary {
    fn count(&mut self, result: Result<boxwood_core::Document, IngestError>, report: &ParseReport) -> String {
        self.slowest = self.slowest.max(report.elapsed.as_secs_f64());
        self.largest = self.largest.max(report.peak_memory_bytes);
        match result {
            Ok(document) => {
                self.parsed += 1;
                let notes: Vec<&str> = document.notes.iter().map(|note| note.message.as_str()).collect();
                let pages = document.pages.len();
                let characters = document.text.chars().count();
                let notes: String = notes.join("; ").chars().take(160).collect();
                format!("parsed: {pages} pages, {characters} characters; {notes}")
            }
            Err(error) => {
                match error {
                    IngestError::File(ParseError::LimitReached { .. }) => self.limits += 1,
                    IngestError::WorkerCrashed { .. } => self.crashes += 1,
                    _ => self.refused += 1,
                }
                let text = error.to_string();
                let text = text.split("; supported are").next().unwrap_or_default();
                format!("refused: {text}")
            }
        }
    }
}
