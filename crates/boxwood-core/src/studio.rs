//! The small words of AI Studio that the wire and the store share: what an agent can do, and who may use it.
//!
//! Invariant: each has one table of its names on the wire. Used by `boxwood-api`, `boxwood-store` and the server.

/// What an agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentMode {
    /// Answer questions.
    Ask,
    /// Write texts.
    TextGen,
    /// Extract metadata, freeform or structured.
    Extract,
}

impl AgentMode {
    /// Every mode with its name on the wire.
    pub const TABLE: [(&'static str, AgentMode); 3] = [
        ("ask", AgentMode::Ask),
        ("text_gen", AgentMode::TextGen),
        ("extract", AgentMode::Extract),
    ];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AgentMode::Ask => "ask",
            AgentMode::TextGen => "text_gen",
            AgentMode::Extract => "extract",
        }
    }

    /// Reads what [`AgentMode::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let row = Self::TABLE.iter().find(|(name, _)| *name == text);
        row.map(|(_, mode)| *mode)
    }
}

/// Who may use an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentAccess {
    /// Everybody in the enterprise.
    Enabled,
    /// Nobody.
    Disabled,
    /// The users that the agent names, and the members of the groups that it names.
    SelectedUsers,
}

impl AgentAccess {
    /// Every state with its name on the wire.
    pub const TABLE: [(&'static str, AgentAccess); 3] = [
        ("enabled", AgentAccess::Enabled),
        ("disabled", AgentAccess::Disabled),
        ("enabled_for_selected_users", AgentAccess::SelectedUsers),
    ];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AgentAccess::Enabled => "enabled",
            AgentAccess::Disabled => "disabled",
            AgentAccess::SelectedUsers => "enabled_for_selected_users",
        }
    }

    /// Reads what [`AgentAccess::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let row = Self::TABLE.iter().find(|(name, _)| *name == text);
        row.map(|(_, state)| *state)
    }
}

/// Of what kind somebody is who may use an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// A user.
    User,
    /// Every member of a group.
    Group,
}

impl EntityKind {
    /// Every kind with its name on the wire.
    pub const TABLE: [(&'static str, EntityKind); 2] =
        [("user", EntityKind::User), ("group", EntityKind::Group)];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            EntityKind::User => "user",
            EntityKind::Group => "group",
        }
    }

    /// Reads what [`EntityKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let row = Self::TABLE.iter().find(|(name, _)| *name == text);
        row.map(|(_, kind)| *kind)
    }
}

/// Somebody who may use an agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AllowedEntity {
    /// A user or a group.
    pub kind: EntityKind,
    /// Its id: digits.
    pub id: String,
}
