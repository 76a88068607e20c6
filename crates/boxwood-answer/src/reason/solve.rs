//! A problem from its question to its answer.
//!
//! Invariant: an answer is given whenever anything led to one; when tokens or time end before, a last short completion,
//! for which both were kept, concludes from what was thought.

use super::budget::ANSWER_RESERVE;
use super::candidate::{self, Candidate, Tried};
use super::code;
use super::problem::{AnswerForm, Problem, ReasoningReport, Settings, Solution, StoppedBy};
use super::prompts::{self, Method};
use super::reading;
use super::schedule::{self, PLAIN_TOKENS, Plan, Schedule};
use super::thinker::{Ended, Thinker};
use super::vote::{Group, Tally};
use crate::error::AnswerError;
use crate::progress::ProgressSink;
use boxwood_core::{Effort, ModelError};
use boxwood_models::ResolvedModel;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// After the end of thinking, completions are waited for this long to hand over what they wrote.
const HAND_OVER: Duration = Duration::from_millis(250);

/// Solves a problem.
///
/// # Errors
/// From the model, when no completion came to an answer; [`AnswerError::Cancelled`].
pub async fn solve(
    model: &ResolvedModel,
    problem: &Problem,
    settings: &Settings,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Solution, AnswerError> {
    let thinker = Thinker::new(model, settings, cancel, progress);
    if let AnswerForm::Code { entry_point } = &problem.form {
        return code::solve(&thinker, problem, entry_point.as_deref()).await;
    }
    let schedule = if thinks_by_itself(model) {
        schedule::by_itself(settings)
    } else {
        schedule::schedule(problem, settings)
    };
    solve_by(&thinker, problem, &schedule).await
}

/// Solves a problem by this schedule.
///
/// # Errors
/// As [`solve`].
pub(super) async fn solve_by(
    thinker: &Thinker<'_>,
    problem: &Problem,
    schedule: &Schedule,
) -> Result<Solution, AnswerError> {
    let sampled = sample(thinker, problem, schedule).await?;
    let Some(group) = best(thinker, problem, schedule, &sampled.tally).await? else {
        return conclude(thinker, problem, sampled).await;
    };
    let best = group.answer();
    let calculation = group.program().and_then(|candidate| candidate.program.clone());
    let summary = summary(group, &sampled.tally);
    let stopped_by = sampled.stopped_by.unwrap_or(StoppedBy::Completed);
    let agreement = (sampled.tally.samples > 1)
        .then(|| sampled.tally.agreement(group))
        .flatten();
    let answer = best.answer.clone();
    let report = report(thinker, sampled.tally.samples, stopped_by, summary);
    Ok(solution(thinker, answer, agreement, report, calculation))
}

/// One plain completion, greedy, as the model answers by itself: what every effort is compared with.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub async fn baseline(
    model: &ResolvedModel,
    problem: &Problem,
    partition: &str,
    cancel: &CancellationToken,
    progress: &dyn ProgressSink,
) -> Result<Solution, AnswerError> {
    let settings = Settings::new(Effort::Low, partition, None);
    let thinker = Thinker::new(model, &settings, cancel, progress);
    let request = thinker.request(problem, Method::Direct);
    let written = thinker.think(request, PLAIN_TOKENS).await?;
    let (text, cut) = written.map_or((String::new(), true), |written| {
        (written.text, written.ended != Ended::Complete)
    });
    let answer = reading::answer_of(&text, &problem.form).unwrap_or_else(|| text.trim().to_owned());
    let stopped_by = if cut {
        StoppedBy::TokenBudget
    } else {
        StoppedBy::Completed
    };
    let report = report(&thinker, 1, stopped_by, "one plain completion".to_owned());
    Ok(solution(&thinker, answer, None, report, None))
}

/// Whether the serving model has a way of thinking of its own, which is used instead.
pub(super) fn thinks_by_itself(model: &ResolvedModel) -> bool {
    let capabilities = model.capabilities.as_ref();
    model.model.thinks() || capabilities.is_some_and(|capabilities| capabilities.rules().reasoning)
}

/// What the tries led to.
struct Sampled {
    tally: Tally,
    stopped_by: Option<StoppedBy>,
    /// Thinking that led to no answer.
    thought: Option<String>,
    /// The last failure of the model.
    failed: Option<AnswerError>,
    /// Tries that are not over.
    left: usize,
}

impl Sampled {
    fn new(left: usize) -> Self {
        Self {
            tally: Tally::default(),
            stopped_by: None,
            thought: None,
            failed: None,
            left,
        }
    }
}

async fn sample(
    thinker: &Thinker<'_>,
    problem: &Problem,
    schedule: &Schedule,
) -> Result<Sampled, AnswerError> {
    let mut sampled = Sampled::new(schedule.plans.len());
    for round in schedule.plans.chunks(schedule.width) {
        if sample_round(thinker, problem, schedule, round, &mut sampled).await? {
            break;
        }
    }
    if sampled.tally.ranked().is_empty() {
        // An error of the only way to an answer is the caller's to know.
        if let Some(error) = sampled.failed.take().filter(|_| sampled.thought.is_none()) {
            return Err(error);
        }
        if sampled.thought.is_none() {
            sampled.thought = longest(thinker.spent().written);
        }
    }
    Ok(sampled)
}

/// Tries of a schedule beside each other; whether the thinking is over. A round is waited for before the next one
/// begins: what agrees needs no further try.
async fn sample_round(
    thinker: &Thinker<'_>,
    problem: &Problem,
    schedule: &Schedule,
    round: &[Plan],
    sampled: &mut Sampled,
) -> Result<bool, AnswerError> {
    let tries = round.iter();
    let mut running: FuturesUnordered<_> = tries
        .map(|plan| candidate::attempt(thinker, problem, *plan).boxed())
        .collect();
    loop {
        let tried = tokio::select! {
            tried = running.next() => tried,
            () = over(thinker) => {
                sampled.stopped_by = Some(StoppedBy::TimeLimit);
                return Ok(true);
            }
        };
        let Some(tried) = tried else { return Ok(false) };
        sampled.left = sampled.left.saturating_sub(1);
        match tried {
            Ok(Tried::Answers(candidates)) => sampled.tally.add(candidates),
            Ok(Tried::Nothing(None)) => {}
            Ok(Tried::Nothing(thought)) => sampled.thought = thought,
            Ok(Tried::NotBegun) => sampled.stopped_by = Some(limit(thinker)),
            Err(AnswerError::Cancelled) => return Err(AnswerError::Cancelled),
            Err(error) => {
                tracing::debug!(%error, "a sample failed");
                sampled.failed = Some(error);
            }
        }
        if sampled.left > 0 && sampled.tally.is_decided(schedule.enough, sampled.left) {
            sampled.stopped_by = Some(StoppedBy::Agreement);
            return Ok(true);
        }
    }
}

/// Waits until the time for thinking is over.
async fn over(thinker: &Thinker<'_>) {
    match thinker.budget.thinking_until() {
        Some(until) => tokio::time::sleep_until(until + HAND_OVER).await,
        None => std::future::pending().await,
    }
}

fn limit(thinker: &Thinker<'_>) -> StoppedBy {
    if thinker.budget.is_late() {
        StoppedBy::TimeLimit
    } else {
        StoppedBy::TokenBudget
    }
}

fn longest(written: Vec<String>) -> Option<String> {
    written.into_iter().max_by_key(String::len)
}

/// The answer with the most weight; where two are close, the model is asked of each whether it is right.
async fn best<'a>(
    thinker: &Thinker<'_>,
    problem: &Problem,
    schedule: &Schedule,
    tally: &'a Tally,
) -> Result<Option<&'a Group>, AnswerError> {
    let ranked = if schedule.programs_lead {
        tally.by_programs()
    } else {
        tally.ranked().iter().collect()
    };
    let [first, second, ..] = ranked.as_slice() else {
        return Ok(ranked.first().copied());
    };
    let (first, second) = (*first, *second);
    let close = second.weight() * 1.6 > first.weight();
    let scores = thinker.model.model.identity().scores_choices;
    if !schedule.verify || !close || !scores || thinker.budget.is_late() {
        return Ok(Some(first));
    }
    let of_first = probability(thinker, problem, &first.answer().answer).await?;
    let of_second = probability(thinker, problem, &second.answer().answer).await?;
    let weight = |group: &Group, right: f32| group.weight() * (0.5 + right);
    if weight(second, of_second) > weight(first, of_first) {
        return Ok(Some(second));
    }
    Ok(Some(first))
}

/// How sure the model is that an answer is right.
async fn probability(thinker: &Thinker<'_>, problem: &Problem, answer: &str) -> Result<f32, AnswerError> {
    let request = prompts::verify(problem, answer, &thinker.settings.partition);
    let choices = ["Yes", "No"].map(str::to_owned);
    match thinker.model.model.score_choices(request, &choices).await {
        Ok(scores) => Ok(scores.log_probs.first().map_or(0.5, |log_prob| log_prob.exp())),
        Err(ModelError::Unsupported { .. } | ModelError::Overloaded { .. }) => Ok(0.5),
        Err(error) => Err(error.into()),
    }
}

/// A last short completion from what was thought.
async fn conclude(
    thinker: &Thinker<'_>,
    problem: &Problem,
    sampled: Sampled,
) -> Result<Solution, AnswerError> {
    let thought = sampled.thought.unwrap_or_default();
    let request = thinker.request(problem, Method::Direct);
    let request = prompts::conclude(&request, &thought, &problem.form);
    let tokens = match problem.form {
        // Words may be longer than what was kept, where the thinking left some.
        AnswerForm::Text => ANSWER_RESERVE + thinker.budget.take(256),
        _ => ANSWER_RESERVE,
    };
    let written = thinker.conclude(request, tokens).await?;
    let answer = reading::answer_of(&written.text, &problem.form)
        .or_else(|| reading::answer_of(&thought, &problem.form))
        .unwrap_or_default();
    let stopped_by = sampled.stopped_by.unwrap_or(StoppedBy::TokenBudget);
    let report = report(
        thinker,
        1,
        stopped_by,
        "the thinking came to no end; the answer is concluded from what was thought until then".to_owned(),
    );
    Ok(solution(thinker, answer, None, report, None))
}

/// How the answer was reached, without what was thought.
fn summary(group: &Group, tally: &Tally) -> String {
    let by = |method: &dyn Fn(&Candidate) -> bool| group.candidates.iter().filter(|one| method(one)).count();
    let programs = by(&|one| one.method == Method::Program);
    let words = by(&|one| matches!(one.method, Method::Prose | Method::Direct));
    let mut ways = Vec::new();
    if programs > 0 {
        ways.push(format!("{programs} by a program"));
    }
    if words > 0 {
        ways.push(format!("{words} in words"));
    }
    if ways.is_empty() {
        return "chosen by the likelihood of the options".to_owned();
    }
    format!(
        "{} of {} samples came to this answer: {}",
        programs + words,
        tally.samples,
        ways.join(", ")
    )
}

/// The report of what was done.
pub(super) fn report(
    thinker: &Thinker<'_>,
    samples: u32,
    stopped_by: StoppedBy,
    summary: String,
) -> ReasoningReport {
    ReasoningReport {
        effort: thinker.settings.effort,
        samples,
        tokens: thinker.spent().usage.output_tokens,
        stopped_by,
        summary,
    }
}

/// Puts a solution together. All tokens were thinking: the answer was read from it.
pub(super) fn solution(
    thinker: &Thinker<'_>,
    answer: String,
    agreement: Option<f32>,
    report: ReasoningReport,
    calculation: Option<super::problem::ProgramUsed>,
) -> Solution {
    let spent = thinker.spent();
    let mut usage = spent.usage;
    usage.reasoning_tokens = usage.output_tokens;
    Solution {
        answer,
        agreement,
        report,
        calculation,
        usage,
        model: spent
            .model
            .unwrap_or_else(|| thinker.model.model.identity().name.clone()),
        written: spent.written,
    }
}
