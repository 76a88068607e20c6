//! Refused metadata → code and field: one match. Box has a code for each of these.

use super::ApiError;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_store::metadata::MetadataError;

impl From<MetadataError> for ApiError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Invalid { field, reason } => Self::field(Reason::InvalidParameter, field, reason),
            MetadataError::InvalidValue { field, reason } => {
                named(ErrorCode::SchemaValidationFailed, &field, &reason)
            }
            MetadataError::PatchFailed { field, reason } => {
                named(ErrorCode::FailedJsonPatch, &field, &reason)
            }
            MetadataError::InvalidQuery { position, reason } => named(
                ErrorCode::InvalidQuery,
                "query",
                &format!("is wrong at character {position}: {reason}"),
            ),
            MetadataError::InvalidArgument { name, reason } => named(
                ErrorCode::UnexpectedJsonType,
                &format!("query_params.{name}"),
                &reason,
            ),
        }
    }
}

fn named(code: ErrorCode, field: &str, reason: &str) -> ApiError {
    ApiError::new(code, format!("`{field}` {reason}.")).with_error(FieldError::new(
        Reason::InvalidParameter,
        field,
        reason,
    ))
}
