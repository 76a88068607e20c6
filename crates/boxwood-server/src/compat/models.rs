//! `GET /models` and `GET /models/{name}`: every name that something serves.

use super::caller::ModelCaller;
use super::failure::Failure;
use super::serving::{Serving, registry};
use crate::state::AppState;
use axum::Json;
use axum::extract::{Path, State};
use boxwood_api::openai::models::{list, model};
use boxwood_core::ModelIdentity;
use boxwood_models::{ModelCard, Served};
use serde_json::{Value, json};

/// Lists the models.
pub(crate) async fn all(State(state): State<AppState>, caller: ModelCaller) -> Json<Value> {
    let registry = registry(&state, &caller);
    let chat = registry.overview().into_iter().filter_map(|row| {
        let (served, identity) = row.served.ok()?;
        Some(shown(&row.name, row.card, served, &identity))
    });
    let embedding = registry.resolve_embedder(None).ok().map(|resolved| {
        shown(
            &resolved.requested,
            resolved.card,
            resolved.served,
            resolved.embedder.identity(),
        )
    });
    Json(list(chat.chain(embedding).collect()))
}

/// One model.
pub(crate) async fn one(
    State(state): State<AppState>,
    caller: ModelCaller,
    Path(name): Path<String>,
) -> Result<Json<Value>, Failure> {
    let registry = registry(&state, &caller);
    if let Ok(resolved) = registry.resolve_embedder(Some(&name)) {
        let identity = resolved.embedder.identity();
        return Ok(Json(shown(&name, resolved.card, resolved.served, identity)));
    }
    let serving = Serving::of(&registry, &name).map_err(|error| caller.refuse(error))?;
    let found = &serving.model;
    Ok(Json(shown(
        &name,
        found.card,
        found.served,
        found.model.identity(),
    )))
}

/// When a model was made is not known of all, so it is told of none.
fn shown(name: &str, card: Option<&ModelCard>, served: Served, identity: &ModelIdentity) -> Value {
    let boxwood = json!({
        "card": card.map(|card| &card.api_name),
        "served_by": {
            "name": identity.name,
            "provider": identity.provider,
            "relation": served.as_str(),
        },
        "context_window": identity.context_window,
        "max_output_tokens": identity.max_output_tokens,
        "images": identity.images,
        "tools": identity.tools,
        "structured_output": identity.json_schema,
    });
    model(name, 0, &identity.provider, boxwood)
}
