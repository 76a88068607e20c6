//! Answers in what a model wrote. Pure.
//!
//! Invariant: what is returned is an answer alone, never the thinking around it.

use super::latex;
use super::number;
use super::options;
use super::problem::{AnswerForm, Choice};

/// The answer of a reply in words; `None` where it gives none.
pub(super) fn answer_of(reply: &str, form: &AnswerForm) -> Option<String> {
    let reply = reply.trim();
    match form {
        AnswerForm::Number => number_of(reply),
        AnswerForm::Math => math_of(reply),
        AnswerForm::Choice(choices) => choice_of(reply, choices),
        AnswerForm::Text => text_of(reply),
        AnswerForm::Code { .. } => super::program::code_of(reply),
    }
}

/// The answer of a derivation: what it comes to counts more than what it names.
pub(super) fn derived(reply: &str, form: &AnswerForm) -> Option<String> {
    if let AnswerForm::Choice(choices) = form
        && let Some(index) = options::derived_date(reply, choices)
    {
        return Some(choices[index].label.clone());
    }
    answer_of(reply, form)
}

/// The answer in what a program printed.
pub(super) fn answer_of_output(output: &str, form: &AnswerForm) -> Option<String> {
    let line = super::program::result_line(output)?;
    match form {
        AnswerForm::Number => number::last_number(line)
            .filter(|value| value.is_finite())
            .map(number::written),
        AnswerForm::Math => {
            let line = latex::boxed(line).unwrap_or(line);
            let plain = latex::plain(line);
            if plain.is_empty() || plain == "None" {
                return None;
            }
            let is_float = plain.contains('.') || plain.contains('/');
            Some(match latex::value(&plain) {
                Some(value) if is_float => latex::of_value(value),
                _ => line.to_owned(),
            })
        }
        AnswerForm::Choice(choices) => {
            options::option_of(line, choices).map(|index| choices[index].label.clone())
        }
        AnswerForm::Text => {
            let line = line.trim_matches(['\'', '"']);
            let is_answer = !line.is_empty() && line != "None" && line.chars().count() <= 300;
            is_answer.then(|| line.to_owned())
        }
        AnswerForm::Code { .. } => None,
    }
}

/// A key under which equal answers meet.
pub(super) fn key(answer: &str, form: &AnswerForm) -> String {
    match form {
        AnswerForm::Number => number::last_number(answer).map_or_else(|| answer.to_owned(), number::key),
        AnswerForm::Math => latex::key(answer),
        AnswerForm::Choice(_) | AnswerForm::Code { .. } => answer.to_owned(),
        AnswerForm::Text => match number::numbers(answer).as_slice() {
            // Amounts meet whatever their unit and rounding.
            [one] if one.value != 0.0 => format!("{:.2e}", one.value.abs()),
            _ => answer
                .chars()
                .filter(|character| character.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect(),
        },
    }
}

/// What follows the last "Answer:".
fn stated(reply: &str) -> Option<&str> {
    let lower = reply.to_ascii_lowercase();
    let marks = ["answer:", "answer is", "answer**:", "answer:**", "答え:", "答案:"];
    let at = marks
        .iter()
        .filter_map(|mark| lower.rfind(mark).map(|at| at + mark.len()))
        .max()?;
    let rest = reply.get(at..)?.trim_start_matches([':', '*', ' ']);
    let line = rest.lines().find(|line| !line.trim().is_empty())?;
    Some(line.trim().trim_matches(['*', '"', '`']).trim())
}

fn number_of(reply: &str) -> Option<String> {
    let value = latex::boxed(reply)
        .and_then(|boxed| latex::value(&latex::plain(boxed)).or_else(|| number::last_number(boxed)))
        .or_else(|| {
            let line = stated(reply)?;
            // "Answer: 5 x 3 = 15 eggs" says 15; "Answer: 15 (5 a day)" says 15 as well.
            match line.rsplit_once('=') {
                Some((_, result)) => number::numbers(result).first().map(|found| found.value),
                None => number::numbers(line).first().map(|found| found.value),
            }
        })
        .or_else(|| number::last_number(reply))?;
    value.is_finite().then(|| number::written(value))
}

fn math_of(reply: &str) -> Option<String> {
    let answer = latex::boxed(reply).or_else(|| stated(reply));
    let answer = answer.map(|answer| {
        let answer = answer.trim().trim_end_matches('.').trim_matches('$').trim();
        answer.trim_end_matches('.').to_owned()
    });
    answer
        .filter(|answer| !answer.is_empty())
        .or_else(|| number::last_number(reply).map(number::written))
}

fn choice_of(reply: &str, choices: &[Choice]) -> Option<String> {
    let known = |label: &str| {
        choices
            .iter()
            .find(|choice| choice.label == label)
            .map(|choice| choice.label.clone())
    };
    // "The correct answer is:" may stand above the box that has it.
    for line in [latex::boxed(reply), stated(reply)].into_iter().flatten() {
        let line = line.strip_prefix("\\text{").unwrap_or(line);
        let label = line.trim_start_matches(['(', '*', ' ', '{', '\\', '$']);
        let label: String = label.chars().take_while(char::is_ascii_uppercase).collect();
        if let Some(label) = known(&label) {
            return Some(label);
        }
        if let Some(index) = options::option_of(line, choices) {
            return Some(choices[index].label.clone());
        }
    }
    // The last label in parentheses, or a reply that is a label alone.
    let mut last = None;
    for (at, _) in reply.match_indices('(') {
        let label: String = reply[at + 1..]
            .chars()
            .take_while(char::is_ascii_uppercase)
            .collect();
        if reply[at + 1 + label.len()..].starts_with(')') {
            last = known(&label).or(last);
        }
    }
    let first: String = reply.chars().take_while(char::is_ascii_uppercase).collect();
    let alone = !reply[first.len()..].starts_with([' ', '\'']);
    last.or_else(|| known(&first).filter(|_| alone)).or_else(|| {
        let line = reply.lines().last()?;
        options::option_of(line, choices).map(|index| choices[index].label.clone())
    })
}

fn text_of(reply: &str) -> Option<String> {
    let answer = stated(reply).unwrap_or(reply).trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn choice() -> AnswerForm {
        AnswerForm::Choice(
            [("A", "12 m"), ("B", "15 m"), ("C", "The north")]
                .into_iter()
                .map(|(label, text)| Choice {
                    label: label.to_owned(),
                    text: text.to_owned(),
                })
                .collect(),
        )
    }

    #[test]
    fn answers_in_words() {
        for (reply, form, expected) in [
            ("5 + 3 = 8.\nAnswer: 8", AnswerForm::Number, Some("8")),
            ("The answer is $1,200.50.", AnswerForm::Number, Some("1200.5")),
            ("Answer: 5 x 3 = 15 eggs", AnswerForm::Number, Some("15")),
            ("**Answer:** 15 (5 a day)", AnswerForm::Number, Some("15")),
            ("so \\boxed{\\frac{1}{2}}", AnswerForm::Number, Some("0.5")),
            ("He has 3 left", AnswerForm::Number, Some("3")),
            ("nothing", AnswerForm::Number, None),
            (
                "thus \\boxed{\\frac{3}{4}}.",
                AnswerForm::Math,
                Some("\\frac{3}{4}"),
            ),
            ("Answer: $x+1$.", AnswerForm::Math, Some("x+1")),
            ("Answer: (B) 15 m", choice(), Some("B")),
            ("Answer: B", choice(), Some("B")),
            ("the right one is (A), not (C). So (A) it is", choice(), Some("A")),
            ("C", choice(), Some("C")),
            (
                "The correct answer is:\n\\[\n\\boxed{B}\n\\]",
                choice(),
                Some("B"),
            ),
            ("The answer is \\(\\boxed{\\text{C}}\\).", choice(), Some("C")),
            ("The correct answer is \\boxed{15 m}.", choice(), Some("B")),
            ("Answer: the north", choice(), Some("C")),
            ("B) 15 m", choice(), Some("B")),
            ("A wall is high", choice(), None),
            ("no idea", choice(), None),
            ("Think… Answer: 12.5%", AnswerForm::Text, Some("12.5%")),
            ("46,552", AnswerForm::Text, Some("46,552")),
        ] {
            assert_eq!(answer_of(reply, &form).as_deref(), expected, "{reply}");
        }
    }

    #[test]
    fn answers_of_programs() {
        for (output, form, expected) in [
            ("18.0", AnswerForm::Number, Some("18")),
            ("Total: 18 dollars", AnswerForm::Number, Some("18")),
            ("5.5", AnswerForm::Math, Some("\\frac{11}{2}")),
            ("11/2", AnswerForm::Math, Some("\\frac{11}{2}")),
            ("12", AnswerForm::Math, Some("12")),
            ("None", AnswerForm::Math, None),
            ("15", choice(), Some("B")),
            ("-79.67%", AnswerForm::Text, Some("-79.67%")),
            ("", AnswerForm::Text, None),
        ] {
            assert_eq!(answer_of_output(output, &form).as_deref(), expected, "{output}");
        }
    }

    #[test]
    fn equal_answers_meet() {
        for (one, other, form) in [
            ("12.50", "12.5", AnswerForm::Number),
            ("$12.3 million", "12.3", AnswerForm::Text),
            ("Net income", "net income.", AnswerForm::Text),
            ("0.5", "\\frac{1}{2}", AnswerForm::Math),
        ] {
            assert_eq!(key(one, &form), key(other, &form), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn any_reply_is_read(reply in "\\PC{0,60}") {
            for form in [AnswerForm::Number, AnswerForm::Math, AnswerForm::Text, choice()] {
                answer_of(&reply, &form);
                answer_of_output(&reply, &form);
                key(&reply, &form);
            }
        }
    }
}
