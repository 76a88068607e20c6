//! What is to be solved, how much may be spent on it, and what came of it.

use super::budget::ANSWER_RESERVE;
use super::sandbox::Sandbox;
use super::schedule::PLAIN_TOKENS;
use boxwood_core::{Effort, Usage};
use serde::Serialize;
use std::time::Duration;

/// A problem without files: a question, perhaps with the text that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The text that the question is about; several questions about the same text share what was read of it.
    pub context: Option<String>,
    /// The question. Options of a choice stand in [`AnswerForm::Choice`], not here.
    pub question: String,
    /// What an answer looks like.
    pub form: AnswerForm,
}

/// What an answer looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerForm {
    /// A plain number: `1234.5`.
    Number,
    /// An expression in LaTeX, as in `\boxed{…}`.
    Math,
    /// One of these; the answer is its label.
    Choice(Vec<Choice>),
    /// Words or an amount with its unit.
    Text,
    /// A whole Python program that holds a function. The question is the function's head with its docstring, whose
    /// examples are run.
    Code {
        /// The function.
        entry_point: Option<String>,
    },
}

/// An option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// `A`
    pub label: String,
    /// What it says.
    pub text: String,
}

/// How much may be spent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How much thinking.
    pub effort: Effort,
    /// Tokens that may be generated in all.
    pub token_budget: u32,
    /// Time for all of it; `None`: until nobody waits any more.
    pub time_limit: Option<Duration>,
    /// Cache partition of what was read.
    pub partition: String,
    /// Where programs run; `None`: nothing is computed.
    pub sandbox: Option<Sandbox>,
}

impl Settings {
    /// The usual budget of an effort.
    pub fn new(effort: Effort, partition: impl Into<String>, sandbox: Option<Sandbox>) -> Self {
        Self {
            effort,
            token_budget: match effort {
                Effort::Low => PLAIN_TOKENS + ANSWER_RESERVE,
                Effort::Medium => 2_048,
                Effort::High => 6_144,
            },
            time_limit: None,
            partition: partition.into(),
            sandbox,
        }
    }
}

/// A solved problem.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The answer alone, in the form that was asked for; empty when nothing came before the budget ended.
    pub answer: String,
    /// How sure the vote was, 0 to 1; `None` after a single completion.
    pub agreement: Option<f32>,
    /// How it was reached.
    pub report: ReasoningReport,
    /// The program whose output is the answer, or agrees with it.
    pub calculation: Option<ProgramUsed>,
    /// Tokens and times of everything.
    pub usage: Usage,
    /// The name of the model that answered.
    pub model: String,
    /// What the model wrote, one text a completion, for who looks into failures. Never shown to who asked.
    pub written: Vec<String>,
}

/// How an answer was reached; stands as `reasoning` in the `boxwood` extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasoningReport {
    /// How much thinking was asked for.
    pub effort: Effort,
    /// Completions that gave an answer.
    pub samples: u32,
    /// Hidden tokens.
    pub tokens: u32,
    /// What ended the thinking.
    pub stopped_by: StoppedBy,
    /// In a sentence or two, how the answer was reached.
    pub summary: String,
}

/// What ended the thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// Everything that the effort plans was done.
    Completed,
    /// The samples agreed before all of them were made.
    Agreement,
    /// The tokens were used up: the best answer until then.
    TokenBudget,
    /// The time was used up: the best answer until then.
    TimeLimit,
}

/// A program that was run for an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProgramUsed {
    /// Python.
    pub program: String,
    /// What it printed.
    pub output: String,
    /// What it starts from.
    pub values: Vec<ValueUsed>,
    /// Whether a first version failed and was mended.
    pub repaired: bool,
}

/// A number, a date or a cell that a program starts from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueUsed {
    /// As the program writes it or sees it; a date as `2024-03-01`.
    pub value: String,
    /// As the text or the question writes it; `None` where neither does.
    pub stated_as: Option<String>,
    /// The labels of the row and column, for a cell of a table: `Net income, 2019`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
}
