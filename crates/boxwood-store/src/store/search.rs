//! The part of the contract about searching items.

use crate::error::StoreError;
use crate::search::{SearchPage, SearchQuery};
use async_trait::async_trait;
use boxwood_core::{ContentHash, Principal};

/// Search. Names, descriptions and tags are indexed by the store itself, with every change.
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// Items that the principal reaches and that fit.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a folder of [`SearchQuery::below`] that he does not reach.
    async fn search(&self, principal: &Principal, query: &SearchQuery) -> Result<SearchPage, StoreError>;

    /// Indexes the text of a content, in place of what an earlier parser read. Does nothing when this version has been
    /// indexed. Called when a parse job is done.
    ///
    /// # Errors
    /// From the database.
    async fn index_text(&self, content: &ContentHash, version: u32, text: &str) -> Result<(), StoreError>;
}
