//! A request on its way from the caller to the engine's thread.
//!
//! Invariant: a job that is dropped without an answer leaves a closed channel, which the caller's side turns into an
//! error; so no request ends silently, whatever happens to the engine's thread.
//! Made by `handle`; worked on by `running`.

use crate::channels::Channels;
use crate::grammar::Grammar;
use crate::loaded::{LoadError, LoadedModel};
use crate::prompt::Prompt;
use crate::status::Permit;
use boxwood_core::{ChatEvent, ChoiceScores, ModelError, Sampling};
use llama_cpp_2::token::LlamaToken;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// What the engine's thread is told.
pub(crate) enum Command {
    /// Load the model, if it is not.
    Load(oneshot::Sender<Result<Arc<LoadedModel>, Arc<LoadError>>>),
    /// Work on this.
    Run(Box<Job>),
    /// End: no new work, what runs may go on for this long.
    Shutdown {
        grace: Duration,
        done: oneshot::Sender<()>,
    },
}

/// One request.
#[derive(Debug)]
pub(crate) struct Job {
    pub prompt: Prompt,
    pub task: Task,
    pub queued_at: Instant,
    /// The place in the engine; given back with the job.
    pub _permit: Permit,
}

/// What is wanted after the prompt was read.
#[derive(Debug)]
pub(crate) enum Task {
    /// An answer.
    Generate {
        events: mpsc::UnboundedSender<Result<ChatEvent, ModelError>>,
        sampling: Sampling,
        max_output_tokens: u32,
        stop: Vec<String>,
        /// What the answer must look like; taken by whoever works on the request.
        grammar: Option<Box<Grammar>>,
        /// Whether that is to be a whole value also where its room runs out.
        whole_value: bool,
        /// Where the model thinks by itself; taken by whoever works on the request.
        channels: Option<Box<Channels>>,
    },
    /// The probabilities of given beginnings of the answer.
    Score {
        /// Tokens of each choice; none is empty.
        choices: Vec<Vec<LlamaToken>>,
        reply: oneshot::Sender<Result<ChoiceScores, ModelError>>,
    },
}

impl Job {
    /// Whether the caller went away.
    pub fn is_cancelled(&self) -> bool {
        match &self.task {
            Task::Generate { events, .. } => events.is_closed(),
            Task::Score { reply, .. } => reply.is_closed(),
        }
    }

    /// Tokens that may come after the prompt.
    pub fn output_reserve(&self) -> usize {
        match &self.task {
            Task::Generate {
                max_output_tokens, ..
            } => *max_output_tokens as usize,
            Task::Score { choices, .. } => choices.iter().map(|choice| choice.len() - 1).sum(),
        }
    }

    /// Ends with the probabilities of the choices.
    pub fn answer(self, scores: ChoiceScores) {
        if let Task::Score { reply, .. } = self.task {
            // A caller that went away needs no answer.
            let _ = reply.send(Ok(scores));
        }
    }

    /// Ends with an error.
    pub fn fail(self, error: ModelError) {
        // A caller that went away needs no answer.
        match self.task {
            Task::Generate { events, .. } => drop(events.send(Err(error))),
            Task::Score { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}
