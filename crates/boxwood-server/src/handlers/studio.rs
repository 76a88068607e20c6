//! `/2.0/ai_agents`: agents of AI Studio, made, listed, read, replaced and removed.

use super::parameters::{fields, path_id};
use crate::auth::{Authenticated, require_any};
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use crate::studio::{BOX_AGENTS, BoxAgent, find_box_agent, new_agent, require_manager};
use axum::extract::{Path, State};
use boxwood_api::ai::studio::{
    AgentBody, AgentListBody, EntityBody, ShownCapability, StudioAgent, capability_body,
};
use boxwood_api::wire::Moment;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::{AgentAccess, AgentId, AgentMode, EntityKind, Principal, Scope};
use boxwood_store::{Agent, AgentQuery, NewAgent, StoreError, Thing};
use http::StatusCode;
use serde_json::{Value, json};

/// Agents on one page where the request names no number.
const DEFAULT_LIMIT: u64 = 100;
/// The most on one page.
const MOST: u64 = 1_000;

/// `POST /2.0/ai_agents`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    require_manager(&state, &principal).await?;
    let request = read(&state, &body)?;
    let new = new_agent(&request);
    let made = state.store.create_agent(&principal, new.clone()).await;
    let made = made.map_err(|error| name_entity(error, &new))?;
    state.agents_changed().notify_one();
    answer(&state, &made, request.warnings)
}

/// `GET /2.0/ai_agents`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<AgentListBody>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let wanted = Wanted::read(&query)?;
    let defaults = wanted.box_agents();
    let shown: Vec<AgentBody> = defaults.iter().take(wanted.limit).cloned().collect();
    let mut bodies = shown;
    let mut next =
        (defaults.len() > bodies.len()).then(|| Place::OfBox(wanted.place.box_agents() + bodies.len()));
    if next.is_none() {
        let page = custom_agents(&state, &principal, &wanted, wanted.limit - bodies.len()).await?;
        next = page.next;
        bodies.extend(page.entries.iter().map(|agent| agent_body(&state, agent)));
    }
    let entries: Result<Vec<Value>, ApiError> = bodies.iter().map(|body| narrowed(body, &query)).collect();
    Ok(BoxJson(AgentListBody {
        limit: u32::try_from(wanted.limit).unwrap_or(u32::MAX),
        next_marker: next.map(|place| place.marker()),
        prev_marker: None,
        entries: entries?,
    }))
}

/// `GET /2.0/ai_agents/{agent_id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<BoxJson<Value>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    if let Some(own) = find_box_agent(&id) {
        return narrowed(&own.body(), &query).map(BoxJson);
    }
    let id: AgentId = path_id(Thing::Agent, &id)?;
    let agent = state.store.agent(&principal, &id).await?;
    narrowed(&agent_body(&state, &agent), &query).map(BoxJson)
}

/// `PUT /2.0/ai_agents/{agent_id}`: what the body does not have is taken away.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<Value>, ApiError> {
    let id = changeable(&state, &principal, &id).await?;
    let request = read(&state, &body)?;
    let new = new_agent(&request);
    let changed = state.store.replace_agent(&principal, &id, new.clone()).await;
    let changed = changed.map_err(|error| name_entity(error, &new))?;
    state.agents_changed().notify_one();
    answer(&state, &changed, request.warnings)
}

/// `DELETE /2.0/ai_agents/{agent_id}`.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = changeable(&state, &principal, &id).await?;
    state.store.delete_agent(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id of an agent that the caller sees and may change.
async fn changeable(state: &AppState, principal: &Principal, id: &str) -> Result<AgentId, ApiError> {
    require_any(principal, &[Scope::AiReadwrite])?;
    if find_box_agent(id).is_some() {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "Box's own agents can't be changed or removed; make one of your own.",
        ));
    }
    let id: AgentId = path_id(Thing::Agent, id)?;
    // First whether it is there, so that nobody learns of agents that are not for him.
    state.store.agent(principal, &id).await?;
    require_manager(state, principal).await?;
    Ok(id)
}

/// Reads a body and refuses models that do not exist.
fn read(state: &AppState, body: &Value) -> Result<StudioAgent, ApiError> {
    let request = StudioAgent::read(body).map_err(ApiError::bad_request)?;
    let mut errors = Vec::new();
    let new = new_agent(&request);
    for capability in &new.capabilities {
        let tools = capability.settings.as_object().into_iter().flatten();
        for (tool, settings) in tools.filter(|(_, settings)| settings.is_object()) {
            let path = format!("{}.{tool}", capability.mode.as_str());
            if let Some(Err(error)) = settings["model"]
                .as_str()
                .map(|name| state.asker.knows_model(name))
            {
                errors.push(FieldError::new(
                    Reason::UnknownModel,
                    format!("{path}.model"),
                    error,
                ));
            }
        }
    }
    if errors.is_empty() {
        Ok(request)
    } else {
        Err(ApiError::bad_request(errors))
    }
}

/// Names the user or group that the store did not find.
fn name_entity(error: StoreError, agent: &NewAgent) -> ApiError {
    let (kind, id) = match &error {
        StoreError::NotFound {
            thing: Thing::User,
            id,
        } => (EntityKind::User, id),
        StoreError::NotFound {
            thing: Thing::Group,
            id,
        } => (EntityKind::Group, id),
        _ => return error.into(),
    };
    let mut entities = agent.allowed.iter();
    let place = entities.position(|entity| entity.kind == kind && entity.id == *id);
    let path = place.map_or_else(
        || "allowed_entities".to_owned(),
        |index| format!("allowed_entities[{index}].id"),
    );
    ApiError::field(
        Reason::NotFound,
        path,
        format!("names a {} that does not exist", kind.as_str()),
    )
}

fn answer(state: &AppState, agent: &Agent, warnings: Vec<String>) -> Result<BoxJson<Value>, ApiError> {
    let mut body = agent_body(state, agent);
    body.boxwood = (!warnings.is_empty()).then(|| json!({"warnings": warnings}));
    serde_json::to_value(body)
        .map(BoxJson)
        .map_err(ApiError::internal)
}

fn narrowed(body: &AgentBody, query: &Query) -> Result<Value, ApiError> {
    let selection = fields(query);
    if !selection.is_given() {
        return serde_json::to_value(body).map_err(ApiError::internal);
    }
    let mut value = selection.narrow(body, &[]).map_err(ApiError::internal)?;
    let whole = serde_json::to_value(body).map_err(ApiError::internal)?;
    for name in AgentBody::ALWAYS {
        value[name] = whole[name].clone();
    }
    Ok(value)
}

fn agent_body(state: &AppState, agent: &Agent) -> AgentBody {
    let user = |id: &boxwood_core::UserId| EntityBody {
        kind: "user",
        id: id.to_string(),
    };
    let shown = |mode: AgentMode| {
        let capability = agent.capability(mode)?;
        let shown = ShownCapability {
            mode,
            enabled: capability.enabled,
            settings: &capability.settings,
            suggested_questions: capability.suggested_questions.as_deref(),
        };
        Some(capability_body(shown, &|model| state.asker.is_inactive(model)))
    };
    AgentBody {
        id: agent.id.to_string(),
        kind: "ai_agent",
        origin: "CUSTOM",
        name: agent.name.clone(),
        access_state: agent.access.as_str(),
        created_by: Some(user(&agent.created_by)),
        created_at: Some(Moment(agent.created_at)),
        modified_by: Some(user(&agent.modified_by)),
        modified_at: Some(Moment(agent.modified_at)),
        icon_reference: agent.icon_reference.clone(),
        allowed_entities: agent.allowed.iter().map(EntityBody::from).collect(),
        ask: shown(AgentMode::Ask),
        text_gen: shown(AgentMode::TextGen),
        extract: shown(AgentMode::Extract),
        boxwood: None,
    }
}

/// Where a page begins: so many of Box's agents were shown, or the custom agents up to one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    OfBox(usize),
    After(AgentId),
}

impl Place {
    /// Opaque to clients; short and fit for a query.
    fn marker(&self) -> String {
        match self {
            Self::OfBox(shown) => format!("b{shown}"),
            Self::After(id) => format!("a{id}"),
        }
    }

    fn read(marker: &str) -> Option<Self> {
        if let Some(id) = marker.strip_prefix('a') {
            return id.parse().ok().map(Self::After);
        }
        let shown = marker.strip_prefix('b')?.parse().ok()?;
        (shown <= BOX_AGENTS.len()).then_some(Self::OfBox(shown))
    }

    fn box_agents(&self) -> usize {
        match self {
            Self::OfBox(shown) => *shown,
            Self::After(_) => BOX_AGENTS.len(),
        }
    }
}

/// What a listing asks for.
struct Wanted {
    modes: Vec<AgentMode>,
    states: Vec<AgentAccess>,
    with_box: bool,
    place: Place,
    limit: usize,
}

impl Wanted {
    fn read(query: &Query) -> Result<Self, ApiError> {
        let place = match query.text("marker") {
            None => Place::OfBox(0),
            Some(marker) => Place::read(marker)
                .ok_or_else(|| query.refuse("marker", "must be the `next_marker` of an earlier answer"))?,
        };
        let limit = query.number("limit", 1..=MOST)?.unwrap_or(DEFAULT_LIMIT);
        Ok(Self {
            modes: words(query, "mode", &AgentMode::TABLE)?,
            states: words(query, "agent_state", &AgentAccess::TABLE)?,
            with_box: query.flag("include_box_default")?.unwrap_or(false),
            place,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }

    /// Box's own agents that are still to be shown.
    fn box_agents(&self) -> Vec<AgentBody> {
        let enabled = self.states.is_empty() || self.states.contains(&AgentAccess::Enabled);
        if !self.with_box || !enabled {
            return Vec::new();
        }
        let fits =
            |modes: &[AgentMode]| self.modes.is_empty() || modes.iter().any(|mode| self.modes.contains(mode));
        let agents = BOX_AGENTS.iter().filter(|agent| fits(agent.modes));
        agents.skip(self.place.box_agents()).map(BoxAgent::body).collect()
    }
}

/// The words of a comma-separated list, each of a fixed set.
fn words<T: Copy>(query: &Query, name: &str, known: &[(&str, T)]) -> Result<Vec<T>, ApiError> {
    let read = |word: &str| {
        let row = known.iter().find(|(name, _)| *name == word);
        row.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            query.refuse(name, &format!("must hold only {}", names.join(", ")))
        })
    };
    query.list(name).into_iter().map(read).collect()
}

struct CustomAgents {
    entries: Vec<Agent>,
    next: Option<Place>,
}

async fn custom_agents(
    state: &AppState,
    principal: &Principal,
    wanted: &Wanted,
    limit: usize,
) -> Result<CustomAgents, ApiError> {
    let after = match &wanted.place {
        Place::After(id) => Some(id.clone()),
        Place::OfBox(_) => None,
    };
    if limit == 0 {
        // The page is full of Box's agents; the custom ones begin on the next.
        let next = Some(Place::OfBox(BOX_AGENTS.len()));
        return Ok(CustomAgents {
            entries: Vec::new(),
            next,
        });
    }
    let query = AgentQuery {
        modes: wanted.modes.clone(),
        states: wanted.states.clone(),
        after,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    };
    let page = state.store.agents(principal, query).await?;
    let next = page.entries.last().filter(|_| page.more);
    Ok(CustomAgents {
        next: next.map(|agent| Place::After(agent.id.clone())),
        entries: page.entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_again_and_nothing_else_is() {
        for place in [Place::OfBox(2), Place::After("12".parse().unwrap())] {
            assert_eq!(Place::read(&place.marker()), Some(place));
        }
        for marker in ["", "12", "ax", "b99", "b-1", "c1"] {
            assert_eq!(Place::read(marker), None, "{marker}");
        }
    }
}
