//! Agents of AI Studio between wire, store and answer pipeline, and the one way from an agent's id to its settings.
//!
//! Invariant: [`named`] is called before an operation uses an agent that a request names: it refuses what does not exist
//! for the caller, what is disabled, what the caller is not among the selected users of, and what can't do the operation.

mod box_agents;
mod settings;

pub(crate) use box_agents::{BOX_AGENTS, BoxAgent, find_box_agent};
pub(crate) use settings::new_agent;

use crate::error::ApiError;
use crate::state::AppState;
use boxwood_answer::AnswerError;
use boxwood_api::ai::AgentChoice;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::{AgentAccess, AgentId, AgentMode, Principal};
use boxwood_store::{AgentCapability, StoreError, UserKind, UserRole};
use serde_json::{Value, json};

/// Where a request names an agent.
const ID: &str = "ai_agent.id";

/// An agent that a request named and that its caller may use.
#[derive(Debug, Clone)]
pub(crate) struct NamedAgent {
    id: String,
    name: String,
    /// What it is set to do; `None`: one of Box's own agents, which are the defaults.
    capability: Option<AgentCapability>,
}

/// The agent that a request names by id; `None` where it names none.
///
/// # Errors
/// 404 for an agent that is not there for the caller, 403 for one that may not be used, 400 for one that can't do that;
/// always at `ai_agent.id`.
pub(crate) async fn named<O>(
    state: &AppState,
    principal: &Principal,
    choice: Option<&AgentChoice<O>>,
    mode: AgentMode,
) -> Result<Option<NamedAgent>, ApiError> {
    let Some(AgentChoice::Reference { id }) = choice else {
        return Ok(None);
    };
    if let Some(own) = find_box_agent(id) {
        if !own.modes.contains(&mode) {
            return Err(incapable(own.name, mode));
        }
        return Ok(Some(NamedAgent {
            id: own.id.to_owned(),
            name: own.name.to_owned(),
            capability: None,
        }));
    }
    let number: AgentId = id.parse().map_err(|_| unknown(id))?;
    let agent = match state.store.agent(principal, &number).await {
        Err(StoreError::NotFound { .. }) => return Err(unknown(id)),
        found => found?,
    };
    let name = &agent.name;
    if agent.access == AgentAccess::Disabled {
        return Err(forbidden(
            Reason::Disabled,
            format!("names agent `{name}`, which is disabled"),
        ));
    }
    if !agent.usable {
        let message =
            format!("names agent `{name}`, which is enabled for selected users, of whom you are none");
        return Err(forbidden(Reason::NotAllowed, message));
    }
    let capability = agent.capability(mode).ok_or_else(|| incapable(name, mode))?;
    if !capability.enabled {
        let message = format!("names agent `{name}`, whose `{}` is disabled", mode.as_str());
        return Err(forbidden(Reason::Disabled, message));
    }
    Ok(Some(NamedAgent {
        id: id.clone(),
        name: name.clone(),
        capability: Some(capability.clone()),
    }))
}

impl NamedAgent {
    /// Its id, as the request named it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Adds to an answer's extension which agent was asked.
    pub(crate) fn sign(&self, body: &mut Value) {
        body["boxwood"]["agent"] = json!({"id": self.id, "name": self.name});
    }
}

/// The caller named only the agent, so what is wrong inside it is told at its id.
pub(crate) fn at_reference(named: Option<&NamedAgent>, error: AnswerError) -> AnswerError {
    match error {
        AnswerError::Model { source, .. } if named.is_some() => AnswerError::Model {
            field: ID.to_owned(),
            source,
        },
        AnswerError::Agent { field, message } if named.is_some() => AnswerError::Agent {
            field: ID.to_owned(),
            message: format!("names an agent that can't be used: {field} {message}"),
        },
        error => error,
    }
}

/// Refuses everybody but those who manage agents: administrators and service accounts, with a token for all of the
/// enterprise.
///
/// # Errors
/// 403.
pub(crate) async fn require_manager(state: &AppState, principal: &Principal) -> Result<(), ApiError> {
    let caller = state.store.user(&principal.user_id).await?;
    let manages = caller.kind == UserKind::ServiceAccount || caller.role != UserRole::User;
    if manages && principal.resource.is_none() {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorCode::AccessDenied,
            "Only administrators and service accounts make, change and remove agents.",
        ))
    }
}

fn unknown(id: &str) -> ApiError {
    let shown: String = id.chars().take(64).collect();
    let message = format!("names agent `{shown}`, which was not found");
    ApiError::new(ErrorCode::NotFound, format!("`{ID}` {message}.")).with_error(FieldError::new(
        Reason::NotFound,
        ID,
        message,
    ))
}

fn forbidden(reason: Reason, message: String) -> ApiError {
    ApiError::new(ErrorCode::Forbidden, format!("`{ID}` {message}."))
        .with_error(FieldError::new(reason, ID, message))
}

fn incapable(name: &str, mode: AgentMode) -> ApiError {
    let message = format!("names agent `{name}`, which has no `{}`", mode.as_str());
    ApiError::field(Reason::InvalidParameter, ID, message)
}
