//! The part of the contract about groups.
//!
//! Invariant: every method that takes a [`Principal`] reaches only groups and users of its enterprise; others are *not
//! found*. Whether the principal may do it (administrator of the enterprise or of the group) is the caller's to check.

use crate::error::StoreError;
use crate::groups::{
    Group, GroupChange, Membership, MembershipChange, NewGroup, NewMembership, Part, PartOf,
};
use async_trait::async_trait;
use boxwood_core::{GroupId, MembershipId, Principal, UserId};

/// Groups and memberships.
#[async_trait]
pub trait GroupStore: Send + Sync {
    /// Makes a group in the principal's enterprise.
    ///
    /// # Errors
    /// [`StoreError::GroupNameInUse`].
    async fn create_group(&self, principal: &Principal, group: NewGroup) -> Result<Group, StoreError>;

    /// A group.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn group(&self, principal: &Principal, id: &GroupId) -> Result<Group, StoreError>;

    /// Groups of the enterprise whose names begin with the prefix (case does not matter), by name.
    ///
    /// # Errors
    /// From the database.
    async fn groups(
        &self,
        principal: &Principal,
        prefix: Option<&str>,
        part: Part,
    ) -> Result<PartOf<Group>, StoreError>;

    /// Changes a group.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::GroupNameInUse`].
    async fn update_group(
        &self,
        principal: &Principal,
        id: &GroupId,
        change: GroupChange,
    ) -> Result<Group, StoreError>;

    /// Removes a group with its memberships and its invitations.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn delete_group(&self, principal: &Principal, id: &GroupId) -> Result<(), StoreError>;

    /// Adds a user to a group.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the group or the user, [`StoreError::AlreadyMember`].
    async fn add_member(
        &self,
        principal: &Principal,
        membership: NewMembership,
    ) -> Result<Membership, StoreError>;

    /// A membership.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn membership(&self, principal: &Principal, id: &MembershipId) -> Result<Membership, StoreError>;

    /// A user's membership in a group, if there is one.
    ///
    /// # Errors
    /// From the database.
    async fn membership_in(
        &self,
        principal: &Principal,
        group: &GroupId,
        user: &UserId,
    ) -> Result<Option<Membership>, StoreError>;

    /// Changes a membership.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn update_membership(
        &self,
        principal: &Principal,
        id: &MembershipId,
        change: MembershipChange,
    ) -> Result<Membership, StoreError>;

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn remove_member(&self, principal: &Principal, id: &MembershipId) -> Result<(), StoreError>;

    /// Members of a group, in the order in which they came.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the group.
    async fn members(
        &self,
        principal: &Principal,
        group: &GroupId,
        part: Part,
    ) -> Result<PartOf<Membership>, StoreError>;

    /// A user's memberships, in the order in which they began.
    ///
    /// # Errors
    /// From the database.
    async fn memberships_of(
        &self,
        principal: &Principal,
        user: &UserId,
        part: Part,
    ) -> Result<PartOf<Membership>, StoreError>;

    /// The groups that a user belongs to: for whoever decides what a user may use.
    ///
    /// # Errors
    /// From the database.
    async fn groups_of(&self, user: &UserId) -> Result<Vec<GroupId>, StoreError>;
}
