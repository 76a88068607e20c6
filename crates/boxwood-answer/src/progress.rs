//! Progress of one answer, for the CLI's bar and the server's event stream.

/// A step that was reached, or a piece of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Files are being read; `done` of `total` are.
    Reading {
        /// Files read.
        done: usize,
        /// Files in the question.
        total: usize,
    },
    /// Passages are being ranked.
    Searching,
    /// The model reads the prompt.
    Prompt {
        /// Tokens read, or restored from the prefix cache.
        done: u32,
        /// All prompt tokens.
        total: u32,
    },
    /// A piece of the draft answer. The final answer may differ: the support check can lower it to an abstention.
    Draft(String),
    /// A piece of hidden thinking. It is no part of the answer, and pieces of several samples come in any order.
    Thinking(String),
    /// Groups of fields are being filled in; `done` of `total` are.
    Fields {
        /// Groups filled in.
        done: usize,
        /// All groups.
        total: usize,
    },
    /// The draft is being checked against the files.
    Checking,
}

/// Receives progress; must not block.
pub trait ProgressSink: Send + Sync {
    /// Called from the task that answers.
    fn report(&self, progress: Progress);
}

/// Ignores progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl ProgressSink for NoProgress {
    fn report(&self, _progress: Progress) {}
}
