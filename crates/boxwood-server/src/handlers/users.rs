//! Users: who asks, and the users of the enterprise for those who manage it.

use super::administration::require_administrator;
use super::operations::Operation;
use super::parameters::{fields, limit, offset, path_id, read_body};
use super::present;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::folders::ItemPage;
use boxwood_api::users::{CreateUser, UpdateUser, User};
use boxwood_core::{Principal, UserId};
use boxwood_store::{
    EventAbout, EventKind, EventUser, NewUser, StoreError, Thing, UserChange, UserKind, UserRole,
};
use http::StatusCode;
use serde_json::Value;

fn show(state: &AppState, user: &boxwood_store::User, query: &Query) -> Result<Value, ApiError> {
    let user = present::user(user, state.settings.limits.upload_bytes);
    fields(query)
        .narrow(&user, User::STANDARD)
        .map_err(ApiError::internal)
}

/// `GET /2.0/users/me`: any token may ask.
pub(crate) async fn me(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    let user = state.store.user(&principal.user_id).await?;
    show(&state, &user, &query).map(BoxJson)
}

/// Only administrators and service accounts see and manage other users.
async fn authorize(state: &AppState, principal: &Principal, operation: Operation) -> Result<(), ApiError> {
    operation.authorize(principal)?;
    require_administrator(
        state,
        principal,
        "Only administrators and service accounts manage users.",
    )
    .await
}

/// A user of the caller's own enterprise; others are not there.
pub(super) async fn in_enterprise(
    state: &AppState,
    principal: &Principal,
    id: &str,
) -> Result<boxwood_store::User, ApiError> {
    let id: UserId = path_id(Thing::User, id)?;
    let user = state.store.user(&id).await?;
    if user.enterprise.id == principal.enterprise_id {
        Ok(user)
    } else {
        Err(StoreError::not_found(Thing::User, id).into())
    }
}

/// `GET /2.0/users`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<ItemPage>, ApiError> {
    authorize(&state, &principal, Operation::ReadUsers).await?;
    let (limit, offset) = (limit(&query, 100, 1_000)?, offset(&query)?);
    let term = query.text("filter_term").map(str::to_lowercase);
    let users = state.store.users(&principal.enterprise_id).await?;
    let wanted: Vec<_> = users
        .iter()
        .filter(|user| {
            term.as_ref().is_none_or(|term| {
                user.name.to_lowercase().starts_with(term) || user.login.to_lowercase().starts_with(term)
            })
        })
        .collect();
    let by_marker = query.flag("usemarker")?.unwrap_or(false);
    let first = if by_marker {
        after_marker(&query, &wanted)?
    } else {
        usize::try_from(offset).unwrap_or(usize::MAX)
    };
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let page: Vec<_> = wanted.iter().skip(first).take(most).collect();
    let entries: Result<Vec<Value>, ApiError> = page.iter().map(|user| show(&state, user, &query)).collect();
    let more = wanted.len() > first.saturating_add(page.len());
    let last = page.last().filter(|_| more).map(|user| user.id.to_string());
    Ok(BoxJson(ItemPage {
        total_count: (!by_marker).then(|| u64::try_from(wanted.len()).unwrap_or(u64::MAX)),
        entries: entries?,
        offset: (!by_marker).then_some(offset),
        limit: u64::from(limit),
        order: None,
        next_marker: by_marker.then(|| last.unwrap_or_default()),
    }))
}

/// Where the page after the marker begins: a marker is the id of the last user of the page before.
fn after_marker(query: &Query, users: &[&boxwood_store::User]) -> Result<usize, ApiError> {
    let Some(marker) = query.text("marker").filter(|marker| !marker.is_empty()) else {
        return Ok(0);
    };
    users
        .iter()
        .position(|user| user.id.as_str() == marker)
        .map(|place| place + 1)
        .ok_or_else(|| query.refuse("marker", "must be the `next_marker` of a page of this list"))
}

/// `GET /2.0/users/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    if id != principal.user_id.as_str() {
        authorize(&state, &principal, Operation::ReadUsers).await?;
    }
    let user = in_enterprise(&state, &principal, &id).await?;
    show(&state, &user, &query).map(BoxJson)
}

/// Records what was done to a user.
fn happened(state: &AppState, principal: &Principal, kind: EventKind, user: &boxwood_store::User) {
    let user = EventUser {
        id: user.id.to_string(),
        name: user.name.clone(),
        login: user.login.clone(),
    };
    state.keeper().happened(principal, kind, EventAbout::User(user));
}

/// `POST /2.0/users`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    authorize(&state, &principal, Operation::ManageUsers).await?;
    let request = read_body(&body, CreateUser::read)?;
    let user = NewUser {
        enterprise_id: principal.enterprise_id.clone(),
        name: request.name,
        // Application users have no address of their own; `.invalid` belongs to nobody.
        login: request
            .login
            .unwrap_or_else(|| format!("app-user-{}@boxwood.invalid", state.ids.hex(8))),
        role: UserRole::User,
        kind: UserKind::Managed,
    };
    let user = state.store.create_user(user).await?;
    happened(&state, &principal, EventKind::UserCreate, &user);
    Ok((StatusCode::CREATED, BoxJson(show(&state, &user, &query)?)))
}

/// `PUT /2.0/users/{id}`.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    authorize(&state, &principal, Operation::ManageUsers).await?;
    let request = read_body(&body, UpdateUser::read)?;
    let user = in_enterprise(&state, &principal, &id).await?;
    let change = UserChange {
        name: request.name,
        login: request.login,
    };
    let user = state.store.update_user(&user.id, change).await?;
    happened(&state, &principal, EventKind::UserEdit, &user);
    show(&state, &user, &query).map(BoxJson)
}

/// `DELETE /2.0/users/{id}`: only a user who owns nothing. `force` is refused, because it would remove content.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<StatusCode, ApiError> {
    authorize(&state, &principal, Operation::ManageUsers).await?;
    if query.flag("force")?.unwrap_or(false) {
        return Err(query.refuse(
            "force",
            "is not served: remove the user's files first, then the user",
        ));
    }
    let user = in_enterprise(&state, &principal, &id).await?;
    state.store.delete_user(&user.id).await?;
    happened(&state, &principal, EventKind::UserDelete, &user);
    Ok(StatusCode::NO_CONTENT)
}
