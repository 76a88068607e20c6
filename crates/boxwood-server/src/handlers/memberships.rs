//! Memberships: who belongs to which group. The group's administrators change them; who sees them the group says.

use super::administration::is_administrator;
use super::groups::{Standing, mini, page, part};
use super::operations::Operation;
use super::parameters::{fields, path_id, read_body};
use super::{present, users};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::ErrorCode;
use boxwood_api::groups::{CreateMembership, MemberRole, Membership, OffsetPage, UpdateMembership};
use boxwood_api::wire::Moment;
use boxwood_core::{GroupId, MembershipId, Principal};
use boxwood_store::{GroupRole, MembershipChange, NewMembership, Part, PartOf, StoreError, Thing};
use http::StatusCode;
use serde_json::Value;

fn show(membership: &boxwood_store::Membership, query: &Query) -> Result<Value, ApiError> {
    let shown = Membership {
        kind: "group_membership",
        id: membership.id.to_string(),
        user: present::user_mini(&membership.user),
        group: mini(&membership.group),
        role: membership.role.as_str(),
        created_at: Moment(membership.created_at),
        modified_at: Moment(membership.modified_at),
        configurable_permissions: membership.permissions.clone(),
    };
    fields(query)
        .narrow(&shown, Membership::STANDARD)
        .map_err(ApiError::internal)
}

fn show_page(
    found: &PartOf<boxwood_store::Membership>,
    part: Part,
    query: &Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    let entries: Result<Vec<Value>, ApiError> =
        found.entries.iter().map(|entry| show(entry, query)).collect();
    Ok(BoxJson(page(entries?, found.total_count, part, &["id"])))
}

fn role(role: MemberRole) -> GroupRole {
    match role {
        MemberRole::Member => GroupRole::Member,
        MemberRole::Admin => GroupRole::Admin,
    }
}

async fn require_group_administrator(
    state: &AppState,
    principal: &Principal,
    group: &GroupId,
) -> Result<(), ApiError> {
    if Standing::of(state, principal, group).await? == Standing::Administrator {
        return Ok(());
    }
    let words = "Only administrators of the group or of the enterprise change its members.";
    Err(ApiError::new(ErrorCode::AccessDenied, words))
}

/// `GET /2.0/groups/{id}/memberships`.
pub(crate) async fn of_group(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    Operation::ManageGroups.authorize(&principal)?;
    let id: GroupId = path_id(Thing::Group, &id)?;
    let part = part(&query)?;
    let group = state.store.group(&principal, &id).await?;
    if !Standing::of(&state, &principal, &id)
        .await?
        .is_in(group.member_viewability)
    {
        return Err(StoreError::not_found(Thing::Group, id).into());
    }
    let found = state.store.members(&principal, &id, part).await?;
    show_page(&found, part, &query)
}

/// `GET /2.0/users/{id}/memberships`.
pub(crate) async fn of_user(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    Operation::ManageGroups.authorize(&principal)?;
    let part = part(&query)?;
    if id != principal.user_id.as_str() && !is_administrator(&state, &principal).await? {
        let words = "Only administrators and service accounts see the groups of other users.";
        return Err(ApiError::new(ErrorCode::AccessDenied, words));
    }
    let user = users::in_enterprise(&state, &principal, &id).await?;
    let found = state.store.memberships_of(&principal, &user.id, part).await?;
    show_page(&found, part, &query)
}

/// `POST /2.0/group_memberships`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::ManageGroups.authorize(&principal)?;
    let request = read_body(&body, CreateMembership::read)?;
    require_group_administrator(&state, &principal, &request.group).await?;
    let new = NewMembership {
        group: request.group,
        user: request.user,
        role: role(request.role),
        permissions: request.permissions,
    };
    let made = state.store.add_member(&principal, new).await?;
    Ok((StatusCode::CREATED, BoxJson(show(&made, &query)?)))
}

/// The membership, for the administrators of its group.
async fn managed(
    state: &AppState,
    principal: &Principal,
    id: &str,
) -> Result<boxwood_store::Membership, ApiError> {
    Operation::ManageGroups.authorize(principal)?;
    let id: MembershipId = path_id(Thing::Membership, id)?;
    let found = state.store.membership(principal, &id).await?;
    require_group_administrator(state, principal, &found.group.id).await?;
    Ok(found)
}

/// `GET /2.0/group_memberships/{id}`: for administrators, and for the member himself.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    Operation::ManageGroups.authorize(&principal)?;
    let id: MembershipId = path_id(Thing::Membership, &id)?;
    let found = state.store.membership(&principal, &id).await?;
    if found.user.id != principal.user_id {
        require_group_administrator(&state, &principal, &found.group.id).await?;
    }
    show(&found, &query).map(BoxJson)
}

/// `PUT /2.0/group_memberships/{id}`.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    let found = managed(&state, &principal, &id).await?;
    let request = read_body(&body, UpdateMembership::read)?;
    let change = MembershipChange {
        role: request.role.map(role),
        permissions: request.permissions,
    };
    let changed = state
        .store
        .update_membership(&principal, &found.id, change)
        .await?;
    show(&changed, &query).map(BoxJson)
}

/// `DELETE /2.0/group_memberships/{id}`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let found = managed(&state, &principal, &id).await?;
    state.store.remove_member(&principal, &found.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
