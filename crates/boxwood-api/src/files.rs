//! Files on the wire: the resource, and the bodies that change it.
//!
//! Called by the server's handlers. A file is written in full and narrowed by [`crate::fields::FieldSelection`];
//! sizes are bytes, sums are lower-case hexadecimal.

use crate::folders::{FolderMini, PathCollection, shared_link};
use crate::reading::{Findings, Reader, one_of};
use crate::users::UserMini;
use crate::wire::{
    Moment, bounded_text, id, is_null, moment, parent, refuse_unserved, required_parent, tags,
};
use boxwood_core::{FileVersionId, FolderId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// The short form of a version, inside a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileVersionMini {
    /// Always `file_version`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The version's id.
    pub id: String,
    /// SHA-1 of its bytes.
    pub sha1: String,
}

/// A file in full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct File {
    /// Always `file`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The file's id.
    pub id: String,
    /// The current version.
    pub file_version: FileVersionMini,
    /// Counts changes.
    pub sequence_id: String,
    /// Counts changes; what `If-Match` is compared with.
    pub etag: String,
    /// SHA-1 of the current version.
    pub sha1: String,
    /// The name with its extension.
    pub name: String,
    /// Free text, empty where none was given.
    pub description: String,
    /// Bytes of the current version.
    pub size: u64,
    /// The way down from the root.
    pub path_collection: PathCollection,
    /// When it was uploaded.
    pub created_at: Moment,
    /// When it was changed last.
    pub modified_at: Moment,
    /// When it was trashed.
    pub trashed_at: Option<Moment>,
    /// When the trash forgets it; `null`: not by itself.
    pub purged_at: Option<Moment>,
    /// As `created_at`, unless the client said otherwise.
    pub content_created_at: Moment,
    /// As `modified_at`, unless the client said otherwise.
    pub content_modified_at: Moment,
    /// Who uploaded it.
    pub created_by: UserMini,
    /// Who changed it last.
    pub modified_by: UserMini,
    /// The owner.
    pub owned_by: UserMini,
    /// What the client set; Boxwood opens nothing by it.
    pub shared_link: Option<Value>,
    /// The folder; `Trash` for a trashed file.
    pub parent: Option<FolderMini>,
    /// `active` or `trashed`.
    pub item_status: &'static str,
    /// Which version this is, from `"1"`.
    pub version_number: String,
    /// Always 0: there are no comments.
    pub comment_count: u64,
    /// What the principal may do.
    pub permissions: FilePermissions,
    /// Words that the client set.
    pub tags: Vec<String>,
    /// The [`Lock`] as it was kept, or `null`.
    pub lock: Option<Value>,
    /// What follows the last dot of the name; may be empty.
    pub extension: String,
    /// Always `false`.
    pub is_package: bool,
    /// Always `false`.
    pub is_accessible_via_shared_link: bool,
    /// As what the asking user may invite others; empty where he may not.
    pub allowed_invitee_roles: Vec<String>,
    /// Always `false`.
    pub is_externally_owned: bool,
    /// Whether somebody was invited to the file itself.
    pub has_collaborations: bool,
    /// Always `null`.
    pub expires_at: Option<Moment>,
    /// What the file's content can be had as; only where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representations: Option<Representations>,
    /// `null` here; the server adds the one that the item's metadata says.
    pub classification: Option<()>,
    /// The uploader's name.
    pub uploader_display_name: String,
    /// Empty: Boxwood opens nothing by links.
    pub shared_link_permission_options: Vec<String>,
}

impl File {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &[
        "file_version",
        "sequence_id",
        "sha1",
        "name",
        "description",
        "size",
        "path_collection",
        "created_at",
        "modified_at",
        "trashed_at",
        "purged_at",
        "content_created_at",
        "content_modified_at",
        "created_by",
        "modified_by",
        "owned_by",
        "shared_link",
        "parent",
        "item_status",
    ];
    /// The short form, as an entry of a page.
    pub const MINI: &'static [&'static str] = &["file_version", "sequence_id", "sha1", "name"];
}

/// What the principal may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FilePermissions {
    /// Download the bytes.
    pub can_download: bool,
    /// Read the text.
    pub can_preview: bool,
    /// Upload a new version.
    pub can_upload: bool,
    /// Always `false`.
    pub can_comment: bool,
    /// Rename it.
    pub can_rename: bool,
    /// Trash it.
    pub can_delete: bool,
    /// Always `false`.
    pub can_share: bool,
    /// Always `false`.
    pub can_set_share_access: bool,
    /// Whether he may invite others.
    pub can_invite_collaborator: bool,
    /// Always `false`.
    pub can_annotate: bool,
}

/// A lock on a file. Boxwood keeps and shows it; the owner is the only writer anyway.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lock {
    /// The lock's id.
    pub id: String,
    /// Always `lock`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Who locked.
    pub created_by: UserMini,
    /// When.
    pub created_at: Moment,
    /// Until when; `null`: until it is taken away.
    pub expired_at: Option<Moment>,
    /// Whether downloads are refused.
    pub is_download_prevented: bool,
    /// Always `null`.
    pub app_type: Option<String>,
}

/// The forms in which a file's content can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Representations {
    /// One for each form asked for that Boxwood makes.
    pub entries: Vec<Representation>,
}

/// One form of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Representation {
    /// `extracted_text`, `markdown` or `jpg`.
    pub representation: &'static str,
    /// Which variant it is; empty for texts.
    pub properties: RepresentationProperties,
    /// Where to ask about it.
    pub info: RepresentationInfo,
    /// `pending`, `success` or `error`.
    pub status: RepresentationStatus,
    /// Where to read it, once the state is `success`.
    pub content: RepresentationContent,
}

/// Which variant of a form it is. Box writes all of them as strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RepresentationProperties {
    /// The square that the picture fits: `32x32`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<String>,
    /// Whether there is one for each page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paged: Option<&'static str>,
    /// Whether it is a thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumb: Option<&'static str>,
}

impl RepresentationProperties {
    /// Of a thumbnail that fits a square of this side, in pixels.
    pub fn thumbnail(side: u32) -> Self {
        Self {
            dimensions: Some(format!("{side}x{side}")),
            paged: Some("false"),
            thumb: Some("true"),
        }
    }
}

/// Where to ask about a representation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepresentationInfo {
    /// Absolute.
    pub url: String,
}

/// How far a representation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepresentationStatus {
    /// `pending`, `success` or `error`.
    pub state: &'static str,
    /// Why there is none, with the state `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Where to read a representation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepresentationContent {
    /// Absolute; ends in `{+asset_path}`, to be replaced by nothing.
    pub url_template: String,
}

/// The body of every successful upload: always one file, in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Files {
    /// How many.
    pub total_count: usize,
    /// The files, already narrowed.
    pub entries: Vec<Value>,
}

/// Members of Box's bodies that Boxwood does not serve.
const UNSERVED: &[&str] = &["collections", "disposition_at", "permissions"];

/// `PUT /2.0/files/{id}`. Unknown members are ignored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateFile {
    /// The new name.
    pub name: Option<String>,
    /// The new description, up to 256 characters.
    pub description: Option<String>,
    /// Where to move it.
    pub parent: Option<FolderId>,
    /// Kept and shown; opens nothing. `Some(None)` takes it away.
    pub shared_link: Option<Option<Value>>,
    /// The lock to set; `Some(None)` takes it away.
    pub lock: Option<Option<LockRequest>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
}

impl UpdateFile {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let change = Self {
            name: reader.text("name", findings).map(str::to_owned),
            description: bounded_text(&mut reader, "description", 256, findings),
            parent: parent(&mut reader, findings),
            shared_link: shared_link(body, &mut reader, findings),
            lock: if is_null(body, "lock") {
                reader.value("lock");
                Some(None)
            } else {
                LockRequest::read(&mut reader, findings).map(Some)
            },
            tags: tags(&mut reader, findings),
        };
        refuse_unserved(&mut reader, UNSERVED, findings);
        reader.close(findings);
        Some(change)
    }
}

/// The lock in [`UpdateFile`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockRequest {
    /// Until when; `None`: until it is taken away.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether to refuse downloads meanwhile.
    pub is_download_prevented: bool,
}

impl LockRequest {
    fn read(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Self> {
        let mut lock = reader.child("lock", findings)?;
        if let Some(access) = lock.text("access", findings) {
            one_of(access, &[("lock", ())], &lock.path_of("access"), findings);
        }
        let request = Self {
            expires_at: moment(&mut lock, "expires_at", findings),
            is_download_prevented: lock.flag("is_download_prevented", findings).unwrap_or(false),
        };
        lock.close(findings);
        Some(request)
    }
}

/// `POST /2.0/files/{id}/copy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFile {
    /// The copy's name; absent: the same.
    pub name: Option<String>,
    /// A version to copy; absent: the current one.
    pub version: Option<FileVersionId>,
    /// Where.
    pub parent: FolderId,
}

impl CopyFile {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let name = reader.text("name", findings).map(str::to_owned);
        let version = id(&mut reader, "version", findings);
        let parent = required_parent(&mut reader, findings);
        reader.close(findings);
        Some(Self {
            name,
            version,
            parent: parent?,
        })
    }
}
