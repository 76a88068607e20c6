//! Counts tokens as OpenAI's models do, from o4-mini to gpt-oss: the vocabulary o200k_base, exactly.
//!
//! The vocabulary is OpenAI's own file (`data/o200k_base.tiktoken.gz`; its sum is checked in the tests against the one
//! that `tiktoken` demands). Text is cut into pieces by [`split`], a piece that is a token counts one, another is merged
//! pair by pair in the order of the vocabulary. Checked against `tiktoken` itself (`scripts/bench/tokens.py`).
//!
//! Invariants: nothing is downloaded; the time is near-linear in the text, whatever it holds; the tables are made once, at
//! the first count (a tenth of a second), and need about 6 MB. Called by [`crate::tokens`].

mod merge;
mod split;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use std::collections::HashMap;
use std::io::Read;
use std::sync::LazyLock;

/// The vocabulary as OpenAI publishes it, packed.
const PACKED: &[u8] = include_bytes!("../../data/o200k_base.tiktoken.gz");
/// Tokens of the vocabulary, without the special ones.
const TOKENS: usize = 199_998;
/// Slots of the tables, as powers of two, so that more than half stay free.
const SLOT_BITS: u32 = 19;
const EAST_BITS: u32 = 15;
/// Tokens that begin with this byte or a later one have a table of their own: nearly all of them are of East Asia. There
/// are 10,000, and texts that hold them look up little else, so that their table stays in the processor's near cache.
const EAST: u8 = 0xe2;
/// No token.
const NONE: u32 = u32::MAX;

/// The vocabulary as tables from bytes to ranks.
struct Vocabulary {
    /// Tokens that begin before [`EAST`].
    common: Table,
    /// The others.
    east: Table,
    /// Ranks of the tokens of two bytes.
    pairs: Vec<u32>,
    /// Whether a character of the basic plane, between others that are no ASCII, is always merged into one token before it
    /// can be merged with a neighbour.
    whole: Vec<bool>,
    /// Which characters may join.
    neighbours: Neighbours,
    count: usize,
}

/// Tokens by the hash of their bytes.
///
/// A slot holds the upper bits of the hash of a token's bytes and, in the lower [`RANK_BITS`], its rank; the bytes
/// themselves are not kept, because looking at them would cost two more cache misses. Bytes that are no token are taken
/// for one with a probability of 2⁻⁴⁶ a lookup.
struct Table {
    /// Open addressing; [`FREE`] where there is none.
    slots: Vec<u64>,
    /// How far a hash is shifted to its first slot.
    shift: u32,
}

/// Bits of a slot that hold the rank.
const RANK_BITS: u32 = 18;
const RANK: u64 = (1 << RANK_BITS) - 1;
/// Spreads bits over a word.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// A slot without a token.
const FREE: u64 = u64::MAX;

static VOCABULARY: LazyLock<Option<Vocabulary>> = LazyLock::new(|| {
    let vocabulary = Vocabulary::unpack(PACKED);
    if vocabulary.is_none() {
        tracing::error!("the embedded vocabulary o200k_base can't be read; tokens are estimated");
    }
    vocabulary
});

/// How many tokens the text has; `None` only where the embedded vocabulary were damaged.
pub fn count(text: &str) -> Option<u32> {
    let vocabulary = VOCABULARY.as_ref()?;
    let mut merger = merge::Merger::default();
    let mut count: usize = 0;
    for piece in split::pieces(text) {
        let hash = hash(piece.as_bytes());
        count += match vocabulary.find(piece.as_bytes(), hash) {
            NONE => merger.count(vocabulary, piece, hash),
            _ => 1,
        };
    }
    Some(u32::try_from(count).unwrap_or(u32::MAX))
}

impl Vocabulary {
    /// Lines of a token in base64 and its rank, in the order of ranks.
    fn unpack(packed: &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut text).ok()?;
        let mut vocabulary = Self {
            common: Table::new(SLOT_BITS),
            east: Table::new(EAST_BITS),
            pairs: vec![NONE; 1 << 16],
            whole: vec![false; 1 << 16],
            neighbours: Neighbours::new(),
            count: 0,
        };
        let mut torn = Torn::default();
        let mut token = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let end = line.iter().position(|byte| *byte == b' ')?;
            token.clear();
            STANDARD.decode_vec(&line[..end], &mut token).ok()?;
            torn.note(&token, vocabulary.add(&token)?);
        }
        vocabulary.find_whole(&torn);
        (vocabulary.count == TOKENS).then_some(vocabulary)
    }

    fn add(&mut self, token: &[u8]) -> Option<u32> {
        let rank = u32::try_from(self.count).ok()?;
        self.count += 1;
        if let [first, second] = token {
            self.pairs[pair(*first, *second)] = rank;
        }
        self.neighbours.note(token);
        let table = match token.first() {
            Some(first) if *first >= EAST => &mut self.east,
            _ => &mut self.common,
        };
        table.add(hash(token), rank);
        Some(rank)
    }

    /// A character's bytes are merged in the order of ranks, so it becomes one token if no token that tears it apart has a
    /// lower rank.
    fn find_whole(&mut self, torn: &Torn) {
        let mut buffer = [0; 4];
        for character in ('\u{80}'..='\u{ffff}').filter(|character| character.len_utf8() > 1) {
            let bytes: &[u8] = character.encode_utf8(&mut buffer).as_bytes();
            let rank = self.rank(bytes);
            self.whole[character as usize] = rank < torn.lowest(bytes);
        }
    }

    /// Whether the character is a part from the beginning, where no ASCII stands beside it.
    fn is_whole(&self, character: char) -> bool {
        self.whole.get(character as usize).copied().unwrap_or(false)
    }

    /// Whether two characters that stand beside each other as wholes can ever be parts of one token.
    fn may_join(&self, first: char, second: char) -> bool {
        self.neighbours.may_hold(first, second)
    }

    /// The rank of a token, or [`NONE`].
    fn rank(&self, bytes: &[u8]) -> u32 {
        if let [first, second] = bytes {
            return self.rank_of_pair(*first, *second);
        }
        self.find(bytes, hash(bytes))
    }

    /// The rank of the token of these bytes, whose hash is given, or [`NONE`].
    fn find(&self, bytes: &[u8], hash: u64) -> u32 {
        match bytes.first() {
            Some(first) if *first >= EAST => self.east.find(hash),
            _ => self.common.find(hash),
        }
    }

    /// The rank of a token of two bytes, or [`NONE`].
    fn rank_of_pair(&self, first: u8, second: u8) -> u32 {
        self.pairs[pair(first, second)]
    }
}

impl Table {
    fn new(bits: u32) -> Self {
        Self {
            slots: vec![FREE; 1 << bits],
            shift: u64::BITS - bits,
        }
    }

    fn add(&mut self, hash: u64, rank: u32) {
        let last = self.slots.len() - 1;
        let mut slot = (hash >> self.shift) as usize;
        while self.slots[slot] != FREE {
            slot = (slot + 1) & last;
        }
        self.slots[slot] = (hash & !RANK) | u64::from(rank);
    }

    /// The rank of the token with this hash, or [`NONE`].
    fn find(&self, hash: u64) -> u32 {
        let last = self.slots.len() - 1;
        let mut slot = (hash >> self.shift) as usize;
        loop {
            let found = self.slots[slot];
            if found == FREE {
                return NONE;
            }
            if (found ^ hash) & !RANK == 0 {
                // Within 18 bits.
                return (found & RANK) as u32;
            }
            slot = (slot + 1) & last;
        }
    }
}

/// Bits of [`Neighbours`], as a power of two.
const NEIGHBOUR_BITS: u32 = 18;

/// Which characters that are no ASCII stand beside each other in some token: a bit for the hash of each pair. A pair that
/// stands in none may share its bit with one that does; a pair that does always has it.
struct Neighbours(Vec<u64>);

impl Neighbours {
    fn new() -> Self {
        Self(vec![0; 1 << (NEIGHBOUR_BITS - 6)])
    }

    fn note(&mut self, token: &[u8]) {
        for chunk in token.utf8_chunks() {
            let mut before: Option<char> = None;
            for character in chunk.valid().chars() {
                let wide = (!character.is_ascii()).then_some(character);
                if let (Some(first), Some(second)) = (before, wide) {
                    let bit = Self::bit(first, second);
                    self.0[bit / 64] |= 1 << (bit % 64);
                }
                before = wide;
            }
        }
    }

    fn may_hold(&self, first: char, second: char) -> bool {
        let bit = Self::bit(first, second);
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn bit(first: char, second: char) -> usize {
        let pair = u64::from(u32::from(first)) << 32 | u64::from(u32::from(second));
        (pair.wrapping_mul(FACTOR) >> (64 - NEIGHBOUR_BITS)) as usize
    }
}

/// Tokens that hold a part of a character beside a part of another one that is no ASCII, by the first part.
#[derive(Default)]
struct Torn(HashMap<Vec<u8>, u32>);

impl Torn {
    fn note(&mut self, token: &[u8], rank: u32) {
        let is_inner = |byte: &u8| byte & 0xc0 == 0x80;
        // The end of a character at the beginning of the token, the beginning of one at its end.
        let begin = token.iter().take_while(|byte| is_inner(byte)).count();
        let last = token.iter().rposition(|byte| !is_inner(byte)).unwrap_or(0);
        let end_is_whole = std::str::from_utf8(&token[last..]).is_ok();
        if begin > 0 && token.get(begin).is_some_and(|next| !next.is_ascii()) {
            self.0.entry(token[..begin].to_vec()).or_insert(rank);
        }
        if last > 0 && !end_is_whole && !token[last - 1].is_ascii() {
            self.0.entry(token[last..].to_vec()).or_insert(rank);
        }
    }

    /// The lowest rank of a token that tears this character apart.
    fn lowest(&self, character: &[u8]) -> u32 {
        let parts = (1..character.len()).flat_map(|at| [&character[..at], &character[at..]]);
        parts
            .filter_map(|part| self.0.get(part).copied())
            .min()
            .unwrap_or(NONE)
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// Eight bytes at a time, multiplied into one word, whose halves are folded together at the end.
fn hash(bytes: &[u8]) -> u64 {
    let mut state = (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = (state.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    }
    state = (state.rotate_left(29) ^ word_of(rest)).wrapping_mul(FACTOR);
    (state ^ state >> 32).wrapping_mul(FACTOR)
}

/// Up to seven bytes as a word, which no others of the same length have: the first four beside the last four.
fn word_of(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(last) << 32 | u64::from(first);
    }
    bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
