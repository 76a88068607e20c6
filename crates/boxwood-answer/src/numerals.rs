//! What all readers and writers of numbers share: marks of decimals, marks between thousands, currencies, cents. Pure.
//!
//! There are four readers, because the same signs mean other things in other places; what is common to them stands here.
//!
//! | reader | reads | what only it knows |
//! |---|---|---|
//! | `extract/numbers.rs` | the numbers in a document's running text | the document's own decimal mark; `million`, `万`; `△5`, `5,00-`; `十二万` |
//! | `spreadsheet/infer.rs` | a cell that is a number, exactly | its column's decimal mark; units; `12%` is 0.12; misplaced marks make it no number |
//! | `reason/tables.rs` | a cell of a table in a text, for a program | signs, units and parentheses in any order; full width; `12%` stays 12 |
//! | `reason/number.rs` | what programs print and models write | `1e6`, `.5`; only commas between thousands; `5-3` is no sign |
//!
//! Invariant: nothing here decides which mark a text uses; each reader does, by what it sees. Running text is folded first
//! (`extract/fold.rs`), cells are not: folding makes `12` of `1²`.

/// What divides the decimals of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1,234.56`; the default where nothing tells.
    #[default]
    Point,
    /// `1.234,56`
    Comma,
}

impl DecimalMark {
    /// The mark between thousands that goes with it, and the mark itself.
    pub fn marks(self) -> (char, char) {
        match self {
            Self::Point => (',', '.'),
            Self::Comma => ('.', ','),
        }
    }
}

/// Signs and codes of currencies as they stand beside amounts, longer ones before those that they end with.
pub(crate) const CURRENCIES: &[&str] = &[
    "US$", "HK$", "NT$", "CA$", "R$", "A$", "C$", "S$", "$", "€", "£", "¥", "₹", "₩", "₽", "USD", "EUR",
    "GBP", "JPY", "CHF", "CNY", "RMB", "KRW", "INR", "円", "元", "원", "圓",
];

/// Whether a character stands between thousands whatever the decimal mark is: spaces and apostrophes.
pub(crate) fn is_neutral_mark(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’')
}

/// What stands before an amount without the sign of its currency: `(` of `($ 5)`.
pub(crate) fn without_currency(before: &str) -> &str {
    before.trim_end_matches(['$', '€', '£', '¥', ' '])
}

/// Whether digits end with cents: exactly two behind the last mark.
pub(crate) fn has_cents(numeral: &str) -> bool {
    let last = numeral.rfind(['.', ',']);
    last.is_some_and(|last| numeral.len() - last == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_signs_of_currencies_come_first() {
        for (at, sign) in CURRENCIES.iter().enumerate() {
            let earlier = &CURRENCIES[..at];
            assert!(
                !earlier
                    .iter()
                    .any(|other| sign.ends_with(other) || sign.starts_with(other)),
                "{sign} is never found"
            );
        }
    }

    #[test]
    fn parts_of_amounts() {
        for (numeral, cents) in [
            ("1.234,56", true),
            ("12.50", true),
            ("1,234", false),
            ("12", false),
        ] {
            assert_eq!(has_cents(numeral), cents, "{numeral}");
        }
        assert_eq!(without_currency("paid ($ "), "paid (");
    }
}
