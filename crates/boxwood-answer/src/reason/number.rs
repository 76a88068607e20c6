//! Numbers as programs print them and models write them, in their answers and in calculations: `3e8`, `5-3`. Pure. What it
//! shares with the other readers of numbers stands in [`crate::numerals`].

use crate::numerals::without_currency;

/// A number with the place where it stands in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub value: f64,
    pub start: usize,
    pub end: usize,
}

/// All numbers of a text, in order: `1,234.5`, `-3`, `.5`, `3/4`, `1e6`, `(1,234)` is negative where nothing else stands
/// in the parentheses.
pub(super) fn numbers(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match number_at(text, at) {
            Some(number) => {
                at = number.end;
                found.push(number);
            }
            None => at += 1,
        }
    }
    found
}

fn number_at(text: &str, start: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let begins = bytes[start].is_ascii_digit()
        || (bytes[start] == b'.' && bytes.get(start + 1).is_some_and(u8::is_ascii_digit));
    if !begins {
        return None;
    }
    let mut end = start;
    let mut digits = String::new();
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'0'..=b'9' => digits.push(char::from(*byte)),
            b',' if is_group(&bytes[end..]) && !digits.contains('.') => {}
            b'.' if !digits.contains('.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) => {
                digits.push('.')
            }
            _ => break,
        }
        end += 1;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent: String = text[end + 1 + sign..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        if !exponent.is_empty() {
            digits.push_str(&text[end..end + 1 + sign + exponent.len()]);
            end += 1 + sign + exponent.len();
        }
    }
    let value: f64 = digits.parse().ok()?;
    let before = without_currency(&text[..start]);
    let parenthesised = before.ends_with('(') && text[end..].trim_start_matches(['%', ' ']).starts_with(')');
    let negative = parenthesised || is_minus(before);
    Some(Found {
        value: if negative { -value } else { value },
        start,
        end,
    })
}

/// A comma with exactly three digits after it.
fn is_group(bytes: &[u8]) -> bool {
    bytes.len() >= 4
        && bytes[1..4].iter().all(u8::is_ascii_digit)
        && !bytes.get(4).is_some_and(u8::is_ascii_digit)
}

/// Whether the text before a number ends with its sign, not with a subtraction or a hyphen.
fn is_minus(before: &str) -> bool {
    let Some(rest) = before.strip_suffix(['-', '\u{2212}']) else {
        return false;
    };
    let previous = rest.chars().next_back();
    previous
        .is_none_or(|character| !(character.is_alphanumeric() || matches!(character, ')' | '/' | '-' | '}')))
}

/// The last number of a text, a fraction `a/b` as its value.
pub(super) fn last_number(text: &str) -> Option<f64> {
    let found = numbers(text);
    let last = found.last()?;
    let before = found.len().checked_sub(2).map(|index| found[index]);
    match before {
        Some(top) if text[top.end..last.start].trim() == "/" && last.value != 0.0 => {
            Some(top.value / last.value)
        }
        _ => Some(last.value),
    }
}

/// A number as an answer: no digits that binary fractions invent, no exponent.
pub(super) fn written(value: f64) -> String {
    if value == value.trunc() && value.abs() < 1e15 {
        return format!("{value:.0}").replace("-0", if value == 0.0 { "0" } else { "-0" });
    }
    let magnitude = value.abs().log10().floor();
    // At least two, at most twelve decimal places: twelve digits in all.
    let places = (11.0 - magnitude).clamp(2.0, 12.0) as usize;
    let text = format!("{value:.places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A key under which equal numbers meet.
pub(super) fn key(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    format!("{value:.5e}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_texts() {
        for (text, values) in [
            ("$1,234.50 and 3", vec![1234.5, 3.0]),
            ("from 2018-2019", vec![2018.0, 2019.0]),
            ("(1,234) less -5", vec![-1234.0, -5.0]),
            ("x = \u{2212}7.5%", vec![-7.5]),
            ("1,2,3", vec![1.0, 2.0, 3.0]),
            ("2.5e3 and 1e-05", vec![2500.0, 1e-5]),
            ("10.", vec![10.0]),
            ("5 - 3", vec![5.0, -3.0]),
            ("none", vec![]),
        ] {
            let found: Vec<f64> = numbers(text).iter().map(|found| found.value).collect();
            assert_eq!(found, values, "{text}");
        }
        assert_eq!(last_number("about 3/4"), Some(0.75));
    }

    #[test]
    fn numbers_as_answers() {
        for (value, text) in [
            (18.0, "18"),
            (-3.0, "-3"),
            (-0.0, "0"),
            (0.15, "0.15"),
            (-79.66549600129077, "-79.6654960013"),
            (1234567.125, "1234567.125"),
        ] {
            assert_eq!(written(value), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in -1e9f64..1e9) {
            let again = last_number(&written(value)).unwrap();
            prop_assert!((again - value).abs() <= value.abs() * 1e-9 + 0.005, "{} {}", again, value);
        }

        #[test]
        fn any_text_is_read(text in "\\PC{0,80}") {
            numbers(&text);
        }
    }
}
