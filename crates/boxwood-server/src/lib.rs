//! The Box API over HTTP and HTTPS.
//!
//! The path of a request: `listen` (connection, TLS) → `layers` (request id, log, metrics, panics, the one place where
//! errors become bodies) → `routes` (a table: path → handler) → `extract` and `auth` → a handler, which makes one core
//! call and converts.
//!
//! Architecture invariants: only this crate knows HTTP; it knows no SQL and no engine. A handler gets a
//! [`boxwood_core::Principal`] from [`auth::Authenticated`] only, and files from `store.readable` and its like only.

pub mod auth;
pub mod compat;
mod convert;
mod convert_extraction;
pub mod development;
pub mod error;
mod events;
pub mod extract;
pub mod handlers;
pub mod join;
pub mod keep;
pub mod layers;
pub mod listen;
pub mod metrics;
pub mod openapi;
mod operations;
pub mod painting;
pub mod routes;
pub mod seal;
pub mod settings;
pub mod state;
mod studio;
mod suggestions;
pub mod tickets;
pub mod tls;
pub mod usage;

pub use settings::{DevelopmentIdentity, Limits, ServerSettings};
pub use state::{AppParts, AppState, Asker};
pub use usage::UsageWriter;
