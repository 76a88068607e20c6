//! One response while it is made: the completion's events become output, and the output events.
//!
//! Invariant: a response that is kept is kept before its last event is told, so whoever was told can continue it.

use super::super::caller::ModelCaller;
use super::super::failure::of_store;
use super::super::run::{Run, end_of, with_id};
use super::super::serving::{Prepared, told};
use crate::state::AppState;
use boxwood_api::openai::OpenAiError;
use boxwood_api::openai::responses::{Ending, Writer};
use boxwood_core::ChatEvent;
use boxwood_models::ResolvedModel;
use boxwood_store::{KeptResponse, StoreError};
use serde_json::Value;

/// The parameter that holds the conversation.
pub(super) const INPUT: &str = "input";

/// A response that was read and resolved.
pub(super) struct Work {
    pub(super) state: AppState,
    pub(super) caller: ModelCaller,
    pub(super) model: ResolvedModel,
    pub(super) prepared: Prepared,
    pub(super) writer: Writer,
    pub(super) warnings: Vec<String>,
    /// Its own input items.
    pub(super) items: Vec<Value>,
    pub(super) previous: Option<String>,
    pub(super) store: bool,
    /// Whether a row stands for it already.
    pub(super) is_kept: bool,
    pub(super) calls: usize,
    pub(super) run: Option<Run>,
    /// What is told of the thinking before the answer.
    pub(super) thought: Option<Value>,
}

/// What a step led to.
pub(super) enum Step {
    /// These events; there is more.
    Events(Vec<Value>),
    /// These events are the last; the object as it is.
    Over(Vec<Value>, Box<Value>),
}

impl Work {
    /// Starts the completion.
    ///
    /// # Errors
    /// What is known before the first token.
    pub(super) async fn start(&mut self) -> Result<(), OpenAiError> {
        let run = Run::start(&self.state, &self.model, self.prepared.clone(), INPUT).await?;
        self.model = run.served.clone();
        self.run = Some(run);
        Ok(())
    }

    /// The member `boxwood` of the object.
    pub(super) fn told(&self) -> Value {
        told(&self.model, &self.warnings, self.thought.as_slice())
    }

    /// The object as it stands before the end.
    pub(super) fn object(&self, ending: &Ending) -> Value {
        self.writer
            .frame()
            .object(ending, self.writer.output(), self.told())
    }

    /// The next step.
    ///
    /// # Errors
    /// The model's failure; the caller ends the work with [`Work::end`] then.
    pub(super) async fn step(&mut self) -> Result<Step, OpenAiError> {
        let Some(run) = &mut self.run else {
            return Err(OpenAiError::failure(
                500,
                "server_error",
                None,
                "The response was not started.",
            ));
        };
        let event = run.next().await?;
        Ok(Step::Events(match event {
            ChatEvent::PromptProgress { .. } => Vec::new(),
            ChatEvent::Text { text, log_prob } => self.writer.text(&text, log_prob),
            ChatEvent::Reasoning { text } => self.writer.reasoning(&text),
            ChatEvent::ToolCall(call) => {
                self.calls += 1;
                let call = with_id(call, self.state.ids.as_ref());
                self.writer.call(&call)
            }
            ChatEvent::End { finish, usage } => {
                if let Some(run) = self.run.take() {
                    self.model = run.served;
                    self.thought = run.thought;
                }
                let finish = end_of(finish, self.calls);
                let (events, object) = self.end(&Ending::Finished { finish, usage }).await?;
                return Ok(Step::Over(events, Box::new(object)));
            }
        }))
    }

    /// Ends it, also where it failed.
    ///
    /// # Errors
    /// From the store.
    pub(super) async fn end(&mut self, ending: &Ending) -> Result<(Vec<Value>, Value), OpenAiError> {
        self.run = None;
        let told = self.told();
        let (events, object) = self.writer.end(ending, &told);
        self.keep(&object).await?;
        Ok((events, object))
    }

    /// Keeps the object, where the response is kept.
    ///
    /// # Errors
    /// From the store.
    pub(super) async fn keep(&mut self, object: &Value) -> Result<(), OpenAiError> {
        if !self.store {
            return Ok(());
        }
        let (store, principal) = (&self.state.store, &self.caller.principal);
        let id = &self.writer.frame().id;
        let kept = if self.is_kept {
            store.update_response(principal, id, object).await
        } else {
            let response = KeptResponse {
                id: id.clone(),
                previous: self.previous.clone(),
                input: Value::Array(self.items.clone()),
                object: object.clone(),
                created_at: self.state.clock.now(),
            };
            store.keep_response(principal, &response).await
        };
        match kept {
            Ok(()) => {
                self.is_kept = true;
                Ok(())
            }
            // Its client deleted it while it was made.
            Err(StoreError::NotFound { .. }) if self.is_kept => Ok(()),
            Err(error) => Err(of_store(error)),
        }
    }
}

/// The end of a response whose model failed.
pub(super) fn failed(error: &OpenAiError) -> Ending {
    let code = match error.status {
        429 => "rate_limit_exceeded",
        400 => "invalid_prompt",
        _ => "server_error",
    };
    Ending::Failed {
        code,
        message: error.message.clone(),
    }
}
