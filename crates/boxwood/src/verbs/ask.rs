//! `boxwood ask FILE… "question"`: the main job without a server.

use super::Common;
use crate::{output, parts};
use anyhow::{Context, bail};
use boxwood_answer::{Answer, Language, Progress, ProgressSink, Question, QuestionMode};
use boxwood_core::{Caller, Highlight};
use boxwood_ingest::PARSER_VERSION;
use boxwood_store::{OwnFile, ReadableFiles, SqliteStore, Store, StoreError, StoreOptions};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Files, then the question as the last argument.
    #[arg(required = true, num_args = 2.., value_name = "FILE… QUESTION")]
    files_and_question: Vec<String>,
    /// Model name: a card, a binding or a local model.
    #[arg(long)]
    model: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Language of the agent's words, such as ja [default: that of the question]
    #[arg(long)]
    language: Option<String>,
}

/// Runs the verb.
pub async fn run(common: &Common, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = common.load()?;
    let Some((prompt, files)) = arguments.files_and_question.split_last() else {
        bail!("name at least one file, then the question");
    };
    let store = open_store(&config.cache).await?;
    let parts = parts::build(&config, Arc::clone(&store.store))?;
    let language = match &arguments.language {
        Some(tag) => Language::from_tag(tag),
        None => Language::of_text(prompt),
    };
    let agent = parts
        .service
        .default_agent(language, arguments.model.as_deref())?;
    let files =
        ReadableFiles::of_own_files(files.iter().map(own_file).collect::<anyhow::Result<_>>()?).await?;
    let cancel = CancellationToken::new();
    let question = Question {
        mode: if files.len() == 1 {
            QuestionMode::SingleItem
        } else {
            QuestionMode::MultipleItems
        },
        prompt: prompt.clone(),
        files,
        contents: HashMap::new(),
        dialogue: Vec::new(),
        agent,
        caller: Caller::program("ask"),
        partition: "own-files".to_owned(),
        now: chrono::Utc::now(),
        time_limit: None,
        cancel: cancel.clone(),
    };
    let bar = Bar::new();
    let answer = tokio::select! {
        answer = parts.service.ask(question, &bar) => answer,
        _ = tokio::signal::ctrl_c() => {
            cancel.cancel();
            bar.finish();
            bail!("interrupted");
        }
    };
    bar.finish();
    let answer = answer?;
    if arguments.json {
        output::line(serde_json::to_string_pretty(&as_json(&answer))?);
    } else {
        print(&answer);
    }
    if let Some(engine) = &parts.engine {
        // The document that was read is being kept for the next question.
        engine.shutdown(Duration::from_secs(20)).await;
    }
    store.store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The store of parse results; in a folder of its own, so that it works beside a running server.
pub(super) struct OpenStore {
    pub(super) store: Arc<dyn Store>,
    /// Removed at the end, where another `boxwood ask` holds the usual folder.
    _temporary: Option<tempfile::TempDir>,
}

pub(super) async fn open_store(cache: &Path) -> anyhow::Result<OpenStore> {
    let options = |folder: PathBuf| StoreOptions {
        parser_version: PARSER_VERSION,
        ..StoreOptions::new(folder)
    };
    match SqliteStore::open(options(cache.join("ask"))).await {
        Ok(store) => Ok(OpenStore {
            store: Arc::new(store),
            _temporary: None,
        }),
        Err(StoreError::DataFolderInUse { .. }) => {
            let folder = tempfile::tempdir()?;
            let store = SqliteStore::open(options(folder.path().to_owned())).await?;
            Ok(OpenStore {
                store: Arc::new(store),
                _temporary: Some(folder),
            })
        }
        Err(error) => Err(error).context("the folder of parse results can't be opened"),
    }
}

pub(super) fn own_file(path: &String) -> anyhow::Result<OwnFile> {
    let path = PathBuf::from(path);
    if !path.is_file() {
        bail!("{} is no file; the question is the last argument", path.display());
    }
    let name = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(OwnFile { path, name })
}

fn print(answer: &Answer) {
    output::line(&answer.text);
    for citation in &answer.citations {
        let places: Vec<String> = citation.highlights.iter().map(place).collect();
        let quote: Vec<&str> = citation.quote.split_whitespace().collect();
        output::line(format_args!(
            "\n  {} {}\n  “{}”",
            citation.file_name,
            places.join(", "),
            quote.join(" ")
        ));
    }
    let served = &answer.served_by;
    output::line(format_args!(
        "\nanswered by {} ({}, asked for {}); support {:.2}; {}",
        served.answered,
        served.kind,
        served.requested,
        answer.support.probability,
        answer.processor.as_str()
    ));
    for file in &answer.coverage.files {
        output::line(format_args!(
            "read: {} of {} pages shown to the model, all {} bytes of text searched",
            file.shown_pages.len(),
            file.pages,
            file.searched_bytes
        ));
        for note in &file.notes {
            output::line(format_args!("not read: {}", note.message));
        }
    }
    for warning in &answer.warnings {
        output::line(format_args!("warning: {warning}"));
    }
    let usage = &answer.usage;
    output::line(format_args!(
        "tokens: {} in ({} from the cache), {} out; read {:.1} s, searched {:.1} s, answered {:.1} s, checked {:.1} s",
        usage.input_tokens,
        usage.cached_tokens,
        usage.output_tokens,
        answer.timings.gather.as_secs_f32(),
        answer.timings.retrieve.as_secs_f32(),
        answer.timings.generate.as_secs_f32(),
        answer.timings.check.as_secs_f32()
    ));
}

fn place(highlight: &Highlight) -> String {
    match &highlight.label {
        Some(label) => format!("page {} ({label})", highlight.page),
        None => format!("page {}", highlight.page),
    }
}

fn as_json(answer: &Answer) -> serde_json::Value {
    serde_json::json!({
        "answer": answer.text,
        "abstained": answer.abstained,
        "citations": answer.citations,
        "support": answer.support,
        "processor": answer.processor,
        "models": answer.models,
        "served_by": answer.served_by,
        "coverage": answer.coverage,
        "usage": answer.usage,
        "timings": answer.timings,
        "warnings": answer.warnings,
    })
}

/// Progress on standard error.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl ProgressSink for Bar {
    fn report(&self, progress: Progress) {
        match progress {
            Progress::Reading { done, total } => {
                self.0.set_message(format!("reading files: {done} of {total}"))
            }
            Progress::Searching => self.0.set_message("searching"),
            Progress::Prompt { done, total } => {
                if let Ok(style) =
                    ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} tokens {eta}")
                {
                    self.0.set_style(style);
                }
                self.0.set_length(u64::from(total));
                self.0.set_position(u64::from(done));
                self.0.set_message("the model reads");
            }
            Progress::Draft(_) => {
                self.0.set_style(ProgressStyle::default_spinner());
                self.0.set_message("the model writes");
            }
            Progress::Thinking(_) => {
                self.0.set_style(ProgressStyle::default_spinner());
                self.0.set_message("the model thinks");
            }
            Progress::Fields { done, total } => {
                self.0.set_style(ProgressStyle::default_spinner());
                self.0
                    .set_message(format!("filling in fields: {done} of {total} groups"));
            }
            Progress::Checking => self.0.set_message("checking the answer against the files"),
        }
    }
}
