//! Responses that are kept: fetched, their input listed, cancelled, deleted.
//!
//! Invariant: what belongs to somebody else is not found. A response that says it runs, but does not run here, broke off
//! with an earlier process and is told so.

use super::super::caller::ModelCaller;
use super::super::failure::{Failure, of_api, of_store};
use crate::extract::Query;
use crate::state::AppState;
use axum::Json;
use axum::extract::{Path, State};
use boxwood_api::openai::OpenAiError;
use boxwood_api::openai::responses::object::{broken_off, is_over};
use boxwood_store::{KeptResponse, StoreError};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a cancelled response may take to end.
const WIND_UP: Duration = Duration::from_secs(5);
/// How often is looked whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

fn not_found(id: &str) -> OpenAiError {
    let shown: String = id.chars().take(80).collect();
    OpenAiError {
        status: 404,
        ..OpenAiError::failure(
            404,
            "invalid_request_error",
            None,
            format!("Response with id '{shown}' not found."),
        )
    }
}

async fn find(state: &AppState, caller: &ModelCaller, id: &str) -> Result<KeptResponse, OpenAiError> {
    let runs = state.backgrounds().runs(id);
    let found = state.store.response(&caller.principal, id).await;
    let mut response = found.map_err(|error| of_id(id, error))?;
    if !runs && !is_over(&response.object) {
        response.object = broken_off(response.object);
        let kept = state
            .store
            .update_response(&caller.principal, id, &response.object)
            .await;
        kept.map_err(|error| of_id(id, error))?;
    }
    Ok(response)
}

fn of_id(id: &str, error: StoreError) -> OpenAiError {
    match error {
        StoreError::NotFound { .. } => not_found(id),
        error => of_store(error),
    }
}

/// `GET /responses/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: ModelCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let found = async {
        if query.flag("stream").map_err(|error| of_api(&error))? == Some(true) {
            let message = "Events are told to the client that made the response. Fetch it without 'stream' until it is over.";
            return Err(OpenAiError::not_served("stream", message));
        }
        find(&state, &caller, &id).await
    };
    let response = found.await.map_err(|error| caller.refuse(error))?;
    Ok(Json(response.object))
}

/// `DELETE /responses/{id}`; what runs is cancelled.
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: ModelCaller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let removed = state.store.remove_response(&caller.principal, &id).await;
    removed.map_err(|error| caller.refuse(of_id(&id, error)))?;
    state.backgrounds().cancel(&id);
    Ok(Json(json!({"id": id, "object": "response", "deleted": true})))
}

/// `POST /responses/{id}/cancel`; of one that is over nothing changes.
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: ModelCaller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let cancelled = end(&state, &caller, &id).await;
    let response = cancelled.map_err(|error| caller.refuse(error))?;
    Ok(Json(response.object))
}

async fn end(state: &AppState, caller: &ModelCaller, id: &str) -> Result<KeptResponse, OpenAiError> {
    let response = find(state, caller, id).await?;
    if response.object["background"] != true {
        let message = "Only responses that were made with 'background' can be cancelled.";
        return Err(OpenAiError::failure(400, "invalid_request_error", None, message));
    }
    if !is_over(&response.object) && state.backgrounds().cancel(id) {
        let ended = async {
            while state.backgrounds().runs(id) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        // One that takes longer is told as it stands; it ends all the same.
        let _ = tokio::time::timeout(WIND_UP, ended).await;
    }
    find(state, caller, id).await
}

/// `GET /responses/{id}/input_items`: the response's own input, the newest item first unless told otherwise.
pub(crate) async fn input_items(
    State(state): State<AppState>,
    caller: ModelCaller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<Value>, Failure> {
    let listed = list(&state, &caller, &id, &query).await;
    listed.map(Json).map_err(|error| caller.refuse(error))
}

async fn list(state: &AppState, caller: &ModelCaller, id: &str, query: &Query) -> Result<Value, OpenAiError> {
    let response = find(state, caller, id).await?;
    let limit = query.number("limit", 1..=100).map_err(|error| of_api(&error))?;
    let limit = usize::try_from(limit.unwrap_or(20)).unwrap_or(20);
    let mut items: Vec<Value> = response.input.as_array().cloned().unwrap_or_default();
    match query.text("order") {
        None | Some("desc") => items.reverse(),
        Some("asc") => {}
        Some(other) => return Err(OpenAiError::invalid_value("order", other, &["asc", "desc"])),
    }
    if let Some(after) = query.text("after") {
        let place = items.iter().position(|item| item["id"] == after);
        let Some(place) = place else {
            return Err(OpenAiError::invalid(
                "after",
                None,
                "'after' is no item of this response.",
            ));
        };
        items.drain(..=place);
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id_of = |item: Option<&Value>| item.map(|item| item["id"].clone());
    Ok(json!({
        "object": "list",
        "first_id": id_of(items.first()),
        "last_id": id_of(items.last()),
        "has_more": has_more,
        "data": items,
    }))
}
