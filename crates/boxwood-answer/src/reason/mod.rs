//! Time that buys accuracy: a problem is thought about before it is answered.
//!
//! * low: one completion, as the model answers by itself
//! * medium: a program that computes the answer and hidden step-by-step thinking beside it; a third try where they differ
//! * high: several of both on the shared beginning of the prompt, a weighted vote, a check of the result; it ends as soon
//!   as enough of them agree
//!
//! Invariants: what was thought never stands in the answer; it is counted as reasoning tokens and reported as
//! [`Progress::Thinking`](crate::Progress::Thinking). The budget of tokens and the time limit always hold, and what
//! ended the thinking is told ([`ReasoningReport::stopped_by`]). Programs run only in [`Sandbox`]. Called by
//! [`crate::service`] for questions about files, by the server for conversations of the OpenAI-compatible API, and by the
//! evaluation runner for bare problems.

mod budget;
mod candidate;
mod code;
mod conversation;
mod examples;
mod exercise;
mod files;
mod latex;
mod number;
mod options;
mod probes;
mod problem;
mod program;
mod prompts;
mod reading;
mod routing;
mod sandbox;
mod schedule;
mod solve;
mod structured;
mod tables;
mod thinker;
mod units;
mod values;
mod vote;

pub use conversation::{Deliberated, Deliberation, Next, deliberate};
pub(crate) use files::{Asked, Computed, by_calculation};
pub use options::choices_in;
pub use problem::{
    AnswerForm, Choice, Problem, ProgramUsed, ReasoningReport, Settings, Solution, StoppedBy, ValueUsed,
};
pub use routing::asks_for_computation;
pub use sandbox::{Sandbox, SandboxError};
pub use solve::{baseline, solve};
pub use structured::think_first;
