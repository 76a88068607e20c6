//! Chunked uploads: a session, its parts, and the commit that makes a file or a version of them.
//!
//! Addresses in `session_endpoints` are absolute, because SDKs follow them instead of building their own.

use super::conflicts::refusal;
use super::operations::Operation;
use super::parameters::{if_match, limit, offset, path_id, read_body};
use super::uploads::answer;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Origin, Query};
use crate::state::AppState;
use axum::extract::{Path, Request, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use boxwood_api::Reason;
use boxwood_api::files::Files;
use boxwood_api::uploads::{
    CommitUpload, CreateUploadSession, CreateVersionUploadSession, SessionEndpoints, UploadPart, UploadParts,
    UploadSession, UploadedPart,
};
use boxwood_api::wire::{Moment, Order};
use boxwood_core::{FileId, Principal};
use boxwood_store::{ItemKind, NewUploadSession, PartRange, Thing, UploadCommit, UploadTarget};
use futures::TryStreamExt;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::io;
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;

/// The most that is read of a refused part.
const DISCARDED_BYTES: u64 = 64 << 20;

fn show(session: &boxwood_store::UploadSession, origin: &Origin) -> UploadSession {
    let url = format!("{}/api/2.0/files/upload_sessions/{}", origin.0, session.id);
    UploadSession {
        id: session.id.clone(),
        kind: "upload_session",
        session_expires_at: Moment(session.expires_at),
        part_size: session.part_size,
        total_parts: u64::from(session.total_parts),
        num_parts_processed: u64::from(session.parts_present),
        session_endpoints: SessionEndpoints {
            upload_part: url.clone(),
            commit: format!("{url}/commit"),
            abort: url.clone(),
            list_parts: format!("{url}/parts"),
            status: url.clone(),
            log_event: url,
        },
    }
}

/// `POST /2.0/files/upload_sessions`: for a new file.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<UploadSession>), ApiError> {
    let request = read_body(&body, CreateUploadSession::read)?;
    let target = UploadTarget::NewFile {
        parent: request.folder_id,
        name: request.file_name,
    };
    open(&state, &principal, &origin, target, request.file_size).await
}

/// `POST /2.0/files/{id}/upload_sessions`: for a new version.
pub(crate) async fn create_for_version(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<UploadSession>), ApiError> {
    let file: FileId = path_id(Thing::File, &id)?;
    let request = read_body(&body, CreateVersionUploadSession::read)?;
    let target = UploadTarget::NewVersion {
        file,
        name: request.file_name,
    };
    open(&state, &principal, &origin, target, request.file_size).await
}

async fn open(
    state: &AppState,
    principal: &Principal,
    origin: &Origin,
    target: UploadTarget,
    size: u64,
) -> Result<(StatusCode, BoxJson<UploadSession>), ApiError> {
    Operation::Upload.authorize(principal)?;
    let new = NewUploadSession { target, size };
    let opened = state.store.create_upload_session(principal, new).await;
    let session = opened.map_err(|error| refusal(principal, ItemKind::File, error))?;
    Ok((StatusCode::CREATED, BoxJson(show(&session, origin))))
}

/// `GET /2.0/files/upload_sessions/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<BoxJson<UploadSession>, ApiError> {
    Operation::Upload.authorize(&principal)?;
    let session = state.store.upload_session(&principal, &id).await?;
    Ok(BoxJson(show(&session, &origin)))
}

/// `PUT /2.0/files/upload_sessions/{id}`: one part, its place in `content-range`, its sum in `digest`.
pub(crate) async fn upload_part(
    State(state): State<AppState>,
    caller: Result<Authenticated, ApiError>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<BoxJson<UploadedPart>, ApiError> {
    let mut bytes = StreamReader::new(request.into_body().into_data_stream().map_err(io::Error::other));
    let result = async {
        let Authenticated(principal) = caller?;
        Operation::Upload.authorize(&principal)?;
        let (range, sha1) = (content_range(&headers)?, digest(&headers)?);
        Ok(state
            .store
            .upload_part(&principal, &id, range, &sha1, Box::pin(&mut bytes))
            .await?)
    };
    let result = result.await;
    if result.is_err() {
        // Clients that send everything first get to the refusal; a part is never much larger than this.
        let rest = tokio::io::copy(&mut bytes.take(DISCARDED_BYTES), &mut tokio::io::sink()).await;
        tracing::debug!(discarded = rest.unwrap_or_default(), "a part was refused");
    }
    result.map(|part| {
        BoxJson(UploadedPart {
            part: show_part(part),
        })
    })
}

fn show_part(part: boxwood_store::UploadPart) -> UploadPart {
    UploadPart {
        part_id: part.part_id,
        offset: part.offset,
        size: part.size,
        sha1: part.sha1,
    }
}

/// `content-range: bytes 0-8388607/20971520`.
fn content_range(headers: &HeaderMap) -> Result<PartRange, ApiError> {
    let text = headers
        .get("content-range")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    parse_range(text).ok_or_else(|| {
        let message = "must be `bytes first-last/total`, as in `bytes 0-8388607/20971520`";
        ApiError::field(Reason::InvalidParameter, "header.content-range", message)
    })
}

fn parse_range(text: &str) -> Option<PartRange> {
    let (places, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = places.split_once('-')?;
    let (offset, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let size = last.checked_sub(offset)?.checked_add(1)?;
    Some(PartRange {
        offset,
        size,
        total: total.trim().parse().ok()?,
    })
}

/// `digest: sha=<base64 of the SHA-1>`, as hexadecimal.
fn digest(headers: &HeaderMap) -> Result<String, ApiError> {
    let text = headers
        .get("digest")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    parse_digest(text).ok_or_else(|| {
        let message = "must be `sha=` and the SHA-1 of the bytes in base64";
        ApiError::field(Reason::InvalidParameter, "header.digest", message)
    })
}

fn parse_digest(text: &str) -> Option<String> {
    let (algorithm, sum) = text.trim().split_once('=')?;
    let bytes = STANDARD.decode(sum).ok()?;
    (algorithm.eq_ignore_ascii_case("sha") && bytes.len() == 20).then(|| hex::encode(bytes))
}

/// `GET /2.0/files/upload_sessions/{id}/parts`.
pub(crate) async fn list_parts(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<UploadParts>, ApiError> {
    Operation::Upload.authorize(&principal)?;
    let (limit, offset) = (limit(&query, 1_000, 1_000)?, offset(&query)?);
    let (parts, total_count) = state.store.upload_parts(&principal, &id, offset, limit).await?;
    Ok(BoxJson(UploadParts {
        total_count,
        entries: parts.into_iter().map(show_part).collect(),
        limit: u64::from(limit),
        offset,
        order: vec![Order {
            by: "offset".to_owned(),
            direction: "ASC".to_owned(),
        }],
    }))
}

/// `POST /2.0/files/upload_sessions/{id}/commit`. Joining happens while the client waits; there is no 202.
pub(crate) async fn commit(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
    headers: HeaderMap,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<Files>), ApiError> {
    Operation::Upload.authorize(&principal)?;
    let sha1 = digest(&headers)?;
    let request = read_body(&body, CommitUpload::read)?;
    let parts: Vec<boxwood_store::UploadPart> = request
        .parts
        .into_iter()
        .map(
            |UploadPart {
                 part_id,
                 offset,
                 size,
                 sha1,
             }| boxwood_store::UploadPart {
                part_id,
                offset,
                size,
                sha1,
            },
        )
        .collect();
    let commit = UploadCommit {
        sha1,
        parts,
        description: request.attributes.description.unwrap_or_default(),
        content_created_at: request.attributes.content_created_at,
        content_modified_at: request.attributes.content_modified_at,
        if_match: if_match(&headers),
    };
    let committed = state.store.commit_upload(&principal, &id, commit).await;
    let file = committed.map_err(|error| refusal(&principal, ItemKind::File, error))?;
    answer(&principal, &file, &query)
}

/// `DELETE /2.0/files/upload_sessions/{id}`.
pub(crate) async fn abort(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    Operation::Upload.authorize(&principal)?;
    state.store.abort_upload(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_parts_are_read_or_refused() {
        for (text, expected) in [
            ("bytes 0-9/20", Some((0, 10, 20))),
            ("bytes 10-19/20", Some((10, 10, 20))),
            ("bytes 5-4/20", None),
            ("bytes 0-9/*", None),
            ("0-9/20", None),
            ("", None),
            ("bytes 0-18446744073709551615/1", None),
        ] {
            let range = parse_range(text).map(|range| (range.offset, range.size, range.total));
            assert_eq!(range, expected, "{text:?}");
        }
    }

    #[test]
    fn digests_are_sha1_in_base64() {
        let empty = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        for (text, expected) in [
            ("sha=2jmj7l5rSw0yVb/vlWAYkK/YBwk=", Some(empty)),
            ("SHA=2jmj7l5rSw0yVb/vlWAYkK/YBwk=", Some(empty)),
            ("md5=2jmj7l5rSw0yVb/vlWAYkK/YBwk=", None),
            ("sha=AAAA", None),
            ("", None),
        ] {
            assert_eq!(parse_digest(text).as_deref(), expected, "{text:?}");
        }
    }
}
