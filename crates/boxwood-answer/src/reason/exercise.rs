//! A question with one right answer in a message of a conversation: a choice between options, a function to complete, an
//! expression, a number or an amount that must be computed; and the message that asks such a question. Pure; called by
//! [`super::conversation`] and by the evaluation runner.
//!
//! Invariants: a general rule over the words; in doubt there is no such question, and the message is only thought about.
//! What [`AnswerForm::message_for`] writes, [`exercise_in`] reads.

use super::number;
use super::options::{choices_in, rendered};
use super::problem::{AnswerForm, Choice, Problem};
use super::reading;
use super::routing::asks_for_computation;
use super::routing::words::has;

/// Words by which nothing but the answer is asked for.
const ALONE: &[&str] = &[
    "alone on the last line",
    "number alone",
    "letter alone",
    "answer alone",
    "only the number",
    "only the letter",
    "only the answer",
    "only the final",
    "just the number",
    "just the letter",
    "just the answer",
    "number only",
    "letter only",
    "answer only",
    "nothing else",
    BOX,
    "数字だけ",
    "答えだけ",
    "記号だけ",
    "只回答",
    "只写",
];
/// Words by which that answer is a number.
const NUMBER_ALONE: &[&str] = &[
    "number alone",
    "only the number",
    "just the number",
    "number only",
    "数字だけ",
];
/// LaTeX's box around an answer.
const BOX: &str = "\\boxed";
/// Marks of expressions in LaTeX.
const LATEX: &[&str] = &[
    "\\frac", "\\sqrt", "\\(", "\\[", "\\sum", "\\int", "\\cdot", "\\times", "\\begin{", "\\binom",
];
/// Words by which an expression is asked for.
const FIND: &[&str] = &[
    "find ",
    "compute",
    "evaluate",
    "solve",
    "simplify",
    "determine",
    "calculate",
    "what is the",
    "how many",
];
/// Words by which a number is asked for.
const NUMBER: &[&str] = &[
    "how many",
    "how much",
    "how far",
    "how long",
    "how old",
    "how fast",
    "what is the total",
    "what is the sum",
    "what is the average",
    "what percent",
    "いくつ",
    "いくら",
    "何個",
    "何人",
    "何円",
    "多少",
];
/// The longest paragraph that only says how to answer, in characters.
const INSTRUCTION: usize = 200;

/// A question with one right answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exercise {
    pub problem: Problem,
    /// Whether nothing but the answer is asked for.
    pub alone: bool,
    /// Whether it is asked for in LaTeX's box.
    boxed: bool,
}

/// The question of a message, where it has one right answer.
pub(super) fn exercise_in(message: &str) -> Option<Exercise> {
    let message = message.trim();
    let lower = message.to_lowercase();
    let boxed = message.contains(BOX);
    if let Some(problem) = function_in(message, &lower) {
        return Some(Exercise {
            problem,
            alone: true,
            boxed: false,
        });
    }
    let alone = has(&lower, ALONE);
    let body = without_instruction(message);
    let problem = choice_in(body, alone)
        .or_else(|| expression_in(body, boxed))
        .or_else(|| amount_in(body, has(&lower, NUMBER_ALONE)))?;
    Some(Exercise {
        problem,
        alone,
        boxed,
    })
}

impl AnswerForm {
    /// The message that asks a question for such an answer alone. Options are added where they do not stand in the
    /// question.
    pub fn message_for(&self, question: &str) -> String {
        let words = question.trim();
        match self {
            Self::Choice(choices) => {
                let is_told = choices.is_empty() || choices_in(words).is_some();
                let options = if is_told {
                    String::new()
                } else {
                    format!("\n{}", rendered(choices))
                };
                format!("{words}{options}\n\nGive the letter of the right option alone on the last line.")
            }
            Self::Math => format!("{words}\n\nPut the final answer into \\boxed{{}}."),
            Self::Number => format!("{words}\n\nGive the number alone on the last line."),
            Self::Text => words.to_owned(),
            Self::Code { .. } => format!(
                "Complete this Python function. Write the whole function in one block.\n\n```python\n{}\n```",
                question.trim_end()
            ),
        }
    }
}

/// A problem that is about no text.
fn bare(question: impl Into<String>, form: AnswerForm) -> Problem {
    Problem {
        context: None,
        question: question.into(),
        form,
    }
}

/// Without a last paragraph that only says how to answer.
fn without_instruction(message: &str) -> &str {
    match message.rsplit_once("\n\n") {
        Some((body, last))
            if last.chars().count() <= INSTRUCTION
                && !body.trim().is_empty()
                && has(&last.to_lowercase(), ALONE) =>
        {
            body.trim_end()
        }
        _ => message,
    }
}

/// A function whose body is missing, as the only block of code.
fn function_in(message: &str, lower: &str) -> Option<Problem> {
    let (_, rest) = message.split_once("```python\n")?;
    let (block, after) = rest.split_once("```")?;
    let ends_with_docstring = ["\"\"\"", "'''"]
        .iter()
        .any(|quotes| block.trim_end().ends_with(quotes));
    if !ends_with_docstring || after.contains("```") || lower.contains("explain") {
        return None;
    }
    let head = block.lines().rfind(|line| line.starts_with("def "))?;
    let (name, _) = head.strip_prefix("def ")?.split_once('(')?;
    let entry_point = Some(name.trim().to_owned());
    Some(bare(block.trim_matches('\n'), AnswerForm::Code { entry_point }))
}

/// Options, perhaps with a paragraph after them.
fn choice_in(body: &str, alone: bool) -> Option<Problem> {
    let head = body.rsplit_once("\n\n").map(|(head, _)| head);
    let (question, choices) = choices_in(body).or_else(|| choices_in(head?))?;
    let asks = alone || question.contains(['?', '？']);
    asks.then(|| bare(question, AnswerForm::Choice(choices)))
}

fn expression_in(body: &str, boxed: bool) -> Option<Problem> {
    let written = LATEX.iter().any(|mark| body.contains(mark));
    let asks = boxed || (written && has(&body.to_lowercase(), FIND));
    asks.then(|| bare(body, AnswerForm::Math))
}

fn amount_in(body: &str, number: bool) -> Option<Problem> {
    if number || (has(&body.to_lowercase(), NUMBER) && number::numbers(body).len() >= 2) {
        return Some(bare(body, AnswerForm::Number));
    }
    // What stands before the last paragraph is what the question is about: a table, a text.
    let (before, question) = body.rsplit_once("\n\n").unwrap_or(("", body));
    asks_for_computation(question, before).then(|| Problem {
        context: Some(before.to_owned()).filter(|before| !before.trim().is_empty()),
        question: question.to_owned(),
        form: AnswerForm::Text,
    })
}

impl Exercise {
    /// The answer where nothing else is asked for.
    pub fn shown(&self, answer: &str) -> String {
        match &self.problem.form {
            AnswerForm::Code { .. } => format!("```python\n{}\n```", answer.trim_matches('\n')),
            AnswerForm::Math if self.boxed => format!("\\boxed{{{answer}}}"),
            _ => answer.to_owned(),
        }
    }

    /// The answer in words: an option with its text.
    pub fn named(&self, answer: &str) -> String {
        let AnswerForm::Choice(choices) = &self.problem.form else {
            return self.shown(answer);
        };
        let choice = choices.iter().find(|choice| choice.label == answer);
        choice.map_or_else(|| answer.to_owned(), Choice::to_string)
    }

    /// Whether a text gives this answer.
    pub fn is_given_in(&self, text: &str, answer: &str) -> bool {
        if let AnswerForm::Choice(_) = &self.problem.form {
            return reading::answer_of(text, &self.problem.form).as_deref() == Some(answer);
        }
        let keys = |text: &str| -> Vec<String> {
            let found = number::numbers(text).into_iter();
            found.map(|found| number::key(found.value.abs())).collect()
        };
        let (wanted, given) = (keys(answer), keys(text));
        if wanted.is_empty() {
            return text.to_lowercase().contains(&answer.to_lowercase());
        }
        wanted.iter().all(|key| given.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(message: &str) -> Option<(AnswerForm, bool)> {
        exercise_in(message).map(|exercise| (exercise.problem.form, exercise.alone))
    }

    #[test]
    fn questions_with_one_answer_are_known_by_their_words() {
        for (message, expected) in [
            (
                "Ann has 3 apples and buys 4. How many are there?",
                Some((AnswerForm::Number, false)),
            ),
            (
                "Ann buys apples every day. What does she pay?\n\nGive the number alone on the last line.",
                Some((AnswerForm::Number, true)),
            ),
            (
                "Find x where x + 1 = 2.\n\nPut the final answer into \\boxed{}.",
                Some((AnswerForm::Math, true)),
            ),
            ("Simplify \\frac{2}{4}.", Some((AnswerForm::Math, false))),
            (
                "Sales were 1,250 in 2019 and 1,000 in 2018.\n\nWhat was the percentage change in sales?",
                Some((AnswerForm::Text, false)),
            ),
            ("How do I write \\frac in a document?", None),
            ("How many people are too many?", None),
            ("Write a poem about the sea.", None),
            ("Where does the sun rise?", None),
        ] {
            assert_eq!(form(message), expected, "{message}");
        }
    }

    #[test]
    fn options_are_told_from_the_words_around_them() {
        let message =
            "What is 3 + 4?\n(A) 12\n(B) 7\n\nGive the letter of the right option alone on the last line.";
        let exercise = exercise_in(message).unwrap();
        assert_eq!(exercise.problem.question, "What is 3 + 4?");
        assert!(
            exercise.alone
                && matches!(&exercise.problem.form, AnswerForm::Choice(choices) if choices.len() == 2)
        );
        assert_eq!(
            (exercise.shown("B"), exercise.named("B")),
            ("B".to_owned(), "(B) 7".to_owned())
        );
        assert!(exercise.is_given_in("It is (B), that is 7.", "B") && !exercise.is_given_in("(A) 12", "B"));
        assert!(exercise_in("Weigh these:\n(A) cash\n(B) credit").is_none());
    }

    #[test]
    fn a_function_without_its_body_is_completed() {
        let block = "def one(x):\n    return x\n\n\ndef two(x: int) -> int:\n    \"\"\"Twice.\n    >>> two(2)\n    4\n    \"\"\"";
        let message = format!("Complete this Python function.\n\n```python\n{block}\n```");
        let exercise = exercise_in(&message).unwrap();
        let entry_point = Some("two".to_owned());
        assert_eq!(exercise.problem.form, AnswerForm::Code { entry_point });
        assert_eq!(
            exercise.shown("def two(x):\n    return 2 * x\n"),
            "```python\ndef two(x):\n    return 2 * x\n```"
        );
        assert!(exercise_in("What does this do?\n```python\ndef f(x):\n    return x\n```").is_none());
    }

    #[test]
    fn what_asks_for_an_answer_is_known_as_that_question() {
        let choices = Choice::labelled(["12", "7"]);
        let entry_point = Some("two".to_owned());
        for (question, form) in [
            ("What does she pay?", AnswerForm::Number),
            ("Find \\(x\\) where \\(x + 1 = 2\\).", AnswerForm::Math),
            ("What is 3 + 4?", AnswerForm::Choice(choices.clone())),
            (
                "def two(x: int) -> int:\n    \"\"\"Twice.\"\"\"",
                AnswerForm::Code { entry_point },
            ),
        ] {
            let exercise = exercise_in(&form.message_for(question)).unwrap();
            assert_eq!(exercise.problem, bare(question, form));
            assert!(exercise.alone, "{question}");
        }
        let told = "What is 3 + 4?\n(A) 12\n(B) 7";
        assert_eq!(
            AnswerForm::Choice(choices.clone()).message_for(told),
            AnswerForm::Choice(choices).message_for("What is 3 + 4?")
        );
    }

    #[test]
    fn a_worded_answer_gives_the_result_or_not() {
        let exercise = exercise_in("Ann has 3 apples and buys 4. How many are there?").unwrap();
        assert!(exercise.is_given_in("Ann has 7 apples.", "7") && !exercise.is_given_in("Ann has 12.", "7"));
        let boxed = exercise_in("Find it. Use \\boxed{}.").unwrap();
        assert_eq!(boxed.shown("\\frac{1}{2}"), "\\boxed{\\frac{1}{2}}");
    }

    proptest! {
        #[test]
        fn any_message_is_read(message in "[`a-zA-D0-9()?\\n .\\\\é]{0,120}") {
            if let Some(exercise) = exercise_in(&message) {
                exercise.shown("1");
                exercise.named("A");
                exercise.is_given_in(&message, "1");
            }
        }
    }
}
