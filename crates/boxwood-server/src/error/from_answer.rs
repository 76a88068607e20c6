//! Errors of the answer pipeline → status, code, public words: one match.

use super::ApiError;
use super::from_store::sentence;
use boxwood_answer::AnswerError;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::ModelError;
use boxwood_models::ResolveError;

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        let words = sentence(&error.to_string());
        match error {
            AnswerError::Unreadable { item, code, .. } => bad_item(item, unreadable(&code), words),
            AnswerError::ReadFailed { .. } => Self::new(ErrorCode::Unavailable, words).caused_by(error),
            AnswerError::NoText { item, .. } => bad_item(item, Reason::NoText, words),
            AnswerError::Model { field, source } => model_name(&field, words, &source),
            AnswerError::Agent { field, message } => Self::field(Reason::InvalidParameter, field, message),
            AnswerError::Generation(source) => model_failure(source),
            AnswerError::Unusable { .. } => Self::new(ErrorCode::BadGateway, words).caused_by(error),
            AnswerError::Store(source) => source.into(),
            AnswerError::DeadlinePassed { .. } => Self::new(ErrorCode::GatewayTimeout, words),
            AnswerError::Cancelled => Self::new(ErrorCode::Unavailable, "The question was cancelled."),
        }
    }
}

/// Why there was no answer, in one word, for events.
pub(crate) fn cause(error: &AnswerError) -> &'static str {
    match error {
        AnswerError::Unreadable { .. } => "unreadable_file",
        AnswerError::ReadFailed { .. } => "reading_failed",
        AnswerError::NoText { .. } => "no_text",
        AnswerError::Model { .. } => "model_not_available",
        AnswerError::Agent { .. } => "wrong_agent",
        AnswerError::Generation(ModelError::BudgetExceeded { .. }) => "budget_exceeded",
        AnswerError::Generation(_) => "model_failed",
        AnswerError::Unusable { .. } => "unusable_output",
        AnswerError::Store(_) => "store_failed",
        AnswerError::DeadlinePassed { .. } => "deadline_passed",
        AnswerError::Cancelled => "cancelled",
    }
}

fn bad_item(item: usize, reason: Reason, words: String) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, words.clone()).with_error(FieldError::new(
        reason,
        format!("items[{item}]"),
        words,
    ))
}

/// The reason for the library's code.
fn unreadable(code: &str) -> Reason {
    match code {
        "unsupported" => Reason::UnsupportedFormat,
        "encrypted" => Reason::EncryptedFile,
        "empty" => Reason::EmptyFile,
        "limit_reached" => Reason::FileLimitReached,
        // `damaged`, and a parser that died over the file.
        _ => Reason::DamagedFile,
    }
}

fn model_name(field: &str, words: String, source: &ResolveError) -> ApiError {
    let reason = match source {
        ResolveError::Unknown { .. } => Reason::UnknownModel,
        ResolveError::NotBound { .. } | ResolveError::NotInstalled { .. } => Reason::ModelNotBound,
        ResolveError::WrongPurpose { .. } => Reason::InvalidParameter,
        ResolveError::NoModel => return ApiError::new(ErrorCode::Unavailable, words),
    };
    ApiError::new(ErrorCode::BadRequest, words).with_error(FieldError::new(reason, field, source.to_string()))
}

fn model_failure(source: ModelError) -> ApiError {
    let words = sentence(&source.to_string());
    match source {
        ModelError::ContextTooLong { .. } => ApiError::new(ErrorCode::BadRequest, words.clone())
            .with_error(FieldError::new(Reason::ContextTooLong, "items", words)),
        ModelError::Overloaded { retry_after, .. } => {
            ApiError::new(ErrorCode::TooManyRequests, words.clone())
                .with_error(FieldError::new(Reason::Overloaded, "", words))
                .with_retry_after(retry_after)
        }
        ModelError::BudgetExceeded { .. } => ApiError::new(ErrorCode::Forbidden, words.clone())
            .with_error(FieldError::new(Reason::BudgetExceeded, "", words)),
        ModelError::Refused { .. } => ApiError::new(ErrorCode::BadGateway, words.clone())
            .with_error(FieldError::new(Reason::ModelRefused, "ai_agent", words)),
        ModelError::Unavailable { .. } => ApiError::new(ErrorCode::Unavailable, words),
        ModelError::Failed { .. } => ApiError::new(ErrorCode::BadGateway, words).caused_by(source),
        ModelError::Cancelled => ApiError::new(ErrorCode::Unavailable, "The question was cancelled."),
        ModelError::SchemaUnsupported { .. } => ApiError::new(ErrorCode::BadRequest, words.clone())
            .with_error(FieldError::new(Reason::InvalidParameter, "", words)),
        ModelError::Unsupported { .. } => ApiError::new(ErrorCode::BadRequest, words),
    }
}
