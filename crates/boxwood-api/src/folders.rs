//! Folders on the wire, and pages of a folder's items.
//!
//! Called by the server's handlers. A folder is written in full and narrowed by [`crate::fields::FieldSelection`].

use crate::reading::{Findings, Reader};
use crate::users::UserMini;
use crate::wire::{Moment, Order, bounded_text, is_null, parent, refuse_unserved, required_parent, tags};
use boxwood_core::FolderId;
use serde::Serialize;
use serde_json::Value;

/// The short form, inside other resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderMini {
    /// Always `folder`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The folder's id; `"0"` for the root.
    pub id: String,
    /// Counts changes; `null` for the root.
    pub sequence_id: Option<String>,
    /// Counts changes; `null` for the root.
    pub etag: Option<String>,
    /// The name; `All Files` for the root.
    pub name: String,
}

/// The folders from the root down to an item's parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathCollection {
    /// How many.
    pub total_count: usize,
    /// Root first.
    pub entries: Vec<FolderMini>,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemPage {
    /// All items; absent with markers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<u64>,
    /// The items, already narrowed.
    pub entries: Vec<Value>,
    /// Where the page starts; absent with markers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The most entries of a page.
    pub limit: u64,
    /// Absent with markers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<Order>>,
    /// Where the next page starts: absent with offsets, empty on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

/// A folder in full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Folder {
    /// Always `folder`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The folder's id; `"0"` for the root.
    pub id: String,
    /// Counts changes; `null` for the root.
    pub sequence_id: Option<String>,
    /// Counts changes; `null` for the root.
    pub etag: Option<String>,
    /// The name; `All Files` for the root.
    pub name: String,
    /// `null` for the root.
    pub created_at: Option<Moment>,
    /// `null` for the root.
    pub modified_at: Option<Moment>,
    /// Free text, empty where none was given.
    pub description: String,
    /// Bytes of all files below.
    pub size: u64,
    /// The way down from the root.
    pub path_collection: PathCollection,
    /// Who made it.
    pub created_by: UserMini,
    /// Who changed it last.
    pub modified_by: UserMini,
    /// When it was trashed.
    pub trashed_at: Option<Moment>,
    /// When the trash forgets it; `null`: not by itself.
    pub purged_at: Option<Moment>,
    /// As `created_at`, unless the client said otherwise.
    pub content_created_at: Option<Moment>,
    /// As `modified_at`, unless the client said otherwise.
    pub content_modified_at: Option<Moment>,
    /// The owner.
    pub owned_by: UserMini,
    /// What the client set; Boxwood opens nothing by it.
    pub shared_link: Option<Value>,
    /// Always `null`: Boxwood receives no mail.
    pub folder_upload_email: Option<()>,
    /// `null` for the root.
    pub parent: Option<FolderMini>,
    /// `active` or `trashed`.
    pub item_status: &'static str,
    /// The first page of items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_collection: Option<ItemPage>,
    /// Always `not_synced`.
    pub sync_state: &'static str,
    /// Whether somebody was invited to the folder itself.
    pub has_collaborations: bool,
    /// What the principal may do.
    pub permissions: FolderPermissions,
    /// Words that the client set.
    pub tags: Vec<String>,
    /// Always `false`.
    pub can_non_owners_invite: bool,
    /// Always `false`.
    pub is_externally_owned: bool,
    /// Always `false`.
    pub is_collaboration_restricted_to_enterprise: bool,
    /// Empty: Boxwood opens nothing by links.
    pub allowed_shared_link_access_levels: Vec<String>,
    /// As what the asking user may invite others; empty where he may not.
    pub allowed_invitee_roles: Vec<String>,
    /// Always `false`.
    pub is_accessible_via_shared_link: bool,
    /// Always `true`.
    pub can_non_owners_view_collaborators: bool,
    /// `null` here; the server adds the one that the item's metadata says.
    pub classification: Option<()>,
}

impl Folder {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &[
        "sequence_id",
        "name",
        "created_at",
        "modified_at",
        "description",
        "size",
        "path_collection",
        "created_by",
        "modified_by",
        "trashed_at",
        "purged_at",
        "content_created_at",
        "content_modified_at",
        "owned_by",
        "shared_link",
        "folder_upload_email",
        "parent",
        "item_status",
        "item_collection",
    ];
    /// The short form, as an entry of a page.
    pub const MINI: &'static [&'static str] = &["sequence_id", "name"];
}

/// What the principal may do with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FolderPermissions {
    /// Read files below.
    pub can_download: bool,
    /// Rename the folder.
    pub can_rename: bool,
    /// Trash the folder.
    pub can_delete: bool,
    /// Always `false`.
    pub can_share: bool,
    /// Always `false`.
    pub can_set_share_access: bool,
    /// Whether he may invite others.
    pub can_invite_collaborator: bool,
    /// Upload into the folder.
    pub can_upload: bool,
}

/// Members of Box's bodies that Boxwood does not serve.
const UNSERVED: &[&str] = &["collections", "folder_upload_email"];

/// `POST /2.0/folders`. Unknown members are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateFolder {
    /// The name; whether it can be used is decided by the store.
    pub name: String,
    /// Where.
    pub parent: FolderId,
    /// The description.
    pub description: String,
}

impl CreateFolder {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let name = reader.required_text("name", findings).map(str::to_owned);
        let parent = required_parent(&mut reader, findings);
        let description = bounded_text(&mut reader, "description", 256, findings).unwrap_or_default();
        refuse_unserved(&mut reader, UNSERVED, findings);
        reader.close(findings);
        Some(Self {
            name: name?,
            parent: parent?,
            description,
        })
    }
}

/// `PUT /2.0/folders/{id}`. Unknown members are ignored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateFolder {
    /// The new name.
    pub name: Option<String>,
    /// The new description, up to 256 characters.
    pub description: Option<String>,
    /// Where to move it.
    pub parent: Option<FolderId>,
    /// Kept and shown; opens nothing. `Some(None)` takes it away.
    pub shared_link: Option<Option<Value>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
}

impl UpdateFolder {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let change = Self {
            name: reader.text("name", findings).map(str::to_owned),
            description: bounded_text(&mut reader, "description", 256, findings),
            parent: parent(&mut reader, findings),
            shared_link: shared_link(body, &mut reader, findings),
            tags: tags(&mut reader, findings),
        };
        refuse_unserved(&mut reader, UNSERVED, findings);
        reader.close(findings);
        Some(change)
    }
}

/// `shared_link` of a change: absent, `null` (take away) or an object.
pub(crate) fn shared_link(
    body: &Value,
    reader: &mut Reader<'_>,
    findings: &mut Findings,
) -> Option<Option<Value>> {
    if is_null(body, "shared_link") {
        reader.value("shared_link");
        return Some(None);
    }
    let value = reader.value("shared_link")?;
    Reader::object(value, "shared_link", findings)?;
    Some(Some(value.clone()))
}

/// `POST /2.0/folders/{id}/copy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFolder {
    /// The copy's name; absent: the same.
    pub name: Option<String>,
    /// Where.
    pub parent: FolderId,
}

impl CopyFolder {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let name = reader.text("name", findings).map(str::to_owned);
        let parent = required_parent(&mut reader, findings);
        reader.close(findings);
        Some(Self {
            name,
            parent: parent?,
        })
    }
}

/// `POST /2.0/files/{id}` and `POST /2.0/folders/{id}`: out of the trash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreItem {
    /// A new name, for where the old one is in use.
    pub name: Option<String>,
    /// Where to; absent: where it was.
    pub parent: Option<FolderId>,
}

impl RestoreItem {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let name = reader.text("name", findings).map(str::to_owned);
        let parent = parent(&mut reader, findings);
        reader.close(findings);
        Some(Self { name, parent })
    }
}
