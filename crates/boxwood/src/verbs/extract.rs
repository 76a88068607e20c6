//! `boxwood extract FILE… --fields a,b:date,c:float`: fields filled in from files without a server.

use super::Common;
use super::ask::{Bar, open_store, own_file};
use crate::{output, parts};
use anyhow::{Context, bail};
use boxwood_answer::extract::{Content, DateForm, FieldKind, FieldSpec, Finding, Wanted};
use boxwood_answer::{Depth, ExtractMode, Extracted, Extraction, Language};
use boxwood_core::Caller;
use boxwood_store::ReadableFiles;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Files.
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<String>,
    /// Fields with their types: name,born:date,total:float,paid:boolean,state:enum(open|paid),tags:multi(a|b)
    #[arg(long, value_name = "FIELDS", conflicts_with_all = ["schema", "prompt"])]
    fields: Option<String>,
    /// A JSON schema, a sample of the answer, or a list of fields as the Box API takes it.
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    schema: Option<PathBuf>,
    /// What is wanted, in any form.
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["fields", "schema"])]
    prompt: Option<String>,
    /// Go over doubtful values again.
    #[arg(long)]
    enhanced: bool,
    /// Model name: a card, a binding or a local model.
    #[arg(long)]
    model: Option<String>,
    /// Print one JSON object with confidence and places.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values: the rows of the only table, else one row of all fields.
    #[arg(long)]
    csv: bool,
}

/// Runs the verb.
pub async fn run(common: &Common, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = common.load()?;
    let wanted = wanted(&arguments)?;
    let store = open_store(&config.cache).await?;
    let parts = parts::build(&config, Arc::clone(&store.store))?;
    let words = match &wanted {
        Wanted::Prompt(prompt) => prompt.clone(),
        Wanted::Fields(fields) => fields
            .iter()
            .map(FieldSpec::search_text)
            .collect::<Vec<_>>()
            .join(" "),
    };
    let language = Language::of_text(&words);
    let agent =
        parts
            .service
            .default_extract_agent(ExtractMode::Structured, language, arguments.model.as_deref())?;
    let files = arguments
        .files
        .iter()
        .map(own_file)
        .collect::<anyhow::Result<_>>()?;
    let cancel = CancellationToken::new();
    let extraction = Extraction {
        wanted,
        files: ReadableFiles::of_own_files(files).await?,
        contents: HashMap::new(),
        agent,
        depth: if arguments.enhanced {
            Depth::Enhanced
        } else {
            Depth::Standard
        },
        confidence: !arguments.csv,
        language,
        caller: Caller::program("extract"),
        partition: "own-files".to_owned(),
        now: chrono::Utc::now(),
        time_limit: None,
        cancel: cancel.clone(),
    };
    let bar = Bar::new();
    let extracted = tokio::select! {
        extracted = parts.service.extract(extraction, &bar) => extracted,
        _ = tokio::signal::ctrl_c() => {
            cancel.cancel();
            bar.finish();
            bail!("interrupted");
        }
    };
    bar.finish();
    let extracted = extracted?;
    match (arguments.json, arguments.csv) {
        (true, _) => output::line(serde_json::to_string_pretty(&as_json(&extracted))?),
        (_, true) => output::line(as_csv(&extracted).trim_end()),
        _ => print(&extracted),
    }
    if let Some(engine) = &parts.engine {
        // The document that was read is being kept for the next extraction.
        engine.shutdown(Duration::from_secs(20)).await;
    }
    store.store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn wanted(arguments: &Arguments) -> anyhow::Result<Wanted> {
    if let Some(fields) = &arguments.fields {
        return Ok(Wanted::Fields(fields_of(fields)?));
    }
    if let Some(path) = &arguments.schema {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
        serde_json::from_str::<Value>(&text).with_context(|| format!("{} is no JSON", path.display()))?;
        return Ok(Wanted::Prompt(text));
    }
    match &arguments.prompt {
        Some(prompt) => Ok(Wanted::Prompt(prompt.clone())),
        None => bail!("say what is wanted: --fields, --schema or --prompt"),
    }
}

/// `name,born:date,state:enum(open|paid)`
fn fields_of(text: &str) -> anyhow::Result<Vec<FieldSpec>> {
    let mut fields = Vec::new();
    let mut seen = HashSet::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (key, kind) = entry.split_once(':').unwrap_or((entry, "string"));
        let key = key.trim();
        if key.is_empty() || !seen.insert(key) {
            bail!("each field needs a name of its own: `{entry}`");
        }
        fields.push(FieldSpec::text(key).of_kind(kind_of(kind.trim())?));
    }
    if fields.is_empty() {
        bail!("--fields names no field");
    }
    Ok(fields)
}

fn kind_of(name: &str) -> anyhow::Result<FieldKind> {
    let options = |prefix: &str| -> Option<Vec<String>> {
        let inner = name.strip_prefix(prefix)?.strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split('|').map(|option| option.trim().to_owned()).collect())
    };
    if let Some(options) = options("enum") {
        return Ok(FieldKind::Choice {
            options,
            multiple: false,
        });
    }
    if let Some(options) = options("multi") {
        return Ok(FieldKind::Choice {
            options,
            multiple: true,
        });
    }
    match name {
        "string" | "text" => Ok(FieldKind::Text),
        "float" | "number" => Ok(FieldKind::Number),
        "date" => Ok(FieldKind::Date(DateForm::Day)),
        "boolean" => Ok(FieldKind::Boolean),
        _ => bail!("`{name}` is no type; write string, float, date, boolean, enum(a|b) or multi(a|b)"),
    }
}

fn as_json(extracted: &Extracted) -> Value {
    json!({
        "answer": extracted.to_value(),
        "confidence_score": extracted.object(Finding::confidence_value),
        "reference": extracted.object(Finding::reference_value),
        "processor": extracted.processor,
        "models": extracted.models,
        "served_by": extracted.served_by,
        "coverage": extracted.coverage,
        "usage": extracted.usage,
        "timings": extracted.timings,
        "warnings": extracted.warnings,
    })
}

fn as_csv(extracted: &Extracted) -> String {
    if let [(_, table)] = extracted.fields.as_slice()
        && let Content::List(rows) = &table.content
        && let Some(Content::Object(first)) = rows.first().map(|row| &row.content)
    {
        let head: Vec<String> = first.iter().map(|(key, _)| key.clone()).collect();
        let mut lines = vec![csv_line(&head)];
        for row in rows {
            if let Content::Object(cells) = &row.content {
                let cells: Vec<String> = cells.iter().map(|(_, cell)| plain(&cell.to_value())).collect();
                lines.push(csv_line(&cells));
            }
        }
        return lines.concat();
    }
    let head: Vec<String> = extracted.fields.iter().map(|(key, _)| key.clone()).collect();
    let values: Vec<String> = extracted
        .fields
        .iter()
        .map(|(_, found)| plain(&found.to_value()))
        .collect();
    csv_line(&head) + &csv_line(&values)
}

fn csv_line(cells: &[String]) -> String {
    let quoted = cells
        .iter()
        .map(|cell| match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn print(extracted: &Extracted) {
    let width = extracted
        .fields
        .iter()
        .map(|(key, _)| key.chars().count())
        .max()
        .unwrap_or(0);
    for (key, found) in &extracted.fields {
        let value = match found.is_absent() {
            true => "–".to_owned(),
            false => plain(&found.to_value()),
        };
        let place = found.references.first();
        let place = place.map_or_else(String::new, |place| {
            format!("  [{} page {}]", place.file_name, place.page)
        });
        output::line(format_args!(
            "{key:width$}  {:6} {:.2}  {value}{place}",
            found.confidence.level(),
            found.confidence.score
        ));
    }
    let served = &extracted.served_by;
    output::line(format_args!(
        "\nfilled in by {} ({}, asked for {}) in {} completions; {}",
        served.answered,
        served.kind,
        served.requested,
        extracted.completions,
        extracted.processor.as_str()
    ));
    for file in &extracted.coverage.files {
        output::line(format_args!(
            "read: {} of {} pages shown to the model",
            file.shown_pages.len(),
            file.pages
        ));
        for note in &file.notes {
            output::line(format_args!("not read: {}", note.message));
        }
    }
    for warning in &extracted.warnings {
        output::line(format_args!("warning: {warning}"));
    }
    let usage = &extracted.usage;
    output::line(format_args!(
        "tokens: {} in ({} from the cache), {} out; {:.1} s",
        usage.input_tokens,
        usage.cached_tokens,
        usage.output_tokens,
        extracted.timings.total.as_secs_f32()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_their_types() {
        let fields = fields_of("name, born:date, total:float, state:enum(open|paid)").unwrap();
        assert_eq!(fields[1].kind, FieldKind::Date(DateForm::Day));
        assert_eq!(
            fields[3].kind,
            FieldKind::Choice {
                options: vec!["open".to_owned(), "paid".to_owned()],
                multiple: false
            }
        );
        for wrong in ["", "a,a", "a:money", ":date"] {
            assert!(fields_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cells_with_marks_are_quoted() {
        assert_eq!(
            csv_line(&["a,b".to_owned(), "c\"d".to_owned(), "e".to_owned()]),
            "\"a,b\",\"c\"\"d\",e\n"
        );
    }
}
