//! Store errors → status, code, public words: one match.

use super::ApiError;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_store::{DigestKind, Item, StoreError, Thing};
use serde_json::json;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let words = sentence(&error.to_string());
        match error {
            StoreError::NotFound { thing, .. } => Self::new(missing(thing), words.clone())
                .with_error(FieldError::new(Reason::NotFound, "", words)),
            StoreError::Trashed { .. } => Self::new(ErrorCode::Trashed, words.clone())
                .with_error(FieldError::new(Reason::Trashed, "", words)),
            StoreError::Forbidden { .. } | StoreError::Locked { .. } => {
                Self::new(ErrorCode::AccessDenied, words)
            }
            StoreError::NameInUse { conflict } => name_in_use(words, &conflict),
            StoreError::InvalidName { name, reason } => invalid_name(words, &name, reason),
            StoreError::InvalidValue { field, reason } => {
                Self::field(Reason::InvalidParameter, field, reason)
            }
            StoreError::PreconditionFailed { .. } => Self::new(ErrorCode::PreconditionFailed, words),
            StoreError::RootFolder { .. }
            | StoreError::IntoItself { .. }
            | StoreError::CurrentVersion { .. } => Self::new(ErrorCode::BadRequest, words),
            StoreError::FolderNotEmpty { .. } => Self::new(ErrorCode::FolderNotEmpty, words),
            StoreError::LoginInUse { .. } | StoreError::AlreadyMember { .. } => {
                Self::new(ErrorCode::Conflict, words)
            }
            StoreError::GroupNameInUse { .. } => Self::new(ErrorCode::Conflict, words.clone())
                .with_error(FieldError::new(Reason::InvalidParameter, "name", words)),
            StoreError::AlreadyCollaborator => Self::new(ErrorCode::UserAlreadyCollaborator, words),
            StoreError::AlreadyExists { .. } => Self::new(ErrorCode::TupleAlreadyExists, words),
            StoreError::Metadata(error) => error.into(),
            StoreError::TooLarge { .. } => Self::new(ErrorCode::TooLarge, words),
            StoreError::SizeMismatch { .. } => Self::field(Reason::InvalidParameter, "body", words),
            StoreError::DigestMismatch { kind, .. } => {
                let code = match kind {
                    // Box answers a damaged part with 412, so that SDKs send it again.
                    DigestKind::Part => ErrorCode::PreconditionFailed,
                    DigestKind::Whole => ErrorCode::BadRequest,
                };
                Self::new(code, words.clone()).with_error(FieldError::new(
                    Reason::InvalidParameter,
                    "header.digest",
                    words,
                ))
            }
            StoreError::PartOutOfPlace { .. } => {
                Self::field(Reason::OutOfRange, "header.content-range", words)
            }
            StoreError::MissingParts { .. } => Self::field(Reason::MissingParameter, "parts", words),
            StoreError::InvalidGrant(_) => Self::unauthorized(words),
            StoreError::Source { .. } => {
                Self::new(ErrorCode::BadRequest, "The body ended before it was complete.")
            }
            StoreError::NoSpace { .. } => {
                let message = "The server's disk is full; nothing was kept. Its operator must make room.";
                Self::new(ErrorCode::InsufficientStorage, message).caused_by(error)
            }
            StoreError::LeaseLost { .. }
            | StoreError::DataFolderInUse { .. }
            | StoreError::SchemaTooNew { .. }
            | StoreError::Damaged { .. }
            | StoreError::Io { .. }
            | StoreError::Database { .. } => Self::internal(error),
        }
    }
}

/// Box has words of its own for metadata that is not there.
fn missing(thing: Thing) -> ErrorCode {
    match thing {
        Thing::MetadataTemplate => ErrorCode::InstanceTupleNotFound,
        Thing::MetadataInstance | Thing::CascadePolicy => ErrorCode::InstanceNotFound,
        _ => ErrorCode::NotFound,
    }
}

fn name_in_use(words: String, conflict: &Item) -> ApiError {
    let (kind, id) = match conflict {
        Item::File(file) => ("file", file.id.to_string()),
        Item::Folder(folder) => ("folder", folder.id.to_string()),
    };
    // Box names the item that has the name; upload clients read its id to add a version instead.
    ApiError::new(ErrorCode::ItemNameInUse, words.clone())
        .with_error(FieldError::new(Reason::NameInUse, "name", words))
        .with_context(
            "conflicts",
            json!({"type": kind, "id": id, "name": conflict.name()}),
        )
}

fn invalid_name(words: String, name: &str, reason: &str) -> ApiError {
    let code = if name.chars().count() >= 255 {
        ErrorCode::ItemNameTooLong
    } else {
        ErrorCode::ItemNameInvalid
    };
    ApiError::new(code, words).with_error(FieldError::new(Reason::InvalidParameter, "name", reason))
}

/// An error's words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let start = characters
        .next()
        .map(|first| first.to_uppercase().collect::<String>())
        .unwrap_or_default();
    format!("{start}{}.", characters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: StoreError, code: ErrorCode, has_source: bool) {
        let words = error.to_string();
        let refusal = ApiError::from(error);
        assert_eq!(refusal.code(), code, "{words}");
        assert_eq!(refusal.source().is_some(), has_source, "{words}");
    }

    #[test]
    fn inner_failures_keep_their_cause_for_the_log_and_out_of_the_body() {
        let path = std::path::PathBuf::from("/secret/folder");
        check(
            StoreError::NoSpace { path: path.clone() },
            ErrorCode::InsufficientStorage,
            true,
        );
        check(
            StoreError::Damaged { what: "a row".into() },
            ErrorCode::InternalServerError,
            true,
        );
        check(
            StoreError::not_found(Thing::File, "7"),
            ErrorCode::NotFound,
            false,
        );
        check(StoreError::TooLarge { limit: 5 }, ErrorCode::TooLarge, false);
        let body = ApiError::from(StoreError::NoSpace { path }).body("r", "");
        assert!(
            !serde_json::to_string(&body).unwrap().contains("secret"),
            "{body:?}"
        );
    }

    #[test]
    fn sentences_begin_large_and_end_with_a_point() {
        for (words, expected) in [
            ("a b", "A b."),
            ("done.", "Done."),
            ("\u{e9}t\u{e9}", "\u{c9}t\u{e9}."),
            ("", "."),
        ] {
            assert_eq!(sentence(words), expected);
        }
    }
}
