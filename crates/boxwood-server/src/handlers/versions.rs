//! Versions of a file: list, read, promote, delete, restore. New versions come in by uploads.

use super::operations::Operation;
use super::parameters::{fields, if_match, limit, offset, path_id, read_body};
use super::present;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::versions::{FileVersion, FileVersions, PromoteVersion, RestoreVersion};
use boxwood_api::wire::Order;
use boxwood_core::{FileId, FileVersionId};
use boxwood_store::Thing;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

fn show(version: &boxwood_store::FileVersion, query: &Query) -> Result<Value, ApiError> {
    fields(query)
        .narrow(&present::version(version), FileVersion::STANDARD)
        .map_err(ApiError::internal)
}

/// `GET /2.0/files/{id}/versions`: the past versions, newest first; the current one is the file itself.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<FileVersions>, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let (limit, offset) = (limit(&query, 1_000, 1_000)?, offset(&query)?);
    let versions = state.store.versions(&principal, &id).await?;
    let past: Vec<_> = versions.iter().filter(|version| !version.current).collect();
    let first = usize::try_from(offset).unwrap_or(usize::MAX);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let entries: Result<Vec<Value>, ApiError> = past
        .iter()
        .skip(first)
        .take(most)
        .map(|version| show(version, &query))
        .collect();
    Ok(BoxJson(FileVersions {
        total_count: u64::try_from(past.len()).unwrap_or(u64::MAX),
        entries: entries?,
        limit: u64::from(limit),
        offset,
        order: vec![Order {
            by: "version_number".to_owned(),
            direction: "DESC".to_owned(),
        }],
    }))
}

/// `GET /2.0/files/{id}/versions/{version_id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((id, version)): Path<(String, String)>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    Operation::ReadInfo.authorize(&principal)?;
    let (id, version) = ids(&id, &version)?;
    let version = state.store.version(&principal, &id, &version).await?;
    show(&version, &query).map(BoxJson)
}

fn ids(file: &str, version: &str) -> Result<(FileId, FileVersionId), ApiError> {
    Ok((path_id(Thing::File, file)?, path_id(Thing::FileVersion, version)?))
}

/// `DELETE /2.0/files/{id}/versions/{version_id}`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((id, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    Operation::Delete.authorize(&principal)?;
    let (id, version) = ids(&id, &version)?;
    state
        .store
        .trash_version(&principal, &id, &version, if_match(&headers).as_deref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /2.0/files/{id}/versions/{version_id}`: out of the trash.
pub(crate) async fn restore(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((id, version)): Path<(String, String)>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    Operation::Write.authorize(&principal)?;
    let (id, version) = ids(&id, &version)?;
    read_body(&body, RestoreVersion::read)?;
    let version = state.store.restore_version(&principal, &id, &version).await?;
    show(&version, &query).map(BoxJson)
}

/// `POST /2.0/files/{id}/versions/current`: an earlier version becomes current again, as a new one.
pub(crate) async fn promote(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Value>), ApiError> {
    Operation::Write.authorize(&principal)?;
    let id: FileId = path_id(Thing::File, &id)?;
    let request = read_body(&body, PromoteVersion::read)?;
    let version = state.store.promote_version(&principal, &id, &request.id).await?;
    Ok((StatusCode::CREATED, BoxJson(show(&version, &query)?)))
}
