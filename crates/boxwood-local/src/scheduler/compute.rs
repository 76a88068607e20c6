//! One batch: which tokens, and what follows from their outputs.
//!
//! Invariant: a batch never holds more than `batch_tokens`; outputs are read before the next batch replaces them.

use super::{Outcome, Scheduler};
use crate::choices::{self, FirstScores, Place};
use crate::job::Task;
use crate::native::{Batch, DecodeError, Wanted};
use crate::running::{Phase, Progress, Running};
use crate::status::Counters;

/// What a part of a batch is for.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Tokens of a shared prefix.
    Prefix { slot: i32, count: usize },
    /// Tokens of a request's own prompt; `output` is the last one's index, where the prompt ends.
    Prompt {
        sequence: i32,
        count: usize,
        output: Option<i32>,
    },
    /// The pending tokens of an answer, mostly one; `output` is the first one's index.
    Answer {
        sequence: i32,
        count: usize,
        output: i32,
    },
}

/// A request that is over.
type Ended = (i32, Outcome);

impl Scheduler<'_> {
    /// Computes one batch, if there is anything to compute.
    pub(super) fn compute(&mut self) {
        let parts = self.plan();
        if parts.is_empty() {
            return;
        }
        match self.decode() {
            Ok(()) => self.apply(&parts),
            Err(error) => self.fail_batch(&parts, &error),
        }
    }

    /// Fills the batch.
    fn plan(&mut self) -> Vec<Part> {
        self.batch.clear();
        let mut parts = Vec::new();
        let config = &self.state.config;
        let batch_tokens = config.batch_tokens as usize;
        let share = batch_tokens / config.max_sequences as usize;
        for running in &self.running {
            if running.phase == Phase::Answer {
                parts.push(plan_answer(&mut self.batch, running, share));
            }
        }
        let mut room = batch_tokens.saturating_sub(usize::try_from(self.batch.len()).unwrap_or(batch_tokens));
        if !parts.is_empty() {
            room = room.min(config.shared_batch_tokens as usize);
        }
        for index in 0..self.running.len() {
            if room == 0 {
                break;
            }
            let part = match self.running[index].phase {
                Phase::Answer => None,
                Phase::Prefix { slot } => self.plan_prefix(slot, room, &parts),
                Phase::Prompt { next } => plan_prompt(&mut self.batch, &self.running[index], next, room),
            };
            if let Some((part, count)) = part {
                room -= count;
                parts.push(part);
            }
        }
        parts
    }

    /// Adds tokens of a shared prefix, unless they are in the batch already for another request.
    fn plan_prefix(&mut self, slot: i32, room: usize, parts: &[Part]) -> Option<(Part, usize)> {
        let is_planned = |part: &Part| matches!(part, Part::Prefix { slot: planned, .. } if *planned == slot);
        if parts.iter().any(is_planned) {
            return None;
        }
        let slot = self.prefixes.slot(slot)?;
        let end = slot.tokens.len().min(slot.filled + room);
        for position in slot.filled..end {
            self.batch
                .add(slot.tokens[position], position, slot.sequence, Wanted::Nothing);
        }
        let count = end - slot.filled;
        let slot = slot.sequence;
        Some((Part::Prefix { slot, count }, count))
    }

    fn decode(&mut self) -> Result<(), DecodeError> {
        self.context.set_threads(self.pace.threads());
        let decoded = self.pace.measure(|| self.context.decode(&mut self.batch));
        if decoded != Err(DecodeError::NoRoom) {
            return decoded;
        }
        // Our count says that there is room: forget every document that nobody needs and try once more.
        tracing::warn!("no room in the context; all idle documents are forgotten");
        while self.evict(&[]) {}
        self.context.decode(&mut self.batch)
    }

    fn apply(&mut self, parts: &[Part]) {
        let mut ended = Vec::new();
        for part in parts {
            match *part {
                Part::Prefix { slot, count } => self.advance_prefix(slot, count),
                Part::Prompt {
                    sequence,
                    count,
                    output,
                } => ended.extend(self.advance_prompt(sequence, count, output)),
                Part::Answer {
                    sequence,
                    count,
                    output,
                } => ended.extend(self.advance_answer(sequence, count, output)),
            }
        }
        for (sequence, outcome) in ended {
            self.end(sequence, outcome);
        }
        // Scoring computes batches of its own, which replace the outputs of this one: it comes last.
        self.finish_scores();
    }

    fn advance_prefix(&mut self, sequence: i32, count: usize) {
        let Some(slot) = self.prefixes.slot_mut(sequence) else {
            return;
        };
        slot.filled += count;
        let done = slot.filled;
        Counters::add(&self.state.counters.prompt_tokens, count);
        for running in &self.running {
            if running.phase == (Phase::Prefix { slot: sequence }) {
                running.tell_progress(done);
            }
        }
        self.hand_out(sequence);
    }

    /// Copies a complete prefix to the requests that wait for it.
    pub(super) fn hand_out(&mut self, sequence: i32) {
        let length = match self.prefixes.slot(sequence) {
            Some(slot) if slot.is_complete() => i32::try_from(slot.tokens.len()).unwrap_or(i32::MAX),
            _ => return,
        };
        for running in &mut self.running {
            if running.phase == (Phase::Prefix { slot: sequence }) {
                running.phase = Phase::Prompt { next: 0 };
                self.context.copy(sequence, running.sequence, length);
            }
        }
    }

    fn advance_prompt(&mut self, sequence: i32, count: usize, output: Option<i32>) -> Option<Ended> {
        Counters::add(&self.state.counters.prompt_tokens, count);
        let running = self
            .running
            .iter_mut()
            .find(|running| running.sequence == sequence)?;
        if let Phase::Prompt { next } = &mut running.phase {
            *next += count;
        }
        running.tell_progress(running.position());
        let output = output?;
        let Task::Score { choices, .. } = &running.job.task else {
            return self.advance_answer(sequence, 1, output);
        };
        let logits = self.context.logits(output).unwrap_or_default();
        match choices::first_tokens(logits, choices) {
            Ok(log_probs) => {
                let state = self.context.state(output).map(<[f32]>::to_vec);
                running.scores = Some(FirstScores { log_probs, state });
                None
            }
            Err(error) => Some((sequence, Outcome::Failed(error.to_string()))),
        }
    }

    /// Takes the logits after each of the computed tokens: a token that was forced is shown, else the next one is chosen.
    fn advance_answer(&mut self, sequence: i32, count: usize, output: i32) -> Option<Ended> {
        let counters = &self.state.counters;
        let running = self
            .running
            .iter_mut()
            .find(|running| running.sequence == sequence)?;
        for output in (output..).take(count) {
            let logits = self.context.logits(output).unwrap_or_default();
            let progress = if running.is_forced() {
                Counters::add(&counters.forced_tokens, 1);
                running.take_forced(&self.loaded.model, logits)
            } else {
                running.take_logits(&self.loaded.model, logits)
            };
            let outcome = match progress {
                Progress::Continues => {
                    Counters::add(&counters.output_tokens, 1);
                    continue;
                }
                Progress::Ended => {
                    Counters::add(&counters.output_tokens, 1);
                    Outcome::Told
                }
                Progress::NoToken => Outcome::Failed("the model gave no usable numbers".to_owned()),
                Progress::Failed(message) => Outcome::Failed(message),
            };
            return Some((sequence, outcome));
        }
        None
    }

    /// Adds the later tokens of the choices whose first tokens are scored, and ends those requests.
    fn finish_scores(&mut self) {
        while let Some(index) = self.running.iter().position(|running| running.scores.is_some()) {
            let running = &mut self.running[index];
            let sequence = running.sequence;
            let place = Place {
                sequence,
                position: running.job.prompt.len(),
                spare: &self.spare_sequences,
                batch_tokens: self.state.config.batch_tokens as usize,
            };
            let outcome = match (&running.job.task, running.scores.take()) {
                (Task::Score { choices, .. }, Some(scores)) => {
                    choices::finish(&mut self.context, &mut self.batch, &place, choices, scores)
                        .map_or_else(|error| Outcome::Failed(error.to_string()), Outcome::Scores)
                }
                _ => Outcome::Failed("choices were scored for a request that has none".to_owned()),
            };
            self.end(sequence, outcome);
        }
    }

    /// The library could not compute the batch: everything that took part is of unknown state.
    fn fail_batch(&mut self, parts: &[Part], error: &DecodeError) {
        tracing::error!(%error, "a batch can't be computed");
        let message = format!("a batch can't be computed: {error}");
        for part in parts {
            match *part {
                Part::Prefix { slot, .. } => self.fail_prefix(slot, &message),
                Part::Prompt { sequence, .. } | Part::Answer { sequence, .. } => {
                    self.end(sequence, Outcome::Failed(message.clone()));
                }
            }
        }
    }

    fn fail_prefix(&mut self, slot: i32, message: &str) {
        let waiting: Vec<i32> = self
            .running
            .iter()
            .filter(|running| running.phase == Phase::Prefix { slot })
            .map(|running| running.sequence)
            .collect();
        for sequence in waiting {
            self.end(sequence, Outcome::Failed(message.to_owned()));
        }
        self.prefixes.remove(slot);
        self.context.clear(slot);
    }
}

fn plan_answer(batch: &mut Batch, running: &Running, share: usize) -> Part {
    let output = batch.len();
    let tokens = running.pending().iter().take(share);
    for (offset, token) in tokens.clone().enumerate() {
        batch.add(
            *token,
            running.position() + offset,
            running.sequence,
            Wanted::Logits,
        );
    }
    Part::Answer {
        sequence: running.sequence,
        count: tokens.len(),
        output,
    }
}

fn plan_prompt(batch: &mut Batch, running: &Running, next: usize, room: usize) -> Option<(Part, usize)> {
    let tokens = &running.job.prompt.rest;
    let end = tokens.len().min(next + room);
    let first = running.position();
    let of_last = match running.job.task {
        Task::Score { .. } => Wanted::LogitsAndState,
        Task::Generate { .. } => Wanted::Logits,
    };
    for (offset, token) in tokens.get(next..end)?.iter().enumerate() {
        let is_last = next + offset + 1 == tokens.len();
        let wanted = if is_last { of_last } else { Wanted::Nothing };
        batch.add(*token, first + offset, running.sequence, wanted);
    }
    let part = Part::Prompt {
        sequence: running.sequence,
        count: end - next,
        output: (end == tokens.len()).then(|| batch.len() - 1),
    };
    Some((part, end - next))
}
