//! Search results on the wire.
//!
//! Called by the server's handlers.

use serde::Serialize;
use serde_json::Value;

/// A page of hits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchResults {
    /// All hits.
    pub total_count: u64,
    /// The most hits of a page.
    pub limit: u64,
    /// Where the page begins.
    pub offset: u64,
    /// `search_results_items` or `search_results_with_shared_links`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The items, already narrowed; or [`SharedLinkResult`]s around them.
    pub entries: Vec<Value>,
}

/// A hit where the request asked for what was reached by shared links too. Boxwood opens nothing by them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedLinkResult {
    /// Always `search_result`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The item.
    pub item: Value,
}
