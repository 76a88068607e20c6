//! The content operations in process: every operation, and every refusal that the API promises.
//!
//! Each test has its own temporary store; nothing listens on a port.

#[cfg(test)]
#[path = "content/support.rs"]
mod support;

#[cfg(test)]
#[path = "content/cascades.rs"]
mod cascades;
#[cfg(test)]
#[path = "content/collaborations.rs"]
mod collaborations;
#[cfg(test)]
#[path = "content/downloads.rs"]
mod downloads;
#[cfg(test)]
#[path = "content/events.rs"]
mod events;
#[cfg(test)]
#[path = "content/files.rs"]
mod files;
#[cfg(test)]
#[path = "content/folders.rs"]
mod folders;
#[cfg(test)]
#[path = "content/groups.rs"]
mod groups;
#[cfg(test)]
#[path = "content/metadata.rs"]
mod metadata;
#[cfg(test)]
#[path = "content/metadata_templates.rs"]
mod metadata_templates;
#[cfg(test)]
#[path = "content/representations.rs"]
mod representations;
#[cfg(test)]
#[path = "content/scopes.rs"]
mod scopes;
#[cfg(test)]
#[path = "content/search.rs"]
mod search;
#[cfg(test)]
#[path = "content/sessions.rs"]
mod sessions;
#[cfg(test)]
#[path = "content/taxonomies.rs"]
mod taxonomies;
#[cfg(test)]
#[path = "content/uploads.rs"]
mod uploads;
#[cfg(test)]
#[path = "content/users.rs"]
mod users;
#[cfg(test)]
#[path = "content/versions.rs"]
mod versions;
