//! `POST /2.0/ai/ask`.

use super::operations::Operation;
use crate::auth::{Authenticated, require_any};
use crate::convert::{agent_body, answer_body, ask_override, endpoint_mode};
use crate::error::{ApiError, cause};
use crate::events;
use crate::extract::{BoxJson, Origin, parse_json, read_body};
use crate::join::{Outcome, QuestionKey, StartQuestion};
use crate::keep::Asked;
use crate::layers::RequestId;
use crate::state::AppState;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use boxwood_answer::{Answer, AnswerError, DialogueTurn, Language, ProgressSink, Question};
use boxwood_api::ai::{AgentChoice, AskItem, AskRequest};
use boxwood_api::{FieldError, Reason};
use boxwood_core::{FileId, Principal, Scope};
use boxwood_store::{AnswerOperation, StoreError};
use http::HeaderMap;
use http::header::ACCEPT;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Answers a question about files, as JSON or, for `Accept: text/event-stream`, as events.
pub(crate) async fn ask_question(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Origin(base): Origin,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    Operation::ReadText.authorize(&principal)?;
    let bytes = read_body(body, state.settings.limits.ask_body_bytes).await?;
    let body: Value = parse_json(&bytes)?;
    let request = AskRequest::read(&body).map_err(ApiError::bad_request)?;
    let question = question(&state, &principal, &request).await?;
    let asked = Asked::new(&principal, AnswerOperation::Ask, &question.files, &body)
        .with_agent(None, &agent_body(&question.agent));
    let starter = Starter {
        state: state.clone(),
        question,
        asked,
    };
    let (waiter, joined) = state
        .joins()
        .join(QuestionKey::new(&principal, &bytes), starter)?;
    state.metrics().question_came(joined);
    let form = ResponseForm {
        include_citations: request.include_citations,
        warnings: request.warnings,
        joined,
    };
    if wants_events(&headers) {
        let render = render_end(state.clone(), form, request_id, base);
        return Ok(events::respond(waiter, state.settings.heartbeat, render));
    }
    match waiter.outcome().await.as_ref() {
        Ok(answer) => Ok(BoxJson(form.body(&state, answer)).into_response()),
        Err(error) => Err(error.clone()),
    }
}

/// What the request says about the form of its answer.
struct ResponseForm {
    include_citations: bool,
    warnings: Vec<String>,
    joined: bool,
}

impl ResponseForm {
    fn body(&self, state: &AppState, answer: &Answer) -> boxwood_api::ai::AiResponseFull {
        let mut body = answer_body(answer, self.include_citations, state.clock.now());
        if let Some(warnings) = body.boxwood["warnings"].as_array_mut() {
            warnings.extend(self.warnings.iter().map(|warning| json!(warning)));
        }
        body.boxwood["joined"] = json!(self.joined);
        body
    }
}

fn render_end(state: AppState, form: ResponseForm, request_id: String, base: String) -> events::RenderEnd {
    Box::new(move |outcome: &Outcome| match outcome {
        Ok(answer) => (
            "answer",
            serde_json::to_value(form.body(&state, answer)).unwrap_or_default(),
        ),
        Err(error) => (
            "error",
            serde_json::to_value(error.body(&request_id, &base)).unwrap_or_default(),
        ),
    })
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    accept.split(',').any(|media| {
        media
            .split(';')
            .next()
            .is_some_and(|name| name.trim() == "text/event-stream")
    })
}

/// A question that was read and authorised, ready to run.
struct Starter {
    state: AppState,
    question: Question,
    asked: Asked,
}

impl StartQuestion for Starter {
    async fn run(
        self,
        cancel: CancellationToken,
        progress: Arc<dyn ProgressSink>,
    ) -> Result<Answer, AnswerError> {
        let question = Question {
            cancel,
            ..self.question
        };
        let answer = self.state.asker.ask(question, progress.as_ref()).await;
        self.state.metrics().question_ended(&answer);
        let keeper = self.state.keeper();
        match &answer {
            Ok(answer) => keeper.answered(self.asked, &answer_body(answer, true, self.state.clock.now())),
            Err(error) => keeper.failed(&self.asked, cause(error)),
        }
        answer
    }
}

async fn question(
    state: &AppState,
    principal: &Principal,
    request: &AskRequest,
) -> Result<Question, ApiError> {
    let ids: Vec<FileId> = request.items.iter().map(|item| item.id.clone()).collect();
    let files = state
        .store
        .readable(principal, &ids)
        .await
        .map_err(|error| name_item(error, &request.items))?;
    // The default words are those of the question's language: a small model follows them in the language it answers in.
    let language = Language::of_text(&request.prompt);
    let defaults = state.asker.default_agent(language, None)?;
    let agent = match &request.agent {
        None => defaults,
        Some(AgentChoice::Override(over)) => {
            let over = ask_override(over, &defaults);
            defaults.with_override(over)
        }
        Some(AgentChoice::Reference { id }) => return Err(unknown_agent(id)),
    };
    let contents = request
        .items
        .iter()
        .filter_map(|item| Some((item.id.clone(), item.content.clone()?)))
        .collect();
    let dialogue = request.dialogue_history.iter();
    Ok(Question {
        mode: endpoint_mode(request.mode),
        prompt: request.prompt.clone(),
        files,
        contents,
        dialogue: dialogue
            .map(|turn| DialogueTurn {
                prompt: turn.prompt.clone(),
                answer: turn.answer.clone(),
            })
            .collect(),
        agent,
        partition: principal.enterprise_id.to_string(),
        now: state.clock.now(),
        time_limit: state.settings.answer_time_limit,
        cancel: CancellationToken::new(),
    })
}

fn unknown_agent(id: &str) -> ApiError {
    let shown: String = id.chars().take(64).collect();
    let message = format!(
        "names agent `{shown}`, but agents are not served yet; send an `ai_agent_ask` object instead"
    );
    ApiError::field(Reason::NotServed, "ai_agent.id", message)
}

/// Names the item that the store refused.
fn name_item(error: StoreError, items: &[AskItem]) -> ApiError {
    let (id, reason) = match &error {
        StoreError::NotFound { id, .. } => (id.clone(), Reason::NotFound),
        StoreError::Trashed { id, .. } => (id.clone(), Reason::Trashed),
        StoreError::Forbidden { id, .. } => (id.clone(), Reason::NotFound),
        _ => return error.into(),
    };
    let message = error.to_string();
    let place = items.iter().position(|item| item.id.as_str() == id);
    let path = place.map_or_else(|| "items".to_owned(), |index| format!("items[{index}].id"));
    ApiError::from(error).with_only_error(FieldError::new(reason, path, message))
}
