//! Everything that can keep a question from being answered. The server maps each variant to a Box error in one match.

use boxwood_core::{FileId, ModelError};
use boxwood_models::ResolveError;
use boxwood_store::StoreError;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// A file could not be read: unsupported, encrypted, empty, damaged, over a limit.
    #[error("file {file_id} ({file_name}) can't be read: {message}")]
    Unreadable {
        /// Index in the request's `items`.
        item: usize,
        /// The file.
        file_id: FileId,
        /// Its name.
        file_name: String,
        /// `unsupported`, `encrypted`, `empty`, `damaged`, `limit_reached` or `worker_crashed`.
        code: String,
        /// What is wrong and what to do, for people.
        message: String,
    },
    /// Reading a file failed for a reason that passes: the worker could not be started, the disk failed.
    #[error("file {file_id} could not be read just now: {message}")]
    ReadFailed {
        /// The file.
        file_id: FileId,
        /// What happened, for the log.
        message: String,
    },
    /// A file holds no text that could be read (an unreadable scan, a blank page).
    #[error("file {file_id} ({file_name}) holds no readable text")]
    NoText {
        /// Index in the request's `items`.
        item: usize,
        /// The file.
        file_id: FileId,
        /// Its name.
        file_name: String,
    },
    /// The model name can't be served.
    #[error("the model can't be used: {source}")]
    Model {
        /// The field of the request that named it: `ai_agent.basic_text.model`.
        field: String,
        /// Why.
        #[source]
        source: ResolveError,
    },
    /// An agent's setting can't be used.
    #[error("{field}: {message}")]
    Agent {
        /// The field of the request.
        field: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// The model failed.
    #[error(transparent)]
    Generation(#[from] ModelError),
    /// The model gave nothing usable, also after a retry.
    #[error("the model {model} gave no usable answer: {reason}")]
    Unusable {
        /// The model.
        model: String,
        /// What came.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The time limit passed.
    #[error("the answer was not ready within {limit:?}")]
    DeadlinePassed {
        /// The limit.
        limit: Duration,
    },
    /// Nobody waits any more.
    #[error("the question was cancelled")]
    Cancelled,
}

impl AnswerError {
    /// For a model that could not be resolved: names the field of the request that named it.
    pub(crate) fn model_of(field: impl Into<String>) -> impl FnOnce(ResolveError) -> Self {
        let field = field.into();
        move |source| Self::Model { field, source }
    }
}
