//! Why metadata is refused, with the field's path as the wire names it.
//!
//! Invariant: a reason continues the sentence "`field` …", so that the server can put it into its error object.

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A template, an operation on one, or a taxonomy breaks a rule.
    #[error("`{field}` {reason}")]
    Invalid {
        /// `fields[2].key`, `[0].data.displayName`.
        field: String,
        /// "must be …".
        reason: String,
    },
    /// A value of an instance does not fit its template.
    #[error("`{field}` {reason}")]
    InvalidValue {
        /// The field's key.
        field: String,
        /// "must be …".
        reason: String,
    },
    /// A JSON Patch can't be applied: a test failed, or a path leads nowhere. Nothing was changed.
    #[error("`{field}` {reason}")]
    PatchFailed {
        /// `[1].path`.
        field: String,
        /// "names a value that is not there".
        reason: String,
    },
    /// The text of a query is wrong.
    #[error("the query is wrong at character {position}: {reason}")]
    InvalidQuery {
        /// From 1.
        position: usize,
        /// What is wrong there and what would fit.
        reason: String,
    },
    /// An argument of a query is missing or of another type than the field that it is compared with.
    #[error("the argument `:{name}` {reason}")]
    InvalidArgument {
        /// Without the colon.
        name: String,
        /// "must be …".
        reason: String,
    },
}

impl MetadataError {
    /// A rule of templates or taxonomies is broken.
    pub fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// A value does not fit.
    pub fn value(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidValue {
            field: field.into(),
            reason: reason.into(),
        }
    }
}
