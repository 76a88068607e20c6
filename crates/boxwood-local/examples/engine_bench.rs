//! Measures the engine against raw calls of the same library, in one run, and what a read document saves.
//!
//! `cargo run --release -p boxwood-local --example engine_bench -- MODEL.gguf [ROUNDS [THREADS]]`
//!
//! Raw calls run in a process of their own (this program again, with `--raw`), which does nothing between rounds. Raw and
//! engine alternate, so that whatever else the machine does hits both; the medians are compared. The load of the machine
//! is printed, because figures of a busy machine tell little: there, raw calls with more than one thread come to a halt
//! (their threads wait for each other by spinning), so give 1 thread for both. 0 rounds leave the comparison out.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use boxwood_core::{ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, SharedPrefix, Usage};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel, PrefixCacheConfig};
use futures::StreamExt;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const PREFILL: usize = 512;
const DECODE: u32 = 128;
const DOCUMENT_TOKENS: u32 = 4_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments
        .next()
        .ok_or("usage: engine_bench MODEL.gguf [ROUNDS [THREADS]]")?;
    if first == "--raw" {
        let path = arguments.next().ok_or("--raw needs a model")?;
        let threads = arguments.next().ok_or("--raw needs a number of threads")?;
        return raw_rounds(Path::new(&path), threads.parse()?);
    }
    let path = PathBuf::from(first);
    let rounds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let cores = std::thread::available_parallelism()?.get().try_into()?;
    let threads = arguments.next().map_or(Ok(cores), |text| text.parse())?;
    println!("model      {}, {threads} threads", path.display());
    println!("library    {}", LocalEngine::library_info());
    load_average("before");
    if rounds > 0 {
        compare(&path, rounds, threads).await?;
    }
    document(&path, threads).await?;
    load_average("after");
    Ok(())
}

fn load_average(when: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load       {} ({when}; itself included)", load.trim());
}

fn engine(path: &Path, threads: u32) -> EngineConfig {
    let mut config = EngineConfig::new(path, "boxwood__bench");
    config.threads = threads;
    config
}

/// Tokens per second, raw and through the engine.
async fn compare(path: &Path, rounds: usize, threads: u32) -> Outcome<()> {
    let model = LocalEngine::start(engine(path, threads))?;
    model.warm_up().await?;
    let mut raw = Raw::start(path, threads)?;
    let prompt = words(&model, PREFILL as u32 - 40).await?;
    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        let (prefill, decode) = raw.round()?;
        rates[0].push(prefill);
        rates[2].push(decode);
        let usage = complete(&model, request(&prompt, 1)).await?.1;
        rates[1].push(f64::from(usage.input_tokens) / usage.time_to_first_token.as_secs_f64());
        let usage = complete(
            &model,
            request("Count from 1 to 500, each number on a line.", DECODE),
        )
        .await?
        .1;
        let seconds = (usage.total_time - usage.time_to_first_token).as_secs_f64();
        rates[3].push(f64::from(usage.output_tokens - 1) / seconds);
    }
    let medians = rates.map(median);
    for (what, raw, engine) in [
        ("prefill", medians[0], medians[1]),
        ("decode", medians[2], medians[3]),
    ] {
        println!(
            "{what:10} raw {raw:7.1} tokens/s   engine {engine:7.1} tokens/s   ratio {:.3} (goal 0.9)",
            engine / raw
        );
    }
    model.shutdown(Duration::ZERO).await;
    Ok(())
}

/// Time to the first token of questions on a long document.
async fn document(path: &Path, threads: u32) -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("boxwood-engine-bench-{}", std::process::id()));
    let config = || {
        let mut config = engine(path, threads);
        config.prefix_cache = Some(PrefixCacheConfig {
            dir: folder.clone(),
            max_bytes: 4 << 30,
        });
        config
    };
    let model = LocalEngine::start(config())?;
    model.warm_up().await?;
    let text = words(&model, DOCUMENT_TOKENS).await?;
    let (first, usage) = ask(&model, &text, "What is the first number in the document?").await?;
    println!(
        "document   {} tokens: first question {:.2} s to the first token",
        usage.input_tokens,
        first.as_secs_f64()
    );
    let (second, usage) = ask(&model, &text, "Which word comes last in the document?").await?;
    report("second, same process", second, first, &usage);
    model.shutdown(Duration::from_secs(60)).await;
    let bytes: u64 = std::fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();

    let started = Instant::now();
    let model = LocalEngine::start(config())?;
    model.warm_up().await?;
    println!(
        "restart    model loaded in {:.2} s; {} MB saved",
        started.elapsed().as_secs_f64(),
        bytes >> 20
    );
    let (restored, usage) = ask(&model, &text, "Which word comes last in the document?").await?;
    report("second, after restart", restored, first, &usage);
    model.shutdown(Duration::ZERO).await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn report(what: &str, time: Duration, first: Duration, usage: &Usage) {
    println!(
        "           {what}: {:.2} s, {} tokens cached, ratio {:.4} (goal 0.03)",
        time.as_secs_f64(),
        usage.cached_tokens,
        time.as_secs_f64() / first.as_secs_f64()
    );
}

fn request(content: &str, max_output_tokens: u32) -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, content)], max_output_tokens)
}

/// Time from asking to the first text, and the usage.
async fn complete(model: &LocalModel, request: ChatRequest) -> Outcome<(Duration, Usage)> {
    let started = Instant::now();
    let mut first = None;
    let mut stream = model.stream(request).await?;
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::PromptProgress { .. } | ChatEvent::Reasoning { .. } | ChatEvent::ToolCall(_) => {}
            ChatEvent::Text { .. } => {
                first.get_or_insert_with(|| started.elapsed());
            }
            ChatEvent::End { usage, .. } => return Ok((first.unwrap_or_else(|| started.elapsed()), usage)),
        }
    }
    Err("the stream ended without an end".into())
}

async fn ask(model: &LocalModel, document: &str, question: &str) -> Outcome<(Duration, Usage)> {
    let mut request = request(&format!("{document}\n\n{question}"), 8);
    request.shared_prefix = Some(SharedPrefix {
        boundary: document.len() + 2,
        partition: "bench".to_owned(),
    });
    complete(model, request).await
}

/// Text of about so many tokens.
async fn words(model: &LocalModel, tokens: u32) -> Outcome<String> {
    let mut text = String::new();
    let mut number = 0u32;
    while model.count_tokens(&text).await? < tokens {
        for _ in 0..4 {
            number += 1;
            text.push_str(&format!(
                "Entry {number}: the station measured {} units at a height of {} metres. ",
                number * 37 % 101,
                number * 53 % 307
            ));
        }
    }
    Ok(text)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The library called as its own benchmark does: one sequence, nothing around it. In a process of its own.
struct Raw {
    child: Child,
    orders: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Raw {
    fn start(path: &Path, threads: u32) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--raw")
            .arg(path)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no standard input")?;
        let results = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self {
            child,
            orders,
            results,
        })
    }

    /// Tokens per second of prefill and decode.
    fn round(&mut self) -> Outcome<(f64, f64)> {
        self.orders.write_all(b"go\n")?;
        let mut line = String::new();
        self.results.read_line(&mut line)?;
        let (prefill, decode) = line.trim().split_once(' ').ok_or("the raw process failed")?;
        Ok((prefill.parse()?, decode.parse()?))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A benchmark that ends leaves no process behind; one that has ended already needs nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The raw process: one round for each line of standard input.
fn raw_rounds(path: &Path, threads: i32) -> Outcome<()> {
    let backend = LlamaBackend::init()?;
    let model = LlamaModel::load_from_file(&backend, path, &LlamaModelParams::default())?;
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(1024))
        .with_n_batch(512)
        .with_n_ubatch(512)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_flash_attention_policy(1);
    let mut context = model.new_context(&backend, params)?;
    for line in std::io::stdin().lines() {
        line?;
        context.clear_kv_cache();
        let mut batch = LlamaBatch::new(PREFILL, 1);
        for position in 0..PREFILL as i32 {
            let is_last = position + 1 == PREFILL as i32;
            batch.add(LlamaToken::new(1000 + position * 7), position, &[0], is_last)?;
        }
        let started = Instant::now();
        context.decode(&mut batch)?;
        context.synchronize();
        let prefill = PREFILL as f64 / started.elapsed().as_secs_f64();

        context.clear_kv_cache();
        let started = Instant::now();
        for position in 0..DECODE as i32 {
            batch.clear();
            batch.add(LlamaToken::new(1000 + position * 7), position, &[0], true)?;
            context.decode(&mut batch)?;
            context.synchronize();
        }
        println!(
            "{prefill} {}",
            f64::from(DECODE) / started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
