//! Files, folders, versions, users, tokens, upload sessions, parse jobs and blobs behind one trait.
//!
//! Architecture invariants:
//! * Nothing hands out a file's bytes without a [`boxwood_core::Principal`]: [`ReadableFile`] has no public constructor
//!   except [`ReadableFiles::of_own_files`], for files that the operating-system user named on the command line.
//! * An item that the principal can't reach is *not found*, never *forbidden*, so that ids don't leak.
//! * Content is written and flushed before the row that names it, so a crash leaves at worst an orphaned blob, which
//!   the next sweep removes.
//! * Scopes are checked by the server; the down-scoped *resource* of a token is enforced here.
//!
//! Used by `boxwood-server`, `boxwood-answer` and the binary. [`SqliteStore`] is the embedded implementation; the test
//! module `conformance` holds the contract as functions that every implementation runs.

pub mod agents;
pub mod answers;
pub mod blob;
pub mod collaborations;
#[cfg(test)]
mod conformance;
pub mod content;
pub mod error;
pub mod events;
pub mod groups;
pub mod identity;
pub mod items;
pub mod jobs;
pub mod listing;
pub mod metadata;
pub mod names;
pub mod responses;
pub mod search;
pub mod sqlite;
pub mod store;
pub mod uploads;
pub mod usage;

pub use agents::{Agent, AgentCapability, AgentPage, AgentQuery, NewAgent, UnsuggestedAgent};
pub use answers::{AnswerFile, AnswerOperation, AnswerPage, AnswerQuery, KeptAnswer, NewAnswer};
pub use blob::{BlobStore, ByteStream, LocalBlobs};
pub use collaborations::{
    Collaboration, CollaborationChange, CollaborationPage, CollaborationStatus, Collaborator, Invitation,
    Invitee,
};
pub use content::{LocalCopy, OwnFile, ReadableFile, ReadableFiles, StagedBlob};
pub use error::{DigestKind, InvalidGrant, StoreError, Thing};
pub use events::{
    Event, EventAbout, EventItem, EventKind, EventName, EventQuery, EventSource, EventStream, EventUser,
    NewEvent,
};
pub use groups::{
    Group, GroupAudience, GroupChange, GroupRef, GroupRole, Membership, MembershipChange, NewGroup,
    NewMembership, Part, PartOf,
};
pub use identity::{
    AccessToken, Client, ClientKey, Enterprise, IssuedToken, NewAccessToken, NewAuthorizationCode, NewClient,
    NewUser, Seed, Seeded, TokenCheck, TokenPair, User, UserChange, UserKind, UserRole,
};
pub use items::{
    CopyTarget, File, FileChange, FileVersion, Folder, FolderChange, FolderRef, Item, ItemKind,
    ItemPermissions, ItemRef, ItemStatus, NewFile, NewFolder, NewVersion, Role, UserRef,
};
pub use jobs::{DOCUMENT, ParseLease, ParseOutcome, ParseState};
pub use listing::{Direction, ItemPage, ItemQuery, Paging, SortBy};
pub use responses::KeptResponse;
pub use search::expression::Expression;
pub use search::{Between, SearchFields, SearchOrder, SearchPage, SearchQuery, TrashSearch};
pub use sqlite::{SqliteStore, StoreOptions, UsageReader};
pub use store::{
    AgentStore, AnswerStore, CascadeStore, CollaborationStore, ContentStore, EventStore, FileStore,
    FolderStore, GroupStore, IdentityStore, JobStore, MetadataStore, ResponseStore, SearchStore, Store,
    SweepReport, TaxonomyStore, TrashStore, UploadStore, UsageStore,
};
pub use uploads::{NewUploadSession, PartRange, UploadCommit, UploadPart, UploadSession, UploadTarget};
pub use usage::{KeptUsage, UsageBy, UsageFilter, UsageSum, UsageUser};
