//! Invitations: who else than the owner reaches an item.

use super::access::{self, Access, user_number};
use super::convert::{Doing, column, number, time, unsigned};
use super::{SqliteStore, rows, tree};
use crate::error::{StoreError, Thing};
use crate::items::{Collaboration, ItemRef, Role};
use boxwood_core::{Principal, UserId};
use sqlx::SqliteConnection;

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

/// Invites, or changes the role.
pub(super) async fn set(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
    (user, role): (&UserId, Role),
) -> Result<Collaboration, StoreError> {
    let access = shareable(connection, principal, item).await?;
    let invited = number(user.as_str(), Thing::User)?;
    if role == Role::Owner || invited == access.owner {
        let reason = "the owner is not a collaborator, and a collaborator can't become the owner".into();
        return Err(StoreError::InvalidValue {
            field: "role",
            reason,
        });
    }
    let row = sqlx::query("SELECT id AS us_id, name AS us_name, login AS us_login FROM users WHERE id = ?1")
        .bind(invited)
        .fetch_optional(&mut *connection)
        .await
        .doing("find a user")?
        .ok_or_else(|| StoreError::not_found(Thing::User, user))?;
    let id = tree::next_ids(connection, 1).await?;
    let made = sqlx::query(
        "INSERT INTO collaborations (id, item_id, user_id, role, created_by, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (item_id, user_id) DO UPDATE SET role = excluded.role RETURNING id, created_at",
    )
    .bind(id)
    .bind(access.item)
    .bind(invited)
    .bind(role.as_str())
    .bind(user_number(principal)?)
    .bind(store.now())
    .fetch_one(connection)
    .await
    .doing("invite a user")?;
    Ok(Collaboration {
        id: unsigned(column(&made, "id")?)?,
        item: item.clone(),
        user: rows::user(&row, "us")?,
        role,
        created_at: time(column(&made, "created_at")?)?,
    })
}

/// Takes an invitation back.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
    user: &UserId,
) -> Result<bool, StoreError> {
    let access = shareable(connection, principal, item).await?;
    let removed = sqlx::query("DELETE FROM collaborations WHERE item_id = ?1 AND user_id = ?2")
        .bind(access.item)
        .bind(number(user.as_str(), Thing::User)?)
        .execute(connection)
        .await
        .doing("take an invitation back")?;
    Ok(removed.rows_affected() > 0)
}
