//! Answers that were kept for review, on the wire: Boxwood's own operations under `/boxwood/answers`.
//!
//! Called by the server's handlers.

use crate::users::UserMini;
use crate::wire::Moment;
use serde::Serialize;
use serde_json::Value;

/// A version of a file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileRead {
    /// Always `file`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The file's id.
    pub id: String,
    /// The version's id.
    pub version_id: String,
}

/// An answer that was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptAnswer {
    /// Always `boxwood_answer`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// When it was finished.
    pub created_at: Moment,
    /// `ask`, `text_gen`, `extract` or `extract_structured`.
    pub operation: &'static str,
    /// Who asked.
    pub user: UserMini,
    /// What was read, in the order of the request.
    pub files: Vec<FileRead>,
    /// The agent that the request named; `null` for the default or one sent along.
    pub agent: Option<String>,
    /// Changes with the words and settings that the model was told.
    pub prompt_version: String,
    /// The answer itself, or the extracted values.
    pub answer: Value,
    /// Models and processor.
    pub ai_agent_info: Value,
    /// The card that was asked for and what served it; `null` where the operation does not tell.
    pub served_by: Value,
    /// Support of the answer, or confidence of the values; `null` where the operation does not tell.
    pub confidence: Value,
    /// The request, without the contents of files; only of a single answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// The whole answer, with citations, references, timings and tokens; only of a single answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
}

/// A page of answers, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptAnswers {
    /// The answers.
    pub entries: Vec<KeptAnswer>,
    /// The most entries of a page.
    pub limit: u64,
    /// Where the next page begins; `null` on the last.
    pub next_marker: Option<String>,
}
