//! One file: read, change, copy, delete, and its way through the trash.
//!
//! Uploads, downloads, versions and representations have files of their own beside this one.

use super::conflicts::refusal;
use super::metadata::item_view;
use super::operations::Operation;
use super::optional_json::OptionalJson;
use super::parameters::{fields, has_already, if_match, path_id, read_body};
use super::trash::restored;
use super::{present, representations, shared_links};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Origin, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::fields::FieldSelection;
use boxwood_api::files::{CopyFile, File, LockRequest, UpdateFile};
use boxwood_core::{FileId, Principal};
use boxwood_store::{CopyTarget, FileChange, Item, ItemKind, ItemRef, StoreError, Thing, UserRef};
use http::header::ETAG;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

/// `GET /2.0/files/{id}`. A trashed file is still shown, with `item_status` `trashed`, as Box does.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let file = match state.store.file(&principal, &id).await {
        Err(StoreError::Trashed { .. }) => trashed(&state, &principal, &id).await?,
        found => found?,
    };
    if has_already(&headers, &file.etag()) {
        return Ok(with_etag(StatusCode::NOT_MODIFIED.into_response(), &file.etag()));
    }
    let fields = fields(&query);
    let mut shown = present::file(&principal, &file);
    if fields.names("representations") {
        shown.representations =
            Some(representations::of_file(&state, &principal, &origin, &file, &headers).await?);
    }
    let mut body = narrow(&fields, &shown)?;
    item_view::attach(&state, &principal, &ItemRef::File(id), &fields, &mut body).await?;
    let body = BoxJson(body).into_response();
    Ok(with_etag(body, &file.etag()))
}

fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

pub(super) fn narrow(fields: &FieldSelection, file: &File) -> Result<Value, ApiError> {
    fields.narrow(file, File::STANDARD).map_err(ApiError::internal)
}

async fn trashed(
    state: &AppState,
    principal: &Principal,
    id: &FileId,
) -> Result<boxwood_store::File, StoreError> {
    match state
        .store
        .trashed_item(principal, &ItemRef::File(id.clone()))
        .await?
    {
        Item::File(file) => Ok(*file),
        Item::Folder(_) => Err(StoreError::not_found(Thing::File, id)),
    }
}

/// `PUT /2.0/files/{id}`: name, description, tags, folder, shared link, lock.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    let request = read_body(&body, UpdateFile::read)?;
    authorize_update(&principal, &request)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let change = FileChange {
        name: request.name,
        parent: request.parent,
        description: request.description,
        tags: request.tags,
        shared_link: shared_links::change(request.shared_link, &origin, &format!("/2.0/files/{id}/content"))?,
        lock: match request.lock {
            None => None,
            Some(None) => Some(None),
            Some(Some(lock)) => Some(Some(new_lock(&state, &principal, lock).await?)),
        },
        if_match: if_match(&headers),
    };
    let updated = state.store.update_file(&principal, &id, change).await;
    let file = updated.map_err(|error| refusal(&principal, ItemKind::File, error))?;
    narrow(&fields(&query), &present::file(&principal, &file)).map(BoxJson)
}

fn authorize_update(principal: &Principal, request: &UpdateFile) -> Result<(), ApiError> {
    if request.parent.is_some() || request.lock.is_some() {
        Operation::Write.authorize(principal)?;
    }
    if request.shared_link.is_some() {
        Operation::Share.authorize(principal)?;
    }
    let describes = request.name.is_some() || request.description.is_some() || request.tags.is_some();
    let changes_nothing = request.parent.is_none() && request.lock.is_none() && request.shared_link.is_none();
    if describes || changes_nothing {
        Operation::Rename.authorize(principal)?;
    }
    Ok(())
}

async fn new_lock(state: &AppState, principal: &Principal, request: LockRequest) -> Result<Value, ApiError> {
    let user = state.store.user(&principal.user_id).await?;
    let by = UserRef {
        id: user.id,
        name: user.name,
        login: user.login,
    };
    let lock = present::lock(
        // Ids of locks are numbers too; 12 hexadecimal digits fit.
        u64::from_str_radix(&state.ids.hex(6), 16)
            .unwrap_or_default()
            .to_string(),
        present::user_mini(&by),
        state.clock.now(),
        request,
    );
    serde_json::to_value(lock).map_err(ApiError::internal)
}

/// `DELETE /2.0/files/{id}`: to the trash.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    Operation::Delete.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    state
        .store
        .trash_file(&principal, &id, if_match(&headers).as_deref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /2.0/files/{id}/copy`.
pub(crate) async fn copy(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::Write.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let request = read_body(&body, CopyFile::read)?;
    let target = CopyTarget {
        parent: request.parent,
        name: request.name,
        version: request.version,
    };
    let copied = state.store.copy_file(&principal, &id, target).await;
    let file = copied.map_err(|error| refusal(&principal, ItemKind::File, error))?;
    let body = narrow(&fields(&query), &present::file(&principal, &file))?;
    Ok((StatusCode::CREATED, BoxJson(body)))
}

/// `GET /2.0/files/{id}/trash`.
pub(crate) async fn get_trashed(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let file = trashed(&state, &principal, &id).await?;
    narrow(&fields(&query), &present::file(&principal, &file)).map(BoxJson)
}

/// `POST /2.0/files/{id}`: out of the trash.
pub(crate) async fn restore(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    body: OptionalJson,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::Write.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    match restored(&state, &principal, &ItemRef::File(id.clone()), &body).await? {
        Item::File(file) => {
            let body = narrow(&fields(&query), &present::file(&principal, &file))?;
            Ok((StatusCode::CREATED, BoxJson(body)))
        }
        Item::Folder(_) => Err(StoreError::not_found(Thing::File, id).into()),
    }
}

/// `DELETE /2.0/files/{id}/trash`: for good.
pub(crate) async fn purge(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    Operation::Delete.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    state.store.purge_item(&principal, &ItemRef::File(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
