//! A value whose room runs out is brought to its end, so that it is whole.
//!
//! Nearest to the end is the token that closes the most: what is open is closed where the schema allows it, and what it
//! still demands is filled in as shortly as it allows. Invariant: only ranks tokens, the grammar decides which may come.
//! Called by [`super::Grammar`].

use super::place::{Place, Scanner, is_of_number};

/// Tokens that closing takes beside those for what is open.
const TOKENS_TO_CLOSE: usize = 48;
/// Tokens for each open object or array: it may demand further keys.
const TOKENS_OF_EACH: usize = 6;
/// Of a limit, at most this part is kept for closing.
const LARGEST_PART: usize = 4;

/// Rank of a token that leaves a string open.
pub(super) const IN_TEXT: Rank = 7;

/// How far a token leads away from the end; the least is the best.
pub(super) type Rank = u8;

/// Whether a value is to be brought to its end, with so many tokens left of its limit.
pub(super) fn begins(scanner: &Scanner, left: usize, limit: usize) -> bool {
    left <= (TOKENS_TO_CLOSE + TOKENS_OF_EACH * scanner.depth).min(limit / LARGEST_PART)
}

/// The rank of a token with these bytes.
pub(super) fn rank(scanner: &Scanner, bytes: &[u8]) -> Rank {
    let Some(first) = bytes.first() else {
        return Rank::MAX;
    };
    let goes_on = bytes.contains(&b',');
    match scanner.place {
        // A quotation mark would be a part of the text.
        Place::Text {
            after_backslash: true,
        } => IN_TEXT,
        Place::Text { .. } => match (first, goes_on) {
            (b'"', false) => 0,
            (b'"', true) => 1,
            _ => IN_TEXT,
        },
        Place::Number => match (first, goes_on) {
            (b'}' | b']', false) => 0,
            (byte, _) if !is_of_number(*byte) => 1,
            _ => 2,
        },
        Place::Between => match first {
            b'}' | b']' if !goes_on => 0,
            _ if goes_on => 6,
            b'n' => 1,
            b'"' | b'[' | b'{' if closes_itself(bytes) => 2,
            b'f' | b't' => 3,
            byte if is_of_number(*byte) => 4,
            _ => 5,
        },
    }
}

/// `""`, `[]`, `{}`, whatever comes after it.
fn closes_itself(bytes: &[u8]) -> bool {
    [b"\"\"", b"[]", b"{}"]
        .iter()
        .any(|pair| bytes.starts_with(*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(text: &str, tokens: &[&str]) -> Vec<Rank> {
        let mut scanner = Scanner::new();
        text.bytes().for_each(|byte| scanner.push(byte));
        tokens
            .iter()
            .map(|token| rank(&scanner, token.as_bytes()))
            .collect()
    }

    #[test]
    fn what_closes_comes_first() {
        assert!(ranks("{\"a\":\"b", &["\"}", "\",", "c"]).is_sorted_by(|a, b| a < b));
        let values = ["]", "null", "[]}", "false", "1", "\"", "},{"];
        assert!(ranks("{\"a\":[", &values).is_sorted_by(|a, b| a < b));
        assert!(ranks("{\"a\":1", &["}", ",", "0"]).is_sorted_by(|a, b| a < b));
        // A bracket in a string closes nothing.
        assert_eq!(ranks("{\"a\":\"b", &["}", "]", "c"]), [IN_TEXT; 3]);
        assert_eq!(ranks("{\"a\":\"b\\", &["\"", "n"]), [IN_TEXT; 2]);
        assert!(ranks("{\"a\"", &[":\"\"", ":\"\","]).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn closing_begins_in_time_for_what_is_open() {
        let mut scanner = Scanner::new();
        assert!(begins(&scanner, 48, 1_000) && !begins(&scanner, 49, 1_000));
        "{\"a\":[{\"b{{\"".bytes().for_each(|byte| scanner.push(byte));
        assert!(begins(&scanner, 66, 1_000) && !begins(&scanner, 67, 1_000));
        assert!(begins(&scanner, 10, 40) && !begins(&scanner, 11, 40));
    }
}
