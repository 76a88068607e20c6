//! The parser's worker process alone, for the tests of this crate. Started by `boxwood_ingest::Ingestor` only.

use std::process::ExitCode;

fn main() -> ExitCode {
    boxwood_ingest::worker_main()
}
