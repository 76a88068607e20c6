//! `boxwood eval compare` and `boxwood eval report`: what finished runs say.

use crate::output;
use anyhow::{Context, bail};
use boxwood_eval::compare::{self, Comparison};
use boxwood_eval::html::{self, ShownRun};
use boxwood_eval::report::{RunSummary, claim};
use boxwood_eval::{DataSet, DocumentChoice, Predictions, RunRecord};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
pub struct CompareArguments {
    /// Predictions of the first run.
    first: PathBuf,
    /// Predictions of the second run.
    second: PathBuf,
    /// The data set, where the runs have no record beside them.
    #[arg(long, value_name = "SET")]
    set: Option<PathBuf>,
    /// Write a page with both.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct ReportArguments {
    /// Predictions of the runs.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The data set, where the runs have no record beside them.
    #[arg(long, value_name = "SET")]
    set: Option<PathBuf>,
    /// Write a page about all of them.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the small report that backs a claim into this folder: DATE-NAME.json.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// The report's name.
    #[arg(long, default_value = "reasoning", requires = "keep")]
    name: String,
    /// Print one JSON object a run.
    #[arg(long)]
    json: bool,
}

/// Compares two runs.
pub fn compare(arguments: &CompareArguments) -> anyhow::Result<ExitCode> {
    let first = read(&arguments.first, arguments.set.as_deref())?;
    let second = read(&arguments.second, arguments.set.as_deref())?;
    if first.set.sha256 != second.set.sha256 {
        bail!(
            "{} and {} are runs of different data sets",
            arguments.first.display(),
            arguments.second.display()
        );
    }
    let found = compare::compare(&first.set, &first.predictions, &second.predictions)?;
    if arguments.json {
        output::line(serde_json::to_string_pretty(&as_json(&found))?);
    } else {
        print_comparison(&found, &first, &second);
    }
    if let Some(path) = &arguments.html {
        write_page(path, &[first, second], &[found])?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(found: &Comparison) -> serde_json::Value {
    let difference = &found.difference;
    json!({
        "set": found.set, "measure": found.measure, "rows": found.rows, "first": found.first, "second": found.second,
        "difference": difference.value, "interval": [difference.interval.low, difference.interval.high],
        "p_value": difference.p_value, "better": found.won, "worse": found.lost,
    })
}

fn print_comparison(found: &Comparison, first: &ShownRun, second: &ShownRun) {
    let difference = &found.difference;
    output::line(format_args!(
        "{}: {} over {} rows",
        found.set, found.measure, found.rows
    ));
    output::line(format_args!(
        "  {:.1} %  {} {}",
        found.first,
        first.summary.name,
        first.summary.effort()
    ));
    output::line(format_args!(
        "  {:.1} %  {} {}",
        found.second,
        second.summary.name,
        second.summary.effort()
    ));
    output::line(format_args!(
        "  {:+.1} points, 95 % {:+.1} to {:+.1}, p = {:.4} (paired bootstrap); better on {} rows, worse on {}",
        difference.value,
        difference.interval.low,
        difference.interval.high,
        difference.p_value,
        found.won.len(),
        found.lost.len()
    ));
}

/// Scores runs and writes what was asked for.
pub fn report(arguments: &ReportArguments) -> anyhow::Result<ExitCode> {
    let runs: Vec<ShownRun> = arguments
        .runs
        .iter()
        .map(|path| read(path, arguments.set.as_deref()))
        .collect::<anyhow::Result<_>>()?;
    for run in &runs {
        print(run, arguments.json)?;
    }
    if let Some(folder) = &arguments.keep {
        let summaries: Vec<RunSummary> = runs.iter().map(|run| run.summary.clone()).collect();
        let date = chrono::Utc::now().format("%Y-%m-%d").to_string();
        let report = claim(&summaries, &date)?;
        let path = folder.join(format!("{date}-{}.json", arguments.name));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, format!("{report:#}\n")))
            .with_context(|| format!("{} can't be written", path.display()))?;
        output::note(format_args!("wrote {}", path.display()));
    }
    if let Some(path) = &arguments.html {
        write_page(path, &runs, &[])?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a run with the set that its record names.
fn read(path: &Path, set: Option<&Path>) -> anyhow::Result<ShownRun> {
    let record = RunRecord::read(path)?;
    let place = match (set, &record) {
        (Some(set), _) => set.to_owned(),
        (None, Some(record)) => record.set_file.clone(),
        (None, None) => bail!(
            "{} has no record of its settings beside it: name the data set with --set",
            path.display()
        ),
    };
    let set = DataSet::read(&place, "dev", DocumentChoice::Given)?;
    if let Some(record) = record.as_ref().filter(|record| record.set_sha256 != set.sha256) {
        bail!(
            "{} was run over another content of {} (SHA-256 {}, now {})",
            path.display(),
            place.display(),
            record.set_sha256,
            set.sha256
        );
    }
    let predictions = Predictions::read(path)?;
    Ok(shown(path, record, set, predictions))
}

/// A run with its figures.
pub fn shown(path: &Path, record: Option<RunRecord>, set: DataSet, predictions: Predictions) -> ShownRun {
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    ShownRun {
        summary: RunSummary::new(name, record, &set, &predictions),
        set,
        predictions,
    }
}

/// Prints the figures of a run.
pub fn print(run: &ShownRun, as_json: bool) -> anyhow::Result<()> {
    let summary = &run.summary;
    if as_json {
        output::line(serde_json::to_string_pretty(&summary.to_json())?);
        return Ok(());
    }
    let (scores, cost) = (&summary.scores, &summary.cost);
    let interval = scores.interval();
    output::line(format_args!(
        "{} {}: {} {:.1} % (95 % {:.1} to {:.1}) over {} rows, {} of them failed",
        scores.set,
        summary.effort(),
        scores.measure,
        scores.percent(),
        interval.low,
        interval.high,
        scores.rows.len(),
        scores.errors
    ));
    for group in scores.groups() {
        output::line(format_args!(
            "  {:.1} %  {} ({} rows)",
            group.percent, group.name, group.rows
        ));
    }
    output::line(format_args!(
        "  a row: {:.0} tokens read, {:.0} written ({:.0} of them thinking), {:.1} s (median {:.1}, 90 % {:.1})",
        cost.input_tokens,
        cost.output_tokens,
        cost.reasoning_tokens,
        cost.seconds,
        cost.median_seconds,
        cost.slow_seconds
    ));
    let steps: Vec<String> = summary
        .steps
        .iter()
        .map(|(name, seconds)| format!("{name} {seconds:.2} s"))
        .collect();
    if !steps.is_empty() {
        output::line(format_args!("  steps: {}", steps.join(", ")));
    }
    if let Some(found) = &summary.calibration {
        output::line(format_args!(
            "  confidence: expected calibration error {:.3}, Brier {:.3} over {} values",
            found.expected_error, found.brier, found.count
        ));
    }
    output::line(format_args!("  {}", serde_json::to_string(&scores.metrics)?));
    Ok(())
}

/// Writes the page.
pub fn write_page(path: &Path, runs: &[ShownRun], comparisons: &[Comparison]) -> anyhow::Result<()> {
    std::fs::write(path, html::page(runs, comparisons))
        .with_context(|| format!("{} can't be written", path.display()))?;
    output::note(format_args!("wrote {}", path.display()));
    Ok(())
}
