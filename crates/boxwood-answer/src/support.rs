//! Step 8b: do the files support the answer? Measured, never asked of the answering text itself.
//!
//! A small model answers nearly everything, also what the document does not say. Its own probabilities over "Yes" and
//! "No" tell better: shown the cited passage and the question (and, in a second check, the answer), after a few worked
//! examples that stay in the prefix cache. The signals are joined by a logistic model whose weights come from
//! measured questions (`docs/support-check.md` says how, and what it reaches).
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
use boxwood_search::{EvidenceList, estimate_tokens, word_coverage};
use serde::Serialize;

mod examples;
mod passage;

use examples::{ANSWER_CHECK, QUESTION_CHECK};
pub use passage::passage_around;

/// Drafts longer than this, in estimated tokens, are summaries, lists and explanations, not answers to one question.
const LONG_DRAFT_TOKENS: u32 = 90;

/// What is measured about a draft.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Signals {
    /// ln(P(Yes)/P(No)) that the whole shown text states the answer to exactly this question, asked after the same
    /// prefix as the question itself, so it costs little.
    pub document_check: f32,
    /// ln(P(Yes)/P(No)) that the passage states the proposed answer to exactly this question.
    pub answer_check: f32,
    /// ln(P(Yes)/P(No)) that the passage answers exactly this question, without a proposed answer.
    pub question_check: f32,
    /// Least ln(P) of the question's tokens when the model writes a question that the shown text answers: a changed name,
    /// number or condition is a token that nothing in the text leads to.
    pub question_fit: f32,
    /// Share of the answer's weighted words that stand in the cited text, 0 to 1.
    pub covered: f32,
    /// Share of the question's weighted words that stand in the passage, 0 to 1.
    pub question_covered: f32,
    /// Whether one cited piece holds the whole answer.
    pub holds_answer: bool,
}

/// Weights of the logistic model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupportModel {
    /// Constant.
    pub bias: f32,
    /// Of [`Signals::document_check`].
    pub document_check: f32,
    /// Of [`Signals::answer_check`].
    pub answer_check: f32,
    /// Of [`Signals::question_check`].
    pub question_check: f32,
    /// Of [`Signals::question_fit`].
    pub question_fit: f32,
    /// Of [`Signals::covered`].
    pub covered: f32,
    /// Of [`Signals::question_covered`].
    pub question_covered: f32,
    /// Of [`Signals::holds_answer`].
    pub holds_answer: f32,
}

impl SupportModel {
    /// Set by hand from measured questions with the default model; `docs/support-check.md` says what they reach.
    pub const DEFAULT: Self = Self {
        bias: -2.0,
        document_check: 0.5,
        answer_check: 0.3,
        question_check: 0.6,
        question_fit: 0.0,
        covered: 0.6,
        question_covered: 0.5,
        holds_answer: 0.3,
    };

    /// Calibrated probability that the files support the answer.
    pub fn probability(&self, signals: &Signals) -> f32 {
        let logit = self.bias
            + self.document_check * signals.document_check
            + self.answer_check * signals.answer_check
            + self.question_check * signals.question_check
            + self.question_fit * signals.question_fit
            + self.covered * signals.covered
            + self.question_covered * signals.question_covered
            + self.holds_answer * f32::from(u8::from(signals.holds_answer));
        1.0 / (1.0 + (-logit).exp())
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
    let with_answer = examples::turn(&passage, &asked, Some(&draft.text));
    let alone = examples::turn(&passage, &asked, None);
    let document_turn = examples::document_turn(&asked);
    let (document_check, answer_check, question_check, question_fit) = futures::try_join!(
        log_odds(model, question, after_documents(request, &document_turn)),
        log_odds(model, question, ANSWER_CHECK.request(question, with_answer)),
        log_odds(model, question, QUESTION_CHECK.request(question, alone)),
        least_log_prob(model, question, after_documents(request, examples::ASK_TURN), &asked),
    )?;
    let signals = Signals {
        document_check,
        answer_check,
        question_check,
        question_fit,
        covered: evidence.covered,
        question_covered: word_coverage(&asked, &passage),
        holds_answer: evidence.pieces.iter().any(|piece| piece.holds_answer),
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

/// ln(P(Yes)/P(No)) as the next words of the model.
async fn log_odds(
    model: &dyn ChatModel,
    question: &Question,
    request: ChatRequest,
) -> Result<f32, AnswerError> {
    let choices = [examples::YES.to_owned(), examples::NO.to_owned()];
    let scores = score(model, question, request, &choices).await?;
    match scores.log_probs.as_slice() {
        [yes, no] => Ok((yes - no).clamp(-12.0, 12.0)),
        _ => Ok(0.0),
    }
}

/// The least ln(P) of the text's tokens as the reply.
async fn least_log_prob(
    model: &dyn ChatModel,
    question: &Question,
    request: ChatRequest,
    text: &str,
) -> Result<f32, AnswerError> {
    let scores = score(model, question, request, &[text.to_owned()]).await?;
    let tokens = scores.token_log_probs.iter().flatten().copied();
    Ok(tokens.fold(0.0, f32::min).max(-24.0))
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
            document_check: 0.0,
            answer_check: 0.0,
            question_check: 0.0,
            question_fit: -8.0,
            covered: 0.5,
            question_covered: 0.5,
            holds_answer: false,
        };
        let model = SupportModel::DEFAULT;
        let better = [
            Signals {
                document_check: 2.0,
                ..base
            },
            Signals {
                answer_check: 2.0,
                ..base
            },
            Signals {
                question_check: 2.0,
                ..base
            },
            Signals { covered: 1.0, ..base },
            Signals {
                holds_answer: true,
                ..base
            },
        ];
        for signals in better {
            assert!(
                model.probability(&signals) >= model.probability(&base),
                "{signals:?}"
            );
        }
    }
}
