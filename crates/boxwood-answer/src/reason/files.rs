//! Questions about files that ask for a computation: the program is written over what the model was shown anyway.
//!
//! Invariants: the prompt begins with the same words as that of a look-up, so that what was read of the documents is
//! shared; a question that asks for nothing computed costs nothing here. An answer comes out only where a program gave
//! it, as an amount in the document's currency where that leaves no doubt, and its support is how much of what it starts
//! from stands in the files. Called by [`crate::service`].

use super::problem::{AnswerForm, Problem, ProgramUsed, ReasoningReport, Settings};
use super::routing::asks_for_computation;
use super::sandbox::Sandbox;
use super::schedule;
use super::solve;
use super::thinker::Thinker;
use super::units;
use super::values;
use crate::answer::Support;
use crate::error::AnswerError;
use crate::gather::Source;
use crate::progress::ProgressSink;
use crate::prompt;
use crate::question::Question;
use crate::resolve::Plan;
use crate::retrieve::Shown;
use boxwood_core::{Effort, Sampling, Usage};

/// The part of a question's time that thinking may take; the rest is for the answer from the text.
const TIME_SHARE: f64 = 0.6;
/// Support of a program all of whose numbers stand in the files, and what agreement of the samples adds.
const GROUNDED: f32 = 0.55;
const AGREED: f32 = 0.4;
/// Taken for the agreement of a single sample.
const SINGLE: f32 = 0.6;

/// A question about files, as far as it was prepared.
pub(crate) struct Asked<'a> {
    pub plan: &'a Plan,
    pub question: &'a Question,
    pub sources: &'a [Source],
    pub shown: &'a Shown,
}

/// An answer that was computed.
pub(crate) struct Computed {
    /// The answer.
    pub text: String,
    /// The values and the question's words, by which the places in the files are found.
    pub stated: String,
    /// How well the files support it.
    pub support: Support,
    /// The program.
    pub program: ProgramUsed,
    /// How it was reached.
    pub report: ReasoningReport,
    /// What it cost.
    pub usage: Usage,
}

/// Computes the answer, where the question asks for a computation and a program gives one.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub(crate) async fn by_calculation(
    asked: &Asked<'_>,
    effort: Effort,
    sandbox: Option<&Sandbox>,
    progress: &dyn ProgressSink,
) -> Result<Option<Computed>, AnswerError> {
    let Some(sandbox) = sandbox else { return Ok(None) };
    let context = shown_text(asked);
    let own = solve::thinks_by_itself(&asked.plan.model);
    if effort == Effort::Low || own || !asks_for_computation(&asked.question.prompt, &context) {
        return Ok(None);
    }
    let problem = Problem {
        context: Some(context),
        question: prompt::with_dialogue(asked.question.words()),
        form: AnswerForm::Text,
    };
    let settings = Settings {
        time_limit: asked.question.time_limit.map(|limit| limit.mul_f64(TIME_SHARE)),
        ..Settings::new(effort, &asked.question.partition, Some(sandbox.clone()))
    };
    let frame = |instruction: &str| request(asked, &problem.question, instruction);
    let thinker = Thinker::new(&asked.plan.model, &settings, &asked.question.cancel, progress).framed(&frame);
    let schedule = schedule::schedule(&problem, &settings);
    let solution = solve::solve_by(&thinker, &problem, &schedule).await?;
    let answered = !solution.answer.is_empty();
    let Some(program) = solution
        .calculation
        .filter(|program| answered && starts_from_files(program))
    else {
        return Ok(None);
    };
    let shown = problem.context.as_deref().unwrap_or("");
    let text = units::with_currency(&solution.answer, &asked.question.prompt, &program, shown)
        .unwrap_or(solution.answer);
    let grounded = values::grounded_share(&program.values);
    let stated: Vec<&str> = program
        .values
        .iter()
        .filter_map(|value| value.stated_as.as_deref())
        .collect();
    Ok(Some(Computed {
        stated: format!("{} {}", stated.join(" "), asked.question.prompt),
        support: Support {
            probability: grounded * (GROUNDED + AGREED * solution.agreement.unwrap_or(SINGLE)),
            method: "calculation",
            signals: None,
        },
        text,
        program,
        report: solution.report,
        usage: solution.usage,
    }))
}

/// Whether a program starts from anything that the files or the question state: without that it computes something else,
/// however well its samples agree.
fn starts_from_files(program: &ProgramUsed) -> bool {
    let is_stated = program.values.iter().any(|value| value.stated_as.is_some());
    is_stated || program.program.contains("tables")
}

/// The text that the model is shown.
fn shown_text(asked: &Asked<'_>) -> String {
    let texts = asked.sources.iter().enumerate();
    let texts: Vec<String> = texts
        .map(|(index, source)| prompt::shown_text(asked.shown, index, &source.document))
        .collect();
    texts.join("\n")
}

/// The request of a look-up with a way of working after the question, chosen freely from nothing but the words.
fn request(asked: &Asked<'_>, question: &str, instruction: &str) -> boxwood_core::ChatRequest {
    let text = format!("{question}\n\n{instruction}");
    let words = prompt::Asked {
        text: &text,
        now: asked.question.now,
        partition: &asked.question.partition,
    };
    let mut request = prompt::build_for(asked.plan, words, asked.sources, asked.shown);
    request.sampling = Sampling {
        temperature: Some(0.0),
        ..Sampling::default()
    };
    request
}
