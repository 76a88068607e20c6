//! The part of the contract about what models were used for.
//!
//! Invariant: a principal reaches the uses of his own user, an administrator or service account those of the enterprise;
//! a token that is limited to one item reaches none.

use crate::error::StoreError;
use crate::usage::{KeptUsage, UsageBy, UsageFilter, UsageSum};
use async_trait::async_trait;
use boxwood_core::{Principal, UsageRecord};
use chrono::{DateTime, Utc};

/// What models were used for.
#[async_trait]
pub trait UsageStore: Send + Sync {
    /// Keeps uses, in one transaction.
    ///
    /// # Errors
    /// From the database.
    async fn record_usage(&self, records: &[UsageRecord]) -> Result<(), StoreError>;

    /// Sums of uses, in the order of what they are summed by.
    ///
    /// # Errors
    /// From the database.
    async fn usage_sums(
        &self,
        principal: &Principal,
        filter: &UsageFilter,
        by: &[UsageBy],
    ) -> Result<Vec<UsageSum>, StoreError>;

    /// Single uses, the newest first, older than `after`.
    ///
    /// # Errors
    /// From the database.
    async fn usage(
        &self,
        principal: &Principal,
        filter: &UsageFilter,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<KeptUsage>, StoreError>;

    /// Sums by user, key and model of all uses since then, whosever: what budgets begin with.
    ///
    /// # Errors
    /// From the database.
    async fn usage_since(&self, from: DateTime<Utc>) -> Result<Vec<UsageSum>, StoreError>;
}
