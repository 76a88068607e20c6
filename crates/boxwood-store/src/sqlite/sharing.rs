//! Invitations: who else than the owner reaches an item.
//!
//! Invariant: an invitation is written only by the owner and co-owners of the item, its answer only by whoever it
//! invites. Reading is in `collaborations.rs`.

use super::access::{self, Access, user_number};
use super::collaborations::{self, Found, note};
use super::convert::{Doing, column, number, unsigned};
use super::groups::{enterprise_number, find_by_id};
use super::{SqliteStore, commit, ownership, tree};
use crate::collaborations::{
    Collaboration, CollaborationChange, CollaborationPage, CollaborationStatus, Invitation, Invitee,
};
use crate::error::{StoreError, Thing};
use crate::events::EventKind;
use crate::groups::{GroupAudience, Part, PartOf};
use crate::identity::UserRole;
use crate::items::{ItemRef, Role};
use crate::store::CollaborationStore;
use async_trait::async_trait;
use boxwood_core::{CollaborationId, GroupId, Principal, UserId};
use sqlx::SqliteConnection;

#[async_trait]
impl CollaborationStore for SqliteStore {
    async fn invite(
        &self,
        principal: &Principal,
        item: &ItemRef,
        invitation: Invitation,
    ) -> Result<Collaboration, StoreError> {
        let mut writing = self.write().await?;
        let access = shareable(&mut writing, principal, item).await?;
        let target = target(&mut writing, principal, &access, &invitation).await?;
        if known(&mut writing, access.item, &target).await?.is_some() {
            return Err(StoreError::AlreadyCollaborator);
        }
        let id = insert(self, &mut writing, principal, &access, &target, &invitation).await?;
        note(self, &mut writing, principal, &id, EventKind::CollaborationInvite).await?;
        let made = collaborations::load(&mut writing, principal, &id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn collaboration(
        &self,
        principal: &Principal,
        id: &CollaborationId,
    ) -> Result<Collaboration, StoreError> {
        let mut reading = self.read().await?;
        collaborations::load(&mut reading, principal, id).await
    }

    async fn update_collaboration(
        &self,
        principal: &Principal,
        id: &CollaborationId,
        change: CollaborationChange,
    ) -> Result<Option<Collaboration>, StoreError> {
        let mut writing = self.write().await?;
        let found = collaborations::find(&mut writing, principal, id).await?;
        if change.role == Some(Role::Owner) {
            let made = ownership::hand_over(self, &mut writing, principal, &found).await?;
            note(self, &mut writing, principal, &made, EventKind::CollaborationRole).await?;
            commit(writing).await?;
            return Ok(None);
        }
        check_change(&found, &change)?;
        write_change(self, &mut writing, id, &change).await?;
        if change.role.is_some() {
            note(self, &mut writing, principal, id, EventKind::CollaborationRole).await?;
        }
        if change.status == Some(CollaborationStatus::Accepted) {
            note(self, &mut writing, principal, id, EventKind::CollaborationAccept).await?;
        }
        let changed = collaborations::load(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(Some(changed))
    }

    async fn end_collaboration(&self, principal: &Principal, id: &CollaborationId) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let found = collaborations::find(&mut writing, principal, id).await?;
        if !found.own {
            may_manage(&found)?;
        }
        note(self, &mut writing, principal, id, EventKind::CollaborationRemove).await?;
        remove(&mut writing, id).await?;
        commit(writing).await
    }

    async fn collaborations_on(
        &self,
        principal: &Principal,
        item: &ItemRef,
        after: Option<&CollaborationId>,
        limit: u32,
    ) -> Result<CollaborationPage, StoreError> {
        let mut reading = self.read().await?;
        collaborations::on_item(&mut reading, principal, item, after, limit).await
    }

    async fn collaborations_of_group(
        &self,
        principal: &Principal,
        group: &GroupId,
        part: Part,
    ) -> Result<PartOf<Collaboration>, StoreError> {
        let mut reading = self.read().await?;
        collaborations::of_group(&mut reading, principal, group, part).await
    }

    async fn pending_collaborations(
        &self,
        principal: &Principal,
        part: Part,
    ) -> Result<PartOf<Collaboration>, StoreError> {
        let mut reading = self.read().await?;
        collaborations::pending(&mut reading, principal, part).await
    }

    async fn set_collaboration(
        &self,
        principal: &Principal,
        item: &ItemRef,
        user: &UserId,
        role: Role,
    ) -> Result<Collaboration, StoreError> {
        let mut writing = self.write().await?;
        let access = shareable(&mut writing, principal, item).await?;
        let invitation = Invitation::new(Invitee::User(user.clone()), role);
        let target = target(&mut writing, principal, &access, &invitation).await?;
        let id = match known(&mut writing, access.item, &target).await? {
            None => {
                let id = insert(self, &mut writing, principal, &access, &target, &invitation).await?;
                note(self, &mut writing, principal, &id, EventKind::CollaborationInvite).await?;
                id
            }
            Some(id) => {
                let change = CollaborationChange {
                    role: Some(role),
                    ..CollaborationChange::default()
                };
                write_change(self, &mut writing, &id, &change).await?;
                note(self, &mut writing, principal, &id, EventKind::CollaborationRole).await?;
                id
            }
        };
        let made = collaborations::load(&mut writing, principal, &id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn remove_collaboration(
        &self,
        principal: &Principal,
        item: &ItemRef,
        user: &UserId,
    ) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let access = shareable(&mut writing, principal, item).await?;
        let target = Target {
            user: Some(number(user.as_str(), Thing::User)?),
            group: None,
            address: None,
            status: CollaborationStatus::Accepted,
        };
        let Some(id) = known(&mut writing, access.item, &target).await? else {
            return Ok(false);
        };
        note(self, &mut writing, principal, &id, EventKind::CollaborationRemove).await?;
        remove(&mut writing, &id).await?;
        commit(writing).await?;
        Ok(true)
    }
}

async fn remove(connection: &mut SqliteConnection, id: &CollaborationId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM collaborations WHERE id = ?1")
        .bind(number(id.as_str(), Thing::Collaboration)?)
        .execute(connection)
        .await
        .doing("end a collaboration")?;
    Ok(())
}

/// Finds an item of either kind wherever it is.
pub(super) async fn any_item(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Access, StoreError> {
    match item {
        ItemRef::File(id) => access::any_file(connection, principal, id).await,
        ItemRef::Folder(id) => access::any_folder(connection, principal, id).await,
    }
}

async fn shareable(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Access, StoreError> {
    let access = any_item(connection, principal, item).await?.active()?;
    if access.root {
        return Err(StoreError::RootFolder { action: "shared" });
    }
    access.require("invite users to", |may| may.can_invite_collaborator)?;
    Ok(access)
}

/// The columns that name whoever is invited.
pub(super) struct Target {
    pub(super) user: Option<i64>,
    pub(super) group: Option<i64>,
    pub(super) address: Option<String>,
    pub(super) status: CollaborationStatus,
}

async fn target(
    connection: &mut SqliteConnection,
    principal: &Principal,
    access: &Access,
    invitation: &Invitation,
) -> Result<Target, StoreError> {
    let target = match &invitation.invitee {
        Invitee::User(id) => {
            let user = number(id.as_str(), Thing::User)?;
            user_target(connection, access, user)
                .await?
                .ok_or_else(|| StoreError::not_found(Thing::User, id))?
        }
        Invitee::Login(login) => login_target(connection, access, login).await?,
        Invitee::Group(id) => group_target(connection, principal, id).await?,
    };
    if invitation.role == Role::Owner || target.user == Some(access.owner) {
        let reason = "the owner is not a collaborator, and nobody is invited as the owner".into();
        return Err(StoreError::InvalidValue {
            field: "role",
            reason,
        });
    }
    Ok(target)
}

/// A user of the owner's enterprise is in at once, another one is asked.
async fn user_target(
    connection: &mut SqliteConnection,
    access: &Access,
    user: i64,
) -> Result<Option<Target>, StoreError> {
    let inside: Option<bool> = sqlx::query_scalar(
        "SELECT invited.enterprise_id = owner.enterprise_id FROM users AS invited JOIN users AS owner \
         ON owner.id = ?2 WHERE invited.id = ?1",
    )
    .bind(user)
    .bind(access.owner)
    .fetch_optional(connection)
    .await
    .doing("find a user")?;
    Ok(inside.map(|inside| Target {
        user: Some(user),
        group: None,
        address: None,
        status: if inside {
            CollaborationStatus::Accepted
        } else {
            CollaborationStatus::Pending
        },
    }))
}

async fn login_target(
    connection: &mut SqliteConnection,
    access: &Access,
    login: &str,
) -> Result<Target, StoreError> {
    let login = login.trim().to_lowercase();
    let known: Option<i64> = sqlx::query_scalar("SELECT id FROM users WHERE login_key = ?1")
        .bind(&login)
        .fetch_optional(&mut *connection)
        .await
        .doing("look for a login")?;
    if let Some(user) = known
        && let Some(target) = user_target(connection, access, user).await?
    {
        return Ok(target);
    }
    Ok(Target {
        user: None,
        group: None,
        address: Some(login),
        status: CollaborationStatus::Pending,
    })
}

async fn group_target(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &GroupId,
) -> Result<Target, StoreError> {
    let group = find_by_id(connection, principal, id).await?;
    let group_number = number(id.as_str(), Thing::Group)?;
    if !may_invite_group(connection, principal, group_number, group.invitability).await? {
        return Err(StoreError::Forbidden {
            action: "invite",
            thing: Thing::Group,
            id: id.to_string(),
        });
    }
    Ok(Target {
        user: None,
        group: Some(group_number),
        address: None,
        status: CollaborationStatus::Accepted,
    })
}

async fn may_invite_group(
    connection: &mut SqliteConnection,
    principal: &Principal,
    group: i64,
    audience: GroupAudience,
) -> Result<bool, StoreError> {
    if audience == GroupAudience::AllManagedUsers {
        return Ok(true);
    }
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND enterprise_id = ?2 \
           AND (role <> ?5 OR kind = 'service_account')) \
         OR EXISTS (SELECT 1 FROM memberships WHERE user_id = ?1 AND group_id = ?3 AND (role = 'admin' OR ?4))",
    )
    .bind(user_number(principal)?)
    .bind(enterprise_number(principal)?)
    .bind(group)
    .bind(audience == GroupAudience::AdminsAndMembers)
    .bind(UserRole::User.as_str())
    .fetch_one(connection)
    .await
    .doing("look who may invite a group")
}

/// The collaboration that invites the same to the same item.
async fn known(
    connection: &mut SqliteConnection,
    item: i64,
    target: &Target,
) -> Result<Option<CollaborationId>, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM collaborations WHERE item_id = ?1 AND user_id IS ?2 AND group_id IS ?3 AND invite_email IS ?4",
    )
    .bind(item)
    .bind(target.user)
    .bind(target.group)
    .bind(&target.address)
    .fetch_optional(connection)
    .await
    .doing("look for a collaboration")?;
    id.map(|id| Ok(CollaborationId::from_number(unsigned(id)?)))
        .transpose()
}

/// Writes an invitation that was checked.
pub(super) async fn insert(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    access: &Access,
    target: &Target,
    invitation: &Invitation,
) -> Result<CollaborationId, StoreError> {
    let id = tree::next_ids(connection, 1).await?;
    let now = store.now();
    let ends = invitation.expires_at.map(|end| end.timestamp_millis());
    if ends.is_some_and(|end| end <= now) {
        return Err(StoreError::InvalidValue {
            field: "expires_at",
            reason: "it must lie in the future".into(),
        });
    }
    sqlx::query(
        "INSERT INTO collaborations (id, item_id, user_id, group_id, invite_email, role, status, can_view_path, \
         access_only, expires_at, acknowledged_at, created_by, created_at, modified_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)",
    )
    .bind(id)
    .bind(access.item)
    .bind(target.user)
    .bind(target.group)
    .bind(&target.address)
    .bind(invitation.role.as_str())
    .bind(target.status.as_str())
    .bind(invitation.can_view_path)
    .bind(invitation.access_only)
    .bind(ends)
    .bind((target.status == CollaborationStatus::Accepted).then_some(now))
    .bind(user_number(principal)?)
    .bind(now)
    .execute(connection)
    .await
    .doing("invite somebody")?;
    store.next_end.note(ends);
    Ok(CollaborationId::from_number(unsigned(id)?))
}

/// Refuses a principal who does not manage the item's collaborations.
fn may_manage(found: &Found) -> Result<(), StoreError> {
    match &found.access {
        Some(access) => access.require("invite users to", |may| may.can_invite_collaborator),
        None => Err(forbidden(found)),
    }
}

fn forbidden(found: &Found) -> StoreError {
    let (thing, id) = match &found.item {
        ItemRef::File(id) => (Thing::File, id.to_string()),
        ItemRef::Folder(id) => (Thing::Folder, id.to_string()),
    };
    StoreError::Forbidden {
        action: "invite users to",
        thing,
        id,
    }
}

fn check_change(found: &Found, change: &CollaborationChange) -> Result<(), StoreError> {
    if change.role.is_some() || change.expires_at.is_some() || change.can_view_path.is_some() {
        may_manage(found)?;
    }
    let Some(status) = change.status else {
        return Ok(());
    };
    let present = CollaborationStatus::parse(column(&found.row, "status")?);
    if present == Some(status) {
        return Ok(());
    }
    if !found.own {
        return Err(forbidden(found));
    }
    if present == Some(CollaborationStatus::Pending) {
        return Ok(());
    }
    Err(StoreError::InvalidValue {
        field: "status",
        reason: "only an invitation that is pending can be accepted or rejected".into(),
    })
}

async fn write_change(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    id: &CollaborationId,
    change: &CollaborationChange,
) -> Result<(), StoreError> {
    let ends = change.expires_at.map(|end| end.map(|end| end.timestamp_millis()));
    sqlx::query(
        "UPDATE collaborations SET role = coalesce(?2, role), \
         acknowledged_at = CASE WHEN ?3 <> status THEN ?7 ELSE acknowledged_at END, \
         status = coalesce(?3, status), can_view_path = coalesce(?4, can_view_path), \
         expires_at = CASE WHEN ?5 THEN ?6 ELSE expires_at END, modified_at = ?7 WHERE id = ?1",
    )
    .bind(number(id.as_str(), Thing::Collaboration)?)
    .bind(change.role.map(Role::as_str))
    .bind(change.status.map(CollaborationStatus::as_str))
    .bind(change.can_view_path)
    .bind(ends.is_some())
    .bind(ends.flatten())
    .bind(store.now())
    .execute(connection)
    .await
    .doing("change a collaboration")?;
    store.next_end.note(ends.flatten());
    Ok(())
}
