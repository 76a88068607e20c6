//! A chat completion piece by piece: on Azure first a piece without choices, then role, text, calls and finish of each
//! reply, the usage where it was asked for, `[DONE]`.
//!
//! Invariant: a reply that fails half-way is told as an error and never ends with `[DONE]`. The first reply is started
//! before the response, so that what can be refused has a status.

use super::chat::{Asked, with_served_by};
use super::run::{Run, end_of, with_id};
use super::serving::told;
use super::sse::{self, Feed};
use crate::state::AppState;
use async_trait::async_trait;
use axum::response::Response;
use boxwood_api::openai::chunk::Chunks;
use boxwood_api::openai::completion::{TokenLogprob, UsageBody, finish_word};
use boxwood_api::openai::{Dialect, OpenAiError};
use boxwood_core::{ChatEvent, FinishReason, Usage};
use boxwood_models::ResolvedModel;
use serde_json::Value;
use std::collections::VecDeque;

/// Starts the answer.
///
/// # Errors
/// What is known before the first token.
pub(super) async fn respond(state: &AppState, asked: Asked) -> Result<Response, OpenAiError> {
    let run = asked.start(state, 0).await?;
    let served = run.served.clone();
    let chunks = Chunks::new(asked.head.clone(), asked.include_usage);
    let mut pending: VecDeque<String> = chunks.opening().iter().map(sse::data).collect();
    pending.push_back(sse::data(&chunks.role(0)));
    let pieces = Pieces {
        state: state.clone(),
        dialect: asked.head.dialect,
        asked,
        chunks,
        pending,
        run: Some(run),
        served: served.clone(),
        index: 0,
        calls: 0,
        usages: Vec::new(),
        thoughts: Vec::new(),
    };
    let response = sse::respond(pieces, state.settings.heartbeat);
    Ok(with_served_by(response, &served))
}

struct Pieces {
    state: AppState,
    dialect: Dialect,
    asked: Asked,
    chunks: Chunks,
    pending: VecDeque<String>,
    /// The reply that is being written; `None` when all are over.
    run: Option<Run>,
    served: ResolvedModel,
    index: u32,
    /// Calls of the running reply.
    calls: usize,
    usages: Vec<Usage>,
    /// What is told of the thinking before each reply.
    thoughts: Vec<Value>,
}

#[async_trait]
impl Feed for Pieces {
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(piece) = self.pending.pop_front() {
                return Some(piece);
            }
            let event = self.run.as_mut()?.next().await;
            match event {
                Ok(ChatEvent::End { finish, usage }) => self.end_reply(finish, usage).await,
                Ok(event) => self.take(event),
                Err(error) => self.fail(&error),
            }
        }
    }
}

impl Pieces {
    fn take(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Text { text, log_prob } => {
                let wanted = log_prob.filter(|_| self.asked.logprobs);
                let logprob = wanted.map(|log_prob| TokenLogprob::new(&text, log_prob));
                let chunk = self.chunks.text(self.index, &text, logprob);
                self.pending.push_back(sse::data(&chunk));
            }
            ChatEvent::ToolCall(call) => {
                let call = with_id(call, self.state.ids.as_ref());
                let chunks = self.chunks.call(self.index, self.calls, &call);
                self.pending.extend(chunks.iter().map(sse::data));
                self.calls += 1;
            }
            // Thinking is not shown in chat completions; a prompt that is read says nothing yet.
            ChatEvent::Reasoning { .. } | ChatEvent::PromptProgress { .. } | ChatEvent::End { .. } => {}
        }
    }

    async fn end_reply(&mut self, finish: FinishReason, usage: Usage) {
        let finish = finish_word(end_of(finish, self.calls));
        self.pending
            .push_back(sse::data(&self.chunks.finish(self.index, finish)));
        self.usages.push(usage);
        if let Some(run) = self.run.take() {
            self.served = run.served;
            self.thoughts.extend(run.thought);
        }
        self.index += 1;
        self.calls = 0;
        if self.index >= self.asked.choices {
            self.end();
            return;
        }
        match self.asked.start(&self.state, self.index).await {
            Ok(run) => {
                self.run = Some(run);
                self.pending.push_back(sse::data(&self.chunks.role(self.index)));
            }
            Err(error) => self.fail(&error),
        }
    }

    fn end(&mut self) {
        let boxwood = told(&self.served, &self.asked.warnings, &self.thoughts);
        let usage = self.chunks.usage(&UsageBody::of(&self.usages), boxwood);
        self.pending.extend(usage.iter().map(sse::data));
        self.pending.push_back("data: [DONE]\n\n".to_owned());
    }

    fn fail(&mut self, error: &OpenAiError) {
        self.run = None;
        self.pending.push_back(sse::data(&error.body(self.dialect)));
    }
}
