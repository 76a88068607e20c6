//! Cutting running text into sentences, and over-long sentences into pieces.
//!
//! Invariant: the ranges are in order, on character boundaries, do not overlap, and leave out nothing but white space.
//! A line break inside a paragraph is white space: PDF text breaks lines in the middle of sentences.

use crate::tokens::estimate_tokens;
use std::ops::Range;

/// Abbreviations whose full stop seldom ends a sentence.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "nos", "vs", "etc", "fig", "art", "sec", "cl", "para",
    "inc", "ltd", "co", "corp", "jr", "sr", "e.g", "i.e", "cf", "approx", "ca", "bzw", "nr", "abs", "vgl",
];

/// Sentences of a text as byte ranges, without surrounding white space.
pub(crate) fn split_sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        if !is_terminator(character) {
            continue;
        }
        while characters
            .next_if(|&(_, next)| is_closing(next) || is_terminator(next))
            .is_some()
        {}
        let end = characters.peek().map_or(text.len(), |&(next, _)| next);
        if ends_sentence(text, start, position, character, end) {
            push_trimmed(text, start..end, &mut sentences);
            start = end;
        }
    }
    push_trimmed(text, start..text.len(), &mut sentences);
    sentences
}

/// Cuts a text into pieces of at most `target` estimated tokens, at white space where there is some, else between
/// characters. A piece holds at least one character.
pub(crate) fn split_long(text: &str, target: u32) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut tokens = 0;
    for word in split_words(text) {
        let count = estimate_tokens(text.get(word.clone()).unwrap_or(""));
        if count > target {
            push_trimmed(text, start..word.start, &mut pieces);
            split_word(text, &word, target, &mut pieces);
            start = word.end;
            tokens = 0;
        } else if tokens > 0 && tokens + count > target {
            push_trimmed(text, start..word.start, &mut pieces);
            start = word.start;
            tokens = count;
        } else {
            tokens += count;
        }
    }
    push_trimmed(text, start..text.len(), &mut pieces);
    pieces
}

fn split_words(text: &str) -> Vec<Range<usize>> {
    let base = text.as_ptr() as usize;
    text.split_whitespace()
        .map(|word| {
            let start = word.as_ptr() as usize - base;
            start..start + word.len()
        })
        .collect()
}

/// Text without white space (Japanese, base64): preferably cut after a comma-like character in the last third.
fn split_word(text: &str, word: &Range<usize>, target: u32, pieces: &mut Vec<Range<usize>>) {
    let mut start = word.start;
    let mut preferred = None;
    let mut tokens = 0;
    let mut previous = word.start;
    let mut buffer = [0u8; 4];
    for (offset, character) in text.get(word.clone()).unwrap_or("").char_indices() {
        let position = word.start + offset;
        let count = estimate_tokens(character.encode_utf8(&mut buffer));
        if tokens + count > target && position > start {
            let cut = preferred.take().filter(|&cut| cut > start).unwrap_or(position);
            push_trimmed(text, start..cut, pieces);
            start = cut;
            tokens = estimate_tokens(text.get(start..position).unwrap_or(""));
        }
        tokens = if position == start { count } else { tokens + count };
        previous = position + character.len_utf8();
        if matches!(character, '、' | '，' | ',' | ';' | '；' | '・') && tokens * 3 >= target * 2 {
            preferred = Some(previous);
        }
    }
    push_trimmed(text, start..previous.max(start), pieces);
}

fn is_terminator(character: char) -> bool {
    matches!(
        character,
        '.' | '!' | '?' | '。' | '！' | '？' | '．' | '｡' | '…' | '।' | '؟'
    )
}

fn is_wide_terminator(character: char) -> bool {
    matches!(character, '。' | '！' | '？' | '｡')
}

fn is_closing(character: char) -> bool {
    matches!(
        character,
        '"' | '\'' | ')' | ']' | '”' | '’' | '」' | '』' | '）' | '】' | '»'
    )
}

fn ends_sentence(text: &str, start: usize, position: usize, terminator: char, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or("");
    if is_wide_terminator(terminator) {
        // A quotation that the sentence goes on after (「…。」と) stays inside it.
        return !rest.starts_with(['と', 'っ']);
    }
    let Some(next) = rest.chars().next() else {
        return true;
    };
    if !next.is_whitespace() {
        return false;
    }
    if rest.trim_start().chars().next().is_some_and(char::is_lowercase) {
        return false;
    }
    terminator != '.' || !ends_with_abbreviation(text.get(start..position).unwrap_or(""))
}

fn ends_with_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || c == '(')
        .next()
        .unwrap_or("");
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let is_item_number =
        before.trim() == word && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_initial || is_item_number || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

fn push_trimmed(text: &str, range: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    let Some(slice) = text.get(range.clone()) else {
        return;
    };
    let trimmed = slice.trim();
    if !trimmed.is_empty() {
        let start = range.start + (slice.len() - slice.trim_start().len());
        ranges.push(start..start + trimmed.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_says() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = split_sentences(text)
                .into_iter()
                .map(|range| &text[range])
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("", &[]);
        check("One. Two!  Three?", &["One.", "Two!", "Three?"]);
        check(
            "Pay 3.50 to Mr. Smith and J. Doe. Then go.",
            &["Pay 3.50 to Mr. Smith and J. Doe.", "Then go."],
        );
        check(
            "1. The lessee pays. 2. He goes.",
            &["1. The lessee pays.", "2. He goes."],
        );
        check("He said “Go.” She went.", &["He said “Go.”", "She went."]);
        check(
            "契約は終了する。更新しない。",
            &["契約は終了する。", "更新しない。"],
        );
        check("「行け。」と言った。次。", &["「行け。」と言った。", "次。"]);
        check("broken\nline goes on. Next", &["broken\nline goes on.", "Next"]);
    }

    #[test]
    fn pieces_hold_the_target_and_lose_nothing() {
        for text in [
            "a b c d e f g h",
            "契約期間は三年とする、ただし更新を妨げない",
            "x",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b",
        ] {
            for target in [1, 2, 5, 100] {
                let pieces = split_long(text, target);
                let joined: String = pieces.iter().map(|range| &text[range.clone()]).collect();
                let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                assert_eq!(squeezed(&joined), squeezed(text), "{target}");
                for piece in pieces {
                    assert!(
                        estimate_tokens(&text[piece.clone()]) <= target,
                        "{:?} {target}",
                        &text[piece]
                    );
                }
            }
        }
    }
}
