//! Agents of AI Studio: the body of `POST` and `PUT /2.0/ai_agents`, and what is kept and shown of it.
//!
//! Invariants of a [`StudioAgent`] that was read: it has a name, at least one capability, and every setting obeys the
//! rules that the same setting has in a request. What is kept of a capability ([`Capability::settings`]) is its JSON
//! without unknown fields, so it can be read again ([`AskCapability::kept`]) and shown ([`show`]).

mod kept;
mod show;

pub use show::{AgentBody, AgentListBody, EntityBody, ShownCapability, capability_body};

use super::agent::{ASK_AGENT, AskOverride, Embeddings, ToolOverride, read_tool};
use super::text_gen::{TEXT_GEN_AGENT, TextGenOverride};
use crate::error::{FieldError, Reason};
use crate::reading::{Findings, Reader, one_of, read_body};
use crate::wire::bounded_text;
use boxwood_core::{AgentAccess, AgentMode, AllowedEntity, EntityKind};
use serde_json::Value;
use std::collections::HashSet;

/// The most suggested questions of a capability.
pub const MAX_SUGGESTED_QUESTIONS: usize = 4;
/// `type` of the agent that extracts.
pub const EXTRACT_AGENT: &str = "ai_agent_extract";
/// Box names no bounds for these; they keep one agent from filling a disk or a prompt.
const MAX_NAME: usize = 255;
const MAX_ADDRESS: usize = 2_048;
const MAX_WORDS: usize = 10_000;
const MAX_QUESTION: usize = 1_000;
const MAX_ENTITIES: usize = 1_000;

/// `CreateAiAgent`.
#[derive(Debug, Clone, PartialEq)]
pub struct StudioAgent {
    /// The name.
    pub name: String,
    /// Who may use it.
    pub access: AgentAccess,
    /// The address of a picture.
    pub icon_reference: Option<String>,
    /// Who may use it where only selected users may.
    pub allowed: Vec<AllowedEntity>,
    /// Answers questions.
    pub ask: Option<AskCapability>,
    /// Writes texts.
    pub text_gen: Option<TextGenCapability>,
    /// Extracts metadata.
    pub extract: Option<ExtractCapability>,
    /// Fields that were ignored, in words.
    pub warnings: Vec<String>,
}

/// `AiStudioAgentAsk`.
pub type AskCapability = Capability<AskOverride>;
/// `AiStudioAgentTextGen`.
pub type TextGenCapability = Capability<TextGenOverride>;
/// `AiStudioAgentExtract`.
pub type ExtractCapability = Capability<ExtractTools>;

/// One of the things that an agent can do; `O` holds the settings of its processors.
#[derive(Debug, Clone, PartialEq)]
pub struct Capability<O> {
    /// Whether it may be used.
    pub enabled: bool,
    /// What it is for, for people.
    pub description: String,
    /// Words for the model, besides the system message.
    pub custom_instructions: Option<String>,
    /// Questions that are offered; `None`: to be written by a model. Extraction has none.
    pub suggested_questions: Option<Vec<String>>,
    /// The settings of its processors.
    pub tools: O,
    /// Names of the processors that the custom instructions are kept from.
    pub uninstructed: Vec<&'static str>,
    /// The JSON to keep.
    pub settings: Value,
}

/// Settings of the processors that extract.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExtractTools {
    /// What fits.
    pub basic_text: Option<ToolOverride>,
    /// By passages.
    pub long_text: Option<ToolOverride>,
    /// Pictures.
    pub basic_image: Option<ToolOverride>,
}

impl StudioAgent {
    /// Reads a body.
    ///
    /// # Errors
    /// Every field that is wrong, with its path.
    pub fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let (agent, warnings) = read_body(body, Self::read_into)?;
        Ok(Self { warnings, ..agent })
    }

    fn read_into(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        if let Some(kind) = reader.required_text("type", findings) {
            one_of(kind, &[("ai_agent", ())], "type", findings);
        }
        let name = read_name(&mut reader, findings);
        let access = reader
            .required_text("access_state", findings)
            .and_then(|state| one_of(state, &AgentAccess::TABLE, "access_state", findings));
        let icon_reference = read_icon(&mut reader, findings);
        let allowed = read_entities(&mut reader, findings);
        let ask = read_capability(&mut reader, &ASK, findings);
        let text_gen = read_capability(&mut reader, &TEXT_GEN, findings);
        let extract = read_capability(&mut reader, &EXTRACT, findings);
        if ["ask", "text_gen", "extract"]
            .iter()
            .all(|mode| reader.value(mode).is_none())
        {
            let message = "or `text_gen` or `extract` is required: an agent must be able to do something";
            findings.refuse(Reason::MissingParameter, "ask", message);
        }
        ignore(&mut reader, &SHOWN_ONLY);
        reader.close(findings);
        Some(Self {
            name: name?,
            access: access?,
            icon_reference,
            allowed,
            ask,
            text_gen,
            extract,
            warnings: Vec::new(),
        })
    }
}

/// Members of an answer that somebody may send back; they say nothing.
const SHOWN_ONLY: [&str; 7] = [
    "id",
    "origin",
    "created_by",
    "created_at",
    "modified_by",
    "modified_at",
    "boxwood",
];

fn ignore(reader: &mut Reader<'_>, names: &[&'static str]) {
    for name in names {
        reader.value(name);
    }
}

fn read_name(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<String> {
    reader.required("name", findings)?;
    let name = bounded_text(reader, "name", MAX_NAME, findings)?;
    if name.trim().is_empty() {
        findings.refuse(Reason::TooShort, "name", "must not be empty");
    }
    Some(name)
}

fn read_icon(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<String> {
    let address = bounded_text(reader, "icon_reference", MAX_ADDRESS, findings)?;
    if address.is_empty() {
        findings.refuse(
            Reason::TooShort,
            "icon_reference",
            "must be the address of a picture",
        );
    }
    Some(address)
}

fn read_entities(reader: &mut Reader<'_>, findings: &mut Findings) -> Vec<AllowedEntity> {
    let entries = reader.array("allowed_entities", findings).unwrap_or_default();
    if entries.len() > MAX_ENTITIES {
        let message = format!(
            "must name at most {MAX_ENTITIES} users and groups, not {}",
            entries.len()
        );
        findings.refuse(Reason::TooLong, "allowed_entities", message);
    }
    let mut seen = HashSet::new();
    let mut allowed = Vec::new();
    for (index, entry) in entries.iter().take(MAX_ENTITIES).enumerate() {
        let Some(entity) = read_entity(entry, index, findings) else {
            continue;
        };
        if seen.insert(entity.clone()) {
            allowed.push(entity);
        } else {
            let path = format!("allowed_entities[{index}].id");
            findings.refuse(Reason::NotUnique, path, "names somebody a second time");
        }
    }
    allowed
}

fn read_entity(entry: &Value, index: usize, findings: &mut Findings) -> Option<AllowedEntity> {
    let mut reader = Reader::object(entry, &format!("allowed_entities[{index}]"), findings)?;
    let path = reader.path_of("type");
    let kind = reader
        .required_text("type", findings)
        .and_then(|kind| one_of(kind, &EntityKind::TABLE, &path, findings));
    let id = reader.required_text("id", findings).map(str::to_owned);
    // The longer forms of users and groups may be sent back too.
    ignore(&mut reader, &["name", "login", "group_type"]);
    let path = reader.path_of("id");
    reader.close(findings);
    let id = id?;
    if id.is_empty() || id.len() > 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        findings.refuse(
            Reason::InvalidParameter,
            path,
            "must be an id, a string of digits",
        );
        return None;
    }
    Some(AllowedEntity { kind: kind?, id })
}

/// How a capability is read.
struct Kind<O> {
    mode: AgentMode,
    agent_type: &'static str,
    has_questions: bool,
    read: fn(&mut Reader<'_>, &mut super::agent::MoreOfTool<'_>, &mut Findings) -> O,
}

const ASK: Kind<AskOverride> = Kind {
    mode: AgentMode::Ask,
    agent_type: ASK_AGENT,
    has_questions: true,
    read: AskOverride::read_with,
};
const TEXT_GEN: Kind<TextGenOverride> = Kind {
    mode: AgentMode::TextGen,
    agent_type: TEXT_GEN_AGENT,
    has_questions: true,
    read: TextGenOverride::read_with,
};
const EXTRACT: Kind<ExtractTools> = Kind {
    mode: AgentMode::Extract,
    agent_type: EXTRACT_AGENT,
    has_questions: false,
    read: ExtractTools::read_with,
};

impl ExtractTools {
    fn read_with(
        reader: &mut Reader<'_>,
        more: &mut super::agent::MoreOfTool<'_>,
        findings: &mut Findings,
    ) -> Self {
        Self {
            basic_text: read_tool(reader, "basic_text", Embeddings::No, more, findings),
            long_text: read_tool(reader, "long_text", Embeddings::Yes, more, findings),
            basic_image: read_tool(reader, "basic_image", Embeddings::No, more, findings),
        }
    }
}

macro_rules! kept_again {
    ($capability:ty, $kind:expr) => {
        impl $capability {
            /// Reads settings that were kept.
            ///
            /// # Errors
            /// What does not obey the rules (any more).
            pub fn kept(settings: &Value) -> Result<Self, Vec<FieldError>> {
                let mut findings = Findings::default();
                let capability = Reader::object(settings, $kind.mode.as_str(), &mut findings)
                    .and_then(|reader| read_parts(reader, settings, &$kind, &mut findings));
                findings
                    .finish(capability)
                    .map(|(capability, _)| capability)
            }
        }
    };
}
kept_again!(AskCapability, ASK);
kept_again!(TextGenCapability, TEXT_GEN);
kept_again!(ExtractCapability, EXTRACT);

fn read_capability<O>(
    agent: &mut Reader<'_>,
    kind: &Kind<O>,
    findings: &mut Findings,
) -> Option<Capability<O>> {
    let name = kind.mode.as_str();
    let value = agent.value(name)?;
    let mut reader = Reader::object(value, &agent.path_of(name), findings)?;
    let path = reader.path_of("access_state");
    let states = [("enabled", true), ("disabled", false)];
    let enabled = reader
        .required_text("access_state", findings)
        .and_then(|state| one_of(state, &states, &path, findings));
    let capability = read_parts(reader, value, kind, findings)?;
    Some(Capability {
        enabled: enabled?,
        ..capability
    })
}

/// Everything but the state, which is kept apart.
fn read_parts<O>(
    mut reader: Reader<'_>,
    value: &Value,
    kind: &Kind<O>,
    findings: &mut Findings,
) -> Option<Capability<O>> {
    let path = reader.path_of("type");
    if let Some(agent_type) = reader.required_text("type", findings) {
        one_of(agent_type, &[(kind.agent_type, ())], &path, findings);
    }
    reader.required("description", findings);
    let description = bounded_text(&mut reader, "description", MAX_WORDS, findings);
    let custom_instructions = bounded_text(&mut reader, "custom_instructions", MAX_WORDS, findings);
    let suggested_questions = match kind.has_questions {
        true => read_questions(&mut reader, findings),
        false => Some(Vec::new()),
    };
    let mut uninstructed = Vec::new();
    let mut more = |name: &'static str, tool: &mut Reader<'_>, findings: &mut Findings| {
        tool.value("warnings");
        if name != "spreadsheet" && tool.flag("is_custom_instructions_included", findings) == Some(false) {
            uninstructed.push(name);
        }
    };
    let tools = (kind.read)(&mut reader, &mut more, findings);
    reader.close(findings);
    Some(Capability {
        enabled: true,
        description: description?,
        custom_instructions,
        suggested_questions,
        tools,
        uninstructed,
        settings: kept::settings(value, kind.mode),
    })
}

fn read_questions(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    let path = reader.path_of("suggested_questions");
    let entries = reader.array("suggested_questions", findings)?;
    if entries.len() > MAX_SUGGESTED_QUESTIONS {
        let message = format!(
            "must have at most {MAX_SUGGESTED_QUESTIONS} questions, not {}",
            entries.len()
        );
        findings.refuse(Reason::TooLong, path.clone(), message);
    }
    let mut questions = Vec::new();
    for (index, entry) in entries.iter().take(MAX_SUGGESTED_QUESTIONS).enumerate() {
        let path = format!("{path}[{index}]");
        match entry.as_str() {
            Some(question) if question.trim().is_empty() => {
                findings.refuse(Reason::TooShort, path, "must hold a question");
            }
            Some(question) if question.chars().count() > MAX_QUESTION => {
                let message = format!("must have at most {MAX_QUESTION} characters");
                findings.refuse(Reason::TooLong, path, message);
            }
            Some(question) => questions.push(question.to_owned()),
            None => findings.refuse(Reason::WrongType, path, "must be a string"),
        }
    }
    Some(questions)
}

#[cfg(test)]
mod tests;
