//! `/boxwood/answers`: answers that were kept for review.
//!
//! The store decides who sees what: one's own, and for administrators those of the enterprise.

use super::parameters::{id, limit, moment, path_id, word};
use super::present;
use crate::auth::{Authenticated, require_any};
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::answers::{FileRead, KeptAnswer, KeptAnswers};
use boxwood_api::wire::Moment;
use boxwood_core::{AnswerId, Scope};
use boxwood_store::{AnswerOperation, AnswerQuery, Thing};
use http::StatusCode;

fn show(answer: boxwood_store::KeptAnswer, whole: bool) -> KeptAnswer {
    let response = &answer.response;
    let part = |pointer: &str| response.pointer(pointer).cloned().unwrap_or_default();
    let confidence = match response.get("confidence_score") {
        Some(scores) => scores.clone(),
        None => part("/boxwood/support"),
    };
    KeptAnswer {
        kind: "boxwood_answer",
        id: answer.id.to_string(),
        created_at: Moment(answer.created_at),
        operation: answer.operation.as_str(),
        user: present::user_mini(&answer.user),
        files: answer
            .files
            .iter()
            .map(|file| FileRead {
                kind: "file",
                id: file.id.to_string(),
                version_id: file.version.to_string(),
            })
            .collect(),
        agent: answer.agent,
        prompt_version: answer.prompt_version,
        answer: part("/answer"),
        ai_agent_info: part("/ai_agent_info"),
        served_by: part("/boxwood/served_by"),
        confidence,
        request: whole.then_some(answer.request),
        response: whole.then_some(answer.response),
    }
}

fn operation(query: &Query) -> Result<Option<AnswerOperation>, ApiError> {
    let words = AnswerOperation::TABLE.map(|(name, operation)| (name, Some(operation)));
    word(query, "operation", &words, None)
}

/// `GET /boxwood/answers`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<KeptAnswers>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let wanted = AnswerQuery {
        operation: operation(&query)?,
        file: id(&query, "file")?,
        user: id(&query, "user")?,
        from: moment(&query, "from")?,
        to: moment(&query, "to")?,
        after: id(&query, "marker")?,
        limit: limit(&query, 20, 100)?,
    };
    let page = state.store.answers(&principal, &wanted).await?;
    Ok(BoxJson(KeptAnswers {
        entries: page
            .entries
            .into_iter()
            .map(|answer| show(answer, false))
            .collect(),
        limit: u64::from(wanted.limit),
        next_marker: page.next.map(|id| id.to_string()),
    }))
}

/// `GET /boxwood/answers/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<BoxJson<KeptAnswer>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let id: AnswerId = path_id(Thing::Answer, &id)?;
    let answer = state.store.answer(&principal, &id).await?;
    Ok(BoxJson(show(answer, true)))
}

/// `DELETE /boxwood/answers/{id}`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let id: AnswerId = path_id(Thing::Answer, &id)?;
    state.store.remove_answer(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
