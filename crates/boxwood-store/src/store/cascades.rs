//! The part of the contract that cascades metadata.
//!
//! Invariants: what is made in, moved, copied or restored into a folder with a policy gets the folder's metadata in the
//! same transaction, unless it has metadata of that template already; the nearest folder wins. A policy is reached through
//! its folder: who may not see that does not see the policy.

use crate::error::StoreError;
use crate::metadata::{CascadePolicy, TemplateScope};
use async_trait::async_trait;
use boxwood_core::{FolderId, Principal};

/// Cascade policies.
#[async_trait]
pub trait CascadeStore: Send + Sync {
    /// Makes a policy. What the folder holds already stays as it is.
    ///
    /// # Errors
    /// No such folder or template; [`StoreError::RootFolder`], [`StoreError::Forbidden`], [`StoreError::AlreadyExists`].
    async fn create_cascade_policy(
        &self,
        principal: &Principal,
        folder: &FolderId,
        scope: &TemplateScope,
        template_key: &str,
    ) -> Result<CascadePolicy, StoreError>;

    /// A policy.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn cascade_policy(&self, principal: &Principal, id: &str) -> Result<CascadePolicy, StoreError>;

    /// The policies of a folder, by their ids.
    ///
    /// # Errors
    /// No such folder.
    async fn cascade_policies(
        &self,
        principal: &Principal,
        folder: &FolderId,
    ) -> Result<Vec<CascadePolicy>, StoreError>;

    /// Gives the folder's metadata to everything that is below it now; `overwrite`: also to what has such metadata.
    ///
    /// # Errors
    /// As [`CascadeStore::cascade_policy`]; the folder has no such metadata; [`StoreError::Forbidden`].
    async fn apply_cascade_policy(
        &self,
        principal: &Principal,
        id: &str,
        overwrite: bool,
    ) -> Result<(), StoreError>;

    /// Removes a policy; metadata that it gave stays.
    ///
    /// # Errors
    /// As [`CascadeStore::cascade_policy`]; [`StoreError::Forbidden`].
    async fn delete_cascade_policy(&self, principal: &Principal, id: &str) -> Result<(), StoreError>;
}
