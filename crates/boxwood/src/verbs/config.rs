//! `boxwood config check`, `boxwood config default`.

use super::Common;
use crate::{config, output};
use clap::Subcommand;
use std::process::ExitCode;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Report every mistake in the configuration.
    Check,
    /// Print the commented default file.
    Default,
}

/// Runs the verb.
pub fn run(common: &Common, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match arguments.action {
        Action::Default => output::line(config::DEFAULT_FILE.trim_end()),
        Action::Check => {
            let config = common.load()?;
            let shown = |address: Option<std::net::SocketAddr>| {
                address.map_or_else(|| "off".to_owned(), |address| address.to_string())
            };
            output::line(format_args!(
                "The configuration is valid.\n  data   {}\n  cache  {}\n  http   {}\n  https  {}",
                config.data.display(),
                config.cache.display(),
                shown(config.http),
                shown(config.https)
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
