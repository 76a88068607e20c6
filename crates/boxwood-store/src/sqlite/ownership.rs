//! Handing an item over to a collaborator.
//!
//! Invariant: the new owner has accepted the item before; it moves into his root with everything below it, and the old
//! owner stays a co-owner.

use super::access::{Access, user_number};
use super::collaborations::{Found, root_of};
use super::convert::{Doing, column, unsigned};
use super::sharing::{self, Target};
use super::{SqliteStore, tree};
use crate::collaborations::{CollaborationStatus, Invitation, Invitee};
use crate::error::StoreError;
use crate::items::Role;
use crate::names::name_key;
use boxwood_core::{CollaborationId, EnterpriseId, Principal, ScopeSet, UserId};
use sqlx::SqliteConnection;

/// Most numbers that are tried behind a name that the new owner's root has already.
const MOST_TRIES: u32 = 1_000;

/// Makes the collaborator the owner; answers the collaboration of the old owner.
pub(super) async fn hand_over(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    found: &Found,
) -> Result<CollaborationId, StoreError> {
    let refused = |reason: &str| StoreError::InvalidValue {
        field: "role",
        reason: reason.to_owned(),
    };
    let access = found
        .access
        .as_ref()
        .filter(|access| access.role == Role::Owner)
        .ok_or_else(|| refused("only the owner can hand an item over"))?;
    let accepted = column::<&str>(&found.row, "status")? == CollaborationStatus::Accepted.as_str();
    let heir = column::<Option<i64>>(&found.row, "user_id")?.filter(|_| accepted);
    let heir = heir.ok_or_else(|| refused("only a user who has accepted the item can become its owner"))?;
    let heir = user(connection, heir).await?;
    let root = root_of(connection, &heir).await?;
    let current = tree::current(connection, access.item).await?;
    let name = free_name(connection, &root, &current.name).await?;
    sqlx::query("UPDATE items SET name = ?2, name_key = ?3, parent_id = NULL WHERE id = ?1")
        .bind(access.item)
        .bind(&name)
        .bind(name_key(&name))
        .execute(&mut *connection)
        .await
        .doing("hand an item over")?;
    tree::move_item(connection, access, &root, current.size).await?;
    tree::touch(connection, access.item, user_number(principal)?, store.now()).await?;
    sqlx::query("DELETE FROM collaborations WHERE id = ?1")
        .bind(column::<i64>(&found.row, "id")?)
        .execute(&mut *connection)
        .await
        .doing("end a collaboration")?;
    let old_owner = Target {
        user: Some(user_number(principal)?),
        group: None,
        address: None,
        status: CollaborationStatus::Accepted,
    };
    let invitation = Invitation::new(Invitee::User(principal.user_id.clone()), Role::CoOwner);
    sharing::insert(store, connection, &heir, access, &old_owner, &invitation).await
}

/// Another user as a principal, for looking at his root.
async fn user(connection: &mut SqliteConnection, id: i64) -> Result<Principal, StoreError> {
    let enterprise: i64 = sqlx::query_scalar("SELECT enterprise_id FROM users WHERE id = ?1")
        .bind(id)
        .fetch_one(connection)
        .await
        .doing("find a user")?;
    Ok(Principal {
        user_id: UserId::from_number(unsigned(id)?),
        enterprise_id: EnterpriseId::from_number(unsigned(enterprise)?),
        scopes: ScopeSet::full(),
        resource: None,
    })
}

/// The name, or the name with a number where the root has it: nobody learns what the other's root holds.
async fn free_name(
    connection: &mut SqliteConnection,
    root: &Access,
    name: &str,
) -> Result<String, StoreError> {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for number in 0..MOST_TRIES {
        let candidate = match number {
            0 => name.to_owned(),
            number => format!("{stem} ({number}){extension}"),
        };
        let taken: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM items WHERE parent_id = ?1 AND name_key = ?2 AND trashed_at IS NULL)",
        )
        .bind(root.item)
        .bind(name_key(&candidate))
        .fetch_one(&mut *connection)
        .await
        .doing("look for a free name")?;
        if !taken {
            return Ok(candidate);
        }
    }
    Err(StoreError::InvalidName {
        name: name.to_owned(),
        reason: "the new owner has too many items of that name; rename it first",
    })
}
