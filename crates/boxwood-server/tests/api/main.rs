//! The server in process over real connections; modules mirror the tree of routes.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in the functions that tests share"
)]

mod agents;
mod answers;
mod ask;
mod connections;
mod errors;
mod events;
mod extract;
mod extract_beside;
mod extract_structured;
mod files_of_questions;
mod joining;
mod oauth;
mod oauth_authorize;
mod oauth_jwt;
mod oauth_narrow;
mod openai;
mod openai_chat;
mod openai_clients;
mod openai_effort;
mod openai_models;
mod openai_responses;
mod pictures;
mod reasoning;
mod spreadsheets;
mod stopping;
mod studio;
mod studio_use;
mod system;
mod text_gen;
mod thumbnails;
mod usage;

use serde_json::{Value, json};

/// The program that parses files.
const WORKER: &str = env!("CARGO_BIN_EXE_boxwood-test-worker");

/// A body with these members instead of its own.
fn changed(mut body: Value, change: &Value) -> Value {
    for (member, value) in change.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}

/// A question about one file whose text stands in the request.
fn question(file_id: &str) -> Value {
    json!({
        "mode": "single_item_qa",
        "prompt": "Where does the sun rise?",
        "items": [{"id": file_id, "type": "file", "content": "The sun rises in the east."}],
    })
}
