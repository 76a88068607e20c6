//! Who calls, by a bearer token or by a Boxwood token in the header `api-key`, and in which dialect.
//!
//! Invariants: the token goes through the same check as everywhere ([`Authenticated`]), the development token's
//! conditions included; it needs the scope `ai.readwrite`; a token that is limited to one item is refused, because what
//! is sent here is about no item.

use super::dialect_of;
use super::failure::{Failure, of_api, resource_not_found};
use crate::auth::{self, Authenticated, require_any};
use crate::error::ApiError;
use crate::extract::{Query, read_body};
use crate::state::AppState;
use axum::body::Body;
use axum::extract::FromRequestParts;
use boxwood_api::ErrorCode;
use boxwood_api::openai::{Dialect, OpenAiError};
use boxwood_core::{Caller, Principal, Scope};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::Value;

/// A caller whose token may ask models.
#[derive(Debug, Clone)]
pub(crate) struct ModelCaller {
    /// Who asks.
    pub(crate) principal: Principal,
    /// Whose shapes the address speaks.
    pub(crate) dialect: Dialect,
    /// On whose behalf models work, for their meter.
    pub(super) metered: Caller,
}

impl FromRequestParts<AppState> for ModelCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failure> {
        let dialect = dialect_of(parts.uri.path()).unwrap_or(Dialect::OpenAi);
        let failed = |error: OpenAiError| Failure { error, dialect };
        check_version(parts).map_err(failed)?;
        take_api_key(parts);
        let authenticated = Authenticated::from_request_parts(parts, state).await;
        let Authenticated(principal) = authenticated.map_err(|error| failed(of_api(&error)))?;
        allow(&principal).map_err(|error| failed(of_api(&error)))?;
        let metered = auth::caller(parts, &principal, operation_of(parts.uri.path()));
        Ok(Self {
            principal,
            dialect,
            metered,
        })
    }
}

/// What is asked for, as the meter calls it.
fn operation_of(path: &str) -> &'static str {
    if path.ends_with("/chat/completions") {
        "chat_completions"
    } else if path.ends_with("/embeddings") {
        "embeddings"
    } else {
        "responses"
    }
}

/// Azure's clients send their key in a header of its own.
fn take_api_key(parts: &mut Parts) {
    if parts.headers.contains_key(AUTHORIZATION) {
        return;
    }
    let key = parts.headers.get("api-key").and_then(|key| key.to_str().ok());
    let Some(mut value) = key.and_then(|key| HeaderValue::try_from(format!("Bearer {key}")).ok()) else {
        return;
    };
    value.set_sensitive(true);
    parts.headers.insert(AUTHORIZATION, value);
}

fn allow(principal: &Principal) -> Result<(), ApiError> {
    require_any(principal, &[Scope::AiReadwrite])?;
    if principal.resource.is_some() {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "A token that is limited to one item can't be used here. Ask about the item through POST /2.0/ai/ask.",
        ));
    }
    Ok(())
}

/// The older addresses need a version, as at Azure; which one makes no difference here.
fn check_version(parts: &Parts) -> Result<(), OpenAiError> {
    if !parts.uri.path().starts_with("/openai/deployments/") {
        return Ok(());
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let is_version = |text: &str| {
        let date = text.strip_suffix("-preview").unwrap_or(text);
        matches!(text, "latest" | "preview" | "v1")
            || chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok()
    };
    if query.text("api-version").is_some_and(is_version) {
        return Ok(());
    }
    Err(resource_not_found())
}

impl ModelCaller {
    /// A refusal in the caller's dialect.
    pub(crate) fn refuse(&self, error: OpenAiError) -> Failure {
        Failure {
            error,
            dialect: self.dialect,
        }
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// 413, a body that ends early, one that is no JSON.
    pub(crate) async fn json(&self, state: &AppState, body: Body) -> Result<Value, OpenAiError> {
        let bytes = read_body(body, state.settings.limits.ask_body_bytes)
            .await
            .map_err(|error| of_api(&error))?;
        serde_json::from_slice(&bytes).map_err(|_| {
            let message = "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)";
            OpenAiError::failure(400, "invalid_request_error", None, message)
        })
    }
}

/// The name in `model`, unless the address names a deployment.
///
/// # Errors
/// No name.
pub(crate) fn model_name<'a>(body: &'a Value, deployment: Option<&'a str>) -> Result<&'a str, OpenAiError> {
    if let Some(deployment) = deployment {
        return Ok(deployment);
    }
    match body.get("model") {
        None | Some(Value::Null) => Err(OpenAiError::failure(
            400,
            "invalid_request_error",
            None,
            "you must provide a model parameter",
        )),
        Some(Value::String(name)) => Ok(name),
        Some(_) => Err(OpenAiError::invalid(
            "model",
            Some("invalid_type"),
            "Invalid type for 'model': expected a string.",
        )),
    }
}
