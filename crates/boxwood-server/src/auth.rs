//! From a bearer token to a [`Principal`].
//!
//! Invariant: [`Authenticated`] is the only way for a handler to a principal, and it exists only for a token that the
//! store found valid. The development identity is checked by [`development`] on every request.

mod assertion;
mod caller;
pub mod consent;
pub mod development;
mod impersonation;
mod narrowing;

pub(crate) use assertion::{Assertion, Subject};
pub(crate) use caller::caller;
pub(crate) use narrowing::narrowed_scopes;

use crate::error::ApiError;
use crate::extract::ConnectionInfo;
use crate::state::AppState;
use axum::extract::FromRequestParts;
use boxwood_core::{Principal, Scope};
use boxwood_store::{AccessToken, TokenCheck};
use http::header::AUTHORIZATION;
use http::request::Parts;

/// Who asks. An extractor: a request without a valid token is refused with 401.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Principal);

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = bearer(parts)?;
        let connection = parts.extensions.get::<ConnectionInfo>().copied();
        let found = check_bearer(state, token, connection, parts).await?;
        parts.extensions.insert(caller::AccessKey::of(&found));
        impersonation::effective(state, found.principal, &parts.headers)
            .await
            .map(Self)
    }
}

/// The token of the `Authorization` header.
fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(|| {
        ApiError::unauthorized("The request needs the header `Authorization: Bearer <token>`.")
    })?;
    let text = header.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or_default();
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(ApiError::unauthorized(
            "The `Authorization` header must be `Bearer <token>`.",
        ))
    }
}

async fn check_bearer(
    state: &AppState,
    token: &str,
    connection: Option<ConnectionInfo>,
    parts: &Parts,
) -> Result<AccessToken, ApiError> {
    let found = match state.store.check_token(token).await? {
        TokenCheck::Valid(found) => found,
        TokenCheck::Expired => {
            return Err(ApiError::unauthorized(
                "The token has expired; ask for a new one.",
            ));
        }
        TokenCheck::Revoked => return Err(ApiError::unauthorized("The token was revoked.")),
        TokenCheck::Unknown => return Err(ApiError::unauthorized("The token is not valid.")),
    };
    development::allow_token(
        &state.settings,
        token,
        found.client_id.as_deref(),
        connection,
        &parts.headers,
    )?;
    Ok(found)
}

/// Refuses a principal that has none of the scopes.
///
/// # Errors
/// 403 that names them.
pub fn require_any(principal: &Principal, scopes: &[Scope]) -> Result<(), ApiError> {
    if principal.scopes.contains_any(scopes) {
        Ok(())
    } else {
        Err(ApiError::insufficient_scope(scopes))
    }
}
