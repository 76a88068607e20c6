//! Thinking before an answer, by a local model that does not think by itself: where a client asks for an effort, how much
//! is thought, and what comes of it as the events of a completion.
//!
//! Invariants: what was thought never stands in the answer, only how it was done; with what is not thought about (tools,
//! pictures, a bound that leaves no tokens) the answer is made directly, and a warning says so. Called by `serving`,
//! which plans, and `run`, which does.

use super::serving::Wanted;
use crate::state::AppState;
use boxwood_answer::reason::{Deliberated, Deliberation, Next, Sandbox, deliberate};
use boxwood_answer::{AnswerError, NoProgress};
use boxwood_core::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, ChatStream, Effort, ModelError, ToolChoice, Usage,
};
use boxwood_models::ResolvedModel;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How much is thought about one request.
#[derive(Debug, Clone)]
pub(super) struct Thinking {
    effort: Effort,
    /// The client's bound of thinking and answer together.
    total: Option<u32>,
    /// Tokens that the conversation leaves of the context window.
    room: u32,
    works_out: bool,
}

/// What the thinking led to.
pub(super) struct Thought {
    /// What really answers.
    pub(super) served: ResolvedModel,
    /// The answer, after an event that sums up the thinking.
    pub(super) events: ChatStream,
    /// What is told of the thinking in the member `boxwood`.
    pub(super) told: Value,
}

impl Thinking {
    /// Plans it; `room` are the tokens that the conversation leaves of the context window.
    ///
    /// # Errors
    /// Why there is none, in words that continue "the model answers without thinking before, because …".
    pub(super) fn plan(effort: Effort, wanted: &Wanted, room: u32) -> Result<Self, &'static str> {
        let messages = &wanted.messages;
        let offers_tools = !wanted.tools.is_empty() && wanted.tool_choice != ToolChoice::None;
        let called = |message: &ChatMessage| message.role == ChatRole::Tool || !message.tool_calls.is_empty();
        if offers_tools || messages.iter().any(called) {
            return Err("tools are called directly");
        }
        if messages.iter().any(|message| !message.images.is_empty()) {
            return Err("it can't think about pictures");
        }
        if messages
            .last()
            .is_none_or(|message| message.role != ChatRole::User)
        {
            return Err("the conversation does not end with a message of the user");
        }
        let thinking = Self {
            effort,
            total: wanted.max_output_tokens,
            room,
            works_out: wanted.is_single,
        };
        if !thinking.wanted(None, None).is_possible() {
            return Err("too few tokens are left for it");
        }
        Ok(thinking)
    }

    fn wanted(&self, time_limit: Option<Duration>, sandbox: Option<Sandbox>) -> Deliberation {
        Deliberation {
            effort: self.effort,
            total_tokens: self.total,
            room: self.room,
            works_out: self.works_out,
            time_limit,
            sandbox,
        }
    }

    /// Thinks, and starts the answer.
    ///
    /// # Errors
    /// From the model. Dropping the future ends the work.
    pub(super) async fn answer(
        self,
        state: AppState,
        model: ResolvedModel,
        request: ChatRequest,
    ) -> Result<Thought, ModelError> {
        let wanted = self.wanted(state.settings.answer_time_limit, state.asker.sandbox().cloned());
        let cancel = CancellationToken::new();
        let thought = deliberate(&model, request, &wanted, &cancel, &NoProgress).await;
        let thought = thought.map_err(|error| of_answer(error, &model))?;
        let told = told(&thought);
        let summary = Ok(ChatEvent::Reasoning {
            text: thought.report.summary,
        });
        let (served, answer) = match thought.next {
            Next::Reply { text, finish } => {
                let text = (!text.is_empty()).then_some(ChatEvent::Text { text, log_prob: None });
                let end = ChatEvent::End {
                    finish,
                    usage: thought.usage,
                };
                let events = text.into_iter().chain([end]).map(Ok);
                (thought.served, stream::iter(events.collect::<Vec<_>>()).boxed())
            }
            Next::Ask(request) => {
                let (served, events) = thought.served.start(*request).await?;
                let usage = thought.usage;
                let events = events.map(move |event| event.map(|event| with_thinking(event, &usage)));
                (served, events.boxed())
            }
        };
        Ok(Thought {
            served,
            events: stream::iter([summary]).chain(answer).boxed(),
            told,
        })
    }
}

/// The report, with the program where one gave the answer.
fn told(thought: &Deliberated) -> Value {
    let mut told = json!(thought.report);
    if let Some(calculation) = &thought.calculation {
        told["calculation"] = json!(calculation);
    }
    told
}

/// At the end the thinking is counted too.
fn with_thinking(event: ChatEvent, thinking: &Usage) -> ChatEvent {
    match event {
        ChatEvent::End { finish, usage } => ChatEvent::End {
            finish,
            usage: Deliberated::with_reply(thinking, &usage),
        },
        event => event,
    }
}

fn of_answer(error: AnswerError, model: &ResolvedModel) -> ModelError {
    match error {
        AnswerError::Generation(error) => error,
        AnswerError::Cancelled => ModelError::Cancelled,
        other => ModelError::Failed {
            model: model.model.identity().name.clone(),
            message: other.to_string(),
        },
    }
}
