//! Reads the inner states that a read-out is learned on: a check of the support step over our own passages, each question
//! with a passage that answers it and with one that does not. `eval/support/train.py` learns from what this writes.
//!
//! usage: read_states MODELS_FOLDER MODEL_NAME LAYER question|answer PASSAGES.jsonl… > STATES.jsonl
//! The answer check proposes the row's own `a`: the right words, or those that a hasty reader would take for it.
//! A line of the output: `{"group", "ok", "odds", "state": [numbers]}`; a row that a former run wrote can be left out
//! by giving only the files that are missing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program: whatever fails is told to the developer who runs it, and ends it"
)]

use boxwood_answer::support::{ANSWER_CHECK, Check, NO, QUESTION_CHECK, YES, turn};
use boxwood_core::{ChatModel, ChatRequest};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel};
use boxwood_models::find_local;
use boxwood_models::pull::model_path;
use futures::StreamExt;
use std::path::Path;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [models, name, layer, check, files @ ..] = arguments.as_slice() else {
        panic!("see the head of this file")
    };
    let known = find_local(name).unwrap();
    let engine = LocalEngine::start(EngineConfig {
        state_layer: Some(layer.parse().unwrap()),
        ..EngineConfig::new(model_path(known, Path::new(models)), known.name)
    })
    .unwrap();
    let check = match check.as_str() {
        "question" => &QUESTION_CHECK,
        "answer" => &ANSWER_CHECK,
        _ => panic!("see the head of this file"),
    };
    for file in files {
        // A passage and its contrast have the same name but for this word: one group, never split over folds.
        let group = file.replace(".contrast", "");
        for (number, line) in std::fs::read_to_string(file).unwrap().lines().enumerate() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let questions = row["questions"].as_array().unwrap();
            let passage = row["passage"].as_str().unwrap();
            let lines: Vec<String> = futures::stream::iter(questions)
                .map(|question| state(&engine, check, &group, number, passage, question))
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
    check: &Check,
    group: &str,
    number: usize,
    passage: &str,
    question: &serde_json::Value,
) -> String {
    let request = request(check, passage, question);
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

/// The check with the passage in the shared part: its other questions read it from the cache. The passage's last mark
/// stays outside, because it makes one token with the line break that follows.
fn request(check: &Check, passage: &str, question: &serde_json::Value) -> ChatRequest {
    let answer = check.with_answer.then(|| question["a"].as_str().unwrap());
    let turn = turn(passage, question["q"].as_str().unwrap(), answer);
    let shared = passage.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let end = turn.find(shared).unwrap() + shared.len();
    let mut request = check.request("states", turn);
    if let Some(prefix) = &mut request.shared_prefix {
        prefix.boundary = end;
    }
    request
}
