//! The part of the contract about kept responses.
//!
//! Invariant: a principal reaches the responses of his own user only; a token that is limited to one item reaches none.

use crate::error::StoreError;
use crate::responses::KeptResponse;
use async_trait::async_trait;
use boxwood_core::Principal;
use serde_json::Value;

/// Responses of the OpenAI-compatible API.
#[async_trait]
pub trait ResponseStore: Send + Sync {
    /// Keeps a new response.
    ///
    /// # Errors
    /// From the database, also for an id that is taken.
    async fn keep_response(&self, principal: &Principal, response: &KeptResponse) -> Result<(), StoreError>;

    /// Replaces the object of a kept response.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it was deleted meanwhile.
    async fn update_response(
        &self,
        principal: &Principal,
        id: &str,
        object: &Value,
    ) -> Result<(), StoreError>;

    /// One response.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn response(&self, principal: &Principal, id: &str) -> Result<KeptResponse, StoreError>;

    /// A response and those that it continues, the oldest first; at most `most` of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] with the id of the one that is gone.
    async fn response_chain(
        &self,
        principal: &Principal,
        id: &str,
        most: usize,
    ) -> Result<Vec<KeptResponse>, StoreError> {
        let mut chain = vec![self.response(principal, id).await?];
        while let Some(previous) = chain.last().and_then(|last| last.previous.clone()) {
            if chain.len() >= most {
                break;
            }
            chain.push(self.response(principal, &previous).await?);
        }
        chain.reverse();
        Ok(chain)
    }

    /// Deletes a response. Those that continue it can't be continued any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn remove_response(&self, principal: &Principal, id: &str) -> Result<(), StoreError>;
}
