//! A fast estimate of how many tokens a text has, for cutting chunks and where no tokenizer is at hand.
//!
//! Invariant: the estimate of a concatenation is never more than one above the sum of its parts' estimates, so that
//! packing by sums holds. Budgets that must hold strictly use the serving model's own counter instead.

use crate::script::{CharClass, classify};

/// Approximate number of tokens of a text, for byte-pair vocabularies of 100k to 150k entries.
///
/// Letters count one token per six characters of a word (three outside ASCII), digits one for two, a CJK character
/// one, punctuation one; white space is free.
pub fn estimate_tokens(text: &str) -> u32 {
    let mut tokens = 0u32;
    let mut run_class = None;
    let mut run_length = 0u32;
    for character in text.chars() {
        let kind = token_kind(character);
        if kind == TokenKind::Space {
            run_class = None;
            continue;
        }
        if run_class != Some(kind) {
            run_class = Some(kind);
            run_length = 0;
        }
        if run_length.is_multiple_of(kind.characters_per_token()) {
            tokens = tokens.saturating_add(1);
        }
        run_length += 1;
    }
    tokens
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Space,
    AsciiWord,
    OtherWord,
    Digits,
    Ideograph,
    Punctuation,
}

impl TokenKind {
    fn characters_per_token(self) -> u32 {
        match self {
            Self::AsciiWord => 6,
            Self::OtherWord => 3,
            Self::Digits => 2,
            Self::Space | Self::Ideograph | Self::Punctuation => 1,
        }
    }
}

fn token_kind(character: char) -> TokenKind {
    match classify(character) {
        CharClass::Space => TokenKind::Space,
        CharClass::Digit => TokenKind::Digits,
        CharClass::Letter if character.is_ascii() => TokenKind::AsciiWord,
        CharClass::Letter => TokenKind::OtherWord,
        CharClass::Han
        | CharClass::Hiragana
        | CharClass::Katakana
        | CharClass::Hangul
        | CharClass::Unspaced => TokenKind::Ideograph,
        CharClass::Other => TokenKind::Punctuation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_follow_the_script() {
        let check = |text: &str, expected: u32| assert_eq!(estimate_tokens(text), expected, "{text}");
        check("", 0);
        check(" \n ", 0);
        check("The notice period is ninety days.", 7);
        check("INV-2041", 4);
        check("契約期間", 4);
        check("Договор", 3);
    }
}
