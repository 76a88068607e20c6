//! `boxwood openapi`: the description of the served API, as `/openapi.json` gives it.

use crate::output;
use std::process::ExitCode;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: &Arguments) -> anyhow::Result<ExitCode> {
    output::line(serde_json::to_string_pretty(&boxwood_server::openapi::describe(
        "http://127.0.0.1:8020",
    )?)?);
    Ok(ExitCode::SUCCESS)
}
