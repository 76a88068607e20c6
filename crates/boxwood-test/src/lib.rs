//! What tests of several crates share: a server in process, a scripted model, and the contract of models as checks.
//!
//! Invariant: never part of the program; everything listens on loopback, on ports that the system chooses, and keeps its
//! data in a temporary folder of its own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't be set up has failed, and must say so at once"
)]

pub mod app;
pub mod conformance;
pub mod scripted;
pub mod tokens;
mod waiting;

pub use app::{Reply, TestApp, TestAppBuilder};
pub use scripted::{Script, ScriptedModel};
pub use waiting::until;
