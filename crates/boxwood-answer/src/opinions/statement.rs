//! Whether two answers to one question state the same. Pure.
//!
//! Invariant: what the question says already is no statement, and neither is how many words are made about a value.
//! Called by [`super`].

use crate::extract::{find_numbers, folded, is_ideograph};
use crate::numerals::DecimalMark;
use std::collections::HashSet;

/// Share of the shorter answer's words that must stand in the other one.
const MOST: f32 = 0.7;

/// Whether two answers state the same: the same numbers where there are any, else mostly the same words.
pub(super) fn agree(question: &str, one: &str, other: &str) -> bool {
    let [question, one, other] = [question, one, other].map(folded);
    let (of_one, of_other) = (numbers(&question, &one), numbers(&question, &other));
    if !of_one.is_empty() || !of_other.is_empty() {
        return of_one == of_other;
    }
    let asked = words(&question);
    let told = |text: &str| words(text).difference(&asked).cloned().collect();
    let (mut of_one, mut of_other): (HashSet<String>, HashSet<String>) = (told(&one), told(&other));
    if of_one.is_empty() || of_other.is_empty() {
        // "Paris" to "Paris or Rome?": what the question names is all that they say.
        (of_one, of_other) = (words(&one), words(&other));
    }
    let fewer = of_one.len().min(of_other.len());
    let shared = of_one.intersection(&of_other).count();
    shared as f32 >= MOST * fewer as f32
}

/// The numbers of a folded text that the question does not have, in order, each without its powers of a thousand: a
/// table's `46,552` is a sentence's `46,552 thousand` and `46.552 million`.
fn numbers(question: &str, text: &str) -> Vec<String> {
    let values = |text: &str| {
        let found = find_numbers(text, DecimalMark::of(text));
        found.into_iter().map(|number| without_thousands(number.value))
    };
    let asked: HashSet<String> = values(question).collect();
    let told: HashSet<String> = values(text).filter(|value| !asked.contains(value)).collect();
    let mut told: Vec<String> = told.into_iter().collect();
    told.sort_unstable();
    told
}

fn without_thousands(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let thousands = (value.abs().log10() / 3.0).floor();
    format!("{:.8}", value / 1000f64.powf(thousands))
}

/// The words of a folded text; each character of a script without spaces between words.
fn words(text: &str) -> HashSet<String> {
    let mut words = HashSet::new();
    for run in text.split(|character: char| !character.is_alphanumeric()) {
        let mut word = String::new();
        for character in run.chars() {
            match is_ideograph(character) {
                true => {
                    words.insert(character.to_string());
                }
                false => word.push(character),
            }
        }
        if !word.is_empty() {
            words.insert(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_sentence_is_the_same_statement() {
        for (question, one, other, same) in [
            (
                "How many shares were outstanding in 2017?",
                "46,552",
                "In 2017, 46,552 thousand shares were outstanding.",
                true,
            ),
            (
                "What is the opening balance of 2018?",
                "77,131",
                "The balance of 2018 was RMB 2,154 million.",
                false,
            ),
            (
                "Which regions are there?",
                "The regions are Americas, EMEA and APJ.",
                "Americas and EMEA",
                true,
            ),
            ("Which regions are there?", "Americas", "It is EMEA", false),
            (
                "What was the increase?",
                "$16.9 million",
                "It was 16,900,000.",
                true,
            ),
            ("What was the increase?", "16.9", "-16.9", false),
            (
                "Was it Paris or Rome?",
                "Paris",
                "It was Paris, as the letter says.",
                true,
            ),
            ("Was it Paris or Rome?", "Paris", "Rome", false),
            ("Who pays?", "The buyer pays 12.5%.", "The buyer pays.", false),
            ("契約期間はいつまでですか", "契約期間は三年です", "三年です", true),
            ("誰が払いますか", "買主が払います", "売主が払います", false),
            (
                "Wie hoch ist der Betrag?",
                "1.234,50 €",
                "Er ist EUR 1.234,50.",
                true,
            ),
        ] {
            assert_eq!(agree(question, one, other), same, "{one} / {other}");
            assert_eq!(agree(question, other, one), same, "{other} / {one}");
        }
    }
}
