//! A question as weighted search terms.
//!
//! Invariant: the question always outweighs the history, and a query of stop words only still has weight.

use crate::terms::for_each_term;
use std::collections::HashMap;

/// Weight of a stop word against 1 for an ordinary word.
const STOP_WEIGHT: f32 = 0.05;
/// Weight of the latest earlier turn; each turn before it counts half of the next.
const HISTORY_WEIGHT: f32 = 0.25;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    text: String,
    /// Term hash → weight.
    pub(crate) terms: HashMap<u64, f32>,
}

impl Query {
    /// A query from a question alone.
    pub fn new(question: &str) -> Self {
        Self::with_history(question, &[])
    }

    /// A query from a question and the turns before it, oldest first. Turns only add terms that the question leaves
    /// open ("and how long does it last?").
    pub fn with_history(question: &str, history: &[&str]) -> Self {
        let mut terms = HashMap::new();
        add_terms(question, 1.0, &mut terms);
        let mut weight = HISTORY_WEIGHT;
        for turn in history.iter().rev() {
            add_terms(turn, weight, &mut terms);
            weight *= 0.5;
        }
        Self {
            text: question.trim().to_owned(),
            terms,
        }
    }

    /// The question's text, for the embedder.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing can be looked for: no letter, digit or ideograph.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

fn add_terms(text: &str, weight: f32, terms: &mut HashMap<u64, f32>) {
    for_each_term(text, |term| {
        let own = weight * term.weight * if term.stop { STOP_WEIGHT } else { 1.0 };
        let known = terms.entry(term.hash).or_insert(0.0);
        *known = known.max(own);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_outweighs_history() {
        let query = Query::with_history(
            "How long does it last?",
            &["old words", "Tell me about the lease"],
        );
        let weight = |word: &str| {
            let mut hash = 0;
            for_each_term(word, |term| hash = term.hash);
            query.terms.get(&hash).copied().unwrap_or(0.0)
        };
        assert!(weight("last") > weight("lease") && weight("lease") > weight("old"));
        assert!(weight("does") > 0.0 && weight("does") < 0.1);
        assert!(Query::new(" ?! ").is_empty());
    }
}
