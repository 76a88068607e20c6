//! Collaborations: who was invited to a file or folder, as what, and whether it counts yet.
//!
//! Invariant: only an accepted collaboration that has not ended gives access; that of a group gives it to the group's
//! members. Made by the store, turned into wire structs by the server.

use crate::groups::GroupRef;
use crate::items::{Item, Role, UserRef};
use boxwood_core::{CollaborationId, GroupId, UserId};
use chrono::{DateTime, Utc};

/// Whether an invitation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollaborationStatus {
    /// It gives access.
    Accepted,
    /// Whoever was invited has not answered.
    Pending,
    /// Whoever was invited does not want it.
    Rejected,
}

impl CollaborationStatus {
    /// Every status with its name on the wire.
    pub const TABLE: [(&'static str, CollaborationStatus); 3] = [
        ("accepted", CollaborationStatus::Accepted),
        ("pending", CollaborationStatus::Pending),
        ("rejected", CollaborationStatus::Rejected),
    ];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            CollaborationStatus::Accepted => "accepted",
            CollaborationStatus::Pending => "pending",
            CollaborationStatus::Rejected => "rejected",
        }
    }

    /// Reads what [`CollaborationStatus::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, status)| *status)
    }
}

/// Whom to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitee {
    /// A user.
    User(UserId),
    /// Whoever has that login, or will have it one day.
    Login(String),
    /// A group of the inviting user's enterprise.
    Group(GroupId),
}

/// An invitation to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Whom.
    pub invitee: Invitee,
    /// As what; not [`Role::Owner`].
    pub role: Role,
    /// Whether the invited see the names of the folders above.
    pub can_view_path: bool,
    /// Whether the item stays out of the root of the invited.
    pub access_only: bool,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Invitation {
    /// A plain invitation.
    pub fn new(invitee: Invitee, role: Role) -> Self {
        Self {
            invitee,
            role,
            can_view_path: false,
            access_only: false,
            expires_at: None,
        }
    }
}

/// Changes of a collaboration; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollaborationChange {
    /// A new role; [`Role::Owner`] hands the item over.
    pub role: Option<Role>,
    /// The answer of whoever was invited.
    pub status: Option<CollaborationStatus>,
    /// Whether the invited see the names of the folders above.
    pub can_view_path: Option<bool>,
    /// `Some(None)`: it never ends.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Who was invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collaborator {
    /// A user.
    User {
        /// Who.
        user: UserRef,
        /// Whether the user may sign in.
        active: bool,
    },
    /// A group.
    Group(GroupRef),
    /// An address that no user has yet, in lower case.
    Address(String),
}

/// Somebody who was invited to an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Collaboration {
    /// The id.
    pub id: CollaborationId,
    /// The item; `None` where the asking user does not reach it (yet).
    pub item: Option<Item>,
    /// Who.
    pub collaborator: Collaborator,
    /// As what.
    pub role: Role,
    /// Whether it counts.
    pub status: CollaborationStatus,
    /// Whether the invited see the names of the folders above.
    pub can_view_path: bool,
    /// Whether the item stays out of the root of the invited.
    pub access_only: bool,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was answered.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who invited.
    pub created_by: UserRef,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub modified_at: DateTime<Utc>,
}

/// A page of an item's collaborations.
#[derive(Debug, Clone, PartialEq)]
pub struct CollaborationPage {
    /// The collaborations, oldest first.
    pub entries: Vec<Collaboration>,
    /// After which the next page begins; `None` on the last one.
    pub next: Option<CollaborationId>,
}
