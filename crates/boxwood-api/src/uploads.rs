//! Uploads on the wire: the attributes part, the preflight check, sessions of chunked uploads.
//!
//! Called by the server's handlers. Offsets and sizes are bytes; a part's sum is lower-case hexadecimal SHA-1, the
//! `digest` header carries the same in base64.

use crate::error::Reason;
use crate::reading::{Findings, Reader};
use crate::wire::{Moment, Order, moment, parent, required_id};
use boxwood_core::FolderId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// The `attributes` part of an upload. Unknown members are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadAttributes {
    /// The name; needed for a new file, renames with a new version.
    pub name: Option<String>,
    /// Where; needed for a new file.
    pub parent: Option<FolderId>,
    /// The description.
    pub description: Option<String>,
    /// When the content was made.
    pub content_created_at: Option<DateTime<Utc>>,
    /// When the content was changed.
    pub content_modified_at: Option<DateTime<Utc>>,
}

impl UploadAttributes {
    /// Reads the object at `path`.
    pub fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(value, path, findings)?;
        let attributes = Self {
            name: reader.text("name", findings).map(str::to_owned),
            parent: parent(&mut reader, findings),
            description: reader.text("description", findings).map(str::to_owned),
            content_created_at: moment(&mut reader, "content_created_at", findings),
            content_modified_at: moment(&mut reader, "content_modified_at", findings),
        };
        reader.close(findings);
        Some(attributes)
    }
}

/// `OPTIONS /2.0/files/content` and `OPTIONS /2.0/files/{id}/content`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The name that the upload will use.
    pub name: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where.
    pub parent: Option<FolderId>,
}

impl Preflight {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let check = Self {
            name: reader.text("name", findings).map(str::to_owned),
            size: reader.whole("size", 0, u64::MAX, findings),
            parent: parent(&mut reader, findings),
        };
        reader.close(findings);
        Some(check)
    }
}

/// The answer to a preflight check that found nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadUrl {
    /// Absolute.
    pub upload_url: String,
}

/// `POST /2.0/files/upload_sessions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateUploadSession {
    /// Where.
    pub folder_id: FolderId,
    /// Bytes.
    pub file_size: u64,
    /// The name.
    pub file_name: String,
}

impl CreateUploadSession {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let folder_id = required_id(&mut reader, "folder_id", findings);
        let file_size = required_size(&mut reader, findings);
        let file_name = reader.required_text("file_name", findings).map(str::to_owned);
        reader.close(findings);
        Some(Self {
            folder_id: folder_id?,
            file_size: file_size?,
            file_name: file_name?,
        })
    }
}

fn required_size(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<u64> {
    reader.required("file_size", findings)?;
    reader.whole("file_size", 1, u64::MAX, findings)
}

/// `POST /2.0/files/{id}/upload_sessions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateVersionUploadSession {
    /// Bytes.
    pub file_size: u64,
    /// A new name; absent: the file keeps its own.
    pub file_name: Option<String>,
}

impl CreateVersionUploadSession {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let file_size = required_size(&mut reader, findings);
        let file_name = reader.text("file_name", findings).map(str::to_owned);
        reader.close(findings);
        Some(Self {
            file_size: file_size?,
            file_name,
        })
    }
}

/// A chunked upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadSession {
    /// The session's id, 32 hexadecimal digits.
    pub id: String,
    /// Always `upload_session`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When the parts are forgotten.
    pub session_expires_at: Moment,
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// How many parts make the file.
    pub total_parts: u64,
    /// How many have arrived.
    pub num_parts_processed: u64,
    /// Where to go on.
    pub session_endpoints: SessionEndpoints,
}

/// Absolute URLs of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionEndpoints {
    /// `PUT` a part.
    pub upload_part: String,
    /// `POST` the list of parts.
    pub commit: String,
    /// `DELETE` the session.
    pub abort: String,
    /// `GET` the parts that arrived.
    pub list_parts: String,
    /// `GET` the session.
    pub status: String,
    /// `GET`, the same as `status`: Box's log of the upload.
    pub log_event: String,
}

/// One part that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadPart {
    /// The part's id.
    pub part_id: String,
    /// Where it starts in the file.
    pub offset: u64,
    /// How long it is.
    pub size: u64,
    /// Its SHA-1.
    pub sha1: String,
}

/// The answer to a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadedPart {
    /// The part.
    pub part: UploadPart,
}

/// The parts of a session that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadParts {
    /// All parts.
    pub total_count: u64,
    /// By offset.
    pub entries: Vec<UploadPart>,
    /// The most entries of a page.
    pub limit: u64,
    /// Where the page starts.
    pub offset: u64,
    /// By offset.
    pub order: Vec<Order>,
}

/// `POST …/commit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitUpload {
    /// The parts that make the file.
    pub parts: Vec<UploadPart>,
    /// Attributes of the file.
    pub attributes: UploadAttributes,
}

impl CommitUpload {
    /// Reads the body. A part without `sha1` gets an empty one, which is not compared.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let entries = reader.required_array("parts", findings).unwrap_or_default();
        let parts: Vec<UploadPart> = entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| UploadPart::read(entry, &format!("parts[{index}]"), findings))
            .collect();
        if entries.is_empty() {
            findings.refuse(Reason::TooShort, "parts", "must name at least one part");
        }
        let attributes = match reader.value("attributes") {
            Some(value) => UploadAttributes::read(value, "attributes", findings)?,
            None => UploadAttributes::default(),
        };
        reader.close(findings);
        Some(Self { parts, attributes })
    }
}

impl UploadPart {
    fn read(entry: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(entry, path, findings)?;
        let part_id = reader.required_text("part_id", findings).map(str::to_owned);
        reader.required("offset", findings);
        let offset = reader.whole("offset", 0, u64::MAX, findings);
        reader.required("size", findings);
        let size = reader.whole("size", 1, u64::MAX, findings);
        let sha1 = reader
            .text("sha1", findings)
            .map(str::to_ascii_lowercase)
            .unwrap_or_default();
        reader.close(findings);
        Some(Self {
            part_id: part_id?,
            offset: offset?,
            size: size?,
            sha1,
        })
    }
}
