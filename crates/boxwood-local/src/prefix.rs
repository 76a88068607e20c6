//! Which documents are kept in the context's memory, and how much of it is free.
//!
//! Invariant: pure bookkeeping (the scheduler moves the attention state itself). A document is found only in the
//! partition that read it. Cells are counted by extents that several sequences may share; an extent is given back when
//! the last of them lets go.

use crate::prompt::PromptPrefix;
use llama_cpp_2::token::LlamaToken;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewer shared tokens at the head of two documents are read again rather than copied.
const SHORTEST_COMMON: usize = 32;

/// The cells of the context.
#[derive(Debug)]
pub(crate) struct CellBudget {
    total: usize,
    used: Arc<AtomicUsize>,
}

/// Cells that are spoken for until the last owner drops this.
#[derive(Debug)]
pub(crate) struct Extent {
    cells: usize,
    used: Arc<AtomicUsize>,
}

impl CellBudget {
    pub fn new(total: usize) -> Self {
        Self {
            total,
            used: Arc::default(),
        }
    }

    pub fn free(&self) -> usize {
        self.total - self.used.load(Ordering::Relaxed)
    }

    /// Speaks for cells; the caller has made sure that they are free.
    pub fn take(&self, cells: usize) -> Arc<Extent> {
        debug_assert!(cells <= self.free(), "{cells} cells of {} free", self.free());
        self.used.fetch_add(cells, Ordering::Relaxed);
        Arc::new(Extent {
            cells,
            used: Arc::clone(&self.used),
        })
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        self.used.fetch_sub(self.cells, Ordering::Relaxed);
    }
}

/// A document in memory, completely or in part.
#[derive(Debug)]
pub(crate) struct PrefixSlot {
    /// The sequence that holds its state.
    pub sequence: i32,
    pub tokens: Arc<[LlamaToken]>,
    pub partition: String,
    /// Tokens whose state is there.
    pub filled: usize,
    /// Of these, tokens that came from another document or from disk.
    pub reused: usize,
    pub extents: Vec<Arc<Extent>>,
    /// Whether it is on disk, or not worth it.
    pub saved: bool,
    last_used: u64,
}

impl PrefixSlot {
    /// Whether all of its tokens were read.
    pub fn is_complete(&self) -> bool {
        self.filled == self.tokens.len()
    }

    /// Whether removing it would free memory: a running request may still hold all of it.
    fn frees_memory(&self) -> bool {
        self.extents.iter().any(|extent| Arc::strong_count(extent) == 1)
    }
}

/// All documents in memory.
#[derive(Debug)]
pub(crate) struct PrefixStore {
    slots: Vec<PrefixSlot>,
    free_sequences: Vec<i32>,
    clock: u64,
}

impl PrefixStore {
    /// A store over these sequences.
    pub fn new(sequences: impl IntoIterator<Item = i32>) -> Self {
        Self {
            slots: Vec::new(),
            free_sequences: sequences.into_iter().collect(),
            clock: 0,
        }
    }

    pub fn slots(&self) -> &[PrefixSlot] {
        &self.slots
    }

    pub fn has_free_sequence(&self) -> bool {
        !self.free_sequences.is_empty()
    }

    /// The slot of a sequence.
    pub fn slot_mut(&mut self, sequence: i32) -> Option<&mut PrefixSlot> {
        self.slots.iter_mut().find(|slot| slot.sequence == sequence)
    }

    /// The slot of a sequence.
    pub fn slot(&self, sequence: i32) -> Option<&PrefixSlot> {
        self.slots.iter().find(|slot| slot.sequence == sequence)
    }

    /// The slot that holds exactly this, marked as used now.
    pub fn find(&mut self, prefix: &PromptPrefix) -> Option<&mut PrefixSlot> {
        self.clock += 1;
        let clock = self.clock;
        let slot = self
            .slots
            .iter_mut()
            .find(|slot| slot.partition == prefix.partition && slot.tokens == prefix.tokens)?;
        slot.last_used = clock;
        Some(slot)
    }

    /// The slot of the same partition that begins with the most of the same tokens, and how many.
    pub fn longest_common(&self, prefix: &PromptPrefix) -> Option<(i32, usize)> {
        self.slots
            .iter()
            .filter(|slot| slot.partition == prefix.partition)
            .map(|slot| {
                let common = slot.tokens[..slot.filled]
                    .iter()
                    .zip(prefix.tokens.iter())
                    .take_while(|(left, right)| left == right)
                    .count();
                (slot.sequence, common)
            })
            .filter(|(_, common)| *common >= SHORTEST_COMMON)
            .max_by_key(|(_, common)| *common)
    }

    /// Makes an empty slot, or `None` when no sequence is free.
    pub fn insert(&mut self, prefix: &PromptPrefix) -> Option<&mut PrefixSlot> {
        let sequence = self.free_sequences.pop()?;
        self.clock += 1;
        self.slots.push(PrefixSlot {
            sequence,
            tokens: Arc::clone(&prefix.tokens),
            partition: prefix.partition.clone(),
            filled: 0,
            reused: 0,
            extents: Vec::new(),
            saved: false,
            last_used: self.clock,
        });
        self.slots.last_mut()
    }

    /// Forgets a slot; its sequence is free again.
    pub fn remove(&mut self, sequence: i32) {
        let before = self.slots.len();
        self.slots.retain(|slot| slot.sequence != sequence);
        if self.slots.len() < before {
            self.free_sequences.push(sequence);
        }
    }

    /// The least recently used slot that nobody needs now and whose removal helps.
    pub fn evictable(&self, is_needed: impl Fn(i32) -> bool) -> Option<i32> {
        self.slots
            .iter()
            .filter(|slot| !is_needed(slot.sequence) && slot.frees_memory())
            .min_by_key(|slot| slot.last_used)
            .map(|slot| slot.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(partition: &str, tokens: impl IntoIterator<Item = i32>) -> PromptPrefix {
        PromptPrefix {
            tokens: tokens.into_iter().map(LlamaToken::new).collect(),
            partition: partition.to_owned(),
        }
    }

    fn filled(store: &mut PrefixStore, budget: &CellBudget, prefix: &PromptPrefix) -> i32 {
        let slot = store.insert(prefix).unwrap();
        slot.filled = slot.tokens.len();
        slot.extents.push(budget.take(prefix.tokens.len()));
        slot.sequence
    }

    #[test]
    fn cells_come_back_when_the_last_owner_lets_go() {
        let budget = CellBudget::new(100);
        let extent = budget.take(60);
        let shared = Arc::clone(&extent);
        drop(extent);
        assert_eq!(budget.free(), 40);
        drop(shared);
        assert_eq!(budget.free(), 100);
    }

    #[test]
    fn a_document_is_found_in_its_own_partition_only() {
        let mut store = PrefixStore::new([4, 5]);
        let budget = CellBudget::new(1000);
        let sequence = filled(&mut store, &budget, &prefix("a", 0..50));
        assert_eq!(
            store.find(&prefix("a", 0..50)).map(|slot| slot.sequence),
            Some(sequence)
        );
        assert!(store.find(&prefix("b", 0..50)).is_none());
        assert!(store.find(&prefix("a", 0..49)).is_none());
        assert!(store.longest_common(&prefix("b", 0..50)).is_none());
    }

    #[test]
    fn the_longest_common_head_counts_only_what_was_read() {
        let mut store = PrefixStore::new([4, 5, 6]);
        let budget = CellBudget::new(1000);
        filled(&mut store, &budget, &prefix("a", (0..40).chain(90..99)));
        let long = filled(&mut store, &budget, &prefix("a", 0..80));
        assert_eq!(store.longest_common(&prefix("a", 0..70)), Some((long, 70)));
        store.slot_mut(long).unwrap().filled = 33;
        assert_eq!(
            store
                .longest_common(&prefix("a", 0..70))
                .map(|(_, common)| common),
            Some(40)
        );
        assert_eq!(
            store.longest_common(&prefix("a", 0..20)),
            None,
            "too short to be worth it"
        );
    }

    #[test]
    fn the_least_recently_used_goes_first_unless_it_is_needed_or_frees_nothing() {
        let mut store = PrefixStore::new([4, 5, 6]);
        let budget = CellBudget::new(1000);
        let old = filled(&mut store, &budget, &prefix("a", 0..40));
        let young = filled(&mut store, &budget, &prefix("a", 100..140));
        assert_eq!(store.evictable(|_| false), Some(old));
        assert_eq!(store.evictable(|sequence| sequence == old), Some(young));
        assert!(store.find(&prefix("a", 0..40)).is_some());
        assert_eq!(
            store.evictable(|_| false),
            Some(young),
            "the old one was used again"
        );
        let held = store.slot(young).unwrap().extents.clone();
        assert_eq!(
            store.evictable(|_| false),
            Some(old),
            "a running request holds the other"
        );
        drop(held);
        store.remove(young);
        assert!(store.has_free_sequence());
        assert!(store.slot(young).is_none());
    }
}
