//! Who administers the enterprise.

use crate::error::ApiError;
use crate::state::AppState;
use boxwood_api::ErrorCode;
use boxwood_core::Principal;
use boxwood_store::{UserKind, UserRole};

/// Whether the principal's user is an administrator or a service account.
pub(super) async fn is_administrator(state: &AppState, principal: &Principal) -> Result<bool, ApiError> {
    let caller = state.store.user(&principal.user_id).await?;
    Ok(caller.kind == UserKind::ServiceAccount || caller.role != UserRole::User)
}

/// Refuses everybody else.
///
/// # Errors
/// 403 with these words.
pub(super) async fn require_administrator(
    state: &AppState,
    principal: &Principal,
    words: &str,
) -> Result<(), ApiError> {
    if is_administrator(state, principal).await? {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::AccessDenied, words))
    }
}
