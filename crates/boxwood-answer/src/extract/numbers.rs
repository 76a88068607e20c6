//! Numbers as documents write them: `1.234,56`, `1,234.56`, `1'234.50`, `(120)`, `3.2 million`, `十二万`.
//!
//! Invariant: whether a point or a comma divides the decimals is decided once a document, from the numbers whose form
//! leaves no doubt, and never from a model's rewriting. Called by the reading and grounding steps. What it shares with the
//! other readers of numbers stands in [`crate::numerals`].

use super::fold::{Folded, is_ideograph};
use crate::numerals::{DecimalMark, has_cents, without_currency};
use std::ops::Range;

/// A number in a folded text.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundNumber {
    /// Where it stands.
    pub range: Range<usize>,
    /// What it is.
    pub value: f64,
}

impl DecimalMark {
    /// What the numbers of a folded text tell.
    pub fn of(text: &str) -> Self {
        let (mut points, mut commas) = (0i64, 0i64);
        for token in tokens(text) {
            match mark_of(&text[token]) {
                Some((Self::Point, certainty)) => points += certainty,
                Some((Self::Comma, certainty)) => commas += certainty,
                None => {}
            }
        }
        if commas > points { Self::Comma } else { Self::Point }
    }
}

/// What one written number tells, and how surely.
fn mark_of(token: &str) -> Option<(DecimalMark, i64)> {
    let last = token.rfind(['.', ','])?;
    let mark = match token.as_bytes().get(last) {
        Some(b'.') => DecimalMark::Point,
        _ => DecimalMark::Comma,
    };
    let other = if mark == DecimalMark::Point { ',' } else { '.' };
    let decimals = token.len() - last - 1;
    let same = token.matches(['.', ',']).filter(|m| !m.contains(other)).count();
    if token.contains(other) && same == 1 {
        return Some((mark, 4));
    }
    // Three digits after one mark may be thousands; two are decimals in every money amount.
    (same == 1 && decimals != 3).then_some((mark, if decimals == 2 { 2 } else { 1 }))
}

/// Every number of a folded text, in order.
pub fn find_numbers(text: &str, mark: DecimalMark) -> Vec<FoundNumber> {
    tokens(text)
        .filter_map(|token| number_at(text, token, mark))
        .collect()
}

/// The first number of a written value.
pub fn parse_number(value: &str, mark: DecimalMark) -> Option<f64> {
    let fold = Folded::of(value);
    let first = tokens(&fold.text).find_map(|token| number_at(&fold.text, token, mark));
    first
        .map(|found| found.value)
        .or_else(|| kanji_number(&fold.text))
}

/// Runs of digits with marks between them.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !bytes[at].is_ascii_digit() {
            at += 1;
        }
        if at >= bytes.len() {
            return None;
        }
        let start = at;
        while at < bytes.len() {
            let next_is_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
            match bytes[at] {
                b'0'..=b'9' => at += 1,
                b'.' | b',' | b'\'' if next_is_digit => at += 1,
                // A space groups thousands only before exactly three digits.
                b' ' if groups_thousands(bytes, start, at) => at += 1,
                _ => break,
            }
        }
        Some(start..at)
    })
}

fn groups_thousands(bytes: &[u8], start: usize, space: usize) -> bool {
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let before = bytes[start..space]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_first_group = before == space - start;
    let after_marks =
        matches!(bytes.get(space + 4), Some(b',' | b'.' | b' ')) || bytes.get(space + 4).is_none();
    (if is_first_group {
        (1..=3).contains(&before)
    } else {
        before == 3
    }) && digits(space + 1) == 3
        && after_marks
        && bytes[start..space]
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b' ')
}

fn number_at(text: &str, token: Range<usize>, mark: DecimalMark) -> Option<FoundNumber> {
    let value = plain_value(&text[token.clone()], mark)?;
    let (head, tail) = (&text[..token.start], &text[token.end..]);
    let mut range = token;
    let (scale, scale_bytes) = scale_of(tail);
    let mut value = value * scale;
    range.end += scale_bytes;
    let before = without_currency(head);
    let sign = before.chars().next_back();
    let in_brackets = sign == Some('(')
        && tail[scale_bytes..]
            .trim_start_matches(['%', ' ', '€', '$'])
            .starts_with(')');
    let is_minus = matches!(sign, Some('-' | '△' | '▲'))
        && !before[..before.len() - sign.map_or(0, char::len_utf8)]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric);
    // Bookkeeping programs write the sign behind an amount: `1.234,56-`.
    let minus_behind = tail.strip_prefix('-').is_some_and(|behind| {
        !behind.starts_with(|c: char| c.is_alphanumeric() || c == '-')
            && !behind.trim_start().starts_with(|c: char| c.is_ascii_digit())
    });
    if minus_behind && !in_brackets && !is_minus && has_cents(&text[range.clone()]) {
        value = -value;
        range.end += 1;
    }
    if in_brackets || is_minus {
        value = -value;
        range.start = before.len() - sign.map_or(0, char::len_utf8);
        range.end += if in_brackets {
            tail[scale_bytes..].find(')').map_or(0, |at| at + 1)
        } else {
            0
        };
    }
    Some(FoundNumber { range, value })
}

/// The value of digits and marks.
fn plain_value(token: &str, mark: DecimalMark) -> Option<f64> {
    let token: String = token.chars().filter(|c| !matches!(c, '\'' | ' ')).collect();
    let (points, commas) = (token.matches('.').count(), token.matches(',').count());
    let last = token.rfind(['.', ',']);
    let decimals = last.map_or(0, |last| token.len() - last - 1);
    let decimal = match (points, commas) {
        (0, 0) => None,
        // Both kinds: the last one divides the decimals.
        (1.., 1..) => token.chars().rev().find(|c| matches!(c, '.' | ',')),
        (1, 0) if decimals != 3 || mark == DecimalMark::Point => Some('.'),
        (0, 1) if decimals != 3 || (mark == DecimalMark::Comma) => Some(','),
        // Several of one kind, or thousands by the document's own habit.
        _ => None,
    };
    let digits: String = token
        .chars()
        .filter(|c| c.is_ascii_digit() || Some(*c) == decimal)
        .map(|c| if Some(c) == decimal { '.' } else { c })
        .collect();
    digits.parse().ok()
}

/// A word after a number that multiplies it, with its length.
fn scale_of(tail: &str) -> (f64, usize) {
    const SCALES: [(&str, f64); 14] = [
        ("thousand", 1e3),
        ("million", 1e6),
        ("millionen", 1e6),
        ("billion", 1e9),
        ("trillion", 1e12),
        ("mio.", 1e6),
        ("mio", 1e6),
        ("mrd.", 1e9),
        ("mrd", 1e9),
        ("milliarden", 1e9),
        ("億", 1e8),
        ("万", 1e4),
        ("萬", 1e4),
        ("千万", 1e7),
    ];
    let trimmed = tail.trim_start_matches(' ');
    let space = tail.len() - trimmed.len();
    let found = SCALES
        .iter()
        .filter(|(word, _)| trimmed.starts_with(word))
        .filter(|(word, _)| {
            let next = trimmed[word.len()..].chars().next();
            word.ends_with('.') || word.chars().all(is_ideograph) || !next.is_some_and(char::is_alphabetic)
        })
        .max_by_key(|(word, _)| word.len());
    found.map_or((1.0, 0), |(word, scale)| (*scale, space + word.len()))
}

/// `十二万三千` → 123000.
fn kanji_number(text: &str) -> Option<f64> {
    let start = text.find(|c| digit_of(c).is_some() || unit_of(c).is_some())?;
    let (mut total, mut section, mut digit) = (0f64, 0f64, None::<f64>);
    for character in text[start..].chars() {
        if let Some(value) = digit_of(character) {
            digit = Some(digit.map_or(value, |before| before * 10.0 + value));
        } else if let Some(unit) = unit_of(character) {
            if unit >= 1e4 {
                total += (section + digit.take().unwrap_or(if section == 0.0 { 1.0 } else { 0.0 })) * unit;
                section = 0.0;
            } else {
                section += digit.take().unwrap_or(1.0) * unit;
            }
        } else {
            break;
        }
    }
    Some(total + section + digit.unwrap_or(0.0))
}

fn digit_of(character: char) -> Option<f64> {
    "〇一二三四五六七八九"
        .chars()
        .position(|digit| digit == character)
        .map(|digit| digit as f64)
        .or((character == '零').then_some(0.0))
}

fn unit_of(character: char) -> Option<f64> {
    Some(match character {
        '十' => 10.0,
        '百' => 100.0,
        '千' => 1_000.0,
        '万' | '萬' => 1e4,
        '億' => 1e8,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_the_habit_of_their_document() {
        use DecimalMark::{Comma, Point};
        for (written, mark, value) in [
            ("1.234,56 €", Comma, 1234.56),
            ("1,234.56", Point, 1234.56),
            ("1,234.56", Comma, 1234.56),
            ("1.234", Comma, 1234.0),
            ("1.234", Point, 1.234),
            ("1,234", Point, 1234.0),
            ("12,5 %", Point, 12.5),
            ("1'234.50 CHF", Point, 1234.5),
            ("1 234 567,8", Comma, 1_234_567.8),
            ("1.234.567", Point, 1_234_567.0),
            ("($1,200)", Point, -1200.0),
            ("-5", Point, -5.0),
            ("△1,200", Point, -1200.0),
            ("INV-12", Point, 12.0),
            ("1.234,56-", Comma, -1234.56),
            ("1.234,56- EUR", Comma, -1234.56),
            ("10.00-12.00", Point, 10.0),
            ("10.00- 12.00", Point, 10.0),
            ("5-", Point, 5.0),
            ("3.2 million", Point, 3_200_000.0),
            ("5 Mio. €", Comma, 5_000_000.0),
            ("34 years old", Point, 34.0),
            ("１２３，０００円", Point, 123_000.0),
            ("12万円", Point, 120_000.0),
            ("十二万三千円", Point, 123_000.0),
            ("二〇二三", Point, 2023.0),
        ] {
            assert_eq!(parse_number(written, mark), Some(value), "{written} {mark:?}");
        }
        assert_eq!(parse_number("none", Point), None);
    }

    #[test]
    fn the_habit_of_a_document_comes_from_numbers_without_doubt() {
        for (text, mark) in [
            ("summe 1.234,56 und 1.000", DecimalMark::Comma),
            ("total 1,234.56 and 1,000", DecimalMark::Point),
            ("19,00 % von 473,00", DecimalMark::Comma),
            ("1.000", DecimalMark::Point),
            ("", DecimalMark::Point),
        ] {
            assert_eq!(DecimalMark::of(text), mark, "{text}");
        }
    }

    #[test]
    fn places_of_numbers() {
        let text = "total eur 1.234,56, paid (20)";
        let found = find_numbers(text, DecimalMark::Comma);
        let written: Vec<(&str, f64)> = found.iter().map(|n| (&text[n.range.clone()], n.value)).collect();
        assert_eq!(written, [("1.234,56", 1234.56), ("(20)", -20.0)]);
    }
}
