//! A computed amount as the document writes amounts: a program prints `1234.5` where the document says `$1,000.00`. Pure.
//!
//! Invariant: a unit is added only where nothing speaks against it: the answer is a bare number, the question asks for no
//! share, count or span of time, the program divides nothing by an amount, and every amount that it starts from and that
//! has a currency has the same. In doubt the number stays bare. Called by [`super::files`].

use super::problem::{ProgramUsed, ValueUsed};
use super::routing::words;
use crate::extract::fold::Folded;
use crate::numerals::{self, CURRENCIES, DecimalMark};

/// Rounding to cents may change a value by so much of it.
const ROUNDING: f64 = 0.005;

/// How a document writes amounts.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Money {
    sign: &'static str,
    is_before: bool,
    is_spaced: bool,
}

/// The answer with the currency of the values that it comes from; `None` where it stays as it is.
pub(super) fn with_currency(
    answer: &str,
    question: &str,
    program: &ProgramUsed,
    text: &str,
) -> Option<String> {
    let value: f64 = answer
        .replace(',', "")
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())?;
    let is_quotient = divides(&program.program) && !words::asks_for_mean(question);
    if is_quotient || words::asks_for_no_amount(question) {
        return None;
    }
    let amounts: Vec<(&ValueUsed, Money)> = program
        .values
        .iter()
        .filter_map(|value| Some((value, written_with(text, value.stated_as.as_deref()?)?)))
        .collect();
    let (_, money) = *amounts.first()?;
    if amounts.iter().any(|(_, other)| other.sign != money.sign) {
        return None;
    }
    let has_cents = amounts.iter().any(|(value, _)| has_cents(stated(value)));
    let is_grouped = amounts.iter().all(|(value, _)| is_grouped(stated(value)));
    let mark = DecimalMark::of(&Folded::of(text).text);
    let number = written(value.abs(), answer, has_cents, is_grouped, mark);
    let minus = if value < 0.0 { "-" } else { "" };
    let space = if money.is_spaced { " " } else { "" };
    Some(match money.is_before {
        true => format!("{minus}{}{space}{number}", money.sign),
        false => format!("{minus}{number}{space}{}", money.sign),
    })
}

/// Whether a program divides by anything but a hundred, or raises to a power.
fn divides(program: &str) -> bool {
    program.lines().any(|line| {
        let mut quote = None;
        let mut code = String::new();
        for character in line.chars() {
            match (quote, character) {
                (None, '#') => break,
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                (Some(_), _) => {}
                (None, other) => code.push(other),
            }
        }
        let code: String = code.split_whitespace().collect();
        code.contains("**")
            || code
                .match_indices('/')
                .any(|(at, _)| !is_hundred(&code[at + 1..]))
    })
}

fn is_hundred(rest: &str) -> bool {
    let rest = rest
        .strip_prefix("100")
        .map(|rest| rest.strip_prefix(".0").unwrap_or(rest));
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_')))
}

/// How the text writes an amount that stands in it.
fn written_with(text: &str, amount: &str) -> Option<Money> {
    let own = amount.trim_start_matches(['-', '−', '(']);
    if let Some(money) = sign_before(&own[..own.find(|c: char| c.is_ascii_digit())?]) {
        return Some(money);
    }
    let is_digit = |c: char| c.is_ascii_digit();
    let end = amount.rfind(is_digit)? + 1;
    if let Some(money) = sign_after(&amount[end..]) {
        return Some(money);
    }
    text.match_indices(amount).find_map(|(at, _)| {
        let (head, tail) = (&text[..at], &text[at + amount.len()..]);
        let is_part = head.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
            || tail.starts_with(is_digit)
            || tail
                .strip_prefix(['.', ','])
                .is_some_and(|tail| tail.starts_with(is_digit));
        if is_part {
            return None;
        }
        sign_before(head).or_else(|| sign_after(tail))
    })
}

fn sign_before(head: &str) -> Option<Money> {
    let near = head.trim_end_matches('(').trim_end_matches(['-', '−']);
    let bare = near.trim_end_matches([' ', '\u{a0}']);
    // `EUR` ends no word, and `S$` not `SALES$`.
    let is_whole =
        |sign: &str, rest: &str| !sign.starts_with(is_letter) || !rest.ends_with(char::is_alphanumeric);
    let ends = |sign: &str| bare.strip_suffix(sign).is_some_and(|rest| is_whole(sign, rest));
    let sign = *CURRENCIES.iter().find(|sign| ends(sign))?;
    Some(Money {
        sign,
        is_before: true,
        is_spaced: bare.len() < near.len(),
    })
}

fn sign_after(tail: &str) -> Option<Money> {
    let near = tail.trim_start_matches(')');
    let bare = near.trim_start_matches([' ', '\u{a0}']);
    let sign = *CURRENCIES.iter().find(|sign| bare.starts_with(**sign))?;
    let in_word = sign.ends_with(is_letter) && bare[sign.len()..].starts_with(char::is_alphanumeric);
    // What stands after a space may belong to the next amount: `5 $7`.
    let of_next = bare[sign.len()..].starts_with(|c: char| c.is_ascii_digit());
    (!in_word && !of_next).then_some(Money {
        sign,
        is_before: false,
        is_spaced: bare.len() < near.len(),
    })
}

fn is_letter(character: char) -> bool {
    character.is_ascii_uppercase()
}

fn stated(value: &ValueUsed) -> &str {
    value.stated_as.as_deref().unwrap_or("")
}

fn has_cents(amount: &str) -> bool {
    numerals::has_cents(amount.trim_end_matches(|c: char| !c.is_ascii_digit()))
}

/// Whether an amount has marks between its thousands, or needs none.
fn is_grouped(amount: &str) -> bool {
    let whole = match has_cents(amount) {
        true => amount.rfind(['.', ',']).map_or(amount, |at| &amount[..at]),
        false => amount,
    };
    let digits = whole.bytes().filter(u8::is_ascii_digit).count();
    digits < 4 || whole.contains([',', '.', '\'', '’'])
}

/// A number in the document's notation.
fn written(value: f64, answer: &str, has_cents: bool, is_grouped: bool, mark: DecimalMark) -> String {
    let cents = format!("{value:.2}");
    let loss = cents
        .parse::<f64>()
        .map_or(f64::INFINITY, |rounded| (rounded - value).abs());
    let plain = match has_cents && loss <= ROUNDING * value {
        true => cents,
        false => answer.replace(',', "").trim_start_matches(['-', '+']).to_owned(),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let (thousands, point) = mark.marks();
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if is_grouped && at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(thousands);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn used(program: &str, stated: &[&str]) -> ProgramUsed {
        ProgramUsed {
            program: program.to_owned(),
            output: String::new(),
            values: stated
                .iter()
                .map(|stated| ValueUsed {
                    value: String::new(),
                    stated_as: Some((*stated).to_owned()),
                    cell: None,
                })
                .collect(),
            repaired: false,
        }
    }

    #[track_caller]
    fn check(
        answer: &str,
        question: &str,
        program: &str,
        stated: &[&str],
        text: &str,
        expected: Option<&str>,
    ) {
        let found = with_currency(answer, question, &used(program, stated), text);
        assert_eq!(found.as_deref(), expected, "{answer} {question} {text}");
    }

    #[test]
    fn amounts_are_written_as_the_document_writes_them() {
        let sum = "print(a + b)";
        let asked = "How much is it together?";
        check(
            "1234.5",
            asked,
            sum,
            &["1,000.00"],
            "Rent $1,000.00",
            Some("$1,234.50"),
        );
        check("-7", asked, sum, &["12", "5"], "paid $12, then 5", Some("-$7"));
        check(
            "1850.25",
            asked,
            sum,
            &["1.200,50"],
            "Miete 1.200,50 €",
            Some("1.850,25 €"),
        );
        check(
            "1500",
            asked,
            sum,
            &["1200"],
            "Kosten: EUR 1200",
            Some("EUR 1500"),
        );
        check(
            "120000",
            "合計はいくらですか",
            sum,
            &["50,000"],
            "単価 50,000円",
            Some("120,000円"),
        );
        check("28000", asked, sum, &["$(26,811)"], "", Some("$28,000"));
        check("15", asked, sum, &["5"], "Preço: R$ 5", Some("R$ 15"));
        check("15", asked, sum, &["5"], "SALES$5", Some("$15"));
        check(
            "238",
            asked,
            "net * (1 + 19 / 100)",
            &["200.00"],
            "net €200.00",
            Some("€238.00"),
        );
        check("0.0034", asked, sum, &["0.01"], "fee $0.01", Some("$0.0034"));
        check(
            "66.6666666667",
            "What is the average price?",
            "sum(x) / 3",
            &["50.00"],
            "$50.00",
            Some("$66.67"),
        );
    }

    #[test]
    fn in_doubt_a_number_stays_bare() {
        let sum = "print(a + b)";
        for (answer, question, program, stated, text) in [
            ("25%", "How much more?", sum, "1,000", "$1,000"),
            ("0.25", "What is the ratio of a to b?", sum, "1,000", "$1,000"),
            ("3", "How many invoices are over $100?", sum, "100", "$100"),
            ("0.25", "How much is a to b?", "print(a / b)", "1,000", "$1,000"),
            (
                "1250",
                "How much is it?",
                "print(a * 1.05 ** 3)",
                "1,000",
                "$1,000",
            ),
            ("1250", "How much is it?", sum, "1,000", "1,000 units at $5"),
            ("two", "How much is it?", sum, "1,000", "$1,000"),
            ("1250", "How much is it?", sum, "000", "$1,000"),
        ] {
            check(answer, question, program, &[stated], text, None);
        }
        let text = "$1,000 and €500";
        check("1500", "How much is it?", sum, &["1,000", "500"], text, None);
        // A stroke in a text or in a comment divides nothing.
        check(
            "15",
            "How much is it?",
            "print('a/b', a + b)  # a/b",
            &["5"],
            "$5",
            Some("$15"),
        );
    }

    proptest! {
        #[test]
        fn any_amount_keeps_its_digits(cents in -10_000_000i64..10_000_000) {
            let answer = format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
            let written = with_currency(&answer, "How much?", &used("a + b", &["$1,000.00"]), "").unwrap();
            let kept: String = written.chars().filter(|c| !matches!(c, '$' | ',')).collect();
            prop_assert_eq!(kept.parse::<f64>().unwrap(), answer.parse::<f64>().unwrap());
        }

        #[test]
        fn any_text_is_read(amount in "[$€0-9.,() -]{0,12}", text in "[$€0-9.,() EUR円-]{0,40}") {
            with_currency("5", "How much?", &used("a", &[&amount]), &text);
        }
    }
}
