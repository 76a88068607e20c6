//! `boxwood usage`: what models were used for, from the data folder, also beside a running server.

use super::Common;
use crate::output;
use anyhow::Context;
use boxwood_api::usage::{UsageSum, sums_csv, uses_csv};
use boxwood_server::usage::{one_use, usage_sum};
use boxwood_store::{UsageBy, UsageFilter, UsageReader};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::ValueEnum;
use std::process::ExitCode;

/// Single uses that are printed at most.
const MOST_USES: u32 = 1_000_000;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Sum by these, or list single uses.
    #[arg(long, value_delimiter = ',', default_value = "model")]
    by: Vec<By>,
    /// Print CSV.
    #[arg(long)]
    csv: bool,
    /// Only of the user with this id.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only of this application, or of `token:` with an access token's number.
    #[arg(long)]
    key: Option<String>,
    /// Only of this model, by the name that was asked for or the one that answered.
    #[arg(long)]
    model: Option<String>,
    /// Only from this day or moment on.
    #[arg(long, value_parser = moment)]
    from: Option<DateTime<Utc>>,
    /// Only before this day or moment.
    #[arg(long, value_parser = moment)]
    to: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Month,
    User,
    Key,
    Model,
    Operation,
    /// Every use by itself.
    Use,
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let day = text
        .parse::<NaiveDate>()
        .map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let moment = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
    moment
        .ok()
        .or(day.ok())
        .ok_or_else(|| "must be a day like 2026-11-22, or a moment like 2026-11-22T14:50:06Z".to_owned())
}

/// Runs the verb.
pub async fn run(common: &Common, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = common.load()?;
    let reader = UsageReader::open(&config.data)
        .await
        .context("the data folder can't be read")?;
    let Some(reader) = reader else {
        output::note("No use of a model was recorded yet.");
        return Ok(ExitCode::SUCCESS);
    };
    let filter = UsageFilter {
        user: arguments.user.as_deref().map(str::parse).transpose()?,
        key: arguments.key,
        model: arguments.model,
        from: arguments.from,
        to: arguments.to,
    };
    if arguments.by.contains(&By::Use) {
        let kept = reader.single(&filter, None, MOST_USES).await?;
        let uses: Vec<_> = kept.into_iter().map(one_use).collect();
        output::line(uses_csv(&uses).trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let by: Vec<UsageBy> = arguments.by.iter().filter_map(|by| of_store(*by)).collect();
    let sums: Vec<_> = reader
        .sums(&filter, &by)
        .await?
        .into_iter()
        .map(usage_sum)
        .collect();
    if arguments.csv {
        output::line(sums_csv(&sums).trim_end());
    } else {
        table(&sums);
    }
    Ok(ExitCode::SUCCESS)
}

fn of_store(by: By) -> Option<UsageBy> {
    match by {
        By::Day => Some(UsageBy::Day),
        By::Month => Some(UsageBy::Month),
        By::User => Some(UsageBy::User),
        By::Key => Some(UsageBy::Key),
        By::Model => Some(UsageBy::Model),
        By::Operation => Some(UsageBy::Operation),
        By::Use => None,
    }
}

fn table(sums: &[UsageSum]) {
    output::line(format_args!(
        "{:<58} {:>8} {:>12} {:>12} {:>12} {:>12}  cost",
        "", "uses", "input", "cached", "output", "reasoning"
    ));
    for sum in sums {
        let answered = match (&sum.requested, &sum.model) {
            (Some(requested), Some(model)) if requested != model => Some(format!("{requested} → {model}")),
            (_, model) => model.clone(),
        };
        let names = [
            &sum.period,
            &sum.user_login.clone().or(sum.user_id.clone()),
            &sum.key,
            &answered,
            &sum.operation,
        ];
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        let cost = match (&sum.cost, &sum.currency) {
            (Some(cost), Some(currency)) => format!("{cost} {currency}"),
            _ => "not known".to_owned(),
        };
        output::line(format_args!(
            "{:<58} {:>8} {:>12} {:>12} {:>12} {:>12}  {cost}",
            names.join(" · "),
            sum.uses,
            sum.input_tokens,
            sum.cached_tokens,
            sum.output_tokens,
            sum.reasoning_tokens
        ));
    }
}
