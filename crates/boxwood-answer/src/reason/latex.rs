//! Expressions in LaTeX: the boxed answer, and a key under which two ways of writing the same thing meet. Pure.

use super::number;

/// The content of the last `\boxed{…}`, braces balanced.
pub(super) fn boxed(text: &str) -> Option<&str> {
    let start = text.rfind("\\boxed")?;
    let rest = &text[start + "\\boxed".len()..];
    let open = rest.find('{')?;
    if !rest[..open].trim().is_empty() {
        return None;
    }
    Some(braced(&rest[open..])?.0)
}

/// The content of a brace at the beginning, and what follows it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// An expression without what does not change it: spaces, sizes of parentheses, units in words.
pub(super) fn plain(expression: &str) -> String {
    let mut text = expression
        .trim()
        .trim_matches('$')
        .trim()
        .trim_end_matches('.')
        .to_owned();
    for (from, to) in [
        ("\\left", ""),
        ("\\right", ""),
        ("\\,", ""),
        ("\\!", ""),
        ("\\;", ""),
        ("\\ ", ""),
        ("\\dfrac", "\\frac"),
        ("\\tfrac", "\\frac"),
        ("\\%", ""),
        ("%", ""),
        ("\\$", ""),
        ("$", ""),
        ("^\\circ", ""),
        ("^{\\circ}", ""),
        ("\\(", ""),
        ("\\)", ""),
        ("\\cdot", "*"),
        ("\\times", "*"),
        ("\u{2212}", "-"),
        ("\u{3c0}", "\\pi"),
    ] {
        text = text.replace(from, to);
    }
    text = without_words(&text);
    text.retain(|character| !character.is_whitespace());
    text
}

/// `12\text{ meters}` is 12; a text alone keeps its words.
fn without_words(text: &str) -> String {
    for command in ["\\text", "\\mbox", "\\textbf", "\\mathrm"] {
        let Some(at) = text.find(&format!("{command}{{")) else {
            continue;
        };
        let Some((words, after)) = braced(&text[at + command.len()..]) else {
            continue;
        };
        let before = &text[..at];
        return if before.trim().is_empty() && after.trim().is_empty() {
            words.to_owned()
        } else {
            without_words(&format!("{before}{after}"))
        };
    }
    text.to_owned()
}

/// A key under which equal expressions meet: by value where it is a plain number or fraction.
pub(super) fn key(expression: &str) -> String {
    let plain = plain(expression);
    // `x=5` answers what x is.
    let plain = match plain.split_once('=') {
        Some((name, value)) if name.chars().count() == 1 && !value.contains('=') => value.to_owned(),
        _ => plain,
    };
    match value(&plain) {
        Some(value) => number::key(value),
        None => plain.to_lowercase(),
    }
}

/// The value of a number, of `a/b`, or of `\frac{a}{b}`, with a sign before it.
pub(super) fn value(plain: &str) -> Option<f64> {
    if let Some(rest) = plain.strip_prefix('-') {
        return value(rest).map(|value| -value);
    }
    if let Some(rest) = plain.strip_prefix("\\frac") {
        let (top, bottom) = if rest.starts_with('{') {
            let (top, rest) = braced(rest)?;
            let bottom = match rest.strip_prefix('{') {
                Some(_) => {
                    let (bottom, after) = braced(rest)?;
                    after.is_empty().then_some(bottom)?
                }
                None => rest,
            };
            (top, bottom)
        } else {
            // `\frac12`
            (rest.get(..1)?, rest.get(1..)?)
        };
        return quotient(top, bottom);
    }
    if let Some((top, bottom)) = plain.split_once('/') {
        return quotient(top, bottom);
    }
    let is_number = !plain.is_empty()
        && plain
            .chars()
            .all(|character| character.is_ascii_digit() || matches!(character, '.' | ','));
    if !is_number {
        return None;
    }
    match number::numbers(plain).as_slice() {
        [one] if one.start == 0 && one.end == plain.len() => Some(one.value),
        _ => None,
    }
}

fn quotient(top: &str, bottom: &str) -> Option<f64> {
    let (top, bottom) = (value(top)?, value(bottom)?);
    (bottom != 0.0).then(|| top / bottom)
}

/// A computed value as an exercise states it: a fraction where it is one with a small denominator.
pub(super) fn of_value(value: f64) -> String {
    if value == value.trunc() {
        return number::written(value);
    }
    for bottom in 2_u32..=400 {
        let top = value * f64::from(bottom);
        if (top - top.round()).abs() < 1e-9 * top.abs().max(1.0) {
            let sign = if value < 0.0 { "-" } else { "" };
            return format!(
                "{sign}\\frac{{{}}}{{{bottom}}}",
                number::written(top.round().abs())
            );
        }
    }
    number::written(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_box_counts_and_its_braces_are_balanced() {
        assert_eq!(
            boxed("so \\boxed{1} and \\boxed{\\frac{1}{2}}."),
            Some("\\frac{1}{2}")
        );
        assert_eq!(boxed("\\boxed{open"), None);
        assert_eq!(boxed("none"), None);
    }

    #[test]
    fn ways_of_writing_the_same_meet() {
        for (one, other) in [
            ("\\frac{11}{2}", "5.5"),
            ("\\dfrac{1}{4}", "0.25"),
            ("x = 5", "5"),
            ("1,234", "1234"),
            ("12\\text{ meters}", "12"),
            ("90^\\circ", "90"),
            ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\frac{\\pi}{2})"),
            ("-\\frac12", "-0.5"),
            ("50\\%", "50"),
            ("$7$", "7"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        for (one, other) in [
            ("\\frac{1}{3}", "3"),
            ("(1,2)", "(2,1)"),
            ("\\text{East}", "\\text{West}"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn computed_values_become_fractions() {
        for (value, text) in [
            (5.5, "\\frac{11}{2}"),
            (-0.75, "-\\frac{3}{4}"),
            (4.0, "4"),
            (0.123_456, "0.123456"),
        ] {
            assert_eq!(of_value(value), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_key(text in "[\\\\a-z{}()/0-9., =$%-]{0,40}") {
            key(&text);
            boxed(&text);
        }
    }
}
