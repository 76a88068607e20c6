//! What part of a content a client asks for: `Range`, `If-Range`, `If-None-Match`.
//!
//! One range is served; a request for several gets the whole content, which the protocol allows.

use http::HeaderMap;
use http::header::{HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use std::ops::Range;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything.
    Whole,
    /// These bytes; never empty, never beyond the end.
    Part(Range<u64>),
    /// The client has it already (304).
    Nothing,
    /// Nothing of it exists (416).
    Outside,
}

/// Reads the headers for a content of this etag (with quotes) and size.
pub(super) fn requested(headers: &HeaderMap, etag: &str, size: u64) -> Asked {
    if text(headers, &IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|one| one.trim() == etag)) {
        return Asked::Nothing;
    }
    let is_current = text(headers, &IF_RANGE).is_none_or(|known| known.trim() == etag);
    match text(headers, &RANGE).filter(|_| is_current) {
        None => Asked::Whole,
        Some(range) => part(range, size),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn part(range: &str, size: u64) -> Asked {
    let Some((first, last)) = range
        .trim()
        .strip_prefix("bytes=")
        .and_then(|places| places.split_once('-'))
    else {
        return Asked::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let bounds = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Asked::Whole,
    };
    if bounds.start < bounds.end {
        Asked::Part(bounds)
    } else {
        Asked::Outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sent: &[(HeaderName, &str)], expected: Asked) {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(name, value.parse().unwrap());
        }
        assert_eq!(requested(&headers, "\"e\"", 10), expected, "{sent:?}");
    }

    #[test]
    fn ranges_are_cut_to_the_content() {
        check(&[], Asked::Whole);
        check(&[(RANGE, "bytes=2-4")], Asked::Part(2..5));
        check(&[(RANGE, "bytes=2-")], Asked::Part(2..10));
        check(&[(RANGE, "bytes=-3")], Asked::Part(7..10));
        check(&[(RANGE, "bytes=-30")], Asked::Part(0..10));
        check(&[(RANGE, "bytes=8-99")], Asked::Part(8..10));
        check(&[(RANGE, "bytes=10-")], Asked::Outside);
        check(&[(RANGE, "bytes=-0")], Asked::Outside);
        check(&[(RANGE, "bytes=4-2")], Asked::Whole);
        check(&[(RANGE, "bytes=0-1,4-5")], Asked::Whole);
        check(&[(RANGE, "lines=0-1")], Asked::Whole);
    }

    #[test]
    fn conditions_are_kept() {
        check(&[(RANGE, "bytes=2-4"), (IF_RANGE, "\"e\"")], Asked::Part(2..5));
        check(&[(RANGE, "bytes=2-4"), (IF_RANGE, "\"old\"")], Asked::Whole);
        check(&[(IF_NONE_MATCH, "\"x\", \"e\"")], Asked::Nothing);
        check(&[(IF_NONE_MATCH, "\"x\"")], Asked::Whole);
    }
}
