//! Embeds the JSON strings of standard input, one a line, to JSON arrays on standard output; the time goes to standard
//! error. `boxwood-search`'s example `recall` starts it.
//!
//! `cargo run --release -p boxwood-local --example embed_lines -- MODEL_FOLDER CACHE_FOLDER [THREADS]`
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measuring tool: it prints, and stops at the first broken input"
)]

use boxwood_core::Embedder;
use boxwood_local::{MiniLmConfig, MiniLmEmbedder};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut words = std::env::args().skip(1);
    let (Some(model), Some(cache)) = (words.next(), words.next()) else {
        eprintln!("embed_lines MODEL_FOLDER CACHE_FOLDER [THREADS]");
        return;
    };
    let mut config = MiniLmConfig::new(model, cache);
    config.threads = words
        .next()
        .map_or(1, |threads| threads.parse().expect("THREADS"));
    let embedder = MiniLmEmbedder::start(config).expect("a thread");
    embedder.warm_up().await.expect("the model loads");
    let texts: Vec<String> = std::io::stdin()
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).expect("a JSON string"))
        .collect();
    let started = std::time::Instant::now();
    for part in texts.chunks(256) {
        for vector in embedder.embed(part).await.expect("vectors") {
            println!("{}", serde_json::to_string(&vector).unwrap());
        }
    }
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    eprintln!(
        "{} texts, {:.2} ms a text",
        texts.len(),
        milliseconds / texts.len().max(1) as f64
    );
}
