//! `POST /embeddings`, by model name or by deployment.

use super::caller::{ModelCaller, model_name};
use super::failure::{Failure, of_model, of_name};
use super::serving::{card_of_host_name, registry};
use crate::state::AppState;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use boxwood_api::openai::OpenAiError;
use boxwood_api::openai::embeddings::{EmbeddingsRequest, embeddings};
use boxwood_models::{ModelRegistry, ResolveError, ResolvedEmbedder};
use http::HeaderValue;
use serde_json::json;

/// Texts that are handed to the embedder together.
const BATCH: usize = 64;

/// Turns texts into vectors; an address may name the deployment.
pub(crate) async fn create(
    State(state): State<AppState>,
    caller: ModelCaller,
    deployment: Option<Path<String>>,
    body: Body,
) -> Result<Response, Failure> {
    let deployment = deployment.as_ref().map(|Path(name)| name.as_str());
    let answered = answer(&state, &caller, deployment, body).await;
    answered.map_err(|error| caller.refuse(error))
}

async fn answer(
    state: &AppState,
    caller: &ModelCaller,
    deployment: Option<&str>,
    body: Body,
) -> Result<Response, OpenAiError> {
    let body = caller.json(state, body).await?;
    let name = model_name(&body, deployment)?;
    let resolved = resolve(&registry(state, caller), name)?;
    let request = EmbeddingsRequest::read(&body)?;
    let dimensions = resolved.embedder.dimensions();
    if request
        .dimensions
        .is_some_and(|wanted| wanted as usize != dimensions)
    {
        let message =
            format!("This model does not support specifying dimensions: its vectors have {dimensions}.");
        return Err(OpenAiError::invalid("dimensions", Some("invalid_value"), message));
    }
    let mut vectors = Vec::with_capacity(request.input.len());
    for batch in request.input.chunks(BATCH) {
        let embedded = resolved.embedder.embed(batch).await;
        vectors.extend(embedded.map_err(|error| of_model(&error, "input"))?);
    }
    let boxwood = json!({
        "served_by": {
            "name": resolved.embedder.identity().name,
            "provider": resolved.embedder.identity().provider,
            "relation": resolved.served.as_str(),
        },
        "warnings": ["usage: tokens are estimated, four bytes each"],
    });
    let body = embeddings(
        name,
        &vectors,
        request.base64,
        estimated_tokens(&request.input),
        boxwood,
    );
    let mut response = Json(body).into_response();
    let served_by = &resolved.embedder.identity().name;
    if let Ok(value) = HeaderValue::try_from(format!("{served_by}; relation={}", resolved.served.as_str())) {
        response.headers_mut().insert("x-boxwood-served-by", value);
    }
    Ok(response)
}

fn resolve(registry: &ModelRegistry, name: &str) -> Result<ResolvedEmbedder, OpenAiError> {
    let found = match registry.resolve_embedder(Some(name)) {
        Err(error @ ResolveError::Unknown { .. }) => match card_of_host_name(name) {
            Some(card) => registry.resolve_embedder(Some(card)),
            None => Err(error),
        },
        found => found,
    };
    found.map_err(|error| of_name(name, &error))
}

/// Embedders do not tell their tokens.
fn estimated_tokens(texts: &[String]) -> u64 {
    texts.iter().map(|text| (text.len() as u64).div_ceil(4)).sum()
}
