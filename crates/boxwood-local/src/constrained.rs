//! The next token of a reply that keeps to a schema.
//!
//! The model's own choice is taken where the grammar accepts it, which costs next to nothing; only where it does not, the
//! mask of all allowed tokens is computed and the choice is made again among them. For a drawn token this gives the same
//! probabilities as masking first. Invariant: the log-probability of a token is the model's own, before any mask; an
//! error of the grammar ends the request. Called by `running`.

use crate::grammar::{Grammar, GrammarError, TokenMask};
use crate::sampler::{Sampled, Sampler};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

/// So many forced tokens are computed together at most.
const MOST_FORCED: usize = 31;

/// What comes next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// This token.
    Token(Sampled),
    /// The value may end here and the model ends it.
    End,
    /// The model gave no usable numbers.
    NoToken,
}

/// One reply's grammar, with the memory that its masks need.
#[derive(Debug)]
pub(crate) struct Constraint {
    grammar: Box<Grammar>,
    masked: Vec<f32>,
    /// The limit of a value that is brought to its end when its room runs out.
    closes_at: Option<usize>,
    /// Whether that happened.
    pub closed_early: bool,
    /// Masks that were computed.
    pub masks: usize,
}

impl Constraint {
    /// One for a reply of which `closes_at` tokens are the limit, where it is to be a whole value even so.
    pub fn new(grammar: Box<Grammar>, closes_at: Option<usize>) -> Self {
        Self {
            grammar,
            masked: Vec::new(),
            closes_at,
            closed_early: false,
            masks: 0,
        }
    }

    /// Chooses the next token, with so many left of the limit, and takes it.
    pub fn choose(
        &mut self,
        sampler: &mut Sampler,
        logits: &[f32],
        model: &LlamaModel,
        left: usize,
    ) -> Result<Next, GrammarError> {
        if self
            .closes_at
            .is_some_and(|limit| self.grammar.is_to_close(left, limit))
        {
            return self.close(sampler, logits);
        }
        let Some(proposed) = sampler.propose(logits) else {
            return Ok(Next::NoToken);
        };
        let vocabulary = model.vocab();
        let ends = |token: i32| vocabulary.is_eog(LlamaToken::new(token));
        let chosen = match self.way_out(sampler, logits)? {
            Some(token) => token,
            None if ends(proposed) && self.grammar.may_end()? => return Ok(Next::End),
            None if !ends(proposed) && self.grammar.accepts(proposed)? => proposed,
            None => match self.among_allowed(sampler, logits)? {
                Some(token) if ends(token) => return Ok(Next::End),
                Some(token) => token,
                None => return Ok(Next::NoToken),
            },
        };
        self.grammar.push(chosen)?;
        Ok(sampler.take(chosen, logits).map_or(Next::NoToken, Next::Token))
    }

    /// Takes the likeliest of the tokens that lead to the value's end the soonest.
    fn close(&mut self, sampler: &mut Sampler, logits: &[f32]) -> Result<Next, GrammarError> {
        if self.grammar.may_end()? {
            return Ok(Next::End);
        }
        self.closed_early = true;
        self.masks += 1;
        let nearest = self.grammar.closing()?;
        set_masked(&mut self.masked, logits, |token| {
            nearest.binary_search(&token).is_ok()
        });
        let Some(chosen) = sampler.propose(&self.masked) else {
            return Ok(Next::NoToken);
        };
        self.grammar.push(chosen)?;
        Ok(sampler.take(chosen, logits).map_or(Next::NoToken, Next::Token))
    }

    /// The tokens that must follow; they are taken.
    pub fn take_forced(&mut self, most: usize) -> Result<Vec<LlamaToken>, GrammarError> {
        let mut forced = self.grammar.forced();
        forced.truncate(most.min(MOST_FORCED));
        for token in &forced {
            self.grammar.push(*token)?;
        }
        Ok(forced.into_iter().map(LlamaToken::new).collect())
    }

    /// Whether the value is whole and nothing can follow.
    pub fn is_whole(&self) -> bool {
        self.grammar.is_whole()
    }

    /// The likeliest allowed token.
    fn among_allowed(&mut self, sampler: &mut Sampler, logits: &[f32]) -> Result<Option<i32>, GrammarError> {
        let mask = self.mask()?;
        set_masked(&mut self.masked, logits, |token| mask.allows(token));
        Ok(sampler.propose(&self.masked))
    }

    /// The likeliest allowed token that ends the string or number in which the reply goes round in circles.
    fn way_out(&mut self, sampler: &mut Sampler, logits: &[f32]) -> Result<Option<i32>, GrammarError> {
        if self.grammar.way_out().is_none() {
            return Ok(None);
        }
        let mask = self.mask()?;
        let Some(leads_out) = self.grammar.way_out() else {
            return Ok(None);
        };
        set_masked(&mut self.masked, logits, |token| {
            mask.allows(token) && leads_out(token)
        });
        Ok(sampler.propose(&self.masked))
    }

    fn mask(&mut self) -> Result<TokenMask, GrammarError> {
        self.masks += 1;
        self.grammar.mask()
    }
}

/// The logits, but for those of tokens that may not come.
fn set_masked(masked: &mut Vec<f32>, logits: &[f32], allows: impl Fn(i32) -> bool) {
    masked.clear();
    let logits = logits.iter().zip(0..);
    masked.extend(logits.map(|(logit, token)| if allows(token) { *logit } else { f32::NEG_INFINITY }));
}
