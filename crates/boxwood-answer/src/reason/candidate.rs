//! One way of working, from the problem to an answer with its weight.
//!
//! Called by [`super::solve`], several beside each other.

use super::options;
use super::problem::{AnswerForm, Problem, ProgramUsed};
use super::prompts::{self, Method};
use super::reading;
use super::sandbox::{Ran, Sandbox};
use super::schedule::Plan;
use super::thinker::{Ended, Thinker, Written};
use super::values;
use super::{number, program};
use crate::error::AnswerError;
use boxwood_core::{ChatRequest, ModelError, Sampling};
use futures::future::try_join_all;
use serde_json::{Map, Value};

/// Tokens of one program.
const PROGRAM_TOKENS: u32 = 360;
/// Share of likelihood, and most tokens, that a sampled token is drawn from: those that Qwen's models are published with.
/// The tail of a small model's tokens loses a derivation.
const TOP_P: f32 = 0.8;
const TOP_K: f32 = 20.0;
/// Where an answer may be wrong whatever the model thinks of it: thinking that was cut, a program that was mended.
const CUT: f32 = 0.4;
const REPAIRED: f32 = 0.7;
/// Weight of a program none of whose numbers stand in the text that it is about.
const UNGROUNDED: f32 = 0.4;
/// Weight of the likelihood of options that was measured without thinking.
const SCORES: f32 = 0.9;
/// In how many orders the options are scored.
const MOST_ORDERS: usize = 4;

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The answer alone.
    pub answer: String,
    /// The key under which equal answers meet.
    pub key: String,
    /// How much it counts; about 1.
    pub weight: f32,
    /// How it was reached.
    pub method: Method,
    /// The program, for [`Method::Program`].
    pub program: Option<ProgramUsed>,
}

/// What came of a plan.
#[derive(Debug)]
pub(super) enum Tried {
    /// Answers; the scores of options give one each.
    Answers(Vec<Candidate>),
    /// Thinking without an answer: it was cut, or a program failed twice.
    Nothing(Option<String>),
    /// No tokens or no time were left to begin.
    NotBegun,
}

/// Does what a plan says.
pub(super) async fn attempt(
    thinker: &Thinker<'_>,
    problem: &Problem,
    plan: Plan,
) -> Result<Tried, AnswerError> {
    match plan.method {
        Method::Direct | Method::Prose => in_words(thinker, problem, plan).await,
        Method::Program => by_program(thinker, problem, plan).await,
        Method::Scores => by_scores(thinker, problem).await,
    }
}

/// How a completion of a plan is sampled.
pub(super) fn sampled(mut request: ChatRequest, plan: Plan) -> ChatRequest {
    if plan.temperature > 0.0 {
        request.sampling = Sampling {
            temperature: Some(plan.temperature),
            top_p: Some(TOP_P),
            top_k: Some(TOP_K),
            seed: Some(plan.seed),
            ..Sampling::default()
        };
    }
    request
}

async fn in_words(thinker: &Thinker<'_>, problem: &Problem, plan: Plan) -> Result<Tried, AnswerError> {
    let request = thinker.request(problem, plan.method);
    let Some(written) = thinker.think(sampled(request, plan), plan.tokens).await? else {
        return Ok(Tried::NotBegun);
    };
    let answer = match written.ended {
        // A number in the middle of a thought is no answer.
        Ended::Length | Ended::Time => None,
        Ended::Complete if plan.method == Method::Prose => reading::derived(&written.text, &problem.form),
        Ended::Complete => reading::answer_of(&written.text, &problem.form),
    };
    let Some(answer) = answer else {
        return Ok(Tried::Nothing(Some(written.text)));
    };
    let weight = likelihood(&written) * plan.weight;
    Ok(Tried::Answers(vec![Candidate {
        key: reading::key(&answer, &problem.form),
        weight: weight * plausibility(&answer, problem),
        answer,
        method: plan.method,
        program: None,
    }]))
}

async fn by_program(thinker: &Thinker<'_>, problem: &Problem, plan: Plan) -> Result<Tried, AnswerError> {
    let Some(sandbox) = &thinker.settings.sandbox else {
        return Ok(Tried::Nothing(None));
    };
    let request = thinker.request(problem, Method::Program);
    let request = sampled(request, plan);
    let Some(written) = thinker.think(request.clone(), PROGRAM_TOKENS).await? else {
        return Ok(Tried::NotBegun);
    };
    let Some(code) = program::code_of(&written.text) else {
        return Ok(Tried::Nothing(Some(written.text)));
    };
    let tables = thinker.tables(problem);
    let runner = Runner {
        sandbox,
        given: tables.values(),
    };
    let Some(done) = runner.run_mended(thinker, problem, &request, code).await? else {
        return Ok(Tried::Nothing(None));
    };
    let Some(answer) = reading::answer_of_output(&done.ran.output, &problem.form) else {
        return Ok(Tried::Nothing(None));
    };
    let sources = [
        problem.question.as_str(),
        problem.context.as_deref().unwrap_or(""),
    ];
    let used = values::values_used(&done.code, &sources, tables, &done.ran.cells);
    let mut weight = likelihood(&written) * plan.weight;
    weight *= if done.repaired { REPAIRED } else { 1.0 };
    weight *= UNGROUNDED + (1.0 - UNGROUNDED) * values::grounded_share(&used);
    Ok(Tried::Answers(vec![Candidate {
        key: reading::key(&answer, &problem.form),
        weight: weight * plausibility(&answer, problem),
        answer,
        method: Method::Program,
        program: Some(ProgramUsed {
            program: done.code,
            output: done.ran.output,
            values: used,
            repaired: done.repaired,
        }),
    }]))
}

/// Where the programs of a problem run, and what each gets.
struct Runner<'a> {
    sandbox: &'a Sandbox,
    given: Map<String, Value>,
}

/// A program that came to its end.
struct Done {
    code: String,
    ran: Ran,
    repaired: bool,
}

impl Runner<'_> {
    /// Runs a program; where it fails or prints no answer, the model mends it once. `None` where that fails as well.
    async fn run_mended(
        &self,
        thinker: &Thinker<'_>,
        problem: &Problem,
        request: &ChatRequest,
        code: String,
    ) -> Result<Option<Done>, AnswerError> {
        let Some(ran) = self.run(&code).await else {
            return Ok(None);
        };
        let Some(error) = failure(&ran, &problem.form) else {
            let repaired = false;
            return Ok(Some(Done { code, ran, repaired }));
        };
        let again = prompts::repair(request, &code, &error);
        let mended = thinker.think(again, PROGRAM_TOKENS).await?;
        let Some(code) = mended.and_then(|mended| program::code_of(&mended.text)) else {
            return Ok(None);
        };
        let ran = self.run(&code).await.filter(|ran| ran.error.is_none());
        Ok(ran.map(|ran| Done {
            code,
            ran,
            repaired: true,
        }))
    }

    /// `None` where no program can be run at all.
    async fn run(&self, code: &str) -> Option<Ran> {
        let ran = self.sandbox.run(code, &self.given).await;
        ran.inspect_err(|error| tracing::warn!(%error, "a calculation could not be run"))
            .ok()
    }
}

/// What the model is told of a run that gave no answer.
fn failure(ran: &Ran, form: &AnswerForm) -> Option<String> {
    if let Some(error) = &ran.error {
        return Some(error.clone());
    }
    if ran.output.is_empty() {
        return Some("it printed nothing".to_owned());
    }
    if reading::answer_of_output(&ran.output, form).is_some() {
        return None;
    }
    Some(match form {
        AnswerForm::Choice(choices) => format!(
            "it printed {:?}, which is none of the options {}",
            ran.output,
            options::rendered(choices).replace('\n', ", ")
        ),
        _ => format!("it printed {:?}, which is not the answer", ran.output),
    })
}

/// A small model likes some letters better than others: the options are scored in several orders, and the mean is taken.
async fn by_scores(thinker: &Thinker<'_>, problem: &Problem) -> Result<Tried, AnswerError> {
    let AnswerForm::Choice(choices) = &problem.form else {
        return Ok(Tried::Nothing(None));
    };
    let model = &thinker.model.model;
    if !model.identity().scores_choices {
        return Ok(Tried::Nothing(None));
    }
    let labels: Vec<String> = choices.iter().map(|choice| choice.label.clone()).collect();
    // In a conversation they stand as the user wrote them.
    let most = if thinker.states_problem() { MOST_ORDERS } else { 1 };
    let turns = options::turns(choices.len(), most);
    let scored = turns.iter().map(|turn| {
        let turned = Problem {
            form: AnswerForm::Choice(options::turned(choices, *turn)),
            ..problem.clone()
        };
        let mut request = thinker.request(&turned, Method::Scores);
        if *turn > 0 {
            // It is asked once: a document's prefix is worth more room than this one.
            request.shared_prefix = None;
        }
        model.score_choices(request, &labels)
    });
    let scored = match try_join_all(scored).await {
        Ok(scored) => scored,
        Err(ModelError::Unsupported { .. }) => return Ok(Tried::Nothing(None)),
        Err(error) => return Err(error.into()),
    };
    let mut means = vec![0.0; choices.len()];
    for (turn, scores) in turns.iter().zip(&scored) {
        for (place, log_prob) in scores.log_probs.iter().enumerate() {
            means[(place + turn) % choices.len()] += log_prob.exp() / scored.len() as f32;
        }
    }
    let candidates = labels.into_iter().zip(means).map(|(label, mean)| Candidate {
        key: label.clone(),
        answer: label,
        weight: SCORES * mean,
        method: Method::Scores,
        program: None,
    });
    Ok(Tried::Answers(candidates.collect()))
}

/// How likely the model finds its own words, 0.5 to 1: surprise in the middle of a derivation is often its mistake.
fn likelihood(written: &Written) -> f32 {
    let cut = if written.ended == Ended::Complete {
        1.0
    } else {
        CUT
    };
    cut * written
        .log_prob
        .map_or(0.9, |log_prob| log_prob.exp().powf(1.5).clamp(0.5, 1.0))
}

/// Doubts about an answer that its question gives: a count is whole and not negative.
fn plausibility(answer: &str, problem: &Problem) -> f32 {
    if problem.form != AnswerForm::Number {
        return 1.0;
    }
    let Some(value) = number::last_number(answer) else {
        return 1.0;
    };
    let asked = problem.question.to_lowercase();
    let counts = asked.contains("how many") && value != value.trunc();
    let negative = value < 0.0 && asked.contains("how m");
    if counts || negative { 0.5 } else { 1.0 }
}
