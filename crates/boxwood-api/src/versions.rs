//! Versions of a file on the wire.
//!
//! Called by the server's handlers. A version is written in full and narrowed by [`crate::fields::FieldSelection`].

use crate::error::Reason;
use crate::reading::{Findings, Reader, one_of};
use crate::users::UserMini;
use crate::wire::{Moment, Order, is_null, required_id};
use boxwood_core::FileVersionId;
use serde::Serialize;
use serde_json::Value;

/// A version in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileVersion {
    /// Always `file_version`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The version's id.
    pub id: String,
    /// SHA-1 of its bytes, lower-case hexadecimal.
    pub sha1: String,
    /// What the file was called with this version.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was uploaded.
    pub created_at: Moment,
    /// When it was changed last.
    pub modified_at: Moment,
    /// Who uploaded it.
    pub modified_by: Option<UserMini>,
    /// When it was trashed.
    pub trashed_at: Option<Moment>,
    /// Who trashed it.
    pub trashed_by: Option<UserMini>,
    /// When it came back from the trash.
    pub restored_at: Option<Moment>,
    /// Who brought it back.
    pub restored_by: Option<UserMini>,
    /// Always `null`: the trash forgets nothing by itself.
    pub purged_at: Option<Moment>,
    /// The uploader's name.
    pub uploader_display_name: String,
    /// From `"1"`, in the order of upload.
    pub version_number: String,
}

impl FileVersion {
    /// The standard form.
    pub const STANDARD: &'static [&'static str] = &[
        "sha1",
        "name",
        "size",
        "created_at",
        "modified_at",
        "modified_by",
        "trashed_at",
        "trashed_by",
        "restored_at",
        "restored_by",
        "purged_at",
        "uploader_display_name",
        "version_number",
    ];
}

/// The past versions of a file; the current one is not among them, as Box does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileVersions {
    /// All past versions.
    pub total_count: u64,
    /// Newest first, already narrowed.
    pub entries: Vec<Value>,
    /// The most entries of a page.
    pub limit: u64,
    /// Where the page starts.
    pub offset: u64,
    /// Newest first.
    pub order: Vec<Order>,
}

/// `POST /2.0/files/{id}/versions/current`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromoteVersion {
    /// The version whose content becomes current again.
    pub id: FileVersionId,
}

impl PromoteVersion {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        if let Some(kind) = reader.text("type", findings) {
            one_of(kind, &[("file_version", ())], "type", findings);
        }
        let id = required_id(&mut reader, "id", findings);
        reader.close(findings);
        Some(Self { id: id? })
    }
}

/// `PUT /2.0/files/{id}/versions/{version_id}`: `{"trashed_at": null}` restores; nothing else can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreVersion;

impl RestoreVersion {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        Reader::object(body, "", findings)?;
        if !is_null(body, "trashed_at") {
            let message = "must be null, which takes the version out of the trash";
            findings.refuse(Reason::InvalidParameter, "trashed_at", message);
            return None;
        }
        Some(Self)
    }
}
