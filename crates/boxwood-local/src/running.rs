//! One request while it is worked on.
//!
//! Invariant: its sequence in the context is its own; whoever removes a running request clears that sequence.
//! Owned by `scheduler`.

use crate::channels::{Channels, Part};
use crate::choices::FirstScores;
use crate::constrained::{Constraint, Next};
use crate::grammar::GrammarError;
use crate::job::{Job, Task};
use crate::prefix::Extent;
use crate::sampler::{Sampler, log_prob};
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
    /// The next token of the answer, after those in [`Running::pending`].
    Answer,
}

/// The answer that is being made.
#[derive(Debug)]
struct Answer {
    sampler: Sampler,
    assembler: TextAssembler,
    /// Of a model that thinks by itself: what is thinking, and its text.
    channels: Option<Box<Channels>>,
    thoughts: TextAssembler,
    constraint: Option<Constraint>,
    /// Chosen and not computed yet: one token that was shown, and those that a schema forces after it.
    pending: Vec<LlamaToken>,
    /// Tokens that were shown.
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
    /// The schema can't be followed any further.
    Failed(String),
}

impl Answer {
    /// Chooses the next token, and those that a schema forces after it, at most `left` of all of them.
    fn next(&mut self, model: &LlamaModel, logits: &[f32], left: usize) -> Result<Next, GrammarError> {
        self.pending.clear();
        if let Some(next) = self.next_of_thinking(model, logits) {
            return Ok(next);
        }
        let Some(constraint) = &mut self.constraint else {
            let next = match self.sampler.sample(logits) {
                Some(sampled) if model.vocab().is_eog(LlamaToken::new(sampled.token)) => Next::End,
                Some(sampled) => Next::Token(sampled),
                None => Next::NoToken,
            };
            if let Next::Token(sampled) = next {
                self.pending.push(LlamaToken::new(sampled.token));
            }
            return Ok(next);
        };
        self.pending = constraint.take_forced(left)?;
        if let Some(first) = self.pending.first() {
            return Ok(self
                .sampler
                .take(first.0, logits)
                .map_or(Next::NoToken, Next::Token));
        }
        let next = constraint.choose(&mut self.sampler, logits, model, left)?;
        if let Next::Token(sampled) = next {
            self.pending.push(LlamaToken::new(sampled.token));
            self.pending
                .extend(constraint.take_forced(left.saturating_sub(1))?);
        }
        Ok(next)
    }

    /// The next token of thinking, which no schema binds, or those that close it. `None` when the answer is next.
    fn next_of_thinking(&mut self, model: &LlamaModel, logits: &[f32]) -> Option<Next> {
        let channels = self.channels.as_mut()?;
        let proposed = self.sampler.propose(logits)?;
        if !channels.is_free(proposed) {
            return None;
        }
        let ends = model.vocab().is_eog(LlamaToken::new(proposed));
        let closing = channels.forced(ends);
        let Some(first) = closing.first() else {
            if ends {
                return Some(Next::End);
            }
            self.pending.push(LlamaToken::new(proposed));
            return Some(
                self.sampler
                    .take(proposed, logits)
                    .map_or(Next::NoToken, Next::Token),
            );
        };
        self.pending.extend(closing.iter().copied().map(LlamaToken::new));
        Some(
            self.sampler
                .take(*first, logits)
                .map_or(Next::NoToken, Next::Token),
        )
    }

    /// Why an answer that its model or its schema ended is over.
    fn own_end(&self) -> FinishReason {
        match &self.constraint {
            Some(constraint) if constraint.closed_early => FinishReason::Length,
            _ => FinishReason::Stop,
        }
    }

    /// Whether everything was shown and nothing can follow.
    fn is_whole(&self) -> bool {
        let is_whole = self.constraint.as_ref().is_some_and(Constraint::is_whole);
        is_whole && self.pending.len() <= 1
    }
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
    pub fn new(mut job: Job, sequence: i32, phase: Phase, extents: Vec<Arc<Extent>>) -> Self {
        let answer = match &mut job.task {
            Task::Generate {
                sampling,
                stop,
                grammar,
                whole_value,
                max_output_tokens,
                channels,
                ..
            } => Some(Answer {
                sampler: Sampler::new(sampling),
                assembler: TextAssembler::new(stop),
                channels: channels.take(),
                thoughts: TextAssembler::new(&[]),
                constraint: grammar.take().map(|grammar| {
                    let closes_at = whole_value.then_some(*max_output_tokens as usize);
                    Constraint::new(grammar, closes_at)
                }),
                pending: Vec::new(),
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
            Phase::Answer => self.job.prompt.len() + self.tokens() - 1,
        }
    }

    /// Tokens of the answer that must be computed before the next one can be chosen. Where the answer is whole with the
    /// last one, that one need not be.
    pub fn pending(&self) -> &[LlamaToken] {
        let Some(answer) = &self.answer else {
            return &[];
        };
        let is_whole = answer.constraint.as_ref().is_some_and(Constraint::is_whole);
        let count = answer.pending.len() - usize::from(is_whole && !answer.pending.is_empty());
        &answer.pending[..count]
    }

    /// Whether a schema forces another token after the first pending one.
    pub fn is_forced(&self) -> bool {
        self.answer
            .as_ref()
            .is_some_and(|answer| answer.pending.len() > 1)
    }

    /// Masks that were computed for it.
    pub fn masks(&self) -> usize {
        let constraint = self.answer.as_ref().and_then(|answer| answer.constraint.as_ref());
        constraint.map_or(0, |constraint| constraint.masks)
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
        let left = self.job.output_reserve().saturating_sub(self.tokens());
        let Some(answer) = &mut self.answer else {
            return Progress::NoToken;
        };
        if answer.tokens == 0 {
            answer.first_token_after = self.started.elapsed();
        }
        let next = match answer.next(model, logits, left) {
            Ok(next) => next,
            Err(error) => return Progress::Failed(error.to_string()),
        };
        match next {
            Next::Token(sampled) => self.show(model, LlamaToken::new(sampled.token), sampled.log_prob),
            Next::End => {
                let finish = answer.own_end();
                self.end(finish);
                Progress::Ended
            }
            Next::NoToken => Progress::NoToken,
        }
    }

    /// Takes the logits after the first pending token, when another one follows it by force: shows that one.
    pub fn take_forced(&mut self, model: &LlamaModel, logits: &[f32]) -> Progress {
        let Some(answer) = &mut self.answer else {
            return Progress::NoToken;
        };
        answer.pending.remove(0);
        let Some(token) = answer.pending.first().copied() else {
            return Progress::NoToken;
        };
        match log_prob(token.0, logits) {
            Some(log_prob) => self.show(model, token, log_prob),
            None => Progress::NoToken,
        }
    }

    /// Shows a token, the first pending one, and ends the answer where it ends with it.
    fn show(&mut self, model: &LlamaModel, token: LlamaToken, log_prob: f32) -> Progress {
        let Some(answer) = &mut self.answer else {
            return Progress::NoToken;
        };
        answer.tokens += 1;
        let mut bytes = Vec::with_capacity(16);
        model.vocab().token_to_piece_into(token, &mut bytes, false, None);
        let part = answer.channels.as_mut().map_or(Part::Answer, |channels| {
            channels.take(token.0, &String::from_utf8_lossy(&bytes))
        });
        match part {
            Part::Mark => {}
            Part::Thought => {
                if let Pushed::Show(piece) = answer.thoughts.push(&bytes, log_prob) {
                    self.send(ChatEvent::Reasoning { text: piece.text });
                }
            }
            Part::Answer => match answer.assembler.push(&bytes, log_prob) {
                Pushed::Held => {}
                Pushed::Show(piece) => self.send_piece(piece),
                Pushed::Stopped(piece) => {
                    if let Some(piece) = piece {
                        self.send_piece(piece);
                    }
                    self.send_end(FinishReason::Stop);
                    return Progress::Ended;
                }
            },
        }
        self.phase = Phase::Answer;
        if let Some(answer) = self.answer.as_ref().filter(|answer| answer.is_whole()) {
            let finish = answer.own_end();
            self.end(finish);
            return Progress::Ended;
        }
        if self.tokens() >= self.job.output_reserve() {
            self.end(FinishReason::Length);
            return Progress::Ended;
        }
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
            reasoning_tokens: self.answer.as_ref().map_or(0, |answer| {
                answer
                    .channels
                    .as_ref()
                    .map_or(0, |channels| channels.thought_tokens)
            }),
            estimated: false,
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
