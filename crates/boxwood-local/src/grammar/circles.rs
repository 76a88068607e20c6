//! Notices a model that goes round in circles inside a string or a number.
//!
//! A small model can repeat a phrase until its output ends, and a schema often sets no bound. Invariant: what is noticed
//! is a run that no document holds: the same few characters again and again, or a number longer than any. The caller
//! then lets the value end. Called by [`super::Grammar`] for every token.

use super::place::{Place, Scanner, is_of_number};
use boxwood_core::repetition::phrase_at_end;

/// A phrase of at most so many bytes is looked for.
const LONGEST_PHRASE: usize = 64;
/// A run is a circle from so many bytes on, and from so many rounds.
const SHORTEST_RUN: usize = 160;
const FEWEST_ROUNDS: usize = 6;
/// Digits of the longest number that means something.
const LONGEST_NUMBER: usize = 40;

/// What would end the circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayOut {
    /// The string's quotation mark.
    EndOfText,
    /// Anything that is no part of a number.
    EndOfNumber,
}

impl WayOut {
    /// Whether a token with these bytes leads out.
    pub fn begins(self, bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|first| match self {
            Self::EndOfText => *first == b'"',
            Self::EndOfNumber => !is_of_number(*first),
        })
    }
}

/// The value that is being written, as far as it matters here.
#[derive(Debug)]
pub(super) struct Circles {
    /// Where the reply is.
    pub scanner: Scanner,
    /// The string or number so far.
    value: Vec<u8>,
}

impl Circles {
    pub fn new() -> Self {
        Self {
            scanner: Scanner::new(),
            value: Vec::new(),
        }
    }

    /// Takes the bytes of a token.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.scanner.push(*byte);
            match self.scanner.place {
                Place::Between => self.value.clear(),
                Place::Text { .. } | Place::Number => self.value.push(*byte),
            }
        }
    }

    /// How to get out, when the reply goes round in circles.
    pub fn way_out(&self) -> Option<WayOut> {
        match self.scanner.place {
            Place::Text {
                after_backslash: false,
            } if goes_round(&self.value) => Some(WayOut::EndOfText),
            Place::Number if self.value.len() > LONGEST_NUMBER => Some(WayOut::EndOfNumber),
            _ => None,
        }
    }
}

/// Whether the text ends with a phrase that was said over and over.
fn goes_round(text: &[u8]) -> bool {
    let run = |phrase: usize| SHORTEST_RUN.max(phrase * FEWEST_ROUNDS) + phrase;
    phrase_at_end(text, LONGEST_PHRASE, run).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<WayOut>) {
        for size in [1, 3, 1000] {
            let mut circles = Circles::new();
            text.as_bytes().chunks(size).for_each(|bytes| circles.push(bytes));
            assert_eq!(circles.way_out(), expected, "{text} in pieces of {size}");
        }
    }

    #[test]
    fn repeated_phrases_in_a_string_are_circles() {
        let round = |phrase: &str, times: usize| format!("{{\"a\":\"Begin. {}", phrase.repeat(times));
        check(&round("and so on, ", 30), Some(WayOut::EndOfText));
        check(&round("日本語", 30), Some(WayOut::EndOfText));
        check(&round("-", 200), Some(WayOut::EndOfText));
        check(&round("\\n", 100), Some(WayOut::EndOfText));
        check(&round("and so on, ", 5), None);
        check(&round("-", 100), None);
        check(
            &round(
                "A sentence that is said three times, since the document says it so. ",
                3,
            ),
            None,
        );
        check(&format!("{}\",", round("-", 300)), None);
        check(&format!("{}\\", round("-", 300)), None);
    }

    #[test]
    fn numbers_without_end_are_circles() {
        check(
            "{\"a\":0.3333333333333333333333333333333333333333333",
            Some(WayOut::EndOfNumber),
        );
        check("{\"a\":-12.5e10", None);
        check(
            "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22",
            None,
        );
        check("{\"a\":[true,false,null,true,false,null,true,false,null", None);
    }

    #[test]
    fn ways_out_are_told_by_their_first_byte() {
        assert!(WayOut::EndOfText.begins(b"\","));
        assert!(!WayOut::EndOfText.begins(b" \""));
        assert!(WayOut::EndOfNumber.begins(b"}"));
        assert!(!WayOut::EndOfNumber.begins(b"5"));
        assert!(!WayOut::EndOfNumber.begins(b""));
    }
}
