//! The `boxwood` program: one verb a file, wiring and nothing else.
//!
//! Architecture invariant: no logic lives here. A verb reads its arguments and the configuration, builds the parts and
//! makes one call; everything a verb prints goes through [`output`].

mod config;
mod logs;
mod output;
mod parts;
mod verbs;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use verbs::Common;

/// Questions are passed from thread to thread, and what one thread took another gives back: the system's allocator then
/// lets threads wait for each other (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The Box AI API on your own machine, with models that nobody can take away.
#[derive(Debug, Parser)]
#[command(name = "boxwood", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve the Box API over your files.
    Serve(verbs::serve::Arguments),
    /// Ask a question about files, without a server.
    Ask(verbs::ask::Arguments),
    /// Fill in fields from files, without a server.
    Extract(verbs::extract::Arguments),
    /// Measure quality on a data set, compare runs, write reports.
    Eval(verbs::eval::Arguments),
    /// List model cards and what serves each; pull, verify and remove local models.
    Models(verbs::models::Arguments),
    /// Tell what models were used for, by whom, and what it cost.
    Usage(verbs::usage::Arguments),
    /// Show the certificate authority and how each client trusts it.
    Ca(verbs::ca::Arguments),
    /// Check or print the configuration.
    Config(verbs::config::Arguments),
    /// Print the JWT configuration of the development identity, as official SDKs read it.
    DevConfig(verbs::dev_config::Arguments),
    /// Tell what this machine can run and what is missing.
    Doctor(verbs::doctor::Arguments),
    /// Print the description of the served API.
    Openapi(verbs::openapi::Arguments),
    /// Parse files for a server; started by the server itself.
    #[command(hide = true)]
    IngestWorker,
}

fn main() -> ExitCode {
    // These must not start a runtime or read configuration: they lock themselves in before they read a byte.
    match std::env::args_os().nth(1) {
        Some(verb) if verb == "ingest-worker" => return boxwood_ingest::worker_main(),
        Some(verb) if verb == boxwood_eval::cage::VERB => return boxwood_eval::cage::main(),
        _ => {}
    }
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let common = arguments.common;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match arguments.verb {
            Verb::Serve(arguments) => verbs::serve::run(&common, arguments).await,
            Verb::Ask(arguments) => verbs::ask::run(&common, arguments).await,
            Verb::Extract(arguments) => verbs::extract::run(&common, arguments).await,
            Verb::Eval(arguments) => verbs::eval::run(&common, arguments).await,
            Verb::Models(arguments) => verbs::models::run(&common, arguments).await,
            Verb::Usage(arguments) => verbs::usage::run(&common, arguments).await,
            Verb::Ca(arguments) => verbs::ca::run(&common, &arguments),
            Verb::Config(arguments) => verbs::config::run(&common, &arguments),
            Verb::DevConfig(arguments) => verbs::dev_config::run(&common, &arguments),
            Verb::Doctor(arguments) => verbs::doctor::run(&common, &arguments).await,
            Verb::Openapi(arguments) => verbs::openapi::run(&arguments),
            Verb::IngestWorker => Ok(boxwood_ingest::worker_main()),
        }
    });
    // A parse or a completion that still runs must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}
