//! `boxwood dev-config`: the JWT configuration of the development identity, as official SDKs read it.

use super::Common;
use crate::output;
use anyhow::Context;
use boxwood_server::development;
use std::process::ExitCode;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(common: &Common, _arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = common.load()?;
    let path = development::config_file(&config.data);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{} is not there yet: `boxwood serve` makes it at its first start",
            path.display()
        )
    })?;
    output::line(text.trim_end());
    Ok(ExitCode::SUCCESS)
}
