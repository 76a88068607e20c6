//! Parse jobs as values: one a content, because equal content is parsed once.
//!
//! Invariant: an outcome is accepted only from the holder of the newest lease (its fencing token), so a worker that was
//! thought dead can't overwrite the work of the next. Leased by the server's parse workers.

use crate::content::ReadableFile;
use chrono::{DateTime, Utc};

/// The artifact kind that a parse job makes; its version is the job's parser version.
pub const DOCUMENT: &str = "document";

/// How far the parsing of a content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseState {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running {
        /// 1 for the first.
        attempt: u32,
    },
    /// The artifact is there.
    Done,
    /// The content can't be parsed, ever, by this parser version.
    Refused {
        /// Machine-readable: `encrypted`, `unsupported`, `empty`, `damaged`, `limit_reached`, `worker_crashed`.
        code: String,
        /// For people.
        message: String,
    },
}

/// A job that a worker has taken.
#[derive(Debug, Clone)]
pub struct ParseLease {
    pub(crate) job: u64,
    pub(crate) fence: u64,
    pub(crate) attempt: u32,
    pub(crate) version: u32,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) file: ReadableFile,
}

impl ParseLease {
    /// Number of the job, for logs.
    pub fn job(&self) -> u64 {
        self.job
    }

    /// 1 for the first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The parser version that the job is for.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// When another worker may take it.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// What to parse: one of the files that have this content.
    pub fn file(&self) -> &ReadableFile {
        &self.file
    }
}

/// How a leased job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseOutcome {
    /// The artifact was put.
    Done,
    /// The content can't be parsed.
    Refused {
        /// See [`ParseState::Refused`].
        code: String,
        /// For people.
        message: String,
    },
    /// Something passing went wrong: another attempt, or, after the third, refused with this code and message.
    Retry {
        /// See [`ParseState::Refused`].
        code: String,
        /// For people.
        message: String,
    },
}
