//! Thumbnails: Boxwood draws none yet, so every file gets Box's answer for "none": the address of a placeholder.

use super::operations::Operation;
use super::parameters::path_id;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::Origin;
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_core::{FileId, Principal};
use boxwood_store::Thing;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};

const PNG: &[u8] = include_bytes!("../../assets/thumbnail.png");
const JPG: &[u8] = include_bytes!("../../assets/thumbnail.jpg");

async fn locate(
    state: &AppState,
    principal: &Principal,
    origin: &Origin,
    id: &str,
    extension: &str,
) -> Result<Response, ApiError> {
    Operation::ReadText.authorize(principal)?;
    let id: FileId = path_id(Thing::File, id)?;
    state.store.file(principal, &id).await?;
    let location = format!("{}/placeholders/file.{extension}", origin.0);
    Ok((StatusCode::FOUND, [(LOCATION, location)]).into_response())
}

/// `GET /2.0/files/{id}/thumbnail.png`.
pub(crate) async fn png(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    locate(&state, &principal, &origin, &id, "png").await
}

/// `GET /2.0/files/{id}/thumbnail.jpg`.
pub(crate) async fn jpg(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    locate(&state, &principal, &origin, &id, "jpg").await
}

/// `GET /placeholders/file.png`: says nothing about any file, so anybody may have it.
pub(crate) async fn placeholder_png() -> Response {
    (
        [
            (CONTENT_TYPE, "image/png"),
            (CACHE_CONTROL, "public, max-age=86400"),
        ],
        PNG,
    )
        .into_response()
}

/// `GET /placeholders/file.jpg`.
pub(crate) async fn placeholder_jpg() -> Response {
    (
        [
            (CONTENT_TYPE, "image/jpeg"),
            (CACHE_CONTROL, "public, max-age=86400"),
        ],
        JPG,
    )
        .into_response()
}
