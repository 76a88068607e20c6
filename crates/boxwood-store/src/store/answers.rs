//! The part of the contract about answers that are kept.
//!
//! Invariant: a principal reaches the answers of his own user, an administrator or service account those of the
//! enterprise; a token that is limited to one item reaches none.

use crate::answers::{AnswerPage, AnswerQuery, KeptAnswer, NewAnswer};
use crate::error::StoreError;
use async_trait::async_trait;
use boxwood_core::{AnswerId, Principal};

/// Answers that are kept.
#[async_trait]
pub trait AnswerStore: Send + Sync {
    /// Keeps answers, in one transaction. One of a user or file that is gone by now is left out. Answers how many were
    /// kept.
    ///
    /// # Errors
    /// From the database.
    async fn keep_answers(&self, answers: &[NewAnswer]) -> Result<usize, StoreError>;

    /// A page of answers.
    ///
    /// # Errors
    /// From the database.
    async fn answers(&self, principal: &Principal, query: &AnswerQuery) -> Result<AnswerPage, StoreError>;

    /// One answer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn answer(&self, principal: &Principal, id: &AnswerId) -> Result<KeptAnswer, StoreError>;

    /// Removes an answer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn remove_answer(&self, principal: &Principal, id: &AnswerId) -> Result<(), StoreError>;
}
