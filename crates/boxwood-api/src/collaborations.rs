//! Collaborations on the wire.
//!
//! Called by the server's handlers.

use crate::error::Reason;
use crate::groups::{GroupMini, word};
use crate::reading::{Findings, Reader};
use crate::users::UserMini;
use crate::wire::{Moment, id, is_null, moment, required_id};
use boxwood_core::{FileId, FolderId, GroupId, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// A role and what it is called.
const ROLES: &[(&str, Role)] = &[
    ("editor", Role::Editor),
    ("viewer", Role::Viewer),
    ("previewer", Role::Previewer),
    ("uploader", Role::Uploader),
    ("previewer uploader", Role::PreviewerUploader),
    ("viewer uploader", Role::ViewerUploader),
    ("co-owner", Role::CoOwner),
];
/// The role that only a change may give.
const OWNER: (&str, Role) = ("owner", Role::Owner);

/// A collaborator's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `owner`
    Owner,
    /// `co-owner`
    CoOwner,
    /// `editor`
    Editor,
    /// `viewer uploader`
    ViewerUploader,
    /// `previewer uploader`
    PreviewerUploader,
    /// `viewer`
    Viewer,
    /// `previewer`
    Previewer,
    /// `uploader`
    Uploader,
}

/// The answer to an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `accepted`
    Accepted,
    /// `pending`
    Pending,
    /// `rejected`
    Rejected,
}

/// A user who was invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvitedUser {
    /// Always `user`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The user's id.
    pub id: String,
    /// The name; empty while the invitation is pending.
    pub name: String,
    /// The login.
    pub login: String,
    /// Whether the user may sign in.
    pub is_active: bool,
}

/// Who was invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Grantee {
    /// A user.
    User(InvitedUser),
    /// A group.
    Group(GroupMini),
}

/// A collaboration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collaboration {
    /// Always `collaboration`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// The file or folder in its short form; `null` for those who are not in (yet).
    pub item: Option<Value>,
    /// Always `null`.
    pub app_item: Option<()>,
    /// Who was invited; `null` for an address that no user has.
    pub accessible_by: Option<Grantee>,
    /// That address.
    pub invite_email: Option<String>,
    /// As what.
    pub role: &'static str,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// Whether the item stays out of the root of the invited.
    pub is_access_only: bool,
    /// Whether the invited see the names of the folders above.
    pub can_view_path: bool,
    /// `accepted`, `pending` or `rejected`.
    pub status: &'static str,
    /// When it was answered.
    pub acknowledged_at: Option<Moment>,
    /// Who invited.
    pub created_by: UserMini,
    /// When.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
}

impl Collaboration {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &[
        "item",
        "app_item",
        "accessible_by",
        "invite_email",
        "role",
        "expires_at",
        "is_access_only",
        "status",
        "acknowledged_at",
        "created_by",
        "created_at",
        "modified_at",
    ];
}

/// A page of an item's collaborations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collaborations {
    /// The collaborations, already narrowed.
    pub entries: Vec<Value>,
    /// The most entries of a page.
    pub limit: u64,
    /// Where the next page begins; `null` on the last.
    pub next_marker: Option<String>,
}

/// The item of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A file.
    File(FileId),
    /// A folder.
    Folder(FolderId),
}

/// Whom an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessibleBy {
    /// A user by id.
    User(UserId),
    /// A user by login.
    Login(String),
    /// A group.
    Group(GroupId),
}

/// `POST /2.0/collaborations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCollaboration {
    /// `item`
    pub item: Item,
    /// `accessible_by`
    pub accessible_by: AccessibleBy,
    /// `role`
    pub role: Role,
    /// `is_access_only`
    pub is_access_only: bool,
    /// `can_view_path`: folders only.
    pub can_view_path: bool,
    /// `expires_at`
    pub expires_at: Option<DateTime<Utc>>,
}

impl CreateCollaboration {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let item = reader
            .required("item", findings)
            .and_then(|_| item(&mut reader, findings));
        let accessible_by = reader
            .required("accessible_by", findings)
            .and_then(|_| accessible_by(&mut reader, findings));
        let role = reader
            .required("role", findings)
            .and_then(|_| word(&mut reader, "role", ROLES, findings));
        let can_view_path = reader.flag("can_view_path", findings).unwrap_or(false);
        if can_view_path && matches!(item, Some(Item::File(_))) {
            let message = "is for folders only; leave it out for a file";
            findings.refuse(Reason::Contradiction, reader.path_of("can_view_path"), message);
        }
        let is_access_only = reader.flag("is_access_only", findings).unwrap_or(false);
        let expires_at = moment(&mut reader, "expires_at", findings);
        Some(Self {
            item: item?,
            accessible_by: accessible_by?,
            role: role?,
            is_access_only,
            can_view_path,
            expires_at,
        })
    }
}

fn item(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Item> {
    const TYPES: &[(&str, bool)] = &[("file", true), ("folder", false)];
    let mut item = reader.child("item", findings)?;
    item.required("type", findings);
    let file = word(&mut item, "type", TYPES, findings);
    if file == Some(true) {
        required_id(&mut item, "id", findings).map(Item::File)
    } else {
        let id = required_id(&mut item, "id", findings).map(Item::Folder);
        file.and(id)
    }
}

fn accessible_by(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<AccessibleBy> {
    const TYPES: &[(&str, bool)] = &[("user", true), ("group", false)];
    let mut by = reader.child("accessible_by", findings)?;
    by.required("type", findings);
    let user = word(&mut by, "type", TYPES, findings)?;
    if !user {
        return required_id(&mut by, "id", findings).map(AccessibleBy::Group);
    }
    if by.value("id").is_some() {
        return id(&mut by, "id", findings).map(AccessibleBy::User);
    }
    let login = by.text("login", findings);
    match login {
        Some(login) if is_address(login) => Some(AccessibleBy::Login(login.to_owned())),
        Some(_) => {
            let message = "must be an e-mail address of at most 254 characters";
            findings.refuse(Reason::InvalidParameter, by.path_of("login"), message);
            None
        }
        None => {
            let message = "the user's `id` or `login` is required";
            findings.refuse(Reason::MissingParameter, by.path_of("id"), message);
            None
        }
    }
}

/// Something on both sides of an `@`, no white space.
fn is_address(text: &str) -> bool {
    let text = text.trim();
    let sides = text.split_once('@');
    text.chars().count() <= 254
        && !text.contains(char::is_whitespace)
        && sides.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// `PUT /2.0/collaborations/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateCollaboration {
    /// `role`
    pub role: Option<Role>,
    /// `status`
    pub status: Option<Status>,
    /// `can_view_path`
    pub can_view_path: Option<bool>,
    /// `expires_at`; `Some(None)`: it never ends.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

impl UpdateCollaboration {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        const STATUSES: &[(&str, Status)] = &[
            ("accepted", Status::Accepted),
            ("pending", Status::Pending),
            ("rejected", Status::Rejected),
        ];
        let mut reader = Reader::object(body, "", findings)?;
        let roles: Vec<(&str, Role)> = ROLES.iter().copied().chain([OWNER]).collect();
        Some(Self {
            role: word(&mut reader, "role", &roles, findings),
            status: word(&mut reader, "status", STATUSES, findings),
            can_view_path: reader.flag("can_view_path", findings),
            expires_at: match moment(&mut reader, "expires_at", findings) {
                Some(end) => Some(Some(end)),
                None if is_null(body, "expires_at") => Some(None),
                None => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(change: Value, wrong: &[&str]) {
        let mut body = json!({"item": {"type": "folder", "id": "1"}, "accessible_by": {"type": "user", "id": "2"},
            "role": "editor"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let mut findings = Findings::default();
        let value = CreateCollaboration::read(&body, &mut findings);
        let names: Vec<&str> = findings.errors.iter().map(|error| error.name.as_str()).collect();
        assert_eq!(names, wrong, "{body}");
        assert!(value.is_some() || !wrong.is_empty(), "{body}");
    }

    #[test]
    fn what_is_wrong_with_an_invitation_is_named() {
        check(json!({}), &[]);
        check(json!({"item": {"type": "file", "id": "1"}}), &[]);
        check(json!({"accessible_by": {"type": "user", "login": "a@b"}}), &[]);
        check(json!({"accessible_by": {"type": "group", "id": "3"}}), &[]);
        check(json!({"item": null, "role": null}), &["item", "role"]);
        check(json!({"item": {"id": "1"}}), &["item.type"]);
        check(json!({"item": {"type": "web_link", "id": "1"}}), &["item.type"]);
        check(json!({"item": {"type": "file"}}), &["item.id"]);
        check(json!({"accessible_by": {"type": "user"}}), &["accessible_by.id"]);
        check(
            json!({"accessible_by": {"type": "user", "login": "nobody"}}),
            &["accessible_by.login"],
        );
        check(
            json!({"accessible_by": {"type": "group", "login": "a@b"}}),
            &["accessible_by.id"],
        );
        check(json!({"role": "owner"}), &["role"]);
        check(
            json!({"item": {"type": "file", "id": "1"}, "can_view_path": true}),
            &["can_view_path"],
        );
        check(json!({"expires_at": "tomorrow"}), &["expires_at"]);
    }

    #[test]
    fn a_change_tells_null_from_absent() {
        for (body, expected) in [
            (json!({}), Some(None)),
            (json!({"expires_at": null}), Some(Some(None))),
            (json!({"expires_at": 1}), None),
        ] {
            let mut findings = Findings::default();
            let change =
                UpdateCollaboration::read(&body, &mut findings).filter(|_| findings.errors.is_empty());
            assert_eq!(change.map(|change| change.expires_at), expected, "{body}");
        }
    }
}
