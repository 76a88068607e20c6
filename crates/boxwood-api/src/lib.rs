//! Box's wire format: request and response bodies, the table of error codes.
//!
//! Architecture invariant: nothing here knows axum, the store or an engine; structs are converted to core types by the
//! server's handlers. Bodies that must be refused field by field are read by [`reading::Reader`], the others by serde.
//!
//! * [`error`]: the error object, the table of codes and the table of reasons
//! * [`ai`]: `POST /2.0/ai/ask`, agents, answers
//! * [`oauth`]: token requests and answers
//! * [`reading`]: reads a JSON body and names every field that is wrong
//! * [`files`], [`folders`], [`uploads`], [`users`], [`versions`]: the content operations
//! * [`groups`], [`collaborations`]: who belongs together, and who was invited to what
//! * [`search`]: what a search found
//! * [`events`]: what happened
//! * [`answers`]: answers that were kept for review (not of Box)
//! * [`metadata`]: metadata templates, instances, queries, taxonomies
//! * [`openai`]: OpenAI's and Azure's API (not of Box)
//! * [`fields`], [`wire`]: what these share

pub mod ai;
pub mod answers;
pub mod collaborations;
pub mod error;
pub mod events;
pub mod fields;
pub mod files;
pub mod folders;
pub mod groups;
pub mod metadata;
pub mod oauth;
pub mod openai;
pub mod reading;
pub mod search;
#[cfg(test)]
mod testing;
pub mod uploads;
pub mod usage;
pub mod users;
pub mod versions;
pub mod wire;

pub use error::{ClientError, ErrorCode, FieldError, Reason};
