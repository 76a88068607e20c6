//! Health, readiness, metrics, and the explanation of errors.

use crate::error::ApiError;
use crate::extract::BoxJson;
use crate::state::AppState;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

/// The process runs. Says nothing about the parts behind it.
pub(crate) async fn health() -> BoxJson<Value> {
    BoxJson(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// Whether a question could be answered now: 200, or 503 with what is missing.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    let store = state.store.health().await.map_err(|error| error.to_string());
    let model = state.asker.ready();
    let all = store.is_ok() && model.is_ok();
    let part = |result: Result<(), String>| match result {
        Ok(()) => json!({"ready": true}),
        Err(missing) => json!({"ready": false, "missing": missing}),
    };
    let body = json!({"ready": all, "store": part(store), "model": part(model)});
    let status = if all {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, BoxJson(body)).into_response()
}

/// Prometheus' text form.
pub(crate) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    state.metrics().measured(&state.meter.speeds());
    let text = state.metrics().text().map_err(ApiError::internal)?;
    Ok((
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
        .into_response())
}

/// Where `help_url` leads.
pub(crate) async fn errors() -> Response {
    let text = include_str!("../../../../docs/errors.md");
    ([(CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
}
