//! OAuth's own shape of errors, and store errors turned into it.

use crate::auth::Subject;
use crate::error::ApiError;
use axum::response::{IntoResponse, Response};
use boxwood_api::oauth::{OAuthErrorBody, OAuthErrorCode};
use boxwood_store::StoreError;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// A refusal of the token operations.
#[derive(Debug)]
pub(crate) struct OAuthFailure {
    code: OAuthErrorCode,
    message: String,
    source: Option<StoreError>,
}

impl OAuthFailure {
    pub(crate) fn new(code: OAuthErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, format!("{field} is required"))
    }

    pub(super) fn wrong_client() -> Self {
        Self::new(
            OAuthErrorCode::InvalidClient,
            "The client credentials are not valid",
        )
    }

    pub(super) fn wrong_subject(subject: Subject) -> Self {
        let message = match subject {
            Subject::Enterprise => "the subject must be the enterprise of the application",
            Subject::User => "the subject must be an active user of the application's enterprise",
        };
        Self::new(OAuthErrorCode::InvalidGrant, message)
    }
}

impl From<StoreError> for OAuthFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InvalidGrant(reason) => Self::new(
                OAuthErrorCode::InvalidGrant,
                format!("the code or token is not valid: {reason}"),
            ),
            StoreError::NotFound { .. } => Self::new(
                OAuthErrorCode::InvalidGrant,
                "the user or the token behind this grant is not active",
            ),
            other => {
                let message = "the server failed; its log has the cause";
                Self {
                    source: Some(other),
                    ..Self::new(OAuthErrorCode::ServerError, message)
                }
            }
        }
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        if let Some(source) = self.source {
            // The usual layer logs it and makes Box's error object of it; OAuth clients read the status.
            return ApiError::internal(source).into_response();
        }
        let (error, status) = self.code.row();
        let body = OAuthErrorBody {
            error,
            error_description: self.message,
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        (status, headers, serde_json::to_vec(&body).unwrap_or_default()).into_response()
    }
}
