//! What every request passes: request id, log, metrics, panics, and the place where errors become bodies.

use crate::error::ApiError;
use crate::extract::{BoxJson, Origin};
use crate::state::AppState;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use boxwood_api::ErrorCode;
use http::HeaderValue;
use http::header::RETRY_AFTER;

/// The id of a request, in the log, in the header `box-request-id` and in error bodies.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Puts the layers around the routes.
pub fn wrap(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    router
        .fallback(|| async { ApiError::new(ErrorCode::NotFound, "There is no such path.") })
        .layer(middleware::from_fn_with_state(state.clone(), finish_errors))
}

/// Gives the request its id, and gives errors their bodies.
pub async fn finish_errors(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = state.ids.hex(8);
    let (mut parts, body) = request.into_parts();
    let origin = Origin::of(&parts, &state);
    parts.extensions.insert(RequestId(id.clone()));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        response = render(&error, &id, &origin);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("box-request-id", value);
    }
    response
}

fn render(error: &ApiError, id: &str, origin: &Origin) -> Response {
    let mut response = (error.code().status(), BoxJson(error.body(id, &origin.0))).into_response();
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
