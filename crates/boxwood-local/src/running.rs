//! One request while it is worked on.
//!
//! Invariant: its sequence in the context is its own; whoever removes a running request clears that sequence.
//! Owned by `scheduler`.

use crate::choices::FirstScores;
use crate::job::{Job, Task};
use crate::prefix::Extent;
use crate::sampler::Sampler;
use crate::text::{Piece, Pushed, TextAssembler};
use boxwood_core::{ChatEvent, FinishReason, Usage};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a running request needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The shared part, which is read in this slot's sequence.
    Prefix { slot: i32 },
    /// Its own part of the prompt, from this token on.
    Prompt { next: usize },
    /// The next token of the answer, after this one.
    Answer { token: LlamaToken },
}

/// The answer that is being made.
#[derive(Debug)]
struct Answer {
    sampler: Sampler,
    assembler: TextAssembler,
    tokens: usize,
    first_token_after: Duration,
}

/// What became of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Go on with the new phase.
    Continues,
    /// The answer is over and its end was told.
    Ended,
    /// The model gave no usable numbers.
    NoToken,
}

/// A request with a sequence.
#[derive(Debug)]
pub(crate) struct Running {
    pub job: Job,
    pub sequence: i32,
    pub phase: Phase,
    /// Cells that it keeps alive: its own and the shared ones.
    _extents: Vec<Arc<Extent>>,
    /// Prompt tokens that were not computed for it.
    pub cached: usize,
    pub started: Instant,
    /// What is known of the choices once the prompt was read.
    pub scores: Option<FirstScores>,
    answer: Option<Answer>,
}

impl Running {
    pub fn new(job: Job, sequence: i32, phase: Phase, extents: Vec<Arc<Extent>>) -> Self {
        let answer = match &job.task {
            Task::Generate { sampling, stop, .. } => Some(Answer {
                sampler: Sampler::new(sampling),
                assembler: TextAssembler::new(stop),
                tokens: 0,
                first_token_after: Duration::ZERO,
            }),
            Task::Score { .. } => None,
        };
        Self {
            job,
            sequence,
            phase,
            _extents: extents,
            cached: 0,
            started: Instant::now(),
            scores: None,
            answer,
        }
    }

    /// Position of the token that is computed next.
    pub fn position(&self) -> usize {
        match self.phase {
            Phase::Prefix { .. } => 0,
            Phase::Prompt { next } => self.job.prompt.prefix_len() + next,
            Phase::Answer { .. } => self.job.prompt.len() + self.tokens() - 1,
        }
    }

    fn tokens(&self) -> usize {
        self.answer.as_ref().map_or(0, |answer| answer.tokens)
    }

    fn send(&self, event: ChatEvent) {
        if let Task::Generate { events, .. } = &self.job.task {
            // A caller that went away is noticed before the next step.
            let _ = events.send(Ok(event));
        }
    }

    /// Tells how much of the prompt was read.
    pub fn tell_progress(&self, done: usize) {
        self.send(ChatEvent::PromptProgress {
            done: count(done),
            total: count(self.job.prompt.len()),
        });
    }

    /// Takes the logits after the last computed token: chooses the next one and shows what can be shown.
    pub fn take_logits(&mut self, model: &LlamaModel, logits: &[f32]) -> Progress {
        let Some(answer) = &mut self.answer else {
            return Progress::NoToken;
        };
        let Some(sampled) = answer.sampler.sample(logits) else {
            return Progress::NoToken;
        };
        if answer.tokens == 0 {
            answer.first_token_after = self.started.elapsed();
        }
        let token = LlamaToken::new(sampled.token);
        let vocabulary = model.vocab();
        if vocabulary.is_eog(token) {
            self.end(FinishReason::Stop);
            return Progress::Ended;
        }
        answer.tokens += 1;
        let mut bytes = Vec::with_capacity(16);
        vocabulary.token_to_piece_into(token, &mut bytes, false, None);
        let pushed = answer.assembler.push(&bytes, sampled.log_prob);
        self.show(pushed, token)
    }

    fn show(&mut self, pushed: Pushed, token: LlamaToken) -> Progress {
        match pushed {
            Pushed::Held => {}
            Pushed::Show(piece) => self.send_piece(piece),
            Pushed::Stopped(piece) => {
                if let Some(piece) = piece {
                    self.send_piece(piece);
                }
                self.send_end(FinishReason::Stop);
                return Progress::Ended;
            }
        }
        if self.tokens() >= self.job.output_reserve() {
            self.end(FinishReason::Length);
            return Progress::Ended;
        }
        self.phase = Phase::Answer { token };
        Progress::Continues
    }

    fn end(&mut self, finish: FinishReason) {
        if let Some(piece) = self.answer.as_mut().and_then(|answer| answer.assembler.finish()) {
            self.send_piece(piece);
        }
        self.send_end(finish);
    }

    fn send_piece(&self, piece: Piece) {
        self.send(ChatEvent::Text {
            text: piece.text,
            log_prob: Some(piece.log_prob),
        });
    }

    fn send_end(&self, finish: FinishReason) {
        self.send(ChatEvent::End {
            finish,
            usage: self.usage(),
        });
    }

    fn usage(&self) -> Usage {
        Usage {
            input_tokens: count(self.job.prompt.len()),
            cached_tokens: count(self.cached),
            output_tokens: count(self.tokens()),
            reasoning_tokens: 0,
            queue_time: self.started.duration_since(self.job.queued_at),
            time_to_first_token: self
                .answer
                .as_ref()
                .map_or(Duration::ZERO, |answer| answer.first_token_after),
            total_time: self.started.elapsed(),
        }
    }
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
