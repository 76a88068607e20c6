//! `POST /2.0/ai/text_gen`.

use super::ai_call::{AiCall, agent_in_force, dialogue, failure_of, given_contents, outcome_of};
use crate::convert::{text_body, text_gen_agent_body, text_gen_override};
use crate::error::ApiError;
use crate::extract::parse_json;
use crate::join::{Outcome, StartQuestion};
use crate::keep::Asked;
use crate::state::AppState;
use crate::studio::{self, NamedAgent};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use boxwood_answer::{Language, ProgressSink, TextGeneration};
use boxwood_api::ai::TextGenRequest;
use boxwood_core::AgentMode;
use boxwood_store::AnswerOperation;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Writes a text, as JSON or, for `Accept: text/event-stream`, as events.
pub(crate) async fn generate_text(
    State(state): State<AppState>,
    call: AiCall,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = call.body(&state, body).await?;
    let body: Value = parse_json(&bytes)?;
    let request = TextGenRequest::read(&body).map_err(ApiError::bad_request)?;
    let (operation, mode) = (AnswerOperation::TextGen, AgentMode::TextGen);
    let named = studio::named(&state, &call.principal, request.agent.as_ref(), mode).await?;
    let wanted = wanted(&state, &call, &request, named.as_ref()).await?;
    let asked = Asked::new(&call.principal, operation, &wanted.files, &body).with_agent(
        named.as_ref().map(NamedAgent::id),
        &text_gen_agent_body(&wanted.agent),
    );
    let writing = Writing {
        wanted,
        named,
        asked,
        state: state.clone(),
    };
    call.answer(&state, operation, &bytes, request.warnings, writing)
        .await
}

/// A text that was asked for by somebody who may, ready to be written.
struct Writing {
    state: AppState,
    wanted: TextGeneration,
    named: Option<NamedAgent>,
    asked: Asked,
}

impl StartQuestion for Writing {
    async fn run(self, cancel: CancellationToken, progress: Arc<dyn ProgressSink>) -> Outcome {
        let wanted = TextGeneration {
            cancel,
            ..self.wanted
        };
        let text = self.state.asker.generate_text(wanted, progress.as_ref()).await;
        self.state.metrics().text_ended(&text);
        let named = self.named.as_ref();
        match text {
            Ok(text) => {
                let body = text_body(&text, self.state.clock.now());
                self.state.keeper().answered(self.asked, &body);
                outcome_of(&body, named)
            }
            Err(error) => failure_of(&self.state, &self.asked, named, error),
        }
    }
}

async fn wanted(
    state: &AppState,
    call: &AiCall,
    request: &TextGenRequest,
    named: Option<&NamedAgent>,
) -> Result<TextGeneration, ApiError> {
    let item = &request.item;
    let files = call.readable(state, std::slice::from_ref(item)).await?;
    let language = Language::of_text(&request.prompt);
    let defaults = state.asker.default_text_gen_agent(language, None)?;
    let agent = agent_in_force(
        (request.agent.as_ref(), named),
        defaults,
        NamedAgent::over_text_gen,
        |over, defaults| {
            let over = text_gen_override(over, &defaults);
            defaults.with_override(over)
        },
    )?;
    Ok(TextGeneration {
        prompt: request.prompt.clone(),
        files,
        contents: given_contents(std::slice::from_ref(item)),
        dialogue: dialogue(&request.dialogue_history),
        agent,
        caller: call.caller(AnswerOperation::TextGen),
        partition: call.principal.enterprise_id.to_string(),
        now: state.clock.now(),
        time_limit: state.settings.answer_time_limit,
        cancel: CancellationToken::new(),
    })
}
