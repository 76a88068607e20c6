//! The part of the contract about agents of AI Studio.
//!
//! Invariants: an agent belongs to one enterprise. Whoever manages agents (administrators, service accounts) sees all of
//! it; everybody else sees those that he may use, and the others are *not found*. Whether the principal may change agents
//! is the caller's to check.

use crate::agents::{Agent, AgentPage, AgentQuery, NewAgent, UnsuggestedAgent};
use crate::error::StoreError;
use async_trait::async_trait;
use boxwood_core::{AgentId, AgentMode, Principal};

/// Agents of AI Studio.
#[async_trait]
pub trait AgentStore: Send + Sync {
    /// Makes an agent in the principal's enterprise.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an allowed user or group that the enterprise does not have.
    async fn create_agent(&self, principal: &Principal, agent: NewAgent) -> Result<Agent, StoreError>;

    /// An agent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn agent(&self, principal: &Principal, id: &AgentId) -> Result<Agent, StoreError>;

    /// A page of the agents that the principal sees.
    ///
    /// # Errors
    /// A limit outside 1 to 1,000.
    async fn agents(&self, principal: &Principal, query: AgentQuery) -> Result<AgentPage, StoreError>;

    /// Puts an agent in the place of another one, whose id, creator and time of creation stay.
    ///
    /// # Errors
    /// As [`AgentStore::create_agent`]; [`StoreError::NotFound`].
    async fn replace_agent(
        &self,
        principal: &Principal,
        id: &AgentId,
        agent: NewAgent,
    ) -> Result<Agent, StoreError>;

    /// Removes an agent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn delete_agent(&self, principal: &Principal, id: &AgentId) -> Result<(), StoreError>;

    /// Capabilities of all enterprises whose questions are still to be written, oldest first: for the server's own work.
    ///
    /// # Errors
    /// From the database.
    async fn unsuggested_agents(&self, limit: u32) -> Result<Vec<UnsuggestedAgent>, StoreError>;

    /// Keeps the questions that were written for a capability. `false`: they are not wanted any more, because the agent
    /// is gone, was replaced, or has questions.
    ///
    /// # Errors
    /// From the database.
    async fn put_suggested_questions(
        &self,
        id: &AgentId,
        revision: u64,
        mode: AgentMode,
        questions: &[String],
    ) -> Result<bool, StoreError>;
}
