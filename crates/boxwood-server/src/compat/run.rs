//! One completion: started, and read to its end within the time that answers may take.
//!
//! Invariant: a completion that breaks off is a failure, never a short answer.

use super::failure::of_model;
use super::serving::Prepared;
use super::thinking::Thought;
use crate::state::AppState;
use boxwood_api::openai::OpenAiError;
use boxwood_api::openai::completion::{Reply, TokenLogprob, finish_word};
use boxwood_core::{ChatEvent, ChatStream, FinishReason, Ids, ModelError, ToolCall, Usage};
use boxwood_models::ResolvedModel;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How long a start waits for what is refused at once, so that the refusal has a status.
const ADMISSION: Duration = Duration::from_secs(1);

/// A completion that runs.
pub(super) struct Run {
    /// What really answers, as far as it is known.
    pub(super) served: ResolvedModel,
    /// What is told of the thinking before the answer, once it is over.
    pub(super) thought: Option<Value>,
    source: Source,
    deadline: Option<Instant>,
    limit: Option<Duration>,
    input_name: &'static str,
}

/// Where the events come from.
enum Source {
    /// Nowhere yet: the model is to think before.
    Thinking(BoxFuture<'static, Result<Thought, ModelError>>),
    Answering(ChatStream),
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
        prepared: Prepared,
        input_name: &'static str,
    ) -> Result<Self, OpenAiError> {
        let limit = state.settings.answer_time_limit;
        let deadline = limit.map(|limit| Instant::now() + limit);
        let (served, thought, source) = match prepared.thinking {
            None => {
                let started = model.start(prepared.request).await;
                let (served, events) = started.map_err(|error| of_model(&error, input_name))?;
                (served, None, Source::Answering(events))
            }
            Some(thinking) => {
                let mut work = thinking
                    .answer(state.clone(), model.clone(), prepared.request)
                    .boxed();
                let patience = limit.map_or(ADMISSION, |limit| limit.min(ADMISSION));
                match tokio::time::timeout(patience, &mut work).await {
                    Err(_) => (model.clone(), None, Source::Thinking(work)),
                    Ok(thought) => {
                        let thought = thought.map_err(|error| of_model(&error, input_name))?;
                        (
                            thought.served,
                            Some(thought.told),
                            Source::Answering(thought.events),
                        )
                    }
                }
            }
        };
        Ok(Self {
            served,
            thought,
            source,
            deadline,
            limit,
            input_name,
        })
    }

    /// The next event.
    ///
    /// # Errors
    /// The model's failure, a stream without an end, the time limit.
    pub(super) async fn next(&mut self) -> Result<ChatEvent, OpenAiError> {
        let (deadline, limit, input_name) = (self.deadline, self.limit, self.input_name);
        let next = self.advance();
        let event = match deadline {
            None => next.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, next).await {
                Ok(event) => event,
                Err(_) => return Err(too_slow(limit)),
            },
        };
        event.map_err(|error| of_model(&error, input_name))
    }

    async fn advance(&mut self) -> Result<ChatEvent, ModelError> {
        loop {
            match &mut self.source {
                Source::Thinking(work) => {
                    let thought = work.await?;
                    self.served = thought.served;
                    self.thought = Some(thought.told);
                    self.source = Source::Answering(thought.events);
                }
                Source::Answering(events) => {
                    let broken = || ModelError::Failed {
                        model: self.served.model.identity().name.clone(),
                        message: "the answer broke off without an end".to_owned(),
                    };
                    return events.next().await.unwrap_or_else(|| Err(broken()));
                }
            }
        }
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
                        thought: self.thought,
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
    pub(super) thought: Option<Value>,
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
