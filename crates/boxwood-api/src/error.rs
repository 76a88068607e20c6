//! The error object of the Box API, the table of codes and the table of reasons.
//!
//! Invariants: a code has one status; every code and reason is explained in `docs/errors.md` (a test holds it). The
//! `code` stays one that Box uses, so that its clients recognise it; what exactly is wrong is the `reason` of each entry
//! in `context_info.errors`. Called by `boxwood-server/error.rs` only.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

/// One row of [`ErrorCode::TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct ErrorRow {
    /// The code.
    pub code: ErrorCode,
    /// `code` on the wire.
    pub wire: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $status:literal, $retryable:literal;)*) => {
        /// What kind of refusal or failure an answer is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code: the one table from which statuses and `docs/errors.md` follow.
            pub const TABLE: &'static [ErrorRow] = &[
                $(ErrorRow { code: ErrorCode::$name, wire: $wire, status: $status, retryable: $retryable },)*
            ];

            /// The code's row.
            pub const fn row(self) -> ErrorRow {
                match self {
                    $(Self::$name => ErrorRow { code: self, wire: $wire, status: $status, retryable: $retryable },)*
                }
            }
        }
    };
}

error_codes! {
    /// The request is wrong; `context_info.errors` names the fields.
    BadRequest = "bad_request", 400, false;
    /// A name holds characters that names may not hold.
    ItemNameInvalid = "item_name_invalid", 400, false;
    /// A name is longer than 255 characters.
    ItemNameTooLong = "item_name_too_long", 400, false;
    /// The folder holds items and `recursive` was not set.
    FolderNotEmpty = "folder_not_empty", 400, false;
    /// The user or group was invited to the item already.
    UserAlreadyCollaborator = "user_already_collaborator", 400, false;
    /// No thumbnail has the size that was asked for.
    RequestedPreviewUnavailable = "requested_preview_unavailable", 400, false;
    /// No token, or one that is not valid (any more).
    Unauthorized = "unauthorized", 401, false;
    /// Not allowed, whoever asks.
    Forbidden = "forbidden", 403, false;
    /// The user may not do that with this item.
    AccessDenied = "access_denied_insufficient_permissions", 403, false;
    /// The token lacks a scope.
    InsufficientScope = "insufficient_scope", 403, false;
    /// The account's own limit of bytes is reached.
    StorageLimitExceeded = "storage_limit_exceeded", 403, false;
    /// A value of metadata does not fit its template; `context_info.errors` names the fields.
    SchemaValidationFailed = "schema_validation_failed", 400, false;
    /// The text of a metadata query is wrong, or its template can't be asked.
    InvalidQuery = "invalid_query", 400, false;
    /// An argument of a metadata query is missing or has another type than its field.
    UnexpectedJsonType = "unexpected_json_type", 400, false;
    /// Nothing there, or nothing that the token may see.
    NotFound = "not_found", 404, false;
    /// The item has no metadata of that template.
    InstanceNotFound = "instance_not_found", 404, false;
    /// There is no such metadata template.
    InstanceTupleNotFound = "instance_tuple_not_found", 404, false;
    /// The item is in the trash.
    Trashed = "trashed", 404, false;
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, false;
    /// The state does not allow it.
    Conflict = "conflict", 409, false;
    /// A template, a taxonomy or an item's metadata with that key exists already.
    TupleAlreadyExists = "tuple_already_exists", 409, false;
    /// A test of a JSON Patch failed, or one of its paths leads nowhere; nothing was changed.
    FailedJsonPatch = "failed_json_patch_application", 409, false;
    /// The name is taken in that folder.
    ItemNameInUse = "item_name_in_use", 409, false;
    /// The `If-Match` condition does not hold.
    PreconditionFailed = "precondition_failed", 412, false;
    /// The body is larger than this operation takes.
    TooLarge = "request_entity_too_large", 413, false;
    /// The body is in a format that this operation does not read.
    UnsupportedMediaType = "unsupported_media_type", 415, false;
    /// The `Range` lies outside the content.
    RangeNotSatisfiable = "range_not_satisfiable", 416, false;
    /// Too much at once; `Retry-After` says when to try again.
    TooManyRequests = "rate_limit_exceeded", 429, true;
    /// Our own failure; the log has the cause under the request id.
    InternalServerError = "internal_server_error", 500, true;
    /// An operation of the Box API that Boxwood does not serve.
    NotImplemented = "not_implemented", 501, false;
    /// The host of a model failed.
    BadGateway = "bad_gateway", 502, true;
    /// Can't serve at the moment: stopping, starting, or a model that is not there.
    Unavailable = "unavailable", 503, true;
    /// Not ready within the time limit.
    GatewayTimeout = "gateway_timeout", 504, true;
    /// The disk is full.
    InsufficientStorage = "insufficient_storage", 507, true;
}

impl ErrorCode {
    /// `code` on the wire.
    pub const fn as_str(self) -> &'static str {
        self.row().wire
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The address of the explanation in the project's documentation.
    pub fn help_url(self) -> String {
        format!("{HELP_BASE}#{}", self.as_str())
    }
}

/// Where the project's explanation of errors is served by the server itself.
pub const HELP_BASE: &str = "/docs/errors";

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        /// What exactly is wrong: `reason` of an entry in `context_info.errors`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason with its name on the wire.
            pub const TABLE: &'static [(Reason, &'static str)] = &[$((Reason::$name, $wire),)*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $wire,)*
                }
            }
        }
    };
}

reasons! {
    /// The body is no JSON, or no form, or no multipart.
    Malformed = "malformed";
    /// A needed field is absent.
    MissingParameter = "missing_parameter";
    /// The value has another type than the field.
    WrongType = "wrong_type";
    /// The value is not one that the field takes.
    InvalidParameter = "invalid_parameter";
    /// The name of a field is not known.
    UnknownField = "unknown_field";
    /// Outside the numbers that the field takes.
    OutOfRange = "out_of_range";
    /// More characters or entries than the field takes.
    TooLong = "too_long";
    /// Fewer characters or entries than the field takes.
    TooShort = "too_short";
    /// The same entry twice.
    NotUnique = "not_unique";
    /// A template without a placeholder that it needs.
    MissingPlaceholder = "missing_placeholder";
    /// Fields that exclude each other.
    Contradiction = "contradiction";
    /// A part of the Box API that Boxwood does not serve yet.
    NotServed = "not_served";
    /// The token lacks a scope.
    InsufficientScope = "insufficient_scope";
    /// Nothing there, or nothing that the token may see.
    NotFound = "not_found";
    /// The item is in the trash.
    Trashed = "trashed";
    /// The agent, or what it would have to do, is disabled.
    Disabled = "disabled";
    /// The agent is for selected users, and the caller is none of them.
    NotAllowed = "not_allowed";
    /// The name is taken.
    NameInUse = "item_name_in_use";
    /// The file is in a format that can't be read.
    UnsupportedFormat = "unsupported_format";
    /// The file is encrypted and needs a password.
    EncryptedFile = "encrypted_file";
    /// The file has no bytes.
    EmptyFile = "empty_file";
    /// The file breaks its format.
    DamagedFile = "damaged_file";
    /// Reading the file took more time, memory, pages or text than allowed.
    FileLimitReached = "file_limit_reached";
    /// The file holds no text that could be read.
    NoText = "no_text";
    /// The model's name is not known.
    UnknownModel = "unknown_model";
    /// The model is known, but nothing is bound that may serve it.
    ModelNotBound = "model_not_bound";
    /// The prompt does not fit the model.
    ContextTooLong = "context_too_long";
    /// The model's host refused the request.
    ModelRefused = "model_refused";
    /// A budget would be exceeded.
    BudgetExceeded = "budget_exceeded";
    /// The engine's queue is full.
    Overloaded = "overloaded";
}

/// One entry of `context_info.errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// What is wrong, from [`Reason::TABLE`].
    #[serde(serialize_with = "reason_name")]
    pub reason: Reason,
    /// The field's path: `items[2].id`, `query.mode`, `header.authorization`; empty for the body as a whole.
    pub name: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl FieldError {
    /// An entry.
    pub fn new(reason: Reason, name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            reason,
            name: name.into(),
            message: message.into(),
        }
    }
}

fn reason_name<S: serde::Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.as_str())
}

/// The body of every refusal and failure under `/2.0`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClientError {
    /// Always `error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The HTTP status again.
    pub status: u16,
    /// From [`ErrorCode::TABLE`].
    pub code: &'static str,
    /// One sentence for a person.
    pub message: String,
    /// `{"errors": [FieldError…], …}`.
    pub context_info: Map<String, Value>,
    /// Where the code is explained.
    pub help_url: String,
    /// What the log calls this request; also the header `box-request-id`.
    pub request_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn wire_names_are_unique_and_statuses_valid() {
        let codes: HashSet<_> = ErrorCode::TABLE.iter().map(|row| row.wire).collect();
        assert_eq!(codes.len(), ErrorCode::TABLE.len());
        let reasons: HashSet<_> = Reason::TABLE.iter().map(|(_, name)| name).collect();
        assert_eq!(reasons.len(), Reason::TABLE.len());
        for row in ErrorCode::TABLE {
            assert_eq!(row.code.status().as_u16(), row.status, "{}", row.wire);
            assert!((400..=599).contains(&row.status), "{}", row.wire);
        }
    }

    #[test]
    fn every_code_and_reason_is_documented() {
        let text = include_str!("../../../docs/errors.md");
        for row in ErrorCode::TABLE {
            let line = format!(
                "| `{}` | {} | {} |",
                row.wire,
                row.status,
                if row.retryable { "yes" } else { "no" }
            );
            assert!(
                text.contains(&line),
                "docs/errors.md lacks the row that begins {line}"
            );
        }
        for (_, name) in Reason::TABLE {
            assert!(
                text.contains(&format!("| `{name}` |")),
                "docs/errors.md lacks the reason {name}"
            );
        }
    }
}
