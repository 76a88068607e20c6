//! Thumbnails: the first page or picture of a file in Box's sizes.
//!
//! Invariant: what is asked for before it was made is answered with 202 and the address of a placeholder, what has no
//! picture with 302 and the same address; the pixels come from the worker process only.

use super::operations::Operation;
use super::parameters::path_id;
use super::representations::{failure, one};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{Origin, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::{FileId, Principal};
use boxwood_ingest::{ThumbnailFormat, Thumbnails};
use boxwood_store::Thing;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

const PNG: &[u8] = include_bytes!("../../assets/thumbnail.png");
const JPG: &[u8] = include_bytes!("../../assets/thumbnail.jpg");
/// Seconds after which a thumbnail that is being made is asked for again.
const RETRY_SECONDS: &str = "2";

/// How a format is named in paths and media types.
const fn names(format: ThumbnailFormat) -> (&'static str, &'static str) {
    match format {
        ThumbnailFormat::Png => ("png", "image/png"),
        ThumbnailFormat::Jpg => ("jpg", "image/jpeg"),
    }
}

/// A request for one thumbnail.
struct Wanted<'a> {
    file: &'a str,
    format: ThumbnailFormat,
    query: &'a Query,
    origin: &'a Origin,
}

async fn thumbnail(
    state: &AppState,
    principal: &Principal,
    wanted: Wanted<'_>,
) -> Result<Response, ApiError> {
    Operation::ReadText.authorize(principal)?;
    let side = chosen_side(wanted.query, wanted.format)?;
    let id: FileId = path_id(Thing::File, wanted.file)?;
    let file = one(state, principal, &id).await?;
    let thumbnails = state.painting().thumbnails(&file).await.map_err(failure)?;
    let mut response = answer(thumbnails.as_ref(), (wanted.format, side), wanted.origin);
    if response.status() == StatusCode::OK {
        let (extension, _) = names(wanted.format);
        let own = format!(
            "{}/2.0/files/{id}/thumbnail.{extension}?min_height={side}&min_width={side}",
            wanted.origin.0
        );
        // Box's clients take the address of a thumbnail from this header, whatever the status.
        let own = HeaderValue::from_str(&own).map_err(ApiError::internal)?;
        response.headers_mut().insert(LOCATION, own);
    }
    Ok(response)
}

/// The picture of a size; the address of a placeholder where there is none (302) or not yet (202).
pub(super) fn answer(
    thumbnails: Option<&Thumbnails>,
    (format, side): (ThumbnailFormat, u32),
    origin: &Origin,
) -> Response {
    let (extension, media) = names(format);
    let placeholder = format!("{}/placeholders/file.{extension}", origin.0);
    let Some(thumbnails) = thumbnails else {
        let headers = [(LOCATION, placeholder), (RETRY_AFTER, RETRY_SECONDS.to_owned())];
        return (StatusCode::ACCEPTED, headers).into_response();
    };
    let Some(thumbnail) = thumbnails.get(format, side) else {
        return (StatusCode::FOUND, [(LOCATION, placeholder)]).into_response();
    };
    let headers = [
        (CONTENT_TYPE, media),
        (CACHE_CONTROL, "private, max-age=3600"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, thumbnail.bytes.clone()).into_response()
}

/// The smallest size that is not below the least one asked for, else the largest that is not above the most.
///
/// # Errors
/// `requested_preview_unavailable` where no size lies between; a bound that is no number.
fn chosen_side(query: &Query, format: ThumbnailFormat) -> Result<u32, ApiError> {
    let mut least: Option<u64> = None;
    let mut most = u64::MAX;
    for name in ["min_height", "min_width"] {
        least = least.max(query.number(name, 0..=u64::MAX)?);
    }
    for name in ["max_height", "max_width"] {
        most = most.min(query.number(name, 0..=u64::MAX)?.unwrap_or(u64::MAX));
    }
    let mut sides = format.sides().iter().copied();
    let fits = |side: &u32| u64::from(*side) >= least.unwrap_or(0) && u64::from(*side) <= most;
    let side = match least {
        Some(_) => sides.find(fits),
        None => sides.rfind(fits),
    };
    side.ok_or_else(|| unavailable(format))
}

fn unavailable(format: ThumbnailFormat) -> ApiError {
    let sides: Vec<String> = format
        .sides()
        .iter()
        .map(|side| format!("{side}x{side}"))
        .collect();
    let message = format!(
        "must leave one of the sizes {} of .{} thumbnails",
        sides.join(", "),
        names(format).0
    );
    let code = ErrorCode::RequestedPreviewUnavailable;
    ApiError::new(code, format!("The bounds of height and width {message}.")).with_error(FieldError::new(
        Reason::OutOfRange,
        "query",
        message,
    ))
}

/// `GET /2.0/files/{id}/thumbnail.png`.
pub(crate) async fn png(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(file): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    let wanted = Wanted {
        file: &file,
        format: ThumbnailFormat::Png,
        query: &query,
        origin: &origin,
    };
    thumbnail(&state, &principal, wanted).await
}

/// `GET /2.0/files/{id}/thumbnail.jpg`.
pub(crate) async fn jpg(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    origin: Origin,
    Path(file): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    let wanted = Wanted {
        file: &file,
        format: ThumbnailFormat::Jpg,
        query: &query,
        origin: &origin,
    };
    thumbnail(&state, &principal, wanted).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: ThumbnailFormat, query: &str, expected: Option<u32>) {
        assert_eq!(
            chosen_side(&Query::parse(query), format).ok(),
            expected,
            "{query}"
        );
    }

    #[test]
    fn sizes_obey_the_bounds() {
        use ThumbnailFormat::{Jpg, Png};
        check(Png, "", Some(256));
        check(Jpg, "", Some(320));
        check(Png, "min_height=32", Some(32));
        check(Png, "min_height=33&min_width=20", Some(64));
        check(Png, "max_width=200", Some(128));
        check(Jpg, "min_height=100&max_height=200", Some(160));
        check(Jpg, "min_height=33&max_width=159", None);
        check(Png, "min_height=257", None);
        check(Png, "max_height=31", None);
        check(Png, "max_height=x", None);
    }
}
