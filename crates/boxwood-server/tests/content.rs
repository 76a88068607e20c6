//! The content operations in process: every operation, and every refusal that the API promises.
//!
//! Each test has its own temporary store; nothing listens on a port.

#[path = "content/support.rs"]
mod support;

#[path = "content/downloads.rs"]
mod downloads;
#[path = "content/files.rs"]
mod files;
#[path = "content/folders.rs"]
mod folders;
#[path = "content/representations.rs"]
mod representations;
#[path = "content/scopes.rs"]
mod scopes;
#[path = "content/sessions.rs"]
mod sessions;
#[path = "content/uploads.rs"]
mod uploads;
#[path = "content/users.rs"]
mod users;
#[path = "content/versions.rs"]
mod versions;
