//! Text as it is compared: width, case, white space and the shapes of quotes and dashes do not matter.
//!
//! Invariant: every range of the folded text maps back to the exact range of the original. Called by the steps that look
//! for values in a document.

use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

/// A folded text that knows where each byte came from.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    /// The folded text.
    pub text: String,
    /// For each byte of it, the range of its character in the original.
    origins: Vec<(u32, u32)>,
}

impl Folded {
    /// Folds a text.
    pub fn of(text: &str) -> Self {
        let mut folded = Self {
            text: String::with_capacity(text.len()),
            origins: Vec::with_capacity(text.len()),
        };
        let mut gap = None;
        for (start, character) in text.char_indices() {
            let end = start + character.len_utf8();
            if character.is_whitespace() {
                gap.get_or_insert((start, end));
                continue;
            }
            if let Some(at) = gap.take()
                && !folded.text.is_empty()
                && !(is_ideograph(character) && folded.text.chars().next_back().is_some_and(is_ideograph))
            {
                folded.push(' ', at);
            }
            for part in character.nfkc() {
                for lower in plain(part).to_lowercase() {
                    folded.push(lower, (start, end));
                }
            }
        }
        folded
    }

    fn push(&mut self, character: char, (start, end): (usize, usize)) {
        self.text.push(character);
        let origin = (start as u32, end as u32);
        self.origins
            .extend(std::iter::repeat_n(origin, character.len_utf8()));
    }

    /// The original range of a range of the folded text; `None` where it is empty or outside.
    pub fn original(&self, range: Range<usize>) -> Option<Range<u32>> {
        let first = self.origins.get(range.start)?;
        let last = self.origins.get(range.end.checked_sub(1)?)?;
        (range.start < range.end).then_some(first.0..last.1)
    }

    /// The first byte of the folded text that comes from this original offset or a later one.
    pub fn position(&self, original: u32) -> usize {
        self.origins.partition_point(|(start, _)| *start < original)
    }

    /// Where a folded needle stands as whole words within a range, in order.
    pub fn find_all(&self, needle: &str, within: Range<usize>, limit: usize) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if needle.is_empty() {
            return found;
        }
        let mut from = within.start;
        while let Some(at) = self.text.get(from..within.end).and_then(|rest| rest.find(needle)) {
            let range = from + at..from + at + needle.len();
            if self.is_whole(&range) {
                found.push(range.clone());
                if found.len() == limit {
                    break;
                }
            }
            let step = self.text[range.start..].chars().next().map_or(1, char::len_utf8);
            from = range.start + step;
        }
        found
    }

    /// Whether a range neither begins nor ends inside a word or a number.
    fn is_whole(&self, range: &Range<usize>) -> bool {
        let joined = |before: Option<char>, after: Option<char>| match (before, after) {
            (Some(before), Some(after)) => {
                before.is_alphanumeric()
                    && after.is_alphanumeric()
                    && !is_ideograph(before)
                    && !is_ideograph(after)
            }
            _ => false,
        };
        let (head, inside, tail) = (
            &self.text[..range.start],
            &self.text[range.clone()],
            &self.text[range.end..],
        );
        !joined(head.chars().next_back(), inside.chars().next())
            && !joined(inside.chars().next_back(), tail.chars().next())
    }
}

/// The folded form of a value, without the marks around it.
pub fn folded(text: &str) -> String {
    Folded::of(text)
        .text
        .trim_matches(|c: char| matches!(c, '"' | '\'' | ',' | ';' | ':' | ' ' | '「' | '」' | '『' | '』'))
        .to_owned()
}

/// Han, kana, hangul: written without spaces, or with spaces that line breaks made.
pub fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn plain(character: char) -> char {
    match character {
        '‘' | '’' | '‚' | '`' | '´' => '\'',
        '“' | '”' | '„' | '«' | '»' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_maps_back_to_the_exact_original() {
        let text = "Total:  ＥＵＲ\n1’234 — “Größe”";
        let fold = Folded::of(text);
        assert_eq!(fold.text, "total: eur 1'234 - \"größe\"");
        for (needle, original) in [("eur 1'234", "ＥＵＲ\n1’234"), ("größe", "Größe")] {
            let at = fold.find_all(needle, 0..fold.text.len(), 1).remove(0);
            let range = fold.original(at).unwrap();
            assert_eq!(&text[range.start as usize..range.end as usize], original);
        }
    }

    #[test]
    fn only_whole_words_and_numbers_are_found() {
        let fold = Folded::of("Box, Boxwood, 12 and 123, 契約\n期間三年");
        for (needle, times) in [("box", 1), ("12", 1), ("123", 1), ("契約期間", 1), ("wood", 0)] {
            assert_eq!(
                fold.find_all(needle, 0..fold.text.len(), 9).len(),
                times,
                "{needle}"
            );
        }
    }
}
