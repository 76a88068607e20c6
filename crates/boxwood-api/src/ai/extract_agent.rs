//! Agents for extraction on the wire: the override in a request, and the bodies of
//! `GET /2.0/ai_agent_default?mode=extract` and `mode=extract_structured`.
//!
//! Invariant: a body that [`ExtractAgentBody`] writes is read by [`read_extract_choice`] without a refusal. Called by the
//! server.

use super::agent::{AgentChoice, Embeddings, TextToolBody, read_choice, read_tool};
use super::studio::ExtractTools;
use crate::reading::{Findings, Reader};
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

/// Reads `ai_agent` of an extraction.
pub(crate) fn read_extract_choice(
    reader: Reader<'_>,
    kind: ExtractKind,
    findings: &mut Findings,
) -> Option<AgentChoice<ExtractTools>> {
    read_choice(reader, kind.agent_type(), findings, |reader, findings| {
        let mut tool = |name, embeddings| read_tool(reader, name, embeddings, &mut |_, _, _| {}, findings);
        ExtractTools {
            basic_text: tool("basic_text", Embeddings::No),
            long_text: tool("long_text", Embeddings::Yes),
            basic_image: tool("basic_image", Embeddings::No),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::testing::assert_refusals;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(kind: ExtractKind, agent: &Value, expected: &[(Reason, &str)]) {
        let mut findings = Findings::default();
        if let Some(reader) = Reader::object(agent, "ai_agent", &mut findings) {
            read_extract_choice(reader, kind, &mut findings);
        }
        assert_refusals(&findings.errors, expected, agent);
    }

    #[test]
    fn each_extraction_takes_its_own_type_of_agent() {
        let wrong = [(Reason::InvalidParameter, "ai_agent.type")];
        check(ExtractKind::Freeform, &json!({"type": "ai_agent_extract"}), &[]);
        check(
            ExtractKind::Freeform,
            &json!({"type": "ai_agent_extract_structured"}),
            &wrong,
        );
        check(
            ExtractKind::Structured,
            &json!({"type": "ai_agent_extract_structured"}),
            &[],
        );
        check(ExtractKind::Structured, &json!({"type": "ai_agent_ask"}), &wrong);
        check(
            ExtractKind::Structured,
            &json!({"type": "ai_agent_id"}),
            &[(Reason::MissingParameter, "ai_agent.id")],
        );
        check(
            ExtractKind::Freeform,
            &json!({}),
            &[(Reason::MissingParameter, "ai_agent.type")],
        );
    }

    #[test]
    fn settings_are_checked_like_those_of_questions() {
        let agent = |tool: Value| json!({"type": "ai_agent_extract", "long_text": tool});
        check(
            ExtractKind::Freeform,
            &agent(json!({"prompt_template": "{content}"})),
            &[(Reason::MissingPlaceholder, "ai_agent.long_text.prompt_template")],
        );
        check(
            ExtractKind::Freeform,
            &agent(json!({"num_tokens_for_completion": 0})),
            &[(Reason::OutOfRange, "ai_agent.long_text.num_tokens_for_completion")],
        );
    }
}
