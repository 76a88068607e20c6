//! The worker process that parses untrusted files, and the pool of them.
//!
//! * [`protocol`]: what goes over the pipes
//! * [`child`]: the worker's side, behind the binary's hidden verb `ingest-worker`
//! * [`sandbox`]: what the worker takes from itself before it reads the first byte
//! * [`process`]: one worker seen from the parent: start, feed, watch, kill
//! * [`pool`]: [`pool::Ingestor`], which the rest of Boxwood uses

mod child;
mod pool;
mod process;
mod protocol;
mod sandbox;

pub use child::worker_main;
pub use pool::{IngestConfig, Ingestor, ParseReport, WorkerCommand};
