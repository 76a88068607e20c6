//! Byte-pair merging: how many tokens a piece has that is none itself.
//!
//! Invariant: always the pair of the lowest rank is merged, the leftmost of equal ones, as `tiktoken` does. A merger never
//! makes a pair of a lower rank possible (the vocabulary was trained in this order), so all pairs of the lowest rank are
//! merged in one pass. Long pieces keep a heap, so that no text takes quadratic time. Called by [`super::count`].

use super::{NONE, Vocabulary};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Pieces longer than this keep a heap.
const LONG: usize = 1_024;

/// Pieces up to this length are remembered.
const SHORT: usize = 64;
/// How many are; a power of two.
const REMEMBERED: usize = 4_096;

/// Memory for merging, used again for each piece of a text.
pub(super) struct Merger {
    /// Hashes of pieces with their counts: names and terms come again in a text.
    seen: Vec<(u64, u32)>,
    /// Where each part begins; one more than there are parts.
    starts: Vec<u32>,
    /// The rank of each part's merger with the next one.
    ranks: Vec<u32>,
    /// Parts that a pass has merged.
    merged: Vec<usize>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl Default for Merger {
    fn default() -> Self {
        Self {
            seen: vec![(0, 0); REMEMBERED],
            starts: Vec::new(),
            ranks: Vec::new(),
            merged: Vec::new(),
            heap: BinaryHeap::new(),
            next: Vec::new(),
            previous: Vec::new(),
        }
    }
}

impl Merger {
    /// How many tokens the piece has; `hash` is that of its bytes.
    pub(super) fn count(&mut self, vocabulary: &Vocabulary, piece: &str, hash: u64) -> usize {
        if piece.len() > LONG {
            return self.count_long(vocabulary, piece.as_bytes());
        }
        if piece.len() > SHORT {
            return self.count_short(vocabulary, piece);
        }
        let place = (hash as usize) % REMEMBERED;
        let (known, count) = self.seen[place];
        if known == hash {
            return count as usize;
        }
        let count = self.count_short(vocabulary, piece);
        self.seen[place] = (hash, count as u32);
        count
    }

    /// The counts of the two ways of merging.
    #[cfg(test)]
    pub(super) fn both_ways(&mut self, vocabulary: &Vocabulary, piece: &str) -> (usize, usize) {
        (
            self.count_short(vocabulary, piece),
            self.count_long(vocabulary, piece.as_bytes()),
        )
    }

    /// Two characters that are parts from the beginning and stand beside each other in no token are never joined, so the
    /// piece is counted in stretches between such places: in texts of East Asia they are a few characters long.
    fn count_short(&mut self, vocabulary: &Vocabulary, piece: &str) -> usize {
        self.starts.clear();
        let mut count = 0;
        let mut before: Option<char> = None;
        let mut before_ascii = false;
        let mut characters = piece.char_indices().peekable();
        while let Some((start, character)) = characters.next() {
            let after_ascii = characters.peek().is_some_and(|(_, next)| next.is_ascii());
            let is_whole = !before_ascii && !after_ascii && vocabulary.is_whole(character);
            let whole = is_whole.then_some(character);
            if let (Some(first), Some(second)) = (before, whole)
                && !vocabulary.may_join(first, second)
            {
                count += self.count_stretch(vocabulary, piece.as_bytes(), start);
            }
            let parts = if is_whole { 1 } else { character.len_utf8() };
            self.starts
                .extend((start..start + parts).map(|start| start as u32));
            before_ascii = character.is_ascii();
            before = whole;
        }
        count + self.count_stretch(vocabulary, piece.as_bytes(), piece.len())
    }

    /// The tokens of the parts that begin at `starts` and end at `end`; then there are none.
    fn count_stretch(&mut self, vocabulary: &Vocabulary, piece: &[u8], end: usize) -> usize {
        let parts = self.starts.len();
        if parts <= 1 {
            self.starts.clear();
            return parts;
        }
        self.starts.push(end as u32);
        self.ranks.clear();
        let pairs = self.starts.windows(3);
        self.ranks
            .extend(pairs.map(|parts| vocabulary.rank(&piece[parts[0] as usize..parts[2] as usize])));
        self.ranks.push(NONE);
        loop {
            let lowest = self.ranks.iter().copied().min().unwrap_or(NONE);
            if lowest == NONE {
                self.starts.clear();
                return self.ranks.len();
            }
            self.merge_all(lowest);
            for index in 0..self.merged.len() {
                let at = self.merged[index];
                if at > 0 {
                    self.ranks[at - 1] = self.rank_at(vocabulary, piece, at - 1);
                }
                self.ranks[at] = self.rank_at(vocabulary, piece, at);
            }
        }
    }

    /// Merges every pair of this rank, from the left.
    fn merge_all(&mut self, lowest: u32) {
        let (starts, ranks) = (&mut self.starts, &mut self.ranks);
        self.merged.clear();
        let first = ranks.iter().position(|rank| *rank == lowest).unwrap_or(0);
        let (mut from, mut to) = (first, first);
        while from < ranks.len() {
            starts[to] = starts[from];
            ranks[to] = ranks[from];
            if ranks[from] == lowest {
                self.merged.push(to);
                from += 1;
            }
            from += 1;
            to += 1;
        }
        starts[to] = starts[ranks.len()];
        starts.truncate(to + 1);
        ranks.truncate(to);
    }

    /// The rank of the merger of a part with the next one.
    fn rank_at(&self, vocabulary: &Vocabulary, piece: &[u8], at: usize) -> u32 {
        match self.starts.get(at + 2) {
            Some(end) => vocabulary.rank(&piece[self.starts[at] as usize..*end as usize]),
            None => NONE,
        }
    }

    fn count_long(&mut self, vocabulary: &Vocabulary, piece: &[u8]) -> usize {
        let length = piece.len();
        let end = length as u32;
        self.next.clear();
        self.next.extend(1..=end);
        self.previous.clear();
        self.previous.extend((0..end).map(|index| index.wrapping_sub(1)));
        self.ranks.clear();
        self.ranks.resize(length, NONE);
        self.heap.clear();
        for (index, pair) in piece.windows(2).enumerate() {
            let rank = vocabulary.rank_of_pair(pair[0], pair[1]);
            self.ranks[index] = rank;
            if rank != NONE {
                self.heap.push(Reverse((rank, index as u32)));
            }
        }
        let mut parts = length;
        while let Some(Reverse((rank, at))) = self.heap.pop() {
            let at = at as usize;
            // A part that has changed or is gone since has another rank.
            if self.ranks[at] != rank {
                continue;
            }
            let taken = self.next[at] as usize;
            let after = self.next[taken];
            self.next[at] = after;
            self.ranks[taken] = NONE;
            if after < end {
                self.previous[after as usize] = at as u32;
            }
            parts -= 1;
            self.rank_again(vocabulary, piece, at);
            if at > 0 {
                self.rank_again(vocabulary, piece, self.previous[at] as usize);
            }
        }
        parts
    }

    /// Looks up the merger of the part at `at` with the next one.
    fn rank_again(&mut self, vocabulary: &Vocabulary, piece: &[u8], at: usize) {
        let next = self.next[at] as usize;
        let rank = match self.next.get(next) {
            Some(end) => vocabulary.rank(&piece[at..*end as usize]),
            None => NONE,
        };
        self.ranks[at] = rank;
        if rank != NONE {
            self.heap.push(Reverse((rank, at as u32)));
        }
    }
}
