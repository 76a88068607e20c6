//! From waiting to running: memory for a request, and its document found, restored or begun.
//!
//! Invariant: what is spoken for here covers all that the request may ever need.

use super::Scheduler;
use crate::disk::Found;
use crate::job::Job;
use crate::prompt::PromptPrefix;
use crate::running::{Phase, Running};
use crate::status::Counters;

/// Where a shared prefix is.
#[derive(Debug, PartialEq, Eq)]
enum Placed {
    /// In this slot, with so many tokens that need not be computed.
    In { slot: i32, cached: usize },
    /// Running requests hold the memory: wait.
    NoRoom,
    /// Every slot is needed now: go without.
    NoSequence,
}

impl Scheduler<'_> {
    pub(super) fn start_waiting(&mut self) {
        while !self.free_sequences.is_empty() {
            let Some(job) = self.waiting.pop_front() else {
                return;
            };
            if let Some(job) = self.start(job) {
                // The first waits for memory; none overtakes it.
                self.waiting.push_front(job);
                return;
            }
        }
    }

    /// Starts a request, or gives it back when there is no room now.
    fn start(&mut self, job: Job) -> Option<Job> {
        let own = job.prompt.rest.len() + job.output_reserve();
        let Some(prefix) = job.prompt.prefix.clone() else {
            return self.start_without_prefix(job, own);
        };
        match self.place_prefix(&prefix, own) {
            Placed::NoRoom => Some(job),
            Placed::NoSequence => self.start_without_prefix(job, own),
            Placed::In { slot, cached } => {
                self.start_with_prefix(job, own, slot, cached);
                None
            }
        }
    }

    fn start_without_prefix(&mut self, mut job: Job, own: usize) -> Option<Job> {
        let needed = own + job.prompt.prefix_len();
        if !self.make_room(needed, &[]) {
            return Some(job);
        }
        if let Some(prefix) = job.prompt.prefix.take() {
            job.prompt.rest.splice(0..0, prefix.tokens.iter().copied());
        }
        let sequence = self.free_sequences.pop()?;
        let extents = vec![self.budget.take(needed)];
        let running = Running::new(job, sequence, Phase::Prompt { next: 0 }, extents);
        running.tell_progress(0);
        self.running.push(running);
        None
    }

    fn start_with_prefix(&mut self, job: Job, own: usize, slot: i32, cached: usize) {
        let Some(sequence) = self.free_sequences.pop() else {
            self.waiting.push_front(job);
            return;
        };
        let mut extents = vec![self.budget.take(own)];
        let mut done = 0;
        if let Some(slot) = self.prefixes.slot(slot) {
            extents.extend(slot.extents.iter().cloned());
            done = slot.filled;
        }
        let mut running = Running::new(job, sequence, Phase::Prefix { slot }, extents);
        running.cached = cached;
        running.tell_progress(done);
        Counters::add(&self.state.counters.cached_tokens, cached);
        self.running.push(running);
        self.hand_out(slot);
    }

    /// Finds the document in memory or on disk, or makes a place in which it will be read.
    fn place_prefix(&mut self, prefix: &PromptPrefix, own: usize) -> Placed {
        if let Some(slot) = self.prefixes.find(prefix) {
            let (slot, cached) = (slot.sequence, slot.filled);
            if !self.make_room(own, &[slot]) {
                return Placed::NoRoom;
            }
            Counters::add(&self.state.counters.prefix_hits, 1);
            return Placed::In { slot, cached };
        }
        if !self.prefixes.has_free_sequence() && !self.evict(&[]) {
            return Placed::NoSequence;
        }
        let mut common = self.common_head(prefix);
        let kept: Vec<i32> = common.iter().map(|(slot, _)| *slot).collect();
        let length = prefix.tokens.len();
        // On disk it may be whole: then it takes all of its cells.
        if !self.make_room(own + length, &kept) {
            // The document with the same head may be what is in the way.
            common = None;
            if !self.make_room(own + length, &[]) {
                return Placed::NoRoom;
            }
        }
        let Some(slot) = self.prefixes.insert(prefix) else {
            return Placed::NoSequence;
        };
        let sequence = slot.sequence;
        let cached = if self.restore(prefix, sequence) {
            length
        } else {
            Counters::add(&self.state.counters.prefix_misses, 1);
            self.copy_common_head(sequence, common)
        };
        let fresh = if cached == length { length } else { length - cached };
        let extent = self.budget.take(fresh);
        if let Some(slot) = self.prefixes.slot_mut(sequence) {
            slot.filled = cached;
            slot.reused = cached;
            slot.extents.push(extent);
        }
        Placed::In {
            slot: sequence,
            cached,
        }
    }

    fn common_head(&self, prefix: &PromptPrefix) -> Option<(i32, usize)> {
        self.loaded
            .divisible
            .then(|| self.prefixes.longest_common(prefix))
            .flatten()
    }

    /// Copies the head that another document shares; gives its length.
    fn copy_common_head(&mut self, sequence: i32, common: Option<(i32, usize)>) -> usize {
        let Some((source, length)) = common else {
            return 0;
        };
        self.context
            .copy(source, sequence, i32::try_from(length).unwrap_or(i32::MAX));
        let shared = self.prefixes.slot(source).map(|slot| slot.extents.clone());
        if let (Some(slot), Some(shared)) = (self.prefixes.slot_mut(sequence), shared) {
            slot.extents.extend(shared);
        }
        length
    }

    /// Loads a saved document into a sequence. On any failure the sequence is empty afterwards.
    fn restore(&mut self, prefix: &PromptPrefix, sequence: i32) -> bool {
        let Some(disk) = &self.disk else {
            return false;
        };
        let key = disk.key(prefix);
        let path = match disk.find(key) {
            Found::Nothing => return false,
            Found::Damaged => {
                Counters::add(&self.state.counters.prefix_rejects, 1);
                return false;
            }
            Found::File(path) => path,
        };
        let restored = self.context.load(&path, sequence, prefix.tokens.len());
        let reason = match restored {
            Ok(tokens) if tokens[..] == prefix.tokens[..] => {
                Counters::add(&self.state.counters.prefix_restores, 1);
                if let Some(slot) = self.prefixes.slot_mut(sequence) {
                    slot.saved = true;
                }
                return true;
            }
            Ok(_) => "it holds other tokens".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(file = %path.display(), reason, "a saved document does not load; it is read again");
        Counters::add(&self.state.counters.prefix_rejects, 1);
        disk.forget(key);
        self.context.clear(sequence);
        false
    }

    /// Frees cells by forgetting documents, the least recently used first. False when running requests hold too many.
    fn make_room(&mut self, cells: usize, keep: &[i32]) -> bool {
        while self.budget.free() < cells {
            if !self.evict(keep) {
                return false;
            }
        }
        true
    }

    /// Forgets one document that nobody needs now.
    pub(super) fn evict(&mut self, keep: &[i32]) -> bool {
        let running = &self.running;
        let is_needed = |slot: i32| {
            keep.contains(&slot)
                || running
                    .iter()
                    .any(|running| running.phase == Phase::Prefix { slot })
        };
        let Some(sequence) = self.prefixes.evictable(is_needed) else {
            return false;
        };
        self.save(sequence);
        self.prefixes.remove(sequence);
        self.context.clear(sequence);
        true
    }
}
