//! Numbers, dates and durations of a sheet as text.
//!
//! Invariant: dates are ISO 8601, whole numbers have no `.0`, and a number is never shown with fewer digits than its
//! format shows. Only what decides the meaning is taken from a format: percent, decimals, thousands, currency.

use std::fmt::Write;

/// What of a number format is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberStyle {
    /// As few digits as the value needs.
    General,
    /// Fixed.
    Fixed {
        /// Digits after the point.
        decimals: u8,
        /// Digits before the point at least: `00000` keeps the zeros of a postal code.
        whole: u8,
        /// Whether thousands are separated.
        thousands: bool,
        /// Whether the value is shown times 100 with a percent sign.
        percent: bool,
        /// Currency sign or code in front of the number.
        prefix: Affix,
        /// The same behind it.
        suffix: Affix,
    },
}

/// A short literal of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Affix([char; 5]);

impl Affix {
    fn of(text: &str) -> Self {
        let mut characters = ['\0'; 5];
        for (place, character) in characters.iter_mut().zip(text.trim().chars()) {
            *place = character;
        }
        Self(characters)
    }

    fn text(self) -> String {
        self.0.iter().filter(|character| **character != '\0').collect()
    }
}

impl NumberStyle {
    /// Understands the first section of a format code.
    pub(super) fn of(code: &str) -> Self {
        let section = first_section(code);
        let (prefix, digits, suffix) = parts(&section);
        let percent = section.contains('%');
        let currency = |text: &str| !text.is_empty() && text.chars().count() <= 5;
        let known = digits.contains('0') && digits.chars().all(|c| matches!(c, '0' | '#' | ',' | '.' | '?'));
        if !known || digits.ends_with(',') {
            return Self::General;
        }
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let keep = |text: &str| {
            let text: String = text.chars().filter(|c| *c != '%').collect();
            if currency(text.trim()) {
                Affix::of(&text)
            } else {
                Affix::default()
            }
        };
        Self::Fixed {
            decimals: decimals.min(10) as u8,
            whole: digits
                .split('.')
                .next()
                .unwrap_or("")
                .matches('0')
                .count()
                .min(20) as u8,
            thousands: digits.contains(','),
            percent,
            prefix: keep(&prefix),
            suffix: keep(&suffix),
        }
    }
}

/// Literals unquoted, conditions, colours and paddings removed.
fn first_section(code: &str) -> String {
    let mut out = String::new();
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => break,
            '"' => out.extend(characters.by_ref().take_while(|c| *c != '"')),
            '\\' => out.extend(characters.next()),
            '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                // [$€-407] is a currency; everything else in brackets is a colour or a condition.
                if let Some(currency) = inside.strip_prefix('$') {
                    out.push_str(currency.split('-').next().unwrap_or(""));
                }
            }
            other => out.push(other),
        }
    }
    out
}

fn parts(section: &str) -> (String, String, String) {
    let is_digit = |c: char| matches!(c, '0' | '#' | '?');
    let Some(start) = section.find(is_digit) else {
        return (section.to_owned(), String::new(), String::new());
    };
    let end = section
        .rfind(|c: char| is_digit(c) || c == ',')
        .map_or(section.len(), |end| end + 1);
    (
        section[..start].to_owned(),
        section[start..end.max(start)].to_owned(),
        section[end.max(start)..].to_owned(),
    )
}

/// A number in its style.
pub(super) fn number_text(number: f64, style: NumberStyle) -> String {
    let NumberStyle::Fixed {
        decimals,
        whole,
        thousands,
        percent,
        prefix,
        suffix,
    } = style
    else {
        return general(number);
    };
    if !number.is_finite() || number.abs() >= 1e15 {
        return general(number);
    }
    let shown = if percent { number * 100.0 } else { number };
    // Half away from zero, as spreadsheets round; formatting alone would round half to even.
    let scale = 10f64.powi(i32::from(decimals));
    let scaled = (shown.abs() * scale * (1.0 + f64::EPSILON)).round();
    let width = usize::from(whole)
        + if decimals > 0 {
            usize::from(decimals) + 1
        } else {
            0
        };
    let digits = format!("{:0width$.*}", usize::from(decimals), scaled / scale);
    let mut out = String::new();
    let is_zero = digits.chars().all(|c| matches!(c, '0' | '.'));
    if shown < 0.0 && !is_zero {
        out.push('-');
    }
    out.push_str(&prefix.text());
    out.push_str(&if thousands {
        with_thousands(&digits)
    } else {
        digits
    });
    if percent {
        out.push('%');
    }
    let suffix = suffix.text();
    if !suffix.is_empty() {
        let _ = write!(out, " {suffix}");
    }
    out
}

/// Fifteen significant digits, as spreadsheets show them: no noise of binary fractions.
fn general(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string()
}

fn with_thousands(digits: &str) -> String {
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        let _ = write!(out, ".{fraction}");
    }
    out
}

/// A date, a date with a time, or (below one day) a time.
pub(super) fn date_text(serial: f64, parts: (u16, u8, u8, u8, u8, u8, u16)) -> String {
    let (year, month, day, hour, minute, second, _) = parts;
    let has_time = hour != 0 || minute != 0 || second != 0;
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if (0.0..1.0).contains(&serial) {
        return time;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if has_time { format!("{date} {time}") } else { date }
}

/// Hours, minutes and seconds of a duration in days.
pub(super) fn duration_text(days: f64) -> String {
    if !days.is_finite() || days.abs() > 1e9 {
        return general(days);
    }
    let seconds = (days.abs() * 86_400.0).round() as u64;
    let sign = if days < 0.0 { "-" } else { "" };
    format!(
        "{sign}{}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_what_their_format_means() {
        let check = |number: f64, code: &str, expected: &str| {
            assert_eq!(
                number_text(number, NumberStyle::of(code)),
                expected,
                "{number} {code}"
            );
        };
        check(3.0, "General", "3");
        check(0.1 + 0.2, "", "0.3");
        check(1234.5, "#,##0.00", "1,234.50");
        check(-1234567.0, "#,##0;[Red]-#,##0", "-1,234,567");
        check(0.125, "0%", "13%");
        check(0.125, "0.0%", "12.5%");
        check(5.0, "[$€-407] #,##0.00", "€5.00");
        check(5.5, "#,##0.00\\ \"kg\"", "5.50 kg");
        check(5.5, "_-* #,##0.00_-", "5.50");
        check(42.0, "00000", "00042");
        check(1e20, "0.00", "100000000000000000000");
        check(-0.001, "0.0", "0.0");
        check(2024.0, "@", "2024");
    }

    #[test]
    fn dates_and_durations_are_iso() {
        assert_eq!(date_text(45_356.0, (2024, 3, 5, 0, 0, 0, 0)), "2024-03-05");
        assert_eq!(
            date_text(45_356.5, (2024, 3, 5, 12, 0, 0, 0)),
            "2024-03-05 12:00:00"
        );
        assert_eq!(date_text(0.5, (1899, 12, 31, 12, 0, 0, 0)), "12:00:00");
        assert_eq!(duration_text(1.5), "36:00:00");
        assert_eq!(duration_text(f64::NAN), "NaN");
    }
}
