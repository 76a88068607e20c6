//! The answer to a question: `AiResponse--Full`, with what Box's form has no place for under `boxwood`.
//!
//! Invariant: Box's own members keep Box's meaning; `citations` is an array whenever citations were asked for.

use crate::wire::Moment;
use serde::Serialize;
use serde_json::Value;

/// `AiResponse--Full`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AiResponseFull {
    /// The text.
    pub answer: String,
    /// When it was finished.
    pub created_at: Moment,
    /// Always `done`: Box knows no other; an answer that was cut says so in `boxwood.truncated`.
    pub completion_reason: &'static str,
    /// Only when the request asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<Vec<CitationBody>>,
    /// What answered.
    pub ai_agent_info: AgentInfo,
    /// The extension.
    pub boxwood: Value,
}

/// `AiExtractStructuredResponse`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AiExtractStructuredResponse {
    /// A member for each field that was asked for.
    pub answer: Value,
    /// When it was finished.
    pub created_at: Moment,
    /// Always `done`: Box knows no other.
    pub completion_reason: &'static str,
    /// Only when the request asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_score: Option<Value>,
    /// Only when the request asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Value>,
    /// What extracted.
    pub ai_agent_info: AgentInfo,
    /// The extension.
    pub boxwood: Value,
}

/// `AiCitation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CitationBody {
    /// The exact words of the file.
    pub content: String,
    /// The file.
    pub id: String,
    /// Always `file`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The file's name.
    pub name: String,
}

/// `AiAgentInfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentInfo {
    /// Every model that took part.
    pub models: Vec<ModelInfo>,
    /// Box's name of the processor.
    pub processor: &'static str,
}

/// A model that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    /// What really ran.
    pub name: String,
    /// Who runs it.
    pub provider: String,
    /// `chat` or `embedding`.
    pub supported_purpose: &'static str,
}
