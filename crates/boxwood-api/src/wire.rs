//! Small helpers that several wire structs share: ids that may come as numbers, `null` told apart from absent, dates.
//!
//! Called by this crate's request and response structs only.

use crate::error::Reason;
use crate::reading::{Findings, Reader};
use boxwood_core::FolderId;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt::Display;
use std::str::FromStr;

/// An id of a request's object. Box's are strings, but its own SDK tests send a number in one place: both are read.
pub fn id<T>(reader: &mut Reader<'_>, name: &'static str, findings: &mut Findings) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    let text = match reader.value(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        other => {
            let message = format!("must be an id, a string of digits, not {other}");
            findings.refuse(Reason::WrongType, reader.path_of(name), message);
            return None;
        }
    };
    parsed(&text, reader.path_of(name), findings)
}

/// As [`id`], for an id that must be there.
pub fn required_id<T>(reader: &mut Reader<'_>, name: &'static str, findings: &mut Findings) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    reader.required(name, findings)?;
    id(reader, name, findings)
}

fn parsed<T>(text: &str, path: String, findings: &mut Findings) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    match text.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            findings.refuse(Reason::InvalidParameter, path, error.to_string());
            None
        }
    }
}

/// `parent.id` of a request; `None` where there is no parent.
pub fn parent(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<FolderId> {
    let mut parent = reader.child("parent", findings)?;
    let folder = required_id(&mut parent, "id", findings);
    parent.close(findings);
    folder
}

/// As [`parent`], for a parent that must be there.
pub fn required_parent(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<FolderId> {
    reader.required("parent", findings)?;
    parent(reader, findings)
}

/// A moment of a request, RFC 3339.
pub fn moment(reader: &mut Reader<'_>, name: &'static str, findings: &mut Findings) -> Option<DateTime<Utc>> {
    let text = reader.text(name, findings)?;
    match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => Some(moment.to_utc()),
        Err(_) => {
            let message = "must be a date and time as in RFC 3339: 2026-11-22T14:50:06Z";
            findings.refuse(Reason::InvalidParameter, reader.path_of(name), message);
            None
        }
    }
}

/// Text of at most so many characters.
pub fn bounded_text(
    reader: &mut Reader<'_>,
    name: &'static str,
    most: usize,
    findings: &mut Findings,
) -> Option<String> {
    let text = reader.text(name, findings)?;
    let length = text.chars().count();
    if length > most {
        let message = format!("must have at most {most} characters, not {length}");
        findings.refuse(Reason::TooLong, reader.path_of(name), message);
        return None;
    }
    Some(text.to_owned())
}

/// Tags: a list of words.
pub fn tags(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    let path = reader.path_of("tags");
    let entries = reader.array("tags", findings)?;
    let mut tags = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match entry.as_str() {
            Some(tag) => tags.push(tag.to_owned()),
            None => findings.refuse(Reason::WrongType, format!("{path}[{index}]"), "must be a string"),
        }
    }
    Some(tags)
}

/// Whether a member of the body is there and `null`: take it away, where an absent member means "leave it".
pub fn is_null(body: &Value, name: &str) -> bool {
    body.get(name).is_some_and(Value::is_null)
}

/// Refuses members of the Box API that Boxwood does not serve, so that nobody believes they had an effect.
pub fn refuse_unserved(reader: &mut Reader<'_>, names: &[&'static str], findings: &mut Findings) {
    for name in names {
        if reader.value(name).is_some() {
            let message = format!("`{name}` is not served by Boxwood; leave it out");
            findings.refuse(Reason::NotServed, reader.path_of(name), message);
        }
    }
}

/// A moment as Box writes it: whole seconds with the offset in digits (`2026-11-22T14:50:06+00:00`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, false))
    }
}

/// How the entries of a page are ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The field.
    pub by: String,
    /// `ASC` or `DESC`.
    pub direction: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(body: Value, expected: Result<Option<&str>, &str>) {
        let mut findings = Findings::default();
        let mut reader = Reader::object(&body, "", &mut findings).unwrap();
        let folder = parent(&mut reader, &mut findings);
        let found = match findings.errors.first() {
            Some(error) => Err(error.name.as_str()),
            None => Ok(folder.as_ref().map(FolderId::as_str)),
        };
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn parents_are_ids_as_text_or_number() {
        check(json!({"parent": {"id": "12"}}), Ok(Some("12")));
        check(json!({"parent": {"id": 12}}), Ok(Some("12")));
        check(json!({}), Ok(None));
        check(json!({"parent": null}), Ok(None));
        check(json!({"parent": {}}), Err("parent.id"));
        check(json!({"parent": {"id": -1}}), Err("parent.id"));
        check(json!({"parent": {"id": "../1"}}), Err("parent.id"));
        check(json!({"parent": "12"}), Err("parent"));
    }

    #[test]
    fn moments_have_whole_seconds_and_an_offset() {
        let moment = DateTime::parse_from_rfc3339("2026-11-22T14:50:06.75Z")
            .ok()
            .map(|m| Moment(m.to_utc()));
        assert_eq!(
            serde_json::to_string(&moment).ok().as_deref(),
            Some("\"2026-11-22T14:50:06+00:00\"")
        );
    }
}
