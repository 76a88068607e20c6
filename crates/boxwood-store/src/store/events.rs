//! The part of the contract about what happened.
//!
//! Invariant: changes of items, collaborations and groups record their event in their own transaction: there is no change
//! without its event and no event without its change.

use crate::error::StoreError;
use crate::events::{Event, EventQuery, EventStream, NewEvent};
use async_trait::async_trait;
use boxwood_core::Principal;

/// Streams of events.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Records what is no change of the store, in one transaction. What is about an item that is gone is left out.
    ///
    /// # Errors
    /// From the database.
    async fn record_events(&self, events: &[NewEvent]) -> Result<(), StoreError>;

    /// Events of a stream. A token that is limited to one item sees none.
    ///
    /// # Errors
    /// From the database.
    async fn events(&self, principal: &Principal, query: &EventQuery) -> Result<Vec<Event>, StoreError>;

    /// The position of a stream's last event; 0 where there is none.
    ///
    /// # Errors
    /// From the database.
    async fn last_event(&self, principal: &Principal, stream: EventStream) -> Result<u64, StoreError>;
}
