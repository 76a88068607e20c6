//! Answers the questions of a data set through the real pipeline and writes, for each, the answer, the signals of the
//! support check, and all that the model said and held at the checks (`checks`: the turn, the log-probabilities, the
//! state), so that a change of read-outs or weights needs no second run. The weights of `SupportModel` are fitted on
//! this; see `docs/support-check.md`. Rows that OUT already holds are not asked again.
//!
//! usage: measure_support MODELS_FOLDER MODEL_NAME SET_FOLDER LIMIT OUT.jsonl
//! `BOXWOOD_THREADS` sets the engine's threads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a measuring program: whatever fails is told to the developer who runs it, and ends it"
)]

use async_trait::async_trait;
use boxwood_answer::support::ReadOut;
use boxwood_answer::{AnswerConfig, AnswerService, Language, Library, NoProgress, Question, QuestionMode};
use boxwood_core::{ChatModel, ChatRequest, ChatStream, ChoiceScores, ModelError, ModelIdentity};
use boxwood_ingest::{IngestConfig, Ingestor, WorkerCommand};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel};
use boxwood_models::pull::model_path;
use boxwood_models::{ModelRegistry, ModelSettings, find_local};
use boxwood_store::{OwnFile, ReadableFiles, SqliteStore, StoreOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("ingest-worker") {
        let _code = boxwood_ingest::worker_main();
        return;
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run());
}

async fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [models, name, set, limit, out] = arguments.as_slice() else {
        panic!("see the head of this file")
    };
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(StoreOptions::new(folder.path().join("store")))
        .await
        .unwrap();
    let model = find_local(name).unwrap();
    let engine = LocalEngine::start(EngineConfig {
        threads: std::env::var("BOXWOOD_THREADS").map_or(0, |threads| threads.parse().unwrap()),
        state_layer: ReadOut::of(model.name).map(|read_out| read_out.layer),
        ..EngineConfig::new(model_path(model, Path::new(models)), model.name)
    })
    .unwrap();
    let recorder = Arc::new(Recorder {
        engine,
        checks: Mutex::default(),
    });
    let locals = vec![Arc::clone(&recorder) as Arc<dyn ChatModel>];
    let registry = ModelRegistry::new(ModelSettings::default(), locals, None).unwrap();
    let program = std::env::current_exe().unwrap();
    let worker = WorkerCommand {
        program,
        arguments: vec!["ingest-worker".into()],
    };
    let ingest = IngestConfig {
        worker_command: Some(worker),
        ..IngestConfig::default()
    };
    let library = Arc::new(Library::new(Arc::new(store), Ingestor::new(ingest)));
    let config = AnswerConfig {
        abstain_below: 0.0,
        ..AnswerConfig::default()
    };
    let service = AnswerService::new(library, registry, config);
    let done = std::fs::read_to_string(out).unwrap_or_default();
    let mut out = std::fs::File::options()
        .create(true)
        .append(true)
        .open(out)
        .unwrap();
    let rows = std::fs::read_to_string(Path::new(set).join("dev.jsonl")).unwrap();
    for (number, line) in rows.lines().take(limit.parse().unwrap()).enumerate() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        if done.contains(&format!("\"id\":{}", row["id"])) {
            continue;
        }
        recorder.checks.lock().unwrap().clear();
        let question = question(&service, Path::new(set), &row, folder.path()).await;
        match service.ask(question, &NoProgress).await {
            Ok(answer) => {
                let quotes: Vec<&str> = answer
                    .citations
                    .iter()
                    .map(|citation| citation.quote.as_str())
                    .collect();
                let line = serde_json::json!({
                    "id": row["id"], "answerable": row["answerable"], "question": row["question"],
                    "answers": row["answers"], "answer": answer.text, "support": answer.support, "quotes": quotes,
                    "checks": *recorder.checks.lock().unwrap(), "processor": answer.processor, "timings": answer.timings, "usage": answer.usage,
                });
                writeln!(out, "{line}").unwrap();
            }
            Err(error) => eprintln!("{}: {error}", row["id"]),
        }
        if number % 10 == 0 {
            eprintln!("{number}");
        }
    }
}

async fn question(service: &AnswerService, set: &Path, row: &serde_json::Value, folder: &Path) -> Question {
    let mut files = Vec::new();
    for (index, document) in row["documents"].as_array().unwrap().iter().enumerate() {
        let path = match document["text"].as_str() {
            Some(text) => {
                let path = folder.join(format!("{index}.txt"));
                std::fs::write(&path, text).unwrap();
                path
            }
            None => set.join(document["path"].as_str().unwrap()),
        };
        let name = document["title"]
            .as_str()
            .or(document["doc_id"].as_str())
            .unwrap();
        files.push(OwnFile {
            path,
            name: PathBuf::from(name)
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned(),
        });
    }
    let language = Language::from_tag(row["lang"].as_str().unwrap_or("en"));
    Question {
        mode: QuestionMode::MultipleItems,
        prompt: row["question"].as_str().unwrap().trim().to_owned(),
        files: ReadableFiles::of_own_files(files).await.unwrap(),
        contents: Default::default(),
        dialogue: Vec::new(),
        agent: service.default_agent(language, None).unwrap(),
        caller: boxwood_core::Caller::program("measure"),
        partition: "measured".to_owned(),
        now: chrono::Utc::now(),
        time_limit: None,
        cancel: Default::default(),
    }
}

/// The engine, writing down what it is asked at the checks and what it replies.
struct Recorder {
    engine: LocalModel,
    checks: Mutex<Vec<serde_json::Value>>,
}

#[async_trait]
impl ChatModel for Recorder {
    fn identity(&self) -> &ModelIdentity {
        self.engine.identity()
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        self.engine.count_tokens(text).await
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        self.engine.stream(request).await
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        let instruction = request.messages.first().map(|message| message.content.clone());
        let turn = request.messages.last().map(|message| message.content.clone());
        let scores = self.engine.score_choices(request, choices).await?;
        self.checks.lock().unwrap().push(serde_json::json!({
            "instruction": instruction, "turn": turn, "choices": choices, "log_probs": scores.log_probs,
            "token_log_probs": scores.token_log_probs, "state": scores.state,
        }));
        Ok(scores)
    }
}
