//! Step 8b: do the files support the answer? Measured, never asked of the answering text itself.
//!
//! A small model answers nearly everything, also what the document does not say. Its own probabilities over "Yes" and
//! "No" tell better: shown the cited passage and the question (and, in a second check, the answer), after a few worked
//! examples that stay in the prefix cache. The signals are joined by a logistic model whose weights were fitted on
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
use boxwood_core::{ChatMessage, ChatModel, ChatRequest, ChatRole, SharedPrefix};
use boxwood_search::EvidenceList;

mod examples;
mod passage;

use examples::{ANSWER_CHECK, Example, QUESTION_CHECK};
pub use passage::passage_around;

/// What is measured about a draft.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signals {
    /// ln(P(Yes)/P(No)) that the passage states the proposed answer to exactly this question.
    pub answer_check: f32,
    /// ln(P(Yes)/P(No)) that the passage answers exactly this question, without a proposed answer.
    pub question_check: f32,
    /// Share of the answer's weighted words that stand in the cited text, 0 to 1.
    pub covered: f32,
    /// Whether one cited piece holds the whole answer.
    pub holds_answer: bool,
}

/// Weights of the logistic model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupportModel {
    /// Constant.
    pub bias: f32,
    /// Of [`Signals::answer_check`].
    pub answer_check: f32,
    /// Of [`Signals::question_check`].
    pub question_check: f32,
    /// Of [`Signals::covered`].
    pub covered: f32,
    /// Of [`Signals::holds_answer`].
    pub holds_answer: f32,
}

impl SupportModel {
    /// Fitted on measured questions with the default model; see `docs/support-check.md`.
    pub const DEFAULT: Self =
        Self { bias: -2.0, answer_check: 0.35, question_check: 0.8, covered: 0.6, holds_answer: 0.3 };

    /// Calibrated probability that the files support the answer.
    pub fn probability(&self, signals: &Signals) -> f32 {
        let logit = self.bias
            + self.answer_check * signals.answer_check
            + self.question_check * signals.question_check
            + self.covered * signals.covered
            + self.holds_answer * f32::from(u8::from(signals.holds_answer));
        1.0 / (1.0 + (-logit).exp())
    }
}

/// Measures how well the shown text supports the draft.
///
/// # Errors
/// From the model.
pub async fn measure(
    model: &dyn ChatModel,
    weights: &SupportModel,
    question: &Question,
    sources: &[Source],
    draft: &Draft,
    evidence: &EvidenceList,
) -> Result<Support, AnswerError> {
    if draft.declines || evidence.pieces.is_empty() {
        return Ok(Support { probability: 0.0, method: "text" });
    }
    if !model.identity().choice_log_probs {
        return Ok(Support { probability: evidence.covered, method: "text" });
    }
    let passage = passage_around(sources, evidence);
    let asked = neutralise(&question.prompt);
    let with_answer = examples::turn(&passage, &asked, Some(&draft.text));
    let alone = examples::turn(&passage, &asked, None);
    let (with_answer, alone) = futures::try_join!(
        log_odds(model, question, &ANSWER_CHECK, &with_answer),
        log_odds(model, question, &QUESTION_CHECK, &alone),
    )?;
    let signals = Signals {
        answer_check: with_answer,
        question_check: alone,
        covered: evidence.covered,
        holds_answer: evidence.pieces.iter().any(|piece| piece.holds_answer),
    };
    let probability = weights.probability(&signals);
    tracing::debug!(?signals, probability, "support measured");
    Ok(Support { probability, method: "model" })
}

/// ln(P(Yes)/P(No)) after the instruction, its worked examples and this turn.
async fn log_odds(
    model: &dyn ChatModel,
    question: &Question,
    check: &examples::Check,
    turn: &str,
) -> Result<f32, AnswerError> {
    let mut messages = vec![ChatMessage::new(ChatRole::System, check.instruction)];
    for example in examples::EXAMPLES {
        messages.push(ChatMessage::new(ChatRole::User, check.turn_of(example)));
        messages.push(ChatMessage::new(ChatRole::Assistant, Example::verdict(example)));
    }
    messages.push(ChatMessage::new(ChatRole::User, turn));
    let mut request = ChatRequest::new(messages, 1);
    // The examples are the same for every question: they are read once and come from the prefix cache afterwards.
    request.shared_prefix = Some(SharedPrefix { boundary: 0, partition: question.partition.clone() });
    let choices = [examples::YES.to_owned(), examples::NO.to_owned()];
    let log_probs = tokio::select! {
        biased;
        () = question.cancel.cancelled() => return Err(AnswerError::Cancelled),
        log_probs = model.choice_log_probs(request, &choices) => log_probs?,
    };
    match log_probs.as_slice() {
        [yes, no] => Ok((yes - no).clamp(-12.0, 12.0)),
        _ => Ok(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_support_never_lowers_the_probability() {
        let base = Signals { answer_check: 0.0, question_check: 0.0, covered: 0.5, holds_answer: false };
        let model = SupportModel::DEFAULT;
        let better = [
            Signals { answer_check: 2.0, ..base },
            Signals { question_check: 2.0, ..base },
            Signals { covered: 1.0, ..base },
            Signals { holds_answer: true, ..base },
        ];
        for signals in better {
            assert!(model.probability(&signals) >= model.probability(&base), "{signals:?}");
        }
    }
}
