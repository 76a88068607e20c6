//! What can go wrong with a file.
//!
//! Two enums: [`ParseError`] is what is wrong with the file itself, said by a parser inside the worker process (it
//! crosses the pipe, so it holds only text) or by the limits around it; [`IngestError`] is what the callers of
//! [`crate::Ingestor`] get, with the failures of the process added.
//! Invariant: the words are fit for the person who sent the file: what it is, what is wrong, what to do.

use boxwood_core::DocumentFormat;
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Why a parser gave up. What it had read until then is kept where that is honest, see [`crate::parse::parse_bytes`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ParseError {
    /// The content is something that Boxwood does not read.
    #[error(
        "{detected} can't be read; supported are {}",
        crate::formats::supported_list()
    )]
    Unsupported {
        /// What the content is, in words.
        detected: String,
    },
    /// The file is locked by a password.
    #[error("the {format} file is protected by a password; save it without one and send it again")]
    Encrypted {
        /// Name of the format.
        format: String,
    },
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file breaks its format and nothing of it could be read.
    #[error("the {format} file is damaged: {reason}")]
    Damaged {
        /// Name of the format.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file needs more than it may use.
    #[error("the file exceeds the limit of {limit} for {which}")]
    LimitReached {
        /// What is limited: "pages", "CPU time", "memory", "unpacked size", …
        which: String,
        /// The limit with its unit.
        limit: String,
    },
}

impl ParseError {
    /// The word for programs: `unsupported`, `encrypted`, `empty`, `damaged` or `limit_reached`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "unsupported",
            Self::Encrypted { .. } => "encrypted",
            Self::Empty => "empty",
            Self::Damaged { .. } => "damaged",
            Self::LimitReached { .. } => "limit_reached",
        }
    }

    /// [`ParseError::Damaged`] of this format.
    pub fn damaged(format: DocumentFormat, reason: impl Display) -> Self {
        Self::Damaged {
            format: crate::formats::name_of(format).to_owned(),
            reason: reason.to_string(),
        }
    }

    /// [`ParseError::Encrypted`] of this format.
    pub fn encrypted(format: DocumentFormat) -> Self {
        Self::Encrypted {
            format: crate::formats::name_of(format).to_owned(),
        }
    }

    /// [`ParseError::LimitReached`]: `limit` carries its unit.
    pub fn limit(which: &str, limit: impl Display) -> Self {
        Self::LimitReached {
            which: which.to_owned(),
            limit: limit.to_string(),
        }
    }
}

/// Why a file could not be parsed.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file itself is at fault.
    #[error(transparent)]
    File(#[from] ParseError),
    /// The worker process died over this file; other files are not affected.
    #[error("the parser stopped over this file: {detail}")]
    WorkerCrashed {
        /// Signal or exit status and the last words of the process, for the log.
        detail: String,
    },
    /// The caller cancelled.
    #[error("reading the file was cancelled")]
    Cancelled,
    /// The file or the worker's pipes could not be used.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

impl IngestError {
    /// An [`IngestError::Io`] for `map_err`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            doing: doing.into(),
            source,
        }
    }
}
