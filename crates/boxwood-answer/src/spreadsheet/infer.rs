//! Numbers and dates that a sheet holds as text: CSV has nothing else, and workbooks often do.
//!
//! Invariant: a text is read as a number or a date in the notation of its whole column, so that one column never mixes
//! `1.234` as a thousand and as a fraction. Used by `spreadsheet::table`.

use super::decimal::Decimal;
use crate::numerals::{DecimalMark, is_neutral_mark};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// How a column writes its dates. ISO 8601 is always read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateNotation {
    /// `2026-03-05`
    Iso,
    /// `05.03.2026`, `5/3/2026`
    DayFirst,
    /// `3/5/2026`
    MonthFirst,
}

/// The mark with which these texts are numbers; `None` where more than every fifth is none (`n/a`, `–`).
pub(crate) fn decimal_mark<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<DecimalMark> {
    let all = texts.clone().count();
    let read = |mark| {
        texts
            .clone()
            .filter(|text| number_of(text, mark).is_some())
            .count()
    };
    let (point, comma) = (read(DecimalMark::Point), read(DecimalMark::Comma));
    let (mark, most) = match comma > point {
        true => (DecimalMark::Comma, comma),
        false => (DecimalMark::Point, point),
    };
    (most > 0 && most * 5 >= all * 4).then_some(mark)
}

/// The notation in which all these texts are dates; `None` where one is none, or where days and months can't be told.
pub(crate) fn date_notation<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Option<DateNotation> {
    let all = |notation| texts.clone().all(|text| date_of(text, notation).is_some());
    texts.clone().next()?;
    if all(DateNotation::Iso) {
        return Some(DateNotation::Iso);
    }
    match (all(DateNotation::DayFirst), all(DateNotation::MonthFirst)) {
        (true, false) => Some(DateNotation::DayFirst),
        (false, true) => Some(DateNotation::MonthFirst),
        // With points the day stands first wherever points are used.
        (true, true) if texts.clone().all(|text| text.contains('.')) => Some(DateNotation::DayFirst),
        _ => None,
    }
}

/// A number with its separators of thousands, sign, percent sign and unit.
pub(crate) fn number_of(text: &str, mark: DecimalMark) -> Option<Decimal> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) => (true, inside),
        None => (false, text),
    };
    let is_numeral = |c: char| c.is_ascii_digit();
    let start = text.find(is_numeral)?;
    let end = text.rfind(is_numeral)? + 1;
    let (before, numeral, after) = (&text[..start], &text[start..end], &text[end..]);
    let (sign, numeral) = match before.strip_suffix(['.', ',']) {
        Some(sign) => (sign, format!("0.{numeral}")),
        None => (before, plain_numeral(numeral, mark)?),
    };
    if !is_unit_before(sign) || !is_unit_after(after) {
        return None;
    }
    let number = Decimal::parse(&numeral)?;
    let number = if after.trim() == "%" {
        number.shifted(-2)?
    } else {
        number
    };
    match negative || sign.contains(['-', '−']) {
        true => Decimal::parse(&format!("-{number}")),
        false => Some(number),
    }
}

/// A sign, a currency sign or an ISO code of a currency; anything else makes a code, not a number.
fn is_unit_before(text: &str) -> bool {
    let text = text.trim_matches(['-', '−', '+', ' ', '\u{a0}']);
    let code = text.len() == 3 && text.chars().all(|c| c.is_ascii_uppercase());
    code || text.chars().count() <= 1 && !text.chars().any(char::is_alphanumeric)
}

/// Nothing, a percent or currency sign, or a short unit after a space.
fn is_unit_after(text: &str) -> bool {
    let unit = text.trim();
    let sign = unit.chars().count() <= 1 && !unit.chars().any(|c| c.is_alphanumeric() || "-/:".contains(c));
    let word = text.starts_with([' ', '\u{a0}'])
        && unit.chars().count() <= 4
        && unit
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '²' | '³' | '.'));
    sign || word
}

/// Digits with a point; `None` where the separators do not stand where they would.
fn plain_numeral(numeral: &str, mark: DecimalMark) -> Option<String> {
    let (thousands, point) = mark.marks();
    let (whole, fraction) = match numeral.split_once(point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (numeral, None),
    };
    let is_separator = |c: char| c == thousands || is_neutral_mark(c);
    let groups: Vec<&str> = whole.split(is_separator).collect();
    let digits = |group: &str| !group.is_empty() && group.chars().all(|c| c.is_ascii_digit());
    let grouped =
        groups.len() == 1 || groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    if !grouped || !groups.iter().all(|group| digits(group)) || !fraction.is_none_or(digits) {
        return None;
    }
    Some(match fraction {
        Some(fraction) => format!("{}.{fraction}", groups.concat()),
        None => groups.concat(),
    })
}

/// A date, or a date with a time.
pub(crate) fn date_of(text: &str, notation: DateNotation) -> Option<NaiveDateTime> {
    let text = text.trim();
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time_of(time)?),
        None => (text, NaiveTime::MIN),
    };
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let [one, two, three] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = match (one.len(), notation) {
        (4, _) => (one, two, three),
        (_, DateNotation::DayFirst) if three.len() == 4 => (three, two, one),
        (_, DateNotation::MonthFirst) if three.len() == 4 => (three, one, two),
        _ => return None,
    };
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        .map(|date| date.and_time(time))
}

fn time_of(text: &str) -> Option<NaiveTime> {
    let text = text.trim_end_matches('Z');
    ["%H:%M:%S%.f", "%H:%M"]
        .into_iter()
        .find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_both_notations() {
        for (text, point, comma) in [
            ("1,234.50", Some("1234.5"), None),
            ("1.234,50", None, Some("1234.5")),
            ("1,234", Some("1234"), Some("1.234")),
            ("12,5", None, Some("12.5")),
            ("EUR 1 234", Some("1234"), Some("1234")),
            ("(5.00)", Some("-5"), None),
            ("-3", Some("-3"), Some("-3")),
            ("12.5%", Some("0.125"), None),
            ("€.5", Some("0.5"), Some("0.5")),
            ("12 kg", Some("12"), Some("12")),
            ("2026-03-05", None, None),
            ("8:30", None, None),
            ("Room 12", None, None),
            ("A12", None, None),
            ("12A", None, None),
            ("#12", Some("12"), Some("12")),
            ("¥1 200", Some("1200"), Some("1200")),
            ("", None, None),
            ("n/a", None, None),
        ] {
            let read = |mark| number_of(text, mark).map(|number| number.to_string());
            assert_eq!(read(DecimalMark::Point).as_deref(), point, "{text} with a point");
            assert_eq!(read(DecimalMark::Comma).as_deref(), comma, "{text} with a comma");
        }
    }

    #[test]
    fn a_column_decides_its_decimal_mark() {
        let check = |texts: &[&str], expected| {
            assert_eq!(decimal_mark(texts.iter().copied()), expected, "{texts:?}");
        };
        check(&["1,234", "56"], Some(DecimalMark::Point));
        check(&["1,50", "2,75"], Some(DecimalMark::Comma));
        check(&["1.234,50", "17"], Some(DecimalMark::Comma));
        check(&["1", "two"], None);
        check(&["1", "2", "3", "4", "n/a"], Some(DecimalMark::Point));
        check(&[], None);
    }

    #[test]
    fn days_and_months_are_told_by_the_column() {
        let check = |texts: &[&str], expected| {
            assert_eq!(date_notation(texts.iter().copied()), expected, "{texts:?}");
        };
        check(&["2026-03-05", "2026-12-31 18:30:00"], Some(DateNotation::Iso));
        check(&["05.03.2026"], Some(DateNotation::DayFirst));
        check(&["5/3/2026", "31/3/2026"], Some(DateNotation::DayFirst));
        check(&["3/5/2026", "3/31/2026"], Some(DateNotation::MonthFirst));
        check(&["3/5/2026"], None);
        check(&["March"], None);
        let read = date_of("31/03/2026 07:05", DateNotation::DayFirst).map(|moment| moment.to_string());
        assert_eq!(read.as_deref(), Some("2026-03-31 07:05:00"));
    }
}
