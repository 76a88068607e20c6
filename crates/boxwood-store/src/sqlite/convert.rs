//! Between SQL values and ours: errors, times, numbers, JSON.

use crate::error::{StoreError, Thing};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::path::PathBuf;

/// SQLite's primary result code for a full disk.
const SQLITE_FULL: i32 = 13;

/// Says what was being done when the database failed.
pub(super) trait Doing<T> {
    /// Turns the driver's error into ours.
    fn doing(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, sqlx::Error> {
    fn doing(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| {
            let code = error
                .as_database_error()
                .and_then(|error| error.code()?.parse::<i32>().ok());
            if code.is_some_and(|code| code & 0xff == SQLITE_FULL) {
                return StoreError::NoSpace {
                    path: PathBuf::from("the data folder"),
                };
            }
            StoreError::Database {
                action,
                source: Box::new(error),
            }
        })
    }
}

/// Reads a column by name.
pub(super) fn column<'r, T>(row: &'r SqliteRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(name).doing("read a column")
}

/// An id as the number that rows hold; what is not a number that a row can have is not found.
pub(super) fn number(id: impl AsRef<str>, thing: Thing) -> Result<i64, StoreError> {
    id.as_ref()
        .parse()
        .map_err(|_| StoreError::not_found(thing, id.as_ref()))
}

/// A number of a row as an id's number. Rows never hold negative ids or sizes.
pub(super) fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| damaged("a negative number"))
}

/// A size or count as a row holds it.
pub(super) fn signed(value: u64, field: &'static str) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::InvalidValue {
        field,
        reason: "it is larger than 2^63 - 1".into(),
    })
}

/// Milliseconds of a row as a time.
pub(super) fn time(milliseconds: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_millis(milliseconds).ok_or_else(|| damaged("a time out of range"))
}

/// A column with JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged {
        what: format!("JSON of a row: {error}"),
    })
}

/// A value as JSON for a column.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged {
        what: format!("a value can't be written as JSON: {error}"),
    })
}

pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged {
        what: what.to_owned(),
    }
}
