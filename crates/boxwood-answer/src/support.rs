//! Step 8b: do the files support the answer? Measured, never asked of the answering text itself.
//!
//! A small model answers nearly everything, also what the document does not say. Its own probabilities tell better: over
//! "Yes" and "No" when it is shown the cited passage and the question (and, in a second check, the answer) after a few
//! worked examples that stay in the prefix cache; and over the question's own words when it is to write one that the
//! document answers. Best tells its inner state at the first check, where a [`ReadOut`] was learned. The signals are
//! joined by a logistic model (`docs/support-check.md` says how its weights were found, and what it reaches).
//!
//! Invariant: a model that gives no probabilities is never pretended to have given some: then the share of the answer's
//! words that stand in the cited text is all there is, and [`Support::method`] says so. Called by [`crate::service`].

use crate::answer::Support;
use crate::error::AnswerError;
use crate::gather::Source;
use crate::parse::Draft;
use crate::prompt::neutralise;
use crate::question::Question;
use boxwood_core::{ChatModel, ChatRequest, ChoiceScores};
use boxwood_search::{EvidenceList, estimate_tokens};
use serde::Serialize;

mod examples;
mod passage;
mod read_out;

pub use examples::{ANSWER_CHECK, Check, NO, QUESTION_CHECK, YES, turn};
pub use passage::passage_around;
pub use read_out::ReadOut;

/// Drafts longer than this, in estimated tokens, are summaries, lists and explanations, not answers to one question.
const LONG_DRAFT_TOKENS: u32 = 90;

/// What is measured about a draft.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Signals {
    /// What [`ReadOut::value`] says of the state at the question check; `None` for a model without a read-out.
    pub read_out: Option<f32>,
    /// ln(P(Yes)/P(No)) that the passage answers exactly this question, without a proposed answer.
    pub question_check: f32,
    /// ln(P(Yes)/P(No)) that the passage states the proposed answer to exactly this question.
    pub answer_check: f32,
    /// Least ln(P) of the question's tokens when the model writes a question that the shown text answers: a changed name,
    /// number or condition is a token that nothing in the text leads to.
    pub question_fit: f32,
}

/// Weights of a logistic model over [`Signals`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Constant.
    pub bias: f32,
    /// Of [`Signals::read_out`], or of [`Signals::question_check`] where there is none.
    pub question: f32,
    /// Of [`Signals::answer_check`].
    pub answer_check: f32,
    /// Of [`Signals::question_fit`].
    pub question_fit: f32,
}

impl Weights {
    fn probability(&self, signals: &Signals) -> f32 {
        let logit = self.bias
            + self.question * signals.read_out.unwrap_or(signals.question_check)
            + self.answer_check * signals.answer_check
            + self.question_fit * signals.question_fit;
        1.0 / (1.0 + (-logit).exp())
    }
}

/// Signals → probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupportModel {
    /// For a model with a read-out.
    pub with_read_out: Weights,
    /// For any other.
    pub without: Weights,
}

impl SupportModel {
    /// From measured questions with the default model; `docs/support-check.md` says how, and what they reach.
    pub const DEFAULT: Self = Self {
        with_read_out: Weights {
            bias: 0.33,
            question: 0.51,
            answer_check: 0.30,
            question_fit: 0.112,
        },
        without: Weights {
            bias: -0.30,
            question: 0.48,
            answer_check: 0.44,
            question_fit: 0.096,
        },
    };

    /// Probability that the files support the answer.
    pub fn probability(&self, signals: &Signals) -> f32 {
        let weights = match signals.read_out {
            Some(_) => &self.with_read_out,
            None => &self.without,
        };
        weights.probability(signals)
    }
}

/// What a draft is measured against.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The question.
    pub question: &'a Question,
    /// The files.
    pub sources: &'a [Source],
    /// The request that the draft answers.
    pub request: &'a ChatRequest,
    /// The draft.
    pub draft: &'a Draft,
    /// Where the files say it.
    pub evidence: &'a EvidenceList,
}

/// Measures how well the shown text supports the draft.
///
/// # Errors
/// From the model.
pub async fn measure(
    model: &dyn ChatModel,
    weights: &SupportModel,
    measured: Measured<'_>,
) -> Result<Support, AnswerError> {
    let Measured {
        question,
        sources,
        request,
        draft,
        evidence,
    } = measured;
    if draft.declines || evidence.pieces.is_empty() {
        return Ok(Support {
            probability: 0.0,
            method: "text",
            signals: None,
        });
    }
    if !model.identity().scores_choices {
        return Ok(Support {
            probability: evidence.covered,
            method: "text",
            signals: None,
        });
    }
    if estimate_tokens(&draft.text) > LONG_DRAFT_TOKENS {
        // A summary has no single place that states it; what can be measured is whether its words are the document's.
        return Ok(Support {
            probability: evidence.present,
            method: "text",
            signals: None,
        });
    }
    let passage = passage_around(sources, evidence);
    let asked = neutralise(&question.prompt);
    let with_answer = turn(&passage, &asked, Some(&draft.text));
    let alone = turn(&passage, &asked, None);
    let verdicts = [YES, NO].map(str::to_owned);
    let itself = [asked.clone()];
    let (of_question, of_answer, written) = futures::try_join!(
        score(
            model,
            question,
            QUESTION_CHECK.request(&question.partition, alone),
            &verdicts
        ),
        score(
            model,
            question,
            ANSWER_CHECK.request(&question.partition, with_answer),
            &verdicts
        ),
        score(
            model,
            question,
            after_documents(request, examples::ASK_TURN),
            &itself
        ),
    )?;
    let read_out = ReadOut::of(&model.identity().name);
    let signals = Signals {
        read_out: read_out.and_then(|read_out| read_out.value(of_question.state.as_deref()?)),
        question_check: log_odds(&of_question),
        answer_check: log_odds(&of_answer),
        question_fit: least_log_prob(&written),
    };
    Ok(Support {
        probability: weights.probability(&signals),
        method: "model",
        signals: Some(signals),
    })
}

/// The request's own prefix with this turn in place of the question, so that the documents come from the cache.
fn after_documents(request: &ChatRequest, turn: &str) -> ChatRequest {
    let mut messages = request.messages.clone();
    let boundary = request.shared_prefix.as_ref().map_or(0, |prefix| prefix.boundary);
    if let Some(last) = messages.last_mut() {
        last.content.truncate(boundary);
        last.content.push_str(turn);
    }
    let mut check = ChatRequest::new(messages, 1);
    check.shared_prefix.clone_from(&request.shared_prefix);
    check
}

/// ln(P(Yes)/P(No)).
fn log_odds(verdict: &ChoiceScores) -> f32 {
    match verdict.log_probs.as_slice() {
        [yes, no] => (yes - no).clamp(-12.0, 12.0),
        _ => 0.0,
    }
}

/// The least ln(P) of all tokens.
fn least_log_prob(scores: &ChoiceScores) -> f32 {
    let tokens = scores.token_log_probs.iter().flatten();
    tokens.copied().fold(0.0, f32::min).max(-24.0)
}

async fn score(
    model: &dyn ChatModel,
    question: &Question,
    request: ChatRequest,
    choices: &[String],
) -> Result<ChoiceScores, AnswerError> {
    tokio::select! {
        biased;
        () = question.cancel.cancelled() => Err(AnswerError::Cancelled),
        scores = model.score_choices(request, choices) => Ok(scores?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_support_never_lowers_the_probability() {
        let base = Signals {
            read_out: Some(0.0),
            question_check: 0.0,
            answer_check: 0.0,
            question_fit: -8.0,
        };
        let model = SupportModel::DEFAULT;
        let better = [
            Signals {
                read_out: Some(2.0),
                ..base
            },
            Signals {
                answer_check: 2.0,
                ..base
            },
            Signals {
                question_fit: -2.0,
                ..base
            },
        ];
        for signals in better {
            assert!(
                model.probability(&signals) >= model.probability(&base),
                "{signals:?}"
            );
            let without = |signals: Signals| Signals {
                read_out: None,
                ..signals
            };
            assert!(
                model.probability(&without(signals)) >= model.probability(&without(base)),
                "{signals:?}"
            );
        }
    }
}
