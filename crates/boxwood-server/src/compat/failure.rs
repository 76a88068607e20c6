//! Failures of this API: one way from each error of the core to OpenAI's error object.
//!
//! Invariant: internal context goes to the log, once, never into a body.

use crate::error::ApiError;
use axum::Json;
use axum::response::{IntoResponse, Response};
use boxwood_api::ErrorCode;
use boxwood_api::openai::{Dialect, OpenAiError};
use boxwood_core::ModelError;
use boxwood_models::ResolveError;
use boxwood_store::StoreError;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, Method, StatusCode};

/// The code of a budget that is used up.
const INSUFFICIENT_QUOTA: &str = "insufficient_quota";

/// A failure on its way to the client.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: OpenAiError,
    pub(crate) dialect: Dialect,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.error.body(self.dialect))).into_response();
        let headers = response.headers_mut();
        if self.error.code == Some(INSUFFICIENT_QUOTA) {
            // Official clients would try again at once.
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if let Some(after) = self.error.retry_after {
            let milliseconds = after.as_millis().max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(milliseconds)));
            if let Ok(value) = HeaderValue::try_from(milliseconds.to_string()) {
                headers.insert(HeaderName::from_static("retry-after-ms"), value);
            }
        }
        response
    }
}

fn whole_seconds(milliseconds: u128) -> u64 {
    u64::try_from(milliseconds.div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// No address of this API.
pub(crate) fn no_path(dialect: Dialect, method: &Method, path: &str) -> OpenAiError {
    match dialect {
        Dialect::Azure => resource_not_found(),
        Dialect::OpenAi => OpenAiError::failure(
            404,
            "invalid_request_error",
            None,
            format!("Invalid URL ({method} {})", shown(path)),
        ),
    }
}

/// An address that does not take this method. Azure's gateway knows an operation by both, so there it is no address.
pub(crate) fn no_method(dialect: Dialect, method: &Method, path: &str) -> OpenAiError {
    match dialect {
        Dialect::Azure => resource_not_found(),
        Dialect::OpenAi => OpenAiError::failure(
            405,
            "invalid_request_error",
            None,
            format!(
                "Not allowed to {method} on {}. (HINT: Perhaps you meant to use a different HTTP method?)",
                shown(path)
            ),
        ),
    }
}

/// What Azure's gateway answers for what it does not know.
pub(crate) fn resource_not_found() -> OpenAiError {
    OpenAiError {
        azure_code: Some("404"),
        ..OpenAiError::failure(404, "invalid_request_error", None, "Resource not found")
    }
}

fn shown(path: &str) -> String {
    path.chars().take(200).collect()
}

/// An error of the server's own kind, such as of a token or a body that is too large.
pub(crate) fn of_api(error: &ApiError) -> OpenAiError {
    let row = error.code().row();
    let message = error.body("", "").message;
    let (kind, code, azure_code) = match row.status {
        401 => ("invalid_request_error", Some("invalid_api_key"), Some("401")),
        403 => ("invalid_request_error", Some("insufficient_permissions"), None),
        404 => ("invalid_request_error", None, Some("404")),
        429 => ("requests", Some("rate_limit_exceeded"), Some("429")),
        status if status >= 500 => ("server_error", None, None),
        _ => ("invalid_request_error", None, None),
    };
    OpenAiError {
        azure_code,
        retry_after: error.retry_after_seconds().map(std::time::Duration::from_secs),
        ..OpenAiError::failure(row.status, kind, code, message)
    }
}

/// A failure of the store that is about no item.
pub(crate) fn of_store(error: StoreError) -> OpenAiError {
    tracing::error!(%error, "the store failed");
    of_api(&ApiError::new(
        ErrorCode::InternalServerError,
        "The server failed. The log has the cause.",
    ))
}

/// A name that no model answers to.
pub(crate) fn of_name(name: &str, error: &ResolveError) -> OpenAiError {
    match error {
        ResolveError::Unknown { nearest, .. } if nearest.is_empty() => {
            OpenAiError::no_model(name, " GET /v1/models lists all names.")
        }
        ResolveError::Unknown { nearest, .. } => {
            OpenAiError::no_model(name, &format!(" Did you mean {}?", nearest.join(", ")))
        }
        ResolveError::NotBound { .. } | ResolveError::NotInstalled { .. } => OpenAiError {
            message: sentence(&error.to_string()),
            ..OpenAiError::no_model(name, "")
        },
        ResolveError::NoModel => {
            OpenAiError::failure(503, "server_error", None, sentence(&error.to_string()))
        }
        ResolveError::WrongPurpose { .. } => OpenAiError {
            azure_code: Some("OperationNotSupported"),
            ..OpenAiError::invalid("model", Some("model_not_supported"), sentence(&error.to_string()))
        },
    }
}

/// A failure of a model. `input` is the parameter that holds the conversation.
pub(crate) fn of_model(error: &ModelError, input: &'static str) -> OpenAiError {
    let words = sentence(&error.to_string());
    match error {
        ModelError::ContextTooLong { tokens, limit, .. } => {
            let message = format!(
                "This model's maximum context length is {limit} tokens. However, your messages resulted in {tokens} tokens. Please reduce the length of the messages."
            );
            OpenAiError::invalid(input, Some("context_length_exceeded"), message)
        }
        ModelError::Overloaded { retry_after, .. } => OpenAiError {
            azure_code: Some("429"),
            retry_after: Some(*retry_after),
            ..OpenAiError::failure(429, "requests", Some("rate_limit_exceeded"), words)
        },
        ModelError::Refused { code, .. } if code.as_deref() == Some("content_filter") => {
            OpenAiError::invalid("prompt", Some("content_filter"), words)
        }
        ModelError::Refused {
            status: Some(401 | 403),
            ..
        } => OpenAiError::failure(502, "server_error", None, words),
        ModelError::Refused { .. } => OpenAiError::failure(400, "invalid_request_error", None, words),
        ModelError::Unavailable { .. } => OpenAiError::failure(503, "server_error", None, words),
        ModelError::Failed { .. } => {
            tracing::error!(cause = %error, "a model failed");
            OpenAiError::failure(502, "server_error", None, words)
        }
        ModelError::BudgetExceeded { .. } => OpenAiError {
            azure_code: Some("429"),
            ..OpenAiError::failure(429, "insufficient_quota", Some(INSUFFICIENT_QUOTA), words)
        },
        ModelError::Cancelled => {
            OpenAiError::failure(503, "server_error", None, "The request was cancelled.")
        }
        ModelError::SchemaUnsupported { .. } => OpenAiError::invalid("response_format", None, words),
        ModelError::Unsupported { what, .. } => {
            let param = match *what {
                "call tools" => "tools",
                "keep to a schema" => "response_format",
                _ => input,
            };
            OpenAiError::invalid(param, Some("unsupported_parameter"), words)
        }
    }
}

/// The words with a capital letter at the beginning and a point at the end.
fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let mut sentence: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    sentence.push_str(characters.as_str());
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_full_queue_says_when_to_come_back_in_both_headers() {
        let error = ModelError::Overloaded {
            model: "m".into(),
            retry_after: Duration::from_millis(1_500),
        };
        let failure = Failure {
            error: of_model(&error, "messages"),
            dialect: Dialect::OpenAi,
        };
        let response = failure.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["retry-after-ms"], "1500");
    }

    #[test]
    fn an_unknown_name_has_openai_s_shape_and_the_nearest_names() {
        let error = ResolveError::Unknown {
            name: "x".into(),
            nearest: vec!["azure__openai__gpt_o4_mini".into()],
        };
        let error = of_name("o4_mini", &error);
        assert_eq!((error.status, error.code), (404, Some("model_not_found")));
        assert!(
            error
                .message
                .ends_with("Did you mean azure__openai__gpt_o4_mini?"),
            "{}",
            error.message
        );
    }
}
