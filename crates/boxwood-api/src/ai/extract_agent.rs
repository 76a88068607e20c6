//! Agents for extraction on the wire: the bodies of `GET /2.0/ai_agent_default?mode=extract` and
//! `mode=extract_structured`. Called by the server.

use super::agent::TextToolBody;
use serde::Serialize;

/// Which of Box's two extractions an agent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtractKind {
    /// `extract`
    Freeform,
    /// `extract_structured`
    Structured,
}

impl ExtractKind {
    /// `type` of its agents.
    pub fn agent_type(self) -> &'static str {
        match self {
            Self::Freeform => "ai_agent_extract",
            Self::Structured => "ai_agent_extract_structured",
        }
    }
}

/// `AiAgentExtract` and `AiAgentExtractStructured` as an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtractAgentBody {
    /// `ai_agent_extract` or `ai_agent_extract_structured`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Text by passages.
    pub long_text: TextToolBody,
    /// Text that fits.
    pub basic_text: TextToolBody,
    /// Pictures.
    pub basic_image: TextToolBody,
}
