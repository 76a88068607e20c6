//! Which tokens are computed next, and in which sequence of the context.
//!
//! Each step computes one batch: the next token of every running answer, and as much of the waiting prompts as fits
//! (little while answers run, so that a long document does not stall them; a whole batch otherwise). A shared prefix is
//! read once, in a sequence of its own, and copied to every request that wants it; a later request finds it in memory
//! or on disk.
//!
//! Invariant: requests start in the order in which they came; a request starts only when the cells that it may ever
//! need are free, so a running request never fails for want of memory. Callers that went away are noticed before every
//! batch. Called by `thread` only.
//!
//! `start`: from waiting to running; `compute`: one batch; `keep`: documents saved for the next run.

mod compute;
mod keep;
mod start;

use crate::config::{EngineConfig, KvType};
use crate::disk::DiskCache;
use crate::handle::EngineState;
use crate::job::Job;
use crate::loaded::{LoadError, LoadedModel};
use crate::native::{Batch, Context, ContextSettings};
use crate::pace::Pace;
use crate::prefix::{CellBudget, PrefixStore};
use crate::running::Running;
use crate::status::Counters;
use boxwood_core::{ChoiceScores, ModelError};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// Documents kept in memory at most, however short.
const PREFIX_SEQUENCES: u32 = 16;
/// Choices that are scored in one batch.
const SPARE_SEQUENCES: u32 = 8;

/// Work and memory of one loaded model.
pub(crate) struct Scheduler<'m> {
    state: &'m EngineState,
    loaded: &'m LoadedModel,
    context: Context<'m>,
    pace: Pace,
    batch: Batch,
    budget: CellBudget,
    prefixes: PrefixStore,
    disk: Option<DiskCache>,
    waiting: VecDeque<Job>,
    running: Vec<Running>,
    free_sequences: Vec<i32>,
    spare_sequences: Vec<i32>,
    /// A request ended since the last save: a good moment for the next one.
    may_save: bool,
}

/// How a request ended.
#[derive(Debug)]
enum Outcome {
    /// Its end was told already.
    Told,
    /// With the scores of its choices.
    Scores(ChoiceScores),
    /// Not as wanted.
    Failed(String),
}

impl<'m> Scheduler<'m> {
    /// Makes the context: takes the memory for `cache_tokens`.
    pub fn new(state: &'m EngineState, loaded: &'m LoadedModel) -> Result<Self, LoadError> {
        let config = &state.config;
        let context =
            Context::new(&loaded.model, &context_settings(config)).ok_or_else(|| LoadError::Library {
                reason: format!("no memory for a context of {} tokens", config.total_cells()),
            })?;
        let mut sequences = 0..;
        let mut take = |count: u32| -> Vec<i32> { sequences.by_ref().take(count as usize).collect() };
        Ok(Self {
            state,
            loaded,
            context,
            pace: Pace::new(config.thread_count()),
            batch: Batch::default(),
            budget: CellBudget::new(config.total_cells() as usize),
            free_sequences: take(config.max_sequences),
            prefixes: PrefixStore::new(take(PREFIX_SEQUENCES)),
            spare_sequences: take(SPARE_SEQUENCES),
            disk: keep::open(state, loaded),
            waiting: VecDeque::new(),
            running: Vec::new(),
            may_save: false,
        })
    }

    /// Takes a request.
    pub fn enqueue(&mut self, job: Job) {
        self.waiting.push_back(job);
    }

    /// Whether a step has anything to do.
    pub fn has_work(&self) -> bool {
        !self.waiting.is_empty() || !self.running.is_empty() || self.unsaved().is_some()
    }

    /// Ends everything with an error.
    pub fn fail_all(&mut self, error: impl Fn() -> ModelError) {
        for job in self.waiting.drain(..) {
            job.fail(error());
        }
        while let Some(running) = self.running.pop() {
            self.release(running).fail(error());
        }
    }

    /// Computes one batch.
    pub fn step(&mut self) {
        self.drop_cancelled();
        self.start_waiting();
        self.state
            .counters
            .running
            .store(self.running.len(), Ordering::Relaxed);
        self.compute();
        if self.may_save || self.running.is_empty() {
            self.save_one();
        }
    }

    fn drop_cancelled(&mut self) {
        let before = self.waiting.len();
        self.waiting.retain(|job| !job.is_cancelled());
        let mut cancelled = before - self.waiting.len();
        while let Some(index) = self.running.iter().position(|running| running.job.is_cancelled()) {
            let running = self.running.swap_remove(index);
            self.release(running);
            cancelled += 1;
        }
        Counters::add(&self.state.counters.cancellations, cancelled);
    }

    /// Frees what a request held and gives its job back.
    fn release(&mut self, running: Running) -> Job {
        self.context.clear(running.sequence);
        self.free_sequences.push(running.sequence);
        running.job
    }

    /// Ends a request and frees what it held.
    fn end(&mut self, sequence: i32, outcome: Outcome) {
        let Some(index) = self
            .running
            .iter()
            .position(|running| running.sequence == sequence)
        else {
            return;
        };
        let running = self.running.swap_remove(index);
        self.state.counters.observe_service(running.started.elapsed());
        Counters::add(&self.state.counters.masks, running.masks());
        let job = self.release(running);
        self.may_save = true;
        match outcome {
            Outcome::Told => {}
            Outcome::Scores(scores) => job.answer(scores),
            Outcome::Failed(message) => job.fail(ModelError::Failed {
                model: self.state.config.name.clone(),
                message,
            }),
        }
    }
}

fn context_settings(config: &EngineConfig) -> ContextSettings {
    ContextSettings {
        cells: config.total_cells(),
        batch_tokens: config.batch_tokens,
        sequences: config.max_sequences + PREFIX_SEQUENCES + SPARE_SEQUENCES,
        threads: config.thread_count(),
        compact_kv: config.kv_type == KvType::Q8_0,
        flash_attention: config.flash_attention,
        state_layer: config.state_layer,
    }
}
