//! Decimal numbers, so that sums of amounts are exact.
//!
//! Invariant: no operation rounds except the mean, which says to how many places; what can't be held is `None`, never a
//! wrong number. Used by the tables and queries of `spreadsheet`.

use std::cmp::Ordering;
use std::fmt;

/// Digits after the point that are kept at most.
const MAX_SCALE: u32 = 18;
/// Digits of a binary fraction that mean something, as spreadsheets show them.
const SIGNIFICANT: usize = 15;

/// `digits` divided by ten to the power of `scale`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// 0
    pub const ZERO: Self = Self { digits: 0, scale: 0 };

    fn new(mut digits: i128, mut scale: u32) -> Self {
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        Self { digits, scale }
    }

    /// A number of the file, by its fifteen significant digits; `None` for what is too large, too small or no number.
    pub fn of_float(number: f64) -> Option<Self> {
        if number == 0.0 {
            return Some(Self::ZERO);
        }
        let written = format!("{number:.*e}", SIGNIFICANT - 1);
        let (mantissa, exponent) = written.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        let scale = SIGNIFICANT as i32 - 1 - exponent;
        if scale < 0 {
            let power = 10i128.checked_pow(scale.unsigned_abs())?;
            return Some(Self::new(digits.checked_mul(power)?, 0));
        }
        // Trailing zeros first: 1e-10 has fifteen digits but needs only ten places.
        let mut short = (digits, scale as u32);
        while short.1 > 0 && short.0 % 10 == 0 {
            short = (short.0 / 10, short.1 - 1);
        }
        (short.1 <= MAX_SCALE).then(|| Self::new(short.0, short.1))
    }

    /// From digits with an optional sign and point: `-1234.50`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all_digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let scale = u32::try_from(fraction.len())
            .ok()
            .filter(|scale| *scale <= MAX_SCALE)?;
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self::new(if negative { -digits } else { digits }, scale))
    }

    /// A whole number.
    pub fn whole(number: usize) -> Self {
        Self {
            digits: number as i128,
            scale: 0,
        }
    }

    /// Digits after the point.
    pub fn places(self) -> u32 {
        self.scale
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(10i128.checked_pow(scale - self.scale)?)
    }

    /// The exact sum.
    pub fn add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let sum = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Self::new(sum, scale))
    }

    /// One `count`-th, rounded half away from zero to `places` digits after the point.
    pub fn divided(self, count: usize, places: u32) -> Option<Self> {
        let count = i128::try_from(count).ok().filter(|count| *count > 0)?;
        let places = places.clamp(self.scale, MAX_SCALE);
        let digits = self.at_scale(places)?;
        let half = if digits < 0 { -(count / 2) } else { count / 2 };
        // Truncation of what was moved by a half rounds half away from zero; an odd count has no exact half.
        Some(Self::new(digits.checked_add(half)? / count, places))
    }

    /// Times ten to the power of `power`, for percentages.
    pub fn shifted(self, power: i32) -> Option<Self> {
        let scale = i64::from(self.scale) - i64::from(power);
        if scale < 0 {
            let factor = 10i128.checked_pow(u32::try_from(-scale).ok()?)?;
            return Some(Self::new(self.digits.checked_mul(factor)?, 0));
        }
        let scale = u32::try_from(scale).ok().filter(|scale| *scale <= MAX_SCALE)?;
        Some(Self::new(self.digits, scale))
    }

    /// With at least so many digits after the point: `3.5` as `3.50`.
    pub fn with_places(self, places: u32) -> String {
        let scale = places.max(self.scale);
        let digits = self.digits.unsigned_abs().to_string();
        let digits = digits + &"0".repeat((scale - self.scale) as usize);
        let width = scale as usize + 1;
        let digits = format!("{digits:0>width$}");
        let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
        let sign = if self.digits < 0 { "-" } else { "" };
        match fraction {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at_scale(scale), other.at_scale(scale)) {
            (Some(one), Some(two)) => one.cmp(&two),
            // Only a number near the limit can't be widened, and it is then the one further from zero.
            (None, _) => self.digits.cmp(&0),
            (_, None) => 0.cmp(&other.digits),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_places(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is no decimal"))
    }

    #[test]
    fn numbers_of_a_file_lose_the_noise_of_binary_fractions() {
        for (number, expected) in [
            (0.1 + 0.2, Some("0.3")),
            (302.0, Some("302")),
            (-1234.5, Some("-1234.5")),
            (1e-10, Some("0.0000000001")),
            (1e20, Some("100000000000000000000")),
            (0.0, Some("0")),
            (1e-30, None),
            (1e300, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(
                Decimal::of_float(number).map(|d| d.to_string()).as_deref(),
                expected,
                "{number}"
            );
        }
    }

    #[test]
    fn only_numbers_are_parsed() {
        for (text, expected) in [
            ("12.50", Some("12.5")),
            ("-0.007", Some("-0.007")),
            (".5", Some("0.5")),
            ("+3", Some("3")),
            ("1,000", None),
            ("", None),
            (".", None),
            ("1e5", None),
            ("12a", None),
        ] {
            assert_eq!(
                Decimal::parse(text).map(|d| d.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn means_are_rounded_half_away_from_zero() {
        for (sum, count, places, expected) in [
            ("1", 3, 2, "0.33"),
            ("2", 3, 2, "0.67"),
            ("1", 8, 2, "0.13"),
            ("-1", 8, 2, "-0.13"),
            ("10", 4, 0, "3"),
            ("302", 2, 4, "151"),
        ] {
            let mean = decimal(sum).divided(count, places).unwrap();
            assert_eq!(mean.to_string(), expected, "{sum} / {count}");
        }
        assert_eq!(decimal("1").divided(0, 2), None);
    }

    #[test]
    fn places_are_filled_and_shifted() {
        assert_eq!(decimal("3.5").with_places(2), "3.50");
        assert_eq!(decimal("-0.05").with_places(0), "-0.05");
        assert_eq!(decimal("0.125").shifted(2).unwrap().to_string(), "12.5");
        assert_eq!(decimal("12.5").shifted(-2).unwrap().to_string(), "0.125");
        assert_eq!(decimal("5").shifted(3).unwrap().to_string(), "5000");
    }

    proptest! {
        #[test]
        fn sums_and_order_are_those_of_the_integers(a in -1_000_000_000i64..1_000_000_000, b in -1_000_000_000i64..1_000_000_000) {
            let cents = |number: i64| Decimal::new(i128::from(number), 2);
            prop_assert_eq!(cents(a).add(cents(b)), Some(cents(a + b)));
            prop_assert_eq!(cents(a).cmp(&cents(b)), a.cmp(&b));
            prop_assert_eq!(Decimal::parse(&cents(a).to_string()), Some(cents(a)));
        }
    }
}
