//! A JSON body that may be left out: an empty one reads as `{}`.

use crate::error::ApiError;
use crate::extract::{parse_json, read_body};
use crate::state::AppState;
use axum::extract::{FromRequest, Request};
use serde_json::{Value, json};

/// The body of an operation whose members are all optional.
#[derive(Debug, Clone)]
pub(crate) struct OptionalJson(pub Value);

impl FromRequest<AppState> for OptionalJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let bytes = read_body(request.into_body(), state.settings.limits.json_body_bytes).await?;
        let value = if bytes.iter().all(u8::is_ascii_whitespace) {
            json!({})
        } else {
            parse_json(&bytes)?
        };
        // SDKs write `null` for a body without members.
        Ok(Self(if value.is_null() { json!({}) } else { value }))
    }
}
