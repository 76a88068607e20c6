//! The part of the contract about invitations to files and folders.

use crate::collaborations::{Collaboration, CollaborationChange, CollaborationPage, Invitation};
use crate::error::StoreError;
use crate::groups::{Part, PartOf};
use crate::items::{ItemRef, Role};
use async_trait::async_trait;
use boxwood_core::{CollaborationId, GroupId, Principal, UserId};

/// Collaborations.
#[async_trait]
pub trait CollaborationStore: Send + Sync {
    /// Invites somebody to an item. Users and groups of the item owner's enterprise are in at once, others have to accept.
    /// Only the owner and co-owners may, and for a group whoever its [`crate::Group::invitability`] names.
    ///
    /// # Errors
    /// Unknown user, group or item; the role `Owner`; the root; [`StoreError::AlreadyCollaborator`].
    async fn invite(
        &self,
        principal: &Principal,
        item: &ItemRef,
        invitation: Invitation,
    ) -> Result<Collaboration, StoreError>;

    /// A collaboration of an item that the principal reaches, or an invitation of the principal's user.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn collaboration(
        &self,
        principal: &Principal,
        id: &CollaborationId,
    ) -> Result<Collaboration, StoreError>;

    /// Changes a collaboration: the owner and co-owners its role and end, whoever was invited its status. The role
    /// `Owner`, which only the owner may give, hands the item over: it moves to the new owner's root, the old owner
    /// becomes a co-owner, and the answer is `None`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`], a status that can't follow the present one.
    async fn update_collaboration(
        &self,
        principal: &Principal,
        id: &CollaborationId,
        change: CollaborationChange,
    ) -> Result<Option<Collaboration>, StoreError>;

    /// Ends a collaboration. The owner and co-owners may, and whoever was invited.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`].
    async fn end_collaboration(&self, principal: &Principal, id: &CollaborationId) -> Result<(), StoreError>;

    /// Everybody who was invited to an item or to a folder above it that the principal sees, `limit` of them after
    /// `after`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Trashed`].
    async fn collaborations_on(
        &self,
        principal: &Principal,
        item: &ItemRef,
        after: Option<&CollaborationId>,
        limit: u32,
    ) -> Result<CollaborationPage, StoreError>;

    /// What a group of the principal's enterprise was invited to. Items that the principal does not reach are left out of
    /// the entries.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the group.
    async fn collaborations_of_group(
        &self,
        principal: &Principal,
        group: &GroupId,
        part: Part,
    ) -> Result<PartOf<Collaboration>, StoreError>;

    /// The invitations that the principal's user has not answered.
    ///
    /// # Errors
    /// From the database.
    async fn pending_collaborations(
        &self,
        principal: &Principal,
        part: Part,
    ) -> Result<PartOf<Collaboration>, StoreError>;

    /// Makes sure that a user is a collaborator with a role, whether there was an invitation before or not.
    ///
    /// # Errors
    /// As [`CollaborationStore::invite`].
    async fn set_collaboration(
        &self,
        principal: &Principal,
        item: &ItemRef,
        user: &UserId,
        role: Role,
    ) -> Result<Collaboration, StoreError>;

    /// Takes a user's invitation back. Answers whether there was one.
    ///
    /// # Errors
    /// As [`CollaborationStore::invite`].
    async fn remove_collaboration(
        &self,
        principal: &Principal,
        item: &ItemRef,
        user: &UserId,
    ) -> Result<bool, StoreError>;
}
