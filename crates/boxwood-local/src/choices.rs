//! Probabilities of given beginnings of an answer.
//!
//! Invariant: every token of a choice counts, so that choices which begin alike are told apart; the probabilities of
//! all choices of a request sum to one. Costs nothing beyond the prompt where each choice is one token.
//! Called by `scheduler` when a prompt was read.

use crate::native::{Batch, Context, DecodeError, Wanted};
use crate::sampler::log_sum_exp;
use boxwood_core::ChoiceScores;
use llama_cpp_2::token::LlamaToken;

/// Why choices can't be scored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScoreError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the model gave no usable numbers")]
    NoNumbers,
}

/// The place after which choices are scored.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The sequence that holds the prompt.
    pub sequence: i32,
    /// Position of the first token after the prompt.
    pub position: usize,
    /// Sequences that are free for copies; at least one.
    pub spare: &'a [i32],
    /// Tokens that one batch takes.
    pub batch_tokens: usize,
}

/// What the end of a prompt tells about the choices.
#[derive(Debug)]
pub(crate) struct FirstScores {
    /// Log-probability of each choice's first token.
    pub log_probs: Vec<f32>,
    /// Where the context has a tap.
    pub state: Option<Vec<f32>>,
}

/// Log-probabilities of the choices' first tokens, from the logits after the prompt.
pub(crate) fn first_tokens(logits: &[f32], choices: &[Vec<LlamaToken>]) -> Result<Vec<f32>, ScoreError> {
    let normaliser = log_sum_exp(logits).ok_or(ScoreError::NoNumbers)?;
    choices
        .iter()
        .map(|choice| {
            let first = choice.first().ok_or(ScoreError::NoNumbers)?;
            logit(logits, *first).map(|logit| logit - normaliser)
        })
        .collect()
}

/// Adds the later tokens to what [`first_tokens`] gave, and normalises over the choices.
pub(crate) fn finish(
    context: &mut Context<'_>,
    batch: &mut Batch,
    place: &Place<'_>,
    choices: &[Vec<LlamaToken>],
    first: FirstScores,
) -> Result<ChoiceScores, ScoreError> {
    let mut token_log_probs: Vec<Vec<f32>> = first.log_probs.iter().map(|log_prob| vec![*log_prob]).collect();
    let longer: Vec<usize> = (0..choices.len())
        .filter(|index| choices[*index].len() > 1)
        .collect();
    let mut todo = longer.as_slice();
    while !todo.is_empty() {
        let (group, later) = todo.split_at(fitting(todo, choices, place));
        following_tokens(context, batch, place, choices, group, &mut token_log_probs)?;
        todo = later;
    }
    let totals: Vec<f32> = token_log_probs.iter().map(|tokens| tokens.iter().sum()).collect();
    let normaliser = log_sum_exp(&totals).ok_or(ScoreError::NoNumbers)?;
    Ok(ChoiceScores {
        log_probs: totals.iter().map(|total| total - normaliser).collect(),
        token_log_probs,
        state: first.state,
    })
}

fn logit(logits: &[f32], token: LlamaToken) -> Result<f32, ScoreError> {
    usize::try_from(token.0)
        .ok()
        .and_then(|index| logits.get(index).copied())
        .ok_or(ScoreError::NoNumbers)
}

/// How many of the choices fit into one batch; at least one.
fn fitting(todo: &[usize], choices: &[Vec<LlamaToken>], place: &Place<'_>) -> usize {
    let mut tokens = 0;
    todo.iter()
        .take(place.spare.len())
        .take_while(|index| {
            tokens += choices[**index].len() - 1;
            tokens <= place.batch_tokens
        })
        .count()
        .max(1)
}

/// Adds the log-probabilities of each choice's second and later tokens, each in a copy of the prompt's sequence.
fn following_tokens(
    context: &mut Context<'_>,
    batch: &mut Batch,
    place: &Place<'_>,
    choices: &[Vec<LlamaToken>],
    group: &[usize],
    token_log_probs: &mut [Vec<f32>],
) -> Result<(), ScoreError> {
    batch.clear();
    let mut outputs = Vec::new();
    for (index, spare) in group.iter().zip(place.spare) {
        context.copy(
            place.sequence,
            *spare,
            i32::try_from(place.position).unwrap_or(i32::MAX),
        );
        for (offset, pair) in choices[*index].windows(2).enumerate() {
            outputs.push((batch.len(), *index, pair[1]));
            batch.add(pair[0], place.position + offset, *spare, Wanted::Logits);
        }
    }
    let decoded = context.decode(batch).map_err(ScoreError::from).and_then(|()| {
        for (output, index, token) in outputs {
            let logits = context.logits(output).ok_or(ScoreError::NoNumbers)?;
            let normaliser = log_sum_exp(logits).ok_or(ScoreError::NoNumbers)?;
            token_log_probs[index].push(logit(logits, token)? - normaliser);
        }
        Ok(())
    });
    for spare in &place.spare[..group.len()] {
        context.clear(*spare);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(tokens: &[i32]) -> Vec<LlamaToken> {
        tokens.iter().copied().map(LlamaToken::new).collect()
    }

    #[test]
    fn groups_fit_the_batch_and_the_spare_sequences() {
        let choices = [choice(&[1, 2, 3]), choice(&[1, 2, 3, 4]), choice(&[1; 50])];
        let todo = [0, 1, 2];
        let place = |spare, batch_tokens| Place {
            sequence: 0,
            position: 9,
            spare,
            batch_tokens,
        };
        assert_eq!(fitting(&todo, &choices, &place(&[5, 6, 7], 100)), 3);
        assert_eq!(fitting(&todo, &choices, &place(&[5, 6], 100)), 2);
        assert_eq!(fitting(&todo, &choices, &place(&[5, 6, 7], 5)), 2);
        assert_eq!(fitting(&todo, &choices, &place(&[5, 6, 7], 2)), 1);
    }

    #[test]
    fn first_tokens_have_their_probability_over_the_whole_vocabulary() {
        let logits = [0.0, 3.0f32.ln(), 0.0];
        let scores = first_tokens(&logits, &[choice(&[1]), choice(&[2])]).unwrap();
        assert!((scores[0].exp() - 0.6).abs() < 1e-6);
        assert!((scores[1].exp() - 0.2).abs() < 1e-6);
        assert!(first_tokens(&logits, &[choice(&[7])]).is_err());
    }
}
