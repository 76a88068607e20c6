//! Read-outs: what a model knows about a question before it says a word, read from its inner state.
//!
//! A small model that reads a question and a passage holds more about whether the passage answers the question than its
//! own "Yes" or "No" tells. A read-out is one weight for each number of that state, learned on our own passages (in
//! `eval/support`; `eval/support/train.py` learns it, `docs/support-check.md` says what it reaches).
//!
//! Invariant: a read-out is used with exactly the model file and layer that it was learned on, after exactly the turn
//! that [`super::examples::QUESTION_CHECK`] makes. Called by [`super`] and, for the layer, by whoever starts the engine.

use serde::Deserialize;
use std::sync::LazyLock;

/// One learned read-out.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadOut {
    /// Name of the model that it was learned on, as in its identity.
    pub model: String,
    /// Layer, counted from 0, whose output it reads.
    pub layer: u32,
    bias: f32,
    weights: Vec<f32>,
}

impl ReadOut {
    /// The read-out of a model, where one was learned.
    pub fn of(model: &str) -> Option<&'static Self> {
        READ_OUTS.iter().find(|read_out| read_out.model == model)
    }

    /// About ln(P/(1−P)) that the passage answers the question; `None` for a state of another size.
    pub fn value(&self, state: &[f32]) -> Option<f32> {
        (state.len() == self.weights.len()).then(|| {
            let sum: f32 = state
                .iter()
                .zip(&self.weights)
                .map(|(x, weight)| x * weight)
                .sum();
            (self.bias + sum).clamp(-12.0, 12.0)
        })
    }
}

const FILES: [&str; 1] = [include_str!("read_outs/qwen2_5_coder_1_5b_instruct.json")];

static READ_OUTS: LazyLock<Vec<ReadOut>> = LazyLock::new(|| {
    let read = FILES.iter().map(|file| serde_json::from_str(file));
    read.filter_map(Result::ok).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_a_state_of_another_size_is_refused() {
        assert_eq!(READ_OUTS.len(), FILES.len());
        for read_out in READ_OUTS.iter() {
            assert!(ReadOut::of(&read_out.model).is_some());
            assert!(read_out.value(&vec![0.0; read_out.weights.len()]).is_some());
            assert_eq!(read_out.value(&[0.0]), None);
        }
    }
}
