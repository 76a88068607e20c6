//! Handlers: extract, authorise, one core call, convert.

pub(crate) mod agents;
pub(crate) mod answers;
pub(crate) mod ask;
pub(crate) mod authorize;
pub(crate) mod collaborations;
pub(crate) mod description;
pub(crate) mod downloads;
pub(crate) mod files;
pub(crate) mod folders;
pub(crate) mod groups;
pub(crate) mod memberships;
pub(crate) mod metadata;
pub(crate) mod operations;
pub(crate) mod representations;
pub(crate) mod search;
pub(crate) mod streams;
pub(crate) mod studio;
pub(crate) mod system;
pub(crate) mod text_gen;
pub(crate) mod thumbnails;
pub(crate) mod tokens;
pub(crate) mod upload_sessions;
pub(crate) mod uploads;
pub(crate) mod users;
pub(crate) mod versions;

mod administration;
mod ai_call;
mod conflicts;
mod markdown;
mod optional_json;
mod parameters;
mod present;
mod ranges;
mod shared_links;
mod upload_form;
