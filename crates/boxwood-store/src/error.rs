//! What can go wrong in a store, with the operands that the server needs for its error body.
//!
//! Invariant: no message holds a secret, a path outside the data folder, or an item that the principal may not see.

use crate::items::Item;
use crate::metadata::MetadataError;
use std::path::PathBuf;

/// What an id names, for "not found".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A version of a file.
    FileVersion,
    /// A user.
    User,
    /// A group of users.
    Group,
    /// A user's belonging to a group.
    Membership,
    /// An invitation to an item.
    Collaboration,
    /// An answer that was kept.
    Answer,
    /// A response of the OpenAI-compatible API.
    Response,
    /// An agent of AI Studio.
    Agent,
    /// An application client.
    Client,
    /// A chunked upload session.
    UploadSession,
    /// A parse job.
    ParseJob,
    /// A metadata template.
    MetadataTemplate,
    /// The metadata of an item under one template.
    MetadataInstance,
    /// A taxonomy.
    Taxonomy,
    /// A node of a taxonomy.
    TaxonomyNode,
    /// A policy that cascades a folder's metadata.
    CascadePolicy,
}

impl Thing {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Thing::File => "file",
            Thing::Folder => "folder",
            Thing::FileVersion => "file version",
            Thing::User => "user",
            Thing::Group => "group",
            Thing::Membership => "group membership",
            Thing::Collaboration => "collaboration",
            Thing::Answer => "answer",
            Thing::Response => "response",
            Thing::Agent => "agent",
            Thing::Client => "client",
            Thing::UploadSession => "upload session",
            Thing::ParseJob => "parse job",
            Thing::MetadataTemplate => "metadata template",
            Thing::MetadataInstance => "metadata",
            Thing::Taxonomy => "taxonomy",
            Thing::TaxonomyNode => "taxonomy node",
            Thing::CascadePolicy => "cascade policy",
        }
    }
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which digest did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestKind {
    /// SHA-1 of one uploaded part.
    Part,
    /// SHA-1 of the whole content.
    Whole,
}

/// Why a refresh token or an authorization code is refused (`invalid_grant`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrant {
    /// Never issued.
    #[error("it was never issued")]
    Unknown,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It was used already.
    #[error("it was already used")]
    Used,
    /// It was revoked.
    #[error("it was revoked")]
    Revoked,
    /// It belongs to another client.
    #[error("it was issued to another client")]
    OtherClient,
    /// The redirect URI differs from the one of the authorization request.
    #[error("the redirect URI is not the one that was authorised")]
    OtherRedirect,
}

/// Errors of every store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing for this principal: it never existed, was purged, or is someone else's.
    #[error("{thing} `{id}` was not found")]
    NotFound {
        /// What was looked for.
        thing: Thing,
        /// Its id.
        id: String,
    },
    /// The item is in the trash. Told only to those who could read it before.
    #[error("{thing} `{id}` is in the trash")]
    Trashed {
        /// File or folder.
        thing: Thing,
        /// Its id.
        id: String,
    },
    /// The principal sees the item, but its role does not allow this.
    #[error("you may not {action} {thing} `{id}`")]
    Forbidden {
        /// "rename", "delete", "upload to", "download".
        action: &'static str,
        /// File or folder.
        thing: Thing,
        /// Its id.
        id: String,
    },
    /// Another item of the folder has that name (case does not matter).
    #[error("an item named `{}` exists in the folder", conflict.name())]
    NameInUse {
        /// The item that has the name.
        conflict: Box<Item>,
    },
    /// The name can't be used for an item.
    #[error("the name `{name}` can't be used: {reason}")]
    InvalidName {
        /// The name, cut to 255 characters.
        name: String,
        /// Why, and what is allowed.
        reason: &'static str,
    },
    /// A value is outside what the store accepts.
    #[error("`{field}` is not valid: {reason}")]
    InvalidValue {
        /// The field, as the wire names it.
        field: &'static str,
        /// Why, and what is allowed.
        reason: String,
    },
    /// The item changed since the caller read it (`If-Match`).
    #[error("the item has etag {found}, not {expected}")]
    PreconditionFailed {
        /// What the caller sent.
        expected: String,
        /// What the item has.
        found: String,
    },
    /// The root folder can't be renamed, moved, copied or deleted.
    #[error("the root folder can't be {action}")]
    RootFolder {
        /// "renamed", "moved", "copied", "deleted".
        action: &'static str,
    },
    /// A folder would come to lie inside itself.
    #[error("folder `{id}` can't be {action} into itself or a folder below it")]
    IntoItself {
        /// The folder.
        id: String,
        /// "moved" or "copied".
        action: &'static str,
    },
    /// The folder has items and `recursive` was not asked for.
    #[error("folder `{id}` is not empty")]
    FolderNotEmpty {
        /// The folder.
        id: String,
    },
    /// Another user has locked the file.
    #[error("file `{id}` is locked by another user")]
    Locked {
        /// The file.
        id: String,
    },
    /// The current version of a file can't be deleted, restored or promoted.
    #[error("version `{id}` is the current version of the file")]
    CurrentVersion {
        /// The version.
        id: String,
    },
    /// A thing with that key exists already.
    #[error("{thing} `{id}` exists already")]
    AlreadyExists {
        /// What it is.
        thing: Thing,
        /// Its scope and key.
        id: String,
    },
    /// Metadata breaks a rule.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A user with that login exists.
    #[error("a user with the login `{login}` exists")]
    LoginInUse {
        /// The login.
        login: String,
    },
    /// A group of the enterprise has that name (case does not matter).
    #[error("a group with the name `{name}` exists")]
    GroupNameInUse {
        /// The name.
        name: String,
    },
    /// The user is in the group already.
    #[error("the user is already a member of the group `{group}`")]
    AlreadyMember {
        /// The group's name.
        group: String,
    },
    /// The user or group was invited to the item already.
    #[error("the user or group is already a collaborator of the item")]
    AlreadyCollaborator,
    /// The content is larger than the limit.
    #[error("the content is larger than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The content has not the announced size.
    #[error("{found} bytes came, {expected} were announced")]
    SizeMismatch {
        /// Announced bytes.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The content has not the announced SHA-1.
    #[error("the SHA-1 of the {} is {found}, not {expected}", match kind { DigestKind::Part => "part", DigestKind::Whole => "whole content" })]
    DigestMismatch {
        /// Part or whole.
        kind: DigestKind,
        /// Announced, hexadecimal.
        expected: String,
        /// Computed, hexadecimal.
        found: String,
    },
    /// A part lies where the session does not allow it, or differs from what was already uploaded there.
    #[error("the part at {offset} with {size} bytes does not fit: {reason}")]
    PartOutOfPlace {
        /// Offset of the part.
        offset: u64,
        /// Its bytes.
        size: u64,
        /// Why, with the size that fits.
        reason: String,
    },
    /// A commit came before all parts were there.
    #[error(
        "the upload is not complete: {} of {total} parts are there, the first missing one starts at byte {first_missing}",
        present
    )]
    MissingParts {
        /// Parts that are there.
        present: u32,
        /// Parts that are needed.
        total: u32,
        /// Offset of the first missing part.
        first_missing: u64,
    },
    /// A refresh token or an authorization code is not valid.
    #[error("the grant is not valid: {0}")]
    InvalidGrant(#[from] InvalidGrant),
    /// The lease of a parse job went to another worker or the job is over.
    #[error("the lease of parse job {job} is lost")]
    LeaseLost {
        /// The job.
        job: u64,
    },
    /// The disk is full, or a quota or file size limit of the operating system was reached. Nothing was kept.
    #[error("no space is left in {}", path.display())]
    NoSpace {
        /// The data folder.
        path: PathBuf,
    },
    /// Another process uses the data folder.
    #[error("the data folder {} is in use by {owner}; stop that process or choose another folder", path.display())]
    DataFolderInUse {
        /// The folder.
        path: PathBuf,
        /// "process 1234", or "another process".
        owner: String,
    },
    /// The data folder was written by a newer program.
    #[error("the data folder has schema {found}, this program knows up to {known}; use a newer program")]
    SchemaTooNew {
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// What is stored contradicts itself: a blob that a row names is missing, or a value can't be read back.
    #[error("stored data is damaged: {what}")]
    Damaged {
        /// What, without content.
        what: String,
    },
    /// The sender of a stream failed (the client went away).
    #[error("the content could not be read: {source}")]
    Source {
        /// From the reader.
        source: std::io::Error,
    },
    /// The file system failed.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// "write", "open".
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The database failed.
    #[error("the database failed to {action}: {source}")]
    Database {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// A missing thing.
    pub fn not_found(thing: Thing, id: impl std::fmt::Display) -> Self {
        StoreError::NotFound {
            thing,
            id: id.to_string(),
        }
    }
}
