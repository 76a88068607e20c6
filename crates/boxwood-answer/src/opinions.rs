//! The highest effort on a look-up: further answers to the same prompt, and what most of the support is for.
//!
//! Answers vote by what they state, each with the support that the files give it (the model's own probabilities and inner
//! state). Invariant: the first answer stays, word for word, unless others that state something else are clearly better
//! supported together; the same value in a longer sentence is no other answer. A model that gives no probabilities is
//! asked once. Called by [`crate::service`] after the first answer was checked.

mod ballot;
mod statement;

use self::ballot::{Ballot, Vote};
use crate::error::AnswerError;
use crate::generate::{self, Completion};
use crate::progress::{Progress, ProgressSink};
use crate::reason::{ReasoningReport, StoppedBy};
use crate::service::{AnswerService, Checked, Work};
use boxwood_core::{ChatRequest, Effort, Sampling};
use futures::FutureExt;
use futures::future::try_join_all;

/// Further answers.
const AGAIN: u64 = 2;
/// Temperature of answers that are to differ.
const TEMPERATURE: f32 = 0.7;

/// An answer with how well the files support it.
pub(crate) struct Opinion {
    pub completion: Completion,
    pub checked: Checked,
    /// Told where more than one was asked for.
    pub report: Option<ReasoningReport>,
}

impl Opinion {
    /// Its text with what speaks for it.
    fn vote(&self) -> Vote {
        Vote {
            text: self.completion.text.clone(),
            draft: self.checked.draft.clone(),
            support: self.checked.support.probability,
        }
    }

    /// The first one.
    pub fn first(completion: Completion, checked: Checked) -> Self {
        Self {
            completion,
            checked,
            report: None,
        }
    }
}

/// Asks again, and keeps what is supported best.
///
/// # Errors
/// From the model; [`AnswerError::Cancelled`].
pub(crate) async fn ask_again(
    service: &AnswerService,
    work: &Work<'_>,
    first: Opinion,
    progress: &dyn ProgressSink,
) -> Result<Opinion, AnswerError> {
    if first.checked.support.method != "model" {
        return Ok(first);
    }
    let model = first.completion.model.clone();
    let quiet = Thinking(progress);
    let cancel = &work.question.cancel;
    let again: Vec<_> = (1..=AGAIN)
        .map(|seed| generate::complete(&model, differing(work.request, seed), cancel, &quiet).boxed())
        .collect();
    let mut tokens = 0;
    let mut usage = first.completion.usage.clone();
    let mut ballot = Ballot::new(&work.question.prompt, first.vote(), first);
    for raw in try_join_all(again).await? {
        tokens += raw.usage.output_tokens;
        usage = generate::sum(usage, raw.usage.clone());
        let text = raw.text.trim().to_owned();
        if text.is_empty() || ballot.repeats(&text) {
            continue;
        }
        let completion = Completion {
            text,
            finish: raw.finish,
            usage: raw.usage,
            model: raw.model,
        };
        let checked = service.check(work, &completion).await?;
        let opinion = Opinion::first(completion, checked);
        ballot.add(opinion.vote(), opinion);
    }
    let (mut chosen, votes) = ballot.decide();
    usage.reasoning_tokens += tokens;
    chosen.completion.usage = usage;
    chosen.report = Some(ReasoningReport {
        effort: Effort::High,
        samples: u32::try_from(AGAIN).unwrap_or(u32::MAX).saturating_add(1),
        tokens,
        stopped_by: StoppedBy::Completed,
        summary: format!(
            "{votes} of {} answers state this; the files support no other one clearly better",
            AGAIN + 1
        ),
    });
    Ok(chosen)
}

fn differing(request: &ChatRequest, seed: u64) -> ChatRequest {
    ChatRequest {
        sampling: Sampling {
            temperature: Some(TEMPERATURE),
            seed: Some(seed),
            ..request.sampling.clone()
        },
        ..request.clone()
    }
}

/// What is written beside the draft is thinking, not a draft.
struct Thinking<'a>(&'a dyn ProgressSink);

impl ProgressSink for Thinking<'_> {
    fn report(&self, progress: Progress) {
        self.0.report(match progress {
            Progress::Draft(text) => Progress::Thinking(text),
            other => other,
        });
    }
}
