//! Chunked upload sessions as values.

use boxwood_core::{FileId, FolderId};
use chrono::{DateTime, Utc};

/// What the session makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadTarget {
    /// A new file.
    NewFile {
        /// The folder.
        parent: FolderId,
        /// The name.
        name: String,
    },
    /// A new version of a file.
    NewVersion {
        /// The file.
        file: FileId,
        /// A new name for it.
        name: Option<String>,
    },
}

/// A session to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUploadSession {
    /// What it makes.
    pub target: UploadTarget,
    /// Bytes of the whole content; 1 to the store's limit.
    pub size: u64,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadSession {
    /// 32 upper-case hexadecimal digits.
    pub id: String,
    /// What it makes.
    pub target: UploadTarget,
    /// Bytes of the whole content.
    pub size: u64,
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// How many parts there are in all.
    pub total_parts: u32,
    /// How many of them are there.
    pub parts_present: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends: seven days after it was made.
    pub expires_at: DateTime<Utc>,
}

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPart {
    /// 8 upper-case hexadecimal digits.
    pub part_id: String,
    /// Where it begins.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// SHA-1, hexadecimal.
    pub sha1: String,
}

/// What a commit says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadCommit {
    /// SHA-1 of the whole content, hexadecimal.
    pub sha1: String,
    /// What the client believes to have sent; empty: not compared.
    pub parts: Vec<UploadPart>,
    /// Description of a new file.
    pub description: String,
    /// `None`: now.
    pub content_created_at: Option<DateTime<Utc>>,
    /// `None`: now.
    pub content_modified_at: Option<DateTime<Utc>>,
    /// For a new version: the etag that the file must have.
    pub if_match: Option<String>,
}

/// Where a part belongs, from `content-range: bytes first-last/total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartRange {
    /// Where it begins; a multiple of the part size.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// Bytes of the whole content, as the client says: must fit the session.
    pub total: u64,
}
