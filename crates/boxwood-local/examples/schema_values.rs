//! Writes one value for each schema of a set, as `score.py` of the sets under `eval/` reads them.
//!
//! `cargo run --release -p boxwood-local --example schema_values -- MODEL.gguf SCHEMAS.jsonl OUT.jsonl [TOKENS [THREADS]]`
//!
//! OUT.jsonl gets `{"id", "answer"}` a line, the answer as the text that came; ids that it already holds are left out, so
//! that a run may be cut off. What kind of end each value had goes to the standard output.
#![expect(clippy::print_stdout, reason = "a measuring program prints its figures")]

use boxwood_core::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, FinishReason, JsonSchemaFormat, ModelError,
};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel};
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::io::Write;
use std::time::Instant;

/// Characters of a schema that the prompt shows: the model shall know what it is about, the grammar knows the rest.
const SHOWN: usize = 600;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let usage = "usage: schema_values MODEL.gguf SCHEMAS.jsonl OUT.jsonl [TOKENS [THREADS]]";
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let (model, schemas, out) = (next().ok_or(usage)?, next().ok_or(usage)?, next().ok_or(usage)?);
    let tokens: u32 = next().map_or(Ok(512), |text| text.parse())?;
    let mut config = EngineConfig::new(model, "boxwood__values");
    config.threads = next().map_or(Ok(0), |text| text.parse())?;
    config.context_tokens = 4096;
    let side_by_side = config.max_sequences as usize;
    let model = LocalEngine::start(config)?;
    model.warm_up().await?;

    let done: HashSet<String> = std::fs::read_to_string(&out)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            Some(
                serde_json::from_str::<Value>(line).ok()?["id"]
                    .as_str()?
                    .to_owned(),
            )
        })
        .collect();
    let schemas = std::fs::read_to_string(schemas)?;
    let rows: Vec<Value> = schemas
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let rows = rows
        .into_iter()
        .filter(|row| !done.contains(row["id"].as_str().unwrap_or_default()));
    let mut out = std::fs::OpenOptions::new().create(true).append(true).open(out)?;
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let started = Instant::now();
    let mut values = futures::stream::iter(rows)
        .map(|row| {
            let model = model.clone();
            async move { (row["id"].clone(), value(&model, &row["schema"], tokens).await) }
        })
        .buffer_unordered(side_by_side);
    while let Some((id, value)) = values.next().await {
        let end = match value {
            Ok((answer, finish)) => {
                writeln!(out, "{}", json!({"id": id, "answer": answer}))?;
                format!("{finish:?}")
            }
            Err(ModelError::SchemaUnsupported { .. }) => "refused".to_owned(),
            Err(error) => {
                println!("{id}: {error}");
                "failed".to_owned()
            }
        };
        println!("{id} {end}");
        *ends.entry(end).or_default() += 1;
    }
    let status = model.status();
    println!("{ends:?} in {:.0} s; {status:?}", started.elapsed().as_secs_f64());
    Ok(())
}

async fn value(
    model: &LocalModel,
    schema: &Value,
    tokens: u32,
) -> Result<(String, FinishReason), ModelError> {
    let shown: String = schema.to_string().chars().take(SHOWN).collect();
    let question = format!("Write one short, realistic JSON document for this schema:\n{shown}");
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, question)], tokens);
    request.response_format = Some(JsonSchemaFormat {
        name: "value".to_owned(),
        schema: schema.clone(),
    });
    let mut stream = model.stream(request).await?;
    let mut answer = String::new();
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::PromptProgress { .. } | ChatEvent::Reasoning { .. } | ChatEvent::ToolCall(_) => {}
            ChatEvent::Text { text, .. } => answer.push_str(&text),
            ChatEvent::End { finish, .. } => return Ok((answer, finish)),
        }
    }
    Ok((answer, FinishReason::Length))
}
