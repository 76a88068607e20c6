//! Agents of AI Studio.
//!
//! Invariant: every statement that a principal reaches has the enterprise in it, and those that read also whether he
//! sees the agent: one expression, `usable!`, says who may use one.

use super::access::user_number;
use super::convert::{Doing, column, damaged, json, number, signed, time, to_json, unsigned};
use super::{SqliteStore, commit, tree};
use crate::agents::{Agent, AgentCapability, AgentPage, AgentQuery, NewAgent, UnsuggestedAgent};
use crate::error::{StoreError, Thing};
use crate::store::AgentStore;
use async_trait::async_trait;
use boxwood_core::{AgentAccess, AgentId, AgentMode, AllowedEntity, EntityKind, Principal, UserId};
use serde::Deserialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// `?1` user. Enabled, for everybody, for this one, or for a group of his.
macro_rules! usable {
    () => {
        "(ai_agents.access = 'enabled' OR (ai_agents.access = 'enabled_for_selected_users' AND EXISTS (\
           SELECT 1 FROM ai_agent_allowed AS allowed WHERE allowed.agent_id = ai_agents.id AND (\
             (allowed.kind = 'user' AND allowed.entity_id = ?1) OR (allowed.kind = 'group' AND EXISTS (\
               SELECT 1 FROM memberships WHERE group_id = allowed.entity_id AND user_id = ?1))))))"
    };
}

/// `?1` user, `?2` enterprise.
macro_rules! select_agents {
    ($tail:literal) => {
        concat!(
            "SELECT ai_agents.*, ",
            usable!(),
            " AS usable, \
             (SELECT json_group_array(json_object('mode', mode, 'enabled', enabled, 'settings', settings, \
               'suggested_questions', suggested_questions)) FROM ai_agent_capabilities \
               WHERE agent_id = ai_agents.id) AS capabilities, \
             (SELECT json_group_array(json_object('kind', kind, 'id', entity_id)) FROM \
               (SELECT kind, entity_id FROM ai_agent_allowed WHERE agent_id = ai_agents.id ORDER BY place)) AS allowed \
             FROM ai_agents WHERE ai_agents.enterprise_id = ?2 AND (",
            usable!(),
            " OR EXISTS (SELECT 1 FROM users WHERE users.id = ?1 \
               AND (users.role IN ('admin', 'coadmin') OR users.kind = 'service_account'))) ",
            $tail
        )
    };
}

#[async_trait]
impl AgentStore for SqliteStore {
    async fn create_agent(&self, principal: &Principal, agent: NewAgent) -> Result<Agent, StoreError> {
        let mut writing = self.write().await?;
        let id = tree::next_ids(&mut writing, 1).await?;
        let user = user_number(principal)?;
        sqlx::query(
            "INSERT INTO ai_agents (id, enterprise_id, name, access, icon_reference, created_by, created_at, \
             modified_by, modified_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?7)",
        )
        .bind(id)
        .bind(enterprise(principal)?)
        .bind(&agent.name)
        .bind(agent.access.as_str())
        .bind(&agent.icon_reference)
        .bind(user)
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("add an agent")?;
        add_parts(&mut writing, principal, id, &agent).await?;
        let made = find(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn agent(&self, principal: &Principal, id: &AgentId) -> Result<Agent, StoreError> {
        let mut reading = self.read().await?;
        find(&mut reading, principal, agent_number(id)?).await
    }

    async fn agents(&self, principal: &Principal, query: AgentQuery) -> Result<AgentPage, StoreError> {
        if !(1..=1_000).contains(&query.limit) {
            return Err(StoreError::InvalidValue {
                field: "limit",
                reason: "it must be from 1 to 1,000".to_owned(),
            });
        }
        let after = match &query.after {
            Some(id) => agent_number(id)?,
            None => 0,
        };
        let states: Vec<&str> = query.states.iter().map(|state| state.as_str()).collect();
        let modes: Vec<&str> = query.modes.iter().map(|mode| mode.as_str()).collect();
        let rows = sqlx::query(select_agents!(
            "AND ai_agents.id > ?3 \
             AND (?4 IS NULL OR ai_agents.access IN (SELECT value FROM json_each(?4))) \
             AND (?5 IS NULL OR EXISTS (SELECT 1 FROM ai_agent_capabilities WHERE agent_id = ai_agents.id \
               AND mode IN (SELECT value FROM json_each(?5)))) \
             ORDER BY ai_agents.id LIMIT ?6"
        ))
        .bind(user_number(principal)?)
        .bind(enterprise(principal)?)
        .bind(after)
        .bind(some_list(&states)?)
        .bind(some_list(&modes)?)
        .bind(i64::from(query.limit) + 1)
        .fetch_all(&self.readers)
        .await
        .doing("list agents")?;
        let limit = query.limit as usize;
        let entries: Result<Vec<Agent>, StoreError> = rows.iter().take(limit).map(agent).collect();
        Ok(AgentPage {
            entries: entries?,
            more: rows.len() > limit,
        })
    }

    async fn replace_agent(
        &self,
        principal: &Principal,
        id: &AgentId,
        agent: NewAgent,
    ) -> Result<Agent, StoreError> {
        let id = agent_number(id)?;
        let mut writing = self.write().await?;
        find(&mut writing, principal, id).await?;
        sqlx::query(
            "UPDATE ai_agents SET revision = revision + 1, name = ?2, access = ?3, icon_reference = ?4, \
             modified_by = ?5, modified_at = ?6 WHERE id = ?1",
        )
        .bind(id)
        .bind(&agent.name)
        .bind(agent.access.as_str())
        .bind(&agent.icon_reference)
        .bind(user_number(principal)?)
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("change an agent")?;
        remove_parts(&mut writing, id).await?;
        add_parts(&mut writing, principal, id, &agent).await?;
        let changed = find(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn delete_agent(&self, principal: &Principal, id: &AgentId) -> Result<(), StoreError> {
        let id = agent_number(id)?;
        let mut writing = self.write().await?;
        find(&mut writing, principal, id).await?;
        sqlx::query("DELETE FROM ai_agents WHERE id = ?1")
            .bind(id)
            .execute(&mut *writing)
            .await
            .doing("remove an agent")?;
        commit(writing).await
    }

    async fn unsuggested_agents(&self, limit: u32) -> Result<Vec<UnsuggestedAgent>, StoreError> {
        let rows = sqlx::query(
            "SELECT ai_agents.id, ai_agents.revision, ai_agents.name, capabilities.mode, capabilities.enabled, \
             capabilities.settings, capabilities.suggested_questions \
             FROM ai_agent_capabilities AS capabilities JOIN ai_agents ON ai_agents.id = capabilities.agent_id \
             WHERE capabilities.suggested_questions IS NULL ORDER BY capabilities.agent_id, capabilities.mode LIMIT ?1",
        )
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .doing("list agents without questions")?;
        rows.iter().map(unsuggested).collect()
    }

    async fn put_suggested_questions(
        &self,
        id: &AgentId,
        revision: u64,
        mode: AgentMode,
        questions: &[String],
    ) -> Result<bool, StoreError> {
        let mut writing = self.write().await?;
        let put = sqlx::query(
            "UPDATE ai_agent_capabilities SET suggested_questions = ?4 WHERE agent_id = ?1 AND mode = ?3 \
             AND suggested_questions IS NULL AND EXISTS (SELECT 1 FROM ai_agents WHERE id = ?1 AND revision = ?2)",
        )
        .bind(agent_number(id)?)
        .bind(signed(revision, "revision")?)
        .bind(mode.as_str())
        .bind(to_json(questions)?)
        .execute(&mut *writing)
        .await
        .doing("keep suggested questions")?;
        commit(writing).await?;
        Ok(put.rows_affected() > 0)
    }
}

fn agent_number(id: &AgentId) -> Result<i64, StoreError> {
    number(id.as_str(), Thing::Agent)
}

fn enterprise(principal: &Principal) -> Result<i64, StoreError> {
    number(principal.enterprise_id.as_str(), Thing::User)
}

/// A list for `json_each`; nothing where it is empty, which asks for everything.
fn some_list(names: &[&str]) -> Result<Option<String>, StoreError> {
    (!names.is_empty()).then(|| to_json(names)).transpose()
}

async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: i64,
) -> Result<Agent, StoreError> {
    let row = sqlx::query(select_agents!("AND ai_agents.id = ?3"))
        .bind(user_number(principal)?)
        .bind(enterprise(principal)?)
        .bind(id)
        .fetch_optional(connection)
        .await
        .doing("read an agent")?
        .ok_or_else(|| StoreError::not_found(Thing::Agent, id))?;
    agent(&row)
}

async fn remove_parts(connection: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM ai_agent_capabilities WHERE agent_id = ?1",
        "DELETE FROM ai_agent_allowed WHERE agent_id = ?1",
    ] {
        sqlx::query(statement)
            .bind(id)
            .execute(&mut *connection)
            .await
            .doing("remove parts of an agent")?;
    }
    Ok(())
}

async fn add_parts(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: i64,
    agent: &NewAgent,
) -> Result<(), StoreError> {
    for capability in &agent.capabilities {
        let questions = capability.suggested_questions.as_ref();
        sqlx::query(
            "INSERT INTO ai_agent_capabilities (agent_id, mode, enabled, settings, suggested_questions) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(capability.mode.as_str())
        .bind(capability.enabled)
        .bind(to_json(&capability.settings)?)
        .bind(questions.map(to_json).transpose()?)
        .execute(&mut *connection)
        .await
        .doing("add a capability")?;
    }
    for (place, entity) in (0_i64..).zip(&agent.allowed) {
        let entity_id = known_entity(connection, principal, entity).await?;
        sqlx::query(
            "INSERT INTO ai_agent_allowed (agent_id, place, kind, entity_id) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(id)
        .bind(place)
        .bind(entity.kind.as_str())
        .bind(entity_id)
        .execute(&mut *connection)
        .await
        .doing("allow an agent")?;
    }
    Ok(())
}

/// The number of a user or group of the principal's enterprise.
async fn known_entity(
    connection: &mut SqliteConnection,
    principal: &Principal,
    entity: &AllowedEntity,
) -> Result<i64, StoreError> {
    let (thing, statement) = match entity.kind {
        EntityKind::User => (
            Thing::User,
            "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND enterprise_id = ?2)",
        ),
        EntityKind::Group => (
            Thing::Group,
            "SELECT EXISTS (SELECT 1 FROM user_groups WHERE id = ?1 AND enterprise_id = ?2)",
        ),
    };
    let id = number(&entity.id, thing)?;
    let known: bool = sqlx::query_scalar(statement)
        .bind(id)
        .bind(enterprise(principal)?)
        .fetch_one(connection)
        .await
        .doing("look for who is allowed")?;
    known
        .then_some(id)
        .ok_or_else(|| StoreError::not_found(thing, &entity.id))
}

#[derive(Deserialize)]
struct CapabilityRow {
    mode: String,
    enabled: i64,
    settings: String,
    suggested_questions: Option<String>,
}

impl CapabilityRow {
    fn capability(self) -> Result<AgentCapability, StoreError> {
        Ok(AgentCapability {
            mode: AgentMode::parse(&self.mode).ok_or_else(|| damaged("an agent's mode"))?,
            enabled: self.enabled != 0,
            settings: json(&self.settings)?,
            suggested_questions: self.suggested_questions.as_deref().map(json).transpose()?,
        })
    }
}

#[derive(Deserialize)]
struct AllowedRow {
    kind: String,
    id: i64,
}

impl AllowedRow {
    fn entity(self) -> Result<AllowedEntity, StoreError> {
        Ok(AllowedEntity {
            kind: EntityKind::parse(&self.kind).ok_or_else(|| damaged("who may use an agent"))?,
            id: self.id.to_string(),
        })
    }
}

fn agent(row: &SqliteRow) -> Result<Agent, StoreError> {
    let capabilities: Vec<CapabilityRow> = json(column(row, "capabilities")?)?;
    let allowed: Vec<AllowedRow> = json(column(row, "allowed")?)?;
    Ok(Agent {
        id: AgentId::from_number(unsigned(column(row, "id")?)?),
        revision: unsigned(column(row, "revision")?)?,
        name: column(row, "name")?,
        access: AgentAccess::parse(column(row, "access")?).ok_or_else(|| damaged("an agent's access"))?,
        icon_reference: column(row, "icon_reference")?,
        allowed: allowed
            .into_iter()
            .map(AllowedRow::entity)
            .collect::<Result<_, _>>()?,
        capabilities: capabilities
            .into_iter()
            .map(CapabilityRow::capability)
            .collect::<Result<_, _>>()?,
        created_by: UserId::from_number(unsigned(column(row, "created_by")?)?),
        created_at: time(column(row, "created_at")?)?,
        modified_by: UserId::from_number(unsigned(column(row, "modified_by")?)?),
        modified_at: time(column(row, "modified_at")?)?,
        usable: column(row, "usable")?,
    })
}

fn unsuggested(row: &SqliteRow) -> Result<UnsuggestedAgent, StoreError> {
    let capability = CapabilityRow {
        mode: column(row, "mode")?,
        enabled: column(row, "enabled")?,
        settings: column(row, "settings")?,
        suggested_questions: column(row, "suggested_questions")?,
    };
    Ok(UnsuggestedAgent {
        id: AgentId::from_number(unsigned(column(row, "id")?)?),
        revision: unsigned(column(row, "revision")?)?,
        name: column(row, "name")?,
        capability: capability.capability()?,
    })
}
