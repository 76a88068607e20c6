//! What a process takes from itself before it touches what it does not trust: a file, a program that a model wrote.
//!
//! Three layers, none of which needs privileges or can be taken back: resource limits ([`limit_resources`], on every
//! system), the files that may still be reached ([`keep_files`], Landlock), and the calls that the kernel refuses
//! ([`refuse_calls`], seccomp). What a kernel lacks is said in the report of the layer, never an error: the others hold.
//!
//! Every cage refuses what [`Refused`] lists as base; what each takes on top of it:
//!
//! | process | on top of the base | files |
//! |---|---|---|
//! | `boxwood ingest-worker` | [`Refused::Programs`], unless Tesseract may run | OCR models for reading; system programs only for Tesseract |
//! | `boxwood eval-program` | [`Refused::SocketPairs`], [`Refused::Signals`], [`Refused::Processes`] | Python's own files for reading |
//! | `boxwood-calculate` | all of [`Refused`] | none: the calls themselves are refused |
//!
//! Invariant: a layer only ever takes away. Called by each process before it has a second thread: on Linux the last two
//! layers bind the calling thread and those that it starts later.

mod calls;
#[cfg(feature = "files")]
mod files;
mod limits;

pub use calls::{Refused, refuse_calls};
#[cfg(feature = "files")]
pub use files::{DEVICES, LIBRARIES, Reach, keep_files};
pub use limits::{Resource, limit_resources};
