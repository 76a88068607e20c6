//! One completion: started, and read to its end within the time that answers may take.
//!
//! Invariant: a completion that breaks off is a failure, never a short answer.

use super::failure::of_model;
use crate::state::AppState;
use boxwood_api::openai::OpenAiError;
use boxwood_api::openai::completion::{Reply, TokenLogprob, finish_word};
use boxwood_core::{ChatEvent, ChatRequest, ChatStream, FinishReason, Ids, ModelError, ToolCall, Usage};
use boxwood_models::ResolvedModel;
use futures::StreamExt;
use std::time::Duration;
use tokio::time::Instant;

/// A completion that runs.
pub(super) struct Run {
    /// What really answers.
    pub(super) served: ResolvedModel,
    stream: ChatStream,
    deadline: Option<Instant>,
    limit: Option<Duration>,
    input_name: &'static str,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Run")
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// Starts it.
    ///
    /// # Errors
    /// What is known before the first token.
    pub(super) async fn start(
        state: &AppState,
        model: &ResolvedModel,
        request: ChatRequest,
        input_name: &'static str,
    ) -> Result<Self, OpenAiError> {
        let limit = state.settings.answer_time_limit;
        let started = model.start(request).await;
        let (served, stream) = started.map_err(|error| of_model(&error, input_name))?;
        Ok(Self {
            served,
            stream,
            deadline: limit.map(|limit| Instant::now() + limit),
            limit,
            input_name,
        })
    }

    /// The next event.
    ///
    /// # Errors
    /// The model's failure, a stream without an end, the time limit.
    pub(super) async fn next(&mut self) -> Result<ChatEvent, OpenAiError> {
        let next = self.stream.next();
        let event = match self.deadline {
            None => next.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, next).await {
                Ok(event) => event,
                Err(_) => return Err(too_slow(self.limit)),
            },
        };
        let broken = || ModelError::Failed {
            model: self.served.model.identity().name.clone(),
            message: "the answer broke off without an end".to_owned(),
        };
        event
            .unwrap_or_else(|| Err(broken()))
            .map_err(|error| of_model(&error, self.input_name))
    }

    /// Reads it to its end.
    ///
    /// # Errors
    /// As [`Run::next`].
    pub(super) async fn collect(mut self, ids: &dyn Ids, logprobs: bool) -> Result<Collected, OpenAiError> {
        let mut reply = Reply::default();
        let mut tokens = logprobs.then(Vec::new);
        let mut reasoning = String::new();
        loop {
            match self.next().await? {
                ChatEvent::PromptProgress { .. } => {}
                ChatEvent::Text { text, log_prob } => {
                    if let (Some(tokens), Some(log_prob)) = (&mut tokens, log_prob) {
                        tokens.push(TokenLogprob::new(&text, log_prob));
                    }
                    reply.text.push_str(&text);
                }
                ChatEvent::Reasoning { text } => reasoning.push_str(&text),
                ChatEvent::ToolCall(call) => reply.calls.push(with_id(call, ids)),
                ChatEvent::End { finish, usage } => {
                    reply.finish = finish_word(end_of(finish, reply.calls.len()));
                    reply.logprobs = tokens;
                    return Ok(Collected {
                        reply,
                        reasoning,
                        usage,
                        served: self.served,
                    });
                }
            }
        }
    }
}

/// A completion that was read.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) reply: Reply,
    pub(super) reasoning: String,
    pub(super) usage: Usage,
    pub(super) served: ResolvedModel,
}

/// Hosts differ in what they say after calls.
pub(super) fn end_of(finish: FinishReason, calls: usize) -> FinishReason {
    if calls > 0 && finish == FinishReason::Stop {
        FinishReason::ToolCalls
    } else {
        finish
    }
}

/// Models that run here give their calls no ids.
pub(super) fn with_id(call: ToolCall, ids: &dyn Ids) -> ToolCall {
    if call.id.is_empty() {
        let id = format!("call_{}", ids.hex(12));
        ToolCall { id, ..call }
    } else {
        call
    }
}

fn too_slow(limit: Option<Duration>) -> OpenAiError {
    let seconds = limit.map_or(0, |limit| limit.as_secs());
    let message =
        format!("The answer was not complete within {seconds} seconds, the time limit of this server.");
    OpenAiError::failure(504, "server_error", None, message)
}
