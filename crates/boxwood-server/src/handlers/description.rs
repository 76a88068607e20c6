//! `GET /openapi.json`.

use crate::error::ApiError;
use crate::extract::{BoxJson, Origin};
use crate::openapi;
use serde_json::Value;

/// The description of what is served, with this server's own address.
pub(crate) async fn show(Origin(base): Origin) -> Result<BoxJson<Value>, ApiError> {
    openapi::describe(&base).map(BoxJson).map_err(ApiError::internal)
}
