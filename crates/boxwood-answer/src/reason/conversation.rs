//! A conversation that is thought about before it is answered, for a model that does not think by itself.
//!
//! * a question with one right answer ([`super::exercise`]) is worked out as any problem is; the answer is then put into
//!   words, and checked to give what was worked out, unless nothing but the answer was asked for; a reply that must keep
//!   to a schema gets it into its prompt
//! * anything else is thought about freely, and the reply is asked for with what was thought in its prompt
//!
//! Invariants: nothing of the thinking is part of the reply; thinking and reply together keep to the caller's bound of
//! tokens; the conversation stays the beginning of every prompt, so that it is read once. Called by the
//! OpenAI-compatible operations of the server.

use super::budget::ANSWER_RESERVE;
use super::code;
use super::exercise::{Exercise, exercise_in};
use super::problem::{AnswerForm, ProgramUsed, ReasoningReport, Settings, Solution, StoppedBy};
use super::sandbox::Sandbox;
use super::schedule;
use super::solve::{report, solve_by};
use super::structured::{Words, add, noted, tokens};
use super::thinker::{Ended, Thinker};
use crate::error::AnswerError;
use crate::progress::ProgressSink;
use boxwood_core::{ChatRequest, ChatRole, Effort, FinishReason, Sampling, Usage};
use boxwood_models::ResolvedModel;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Fewer tokens are no thinking.
const LEAST: u32 = 64;
/// Tokens that the words around notes take in a prompt, at most.
const AROUND_NOTES: u32 = 64;
/// Tokens of an answer in words to a question that was worked out.
const WORDED: u32 = 512;
/// A bound of fewer tokens is too small to work something out.
const LEAST_TO_WORK_OUT: u32 = 256;
/// What the longest of the prompts and replies of working out take beside the conversation.
const ROOM_TO_WORK_OUT: u32 = 1_536;
/// The part of the time that thinking may take; the rest is for the reply.
const TIME_SHARE: f64 = 0.6;

/// Around a reply in words.
const WORDS: Words = Words {
    before: "Before you answer, think in plain words, briefly: what is asked, what is known, and what follows from it. \
             Do not write the answer itself yet.",
    after: "Nobody but you sees these notes. Now answer the message above them, in its language.",
};
/// Around a reply that is held to a schema.
const SCHEMA_WORDS: Words = Words {
    before: "Before you answer, think in plain words, briefly: what is asked, what is known, and what follows from it. \
             No JSON yet.",
    after: "Nobody but you sees these notes. Now the reply itself.",
};

/// How much may be thought about a conversation.
#[derive(Debug, Clone)]
pub struct Deliberation {
    /// How much thinking was asked for.
    pub effort: Effort,
    /// Tokens of thinking and reply together; `None`: the reply alone has its own bound.
    pub total_tokens: Option<u32>,
    /// Tokens that the context window leaves after the conversation.
    pub room: u32,
    /// Whether a question with one right answer may be worked out: there is one reply, without probabilities.
    pub works_out: bool,
    /// Time for thinking and reply together.
    pub time_limit: Option<Duration>,
    /// Where programs run; `None`: nothing is computed.
    pub sandbox: Option<Sandbox>,
}

/// What the thinking led to.
#[derive(Debug, Clone)]
pub struct Deliberated {
    /// What is to be done now.
    pub next: Next,
    /// How it was thought.
    pub report: ReasoningReport,
    /// The program whose output is the answer.
    pub calculation: Option<ProgramUsed>,
    /// What was spent until now. The prompt is counted once, as hosts do.
    pub usage: Usage,
    /// What really thought: a fallback may have taken over.
    pub served: ResolvedModel,
}

/// What follows the thinking.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// This is the reply.
    Reply {
        /// Its text; empty where the tokens were used up before.
        text: String,
        /// Why it ended.
        finish: FinishReason,
    },
    /// What the model answers to this is the reply.
    Ask(Box<ChatRequest>),
}

impl Deliberation {
    /// Whether there are tokens to think with.
    pub fn is_possible(&self) -> bool {
        self.free_tokens() >= LEAST
    }

    /// The most tokens of free thinking: as much is left for the reply.
    fn free_tokens(&self) -> u32 {
        let of_total = self.total_tokens.map_or(u32::MAX, |total| total / 2);
        of_total.min(self.room / 2)
    }

    /// Tokens that are left for the reply after so many were spent, of which so many stand in its prompt.
    fn left(&self, request: &ChatRequest, spent: u32, in_prompt: u32) -> u32 {
        let of_total = self
            .total_tokens
            .map_or(u32::MAX, |total| total.saturating_sub(spent));
        let of_room = self.room.saturating_sub(in_prompt);
        request.max_output_tokens.min(of_total).min(of_room)
    }

    fn settings(&self, request: &ChatRequest, token_budget: u32) -> Settings {
        let partition = request.shared_prefix.as_ref();
        let partition = partition.map_or("", |shared| shared.partition.as_str());
        let usual = Settings::new(self.effort, partition, self.sandbox.clone());
        Settings {
            token_budget: usual.token_budget.min(token_budget),
            time_limit: self.time_limit.map(|limit| limit.mul_f64(TIME_SHARE)),
            ..usual
        }
    }

    /// The question of the last message, where it can be worked out.
    fn exercise(&self, request: &ChatRequest) -> Option<Exercise> {
        let fits =
            self.total_tokens.is_none_or(|total| total >= LEAST_TO_WORK_OUT) && self.room >= ROOM_TO_WORK_OUT;
        if !self.works_out || !fits || !request.stop.is_empty() {
            return None;
        }
        let exercise = exercise_in(&request.messages.last()?.content)?;
        // A function is written as such, not into a schema.
        let is_code = matches!(exercise.problem.form, AnswerForm::Code { .. });
        (request.response_format.is_none() || !is_code).then_some(exercise)
    }
}

/// Thinks about a conversation whose last message is the user's. The model is one that does not think by itself.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub async fn deliberate(
    model: &ResolvedModel,
    mut request: ChatRequest,
    wanted: &Deliberation,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Deliberated, AnswerError> {
    let started = Instant::now();
    share_all(&mut request);
    let mut thought = match wanted.exercise(&request) {
        Some(exercise) => work_out(model, request, &exercise, wanted, cancel, progress).await?,
        None => freely(model, request, wanted, cancel, progress).await?,
    };
    thought.usage.total_time = started.elapsed();
    thought.usage.time_to_first_token = thought.usage.total_time;
    Ok(thought)
}

impl Deliberated {
    /// What the reply cost together with the thinking before it.
    pub fn with_reply(thinking: &Usage, reply: &Usage) -> Usage {
        Usage {
            input_tokens: thinking.input_tokens,
            cached_tokens: thinking.cached_tokens,
            output_tokens: thinking.output_tokens.saturating_add(reply.output_tokens),
            reasoning_tokens: thinking.reasoning_tokens.saturating_add(reply.reasoning_tokens),
            estimated: thinking.estimated || reply.estimated,
            queue_time: thinking.queue_time + reply.queue_time,
            time_to_first_token: thinking.time_to_first_token + reply.time_to_first_token,
            total_time: thinking.total_time + reply.total_time,
        }
    }
}

/// All prompts of a conversation begin with it.
fn share_all(request: &mut ChatRequest) {
    let end = request
        .messages
        .last()
        .filter(|message| message.role == ChatRole::User)
        .map(|message| message.content.len());
    if let (Some(shared), Some(end)) = (&mut request.shared_prefix, end) {
        shared.boundary = end;
    }
}

/// The conversation with an instruction after its last message, answered freely and by likelihood alone.
fn framed(request: &ChatRequest, instruction: &str) -> ChatRequest {
    let mut framed = request.clone();
    framed.response_format = None;
    framed.sampling = Sampling {
        temperature: Some(0.0),
        ..Sampling::default()
    };
    add(&mut framed, instruction);
    framed
}

/// A question with one right answer.
async fn work_out(
    model: &ResolvedModel,
    request: ChatRequest,
    exercise: &Exercise,
    wanted: &Deliberation,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Deliberated, AnswerError> {
    let total = wanted.total_tokens.unwrap_or(u32::MAX);
    let structured = request.response_format.is_some();
    let alone = exercise.alone && !structured;
    let worded = if alone { 0 } else { WORDED.min(total / 2) };
    let settings = wanted.settings(&request, total - worded);
    let frame = |instruction: &str| framed(&request, instruction);
    let thinker = Thinker::new(model, &settings, cancel, progress).framed(&frame);
    let problem = &exercise.problem;
    let solution = match &problem.form {
        AnswerForm::Code { entry_point } => code::solve(&thinker, problem, entry_point.as_deref()).await?,
        _ => solve_by(&thinker, problem, &schedule::schedule(problem, &settings)).await?,
    };
    let spent = usage_of(&thinker);
    let next = if solution.answer.is_empty() {
        ask(request.clone(), wanted, spent.output_tokens, 0)
    } else if structured {
        let mut request = request.clone();
        add(
            &mut request,
            &worked_out(exercise, &solution, "Now the reply itself."),
        );
        ask(request, wanted, spent.output_tokens, 0)
    } else if alone {
        let text = exercise.shown(&solution.answer);
        let finish = FinishReason::Stop;
        Next::Reply { text, finish }
    } else {
        in_words(&thinker, &request, exercise, &solution, worded).await?
    };
    Ok(Deliberated {
        next,
        report: solution.report,
        calculation: solution.calculation,
        usage: Usage {
            // The words of the reply are none of the thinking's.
            reasoning_tokens: spent.output_tokens,
            ..usage_of(&thinker)
        },
        served: served(&thinker, model),
    })
}

/// The answer in words. Where the model's words give another one, the answer stands alone.
async fn in_words(
    thinker: &Thinker<'_>,
    request: &ChatRequest,
    exercise: &Exercise,
    solution: &Solution,
    most: u32,
) -> Result<Next, AnswerError> {
    let named = exercise.named(&solution.answer);
    let mut worded = request.clone();
    let then = "Answer the message above with it, in its language.";
    add(&mut worded, &worked_out(exercise, solution, then));
    let most = most.min(request.max_output_tokens);
    let written = match thinker.conclude(worded, most).await {
        Ok(written) => Some(written),
        Err(AnswerError::Cancelled) => return Err(AnswerError::Cancelled),
        Err(error) => {
            tracing::debug!(%error, "a result could not be put into words");
            None
        }
    };
    let given = written.filter(|written| {
        written.ended != Ended::Time && exercise.is_given_in(&written.text, &solution.answer)
    });
    Ok(match given {
        None => Next::Reply {
            text: named,
            finish: FinishReason::Stop,
        },
        Some(written) => Next::Reply {
            text: written.text.trim().to_owned(),
            finish: match written.ended {
                Ended::Length => FinishReason::Length,
                _ => FinishReason::Stop,
            },
        },
    })
}

/// What was worked out, in words for the prompt of the reply.
fn worked_out(exercise: &Exercise, solution: &Solution, then: &str) -> String {
    let result = crate::prompt::neutralise(&exercise.named(&solution.answer));
    format!("Worked out before: the answer is {result}. {then}")
}

/// Thinking before the reply.
async fn freely(
    model: &ResolvedModel,
    request: ChatRequest,
    wanted: &Deliberation,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Deliberated, AnswerError> {
    let most = tokens(wanted.effort).min(wanted.free_tokens());
    let settings = wanted.settings(&request, most.saturating_add(ANSWER_RESERVE));
    let thinker = Thinker::new(model, &settings, cancel, progress);
    let words = match request.response_format {
        Some(_) => SCHEMA_WORDS,
        None => WORDS,
    };
    let (request, ended) = noted(&thinker, request, most, words).await?;
    let usage = usage_of(&thinker);
    let stopped_by = match ended {
        Some(Ended::Complete) => StoppedBy::Completed,
        Some(Ended::Length) => StoppedBy::TokenBudget,
        Some(Ended::Time) | None => StoppedBy::TimeLimit,
    };
    let summary = "the model thought about the message in words before it answered".to_owned();
    Ok(Deliberated {
        next: ask(request, wanted, usage.output_tokens, usage.output_tokens),
        report: report(&thinker, 1, stopped_by, summary),
        calculation: None,
        usage,
        served: served(&thinker, model),
    })
}

/// The request for the reply, after so many tokens were spent, of which so many stand in its prompt.
fn ask(mut request: ChatRequest, wanted: &Deliberation, spent: u32, in_prompt: u32) -> Next {
    let around = if in_prompt > 0 { AROUND_NOTES } else { 0 };
    request.max_output_tokens = wanted.left(&request, spent, in_prompt.saturating_add(around));
    if request.max_output_tokens == 0 {
        return Next::Reply {
            text: String::new(),
            finish: FinishReason::Length,
        };
    }
    Next::Ask(Box::new(request))
}

/// What was spent, all of it on thinking; the prompt once.
fn usage_of(thinker: &Thinker<'_>) -> Usage {
    let spent = thinker.spent();
    let first = spent.first.unwrap_or_default();
    Usage {
        input_tokens: first.input_tokens,
        cached_tokens: first.cached_tokens,
        queue_time: first.queue_time,
        reasoning_tokens: spent.usage.output_tokens,
        ..spent.usage
    }
}

fn served(thinker: &Thinker<'_>, model: &ResolvedModel) -> ResolvedModel {
    thinker.spent().served.unwrap_or_else(|| model.clone())
}
