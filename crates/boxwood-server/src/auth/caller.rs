//! On whose behalf a model works, from the request that asked.
//!
//! Invariant: a caller is the user as whom the request runs, with the application and the number of the token that was
//! sent; the token itself is never part of it. Used by the handlers of every operation that asks a model.

use crate::layers::RequestId;
use boxwood_core::{Caller, Principal};
use boxwood_store::AccessToken;
use http::request::Parts;

/// The key of a request: which token was sent, and whose application it is. Left in the request's extensions by
/// [`super::Authenticated`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessKey {
    client: Option<String>,
    token: u64,
}

impl AccessKey {
    pub(super) fn of(token: &AccessToken) -> Self {
        Self {
            client: token.client_id.clone(),
            token: token.number,
        }
    }
}

/// The caller of an authenticated request; `operation` names what it asks for.
pub(crate) fn caller(parts: &Parts, principal: &Principal, operation: &'static str) -> Caller {
    let key = parts.extensions.get::<AccessKey>();
    let request = parts.extensions.get::<RequestId>();
    Caller {
        enterprise: Some(principal.enterprise_id.clone()),
        user: Some(principal.user_id.clone()),
        client: key.and_then(|key| key.client.clone()),
        token: key.map(|key| key.token),
        operation,
        request: request.map(|id| id.0.clone()).unwrap_or_default(),
    }
}
