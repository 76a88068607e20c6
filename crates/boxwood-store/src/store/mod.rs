//! The contract of a store, in traits by subject and one that joins them.
//!
//! Every method that touches an item takes the [`Principal`] and answers *not found* for what it can't reach. The
//! methods of [`IdentityStore`] take none because they are what a principal is made from.
//! All methods are atomic: they do everything or nothing, also when the process is killed half-way.

mod agents;
mod answers;
mod cascades;
mod collaborations;
mod events;
mod groups;
mod identity;
mod metadata;
mod responses;
mod search;
mod taxonomy;
mod usage;

pub use agents::AgentStore;
pub use answers::AnswerStore;
pub use cascades::CascadeStore;
pub use collaborations::CollaborationStore;
pub use events::EventStore;
pub use groups::GroupStore;
pub use identity::IdentityStore;
pub use metadata::MetadataStore;
pub use responses::ResponseStore;
pub use search::SearchStore;
pub use taxonomy::TaxonomyStore;
pub use usage::UsageStore;

use crate::blob::ByteStream;
use crate::content::{ReadableFile, ReadableFiles, StagedBlob};
use crate::error::StoreError;
use crate::items::{
    CopyTarget, File, FileChange, FileVersion, Folder, FolderChange, Item, ItemRef, NewFile, NewFolder,
    NewVersion,
};
use crate::jobs::{ParseLease, ParseOutcome, ParseState};
use crate::listing::{ItemPage, ItemQuery};
use crate::uploads::{NewUploadSession, PartRange, UploadCommit, UploadPart, UploadSession};
use async_trait::async_trait;
use boxwood_core::{ContentHash, FileId, FileVersionId, FolderId, Principal};
use bytes::Bytes;
use chrono::Duration;

/// Everything that the server and the answer pipeline keep. `Arc<dyn Store>` is what they hold.
#[async_trait]
pub trait Store:
    IdentityStore
    + GroupStore
    + AgentStore
    + FolderStore
    + CollaborationStore
    + FileStore
    + TrashStore
    + UploadStore
    + ContentStore
    + JobStore
    + AnswerStore
    + UsageStore
    + ResponseStore
    + EventStore
    + SearchStore
    + MetadataStore
    + CascadeStore
    + TaxonomyStore
{
    /// Whether the database answers and the data folder can be written.
    ///
    /// # Errors
    /// What is wrong.
    async fn health(&self) -> Result<(), StoreError>;

    /// Removes blobs that no row names, parts of ended sessions, tokens, codes and JWT ids that expired over a day ago,
    /// and answers, events and uses of models that were kept long enough. Safe beside running uploads. Run it at start and then hourly.
    ///
    /// # Errors
    /// From the database or the file system.
    async fn sweep(&self) -> Result<SweepReport, StoreError>;

    /// Ends writing in good order; later calls fail.
    async fn close(&self);
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Blobs that no row names.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Upload sessions that ended.
    pub upload_sessions: u64,
    /// Tokens, codes and JWT ids.
    pub tokens: u64,
    /// Answers that were kept long enough.
    pub answers: u64,
    /// Responses of the OpenAI-compatible API that were kept long enough.
    pub responses: u64,
    /// Events that were kept long enough.
    pub events: u64,
    /// Uses of models that were kept long enough.
    pub usage: u64,
}

/// Folders.
#[async_trait]
pub trait FolderStore: Send + Sync {
    /// Makes a folder.
    ///
    /// # Errors
    /// [`StoreError::NameInUse`], [`StoreError::InvalidName`], no such parent.
    async fn create_folder(&self, principal: &Principal, folder: NewFolder) -> Result<Folder, StoreError>;

    /// A folder; `0` is the principal's root.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Trashed`].
    async fn folder(&self, principal: &Principal, id: &FolderId) -> Result<Folder, StoreError>;

    /// A page of a folder's items. The root also lists what others have shared with the principal.
    ///
    /// # Errors
    /// A marker that was not made by this listing, a limit outside 1 to 1,000.
    async fn folder_items(
        &self,
        principal: &Principal,
        id: &FolderId,
        query: ItemQuery,
    ) -> Result<ItemPage, StoreError>;

    /// Renames, moves, describes.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`], [`StoreError::NameInUse`], [`StoreError::IntoItself`], [`StoreError::RootFolder`].
    async fn update_folder(
        &self,
        principal: &Principal,
        id: &FolderId,
        change: FolderChange,
    ) -> Result<Folder, StoreError>;

    /// Copies a folder with everything below it; files share their blobs, only current versions are copied.
    ///
    /// # Errors
    /// As [`FolderStore::update_folder`].
    async fn copy_folder(
        &self,
        principal: &Principal,
        id: &FolderId,
        target: CopyTarget,
    ) -> Result<Folder, StoreError>;

    /// Moves a folder to the trash, with everything below it when `recursive`.
    ///
    /// # Errors
    /// [`StoreError::FolderNotEmpty`], [`StoreError::PreconditionFailed`], [`StoreError::RootFolder`].
    async fn trash_folder(
        &self,
        principal: &Principal,
        id: &FolderId,
        recursive: bool,
        if_match: Option<&str>,
    ) -> Result<(), StoreError>;
}

/// Files and versions.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Whether an upload with that name and size would be accepted (preflight).
    ///
    /// # Errors
    /// Those of [`FileStore::create_file`], [`StoreError::TooLarge`].
    async fn check_new_file(
        &self,
        principal: &Principal,
        parent: &FolderId,
        name: &str,
        size: Option<u64>,
    ) -> Result<(), StoreError>;

    /// Whether a new version with that name and size would be accepted (preflight).
    ///
    /// # Errors
    /// Those of [`FileStore::create_version`], [`StoreError::TooLarge`].
    async fn check_new_version(
        &self,
        principal: &Principal,
        file: &FileId,
        name: Option<&str>,
        size: Option<u64>,
    ) -> Result<(), StoreError>;

    /// Makes a file of a staged content, and queues its parse job.
    ///
    /// # Errors
    /// [`StoreError::NameInUse`], [`StoreError::InvalidName`], no such parent.
    async fn create_file(
        &self,
        principal: &Principal,
        file: NewFile,
        content: StagedBlob,
    ) -> Result<File, StoreError>;

    /// Makes a new current version of a staged content, and queues its parse job.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`], [`StoreError::NameInUse`] when it renames.
    async fn create_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: NewVersion,
        content: StagedBlob,
    ) -> Result<File, StoreError>;

    /// A file.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Trashed`].
    async fn file(&self, principal: &Principal, id: &FileId) -> Result<File, StoreError>;

    /// Renames, moves, describes, locks.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`], [`StoreError::NameInUse`], [`StoreError::Locked`].
    async fn update_file(
        &self,
        principal: &Principal,
        id: &FileId,
        change: FileChange,
    ) -> Result<File, StoreError>;

    /// Copies a file; the copy shares the blob.
    ///
    /// # Errors
    /// [`StoreError::NameInUse`], no such parent or version.
    async fn copy_file(
        &self,
        principal: &Principal,
        id: &FileId,
        target: CopyTarget,
    ) -> Result<File, StoreError>;

    /// Moves a file to the trash.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`].
    async fn trash_file(
        &self,
        principal: &Principal,
        id: &FileId,
        if_match: Option<&str>,
    ) -> Result<(), StoreError>;

    /// All versions of a file, newest first, deleted ones included; [`FileVersion::current`] marks the current one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Trashed`].
    async fn versions(&self, principal: &Principal, file: &FileId) -> Result<Vec<FileVersion>, StoreError>;

    /// One version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
    ) -> Result<FileVersion, StoreError>;

    /// Makes an earlier version current again, as a new version with the same content.
    ///
    /// # Errors
    /// Deleted versions are [`StoreError::Trashed`]; the current version is given back unchanged.
    async fn promote_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
    ) -> Result<FileVersion, StoreError>;

    /// Moves an earlier version to the trash. Deleting a deleted version does nothing.
    ///
    /// # Errors
    /// [`StoreError::CurrentVersion`], [`StoreError::PreconditionFailed`].
    async fn trash_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
        if_match: Option<&str>,
    ) -> Result<(), StoreError>;

    /// Takes a deleted version back. Restoring a version that is not deleted gives it back unchanged.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn restore_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
    ) -> Result<FileVersion, StoreError>;
}

/// The trash.
#[async_trait]
pub trait TrashStore: Send + Sync {
    /// A page of the trashed items that the principal owns (not what went along with a trashed folder). Empty for a
    /// token that is limited to one item.
    ///
    /// # Errors
    /// As [`FolderStore::folder_items`].
    async fn trashed_items(&self, principal: &Principal, query: ItemQuery) -> Result<ItemPage, StoreError>;

    /// An item in the trash.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is not in the trash.
    async fn trashed_item(&self, principal: &Principal, item: &ItemRef) -> Result<Item, StoreError>;

    /// Takes an item back, to its old folder or another one, under its old name or another one.
    ///
    /// # Errors
    /// [`StoreError::NameInUse`]; [`StoreError::NotFound`] for a folder that is gone.
    async fn restore_item(
        &self,
        principal: &Principal,
        item: &ItemRef,
        parent: Option<&FolderId>,
        name: Option<&str>,
    ) -> Result<Item, StoreError>;

    /// Removes an item in the trash for good, with everything below it. Its blobs go with the next sweep.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is not in the trash.
    async fn purge_item(&self, principal: &Principal, item: &ItemRef) -> Result<(), StoreError>;
}

/// Chunked uploads.
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Opens a session. Only the user who opened it reaches it.
    ///
    /// # Errors
    /// Those of the preflight checks.
    async fn create_upload_session(
        &self,
        principal: &Principal,
        session: NewUploadSession,
    ) -> Result<UploadSession, StoreError>;

    /// A session.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it ended.
    async fn upload_session(&self, principal: &Principal, id: &str) -> Result<UploadSession, StoreError>;

    /// Takes a part. Sending the same part again gives the same answer.
    ///
    /// # Errors
    /// [`StoreError::PartOutOfPlace`], [`StoreError::DigestMismatch`], [`StoreError::SizeMismatch`], [`StoreError::NoSpace`].
    async fn upload_part(
        &self,
        principal: &Principal,
        id: &str,
        range: PartRange,
        sha1: &str,
        content: ByteStream<'_>,
    ) -> Result<UploadPart, StoreError>;

    /// The parts that are there, by offset: `limit` of them after `offset`, and how many there are in all.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn upload_parts(
        &self,
        principal: &Principal,
        id: &str,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<UploadPart>, u64), StoreError>;

    /// Joins the parts into a file or version. A repeated commit with the same SHA-1 gives the same file.
    ///
    /// # Errors
    /// [`StoreError::MissingParts`], [`StoreError::DigestMismatch`], and those of creating a file or version. The session
    /// stays open after an error, so that the client can send what is missing.
    async fn commit_upload(
        &self,
        principal: &Principal,
        id: &str,
        commit: UploadCommit,
    ) -> Result<File, StoreError>;

    /// Ends a session and removes its parts. On a committed session it does nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn abort_upload(&self, principal: &Principal, id: &str) -> Result<(), StoreError>;
}

/// Content and what is derived from it.
#[async_trait]
pub trait ContentStore: Send + Sync {
    /// Takes a content in: streamed to disk with bounded memory, hashed on the way, flushed. It becomes visible with
    /// [`FileStore::create_file`] or [`FileStore::create_version`]; dropped without that, the next sweep removes it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::NoSpace`], [`StoreError::Source`] when the sender fails. Nothing is kept then.
    async fn stage(&self, principal: &Principal, content: ByteStream<'_>) -> Result<StagedBlob, StoreError>;

    /// The current contents of files that the principal may read, in the order of the ids; a repeated id counts once.
    ///
    /// # Errors
    /// The first file that is missing, trashed, or may not be previewed.
    async fn readable(&self, principal: &Principal, ids: &[FileId]) -> Result<ReadableFiles, StoreError>;

    /// The content of a file or one of its versions, for download.
    ///
    /// # Errors
    /// Missing, trashed, or may not be downloaded.
    async fn downloadable(
        &self,
        principal: &Principal,
        id: &FileId,
        version: Option<&FileVersionId>,
    ) -> Result<ReadableFile, StoreError>;

    /// Something derived from a content, `None` where it was not made yet. `kind` is a short name (`document`), `version`
    /// that of the program part that made it. The hash comes from a [`ReadableFile`], so the caller may read the content.
    ///
    /// # Errors
    /// From the database or file system. A damaged artifact is removed and reads as `None`.
    async fn artifact(
        &self,
        content: &ContentHash,
        kind: &str,
        version: u32,
    ) -> Result<Option<Bytes>, StoreError>;

    /// Keeps something derived from a content; replaces what was there.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`], from the database or file system.
    async fn put_artifact(
        &self,
        content: &ContentHash,
        kind: &str,
        version: u32,
        bytes: Bytes,
    ) -> Result<(), StoreError>;
}

/// Durable parse jobs.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// How far the parsing of a file's content is; `None` where no job is known for this parser version.
    ///
    /// # Errors
    /// From the database.
    async fn parse_state(
        &self,
        content: &ContentHash,
        version: u32,
    ) -> Result<Option<ParseState>, StoreError>;

    /// Makes sure that a content is parsed by this parser version, before all others that wait. A refusal by the same
    /// version stands; a finished job whose artifact ([`crate::jobs::DOCUMENT`]) is gone is queued again.
    ///
    /// # Errors
    /// From the database.
    async fn request_parse(&self, file: &ReadableFile, version: u32) -> Result<ParseState, StoreError>;

    /// Takes the next job: queued, or leased by a worker whose lease has ended.
    ///
    /// # Errors
    /// From the database.
    async fn lease_parse_job(
        &self,
        version: u32,
        lifetime: Duration,
    ) -> Result<Option<ParseLease>, StoreError>;

    /// Takes the job of one content if it is not running: for an AI call that parses in place instead of waiting.
    ///
    /// # Errors
    /// From the database.
    async fn lease_parse_job_of(
        &self,
        file: &ReadableFile,
        version: u32,
        lifetime: Duration,
    ) -> Result<Option<ParseLease>, StoreError>;

    /// Keeps a job for longer.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    async fn extend_parse_lease(
        &self,
        lease: &ParseLease,
        lifetime: Duration,
    ) -> Result<ParseLease, StoreError>;

    /// Ends a job.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    async fn finish_parse_job(&self, lease: ParseLease, outcome: ParseOutcome) -> Result<(), StoreError>;
}
