//! Measures what many fields of one document cost: the document is read once, whatever their number.
//!
//! `cargo run --release -p boxwood-local --example fields_bench -- MODEL.gguf [TOKENS [THREADS]]`
//!
//! For 1, 5 and 20 fields: a new document of about TOKENS (4,000) tokens, and a request for each field with a schema of its
//! own, all started at the same moment. Then the speed of one free answer and one that keeps to a schema, in turns.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use boxwood_core::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, JsonSchemaFormat, SharedPrefix, Usage,
};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel};
use futures::StreamExt;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Instant;

const ROUNDS: usize = 3;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: fields_bench MODEL.gguf [TOKENS [THREADS]]")?;
    let tokens: u32 = arguments.next().map_or(Ok(4_000), |text| text.parse())?;
    let mut config = EngineConfig::new(path, "boxwood__bench");
    config.threads = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let model = LocalEngine::start(config)?;
    let started = Instant::now();
    model.warm_up().await?;
    println!("loaded     {:.1} s", started.elapsed().as_secs_f64());
    load_average("before");
    let mut alone = None;
    for count in [1, 5, 20] {
        let seconds = fields(&model, tokens, count).await?;
        let alone = *alone.get_or_insert(seconds);
        println!("           {:.2} times the time of one field", seconds / alone);
    }
    speeds(&model).await?;
    load_average("after");
    Ok(())
}

fn load_average(when: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load       {} ({when}; itself included)", load.trim());
}

/// Seconds until all fields of a new document are there.
async fn fields(model: &LocalModel, tokens: u32, count: u32) -> Outcome<f64> {
    let document = document(model, tokens, count).await?;
    let before = model.status();
    let started = Instant::now();
    let requests = (1..=count).map(|number| complete(model, field(&document, number)));
    let answers = futures::future::join_all(requests).await;
    let seconds = started.elapsed().as_secs_f64();
    let mut first = f64::MAX;
    for answer in answers {
        let (text, usage) = answer?;
        serde_json::from_str::<Value>(&text)?;
        first = first.min(usage.time_to_first_token.as_secs_f64());
    }
    let after = model.status();
    println!(
        "fields     {count:2}: {seconds:.1} s, first token of the first after {first:.1} s; {} prompt tokens and {} output tokens \
         computed, {} of them forced, {} masks",
        after.prompt_tokens - before.prompt_tokens,
        after.output_tokens - before.output_tokens,
        after.forced_tokens - before.forced_tokens,
        after.masks - before.masks,
    );
    Ok(seconds)
}

async fn document(model: &LocalModel, tokens: u32, seed: u32) -> Outcome<String> {
    let mut text = String::new();
    let mut number = 0;
    while model.count_tokens(&text).await? < tokens {
        for _ in 0..8 {
            number += 1;
            let (amount, height) = ((number + seed) * 37 % 101, (number + seed) * 53 % 307);
            text.push_str(&format!(
                "Station {number} of report {seed} measured {amount} units at {height} metres.\n"
            ));
        }
    }
    Ok(text)
}

fn field(document: &str, number: u32) -> ChatRequest {
    let question = format!("What did station {number} measure? Answer as JSON.");
    let mut request = held(
        &format!("{document}\n{question}"),
        32,
        &format!("station_{number}"),
    );
    request.shared_prefix = Some(SharedPrefix {
        boundary: document.len() + 1,
        partition: "bench".to_owned(),
    });
    request
}

fn held(content: &str, tokens: u32, key: &str) -> ChatRequest {
    let mut request = free(content, tokens);
    request.response_format = Some(JsonSchemaFormat {
        name: "field".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {key: {"type": ["integer", "null"], "minimum": 0, "maximum": 1000}},
            "required": [key],
            "additionalProperties": false,
        }),
    });
    request
}

fn free(content: &str, tokens: u32) -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, content)], tokens)
}

/// Tokens per second of a free answer and of one that keeps to a schema.
async fn speeds(model: &LocalModel) -> Outcome<()> {
    let question = "List the numbers from 1 to 100 as JSON: an array of objects with number, english word and whether it is even.";
    let schema = json!({"type": "array", "minItems": 60, "items": {
        "type": "object",
        "properties": {"number": {"type": "integer"}, "word": {"type": "string", "maxLength": 30}, "even": {"type": "boolean"}},
        "required": ["number", "word", "even"],
        "additionalProperties": false,
    }});
    for _ in 0..ROUNDS {
        let request = free(question, 160);
        let speed = |usage: &Usage| {
            f64::from(usage.output_tokens - 1) / (usage.total_time - usage.time_to_first_token).as_secs_f64()
        };
        let (_, usage) = complete(model, request.clone()).await?;
        let without = speed(&usage);
        let before = model.status();
        let mut request = request;
        request.response_format = Some(JsonSchemaFormat {
            name: "numbers".to_owned(),
            schema: schema.clone(),
        });
        let (_, usage) = complete(model, request).await?;
        let after = model.status();
        println!(
            "decode     free {without:.1} tokens/s, with a schema {:.1} ({} of {} forced, {} masks)",
            speed(&usage),
            after.forced_tokens - before.forced_tokens,
            usage.output_tokens,
            after.masks - before.masks
        );
    }
    Ok(())
}

async fn complete(model: &LocalModel, request: ChatRequest) -> Outcome<(String, Usage)> {
    let mut stream = model.stream(request).await?;
    let mut answer = String::new();
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::PromptProgress { .. } | ChatEvent::Reasoning { .. } | ChatEvent::ToolCall(_) => {}
            ChatEvent::Text { text, .. } => answer.push_str(&text),
            ChatEvent::End { usage, .. } => return Ok((answer, usage)),
        }
    }
    Err("the stream ended without an end".into())
}
