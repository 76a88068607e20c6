//! `boxwood eval SET --effort high --out FILE.jsonl`: quality on a data set, with interval and cost; `eval compare` and
//! `eval report` over finished runs.

mod finished;

use super::Common;
use super::ask::open_store;
use crate::config::Config;
use crate::{output, parts};
use anyhow::{Context, bail};
use boxwood_eval::program::ProgramRunner;
use boxwood_eval::run::{self, RunEnd, RunOptions, RunProgress};
use boxwood_eval::target::Target;
use boxwood_eval::target::local::{LocalSettings, LocalTarget};
use boxwood_eval::target::server::{ServerSettings, ServerTarget};
use boxwood_eval::{DataSet, DocumentChoice, EffortChoice, EvalError, Prediction, Row, RunRecord, Task};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The developer token of a server that was not configured otherwise.
const DEVELOPER_TOKEN: &str = "boxwood-dev-token";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(flatten)]
    run: RunArguments,
    #[command(subcommand)]
    over: Option<OverRuns>,
}

/// What is done over finished runs.
#[derive(Debug, clap::Subcommand)]
enum OverRuns {
    /// Compare two runs over the rows that both asked.
    Compare(finished::CompareArguments),
    /// Score finished runs; write the page, and the small report that backs a claim.
    Report(finished::ReportArguments),
}

/// Arguments of a run.
#[derive(Debug, clap::Args)]
struct RunArguments {
    /// Folder of a data set, or a JSONL file of the same form.
    #[arg(required = true, value_name = "SET")]
    set: Option<PathBuf>,
    /// Which part of the folder.
    #[arg(long, default_value = "dev")]
    split: String,
    /// How much is thought before an answer; baseline: the model alone, plain prompt, greedy.
    #[arg(long, value_enum)]
    effort: Option<Effort>,
    /// Only the first rows.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Predictions, one JSON object a line; a begun file is gone on with.
    #[arg(long, required = true, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Ask this Boxwood server; its token is taken from BOXWOOD_TOKEN.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Model name: a card, a binding or a local model.
    #[arg(long)]
    model: Option<String>,
    /// Which text of the documents is read: long is the text around a paragraph, text the plain text of a picture.
    #[arg(long, value_enum, default_value = "given")]
    documents: Documents,
    /// Extract with Box's enhanced agent.
    #[arg(long)]
    enhanced: bool,
    /// Rows that are asked at the same time.
    #[arg(long, default_value_t = 1, value_name = "N")]
    parallel: usize,
    /// Ask rows that failed before again.
    #[arg(long)]
    retry_errors: bool,
    /// Write a page about the run.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Effort {
    Baseline,
    Low,
    Medium,
    High,
}

impl From<Effort> for EffortChoice {
    fn from(effort: Effort) -> Self {
        match effort {
            Effort::Baseline => Self::Baseline,
            Effort::Low => Self::Low,
            Effort::Medium => Self::Medium,
            Effort::High => Self::High,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Documents {
    Given,
    Long,
    Text,
}

impl From<Documents> for DocumentChoice {
    fn from(documents: Documents) -> Self {
        match documents {
            Documents::Given => Self::Given,
            Documents::Long => Self::Long,
            Documents::Text => Self::Text,
        }
    }
}

/// Runs the verb.
pub async fn run(common: &Common, arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.over {
        Some(OverRuns::Compare(arguments)) => finished::compare(&arguments),
        Some(OverRuns::Report(arguments)) => finished::report(&arguments),
        None => run_set(common, arguments.run).await,
    }
}

async fn run_set(common: &Common, arguments: RunArguments) -> anyhow::Result<ExitCode> {
    let (Some(place), Some(out)) = (&arguments.set, &arguments.out) else {
        bail!("name a data set and --out");
    };
    let set = DataSet::read(place, &arguments.split, arguments.documents.into())?;
    if let Some(effort) = arguments.effort.map(EffortChoice::from)
        && !effort.fits(set.task)
    {
        bail!(
            "--effort {} is not for sets of task `{}`",
            effort.as_str(),
            set.task.as_str()
        );
    }
    let config = common.load()?;
    let record = record(&config, &arguments, &set);
    record.begin(out)?;
    let asked = set.clone().first(arguments.limit.unwrap_or(usize::MAX));
    let programs = match set.task {
        Task::Code => {
            Some(ProgramRunner::find(std::env::current_exe().context("this program has no path")?).await?)
        }
        _ => None,
    };
    let answering = Answering::build(&config, &arguments).await?;
    let options = RunOptions {
        out: out.clone(),
        retry_errors: arguments.retry_errors,
        parallel: arguments.parallel,
    };
    let bar = Bar::new(&set.name);
    let end = until_interrupted(
        &asked,
        answering.target.as_ref(),
        programs.as_ref(),
        &options,
        &bar,
    )
    .await;
    bar.bar.finish_and_clear();
    answering.close().await;
    let end = end?;
    if end.interrupted {
        output::note(format_args!(
            "stopped after {} of {} rows; the same command goes on from there",
            end.predictions.len(),
            asked.rows.len()
        ));
    }
    let shown = finished::shown(out, Some(record), set, end.predictions);
    finished::print(&shown, arguments.json)?;
    if let Some(path) = &arguments.html {
        finished::write_page(path, &[shown], &[])?;
    }
    Ok(match end.interrupted {
        true => ExitCode::from(130),
        false => ExitCode::SUCCESS,
    })
}

/// Runs; an interrupt ends it in good order.
async fn until_interrupted(
    set: &DataSet,
    target: &dyn Target,
    programs: Option<&ProgramRunner>,
    options: &RunOptions,
    bar: &Bar,
) -> Result<RunEnd, EvalError> {
    let cancel = CancellationToken::new();
    let running = run::run(set, target, programs, options, bar, &cancel);
    tokio::pin!(running);
    tokio::select! {
        end = &mut running => end,
        _ = tokio::signal::ctrl_c() => {
            cancel.cancel();
            running.await
        }
    }
}

fn record(config: &Config, arguments: &RunArguments, set: &DataSet) -> RunRecord {
    let chosen = parts::chat_model(config);
    // Another name may be served by a host, whose weights nobody here can sum.
    let own = arguments.server.is_none() && arguments.model.as_deref().is_none_or(|name| name == chosen.name);
    RunRecord {
        set: set.name.clone(),
        // Where it is whatever folder a later command is called in.
        set_file: std::fs::canonicalize(&set.path).unwrap_or_else(|_| set.path.clone()),
        set_sha256: set.sha256.clone(),
        task: set.task.as_str().to_owned(),
        effort: arguments.effort.map(EffortChoice::from),
        documents: DocumentChoice::from(arguments.documents).as_str().to_owned(),
        enhanced: arguments.enhanced,
        model: arguments.model.clone(),
        model_sha256: chosen
            .files
            .first()
            .filter(|_| own)
            .map(|file| file.sha256.to_owned()),
        server: arguments.server.clone(),
        commit: std::env::var("BOXWOOD_COMMIT")
            .ok()
            .filter(|commit| !commit.is_empty()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

/// What answers, with what has to be closed after it.
struct Answering {
    target: Box<dyn Target>,
    own: Option<(parts::Parts, super::ask::OpenStore)>,
}

impl Answering {
    async fn build(config: &Config, arguments: &RunArguments) -> anyhow::Result<Self> {
        let (model, effort) = (arguments.model.clone(), arguments.effort.map(EffortChoice::from));
        if let Some(server) = &arguments.server {
            let token = std::env::var("BOXWOOD_TOKEN").unwrap_or_else(|_| DEVELOPER_TOKEN.to_owned());
            let target = ServerTarget::new(ServerSettings {
                base: server.trim_end_matches('/').to_owned(),
                token: SecretString::from(token),
                model,
                effort,
                enhanced: arguments.enhanced,
            })?;
            return Ok(Self {
                target: Box::new(target),
                own: None,
            });
        }
        let store = open_store(&config.cache).await?;
        let parts = parts::build(config, Arc::clone(&store.store))?;
        let settings = LocalSettings {
            model,
            effort,
            enhanced: arguments.enhanced,
        };
        let target = LocalTarget::new(Arc::clone(&parts.service), settings)?;
        Ok(Self {
            target: Box::new(target),
            own: Some((parts, store)),
        })
    }

    async fn close(self) {
        if let Some((parts, store)) = self.own {
            if let Some(engine) = &parts.engine {
                engine.shutdown(Duration::from_secs(20)).await;
            }
            store.store.close().await;
        }
    }
}

/// Progress on standard error.
struct Bar {
    bar: ProgressBar,
    set: String,
    failed: AtomicUsize,
}

impl Bar {
    fn new(set: &str) -> Self {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} rows, {elapsed} gone, {eta} to go");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(set.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            bar,
            set: set.to_owned(),
            failed: AtomicUsize::new(0),
        }
    }
}

impl RunProgress for Bar {
    fn begin(&self, rows: usize, done: usize) {
        self.bar.set_length(u64::try_from(rows).unwrap_or(u64::MAX));
        // Rows of an earlier call say nothing about the time that the others take.
        self.bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        self.bar.reset_eta();
    }

    fn answered(&self, row: &Row, prediction: &Prediction) {
        self.bar.inc(1);
        if let Some(error) = &prediction.error {
            let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
            self.bar.set_message(format!("{} ({failed} failed)", self.set));
            self.bar.println(format!("{}: {error}", row.id));
        }
    }
}
