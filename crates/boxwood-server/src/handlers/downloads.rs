//! Downloads: `GET …/content` answers with the address of the bytes, which the ticket in it opens for 15 minutes.
//!
//! Invariant: a ticket names the user, the file and the version, and is worth no more than that user is when it is used:
//! the store is asked again, so a file that was trashed or taken from the user meanwhile is not served.

use super::operations::Operation;
use super::parameters::{id, path_id};
use super::ranges::{Asked, requested};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{Origin, Query};
use crate::state::AppState;
use crate::tickets::DownloadTicket;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::ErrorCode;
use boxwood_core::{FileId, FileVersionId, Principal, Resource, Scope, ScopeSet};
use boxwood_store::{EventAbout, EventKind, ItemRef, ReadableFile, Thing};
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio_util::io::ReaderStream;

/// Bytes that are read from the store at once.
const CHUNK: usize = 128 << 10;

/// Who downloads: the token of the header or, as Box allows for downloads, of the query.
#[derive(Debug, Clone)]
pub(crate) struct Downloader(Principal);

impl FromRequestParts<AppState> for Downloader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        if !parts.headers.contains_key(AUTHORIZATION)
            && let Some(token) = query.text("access_token")
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}"))
        {
            value.set_sensitive(true);
            parts.headers.insert(AUTHORIZATION, value);
        }
        let Authenticated(principal) = Authenticated::from_request_parts(parts, state).await?;
        Ok(Self(principal))
    }
}

/// `GET /2.0/files/{id}/content`: 302 to the bytes. `version` chooses an earlier version.
pub(crate) async fn locate(
    State(state): State<AppState>,
    Downloader(principal): Downloader,
    origin: Origin,
    Path(file): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    Operation::Download.authorize(&principal)?;
    let file: FileId = path_id(Thing::File, &file)?;
    let version: Option<FileVersionId> = id(&query, "version")?;
    let readable = state
        .store
        .downloadable(&principal, &file, version.as_ref())
        .await?;
    let about = EventAbout::Item(ItemRef::File(file.clone()));
    state.keeper().happened(&principal, EventKind::Download, about);
    let ticket = DownloadTicket {
        user_id: principal.user_id,
        enterprise_id: principal.enterprise_id,
        file_id: file,
        version_id: readable.version_id().clone(),
    };
    let text = state
        .tickets()
        .issue(&ticket, state.clock.now())
        .map_err(ApiError::internal)?;
    Ok((StatusCode::FOUND, [(LOCATION, format!("{}/dl/{text}", origin.0))]).into_response())
}

/// `GET /dl/{ticket}`: the bytes, or the part of them that `Range` asks for.
pub(crate) async fn content(
    State(state): State<AppState>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ticket = state.tickets().check(&ticket, state.clock.now()).ok_or_else(|| {
        ApiError::new(
            ErrorCode::NotFound,
            "This download address is not valid any more; ask for a new one.",
        )
    })?;
    let principal = Principal {
        user_id: ticket.user_id,
        enterprise_id: ticket.enterprise_id,
        scopes: ScopeSet::from_iter([Scope::ItemDownload]),
        resource: Some(Resource::File(ticket.file_id.clone())),
    };
    let file = state
        .store
        .downloadable(&principal, &ticket.file_id, Some(&ticket.version_id))
        .await?;
    serve(&file, &headers).await
}

async fn serve(file: &ReadableFile, headers: &HeaderMap) -> Result<Response, ApiError> {
    let etag = format!("\"{}\"", file.content_hash());
    let range = match requested(headers, &etag, file.size()) {
        Asked::Nothing => return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response()),
        Asked::Outside => return Ok(outside(file.size())),
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
    };
    let bytes = file.open(range.clone()).await?;
    let length = range
        .as_ref()
        .map_or(file.size(), |range| range.end - range.start);
    let mut response = Body::from_stream(ReaderStream::with_capacity(bytes, CHUNK)).into_response();
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, "application/octet-stream".to_owned());
    set(CONTENT_LENGTH, length.to_string());
    set(CONTENT_DISPOSITION, disposition(file.name()));
    set(ACCEPT_RANGES, "bytes".to_owned());
    set(CACHE_CONTROL, "private".to_owned());
    set(X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    set(ETAG, etag);
    if let Some(range) = range {
        set(
            CONTENT_RANGE,
            format!("bytes {}-{}/{}", range.start, range.end - 1, file.size()),
        );
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn outside(size: u64) -> Response {
    let mut response = ApiError::new(
        ErrorCode::RangeNotSatisfiable,
        format!("The content has {size} bytes."),
    )
    .into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    response
}

/// Always an attachment: nothing that users upload is shown by a browser under this server's name.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_are_safe_in_a_header() {
        for (name, expected) in [
            (
                "a b.txt",
                "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt",
            ),
            (
                "x\"\r\ny",
                "attachment; filename=\"x___y\"; filename*=UTF-8''x%22%0D%0Ay",
            ),
            (
                "表.pdf",
                "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E8%A1%A8.pdf",
            ),
        ] {
            assert_eq!(disposition(name), expected);
        }
    }
}
