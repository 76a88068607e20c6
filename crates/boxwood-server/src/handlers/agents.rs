//! `GET /2.0/ai_agent_default`.

use crate::auth::{Authenticated, require_any};
use crate::convert::{agent_body, extract_agent_body, text_gen_agent_body};
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use boxwood_answer::{ExtractMode, Language};
use boxwood_api::Reason;
use boxwood_api::ai::ExtractKind;
use boxwood_core::Scope;

/// The default agent of a mode, complete, so that it can be sent back as an override.
pub(crate) async fn default_agent(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<Response, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let language = Language::from_tag(query.text("language").unwrap_or_default());
    let model = query.text("model");
    let extraction = |kind, mode| {
        let agent = state.asker.default_extract_agent(mode, language, model)?;
        Ok(BoxJson(extract_agent_body(&agent, kind)).into_response())
    };
    match query.text("mode") {
        Some("ask") => {
            let agent = state.asker.default_agent(language, model)?;
            Ok(BoxJson(agent_body(&agent)).into_response())
        }
        Some("text_gen") => {
            let agent = state.asker.default_text_gen_agent(language, model)?;
            Ok(BoxJson(text_gen_agent_body(&agent)).into_response())
        }
        Some("extract") => extraction(ExtractKind::Freeform, ExtractMode::Freeform),
        Some("extract_structured") => extraction(ExtractKind::Structured, ExtractMode::Structured),
        Some(_) => Err(query.refuse("mode", "must be ask, text_gen, extract or extract_structured")),
        None => Err(ApiError::field(
            Reason::MissingParameter,
            "query.mode",
            "is required",
        )),
    }
}
