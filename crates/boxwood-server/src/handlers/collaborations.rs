//! Collaborations: who was invited to which file or folder.

use super::groups::{mini, page, part};
use super::operations::Operation;
use super::parameters::{fields, id, limit, path_id, read_body};
use super::{administration, present};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::collaborations::{
    AccessibleBy, Collaboration, Collaborations, CreateCollaboration, Grantee, InvitedUser, Item, Role,
    Status, UpdateCollaboration,
};
use boxwood_api::fields::FieldSelection;
use boxwood_api::groups::OffsetPage;
use boxwood_api::wire::Moment;
use boxwood_core::{CollaborationId, FileId, FolderId, GroupId, Principal};
use boxwood_store::{
    CollaborationChange, CollaborationStatus, Collaborator, Invitation, Invitee, ItemRef, Part, PartOf, Thing,
};
use http::StatusCode;
use serde_json::Value;

fn show(
    principal: &Principal,
    collaboration: &boxwood_store::Collaboration,
    query: &Query,
) -> Result<Value, ApiError> {
    let item = collaboration
        .item
        .as_ref()
        .map(|item| present::item(principal, item, &FieldSelection::default()))
        .transpose()
        .map_err(ApiError::internal)?;
    let pending = collaboration.status == CollaborationStatus::Pending;
    let (accessible_by, invite_email) = match &collaboration.collaborator {
        Collaborator::User { user, active } => {
            let user = InvitedUser {
                kind: "user",
                id: user.id.to_string(),
                name: if pending { String::new() } else { user.name.clone() },
                login: user.login.clone(),
                is_active: *active,
            };
            (Some(Grantee::User(user)), None)
        }
        Collaborator::Group(group) => (Some(Grantee::Group(mini(group))), None),
        Collaborator::Address(address) => (None, Some(address.clone())),
    };
    let shown = Collaboration {
        kind: "collaboration",
        id: collaboration.id.to_string(),
        item,
        app_item: None,
        accessible_by,
        invite_email,
        role: collaboration.role.as_str(),
        expires_at: collaboration.expires_at.map(Moment),
        is_access_only: collaboration.access_only,
        can_view_path: collaboration.can_view_path,
        status: collaboration.status.as_str(),
        acknowledged_at: collaboration.acknowledged_at.map(Moment),
        created_by: present::user_mini(&collaboration.created_by),
        created_at: Moment(collaboration.created_at),
        modified_at: Moment(collaboration.modified_at),
    };
    fields(query)
        .narrow(&shown, Collaboration::STANDARD)
        .map_err(ApiError::internal)
}

fn show_all(
    principal: &Principal,
    entries: &[boxwood_store::Collaboration],
    query: &Query,
) -> Result<Vec<Value>, ApiError> {
    entries
        .iter()
        .map(|entry| show(principal, entry, query))
        .collect()
}

fn role(role: Role) -> boxwood_store::Role {
    match role {
        Role::Owner => boxwood_store::Role::Owner,
        Role::CoOwner => boxwood_store::Role::CoOwner,
        Role::Editor => boxwood_store::Role::Editor,
        Role::ViewerUploader => boxwood_store::Role::ViewerUploader,
        Role::PreviewerUploader => boxwood_store::Role::PreviewerUploader,
        Role::Viewer => boxwood_store::Role::Viewer,
        Role::Previewer => boxwood_store::Role::Previewer,
        Role::Uploader => boxwood_store::Role::Uploader,
    }
}

/// `POST /2.0/collaborations`. Nobody is told by mail: `notify` has no effect.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::Collaborate.authorize(&principal)?;
    query.flag("notify")?;
    let request = read_body(&body, CreateCollaboration::read)?;
    let item = match request.item {
        Item::File(id) => ItemRef::File(id),
        Item::Folder(id) => ItemRef::Folder(id),
    };
    let invitation = Invitation {
        invitee: match request.accessible_by {
            AccessibleBy::User(id) => Invitee::User(id),
            AccessibleBy::Login(login) => Invitee::Login(login),
            AccessibleBy::Group(id) => Invitee::Group(id),
        },
        role: role(request.role),
        can_view_path: request.can_view_path,
        access_only: request.is_access_only,
        expires_at: request.expires_at,
    };
    let made = state.store.invite(&principal, &item, invitation).await?;
    Ok((StatusCode::CREATED, BoxJson(show(&principal, &made, &query)?)))
}

/// `GET /2.0/collaborations/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let id: CollaborationId = path_id(Thing::Collaboration, &id)?;
    let found = state.store.collaboration(&principal, &id).await?;
    show(&principal, &found, &query).map(BoxJson)
}

/// `PUT /2.0/collaborations/{id}`: 204 where the item went to a new owner.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<Response, ApiError> {
    Operation::Collaborate.authorize(&principal)?;
    let id: CollaborationId = path_id(Thing::Collaboration, &id)?;
    let request = read_body(&body, UpdateCollaboration::read)?;
    let change = CollaborationChange {
        role: request.role.map(role),
        status: request.status.map(|status| match status {
            Status::Accepted => CollaborationStatus::Accepted,
            Status::Pending => CollaborationStatus::Pending,
            Status::Rejected => CollaborationStatus::Rejected,
        }),
        can_view_path: request.can_view_path,
        expires_at: request.expires_at,
    };
    Ok(
        match state.store.update_collaboration(&principal, &id, change).await? {
            Some(changed) => BoxJson(show(&principal, &changed, &query)?).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        },
    )
}

/// `DELETE /2.0/collaborations/{id}`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    Operation::Collaborate.authorize(&principal)?;
    let id: CollaborationId = path_id(Thing::Collaboration, &id)?;
    state.store.end_collaboration(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn of_item(
    state: &AppState,
    principal: &Principal,
    item: &ItemRef,
    query: &Query,
) -> Result<BoxJson<Collaborations>, ApiError> {
    Operation::ReadInfo.authorize(principal)?;
    let limit = limit(query, 100, 1_000)?;
    let after: Option<CollaborationId> = id(query, "marker")?;
    let found = state
        .store
        .collaborations_on(principal, item, after.as_ref(), limit)
        .await?;
    Ok(BoxJson(Collaborations {
        entries: show_all(principal, &found.entries, query)?,
        limit: u64::from(limit),
        next_marker: found.next.map(|id| id.to_string()),
    }))
}

/// `GET /2.0/files/{id}/collaborations`.
pub(crate) async fn of_file(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Collaborations>, ApiError> {
    let id: FileId = path_id(Thing::File, &id)?;
    of_item(&state, &principal, &ItemRef::File(id), &query).await
}

/// `GET /2.0/folders/{id}/collaborations`.
pub(crate) async fn of_folder(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Collaborations>, ApiError> {
    let id: FolderId = path_id(Thing::Folder, &id)?;
    of_item(&state, &principal, &ItemRef::Folder(id), &query).await
}

fn show_part(
    principal: &Principal,
    found: &PartOf<boxwood_store::Collaboration>,
    part: Part,
    query: &Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    let entries = show_all(principal, &found.entries, query)?;
    Ok(BoxJson(page(entries, found.total_count, part, &[])))
}

/// `GET /2.0/groups/{id}/collaborations`: for administrators.
pub(crate) async fn of_group(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    Operation::ManageGroups.authorize(&principal)?;
    let words = "Only administrators and service accounts see what a group was invited to.";
    administration::require_administrator(&state, &principal, words).await?;
    let id: GroupId = path_id(Thing::Group, &id)?;
    let part = part(&query)?;
    let found = state.store.collaborations_of_group(&principal, &id, part).await?;
    show_part(&principal, &found, part, &query)
}

/// `GET /2.0/collaborations?status=pending`.
pub(crate) async fn pending(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<OffsetPage>, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    if query.text("status") != Some("pending") {
        return Err(query.refuse("status", "is required and must be `pending`"));
    }
    let part = part(&query)?;
    let found = state.store.pending_collaborations(&principal, part).await?;
    show_part(&principal, &found, part, &query)
}
