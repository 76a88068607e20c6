//! An agent of AI Studio as an answer: `AiSingleAgentResponse--Full`, and pages of them.
//!
//! Invariant: what is shown may be sent back to `PUT` and changes nothing but what was changed in it.

use crate::wire::Moment;
use boxwood_core::{AgentMode, AllowedEntity};
use serde::Serialize;
use serde_json::{Value, json};

/// `AiSingleAgentResponse--Full`; [`crate::fields::FieldSelection`] narrows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentBody {
    /// The id.
    pub id: String,
    /// Always `ai_agent`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `CUSTOM`, or `BOX` for the agents that are there from the start.
    pub origin: &'static str,
    /// The name.
    pub name: String,
    /// Who may use it.
    pub access_state: &'static str,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<EntityBody>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Moment>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_by: Option<EntityBody>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Moment>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_reference: Option<String>,
    /// Who may use it where only selected users may.
    pub allowed_entities: Vec<EntityBody>,
    /// Answers questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<Value>,
    /// Writes texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_gen: Option<Value>,
    /// Extracts metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<Value>,
    /// The extension: what was ignored of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boxwood: Option<Value>,
}

impl AgentBody {
    /// Members that are shown whatever `fields` says: Box's clients demand them.
    pub const ALWAYS: [&'static str; 4] = ["type", "origin", "name", "access_state"];
}

/// `User--Base` or `Group--Base`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityBody {
    /// `user` or `group`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

impl From<&AllowedEntity> for EntityBody {
    fn from(entity: &AllowedEntity) -> Self {
        Self {
            kind: entity.kind.as_str(),
            id: entity.id.clone(),
        }
    }
}

/// `AiMultipleAgentResponse`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentListBody {
    /// The limit that was used.
    pub limit: u32,
    /// Marker of the next page; `null` on the last one.
    pub next_marker: Option<String>,
    /// Always `null`: pages are read forwards.
    pub prev_marker: Option<String>,
    /// The agents.
    pub entries: Vec<Value>,
}

/// What is known of a capability.
#[derive(Debug, Clone, Copy)]
pub struct ShownCapability<'a> {
    /// Which.
    pub mode: AgentMode,
    /// Whether it may be used.
    pub enabled: bool,
    /// What was kept of it.
    pub settings: &'a Value,
    /// Its questions; `None`: none were written yet.
    pub suggested_questions: Option<&'a [String]>,
}

/// A capability as an answer; `inactive` says of a model's name that nothing serves it any more.
pub fn capability_body(capability: ShownCapability<'_>, inactive: &dyn Fn(&str) -> bool) -> Value {
    let mut body = capability.settings.clone();
    body["access_state"] = json!(if capability.enabled { "enabled" } else { "disabled" });
    if let Some(questions) = capability.suggested_questions
        && capability.mode != AgentMode::Extract
    {
        body["suggested_questions"] = json!(questions);
    }
    let tools = body.as_object_mut().into_iter().flatten();
    for (name, tool) in tools.filter(|(_, value)| value.is_object()) {
        let mut warnings = Vec::new();
        if tool["model"].as_str().is_some_and(inactive) {
            warnings.push("MODEL_INACTIVE");
        }
        tool["warnings"] = json!(warnings);
        if name != "spreadsheet" && tool.get("is_custom_instructions_included").is_none() {
            tool["is_custom_instructions_included"] = json!(true);
        }
    }
    body
}
