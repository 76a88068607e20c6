//! The only way from a failure to a status, a code and public words.
//!
//! Invariants: internal context (`source`) goes to the log, once, and never into a body; an [`ApiError`] is rendered by
//! [`crate::layers::finish_errors`], which knows the request id, so handlers only make values.

use axum::response::{IntoResponse, Response};
use boxwood_api::{ClientError, ErrorCode, FieldError, Reason};
use boxwood_core::Scope;
use serde_json::{Map, Value};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

mod from_answer;
mod from_metadata;
mod from_store;

pub(crate) use from_answer::cause;

/// A refusal or failure on its way to the client.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

/// Boxed, so that the many results that carry no error stay small.
#[derive(Debug, Clone)]
struct Parts {
    code: ErrorCode,
    message: String,
    errors: Vec<FieldError>,
    context: Map<String, Value>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, thiserror::Error)]
#[error("a part of the server panicked: {0}")]
struct Panicked(String);

impl ApiError {
    /// A failure with public words.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            message: message.into(),
            errors: Vec::new(),
            context: Map::new(),
            retry_after: None,
            source: None,
        }))
    }

    /// `bad_request` for a list of fields.
    pub fn bad_request(errors: Vec<FieldError>) -> Self {
        let message = match errors.as_slice() {
            [] => "The request is not valid.".to_owned(),
            [only] if only.name.is_empty() => format!("The body {}.", only.message),
            [only] => format!("`{}` {}.", only.name, only.message),
            [first, rest @ ..] => format!(
                "`{}` {}, and {} more: see context_info.",
                first.name,
                first.message,
                rest.len()
            ),
        };
        let mut error = Self::new(ErrorCode::BadRequest, message);
        error.0.errors = errors;
        error
    }

    /// `bad_request` for one field; `message` continues the sentence "`name` …": "must be a number".
    pub fn field(reason: Reason, name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::bad_request(vec![FieldError::new(reason, name, message)])
    }

    /// 401, with what the client should know about its token.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Unauthorized, message)
    }

    /// 403: one of these scopes is needed.
    pub fn insufficient_scope(any_of: &[Scope]) -> Self {
        let names: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
        let message = format!("The token needs the scope {}.", names.join(" or "));
        Self::new(ErrorCode::InsufficientScope, message.clone()).with_error(FieldError::new(
            Reason::InsufficientScope,
            "header.authorization",
            message,
        ))
    }

    /// 500; the client learns nothing but the request id.
    pub fn internal(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let message = "The server failed. The log has the cause under the request id.";
        Self::new(ErrorCode::InternalServerError, message).caused_by(source)
    }

    /// 500 for a panic that was caught; its words go to the log.
    pub fn panicked(payload: &(dyn Any + Send)) -> Self {
        let words = payload.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| payload.downcast_ref::<&str>().copied());
        Self::internal(Panicked(words.unwrap_or_default().to_owned()))
    }

    /// Adds an entry to `context_info.errors`.
    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// Makes this the only entry of `context_info.errors`.
    #[must_use]
    pub fn with_only_error(mut self, error: FieldError) -> Self {
        self.0.errors = vec![error];
        self
    }

    /// Adds a member to `context_info`: `conflicts`.
    #[must_use]
    pub fn with_context(mut self, name: &str, value: Value) -> Self {
        self.0.context.insert(name.to_owned(), value);
        self
    }

    /// Says when to try again (`Retry-After`, whole seconds, at least 1).
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The cause, for the log.
    pub fn source(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// Whole seconds of `Retry-After`.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after.map(|after| {
            after
                .as_millis()
                .div_ceil(1_000)
                .max(1)
                .try_into()
                .unwrap_or(u64::MAX)
        })
    }

    /// The body; `base` is the server's address as the client knows it.
    pub fn body(&self, request_id: &str, base: &str) -> ClientError {
        let mut context_info = self.0.context.clone();
        if !self.0.errors.is_empty() {
            let errors = serde_json::to_value(&self.0.errors).unwrap_or_default();
            context_info.insert("errors".to_owned(), errors);
        }
        context_info.insert("retryable".to_owned(), Value::Bool(self.0.code.row().retryable));
        ClientError {
            kind: "error",
            status: self.0.code.row().status,
            code: self.0.code.as_str(),
            message: self.0.message.clone(),
            context_info,
            help_url: format!("{base}{}", self.0.code.help_url()),
            request_id: request_id.to_owned(),
        }
    }
}

impl IntoResponse for ApiError {
    /// A response without a body, to be finished by [`crate::layers::finish_errors`].
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
