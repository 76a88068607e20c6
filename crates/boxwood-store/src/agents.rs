//! Agents of AI Studio as values.
//!
//! Invariant: what a capability is set to do is JSON of the wire that the server has checked; the store keeps it as it
//! is and never looks into it. Who may use an agent is the store's to say: [`Agent::usable`].

use boxwood_core::{AgentAccess, AgentId, AgentMode, AllowedEntity, UserId};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// One of the things that an agent can do.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentCapability {
    /// Which.
    pub mode: AgentMode,
    /// Whether it may be used.
    pub enabled: bool,
    /// Its settings, JSON of the wire.
    pub settings: Value,
    /// Questions that are offered to people; `None`: a model is still to write them.
    pub suggested_questions: Option<Vec<String>>,
}

/// An agent to make, or to put in another's place.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAgent {
    /// The name.
    pub name: String,
    /// Who may use it.
    pub access: AgentAccess,
    /// The address of a picture.
    pub icon_reference: Option<String>,
    /// Who may use it where the access is [`AgentAccess::SelectedUsers`], in the order of the request.
    pub allowed: Vec<AllowedEntity>,
    /// What it can do; no mode twice.
    pub capabilities: Vec<AgentCapability>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// The id.
    pub id: AgentId,
    /// Counts replacements, so that what was made for an older one is not put into a newer one.
    pub revision: u64,
    /// The name.
    pub name: String,
    /// Who may use it.
    pub access: AgentAccess,
    /// The address of a picture.
    pub icon_reference: Option<String>,
    /// See [`NewAgent::allowed`].
    pub allowed: Vec<AllowedEntity>,
    /// What it can do.
    pub capabilities: Vec<AgentCapability>,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who replaced it last.
    pub modified_by: UserId,
    /// When.
    pub modified_at: DateTime<Utc>,
    /// Whether the principal that asked may use it: it is enabled, for everybody or for this one.
    pub usable: bool,
}

impl Agent {
    /// What it can do in a mode.
    pub fn capability(&self, mode: AgentMode) -> Option<&AgentCapability> {
        self.capabilities
            .iter()
            .find(|capability| capability.mode == mode)
    }
}

/// Which agents to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentQuery {
    /// Those that have one of these capabilities; empty: all.
    pub modes: Vec<AgentMode>,
    /// Those in one of these states; empty: all.
    pub states: Vec<AgentAccess>,
    /// Those after this one, in the order of creation.
    pub after: Option<AgentId>,
    /// At most so many, 1 to 1,000.
    pub limit: u32,
}

/// A page of agents.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentPage {
    /// In the order of creation.
    pub entries: Vec<Agent>,
    /// Whether there are more after them.
    pub more: bool,
}

/// A capability whose questions a model is to write.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsuggestedAgent {
    /// The agent.
    pub id: AgentId,
    /// See [`Agent::revision`].
    pub revision: u64,
    /// The agent's name.
    pub name: String,
    /// The capability.
    pub capability: AgentCapability,
}
