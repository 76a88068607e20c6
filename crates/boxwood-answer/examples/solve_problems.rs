//! Solves problems of a data set with the thinking of `reason` and writes, for each, the answer, what was written and
//! what it cost: for who changes prompts and looks at the failures. Scores are those of `boxwood eval`.
//!
//! usage: solve_problems MODELS_FOLDER MODEL_NAME SET_FOLDER FIRST COUNT low|medium|high|baseline OUT.jsonl
//! `BOXWOOD_THREADS` sets the engine's threads; `boxwood-calculate` is looked for beside this program.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a measuring program: whatever fails is told to the developer who runs it, and ends it"
)]

use boxwood_answer::NoProgress;
use boxwood_answer::reason::{AnswerForm, Choice, Problem, Sandbox, Settings, baseline, choices_in, solve};
use boxwood_core::{ChatModel, Effort};
use boxwood_local::{EngineConfig, LocalEngine};
use boxwood_models::pull::model_path;
use boxwood_models::{ModelRegistry, ModelSettings, find_local};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run());
}

async fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [models, name, set, first, count, effort, out] = arguments.as_slice() else {
        panic!("see the head of this file")
    };
    let model = find_local(name).unwrap();
    let engine = LocalEngine::start(EngineConfig {
        threads: std::env::var("BOXWOOD_THREADS").map_or(0, |threads| threads.parse().unwrap()),
        ..EngineConfig::new(model_path(model, Path::new(models)), model.name)
    })
    .unwrap();
    let locals: Vec<Arc<dyn ChatModel>> = vec![Arc::new(engine)];
    let registry = ModelRegistry::new(ModelSettings::default(), locals, None).unwrap();
    let resolved = registry.resolve(None).unwrap();
    let sandbox = Sandbox::beside_this_program();
    let cancel = CancellationToken::new();
    let mut out = std::fs::File::options()
        .create(true)
        .append(true)
        .open(out)
        .unwrap();
    let rows = std::fs::read_to_string(Path::new(set).join("dev.jsonl")).unwrap();
    let (mut tokens, mut done) = (0, 0);
    for line in rows
        .lines()
        .skip(first.parse().unwrap())
        .take(count.parse().unwrap())
    {
        let row: Value = serde_json::from_str(line).unwrap();
        let problem = problem(&row);
        let started = Instant::now();
        let solution = match effort.as_str() {
            "baseline" => baseline(&resolved, &problem, "1", &cancel, &NoProgress).await,
            effort => {
                let effort: Effort = serde_json::from_value(Value::from(effort)).unwrap();
                let settings = Settings::new(effort, "1", sandbox.clone());
                solve(&resolved, &problem, &settings, &cancel, &NoProgress).await
            }
        };
        let solution = solution.unwrap();
        tokens += solution.usage.output_tokens;
        done += 1;
        let seconds = started.elapsed().as_secs_f64();
        eprintln!(
            "{} {:?} gold {} | {} tokens, mean {}, {seconds:.1} s, {:?}",
            row["id"],
            solution.answer.chars().take(60).collect::<String>(),
            row["answers"][0].to_string().chars().take(60).collect::<String>(),
            solution.usage.output_tokens,
            tokens / done,
            solution.report
        );
        let line = serde_json::json!({
            "id": row["id"], "answer": solution.answer, "gold": row["answers"], "tokens": solution.usage.output_tokens,
            "seconds": seconds, "report": solution.report, "calculation": solution.calculation,
            "written": solution.written, "agreement": solution.agreement,
        });
        writeln!(out, "{line}").unwrap();
    }
}

fn problem(row: &Value) -> Problem {
    let question = row["question"].as_str().unwrap().to_owned();
    let documents = row["documents"].as_array().unwrap();
    let texts: Vec<&str> = documents
        .iter()
        .filter_map(|document| document["text"].as_str())
        .collect();
    let (question, form) = if let Some(options) = row["choices"].as_array() {
        let choices = Choice::labelled(options.iter().map(|text| text.as_str().unwrap()));
        (question, AnswerForm::Choice(choices))
    } else if let Some((stem, choices)) = choices_in(&question) {
        (stem, AnswerForm::Choice(choices))
    } else if row["task"] == "code" {
        let entry_point = row["entry_point"].as_str().map(str::to_owned);
        (question, AnswerForm::Code { entry_point })
    } else if row["set"] == "math500" {
        (question, AnswerForm::Math)
    } else if !texts.is_empty() {
        (question, AnswerForm::Text)
    } else {
        (question, AnswerForm::Number)
    };
    Problem {
        context: (!texts.is_empty()).then(|| texts.join("\n\n")),
        question,
        form,
    }
}
