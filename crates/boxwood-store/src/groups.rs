//! Groups of users, and who belongs to them, as values.
//!
//! Invariant: a group belongs to one enterprise, and so do its members. Made by the store, used by the server and, for
//! access to agents, by whoever asks [`crate::GroupStore::groups_of`].

use crate::items::UserRef;
use boxwood_core::{GroupId, MembershipId, UserId};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Who may do something with a group: Box's three levels, for inviting it and for seeing its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupAudience {
    /// Administrators of the enterprise and of the group.
    AdminsOnly,
    /// Those, and the group's members.
    AdminsAndMembers,
    /// Every user of the enterprise.
    AllManagedUsers,
}

impl GroupAudience {
    /// Every level with its name on the wire.
    pub const TABLE: [(&'static str, GroupAudience); 3] = [
        ("admins_only", GroupAudience::AdminsOnly),
        ("admins_and_members", GroupAudience::AdminsAndMembers),
        ("all_managed_users", GroupAudience::AllManagedUsers),
    ];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupAudience::AdminsOnly => "admins_only",
            GroupAudience::AdminsAndMembers => "admins_and_members",
            GroupAudience::AllManagedUsers => "all_managed_users",
        }
    }

    /// Reads what [`GroupAudience::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, level)| *level)
    }
}

/// What a member is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupRole {
    /// An ordinary member.
    Member,
    /// May change the group and its members.
    Admin,
}

impl GroupRole {
    /// Every role with its name on the wire.
    pub const TABLE: [(&'static str, GroupRole); 2] =
        [("member", GroupRole::Member), ("admin", GroupRole::Admin)];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupRole::Member => "member",
            GroupRole::Admin => "admin",
        }
    }

    /// Reads what [`GroupRole::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, role)| *role)
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The id.
    pub id: GroupId,
    /// The name, unique in the enterprise; case does not matter.
    pub name: String,
    /// Free text; empty where there is none.
    pub description: String,
    /// Where the group comes from (`Okta`), as the client says.
    pub provenance: Option<String>,
    /// What it is called there, as the client says.
    pub external_sync_identifier: Option<String>,
    /// Who may invite the group to files and folders.
    pub invitability: GroupAudience,
    /// Who may see its members.
    pub member_viewability: GroupAudience,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub modified_at: DateTime<Utc>,
}

/// Enough of a group for memberships and collaborations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRef {
    /// The id.
    pub id: GroupId,
    /// The name.
    pub name: String,
}

/// A group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// The name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// See [`Group::provenance`].
    pub provenance: Option<String>,
    /// See [`Group::external_sync_identifier`].
    pub external_sync_identifier: Option<String>,
    /// Who may invite the group.
    pub invitability: GroupAudience,
    /// Who may see its members.
    pub member_viewability: GroupAudience,
}

impl NewGroup {
    /// A group with only a name, open to every user of the enterprise, as Box makes it by default.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            provenance: None,
            external_sync_identifier: None,
            invitability: GroupAudience::AllManagedUsers,
            member_viewability: GroupAudience::AllManagedUsers,
        }
    }
}

/// Changes of a group; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// See [`Group::provenance`].
    pub provenance: Option<String>,
    /// See [`Group::external_sync_identifier`].
    pub external_sync_identifier: Option<String>,
    /// Who may invite the group.
    pub invitability: Option<GroupAudience>,
    /// Who may see its members.
    pub member_viewability: Option<GroupAudience>,
}

/// One user's belonging to one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    /// The id.
    pub id: MembershipId,
    /// Who.
    pub user: UserRef,
    /// To which group.
    pub group: GroupRef,
    /// As what.
    pub role: GroupRole,
    /// What a group's administrator may do, as the client says; kept, not enforced.
    pub permissions: Option<Map<String, Value>>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub modified_at: DateTime<Utc>,
}

/// A membership to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMembership {
    /// Which group.
    pub group: GroupId,
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: GroupRole,
    /// See [`Membership::permissions`].
    pub permissions: Option<Map<String, Value>>,
}

/// Changes of a membership; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MembershipChange {
    /// A new role.
    pub role: Option<GroupRole>,
    /// See [`Membership::permissions`].
    pub permissions: Option<Map<String, Value>>,
}

/// A part of a list, by offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Entries before it.
    pub offset: u64,
    /// Entries in it, at most.
    pub limit: u32,
}

/// What a [`Part`] was answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct PartOf<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// How many the whole list has.
    pub total_count: u64,
}
