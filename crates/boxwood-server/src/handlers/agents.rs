//! `GET /2.0/ai_agent_default`.

use crate::auth::{Authenticated, require_any};
use crate::convert::agent_body;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use axum::extract::State;
use boxwood_answer::Language;
use boxwood_api::ai::AskAgentBody;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::Scope;

/// The default agent for questions, complete, so that it can be sent back as an override.
pub(crate) async fn default_agent(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<AskAgentBody>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    match query.text("mode") {
        Some("ask") => {}
        Some(mode @ ("text_gen" | "extract" | "extract_structured")) => return Err(not_served(mode)),
        Some(_) => return Err(query.refuse("mode", "must be ask, text_gen, extract or extract_structured")),
        None => {
            return Err(ApiError::field(
                Reason::MissingParameter,
                "query.mode",
                "is required",
            ));
        }
    }
    let language = Language::from_tag(query.text("language").unwrap_or_default());
    let agent = state.asker.default_agent(language, query.text("model"))?;
    Ok(BoxJson(agent_body(&agent)))
}

fn not_served(mode: &str) -> ApiError {
    let message = format!("The default agent of mode `{mode}` is not served yet; `ask` is.");
    ApiError::new(ErrorCode::NotImplemented, message.clone()).with_error(FieldError::new(
        Reason::NotServed,
        "query.mode",
        message,
    ))
}
