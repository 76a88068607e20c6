//! Query parameters, path ids and the conditional headers of the content operations.
//!
//! Invariant: a parameter that can't be read is refused by its name (`query.limit`), never replaced by a default.

use crate::error::ApiError;
use crate::extract::Query;
use boxwood_api::fields::FieldSelection;
use boxwood_api::reading::{self, Findings};
use boxwood_store::{StoreError, Thing};
use chrono::{DateTime, Utc};
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use serde_json::Value;
use std::str::FromStr;

/// `fields`.
pub(super) fn fields(query: &Query) -> FieldSelection {
    FieldSelection::parse(query.text("fields"))
}

/// An id.
///
/// # Errors
/// Anything that is no id.
pub(super) fn id<T: FromStr>(query: &Query, name: &str) -> Result<Option<T>, ApiError> {
    query
        .text(name)
        .map(|text| {
            text.parse()
                .map_err(|_| query.refuse(name, "must be an id, a string of digits"))
        })
        .transpose()
}

/// A date and time.
///
/// # Errors
/// Anything that is none.
pub(super) fn moment(query: &Query, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
    let read = |text: &str| {
        DateTime::parse_from_rfc3339(text)
            .map(|moment| moment.to_utc())
            .map_err(|_| {
                query.refuse(
                    name,
                    "must be a date and time as in RFC 3339: 2026-11-22T14:50:06Z",
                )
            })
    };
    query.text(name).map(read).transpose()
}

/// One of a fixed set of words; case does not matter.
///
/// # Errors
/// Any other word.
pub(super) fn word<T: Copy>(
    query: &Query,
    name: &str,
    words: &[(&str, T)],
    default: T,
) -> Result<T, ApiError> {
    let Some(text) = query.text(name) else {
        return Ok(default);
    };
    let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    known.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        query.refuse(name, &format!("must be one of {}", words.join(", ")))
    })
}

/// `limit`: at least 1; a larger one than `most` becomes `most`, as Box does, and the answer says so.
///
/// # Errors
/// Zero, or no number.
pub(super) fn limit(query: &Query, default: u32, most: u32) -> Result<u32, ApiError> {
    let limit = query.number("limit", 1..=u64::MAX)?.unwrap_or(u64::from(default));
    Ok(u32::try_from(limit).unwrap_or(most).min(most))
}

/// `offset`: 0 to 300,000, as Box does.
///
/// # Errors
/// Beyond that, or no number.
pub(super) fn offset(query: &Query) -> Result<u64, ApiError> {
    Ok(query.number("offset", 0..=300_000)?.unwrap_or(0))
}

/// An id of the path. What can't be an id names nothing: *not found*, as for any other unknown id.
///
/// # Errors
/// `not_found`.
pub(super) fn path_id<T: FromStr>(thing: Thing, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        StoreError::not_found(thing, shown).into()
    })
}

/// The etag of `If-Match`, without quotes; `*` asks for nothing.
pub(super) fn if_match(headers: &HeaderMap) -> Option<String> {
    etag(headers, &IF_MATCH).filter(|etag| etag != "*")
}

/// Whether the client already has this etag (`If-None-Match`).
pub(super) fn has_already(headers: &HeaderMap, current: &str) -> bool {
    etag(headers, &IF_NONE_MATCH).is_some_and(|known| {
        known == "*"
            || known
                .split(',')
                .any(|one| one.trim().trim_matches('"') == current)
    })
}

fn etag(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    let text = text.strip_prefix("W/").unwrap_or(text);
    Some(text.trim_matches('"').to_owned()).filter(|etag| !etag.is_empty())
}

/// Reads a body by a request struct's own reader, naming every field that is wrong.
pub(super) fn read_body<T>(
    body: &Value,
    read: impl FnOnce(&Value, &mut Findings) -> Option<T>,
) -> Result<T, ApiError> {
    reading::read_body(body, read)
        .map(|(value, _)| value)
        .map_err(ApiError::bad_request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_or_refused() {
        let query = Query::parse("limit=5000&sort=NAME&version=x&zero=0&fields=id%2Cname");
        assert_eq!(limit(&query, 100, 1_000).ok(), Some(1_000));
        assert_eq!(limit(&Query::parse("limit=0"), 100, 1_000).ok(), None);
        assert_eq!(limit(&Query::parse(""), 100, 1_000).ok(), Some(100));
        assert_eq!(offset(&Query::parse("offset=300001")).ok(), None);
        assert_eq!(word(&query, "sort", &[("id", 1), ("name", 2)], 0).ok(), Some(2));
        assert_eq!(word(&query, "fields", &[("id", 1)], 0).ok(), None);
        assert_eq!(word(&query, "absent", &[("id", 1)], 0).ok(), Some(0));
        assert!(id::<boxwood_core::FileId>(&query, "version").is_err());
        assert!(moment(&query, "version").is_err());
        let from = moment(&Query::parse("from=2026-11-22T14:50:06-08:00"), "from").ok();
        assert_eq!(from.flatten().map(|from| from.timestamp()), Some(1_795_387_806));
        assert_eq!(id::<boxwood_core::FileId>(&query, "absent").ok(), Some(None));
        assert!(fields(&query).names("name"));
        assert!(path_id::<boxwood_core::FileId>(Thing::File, "../1").is_err());
    }

    #[test]
    fn etags_are_read_with_and_without_quotes() {
        for (sent, expected) in [
            ("3", Some("3")),
            ("\"3\"", Some("3")),
            ("W/\"3\"", Some("3")),
            ("*", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, sent.parse().unwrap());
            assert_eq!(if_match(&headers).as_deref(), expected, "{sent:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, "\"1\", \"3\"".parse().unwrap());
        assert!(has_already(&headers, "3"));
        assert!(!has_already(&headers, "2"));
    }
}
