//! Files, folders and versions as values.
//!
//! Invariant: a value is one consistent reading: parent, path, owner and version belong to the same moment, and the path
//! holds only folders that the principal may see (after the root, id `0`). Made by the store, turned into wire structs
//! by the server.

use boxwood_core::{ContentHash, FileId, FileVersionId, FolderId, UserId};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// File or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A folder.
    Folder,
    /// A file.
    File,
}

/// A file's or folder's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ItemRef {
    /// A file.
    File(FileId),
    /// A folder.
    Folder(FolderId),
}

/// Enough of a user for `created_by`, `owned_by`, ….
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRef {
    /// The id.
    pub id: UserId,
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub login: String,
}

/// Enough of a folder for `parent` and `path_collection`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRef {
    /// The id; `0` for the root.
    pub id: FolderId,
    /// The name; `All Files` for the root.
    pub name: String,
    /// `None` for the root.
    pub etag: Option<String>,
}

/// `item_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemStatus {
    /// In its folder.
    Active,
    /// In the trash.
    Trashed,
}

impl ItemStatus {
    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemStatus::Active => "active",
            ItemStatus::Trashed => "trashed",
        }
    }
}

/// Box's roles of a collaboration, strongest first. The owner is not a collaboration but has the first role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl Role {
    const TABLE: [(Role, &'static str); 8] = [
        (Role::Owner, "owner"),
        (Role::CoOwner, "co-owner"),
        (Role::Editor, "editor"),
        (Role::ViewerUploader, "viewer uploader"),
        (Role::PreviewerUploader, "previewer uploader"),
        (Role::Viewer, "viewer"),
        (Role::Previewer, "previewer"),
        (Role::Uploader, "uploader"),
    ];

    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(role, _)| *role == self)
            .map_or("", |(_, name)| name)
    }

    /// The strongest role of a comma-separated list, `None` of an empty one.
    pub fn strongest(list: Option<&str>) -> Option<Self> {
        list.unwrap_or_default().split(',').filter_map(Self::parse).min()
    }

    /// Reads what [`Role::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(role, _)| *role)
    }
}

/// What the principal's role allows on an item (scopes of the token are not considered).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemPermissions {
    /// Download the content.
    pub can_download: bool,
    /// See the content: preview, representations, AI.
    pub can_preview: bool,
    /// Upload into the folder, or a new version of the file.
    pub can_upload: bool,
    /// Change name, description, tags.
    pub can_rename: bool,
    /// Move to the trash.
    pub can_delete: bool,
    /// Make shared links.
    pub can_share: bool,
    /// Change who may use a shared link.
    pub can_set_share_access: bool,
    /// Invite collaborators.
    pub can_invite_collaborator: bool,
    /// Comment.
    pub can_comment: bool,
}

/// One version of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// The id.
    pub id: FileVersionId,
    /// 1 for the first version, counted upwards.
    pub number: u32,
    /// The file's name when the version was made.
    pub name: String,
    /// SHA-1 of the content, hexadecimal.
    pub sha1: String,
    /// SHA-256 of the content.
    pub content_hash: ContentHash,
    /// Bytes.
    pub size: u64,
    /// Who uploaded it.
    pub uploaded_by: UserRef,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was last changed (trashed, restored).
    pub modified_at: DateTime<Utc>,
    /// When it was deleted.
    pub trashed_at: Option<DateTime<Utc>>,
    /// Who deleted it.
    pub trashed_by: Option<UserRef>,
    /// When it was restored.
    pub restored_at: Option<DateTime<Utc>>,
    /// Who restored it.
    pub restored_by: Option<UserRef>,
    /// Whether it is the file's current version.
    pub current: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The id.
    pub id: FileId,
    /// The name.
    pub name: String,
    /// The description; empty where there is none.
    pub description: String,
    /// Counts changes; `etag` and `sequence_id` are this number as text.
    pub revision: u64,
    /// The current version.
    pub version: FileVersion,
    /// How many versions the file has, deleted ones not counted.
    pub version_count: u32,
    /// The folder; `None` when the file is in the trash.
    pub parent: Option<FolderRef>,
    /// The folders from the root down to the parent.
    pub path: Vec<FolderRef>,
    /// Who owns it.
    pub owned_by: UserRef,
    /// Who made it.
    pub created_by: UserRef,
    /// Who changed it last.
    pub modified_by: UserRef,
    /// When it was made here.
    pub created_at: DateTime<Utc>,
    /// When it was last changed here.
    pub modified_at: DateTime<Utc>,
    /// When the content was made, as the uploader says.
    pub content_created_at: DateTime<Utc>,
    /// When the content was last changed, as the uploader says.
    pub content_modified_at: DateTime<Utc>,
    /// When it went to the trash.
    pub trashed_at: Option<DateTime<Utc>>,
    /// Active or trashed.
    pub status: ItemStatus,
    /// Tags.
    pub tags: Vec<String>,
    /// `shared_link`, as the server keeps it.
    pub shared_link: Option<Value>,
    /// `lock`, as the server keeps it.
    pub lock: Option<Value>,
    /// Whether somebody was invited to the item itself.
    pub has_collaborations: bool,
    /// What the principal may do.
    pub permissions: ItemPermissions,
}

impl File {
    /// `etag` and `sequence_id`.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }

    /// The part of the name after the last dot; empty where there is none.
    pub fn extension(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// A folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    /// The id; `0` for the root.
    pub id: FolderId,
    /// The name; `All Files` for the root.
    pub name: String,
    /// The description; empty where there is none.
    pub description: String,
    /// Counts changes; `None` for the root, whose `etag` and `sequence_id` are null.
    pub revision: Option<u64>,
    /// Bytes of the current versions of all files below it.
    pub size: u64,
    /// The folder above; `None` for the root and when the folder is in the trash.
    pub parent: Option<FolderRef>,
    /// The folders from the root down to the parent; empty for the root.
    pub path: Vec<FolderRef>,
    /// Who owns it.
    pub owned_by: UserRef,
    /// Who made it.
    pub created_by: UserRef,
    /// Who changed it last.
    pub modified_by: UserRef,
    /// When it was made; `None` for the root.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed; `None` for the root.
    pub modified_at: Option<DateTime<Utc>>,
    /// As the creator says; `None` for the root.
    pub content_created_at: Option<DateTime<Utc>>,
    /// As the creator says; `None` for the root.
    pub content_modified_at: Option<DateTime<Utc>>,
    /// When it went to the trash.
    pub trashed_at: Option<DateTime<Utc>>,
    /// Active or trashed.
    pub status: ItemStatus,
    /// Tags.
    pub tags: Vec<String>,
    /// `shared_link`, as the server keeps it.
    pub shared_link: Option<Value>,
    /// Whether somebody was invited to the item itself.
    pub has_collaborations: bool,
    /// What the principal may do.
    pub permissions: ItemPermissions,
}

impl Folder {
    /// `etag` and `sequence_id`; `None` for the root.
    pub fn etag(&self) -> Option<String> {
        self.revision.map(|revision| revision.to_string())
    }
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A file.
    File(Box<File>),
    /// A folder.
    Folder(Box<Folder>),
}

impl Item {
    /// The id, whatever it is.
    pub fn id(&self) -> &str {
        match self {
            Item::File(file) => file.id.as_str(),
            Item::Folder(folder) => folder.id.as_str(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Item::File(file) => &file.name,
            Item::Folder(folder) => &folder.name,
        }
    }

    /// File or folder.
    pub fn kind(&self) -> ItemKind {
        match self {
            Item::File(_) => ItemKind::File,
            Item::Folder(_) => ItemKind::Folder,
        }
    }
}

/// A file to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFile {
    /// The folder.
    pub parent: FolderId,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// `None`: now.
    pub content_created_at: Option<DateTime<Utc>>,
    /// `None`: now.
    pub content_modified_at: Option<DateTime<Utc>>,
}

impl NewFile {
    /// A file with only a name.
    pub fn new(parent: FolderId, name: impl Into<String>) -> Self {
        Self {
            parent,
            name: name.into(),
            description: String::new(),
            content_created_at: None,
            content_modified_at: None,
        }
    }
}

/// A new version of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewVersion {
    /// A new name for the file.
    pub name: Option<String>,
    /// `None`: now.
    pub content_modified_at: Option<DateTime<Utc>>,
    /// The etag that the file must have.
    pub if_match: Option<String>,
}

/// Changes of a file; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileChange {
    /// A new name.
    pub name: Option<String>,
    /// Moves it to that folder.
    pub parent: Option<FolderId>,
    /// A new description.
    pub description: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// `Some(None)` removes the shared link.
    pub shared_link: Option<Option<Value>>,
    /// `Some(None)` unlocks.
    pub lock: Option<Option<Value>>,
    /// The etag that the file must have.
    pub if_match: Option<String>,
}

/// A folder to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFolder {
    /// The folder above.
    pub parent: FolderId,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
}

impl NewFolder {
    /// A folder with only a name.
    pub fn new(parent: FolderId, name: impl Into<String>) -> Self {
        Self {
            parent,
            name: name.into(),
            description: String::new(),
        }
    }
}

/// Changes of a folder; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderChange {
    /// A new name.
    pub name: Option<String>,
    /// Moves it into that folder.
    pub parent: Option<FolderId>,
    /// A new description.
    pub description: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// `Some(None)` removes the shared link.
    pub shared_link: Option<Option<Value>>,
    /// The etag that the folder must have.
    pub if_match: Option<String>,
}

/// Where a copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTarget {
    /// The folder.
    pub parent: FolderId,
    /// Another name; `None`: the same.
    pub name: Option<String>,
    /// Of a file: which version is copied; `None`: the current one. Must be `None` for a folder.
    pub version: Option<FileVersionId>,
}
