//! Answers that are kept, so that a person can look at them again, as values.
//!
//! Invariant: an answer is seen by the user who asked and by administrators of his enterprise; it goes when its time is
//! over, when its user goes, or when one of its files is purged. It holds no content of a file but what the answer quotes.

use crate::items::UserRef;
use boxwood_core::{AnswerId, EnterpriseId, FileId, FileVersionId, UserId};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerOperation {
    /// A question about files.
    Ask,
    /// A text.
    TextGen,
    /// Free-form extraction.
    Extract,
    /// Extraction of fields.
    ExtractStructured,
}

impl AnswerOperation {
    /// Every operation with its name.
    pub const TABLE: [(&'static str, AnswerOperation); 4] = [
        ("ask", AnswerOperation::Ask),
        ("text_gen", AnswerOperation::TextGen),
        ("extract", AnswerOperation::Extract),
        ("extract_structured", AnswerOperation::ExtractStructured),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            AnswerOperation::Ask => "ask",
            AnswerOperation::TextGen => "text_gen",
            AnswerOperation::Extract => "extract",
            AnswerOperation::ExtractStructured => "extract_structured",
        }
    }

    /// Reads what [`AnswerOperation::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, operation)| *operation)
    }
}

/// A file that an answer was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFile {
    /// The file.
    pub id: FileId,
    /// The version that was read.
    pub version: FileVersionId,
}

/// An answer to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAnswer {
    /// The asking user's enterprise.
    pub enterprise: EnterpriseId,
    /// The asking user.
    pub user: UserId,
    /// What was asked for.
    pub operation: AnswerOperation,
    /// The id of the agent that was named; `None` for the default or one sent along.
    pub agent: Option<String>,
    /// Names the words that the model was told.
    pub prompt_version: String,
    /// The files, in the order of the request.
    pub files: Vec<AnswerFile>,
    /// The request's body, without the contents of files.
    pub request: Value,
    /// The answer's body, with citations.
    pub response: Value,
    /// When it was finished.
    pub created_at: DateTime<Utc>,
}

/// An answer that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAnswer {
    /// The id.
    pub id: AnswerId,
    /// Who asked.
    pub user: UserRef,
    /// See [`NewAnswer::operation`].
    pub operation: AnswerOperation,
    /// See [`NewAnswer::agent`].
    pub agent: Option<String>,
    /// See [`NewAnswer::prompt_version`].
    pub prompt_version: String,
    /// See [`NewAnswer::files`].
    pub files: Vec<AnswerFile>,
    /// See [`NewAnswer::request`].
    pub request: Value,
    /// See [`NewAnswer::response`].
    pub response: Value,
    /// When it was finished.
    pub created_at: DateTime<Utc>,
}

/// Which answers to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerQuery {
    /// Only of this operation.
    pub operation: Option<AnswerOperation>,
    /// Only about this file.
    pub file: Option<FileId>,
    /// Only of this user.
    pub user: Option<UserId>,
    /// Only finished then or later.
    pub from: Option<DateTime<Utc>>,
    /// Only finished before then.
    pub to: Option<DateTime<Utc>>,
    /// Only older than this one: where the page before ended.
    pub after: Option<AnswerId>,
    /// Entries of a page.
    pub limit: u32,
}

/// A page of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerPage {
    /// The answers, newest first.
    pub entries: Vec<KeptAnswer>,
    /// After which the next page begins; `None` on the last one.
    pub next: Option<AnswerId>,
}
