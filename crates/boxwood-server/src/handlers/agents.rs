//! `GET /2.0/ai_agent_default`.

use crate::auth::{Authenticated, require_any};
use crate::convert::{agent_body, extract_agent_body};
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use boxwood_answer::{ExtractMode, Language};
use boxwood_api::ai::ExtractKind;
use boxwood_api::{ErrorCode, FieldError, Reason};
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
        Some("ask") => {}
        Some("extract") => return extraction(ExtractKind::Freeform, ExtractMode::Freeform),
        Some("extract_structured") => return extraction(ExtractKind::Structured, ExtractMode::Structured),
        Some(mode @ "text_gen") => return Err(not_served(mode)),
        Some(_) => return Err(query.refuse("mode", "must be ask, text_gen, extract or extract_structured")),
        None => {
            return Err(ApiError::field(
                Reason::MissingParameter,
                "query.mode",
                "is required",
            ));
        }
    }
    let agent = state.asker.default_agent(language, model)?;
    Ok(BoxJson(agent_body(&agent)).into_response())
}

fn not_served(mode: &str) -> ApiError {
    let message = format!("The default agent of mode `{mode}` is not served yet; `ask` is.");
    ApiError::new(ErrorCode::NotImplemented, message.clone()).with_error(FieldError::new(
        Reason::NotServed,
        "query.mode",
        message,
    ))
}
