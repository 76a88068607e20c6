//! Access tokens: issue, check, revoke.
//!
//! Invariant: a token that was exchanged from another ends with that one at the latest, and is revoked with it.

use super::SqliteStore;
use super::convert::{Doing, column, number, signed, time, unsigned};
use super::identity::{scopes, secret_hash};
use crate::error::{InvalidGrant, StoreError, Thing};
use crate::identity::{AccessToken, IssuedToken, NewAccessToken, TokenCheck};
use boxwood_core::{EnterpriseId, Principal, Resource, ScopeSet, UserId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// A token with its row.
pub(super) struct Issued {
    pub(super) row: i64,
    pub(super) token: IssuedToken,
}

/// Issues a token.
pub(super) async fn issue(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    new: &NewAccessToken,
) -> Result<Issued, StoreError> {
    let now = store.now();
    let user = number(new.user_id.as_str(), Thing::User)?;
    let active: Option<bool> = sqlx::query_scalar("SELECT active FROM users WHERE id = ?1")
        .bind(user)
        .fetch_optional(&mut *connection)
        .await
        .doing("find a user")?;
    if active != Some(true) {
        return Err(StoreError::not_found(Thing::User, &new.user_id));
    }
    let mut expires_at = now.saturating_add(new.lifetime.num_milliseconds());
    if let Some(parent) = new.parent
        && let Some(end) = end_of_parent(connection, parent, now).await?
    {
        expires_at = expires_at.min(end);
    }
    let secret = store.options.ids.hex(32);
    let (resource_kind, resource_id) = resource_columns(new.resource.as_ref());
    let row = sqlx::query_scalar(
        "INSERT INTO access_tokens (hash, user_id, client_id, scopes, resource_kind, resource_id, parent_id, issued_at, \
         expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
    )
    .bind(secret_hash(&secret))
    .bind(user)
    .bind(new.client_id.as_deref())
    .bind(new.scopes.to_string())
    .bind(resource_kind)
    .bind(resource_id)
    .bind(new.parent.map(|parent| signed(parent, "parent")).transpose()?)
    .bind(now)
    .bind(expires_at)
    .fetch_one(connection)
    .await
    .doing("issue a token")?;
    Ok(Issued {
        row,
        token: IssuedToken {
            secret,
            expires_at: time(expires_at)?,
        },
    })
}

/// When the token ends that another is exchanged from; `None`: never.
async fn end_of_parent(
    connection: &mut SqliteConnection,
    parent: u64,
    now: i64,
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query("SELECT expires_at, revoked_at FROM access_tokens WHERE id = ?1")
        .bind(signed(parent, "parent")?)
        .fetch_optional(connection)
        .await
        .doing("find a token")?
        .ok_or(InvalidGrant::Unknown)?;
    if column::<Option<i64>>(&row, "revoked_at")?.is_some() {
        return Err(InvalidGrant::Revoked.into());
    }
    let end: Option<i64> = column(&row, "expires_at")?;
    if end.is_some_and(|end| end <= now) {
        return Err(InvalidGrant::Expired.into());
    }
    Ok(end)
}

fn resource_columns(resource: Option<&Resource>) -> (Option<&'static str>, Option<&str>) {
    match resource {
        None => (None, None),
        Some(Resource::File(id)) => (Some("file"), Some(id.as_str())),
        Some(Resource::Folder(id)) => (Some("folder"), Some(id.as_str())),
    }
}

/// Makes sure that the fixed developer token is valid.
pub(super) async fn put_developer_token(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    secret: &str,
    user: &UserId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO access_tokens (hash, user_id, scopes, issued_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id, scopes = excluded.scopes, revoked_at = NULL, \
         expires_at = NULL",
    )
    .bind(secret_hash(secret))
    .bind(number(user.as_str(), Thing::User)?)
    .bind(ScopeSet::full().to_string())
    .bind(store.now())
    .execute(connection)
    .await
    .doing("put the developer token")?;
    Ok(())
}

/// What a bearer text is worth.
pub(super) async fn check(store: &SqliteStore, secret: &str) -> Result<TokenCheck, StoreError> {
    let hash = secret_hash(secret);
    let before = store.commits.now();
    let token = match store.checked_tokens.get(before, &hash) {
        Some(token) => token,
        None => match find(store, &hash).await? {
            Found::Token(token) => {
                store.checked_tokens.put(before, hash, token.clone());
                token
            }
            Found::Revoked => return Ok(TokenCheck::Revoked),
            Found::Nothing => return Ok(TokenCheck::Unknown),
        },
    };
    let now = store.options.clock.now();
    if token.expires_at.is_some_and(|end| end <= now) {
        return Ok(TokenCheck::Expired);
    }
    Ok(TokenCheck::Valid(token))
}

/// What is stored under a hash; whether a token has expired is not looked at.
enum Found {
    Token(AccessToken),
    Revoked,
    Nothing,
}

async fn find(store: &SqliteStore, hash: &[u8]) -> Result<Found, StoreError> {
    let row = sqlx::query(
        "SELECT access_tokens.*, users.active, users.enterprise_id FROM access_tokens \
         JOIN users ON users.id = access_tokens.user_id WHERE access_tokens.hash = ?1",
    )
    .bind(hash)
    .fetch_optional(&store.readers)
    .await
    .doing("check a token")?;
    let Some(row) = row else {
        return Ok(Found::Nothing);
    };
    if column::<Option<i64>>(&row, "revoked_at")?.is_some() || !column::<bool>(&row, "active")? {
        return Ok(Found::Revoked);
    }
    let expires_at: Option<i64> = column(&row, "expires_at")?;
    Ok(Found::Token(AccessToken {
        number: unsigned(column(&row, "id")?)?,
        principal: Principal {
            user_id: UserId::from_number(unsigned(column(&row, "user_id")?)?),
            enterprise_id: EnterpriseId::from_number(unsigned(column(&row, "enterprise_id")?)?),
            scopes: scopes(column(&row, "scopes")?)?,
            resource: resource(&row)?,
        },
        client_id: column(&row, "client_id")?,
        expires_at: expires_at.map(time).transpose()?,
    }))
}

fn resource(row: &SqliteRow) -> Result<Option<Resource>, StoreError> {
    let id: Option<String> = column(row, "resource_id")?;
    let bad = |_| super::convert::damaged("a token's resource");
    match (column::<Option<&str>>(row, "resource_kind")?, id) {
        (None, _) => Ok(None),
        (Some("file"), Some(id)) => Ok(Some(Resource::File(id.parse().map_err(bad)?))),
        (Some("folder"), Some(id)) => Ok(Some(Resource::Folder(id.parse().map_err(bad)?))),
        _ => Err(super::convert::damaged("a token's resource")),
    }
}

/// Revokes what the text names, with what belongs to it. Answers whether it was known.
pub(super) async fn revoke(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    secret: &str,
    client_id: Option<&str>,
) -> Result<bool, StoreError> {
    let hash = secret_hash(secret);
    let access: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM access_tokens WHERE hash = ?1 AND (?2 IS NULL OR client_id IS NULL OR client_id = ?2)",
    )
    .bind(&hash)
    .bind(client_id)
    .fetch_optional(&mut *connection)
    .await
    .doing("find a token")?;
    let refreshed: Option<Option<i64>> = sqlx::query_scalar(
        "UPDATE refresh_tokens SET revoked_at = ?3 WHERE hash = ?1 AND (?2 IS NULL OR client_id = ?2) \
         RETURNING access_id",
    )
    .bind(&hash)
    .bind(client_id)
    .bind(store.now())
    .fetch_optional(&mut *connection)
    .await
    .doing("revoke a refresh token")?;
    let Some(access) = access.or(refreshed.flatten()) else {
        return Ok(refreshed.is_some());
    };
    sqlx::query(
        "WITH RECURSIVE family (id) AS ( \
           SELECT ?1 UNION ALL SELECT access_tokens.id FROM family JOIN access_tokens ON parent_id = family.id) \
         UPDATE access_tokens SET revoked_at = ?2 WHERE id IN (SELECT id FROM family) AND revoked_at IS NULL",
    )
    .bind(access)
    .bind(store.now())
    .execute(&mut *connection)
    .await
    .doing("revoke a token")?;
    sqlx::query("UPDATE refresh_tokens SET revoked_at = ?2 WHERE access_id = ?1 AND revoked_at IS NULL")
        .bind(access)
        .bind(store.now())
        .execute(connection)
        .await
        .doing("revoke a refresh token")?;
    Ok(true)
}
