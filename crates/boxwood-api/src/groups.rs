//! Groups and memberships on the wire.
//!
//! Called by the server's handlers. A group is written in full and narrowed by [`crate::fields::FieldSelection`].

use crate::reading::{Findings, Reader, one_of};
use crate::users::UserMini;
use crate::wire::{Moment, Order, bounded_text, required_id};
use boxwood_core::{GroupId, UserId};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most characters of a group's texts.
const LONGEST: usize = 255;
/// The levels of who may invite a group or see its members.
const AUDIENCES: &[(&str, Audience)] = &[
    ("admins_only", Audience::AdminsOnly),
    ("admins_and_members", Audience::AdminsAndMembers),
    ("all_managed_users", Audience::AllManagedUsers),
];
/// The roles of a member.
const ROLES: &[(&str, MemberRole)] = &[("member", MemberRole::Member), ("admin", MemberRole::Admin)];

/// Who may do something with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// `admins_only`
    AdminsOnly,
    /// `admins_and_members`
    AdminsAndMembers,
    /// `all_managed_users`
    AllManagedUsers,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberRole {
    /// `member`
    Member,
    /// `admin`
    Admin,
}

/// The short form, inside other resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupMini {
    /// Always `group`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The group's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Always `managed_group`.
    pub group_type: &'static str,
}

/// What the asking user may do with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GroupPermissions {
    /// Whether he may invite it to files and folders.
    pub can_invite_as_collaborator: bool,
}

/// A group in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Always `group`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The group's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Always `managed_group`.
    pub group_type: &'static str,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
    /// Where the group comes from, as the client says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// What it is called there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_sync_identifier: Option<String>,
    /// Free text.
    pub description: String,
    /// Who may invite it.
    pub invitability_level: &'static str,
    /// Who may see its members.
    pub member_viewability_level: &'static str,
    /// What the asking user may do with it.
    pub permissions: GroupPermissions,
}

impl Group {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &["name", "group_type", "created_at", "modified_at"];
}

/// One user's belonging to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// Always `group_membership`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The membership's id.
    pub id: String,
    /// Who.
    pub user: UserMini,
    /// To which group.
    pub group: GroupMini,
    /// `member` or `admin`.
    pub role: &'static str,
    /// When it began.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
    /// What a group's administrator may do, as the client said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configurable_permissions: Option<Map<String, Value>>,
}

impl Membership {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &["user", "group", "role", "created_at", "modified_at"];
}

/// A part of a list, by offset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OffsetPage {
    /// All entries.
    pub total_count: u64,
    /// The entries of the part.
    pub entries: Vec<Value>,
    /// The most entries of a part.
    pub limit: u64,
    /// Where the part begins.
    pub offset: u64,
    /// How the entries are ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<Order>,
}

/// The members of `POST /2.0/groups` and `PUT /2.0/groups/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFields {
    /// `name`: at least one character where it is given.
    pub name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `provenance`
    pub provenance: Option<String>,
    /// `external_sync_identifier`
    pub external_sync_identifier: Option<String>,
    /// `invitability_level`
    pub invitability: Option<Audience>,
    /// `member_viewability_level`
    pub member_viewability: Option<Audience>,
}

impl GroupFields {
    /// Reads the body of a change.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        Self::members(&mut reader, findings)
    }

    /// Reads the body of a new group, whose name must be there.
    pub fn read_new(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        reader.required("name", findings);
        Self::members(&mut reader, findings)
    }

    fn members(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Self> {
        let name = bounded_text(reader, "name", LONGEST, findings).map(|name| name.trim().to_owned());
        if name.as_deref() == Some("") {
            findings.refuse(
                crate::Reason::TooShort,
                reader.path_of("name"),
                "must not be empty",
            );
        }
        Some(Self {
            name,
            description: bounded_text(reader, "description", LONGEST, findings),
            provenance: bounded_text(reader, "provenance", LONGEST, findings),
            external_sync_identifier: bounded_text(reader, "external_sync_identifier", LONGEST, findings),
            invitability: word(reader, "invitability_level", AUDIENCES, findings),
            member_viewability: word(reader, "member_viewability_level", AUDIENCES, findings),
        })
    }
}

/// One of a fixed set of words, where it is given.
pub(crate) fn word<T: Copy>(
    reader: &mut Reader<'_>,
    name: &'static str,
    words: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    let text = reader.text(name, findings)?;
    one_of(text, words, &reader.path_of(name), findings)
}

fn permissions(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Map<String, Value>> {
    const NAME: &str = "configurable_permissions";
    match reader.value(NAME)? {
        Value::Object(members) if members.values().all(Value::is_boolean) => Some(members.clone()),
        _ => {
            let message = "must be an object whose members are true or false";
            findings.refuse(crate::Reason::WrongType, reader.path_of(NAME), message);
            None
        }
    }
}

/// `POST /2.0/group_memberships`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateMembership {
    /// `user.id`
    pub user: UserId,
    /// `group.id`
    pub group: GroupId,
    /// `role`; a member unless it says otherwise.
    pub role: MemberRole,
    /// `configurable_permissions`
    pub permissions: Option<Map<String, Value>>,
}

impl CreateMembership {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let user = id_of(&mut reader, "user", findings);
        let group = id_of(&mut reader, "group", findings);
        let role = word(&mut reader, "role", ROLES, findings).unwrap_or(MemberRole::Member);
        let permissions = permissions(&mut reader, findings);
        Some(Self {
            user: user?,
            group: group?,
            role,
            permissions,
        })
    }
}

/// `{"id": …}` under a name that must be there.
fn id_of<T>(reader: &mut Reader<'_>, name: &'static str, findings: &mut Findings) -> Option<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    reader.required(name, findings)?;
    let mut child = reader.child(name, findings)?;
    required_id(&mut child, "id", findings)
}

/// `PUT /2.0/group_memberships/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateMembership {
    /// `role`
    pub role: Option<MemberRole>,
    /// `configurable_permissions`
    pub permissions: Option<Map<String, Value>>,
}

impl UpdateMembership {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        Some(Self {
            role: word(&mut reader, "role", ROLES, findings),
            permissions: permissions(&mut reader, findings),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check<T>(body: Value, read: impl Fn(&Value, &mut Findings) -> Option<T>, wrong: &[&str]) {
        let mut findings = Findings::default();
        let value = read(&body, &mut findings);
        let names: Vec<&str> = findings.errors.iter().map(|error| error.name.as_str()).collect();
        assert_eq!(names, wrong, "{body}");
        assert_eq!(value.is_some() && wrong.is_empty(), wrong.is_empty(), "{body}");
    }

    #[test]
    fn what_is_wrong_with_a_group_is_named() {
        check(json!({"name": "a"}), GroupFields::read_new, &[]);
        check(json!({}), GroupFields::read, &[]);
        check(json!({}), GroupFields::read_new, &["name"]);
        check(json!({"name": " "}), GroupFields::read_new, &["name"]);
        check(
            json!({"name": "a", "description": "x".repeat(256), "invitability_level": "all"}),
            GroupFields::read_new,
            &["description", "invitability_level"],
        );
    }

    #[test]
    fn what_is_wrong_with_a_membership_is_named() {
        check(
            json!({"user": {"id": "1"}, "group": {"id": "2"}}),
            CreateMembership::read,
            &[],
        );
        check(json!({"user": {}}), CreateMembership::read, &["user.id", "group"]);
        check(
            json!({"user": {"id": "1"}, "group": {"id": "x"}, "role": "boss", "configurable_permissions": {"a": 1}}),
            CreateMembership::read,
            &["group.id", "role", "configurable_permissions"],
        );
        check(json!({"role": 1}), UpdateMembership::read, &["role"]);
    }
}
