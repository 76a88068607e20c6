//! A reply held to a JSON Schema, token by token.
//!
//! Built on `llguidance`, directly and not through llama.cpp's sampler, which goes on without a mask when its grammar
//! fails. Invariant: no token leaves that the grammar forbids, and an error of the grammar is an error of the request.
//! The table of the vocabulary is built once per model, in the background; a grammar belongs to one reply.
//!
//! * [`GrammarTable`]: the vocabulary as the grammars need it, and schemas compiled against it
//! * [`Grammar`]: where one reply stands in its schema
//! * `schema`: a schema as the compiler takes it; `circles`: a model that repeats itself; `closing`: a value whose room
//!   runs out
//!
//! Used by `handle` (compiles) and `constrained` (chooses tokens), by tests and by `examples/schema_*.rs`.

mod circles;
mod closing;
mod place;
mod schema;

use circles::{Circles, WayOut};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llguidance::api::{StopReason, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Why a schema can't be kept to, or a reply can't go on.
#[derive(Debug, thiserror::Error)]
pub enum GrammarError {
    /// The table can't be built; no schema works with this model.
    #[error("the model's vocabulary can't be held to a schema: {0}")]
    Table(String),
    /// This schema can't be enforced.
    #[error("{0}")]
    Schema(String),
    /// The grammar failed while the reply was written.
    #[error("the schema can't be followed any further: {0}")]
    Failed(String),
}

/// A model's vocabulary, ready for grammars. Cheap to share; compiling needs no lock.
pub struct GrammarTable {
    factory: ParserFactory,
    vocabulary: Arc<Vocabulary>,
}

impl std::fmt::Debug for GrammarTable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("GrammarTable").finish_non_exhaustive()
    }
}

impl GrammarTable {
    /// Builds the table. Takes part of a second.
    pub(crate) fn new(model: Arc<LlamaModel>) -> Result<Self, GrammarError> {
        let vocabulary = Arc::new(Vocabulary::new(model)?);
        let environment: TokEnv = Arc::<Vocabulary>::clone(&vocabulary);
        let capabilities = InferenceCapabilities {
            ff_tokens: true,
            ..InferenceCapabilities::default()
        };
        let mut factory = ParserFactory::new(&environment, capabilities, &SlicedBiasComputer::json_slices())
            .map_err(|error| GrammarError::Table(error.to_string()))?;
        factory.quiet();
        // A message must not hold what the reply says.
        factory.limits_mut().verbose_errors = false;
        Ok(Self { factory, vocabulary })
    }

    /// The table of a model file, of which only the vocabulary is read.
    ///
    /// # Errors
    /// When the file is no model.
    pub fn of_file(path: &Path) -> Result<Self, GrammarError> {
        let table = |words: String| GrammarError::Table(words);
        let backend = crate::loaded::backend().map_err(|error| table(error.to_string()))?;
        let params = LlamaModelParams::default().with_vocab_only(true);
        let model = LlamaModel::load_from_file(backend, path, &params);
        Self::new(Arc::new(model.map_err(|error| table(error.to_string()))?))
    }

    /// A reply that keeps to this schema, at its beginning.
    ///
    /// # Errors
    /// [`GrammarError::Schema`] with what is in the way: a keyword that can't be enforced, a schema that no value
    /// satisfies, one that is too large.
    pub fn compile(&self, schema: &Value) -> Result<Grammar, GrammarError> {
        let refused = |words: String| GrammarError::Schema(words);
        let grammar = TopLevelGrammar::from_json_schema(schema::prepared(schema).map_err(refused)?);
        let parser = self
            .factory
            .create_parser(grammar)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Grammar {
            matcher: Matcher::new(Ok(parser)),
            circles: Circles::new(),
            vocabulary: Arc::clone(&self.vocabulary),
        })
    }

    /// The bytes of a token; none for control tokens and for numbers that are no token.
    pub fn bytes(&self, token: i32) -> &[u8] {
        let known = u32::try_from(token).ok();
        known
            .filter(|token| (*token as usize) < self.vocabulary.trie.vocab_size())
            .map_or(&[], |token| self.vocabulary.trie.token(token))
    }

    /// The tokens of a text, as the model itself would write them.
    pub fn tokens(&self, text: &str) -> Vec<i32> {
        let tokens = self.vocabulary.tokenize_bytes(text.as_bytes());
        tokens.into_iter().map(signed).collect()
    }
}

/// The tokens' bytes, and the model's own way of cutting text into them.
struct Vocabulary {
    trie: TokTrie,
    model: Arc<LlamaModel>,
}

impl Vocabulary {
    fn new(model: Arc<LlamaModel>) -> Result<Self, GrammarError> {
        let words = words(&model);
        let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
        let end = u32::try_from(model.vocab().eos().0)
            .ok()
            .filter(|end| *end < count);
        let end = end.ok_or_else(|| GrammarError::Table("it has no token that ends a reply".to_owned()))?;
        let trie = TokTrie::from(&TokRxInfo::new(count, end), &words);
        Ok(Self { trie, model })
    }
}

/// The bytes of every token. Control tokens have none, so that no text of a reply can be one.
fn words(model: &LlamaModel) -> Vec<Vec<u8>> {
    let vocabulary = model.vocab();
    let word = |token: i32| {
        let token = LlamaToken::new(token);
        let mut bytes = Vec::new();
        if !vocabulary.is_control(token) && !vocabulary.is_eog(token) {
            vocabulary.token_to_piece_into(token, &mut bytes, false, None);
        }
        bytes
    };
    (0..model.n_vocab()).map(word).collect()
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    /// Some tokenizers change the text (a blank in front) and all of them want whole characters: what does not come back
    /// as it was is cut greedily, which is as valid, if less usual for the model.
    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        if std::str::from_utf8(bytes).is_ok() {
            let tokens = self.model.vocab().tokenize(bytes, false, false);
            let tokens: Vec<u32> = tokens
                .iter()
                .filter_map(|token| u32::try_from(token.0).ok())
                .collect();
            if self.trie.decode_raw(&tokens) == bytes {
                return tokens;
            }
        }
        self.trie.greedy_tokenize(bytes)
    }

    fn tokenize_is_canonical(&self) -> bool {
        true
    }
}

fn signed(token: u32) -> i32 {
    i32::try_from(token).unwrap_or(-1)
}

/// The tokens that may come next.
#[derive(Debug)]
pub struct TokenMask(SimpleVob);

impl TokenMask {
    /// Whether this token may come next.
    pub fn allows(&self, token: i32) -> bool {
        u32::try_from(token).is_ok_and(|token| (token as usize) < self.0.len() && self.0.is_allowed(token))
    }

    /// All tokens that may come next.
    pub fn tokens(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().map(signed)
    }
}

/// Where one reply stands in its schema.
pub struct Grammar {
    matcher: Matcher,
    circles: Circles,
    vocabulary: Arc<Vocabulary>,
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Grammar").finish_non_exhaustive()
    }
}

impl Grammar {
    /// Whether this token may come next. Much cheaper than a mask, and wider in one case: characters that are forced may
    /// come in other tokens than the model's usual ones.
    ///
    /// # Errors
    /// [`GrammarError::Failed`], here and below: the grammar became too large to follow.
    pub fn accepts(&mut self, token: i32) -> Result<bool, GrammarError> {
        let known = u32::try_from(token).ok();
        let Some(token) = known.filter(|token| (*token as usize) < self.vocabulary.trie.vocab_size()) else {
            return Ok(false);
        };
        let accepted = self.matcher.validate_tokens(&[token]).map_err(failed)?;
        Ok(accepted == 1)
    }

    /// All tokens that may come next.
    ///
    /// # Errors
    /// [`GrammarError::Failed`].
    pub fn mask(&mut self) -> Result<TokenMask, GrammarError> {
        self.matcher.compute_mask().map(TokenMask).map_err(failed)
    }

    /// Whether the value may end here.
    ///
    /// # Errors
    /// [`GrammarError::Failed`].
    pub fn may_end(&mut self) -> Result<bool, GrammarError> {
        self.matcher.is_accepting().map_err(failed)
    }

    /// Whether the value is whole and nothing can follow.
    pub fn is_whole(&self) -> bool {
        self.matcher.is_stopped()
            && matches!(
                self.matcher.stop_reason(),
                StopReason::NoExtension | StopReason::EndOfSentence
            )
    }

    /// Takes a token that was chosen.
    ///
    /// # Errors
    /// [`GrammarError::Failed`], also for a token that may not come here.
    pub fn push(&mut self, token: i32) -> Result<(), GrammarError> {
        let id = u32::try_from(token).map_err(|_| GrammarError::Failed(format!("{token} is no token")))?;
        self.matcher.consume_token(id).map_err(failed)?;
        self.circles.push(self.vocabulary.trie.token(id));
        Ok(())
    }

    /// The tokens that must come next, because the schema leaves no choice; often none.
    pub fn forced(&mut self) -> Vec<i32> {
        if self.matcher.is_stopped() {
            return Vec::new();
        }
        self.matcher.compute_ff_tokens().into_iter().map(signed).collect()
    }

    /// Whether the value is to be brought to its end, with so many tokens left of its limit.
    pub(crate) fn is_to_close(&self, left: usize, limit: usize) -> bool {
        closing::begins(&self.circles.scanner, left, limit)
    }

    /// The allowed tokens that lead to the value's end the soonest, in ascending order.
    ///
    /// # Errors
    /// [`GrammarError::Failed`].
    pub(crate) fn closing(&mut self) -> Result<Vec<i32>, GrammarError> {
        let mask = self.mask()?;
        let rank = |token: i32| {
            let bytes = u32::try_from(token).map_or(&[][..], |token| self.vocabulary.trie.token(token));
            closing::rank(&self.circles.scanner, bytes)
        };
        let ranked: Vec<(closing::Rank, i32)> = mask.tokens().map(|token| (rank(token), token)).collect();
        let best = ranked.iter().map(|(rank, _)| *rank).min();
        let nearest = ranked.into_iter().filter(|(rank, _)| Some(*rank) == best);
        let nearest: Vec<i32> = nearest.map(|(_, token)| token).collect();
        if best == Some(closing::IN_TEXT) {
            let last = self.last_of_text(&nearest)?;
            if !last.is_empty() {
                return Ok(last);
            }
        }
        Ok(nearest)
    }

    /// Those of some tokens, of one byte, after which the string may end: what a pattern still demands.
    fn last_of_text(&mut self, tokens: &[i32]) -> Result<Vec<i32>, GrammarError> {
        let Some(quote) = self.vocabulary.trie.token_id(b"\"") else {
            return Ok(Vec::new());
        };
        let mut last = Vec::new();
        for token in tokens {
            let Ok(id) = u32::try_from(*token) else {
                continue;
            };
            // A mark after a backslash ends nothing.
            let is_single = matches!(self.vocabulary.trie.token(id), [byte] if *byte != b'\\');
            if is_single && self.matcher.validate_tokens(&[id, quote]).map_err(failed)? == 2 {
                last.push(*token);
            }
        }
        Ok(last)
    }

    /// What would lead out of a circle, when the reply goes round in one.
    pub(crate) fn way_out(&self) -> Option<impl Fn(i32) -> bool> {
        let way_out: WayOut = self.circles.way_out()?;
        Some(move |token: i32| {
            u32::try_from(token).is_ok_and(|token| way_out.begins(self.vocabulary.trie.token(token)))
        })
    }
}

/// The library's words may hold what the reply says, which no message may: only their kind is told.
fn failed(error: impl std::fmt::Display) -> GrammarError {
    let words = error.to_string();
    let is_limit = ["complex", "fuel", "limit", "too many"]
        .iter()
        .any(|word| words.contains(word));
    GrammarError::Failed(if is_limit {
        "it became too complex; ask for less at once".to_owned()
    } else {
        "its grammar lost its place".to_owned()
    })
}
