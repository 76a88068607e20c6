//! The real worker process: limits end it, a crash costs one file, and the pool goes on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use boxwood_core::Document;
use boxwood_ingest::{
    IngestConfig, IngestError, IngestLimits, Ingestor, OcrConfig, OcrEngine, ParseError, PictureRequest,
    WorkerCommand,
};
use std::io::Write;
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

fn config(change: impl FnOnce(&mut IngestConfig)) -> IngestConfig {
    let mut config = IngestConfig {
        worker_command: Some(WorkerCommand {
            program: env!("CARGO_BIN_EXE_boxwood-ingest-worker").into(),
            arguments: Vec::new(),
        }),
        workers: 2,
        ocr: OcrConfig {
            engine: OcrEngine::Off,
            ..OcrConfig::default()
        },
        ..IngestConfig::default()
    };
    change(&mut config);
    config
}

fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

async fn parse(ingestor: &Ingestor, content: &[u8]) -> Result<Document, IngestError> {
    let file = file(content);
    ingestor
        .parse(file.path(), "a.txt", CancellationToken::new())
        .await
}

/// Nesting that makes the HTML reader look through all open elements at each further one.
fn slow_page() -> Vec<u8> {
    format!("<!DOCTYPE html>{}", "<div>".repeat(400_000)).into_bytes()
}

/// JSON whose values take far more memory than their text.
fn greedy_json() -> Vec<u8> {
    format!("[{}0]", "[],".repeat(8_000_000)).into_bytes()
}

fn limit_of(result: Result<Document, IngestError>) -> String {
    match result {
        Err(IngestError::File(ParseError::LimitReached { which, .. })) => which,
        other => panic!("no limit but {other:?}"),
    }
}

#[tokio::test]
async fn files_are_parsed_by_content_and_workers_are_reused() {
    let ingestor = Ingestor::new(config(|config| config.workers = 1));
    let document = parse(&ingestor, b"<!DOCTYPE html><html><h1>Title</h1><p>Text</html>")
        .await
        .unwrap();
    assert_eq!(document.text, "Title\nText\n");
    for _ in 0..100 {
        let document = parse(&ingestor, "größer\nals".as_bytes()).await.unwrap();
        assert_eq!(document.text, "größer\nals\n");
    }
    assert!(matches!(
        parse(&ingestor, b"").await,
        Err(IngestError::File(ParseError::Empty))
    ));
    let error = parse(&ingestor, b"ID3\x03....").await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("an MP3 sound file can't be read; supported are PDF, DOCX"),
        "{error}"
    );
    let missing = ingestor
        .parse("/nonexistent".as_ref(), "a", CancellationToken::new())
        .await;
    assert!(matches!(missing, Err(IngestError::Io { .. })));
}

#[tokio::test]
async fn memory_ends_at_its_limit_and_the_pool_goes_on() {
    let limits = IngestLimits {
        memory_bytes: 192 << 20,
        ..IngestLimits::default()
    };
    let ingestor = Ingestor::new(config(|config| config.limits = limits));
    assert_eq!(limit_of(parse(&ingestor, &greedy_json()).await), "memory");
    assert_eq!(
        parse(&ingestor, b"still here").await.unwrap().text,
        "still here\n"
    );
}

#[tokio::test]
async fn processor_time_ends_at_its_limit() {
    let limits = IngestLimits {
        cpu_seconds: 1,
        ..IngestLimits::default()
    };
    let ingestor = Ingestor::new(config(|config| config.limits = limits));
    let started = Instant::now();
    assert_eq!(limit_of(parse(&ingestor, &slow_page()).await), "CPU time");
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(
        parse(&ingestor, b"still here").await.unwrap().text,
        "still here\n"
    );
}

#[tokio::test]
async fn the_wall_clock_ends_a_worker_that_waits() {
    let limits = IngestLimits {
        wall_seconds: 1,
        ..IngestLimits::default()
    };
    let ingestor = Ingestor::new(config(|config| config.limits = limits));
    assert_eq!(limit_of(parse(&ingestor, &slow_page()).await), "time");
}

#[tokio::test]
async fn a_crash_costs_one_file() {
    let script = |script: &str| {
        Ingestor::new(config(|config| {
            config.worker_command = Some(WorkerCommand {
                program: "/bin/sh".into(),
                arguments: vec!["-c".into(), script.into()],
            });
        }))
    };
    for (program, words) in [
        ("echo last words >&2; kill -SEGV $$", "signal 11: last words"),
        ("exit 3", "exit status 3"),
    ] {
        match parse(&script(program), b"text").await {
            Err(IngestError::WorkerCrashed { detail }) => assert!(detail.contains(words), "{detail}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn pages_are_painted_by_a_worker_that_goes_on_parsing() {
    let ingestor = Ingestor::new(config(|config| config.workers = 1));
    let request = PictureRequest { most: 5, side: 200 };
    let lease = file(include_bytes!("../../../samples/lease-contract.pdf"));
    let pictures = ingestor
        .pictures(lease.path(), "lease.pdf", request, CancellationToken::new())
        .await
        .unwrap();
    assert!(
        pictures
            .iter()
            .all(|picture| picture.height == 200 && picture.jpeg.starts_with(b"\xff\xd8"))
    );
    assert_eq!(
        pictures.iter().map(|picture| picture.page).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let words = file(b"only words");
    let refused = ingestor
        .pictures(words.path(), "a.txt", request, CancellationToken::new())
        .await;
    assert!(matches!(
        refused,
        Err(IngestError::File(ParseError::Unsupported { .. }))
    ));
    assert_eq!(
        parse(&ingestor, b"still here").await.unwrap().text,
        "still here\n"
    );
}

#[tokio::test]
async fn cancelling_ends_the_work_at_once() {
    let ingestor = Ingestor::new(config(|_| ()));
    let cancel = CancellationToken::new();
    let slow = file(&slow_page());
    let canceller = cancel.clone();
    let started = Instant::now();
    let (result, ()) = tokio::join!(ingestor.parse(slow.path(), "a", cancel), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        canceller.cancel();
    });
    assert!(matches!(result, Err(IngestError::Cancelled)), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn many_files_share_the_workers() {
    let ingestor = Ingestor::new(config(|_| ()));
    let tasks = (0..40).map(|number| {
        let ingestor = ingestor.clone();
        tokio::spawn(async move { parse(&ingestor, format!("file {number}").as_bytes()).await })
    });
    for (number, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(task.await.unwrap().unwrap().text, format!("file {number}\n"));
    }
}
