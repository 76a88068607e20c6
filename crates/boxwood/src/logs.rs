//! Logs on standard error: lines for people, or JSON. Never bodies, prompts, document text or secrets.

use tracing_subscriber::EnvFilter;

/// What is logged where `RUST_LOG` says nothing.
const DEFAULT_FILTER: &str = "info,llama-cpp-2=warn,hyper=warn";

/// Starts logging.
pub fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start (in tests) keeps the first.
    let _already_started = if json {
        subscriber.json().try_init()
    } else {
        subscriber.try_init()
    };
}
