//! Authorization codes and refresh tokens: things that are used once to get tokens.

use super::SqliteStore;
use super::convert::{Doing, column, number, time, unsigned};
use super::identity::{scopes, secret_hash};
use super::tokens;
use crate::error::{InvalidGrant, StoreError, Thing};
use crate::identity::{IssuedToken, NewAccessToken, NewAuthorizationCode, TokenPair};
use boxwood_core::{ScopeSet, UserId};
use chrono::Duration;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// Box's life of an authorization code.
const CODE_LIFETIME: Duration = Duration::seconds(30);
/// Box's life of a refresh token.
const REFRESH_LIFETIME: Duration = Duration::days(60);

/// What was agreed to.
pub(super) struct Grant {
    user: UserId,
    scopes: ScopeSet,
}

/// Issues an authorization code.
pub(super) async fn issue_code(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    new: &NewAuthorizationCode,
) -> Result<IssuedToken, StoreError> {
    let secret = store.options.ids.hex(32);
    let expires_at = store.now().saturating_add(CODE_LIFETIME.num_milliseconds());
    sqlx::query(
        "INSERT INTO authorization_codes (hash, client_id, user_id, scopes, redirect_uri, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(secret_hash(&secret))
    .bind(&new.client_id)
    .bind(number(new.user_id.as_str(), Thing::User)?)
    .bind(new.scopes.to_string())
    .bind(new.redirect_uri.as_deref())
    .bind(expires_at)
    .execute(connection)
    .await
    .doing("issue an authorization code")?;
    Ok(IssuedToken {
        secret,
        expires_at: time(expires_at)?,
    })
}

/// Uses an authorization code.
pub(super) async fn use_code(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    code: &str,
    client_id: &str,
    redirect_uri: Option<&str>,
) -> Result<Grant, StoreError> {
    let row = sqlx::query("SELECT *, NULL AS revoked_at FROM authorization_codes WHERE hash = ?1")
        .bind(secret_hash(code))
        .fetch_optional(&mut *connection)
        .await
        .doing("find an authorization code")?
        .ok_or(InvalidGrant::Unknown)?;
    let grant = usable(&row, client_id, store.now())?;
    let authorised: Option<String> = column(&row, "redirect_uri")?;
    // RFC 6749 4.1.3: repeated where it was given. Box's SDKs leave it out, so only a different one is refused.
    if redirect_uri.is_some_and(|given| authorised.as_deref().is_some_and(|known| known != given)) {
        return Err(InvalidGrant::OtherRedirect.into());
    }
    sqlx::query("UPDATE authorization_codes SET used_at = ?2 WHERE hash = ?1")
        .bind(secret_hash(code))
        .bind(store.now())
        .execute(connection)
        .await
        .doing("use an authorization code")?;
    Ok(grant)
}

/// Uses a refresh token.
pub(super) async fn use_refresh_token(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    token: &str,
    client_id: &str,
) -> Result<Grant, StoreError> {
    let row = sqlx::query("SELECT * FROM refresh_tokens WHERE hash = ?1")
        .bind(secret_hash(token))
        .fetch_optional(&mut *connection)
        .await
        .doing("find a refresh token")?
        .ok_or(InvalidGrant::Unknown)?;
    let grant = usable(&row, client_id, store.now())?;
    sqlx::query("UPDATE refresh_tokens SET used_at = ?2 WHERE hash = ?1")
        .bind(secret_hash(token))
        .bind(store.now())
        .execute(connection)
        .await
        .doing("use a refresh token")?;
    Ok(grant)
}

fn usable(row: &SqliteRow, client_id: &str, now: i64) -> Result<Grant, StoreError> {
    if column::<&str>(row, "client_id")? != client_id {
        return Err(InvalidGrant::OtherClient.into());
    }
    if column::<Option<i64>>(row, "revoked_at")?.is_some() {
        return Err(InvalidGrant::Revoked.into());
    }
    if column::<Option<i64>>(row, "used_at")?.is_some() {
        return Err(InvalidGrant::Used.into());
    }
    if column::<i64>(row, "expires_at")? <= now {
        return Err(InvalidGrant::Expired.into());
    }
    Ok(Grant {
        user: UserId::from_number(unsigned(column(row, "user_id")?)?),
        scopes: scopes(column(row, "scopes")?)?,
    })
}

/// Issues the access and refresh token of a grant.
pub(super) async fn issue_pair(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    grant: Grant,
    client_id: &str,
    access_lifetime: Duration,
) -> Result<TokenPair, StoreError> {
    let new = NewAccessToken {
        user_id: grant.user,
        client_id: Some(client_id.to_owned()),
        scopes: grant.scopes,
        resource: None,
        lifetime: access_lifetime,
        parent: None,
    };
    let access = tokens::issue(store, connection, &new).await?;
    let secret = store.options.ids.hex(32);
    let now = store.now();
    let expires_at = now.saturating_add(REFRESH_LIFETIME.num_milliseconds());
    sqlx::query(
        "INSERT INTO refresh_tokens (hash, user_id, client_id, scopes, access_id, issued_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(secret_hash(&secret))
    .bind(number(new.user_id.as_str(), Thing::User)?)
    .bind(client_id)
    .bind(new.scopes.to_string())
    .bind(access.row)
    .bind(now)
    .bind(expires_at)
    .execute(connection)
    .await
    .doing("issue a refresh token")?;
    let refresh = IssuedToken {
        secret,
        expires_at: time(expires_at)?,
    };
    Ok(TokenPair {
        access: access.token,
        refresh,
        scopes: new.scopes,
    })
}
