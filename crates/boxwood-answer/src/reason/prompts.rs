//! What the model is told. The problem comes first and the way of working last, so that all samples of a problem share
//! what was read of it.
//!
//! Invariant: a text that a question is about is fenced, and can't end its fence. Pure.

use super::options;
use super::problem::{AnswerForm, Problem};
use crate::prompt::neutralise;
use boxwood_core::{ChatMessage, ChatRequest, ChatRole, SharedPrefix};

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
    text.push_str("\n\n");
    text.push_str(&instruction(problem, method));
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
        AnswerForm::Text => "Answer from the document as shortly as possible.",
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
        AnswerForm::Text if asks_for_percentage(&problem.question) => {
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
        "Write a short Python program that computes the answer and {result}. {source}Only math, datetime and statistics \
         can be imported{}. Reply with the code block alone.",
        dates(problem)
    )
}

/// Whether a share or a rate is asked for, not an amount.
fn asks_for_percentage(question: &str) -> bool {
    let asked = format!(" {}", question.to_lowercase());
    let words = [
        "percent",
        "%",
        " rate",
        "portion",
        "share of",
        "growth",
        "return on",
        " roi",
        "prozent",
        "anteil",
        "wachstum",
        "％",
        "率",
        "割合",
        "百分",
    ];
    words.iter().any(|word| asked.contains(word))
}

/// The functions for dates, where the question is about time.
fn dates(problem: &Problem) -> &'static str {
    let asked = problem.question.to_lowercase();
    let about_time = ["date", "day", "month", "year", "week", "deadline", "today"]
        .iter()
        .any(|word| asked.contains(word));
    if about_time {
        "; add_days(d, n), add_months(d, n), add_years(d, n), days_between(a, b), business_days(a, b) are there, with \
         dates of datetime"
    } else {
        ""
    }
}

/// After a program failed: what it said, once.
pub(super) fn repair(request: &ChatRequest, code: &str, error: &str) -> ChatRequest {
    let mut request = request.clone();
    let hint = if error.starts_with("ModuleNotFoundError") {
        " Use plain Python with math, datetime, statistics, itertools, re and collections only."
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
