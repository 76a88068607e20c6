//! What happened, as values: the streams that `GET /2.0/events` shows.
//!
//! Invariant: an event tells who did what to which item, never a file's content, a prompt or an answer. It stands in the
//! stream of the enterprise and, where its kind has a name there, in those of the users who reached the item then.

use crate::items::ItemRef;
use boxwood_core::{EnterpriseId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $name:ident = $stored:literal, $admin:literal, $user:literal, $changes:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// Every kind: the one table from which names follow.
            pub const TABLE: &'static [EventKindRow] = &[
                $(EventKindRow {
                    kind: EventKind::$name, stored: $stored, admin: $admin, user: $user, changes: $changes,
                },)*
            ];
        }
    };
}

/// One row of [`EventKind::TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct EventKindRow {
    /// The kind.
    pub kind: EventKind,
    /// What rows call it.
    pub stored: &'static str,
    /// Box's name in the stream of the enterprise.
    pub admin: &'static str,
    /// Box's name in the streams of users; empty: it does not stand there.
    pub user: &'static str,
    /// Whether it changes the tree of files, for the streams `changes` and `sync`.
    pub changes: bool,
}

event_kinds! {
    /// A file was uploaded.
    Upload = "upload", "UPLOAD", "ITEM_UPLOAD", true;
    /// A folder was made.
    FolderCreate = "folder_create", "UPLOAD", "ITEM_CREATE", true;
    /// A new version was uploaded.
    Edit = "edit", "EDIT", "ITEM_UPLOAD", true;
    /// An earlier version was made current.
    Promote = "promote", "FILE_VERSION_RESTORE", "ITEM_MAKE_CURRENT_VERSION", true;
    /// Description or tags were changed.
    Modify = "modify", "ITEM_MODIFY", "ITEM_MODIFY", true;
    /// An item has a new name.
    Rename = "rename", "RENAME", "ITEM_RENAME", true;
    /// An item went to another folder.
    Move = "move", "MOVE", "ITEM_MOVE", true;
    /// An item was copied; the source is the copy.
    Copy = "copy", "COPY", "ITEM_COPY", true;
    /// An item went to the trash.
    Trash = "trash", "DELETE", "ITEM_TRASH", true;
    /// An item came back from the trash.
    Restore = "restore", "UNDELETE", "ITEM_UNDELETE_VIA_TRASH", true;
    /// A file was downloaded.
    Download = "download", "DOWNLOAD", "ITEM_DOWNLOAD", false;
    /// A file was locked.
    Lock = "lock", "LOCK", "LOCK_CREATE", false;
    /// A file was unlocked.
    Unlock = "unlock", "UNLOCK", "LOCK_DESTROY", false;
    /// An item got a shared link.
    Share = "share", "SHARE", "ITEM_SHARED_CREATE", false;
    /// An item lost its shared link.
    Unshare = "unshare", "UNSHARE", "ITEM_SHARED_UNSHARE", false;
    /// Somebody was invited to an item.
    CollaborationInvite = "collaboration_invite", "COLLABORATION_INVITE", "COLLAB_ADD_COLLABORATOR", true;
    /// Somebody accepted an invitation.
    CollaborationAccept = "collaboration_accept", "COLLABORATION_ACCEPT", "MASTER_INVITE_ACCEPT", true;
    /// A collaborator has another role.
    CollaborationRole = "collaboration_role", "COLLABORATION_ROLE_CHANGE", "COLLAB_ROLE_CHANGE", true;
    /// A collaboration was ended.
    CollaborationRemove = "collaboration_remove", "COLLABORATION_REMOVE", "COLLAB_REMOVE_COLLABORATOR", true;
    /// A group was made.
    GroupCreate = "group_create", "GROUP_CREATION", "", false;
    /// A group was changed.
    GroupEdit = "group_edit", "GROUP_EDITED", "", false;
    /// A group was removed.
    GroupDelete = "group_delete", "GROUP_DELETION", "", false;
    /// A user came into a group.
    GroupAddUser = "group_add_user", "GROUP_ADD_USER", "", false;
    /// A user left a group.
    GroupRemoveUser = "group_remove_user", "GROUP_REMOVE_USER", "", false;
    /// A user was made.
    UserCreate = "user_create", "NEW_USER", "", false;
    /// A user was changed.
    UserEdit = "user_edit", "EDIT_USER", "", false;
    /// A user was removed.
    UserDelete = "user_delete", "DELETE_USER", "", false;
    /// A model answered: "AI query" in Box's reports.
    AiRequest = "ai_request", "BOX_AI_USER_REQUEST", "", false;
    /// A model was asked and did not answer: "Failed AI query".
    AiFailedRequest = "ai_failed_request", "BOX_AI_USER_FAILED_REQUEST", "", false;
}

impl EventKind {
    /// The kind's row.
    pub fn row(self) -> EventKindRow {
        Self::TABLE
            .iter()
            .copied()
            .find(|row| row.kind == self)
            .unwrap_or(EventKindRow {
                kind: self,
                stored: "",
                admin: "",
                user: "",
                changes: false,
            })
    }

    /// Reads what rows call it.
    pub fn parse(stored: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|row| row.stored == stored)
            .map(|row| row.kind)
    }
}

/// A user as an event keeps him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventUser {
    /// The id.
    pub id: String,
    /// The name then.
    pub name: String,
    /// The login then.
    pub login: String,
}

/// A group or folder as an event keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventName {
    /// The id; `0` for a root.
    pub id: String,
    /// The name then.
    pub name: String,
}

/// An item as an event keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventItem {
    /// `file` or `folder`.
    pub kind: String,
    /// The id.
    pub id: String,
    /// The name then.
    pub name: String,
    /// The etag then.
    pub etag: String,
    /// SHA-1 of a file's content then.
    pub sha1: Option<String>,
    /// The folder then.
    pub parent: Option<EventName>,
    /// The owner then.
    pub owned_by: EventUser,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSource {
    /// A file or folder.
    Item(EventItem),
    /// A user.
    User(EventUser),
    /// A group.
    Group(EventName),
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in every stream; grows.
    pub position: u64,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: EventUser,
    /// What it was done to.
    pub source: Option<EventSource>,
    /// What else is told.
    pub details: Map<String, Value>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What an event to record is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventAbout {
    /// Nothing in particular.
    Nothing,
    /// A file or folder.
    Item(ItemRef),
    /// A user.
    User(EventUser),
}

/// An event that is not part of a change of the store: the store records its own changes itself, with them.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The acting user's enterprise.
    pub enterprise: EnterpriseId,
    /// Who did it.
    pub user: UserId,
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub about: EventAbout,
    /// What else is told: ids and names, never content.
    pub details: Map<String, Value>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStream {
    /// The principal's own.
    User,
    /// The principal's own, only what changes the tree of files.
    Changes,
    /// The enterprise's. Whether the principal may see it is the caller's to check.
    Enterprise,
}

/// Which events to read, in the order in which they happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Which stream.
    pub stream: EventStream,
    /// Only after this position.
    pub after: u64,
    /// Only of these kinds; `None`: of all.
    pub kinds: Option<Vec<EventKind>>,
    /// Only then or later.
    pub from: Option<DateTime<Utc>>,
    /// Only before then.
    pub to: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_has_every_kind_once() {
        let stored: HashSet<_> = EventKind::TABLE.iter().map(|row| row.stored).collect();
        assert_eq!(stored.len(), EventKind::TABLE.len());
        for row in EventKind::TABLE {
            assert_eq!(EventKind::parse(row.stored), Some(row.kind));
            assert_eq!(row.kind.row().admin, row.admin);
            assert!(!row.changes || !row.user.is_empty(), "{row:?}");
        }
    }
}
