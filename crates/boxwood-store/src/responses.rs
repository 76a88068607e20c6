//! Responses of the OpenAI-compatible API that are kept, as values.
//!
//! Invariant: a response is its user's alone, not even an administrator's; it goes when its time is over, when its user
//! deletes it, or when its user goes.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A response with what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptResponse {
    /// `resp_…`; unpredictable.
    pub id: String,
    /// The response that it continues.
    pub previous: Option<String>,
    /// Its own input items, an array.
    pub input: Value,
    /// The response object.
    pub object: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}
