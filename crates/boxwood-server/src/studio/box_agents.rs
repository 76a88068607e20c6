//! The agents that are there from the start, as one table: their ids, names and what they can do.
//!
//! `enhanced_extract_agent` is Box's own id; the others have ids of ours, since Box publishes none. What they are set to
//! do is what `GET /2.0/ai_agent_default` returns.

use boxwood_api::ai::studio::AgentBody;
use boxwood_core::AgentMode;
use serde_json::{Value, json};

/// An agent that is there from the start.
#[derive(Debug)]
pub(crate) struct BoxAgent {
    /// The id that requests use.
    pub(crate) id: &'static str,
    /// The name for people.
    pub(crate) name: &'static str,
    /// What it can do.
    pub(crate) modes: &'static [AgentMode],
    description: &'static str,
}

/// Every one, in the order in which they are listed.
pub(crate) const BOX_AGENTS: [BoxAgent; 4] = [
    BoxAgent {
        id: "ask_agent",
        name: "Ask",
        modes: &[AgentMode::Ask],
        description: "Answers questions about files, with citations.",
    },
    BoxAgent {
        id: "text_gen_agent",
        name: "Write",
        modes: &[AgentMode::TextGen],
        description: "Writes and revises texts.",
    },
    BoxAgent {
        id: "extract_agent",
        name: "Extract",
        modes: &[AgentMode::Extract],
        description: "Extracts metadata from files.",
    },
    BoxAgent {
        id: "enhanced_extract_agent",
        name: "Enhanced Extract",
        modes: &[AgentMode::Extract],
        description: "Extracts metadata with more reading and checks each value against its source.",
    },
];

/// The agent of an id.
pub(crate) fn find_box_agent(id: &str) -> Option<&'static BoxAgent> {
    BOX_AGENTS.iter().find(|agent| agent.id == id)
}

impl BoxAgent {
    /// As an answer.
    pub(crate) fn body(&self) -> AgentBody {
        let capability = |mode: AgentMode| -> Option<Value> {
            self.modes.contains(&mode).then(|| {
                json!({
                    "type": format!("ai_agent_{}", mode.as_str()),
                    "access_state": "enabled",
                    "description": self.description,
                })
            })
        };
        AgentBody {
            id: self.id.to_owned(),
            kind: "ai_agent",
            origin: "BOX",
            name: self.name.to_owned(),
            access_state: "enabled",
            created_by: None,
            created_at: None,
            modified_by: None,
            modified_at: None,
            icon_reference: None,
            allowed_entities: Vec::new(),
            ask: capability(AgentMode::Ask),
            text_gen: capability(AgentMode::TextGen),
            extract: capability(AgentMode::Extract),
            boxwood: None,
        }
    }
}
