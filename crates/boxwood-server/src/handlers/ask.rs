//! `POST /2.0/ai/ask`.

use super::ai_call::{AiCall, agent_in_force, dialogue, failure_of, given_contents, outcome_of};
use crate::convert::{agent_body, answer_body, ask_override, endpoint_mode};
use crate::error::ApiError;
use crate::extract::parse_json;
use crate::join::{Outcome, StartQuestion};
use crate::keep::Asked;
use crate::state::AppState;
use crate::studio::{self, NamedAgent};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use boxwood_answer::{Language, ProgressSink, Question};
use boxwood_api::ai::AskRequest;
use boxwood_core::AgentMode;
use boxwood_store::AnswerOperation;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Answers a question about files, as JSON or, for `Accept: text/event-stream`, as events.
pub(crate) async fn ask_question(
    State(state): State<AppState>,
    call: AiCall,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = call.body(&state, body).await?;
    let body: Value = parse_json(&bytes)?;
    let request = AskRequest::read(&body).map_err(ApiError::bad_request)?;
    let (operation, mode) = (AnswerOperation::Ask, AgentMode::Ask);
    let named = studio::named(&state, &call.principal, request.agent.as_ref(), mode).await?;
    let question = question(&state, &call, &request, named.as_ref()).await?;
    let asked = Asked::new(&call.principal, operation, &question.files, &body)
        .with_agent(named.as_ref().map(NamedAgent::id), &agent_body(&question.agent));
    let asking = Asking {
        question,
        named,
        asked,
        include_citations: request.include_citations,
        state: state.clone(),
    };
    call.answer(&state, operation, &bytes, request.warnings, asking)
        .await
}

/// A question that was read and authorised, ready to run.
struct Asking {
    state: AppState,
    question: Question,
    named: Option<NamedAgent>,
    asked: Asked,
    include_citations: bool,
}

impl StartQuestion for Asking {
    async fn run(self, cancel: CancellationToken, progress: Arc<dyn ProgressSink>) -> Outcome {
        let question = Question {
            cancel,
            ..self.question
        };
        let answer = self.state.asker.ask(question, progress.as_ref()).await;
        self.state.metrics().question_ended(&answer);
        let (keeper, now) = (self.state.keeper(), self.state.clock.now());
        let named = self.named.as_ref();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return failure_of(&self.state, &self.asked, named, error),
        };
        let body = answer_body(&answer, self.include_citations, now);
        // Kept with its citations, also where this client did not ask for them.
        match self.include_citations || !keeper.keeps() {
            true => keeper.answered(self.asked, &body),
            false => keeper.answered(self.asked, &answer_body(&answer, true, now)),
        }
        outcome_of(&body, named)
    }
}

async fn question(
    state: &AppState,
    call: &AiCall,
    request: &AskRequest,
    named: Option<&NamedAgent>,
) -> Result<Question, ApiError> {
    let files = call.readable(state, &request.items).await?;
    // The default words are those of the question's language: a small model follows them in the language it answers in.
    let language = Language::of_text(&request.prompt);
    let defaults = state.asker.default_agent(language, None)?;
    let agent = agent_in_force(
        (request.agent.as_ref(), named),
        defaults,
        NamedAgent::over_ask,
        |over, defaults| {
            let over = ask_override(over, &defaults);
            defaults.with_override(over)
        },
    )?;
    Ok(Question {
        mode: endpoint_mode(request.mode),
        prompt: request.prompt.clone(),
        files,
        contents: given_contents(&request.items),
        dialogue: dialogue(&request.dialogue_history),
        agent,
        caller: call.caller(AnswerOperation::Ask),
        partition: call.principal.enterprise_id.to_string(),
        now: state.clock.now(),
        time_limit: state.settings.answer_time_limit,
        cancel: CancellationToken::new(),
    })
}
