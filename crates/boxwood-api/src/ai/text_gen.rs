//! The body of `POST /2.0/ai/text_gen`, and its agent.
//!
//! Invariants of a [`TextGenRequest`] that was read: the prompt has 1 to 10,000 characters and there is exactly one item.
//! Unknown fields are ignored and reported as warnings. Called by the server's handler.

use super::agent::{self, AgentChoice, Embeddings, MoreOfTool, Placeholders, ToolOverride};
use super::ask::{AskItem, HistoryEntry, check_prompt, read_dialogue};
use super::response::AgentInfo;
use crate::error::{FieldError, Reason};
use crate::reading::{Findings, Reader, one_of, read_body};
use crate::wire::{Moment, bounded_text};
use boxwood_core::FileId;
use serde::Serialize;
use serde_json::Value;

/// `type` of the agent that writes.
pub const TEXT_GEN_AGENT: &str = "ai_agent_text_gen";

/// A request that obeys every rule of the wire format.
#[derive(Debug, Clone, PartialEq)]
pub struct TextGenRequest {
    /// What is wanted.
    pub prompt: String,
    /// The file.
    pub item: AskItem,
    /// Prior exchanges, in the order of the request.
    pub dialogue_history: Vec<HistoryEntry>,
    /// The agent; `None`: the default one.
    pub agent: Option<AgentChoice<TextGenOverride>>,
    /// Fields that were ignored, in words.
    pub warnings: Vec<String>,
}

/// `ai_agent_text_gen` as an override.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TextGenOverride {
    /// Its only processor.
    pub basic_gen: Option<GenToolOverride>,
}

/// Settings of `basic_gen`; `None` keeps the default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenToolOverride {
    /// What it has in common with the other processors.
    pub tool: ToolOverride,
    /// How the file's text is shown.
    pub content_template: Option<String>,
}

/// `AiAgentTextGen` as an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextGenAgentBody {
    /// Always `ai_agent_text_gen`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its only processor.
    pub basic_gen: GenToolBody,
}

/// `AiAgentBasicGenTool` as an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenToolBody {
    /// Model, words, limits, embeddings.
    #[serde(flatten)]
    pub tool: agent::TextToolBody,
    /// How the file's text is shown.
    pub content_template: String,
}

/// `AiResponse`, with what Box's form has no place for under `boxwood`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AiResponse {
    /// The text.
    pub answer: String,
    /// When it was finished.
    pub created_at: Moment,
    /// Always `done`: Box knows no other; a text that was cut says so in `boxwood.truncated`.
    pub completion_reason: &'static str,
    /// What wrote.
    pub ai_agent_info: AgentInfo,
    /// The extension.
    pub boxwood: Value,
}

impl TextGenRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// Every field that is wrong, with its path.
    pub fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let (request, warnings) = read_body(body, Self::read_into)?;
        Ok(Self { warnings, ..request })
    }

    fn read_into(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let prompt = reader.required_text("prompt", findings);
        if let Some(prompt) = prompt {
            check_prompt(prompt, findings);
        }
        let item = reader
            .required_array("items", findings)
            .and_then(|entries| read_only_item(entries, findings));
        let dialogue_history = read_dialogue(&mut reader, findings);
        let agent = reader
            .child("ai_agent", findings)
            .and_then(|agent| agent::read_choice(agent, TEXT_GEN_AGENT, findings, TextGenOverride::read));
        reader.close(findings);
        Some(Self {
            prompt: prompt?.to_owned(),
            item: item?,
            dialogue_history,
            agent,
            warnings: Vec::new(),
        })
    }
}

impl TextGenOverride {
    /// Reads the processor of an agent.
    pub(crate) fn read(agent: &mut Reader<'_>, findings: &mut Findings) -> Self {
        Self::read_with(agent, &mut |_, _, _| {}, findings)
    }

    /// As [`TextGenOverride::read`]; `more` reads what else the processor has.
    pub(crate) fn read_with(
        agent: &mut Reader<'_>,
        more: &mut MoreOfTool<'_>,
        findings: &mut Findings,
    ) -> Self {
        let basic_gen = agent.child("basic_gen", findings).map(|mut reader| {
            let tool = read_gen_tool(&mut reader, findings);
            more("basic_gen", &mut reader, findings);
            reader.close(findings);
            tool
        });
        Self { basic_gen }
    }
}

fn read_gen_tool(reader: &mut Reader<'_>, findings: &mut Findings) -> GenToolOverride {
    GenToolOverride {
        tool: agent::read_text_tool(reader, Embeddings::Yes, Placeholders::Question, findings),
        content_template: bounded_text(
            reader,
            "content_template",
            agent::MAX_TEMPLATE_CHARACTERS,
            findings,
        ),
    }
}

fn read_only_item(entries: &[Value], findings: &mut Findings) -> Option<AskItem> {
    match entries {
        [] => {
            findings.refuse(Reason::TooShort, "items", "must name exactly one file");
            None
        }
        [only] => read_item(only, findings),
        [_, _, ..] => {
            let message = format!("must name exactly one file, not {}", entries.len());
            findings.refuse(Reason::TooLong, "items", message);
            None
        }
    }
}

fn read_item(entry: &Value, findings: &mut Findings) -> Option<AskItem> {
    let mut reader = Reader::object(entry, "items[0]", findings)?;
    let kind = reader.required_text("type", findings);
    let kind = kind.and_then(|text| one_of(text, &[("file", ())], "items[0].type", findings));
    let id = reader.required_text("id", findings);
    let content = reader.text("content", findings).map(str::to_owned);
    reader.close(findings);
    match id?.parse::<FileId>() {
        Ok(id) => kind.map(|()| AskItem { id, content }),
        Err(error) => {
            findings.refuse(Reason::InvalidParameter, "items[0].id", error.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_refusals, changed};
    use serde_json::json;

    fn valid() -> Value {
        json!({"prompt": "Write a letter.", "items": [{"id": "1001", "type": "file"}]})
    }

    /// A valid body with one member replaced must be refused at exactly these places.
    #[track_caller]
    fn check(change: &Value, expected: &[(Reason, &str)]) {
        let errors = TextGenRequest::read(&changed(valid(), change)).err();
        assert_refusals(&errors.unwrap_or_default(), expected, change);
    }

    #[test]
    fn needed_fields_and_bounds() {
        check(&json!({}), &[]);
        check(&json!({"prompt": null}), &[(Reason::MissingParameter, "prompt")]);
        check(&json!({"prompt": "  "}), &[(Reason::TooShort, "prompt")]);
        check(
            &json!({"prompt": "x".repeat(10_001)}),
            &[(Reason::TooLong, "prompt")],
        );
        check(&json!({"items": null}), &[(Reason::MissingParameter, "items")]);
    }

    #[test]
    fn exactly_one_file() {
        let one = |kind: &str| json!({"id": "7", "type": kind});
        check(&json!({"items": []}), &[(Reason::TooShort, "items")]);
        check(
            &json!({"items": [one("file"), {"id": "8", "type": "file"}]}),
            &[(Reason::TooLong, "items")],
        );
        check(
            &json!({"items": [one("hubs")]}),
            &[(Reason::InvalidParameter, "items[0].type")],
        );
        check(
            &json!({"items": [{"id": "x", "type": "file"}]}),
            &[(Reason::InvalidParameter, "items[0].id")],
        );
        check(
            &json!({"items": [{"type": "file"}]}),
            &[(Reason::MissingParameter, "items[0].id")],
        );
        check(
            &json!({"items": [{"id": "7", "type": "file", "content": 5}]}),
            &[(Reason::WrongType, "items[0].content")],
        );
    }

    #[test]
    fn the_agent_needs_its_own_type_and_only_one_placeholder() {
        let agent = |tool: Value| json!({"ai_agent": {"type": "ai_agent_text_gen", "basic_gen": tool}});
        check(
            &agent(json!({"prompt_template": "{user_question}", "content_template": "---{content}---"})),
            &[],
        );
        check(
            &agent(json!({"prompt_template": "{content}"})),
            &[(Reason::MissingPlaceholder, "ai_agent.basic_gen.prompt_template")],
        );
        check(
            &agent(json!({"content_template": 5})),
            &[(Reason::WrongType, "ai_agent.basic_gen.content_template")],
        );
        check(
            &agent(json!({"embeddings": {"strategy": {"num_tokens_per_chunk": 513}}})),
            &[(
                Reason::OutOfRange,
                "ai_agent.basic_gen.embeddings.strategy.num_tokens_per_chunk",
            )],
        );
        check(
            &json!({"ai_agent": {"type": "ai_agent_ask"}}),
            &[(Reason::InvalidParameter, "ai_agent.type")],
        );
        check(
            &json!({"ai_agent": {"type": "ai_agent_id"}}),
            &[(Reason::MissingParameter, "ai_agent.id")],
        );
    }

    #[test]
    fn unknown_fields_are_warnings() {
        let mut body = valid();
        body["ai_agent"] = json!({"type": "ai_agent_text_gen", "basic_text": {}});
        let request = TextGenRequest::read(&body).unwrap();
        assert_eq!(
            request.warnings,
            ["the field `ai_agent.basic_text` is not known and was ignored"]
        );
    }
}
