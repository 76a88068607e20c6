//! Groups: administrators make and remove them, the group's own administrators change them, its members see them.

use super::administration::{is_administrator, require_administrator};
use super::operations::Operation;
use super::parameters::{fields, limit, path_id, read_body};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::groups::{Audience, Group, GroupFields, GroupMini, GroupPermissions, OffsetPage};
use boxwood_api::wire::{Moment, Order};
use boxwood_core::{GroupId, Principal};
use boxwood_store::{GroupAudience, GroupChange, GroupRef, GroupRole, NewGroup, Part, StoreError, Thing};
use http::StatusCode;
use serde_json::Value;

const MANAGED: &str = "managed_group";

/// A group inside another resource.
pub(super) fn mini(group: &GroupRef) -> GroupMini {
    GroupMini {
        kind: "group",
        id: group.id.to_string(),
        name: group.name.clone(),
        group_type: MANAGED,
    }
}

/// How a principal stands to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Neither of the others.
    Outside,
    /// A member.
    Member,
    /// An administrator of the group or of the enterprise.
    Administrator,
}

impl Standing {
    /// Of the principal's user.
    pub(super) async fn of(
        state: &AppState,
        principal: &Principal,
        group: &GroupId,
    ) -> Result<Self, ApiError> {
        if is_administrator(state, principal).await? {
            return Ok(Self::Administrator);
        }
        let membership = state
            .store
            .membership_in(principal, group, &principal.user_id)
            .await?;
        Ok(match membership.map(|membership| membership.role) {
            None => Self::Outside,
            Some(GroupRole::Member) => Self::Member,
            Some(GroupRole::Admin) => Self::Administrator,
        })
    }

    /// Whether a group's setting lets somebody like this in.
    pub(super) fn is_in(self, audience: GroupAudience) -> bool {
        self >= match audience {
            GroupAudience::AllManagedUsers => Self::Outside,
            GroupAudience::AdminsAndMembers => Self::Member,
            GroupAudience::AdminsOnly => Self::Administrator,
        }
    }
}

fn show(group: &boxwood_store::Group, standing: Standing, query: &Query) -> Result<Value, ApiError> {
    let shown = Group {
        kind: "group",
        id: group.id.to_string(),
        name: group.name.clone(),
        group_type: MANAGED,
        created_at: Moment(group.created_at),
        modified_at: Moment(group.modified_at),
        provenance: group.provenance.clone(),
        external_sync_identifier: group.external_sync_identifier.clone(),
        description: group.description.clone(),
        invitability_level: group.invitability.as_str(),
        member_viewability_level: group.member_viewability.as_str(),
        permissions: GroupPermissions {
            can_invite_as_collaborator: standing.is_in(group.invitability),
        },
    };
    fields(query)
        .narrow(&shown, Group::STANDARD)
        .map_err(ApiError::internal)
}

/// `limit` and `offset` of lists of people: 100 at a time, offsets up to 10,000.
pub(super) fn part(query: &Query) -> Result<Part, ApiError> {
    Ok(Part {
        offset: query.number("offset", 0..=10_000)?.unwrap_or(0),
        limit: limit(query, 100, 1_000)?,
    })
}

/// The page of a part.
pub(super) fn page(entries: Vec<Value>, total_count: u64, part: Part, by: &[&str]) -> OffsetPage {
    let order = by.iter().map(|by| Order {
        by: (*by).to_owned(),
        direction: "ASC".to_owned(),
    });
    OffsetPage {
        total_count,
        entries,
        limit: u64::from(part.limit),
        offset: part.offset,
        order: order.collect(),
    }
}

async fn only_administrators(state: &AppState, principal: &Principal) -> Result<(), ApiError> {
    Operation::ManageGroups.authorize(principal)?;
    require_administrator(
        state,
        principal,
        "Only administrators and service accounts manage groups.",
    )
    .await
}

/// `GET /2.0/groups`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    only_administrators(&state, &principal).await?;
    let part = part(&query)?;
    let found = state
        .store
        .groups(&principal, query.text("filter_term"), part)
        .await?;
    let entries: Result<Vec<Value>, ApiError> = found
        .entries
        .iter()
        .map(|group| show(group, Standing::Administrator, &query))
        .collect();
    Ok(BoxJson(page(entries?, found.total_count, part, &["name"])))
}

/// `POST /2.0/groups`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    only_administrators(&state, &principal).await?;
    let request = read_body(&body, GroupFields::read_new)?;
    let defaults = NewGroup::new(request.name.unwrap_or_default());
    let new = NewGroup {
        description: request.description.unwrap_or_default(),
        provenance: request.provenance,
        external_sync_identifier: request.external_sync_identifier,
        invitability: request.invitability.map_or(defaults.invitability, audience),
        member_viewability: request
            .member_viewability
            .map_or(defaults.member_viewability, audience),
        ..defaults
    };
    let group = state.store.create_group(&principal, new).await?;
    let body = show(&group, Standing::Administrator, &query)?;
    Ok((StatusCode::CREATED, BoxJson(body)))
}

fn audience(audience: Audience) -> GroupAudience {
    match audience {
        Audience::AdminsOnly => GroupAudience::AdminsOnly,
        Audience::AdminsAndMembers => GroupAudience::AdminsAndMembers,
        Audience::AllManagedUsers => GroupAudience::AllManagedUsers,
    }
}

/// The group, for somebody who stands to it at least so; it is not there for others.
async fn reached(
    state: &AppState,
    principal: &Principal,
    id: &str,
    least: Standing,
) -> Result<(boxwood_store::Group, Standing), ApiError> {
    Operation::ManageGroups.authorize(principal)?;
    let id: GroupId = path_id(Thing::Group, id)?;
    let group = state.store.group(principal, &id).await?;
    let standing = Standing::of(state, principal, &id).await?;
    if standing >= least {
        Ok((group, standing))
    } else {
        Err(StoreError::not_found(Thing::Group, id).into())
    }
}

/// `GET /2.0/groups/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    let (group, standing) = reached(&state, &principal, &id, Standing::Member).await?;
    show(&group, standing, &query).map(BoxJson)
}

/// `PUT /2.0/groups/{id}`.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    let (group, standing) = reached(&state, &principal, &id, Standing::Administrator).await?;
    let request = read_body(&body, GroupFields::read)?;
    let change = GroupChange {
        name: request.name,
        description: request.description,
        provenance: request.provenance,
        external_sync_identifier: request.external_sync_identifier,
        invitability: request.invitability.map(audience),
        member_viewability: request.member_viewability.map(audience),
    };
    let group = state.store.update_group(&principal, &group.id, change).await?;
    show(&group, standing, &query).map(BoxJson)
}

/// `DELETE /2.0/groups/{id}`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    only_administrators(&state, &principal).await?;
    let id: GroupId = path_id(Thing::Group, &id)?;
    state.store.delete_group(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
