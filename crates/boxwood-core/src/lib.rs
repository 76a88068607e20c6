//! Types and traits that every other crate shares.
//!
//! Architecture invariant: nothing in this crate does I/O, reads a clock or draws a random number except through
//! the [`Clock`] and [`Ids`] traits, and nothing here knows HTTP, SQL or an engine.
//!
//! * [`ids`]: newtypes over Box's numeric-string identifiers
//! * [`principal`]: who asks, with which scopes, over which down-scoped resource
//! * [`document`]: what a file turned into: pages, lines, words with boxes, tables, and what was not read
//! * [`citation`]: a quote re-found in a file
//! * [`metering`]: what a use of a model is counted as
//! * [`model`]: the contract of a chat model and of an embedder
//! * [`tools`]: what a model may call and what it calls
//! * [`studio`]: what an agent of AI Studio can do, and who may use it
//! * [`clock`]: time and randomness as values that tests can fix

pub mod citation;
pub mod clock;
pub mod document;
pub mod ids;
pub mod metering;
pub mod model;
pub mod principal;
pub mod repetition;
pub mod studio;
pub mod tools;

pub use citation::{Citation, Highlight};
pub use clock::{Clock, FixedClock, Ids, SequentialIds, SystemClock, SystemIds};
pub use document::{
    BoundingBox, CellValue, Document, DocumentFormat, Grid, Line, LineKind, Page, PageSize, ReadNote,
    ReadNoteKind, Table, TextSource, Word,
};
pub use ids::{
    AgentId, AnswerId, CollaborationId, ContentHash, EnterpriseId, FileId, FileVersionId, FolderId, GroupId,
    MembershipId, UserId,
};
pub use metering::{Caller, Money, UsageKind, UsageOutcome, UsageRecord};
pub use model::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, ChatStream, ChoiceScores, Effort, Embedder,
    FinishReason, ImageInput, JsonSchemaFormat, ModelError, ModelIdentity, Sampling, SharedPrefix, Usage,
};
pub use principal::{Principal, Resource, Scope, ScopeSet};
pub use studio::{AgentAccess, AgentMode, AllowedEntity, EntityKind};
pub use tools::{ToolCall, ToolChoice, ToolDefinition};
