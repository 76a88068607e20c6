//! The body of `POST /2.0/ai/ask`.
//!
//! Invariants of an [`AskRequest`] that was read: the prompt has 1 to 10,000 characters, there are 1 to 25 items of
//! which no two are the same, one item where the mode says so, and every file id is a numeric string.
//! Unknown fields are ignored and reported as warnings. Called by the server's ask handler.

use super::agent::{self, ASK_AGENT, AgentChoice, AskOverride};
use crate::error::{FieldError, Reason};
use crate::reading::{Findings, Reader, one_of, read_body};
use boxwood_core::FileId;
use chrono::{DateTime, FixedOffset};
use serde_json::Value;
use std::collections::HashMap;

/// The longest prompt, in characters.
pub const MAX_PROMPT_CHARACTERS: usize = 10_000;
/// The most items of one question.
pub const MAX_ITEMS: usize = 25;

/// Box's two modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskMode {
    /// `single_item_qa`
    SingleItem,
    /// `multiple_item_qa`
    MultipleItems,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    File,
    Hub,
}

/// A file to be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskItem {
    /// The file.
    pub id: FileId,
    /// Text that takes the place of the file's own.
    pub content: Option<String>,
}

/// A prior exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// What was asked; empty where the client sent none.
    pub prompt: String,
    /// What was answered; empty where the client sent none.
    pub answer: String,
    /// When.
    pub created_at: Option<DateTime<FixedOffset>>,
}

/// A question that obeys every rule of the wire format.
#[derive(Debug, Clone, PartialEq)]
pub struct AskRequest {
    /// One item or several.
    pub mode: AskMode,
    /// The question.
    pub prompt: String,
    /// The files.
    pub items: Vec<AskItem>,
    /// Prior exchanges, in the order of the request.
    pub dialogue_history: Vec<HistoryEntry>,
    /// Whether `citations` are wanted.
    pub include_citations: bool,
    /// The agent; `None`: the default one.
    pub agent: Option<AgentChoice<AskOverride>>,
    /// Fields that were ignored, in words.
    pub warnings: Vec<String>,
}

impl AskRequest {
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
        let mode = reader.required_text("mode", findings).and_then(|text| {
            let words = [
                ("multiple_item_qa", AskMode::MultipleItems),
                ("single_item_qa", AskMode::SingleItem),
            ];
            one_of(text, &words, "mode", findings)
        });
        let prompt = reader.required_text("prompt", findings);
        if let Some(prompt) = prompt {
            check_prompt(prompt, findings);
        }
        let items = reader
            .required_array("items", findings)
            .map(|entries| read_items(entries, mode, findings));
        let dialogue_history = read_dialogue(&mut reader, findings);
        let include_citations = reader.flag("include_citations", findings).unwrap_or(false);
        let agent = reader
            .child("ai_agent", findings)
            .and_then(|agent| agent::read_choice(agent, ASK_AGENT, findings, AskOverride::read));
        reader.close(findings);
        Some(Self {
            mode: mode?,
            prompt: prompt?.to_owned(),
            items: items?,
            dialogue_history,
            include_citations,
            agent,
            warnings: Vec::new(),
        })
    }
}

/// Refuses a prompt that is empty or too long.
pub(super) fn check_prompt(prompt: &str, findings: &mut Findings) {
    let characters = prompt.chars().count();
    if prompt.trim().is_empty() {
        findings.refuse(Reason::TooShort, "prompt", "must hold a question");
    } else if characters > MAX_PROMPT_CHARACTERS {
        let message = format!("must have at most {MAX_PROMPT_CHARACTERS} characters, not {characters}");
        findings.refuse(Reason::TooLong, "prompt", message);
    }
}

fn read_items(entries: &[Value], mode: Option<AskMode>, findings: &mut Findings) -> Vec<AskItem> {
    match entries.len() {
        0 => findings.refuse(Reason::TooShort, "items", "must name at least one item"),
        1 => {}
        count if mode == Some(AskMode::SingleItem) => findings.refuse(
            Reason::TooLong,
            "items",
            format!(
                "must name exactly one item in mode `single_item_qa`, not {count}; use `multiple_item_qa`"
            ),
        ),
        count if count > MAX_ITEMS => findings.refuse(
            Reason::TooLong,
            "items",
            format!("must name at most {MAX_ITEMS} items, not {count}; ask about them in several questions"),
        ),
        _ => {}
    }
    // No more than the limit is looked at, so that a body of a million items costs nothing.
    let mut first_place: HashMap<FileId, usize> = HashMap::new();
    let mut items = Vec::new();
    for (index, entry) in entries.iter().take(MAX_ITEMS).enumerate() {
        let Some(item) = read_item(entry, index, entries.len(), findings) else {
            continue;
        };
        if let Some(first) = first_place.get(&item.id) {
            let message = format!("names file {} again, as items[{first}] does", item.id);
            findings.refuse(Reason::NotUnique, format!("items[{index}].id"), message);
            continue;
        }
        first_place.insert(item.id.clone(), index);
        items.push(item);
    }
    items
}

fn read_item(entry: &Value, index: usize, count: usize, findings: &mut Findings) -> Option<AskItem> {
    let mut reader = Reader::object(entry, &format!("items[{index}]"), findings)?;
    let path = reader.path_of("type");
    let kind = reader.required_text("type", findings).and_then(|text| {
        one_of(
            text,
            &[("file", ItemKind::File), ("hubs", ItemKind::Hub)],
            &path,
            findings,
        )
    });
    let id = reader.required_text("id", findings);
    let content = reader.text("content", findings).map(str::to_owned);
    let id_path = reader.path_of("id");
    reader.close(findings);
    if kind? == ItemKind::Hub {
        if count > 1 {
            findings.refuse(
                Reason::Contradiction,
                path,
                "a hub must be the only item of a question",
            );
        } else {
            findings.refuse(
                Reason::NotServed,
                path,
                "questions to hubs are not served yet; name files instead",
            );
        }
        return None;
    }
    match id?.parse::<FileId>() {
        Ok(id) => Some(AskItem { id, content }),
        Err(error) => {
            findings.refuse(Reason::InvalidParameter, id_path, error.to_string());
            None
        }
    }
}

/// Reads `dialogue_history`.
pub(super) fn read_dialogue(reader: &mut Reader<'_>, findings: &mut Findings) -> Vec<HistoryEntry> {
    let history = reader.array("dialogue_history", findings).unwrap_or_default();
    history
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| read_history(entry, index, findings))
        .collect()
}

fn read_history(entry: &Value, index: usize, findings: &mut Findings) -> Option<HistoryEntry> {
    let mut reader = Reader::object(entry, &format!("dialogue_history[{index}]"), findings)?;
    let prompt = reader.text("prompt", findings).unwrap_or_default().to_owned();
    let answer = reader.text("answer", findings).unwrap_or_default().to_owned();
    let moment = reader.text("created_at", findings);
    let path = reader.path_of("created_at");
    reader.close(findings);
    let created_at = moment.and_then(|text| match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => Some(moment),
        Err(_) => {
            let message = "must be a date and time such as 2026-11-22T10:53:43-08:00";
            findings.refuse(Reason::InvalidParameter, path, message);
            None
        }
    });
    Some(HistoryEntry {
        prompt,
        answer,
        created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_refusals, changed};
    use serde_json::json;

    fn valid() -> Value {
        json!({"mode": "single_item_qa", "prompt": "Where?", "items": [{"id": "1001", "type": "file"}]})
    }

    /// A valid body with one member replaced must be refused at exactly these places.
    #[track_caller]
    fn check(change: &Value, expected: &[(Reason, &str)]) {
        let errors = AskRequest::read(&changed(valid(), change)).err();
        assert_refusals(&errors.unwrap_or_default(), expected, change);
    }

    #[test]
    fn what_the_official_clients_send_is_read() {
        let body = json!({
            "mode": "single_item_qa", "prompt": "Where?", "items": [{"id": "1001", "type": "file"}],
            "dialogue_history": [{"prompt": "p", "answer": "a", "created_at": "2012-12-12T10:53:43-08:00"}],
            "include_citations": true,
            "ai_agent": {"type": "ai_agent_ask", "basic_text": {"model": "azure__openai__gpt_o4_mini",
                "llm_endpoint_params": {"type": "openai_params", "temperature": 0.0, "stop": null}}}});
        let request = AskRequest::read(&body).unwrap();
        assert!(request.include_citations && request.warnings.is_empty());
        assert_eq!(request.dialogue_history.len(), 1);
        assert!(matches!(request.agent, Some(AgentChoice::Override(_))));
    }

    #[test]
    fn needed_fields() {
        check(&json!({"mode": null}), &[(Reason::MissingParameter, "mode")]);
        check(&json!({"prompt": null}), &[(Reason::MissingParameter, "prompt")]);
        check(&json!({"items": null}), &[(Reason::MissingParameter, "items")]);
        check(
            &json!({"items": [{"type": "file"}]}),
            &[(Reason::MissingParameter, "items[0].id")],
        );
        check(
            &json!({"items": [{"id": "1"}]}),
            &[(Reason::MissingParameter, "items[0].type")],
        );
        check(
            &json!({"mode": null, "prompt": 7}),
            &[(Reason::MissingParameter, "mode"), (Reason::WrongType, "prompt")],
        );
    }

    #[test]
    fn prompt_length_is_counted_in_characters() {
        check(&json!({"prompt": "あ".repeat(10_000)}), &[]);
        check(
            &json!({"prompt": "あ".repeat(10_001)}),
            &[(Reason::TooLong, "prompt")],
        );
        check(&json!({"prompt": " \n"}), &[(Reason::TooShort, "prompt")]);
    }

    #[test]
    fn items_obey_mode_number_and_uniqueness() {
        let files = |count: usize| -> Vec<Value> {
            (1..=count)
                .map(|id| json!({"id": id.to_string(), "type": "file"}))
                .collect()
        };
        let multi = "multiple_item_qa";
        check(&json!({"items": []}), &[(Reason::TooShort, "items")]);
        check(&json!({"items": files(2)}), &[(Reason::TooLong, "items")]);
        check(&json!({"mode": multi, "items": files(25)}), &[]);
        check(
            &json!({"mode": multi, "items": files(26)}),
            &[(Reason::TooLong, "items")],
        );
        check(
            &json!({"mode": multi, "items": ([files(1), files(2)].concat())}),
            &[(Reason::NotUnique, "items[1].id")],
        );
    }

    #[test]
    fn item_ids_and_types() {
        check(
            &json!({"items": [{"id": "x", "type": "file"}]}),
            &[(Reason::InvalidParameter, "items[0].id")],
        );
        check(
            &json!({"items": [{"id": 5, "type": "file"}]}),
            &[(Reason::WrongType, "items[0].id")],
        );
        check(
            &json!({"items": [{"id": "5", "type": "folder"}]}),
            &[(Reason::InvalidParameter, "items[0].type")],
        );
        check(
            &json!({"items": [{"id": "5", "type": "hubs"}]}),
            &[(Reason::NotServed, "items[0].type")],
        );
        check(
            &json!({"mode": "multiple_item_qa",
                "items": [{"id": "5", "type": "hubs"}, {"id": "6", "type": "file"}]}),
            &[(Reason::Contradiction, "items[0].type")],
        );
        check(&json!({"items": {"id": "5"}}), &[(Reason::WrongType, "items")]);
        check(&json!({"items": ["5"]}), &[(Reason::WrongType, "items[0]")]);
    }

    #[test]
    fn history_flags_and_agents() {
        check(&json!({"mode": "ask"}), &[(Reason::InvalidParameter, "mode")]);
        check(
            &json!({"include_citations": "yes"}),
            &[(Reason::WrongType, "include_citations")],
        );
        check(
            &json!({"dialogue_history": [{"prompt": "p", "created_at": "yesterday"}]}),
            &[(Reason::InvalidParameter, "dialogue_history[0].created_at")],
        );
        check(
            &json!({"ai_agent": {}}),
            &[(Reason::MissingParameter, "ai_agent.type")],
        );
        check(
            &json!({"ai_agent": {"type": "ai_agent_extract"}}),
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
        body["include_citation"] = json!(true);
        body["items"][0]["nmae"] = json!("x");
        let request = AskRequest::read(&body).unwrap();
        assert_eq!(
            request.warnings,
            [
                "the field `items[0].nmae` is not known and was ignored",
                "the field `include_citation` is not known and was ignored",
            ]
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        let errors = AskRequest::read(&json!([])).unwrap_err();
        assert_eq!(
            (errors[0].reason, errors[0].name.as_str()),
            (Reason::WrongType, "")
        );
    }
}
