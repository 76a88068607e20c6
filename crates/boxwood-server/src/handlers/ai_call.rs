//! What the AI operations have in common: who calls, the body, joining work that runs already, the form of the answer.
//!
//! A handler reads the body with [`AiCall::body`], makes its work, and gives it to [`AiCall::answer`]. Invariant: a call
//! whose token lacks the scopes of the AI operations or of reading text never gets to its body.

use super::operations::Operation;
use crate::auth::{self, Authenticated, require_any};
use crate::error::{ApiError, cause};
use crate::events;
use crate::extract::{BoxJson, Origin, read_body};
use crate::join::{Outcome, QuestionKey, StartQuestion};
use crate::keep::Asked;
use crate::layers::RequestId;
use crate::state::AppState;
use crate::studio::{NamedAgent, at_reference};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use boxwood_answer::{AnswerError, DialogueTurn};
use boxwood_api::ai::{AgentChoice, AskItem, HistoryEntry};
use boxwood_api::{FieldError, Reason};
use boxwood_core::{Caller, FileId, Principal, Scope};
use boxwood_store::{AnswerOperation, ReadableFiles, StoreError};
use bytes::Bytes;
use http::HeaderMap;
use http::header::ACCEPT;
use http::request::Parts;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A call of an AI operation whose token may make it.
pub(crate) struct AiCall {
    /// Who asks.
    pub(crate) principal: Principal,
    caller: Caller,
    request_id: String,
    base: String,
    wants_events: bool,
}

impl FromRequestParts<AppState> for AiCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Authenticated(principal) = Authenticated::from_request_parts(parts, state).await?;
        require_any(&principal, &[Scope::AiReadwrite])?;
        Operation::ReadText.authorize(&principal)?;
        let Origin(base) = Origin::of(parts, state);
        let request_id = parts.extensions.get::<RequestId>();
        Ok(Self {
            caller: auth::caller(parts, &principal, "ai"),
            principal,
            request_id: request_id.map(|id| id.0.clone()).unwrap_or_default(),
            base,
            wants_events: wants_events(&parts.headers),
        })
    }
}

impl AiCall {
    /// On whose behalf a model works for this call.
    pub(crate) fn caller(&self, operation: AnswerOperation) -> Caller {
        Caller {
            operation: operation.as_str(),
            ..self.caller.clone()
        }
    }

    /// Reads the body, which may carry the text of its items.
    ///
    /// # Errors
    /// As [`read_body`].
    pub(crate) async fn body(&self, state: &AppState, body: Body) -> Result<Bytes, ApiError> {
        read_body(body, state.settings.limits.ask_body_bytes).await
    }

    /// The files of the items, if the caller may read all of them.
    ///
    /// # Errors
    /// The item that is missing, trashed, or somebody else's.
    pub(crate) async fn readable(
        &self,
        state: &AppState,
        items: &[AskItem],
    ) -> Result<ReadableFiles, ApiError> {
        let ids: Vec<FileId> = items.iter().map(|item| item.id.clone()).collect();
        let found = state.store.readable(&self.principal, &ids).await;
        found.map_err(|error| name_item(error, items))
    }

    /// Starts the work, or joins it where the same call runs already, and answers as JSON or as events. `operation` and
    /// `body` say what the same call is; `warnings` are fields of the body that were ignored.
    ///
    /// # Errors
    /// Those of the work, 429 when too much runs.
    pub(crate) async fn answer(
        self,
        state: &AppState,
        operation: AnswerOperation,
        body: &[u8],
        warnings: Vec<String>,
        work: impl StartQuestion,
    ) -> Result<Response, ApiError> {
        let key = QuestionKey::new(operation.as_str(), &self.principal, body);
        let (waiter, joined) = state.joins().join(key, work)?;
        state.metrics().question_came(joined);
        let form = ResponseForm { warnings, joined };
        if self.wants_events {
            let render = render_end(form, self.request_id, self.base);
            return Ok(events::respond(waiter, state.settings.heartbeat, render));
        }
        match waiter.outcome().await.as_ref() {
            Ok(answer) => Ok(BoxJson(form.body(answer)).into_response()),
            Err(error) => Err(error.clone()),
        }
    }
}

/// What differs between the calls that wait for one piece of work.
struct ResponseForm {
    warnings: Vec<String>,
    joined: bool,
}

impl ResponseForm {
    fn body(&self, answer: &Value) -> Value {
        let mut body = answer.clone();
        if let Some(warnings) = body["boxwood"]["warnings"].as_array_mut() {
            warnings.extend(self.warnings.iter().map(|warning| json!(warning)));
        }
        body["boxwood"]["joined"] = json!(self.joined);
        body
    }
}

fn render_end(form: ResponseForm, request_id: String, base: String) -> events::RenderEnd {
    Box::new(move |outcome: &Outcome| match outcome {
        Ok(answer) => ("answer", form.body(answer)),
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

/// The dialogue of a body, oldest first.
pub(crate) fn dialogue(history: &[HistoryEntry]) -> Vec<DialogueTurn> {
    let turns = history.iter();
    turns
        .map(|turn| DialogueTurn {
            prompt: turn.prompt.clone(),
            answer: turn.answer.clone(),
        })
        .collect()
}

/// The texts that the items bring along, which stand for what their files hold.
pub(crate) fn given_contents(items: &[AskItem]) -> HashMap<FileId, String> {
    let given = items
        .iter()
        .filter_map(|item| Some((item.id.clone(), item.content.clone()?)));
    given.collect()
}

/// The agent that is in force: the named one over the defaults, else the request's override over them, else they alone.
///
/// # Errors
/// A named agent whose kept settings can't be read.
pub(crate) fn agent_in_force<A, O>(
    (choice, named): (Option<&AgentChoice<O>>, Option<&NamedAgent>),
    defaults: A,
    over_named: impl FnOnce(&NamedAgent, A) -> Result<A, ApiError>,
    overridden: impl FnOnce(&O, A) -> A,
) -> Result<A, ApiError> {
    match (choice, named) {
        (_, Some(named)) => over_named(named, defaults),
        (Some(AgentChoice::Override(over)), None) => Ok(overridden(over, defaults)),
        (_, None) => Ok(defaults),
    }
}

/// The body of an answer as the work's outcome, signed with the agent that the request named.
pub(crate) fn outcome_of(body: &impl serde::Serialize, named: Option<&NamedAgent>) -> Outcome {
    let mut body = serde_json::to_value(body).map_err(ApiError::internal)?;
    if let Some(named) = named {
        named.sign(&mut body);
    }
    Ok(body)
}

/// The outcome of work that failed: kept with its cause, and told at the agent that the request named.
pub(crate) fn failure_of(
    state: &AppState,
    asked: &Asked,
    named: Option<&NamedAgent>,
    error: AnswerError,
) -> Outcome {
    state.keeper().failed(asked, cause(&error));
    Err(at_reference(named, error).into())
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
