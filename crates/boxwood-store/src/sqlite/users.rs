//! Changing and removing users.

use super::convert::{Doing, number};
use super::identity::find_user;
use super::{SqliteStore, StoreError};
use crate::error::Thing;
use crate::identity::{User, UserChange};
use boxwood_core::UserId;
use sqlx::SqliteConnection;

pub(super) async fn update(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    id: &UserId,
    change: UserChange,
) -> Result<User, StoreError> {
    let id = number(id.as_str(), Thing::User)?;
    if let Some(login) = &change.login {
        let taken: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE login_key = ?1 AND id <> ?2)")
                .bind(login.to_lowercase())
                .bind(id)
                .fetch_one(&mut *connection)
                .await
                .doing("look for the login")?;
        if taken {
            return Err(StoreError::LoginInUse { login: login.clone() });
        }
    }
    sqlx::query(
        "UPDATE users SET name = coalesce(?2, name), login = coalesce(?3, login), \
         login_key = coalesce(?4, login_key), modified_at = ?5 WHERE id = ?1",
    )
    .bind(id)
    .bind(change.name)
    .bind(&change.login)
    .bind(change.login.as_ref().map(|login| login.to_lowercase()))
    .bind(store.now())
    .execute(&mut *connection)
    .await
    .doing("change a user")?;
    find_user(connection, id).await
}

/// Gives a new user the invitations that his address got before; those of his own enterprise count at once.
pub(super) async fn take_invitations(
    connection: &mut SqliteConnection,
    user: i64,
    login: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE collaborations SET user_id = ?1, invite_email = NULL, modified_at = ?3, \
         (status, acknowledged_at) = (SELECT CASE WHEN invited.enterprise_id = owner.enterprise_id \
           THEN 'accepted' ELSE 'pending' END, CASE WHEN invited.enterprise_id = owner.enterprise_id THEN ?3 END \
           FROM items JOIN users AS owner ON owner.id = items.owner_id JOIN users AS invited ON invited.id = ?1 \
           WHERE items.id = collaborations.item_id) \
         WHERE invite_email = ?2",
    )
    .bind(user)
    .bind(login.to_lowercase())
    .bind(now)
    .execute(connection)
    .await
    .doing("take invitations")?;
    Ok(())
}

/// Everything that names the user besides what goes with him: an empty root, tokens, invitations.
const STILL_NAMED: &str = "SELECT \
    EXISTS (SELECT 1 FROM items WHERE parent_id IS NOT NULL AND ?1 IN (owner_id, created_by, modified_by)) \
    OR EXISTS (SELECT 1 FROM items WHERE ?1 IN (locked_by, trashed_by)) \
    OR EXISTS (SELECT 1 FROM versions WHERE ?1 IN (uploaded_by, trashed_by, restored_by)) \
    OR EXISTS (SELECT 1 FROM collaborations WHERE created_by = ?1) \
    OR EXISTS (SELECT 1 FROM clients WHERE service_account_id = ?1)";

pub(super) async fn delete(connection: &mut SqliteConnection, id: &UserId) -> Result<(), StoreError> {
    let id = number(id.as_str(), Thing::User)?;
    find_user(connection, id).await?;
    let named: bool = sqlx::query_scalar(STILL_NAMED)
        .bind(id)
        .fetch_one(&mut *connection)
        .await
        .doing("look for the user's items")?;
    if named {
        return Err(StoreError::InvalidValue {
            field: "user_id",
            reason: "the user owns or has changed files or folders, or belongs to an application; remove those first"
                .to_owned(),
        });
    }
    sqlx::query("DELETE FROM items WHERE owner_id = ?1 AND parent_id IS NULL")
        .bind(id)
        .execute(&mut *connection)
        .await
        .doing("remove a root folder")?;
    sqlx::query("DELETE FROM users WHERE id = ?1")
        .bind(id)
        .execute(connection)
        .await
        .doing("remove a user")?;
    Ok(())
}
