//! The header `As-User`: administrators and service accounts act as another user of their enterprise.
//!
//! Invariant: the token's scopes stay what they are, only the user changes; a down-scoped token can't do it. Every
//! refusal has the same words, so that nobody learns which users exist.

use crate::error::ApiError;
use crate::state::AppState;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::{Principal, Scope, UserId};
use boxwood_store::{StoreError, UserKind, UserRole};
use http::HeaderMap;

/// The principal that the request runs as.
///
/// # Errors
/// 403 where the token may not act as that user, or there is no such user.
pub(super) async fn effective(
    state: &AppState,
    principal: Principal,
    headers: &HeaderMap,
) -> Result<Principal, ApiError> {
    let Some(wanted) = headers.get("as-user") else {
        return Ok(principal);
    };
    let wanted: UserId = wanted
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(refused)?;
    if wanted == principal.user_id {
        return Ok(principal);
    }
    if principal.resource.is_some() || !principal.scopes.contains(Scope::ManageManagedUsers) {
        return Err(refused());
    }
    let caller = state.store.user(&principal.user_id).await?;
    if caller.kind != UserKind::ServiceAccount && caller.role == UserRole::User {
        return Err(refused());
    }
    let user = match state.store.user(&wanted).await {
        Err(StoreError::NotFound { .. }) => return Err(refused()),
        found => found?,
    };
    if user.enterprise.id == principal.enterprise_id && user.active {
        Ok(Principal {
            user_id: user.id,
            ..principal
        })
    } else {
        Err(refused())
    }
}

fn refused() -> ApiError {
    let message = "must name a user whom the token may act as: one of its enterprise, for administrators and \
                   service accounts with the scope `manage_managed_users`";
    ApiError::new(ErrorCode::Forbidden, "The token may not act as that user.").with_error(FieldError::new(
        Reason::InsufficientScope,
        "header.as-user",
        message,
    ))
}
