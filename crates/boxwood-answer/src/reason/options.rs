//! A choice between options: in the words of a question, and by a value that was computed. Pure.

use super::number;
use super::problem::Choice;
use crate::extract::{DateOrder, last_date, parse_date};
use chrono::NaiveDate;
use std::fmt;

/// The question and its options, where they stand in the text as lines `(A) …` or `A. …`.
pub fn choices_in(question: &str) -> Option<(String, Vec<Choice>)> {
    let mut stem = Vec::new();
    let mut choices: Vec<Choice> = Vec::new();
    for line in question.lines() {
        let expected = char::from(b'A' + u8::try_from(choices.len()).ok()?);
        match option_line(line) {
            Some((label, text)) if label == expected => choices.push(Choice {
                label: label.to_string(),
                text: text.trim().to_owned(),
            }),
            _ if choices.is_empty() => stem.push(line),
            _ if line.trim().is_empty() => {}
            _ => return None,
        }
    }
    if choices.len() < 2 || choices.len() > 20 {
        return None;
    }
    while stem.last().is_some_and(|line| {
        line.trim().is_empty() || line.trim().trim_end_matches(':').eq_ignore_ascii_case("options")
    }) {
        stem.pop();
    }
    Some((stem.join("\n"), choices))
}

impl Choice {
    /// Options with these texts, labelled `A`, `B`, … in their order.
    pub fn labelled<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let labelled = ('A'..).zip(texts);
        labelled
            .map(|(label, text)| Self {
                label: label.to_string(),
                text: text.to_owned(),
            })
            .collect()
    }
}

/// As questions show it: `(A) What it says`.
impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({}) {}", self.label, self.text)
    }
}

fn option_line(line: &str) -> Option<(char, &str)> {
    let line = line.trim_start();
    let inner = line.strip_prefix('(').unwrap_or(line);
    let label = inner.chars().next().filter(char::is_ascii_uppercase)?;
    let rest = &inner[1..];
    let rest = rest.strip_prefix(") ").or_else(|| rest.strip_prefix(". "))?;
    Some((label, rest))
}

/// The option that a computed text means: its label, its words, its date, or the only number that is equal.
pub(super) fn option_of(output: &str, choices: &[Choice]) -> Option<usize> {
    let output = output.trim().trim_end_matches('.');
    let label = output
        .trim_start_matches('(')
        .split([')', '.', ':', ' '])
        .next()
        .unwrap_or_default();
    let has_letter_only = output
        .chars()
        .filter(|character| character.is_alphanumeric())
        .count()
        == label.len();
    if let Some(index) = choices.iter().position(|choice| choice.label == label)
        && (has_letter_only || output.starts_with('('))
    {
        return Some(index);
    }
    let folded = fold(output);
    let same = |choice: &Choice| fold(&choice.text) == folded;
    if let Some(index) = only(choices, same) {
        return Some(index);
    }
    let order = order_of(choices);
    if let Some(date) = whole_date(output, order)
        && let Some(index) = of_date(date, choices, order)
    {
        return Some(index);
    }
    nearest(number::last_number(output)?, choices)
}

/// The option whose date a derivation comes to, where all options are dates: a small model computes the right date and
/// then names another letter. Lines that repeat an option say nothing.
pub(super) fn derived_date(derivation: &str, choices: &[Choice]) -> Option<usize> {
    let order = order_of(choices);
    let is_date = |choice: &Choice| whole_date(&choice.text, order).is_some();
    if !choices.iter().all(is_date) {
        return None;
    }
    let mut lines = derivation.lines().rev();
    let date = lines.find_map(|line| match option_line(line) {
        Some(_) => None,
        None => last_date(line, order),
    })?;
    of_date(date, choices, order)
}

/// The only option with this date.
fn of_date(date: NaiveDate, choices: &[Choice], order: DateOrder) -> Option<usize> {
    only(choices, |choice| whole_date(&choice.text, order) == Some(date))
}

/// How the options write dates.
fn order_of(choices: &[Choice]) -> DateOrder {
    let texts: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
    DateOrder::of(&texts.join("\n"))
}

fn whole_date(text: &str, order: DateOrder) -> Option<NaiveDate> {
    let found = parse_date(text, order)?;
    found.has_day.then_some(found.date)
}

/// The only option whose number is equal within a hundredth.
fn nearest(value: f64, choices: &[Choice]) -> Option<usize> {
    let close = |choice: &Choice, within: f64| match number::numbers(&choice.text).as_slice() {
        [one] => (one.value - value).abs() <= within * value.abs().max(1e-9),
        _ => false,
    };
    only(choices, |choice| close(choice, 1e-6)).or_else(|| only(choices, |choice| close(choice, 0.01)))
}

fn only(choices: &[Choice], fits: impl Fn(&Choice) -> bool) -> Option<usize> {
    let mut fitting = choices.iter().enumerate().filter(|(_, choice)| fits(choice));
    let first = fitting.next()?.0;
    fitting.next().is_none().then_some(first)
}

fn fold(text: &str) -> String {
    text.chars()
        .filter(|character| character.is_alphanumeric() || matches!(character, '-' | '/' | '.'))
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .trim_matches('.')
        .to_owned()
}

/// Whether most options are numbers or dates, so that a program can tell which is right.
pub(super) fn are_computable(choices: &[Choice]) -> bool {
    let computable = choices.iter().filter(|choice| {
        let letters = choice
            .text
            .chars()
            .filter(|character| character.is_alphabetic())
            .count();
        let digits = choice.text.chars().filter(char::is_ascii_digit).count();
        digits > 0 && (letters <= digits + 4 || whole_date(&choice.text, DateOrder::DayFirst).is_some())
    });
    2 * computable.count() > choices.len()
}

/// By how many places the options are turned round so that each stands in several: at most this many ways, the first of
/// them as they are.
pub(super) fn turns(options: usize, most: usize) -> Vec<usize> {
    let ways = options.min(most);
    (0..ways).map(|way| way * options / ways).collect()
}

/// The options turned round by so many places under the same labels: the first label has the option that stood there.
pub(super) fn turned(choices: &[Choice], places: usize) -> Vec<Choice> {
    let texts = choices.iter().cycle().skip(places);
    let turned = choices.iter().zip(texts);
    turned
        .map(|(choice, text)| Choice {
            label: choice.label.clone(),
            text: text.text.clone(),
        })
        .collect()
}

/// The options as a prompt shows them.
pub(super) fn rendered(choices: &[Choice]) -> String {
    let lines: Vec<String> = choices.iter().map(Choice::to_string).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str]) -> Vec<Choice> {
        Choice::labelled(texts.iter().copied())
    }

    #[test]
    fn options_of_a_question() {
        let (stem, options) = choices_in("Which day?\nOptions:\n(A) 01/02/2003\n(B) 02/02/2003").unwrap();
        assert_eq!(stem, "Which day?");
        assert_eq!(options, choices(&["01/02/2003", "02/02/2003"]));
        assert_eq!(choices_in("Is it?\n(A) only one"), None);
        assert_eq!(choices_in("What is (A) here?"), None);
    }

    #[test]
    fn options_are_turned_round_under_their_labels() {
        assert_eq!(turns(4, 4), [0, 1, 2, 3]);
        assert_eq!(turns(2, 4), [0, 1]);
        assert_eq!(turns(10, 4), [0, 2, 5, 7]);
        let options = choices(&["one", "two", "three"]);
        assert_eq!(turned(&options, 0), options);
        assert_eq!(turned(&options, 2), choices(&["three", "one", "two"]));
    }

    #[test]
    fn a_computed_text_means_an_option() {
        let dates = choices(&["03/14/2002", "03/13/2002"]);
        let numbers = choices(&["2.5 m/s", "5 m/s", "25 m/s"]);
        let words = choices(&["The first", "the second"]);
        for (output, options, expected) in [
            ("03/13/2002", &dates, Some(1)),
            ("2002-03-13", &dates, Some(1)),
            ("(B)", &dates, Some(1)),
            ("B", &dates, Some(1)),
            ("5.0", &numbers, Some(1)),
            ("2.49", &numbers, Some(0)),
            ("7", &numbers, None),
            ("The second", &words, Some(1)),
            ("", &words, None),
        ] {
            assert_eq!(option_of(output, options), expected, "{output}");
        }
        let derivation =
            "One day before March 14, 2002 is March 13, 2002.\n(A) 03/14/2002\nThe answer is \\boxed{A}.";
        assert_eq!(
            derived_date(derivation, &dates),
            Some(1),
            "what was derived, not the letter"
        );
        assert_eq!(derived_date("It is May 1, 2001. (A)", &dates), None);
        assert_eq!(derived_date("5 m/s", &numbers), None);
        assert!(are_computable(&dates) && are_computable(&numbers) && !are_computable(&words));
    }
}
