//! Events on the wire.
//!
//! Called by the server's handlers.

use crate::users::UserMini;
use crate::wire::Moment;
use serde::Serialize;
use serde_json::{Map, Value};

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Always `event`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id: the same in every stream.
    pub event_id: String,
    /// When it happened.
    pub created_at: Moment,
    /// When it was recorded.
    pub recorded_at: Moment,
    /// Who did it.
    pub created_by: UserMini,
    /// What happened, as the stream calls it.
    pub event_type: &'static str,
    /// Always `null`: Boxwood keeps no sessions.
    pub session_id: Option<()>,
    /// What it was done to.
    pub source: Option<Value>,
    /// What else is told.
    pub additional_details: Map<String, Value>,
}

/// A chunk of a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Events {
    /// How many events it has.
    pub chunk_size: usize,
    /// Where the next chunk begins: a number for users, text for administrators.
    pub next_stream_position: Value,
    /// The events, oldest first.
    pub entries: Vec<Event>,
}

/// An address that answers when something happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RealtimeServer {
    /// Always `realtime_server`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The address.
    pub url: String,
    /// Minutes for which it may be used.
    pub ttl: &'static str,
    /// How often it may be asked before the list is asked for again.
    pub max_retries: &'static str,
    /// Seconds without an answer after which it should be asked again.
    pub retry_timeout: u32,
}

/// The addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RealtimeServers {
    /// How many.
    pub chunk_size: usize,
    /// The addresses.
    pub entries: Vec<RealtimeServer>,
}

/// What such an address answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RealtimeMessage {
    /// Always 1.
    pub version: u32,
    /// `new_change` or `reconnect`.
    pub message: &'static str,
}
