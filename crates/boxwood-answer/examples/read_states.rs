//! Reads the inner states that a read-out is learned on: the question check over our own passages, each question with a
//! passage that answers it and with one that does not. `eval/support/train.py` learns from what this writes.
//!
//! usage: read_states MODELS_FOLDER MODEL_NAME LAYER PASSAGES.jsonl… > STATES.jsonl
//! A line of the output: `{"group", "ok", "odds", "state": [numbers]}`; a row that a former run wrote can be left out
//! by giving only the files that are missing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program: whatever fails is told to the developer who runs it, and ends it"
)]

use boxwood_answer::support::{NO, QUESTION_CHECK, YES, turn};
use boxwood_core::{ChatModel, ChatRequest};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel};
use boxwood_models::find_local;
use boxwood_models::pull::model_path;
use futures::StreamExt;
use std::path::Path;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [models, name, layer, files @ ..] = arguments.as_slice() else {
        panic!("see the head of this file")
    };
    let known = find_local(name).unwrap();
    let engine = LocalEngine::start(EngineConfig {
        state_layer: Some(layer.parse().unwrap()),
        ..EngineConfig::new(model_path(known, Path::new(models)), known.name)
    })
    .unwrap();
    for file in files {
        // A passage and its contrast have the same name but for this word: one group, never split over folds.
        let group = file.replace(".contrast", "");
        for (number, line) in std::fs::read_to_string(file).unwrap().lines().enumerate() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let questions = row["questions"].as_array().unwrap();
            let passage = row["passage"].as_str().unwrap();
            let lines: Vec<String> = futures::stream::iter(questions)
                .map(|question| state(&engine, &group, number, passage, question))
                .buffered(4)
                .collect()
                .await;
            println!("{}", lines.join("\n"));
            eprintln!("{file} {number}");
        }
    }
}

async fn state(
    engine: &LocalModel,
    group: &str,
    number: usize,
    passage: &str,
    question: &serde_json::Value,
) -> String {
    let request = request(passage, question["q"].as_str().unwrap());
    let verdicts = [YES, NO].map(str::to_owned);
    let scores = engine.score_choices(request, &verdicts).await.unwrap();
    serde_json::json!({
        "group": format!("{group}#{number}"),
        "ok": question["ok"],
        "odds": scores.log_probs[0] - scores.log_probs[1],
        "state": scores.state.unwrap(),
    })
    .to_string()
}

/// The check with the passage in the shared part: its other questions read it from the cache.
fn request(passage: &str, question: &str) -> ChatRequest {
    let mut request = QUESTION_CHECK.request("states", turn(passage, question, None));
    let end = turn(passage, "", None).len() - "\nQuestion: ".len();
    if let Some(prefix) = &mut request.shared_prefix {
        prefix.boundary = end;
    }
    request
}
