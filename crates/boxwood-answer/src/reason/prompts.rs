//! What the model is told. The problem comes first and the way of working last, so that all samples of a problem share
//! what was read of it.
//!
//! Invariant: a text that a question is about is fenced, and can't end its fence. Pure.

use super::options;
use super::problem::{AnswerForm, Problem};
use super::routing::words;
use super::tables::Tables;
use crate::prompt::neutralise;
use boxwood_core::{ChatMessage, ChatRequest, ChatRole, SharedPrefix};

/// Whether the model is told of the tables that its program can use. The program gets them either way. A 1.5B model does
/// worse by reading cells than by copying values: told of them, tatqa had 45.4 % F1 instead of 50.4 % (20 rows, 26 November
/// 2026; three right results lost, one gained). Another model must be measured before it is told.
const TABLES_ARE_OFFERED: bool = false;

/// A way of working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Method {
    /// As the model answers by itself.
    Direct,
    /// Step by step, in words.
    Prose,
    /// By a program.
    Program,
    /// The likelihood of each option, without writing anything.
    Scores,
}

/// The problem as the model reads it.
pub(super) fn stated(problem: &Problem) -> String {
    let mut text = String::new();
    if let Some(context) = &problem.context {
        text.push_str("<document>\n");
        text.push_str(neutralise(context).trim_end());
        text.push_str("\n</document>\n\n");
    }
    match &problem.form {
        AnswerForm::Code { .. } => {
            text.push_str("```python\n");
            text.push_str(problem.question.trim_matches('\n'));
            text.push_str("\n```");
        }
        AnswerForm::Choice(choices) => {
            text.push_str(problem.question.trim());
            text.push_str("\n\n");
            text.push_str(&options::rendered(choices));
        }
        _ => text.push_str(problem.question.trim()),
    }
    text
}

/// A request for a problem, worked on in this way.
pub(super) fn request(problem: &Problem, method: Method, partition: &str) -> ChatRequest {
    let mut text = stated(problem);
    let boundary = text.len();
    let instruction = instruction(problem, method);
    if !instruction.is_empty() {
        text.push_str("\n\n");
        text.push_str(&instruction);
    }
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, text)], 1);
    request.shared_prefix = Some(SharedPrefix {
        boundary,
        partition: partition.to_owned(),
    });
    request
}

/// The way of working in words.
pub(super) fn instruction(problem: &Problem, method: Method) -> String {
    match method {
        Method::Direct => ending(&problem.form).to_owned(),
        Method::Prose => prose(problem),
        Method::Program => program(problem),
        Method::Scores => "Reply with the letter of the right option only.".to_owned(),
    }
}

/// How a plain answer ends, so that it can be read.
fn ending(form: &AnswerForm) -> &'static str {
    match form {
        // Told to write "Answer:", a small model guesses at once; a box has it work the answer out.
        AnswerForm::Number | AnswerForm::Math => "Put the final answer in \\boxed{}.",
        AnswerForm::Choice(_) => "End with a line \"Answer: \" and the letter of the right option.",
        AnswerForm::Text => "",
        AnswerForm::Code { .. } => "Complete the function. Reply with the whole program in one code block.",
    }
}

fn prose(problem: &Problem) -> String {
    match &problem.form {
        AnswerForm::Math => "Reason step by step, and put the final answer within \\boxed{}.".to_owned(),
        AnswerForm::Text => {
            "Think step by step, briefly: which values of the document are needed, and what follows from them. End with \
             a line \"Answer: \" and the answer alone."
                .to_owned()
        }
        AnswerForm::Code { .. } => ending(&problem.form).to_owned(),
        AnswerForm::Number => {
            "Think step by step, briefly. End with a line \"Answer: \" and the number alone.".to_owned()
        }
        form => format!("Think step by step, briefly. {}", ending(form)),
    }
}

fn program(problem: &Problem) -> String {
    let result = match &problem.form {
        AnswerForm::Number => "prints only the final number",
        AnswerForm::Math => {
            "prints only the exact final answer (fractions with fraction(x), which gives 'p/q')"
        }
        AnswerForm::Choice(_) => "prints only the result, written like the options",
        AnswerForm::Text if words::asks_for_percentage(&problem.question) => {
            "prints only the answer, a percentage like 12.34%"
        }
        // Where percentages were mentioned, a small model made one of every change.
        AnswerForm::Text => "prints only the answer, an amount as the document states amounts",
        AnswerForm::Code { .. } => "works",
    };
    let source = if problem.context.is_some() {
        "Copy the needed values from the document into named variables first. "
    } else {
        ""
    };
    format!(
        "Write a short Python program that computes the answer and {result}. {source}{}Only math, datetime and statistics \
         can be imported{}. Reply with the code block alone.",
        tables(problem),
        dates(problem)
    )
}

/// The tables of the document, where it has any and they are offered.
fn tables(problem: &Problem) -> String {
    let context = problem.context.as_deref().filter(|_| TABLES_ARE_OFFERED);
    context.map_or_else(String::new, |context| offer(&Tables::of(context)))
}

fn offer(tables: &Tables) -> String {
    let left_out = match tables.left_out {
        0 => String::new(),
        left_out => format!("; {left_out} did not fit"),
    };
    match tables.count() {
        0 => String::new(),
        _ => format!(
            "Its tables are there as `tables` (tables of rows of cells, numbers as numbers{left_out}); cell(\"row label\", \
             \"column label\") gives one cell. "
        ),
    }
}

/// The functions for dates, where the question is about time; with holidays, where the question or the text has them.
fn dates(problem: &Problem) -> String {
    if !words::is_about_time(&problem.question) {
        return String::new();
    }
    let mut texts = [Some(&problem.question), problem.context.as_ref()]
        .into_iter()
        .flatten();
    let has_holidays = texts.any(|text| words::names_holidays(text));
    let holidays = if has_holidays { ", holidays" } else { "" };
    format!(
        "; add_days(d, n), add_months(d, n), add_years(d, n), days_between(a, b), business_days(a, b{holidays}) are there, \
         with dates of datetime"
    )
}

/// After a program failed: what it said, once.
pub(super) fn repair(request: &ChatRequest, code: &str, error: &str) -> ChatRequest {
    let mut request = request.clone();
    let hint = if error.starts_with("ModuleNotFoundError") {
        " Use plain Python with math, datetime, statistics, itertools, re and collections only."
    } else if error.starts_with("NameError") {
        // Programs that look values up in a variable "document", again and again.
        " Write every value that is needed into the program, like revenue_2019 = 1234.5."
    } else {
        ""
    };
    request.messages.push(ChatMessage::new(
        ChatRole::Assistant,
        format!("```python\n{code}\n```"),
    ));
    request.messages.push(ChatMessage::new(
        ChatRole::User,
        format!("It failed: {error}.{hint} Reply with the whole corrected program in one code block."),
    ));
    request.shared_prefix = None;
    request
}

/// The last word on a problem whose thinking was cut.
pub(super) fn conclude(request: &ChatRequest, thought: &str, form: &AnswerForm) -> ChatRequest {
    let mut request = request.clone();
    if !thought.trim().is_empty() {
        request
            .messages
            .push(ChatMessage::new(ChatRole::Assistant, thought.trim()));
        let wanted = match form {
            AnswerForm::Choice(_) => "the letter of the right option",
            AnswerForm::Number => "the final number",
            _ => "the final answer",
        };
        request.messages.push(ChatMessage::new(
            ChatRole::User,
            format!("Stop here. Reply with {wanted} only."),
        ));
        request.shared_prefix = None;
    }
    request
}

/// Is the answer right? For the model's own probabilities of "Yes" and "No".
pub(super) fn verify(problem: &Problem, answer: &str, partition: &str) -> ChatRequest {
    let mut text = stated(problem);
    let boundary = text.len();
    text.push_str(&format!(
        "\n\nProposed answer: {answer}\nIs the proposed answer right? Reply Yes or No."
    ));
    let mut request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, text)], 1);
    request.shared_prefix = Some(SharedPrefix {
        boundary,
        partition: partition.to_owned(),
    });
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(question: &str, context: &str) -> Problem {
        Problem {
            context: Some(context.to_owned()),
            question: question.to_owned(),
            form: AnswerForm::Text,
        }
    }

    #[test]
    fn functions_for_dates_are_told_where_the_question_is_about_time() {
        for (question, context, told) in [
            ("What is the sum of the fees?", "", ""),
            ("How many business days are left?", "", "business_days(a, b)"),
            (
                "How many business days are left?",
                "Holidays: May 1.",
                "business_days(a, b, holidays)",
            ),
            (
                "Wie viele Werktage sind es?",
                "Feiertage: 1. Mai",
                "business_days(a, b, holidays)",
            ),
            ("納期まで何日ありますか", "", "days_between(a, b)"),
        ] {
            let instruction = instruction(&problem(question, context), Method::Program);
            assert_eq!(instruction.contains("add_days"), !told.is_empty(), "{question}");
            assert!(instruction.contains(told), "{question}");
        }
    }

    #[test]
    fn tables_are_offered_where_there_are_some() {
        assert_eq!(offer(&Tables::of("no table")), "");
        let one = offer(&Tables::of("| a | 1 |\n| b | 2 |"));
        assert!(
            one.contains("`tables`") && one.contains("cell(") && !one.contains("fit"),
            "{one}"
        );
        let large = "x | 1\n".repeat(40_000);
        let some = offer(&Tables::of(&format!("{large}\na | 1\nb | 2")));
        assert!(some.contains("1 did not fit"), "{some}");
        let asked = instruction(
            &problem("What is the sum?", "| a | 1 |\n| b | 2 |"),
            Method::Program,
        );
        assert_eq!(asked.contains("`tables`"), TABLES_ARE_OFFERED);
    }
}
