//! Kept responses, as rows.
//!
//! Invariant: every statement that reaches a row names the user.

use super::SqliteStore;
use super::access::user_number;
use super::convert::{Doing, column, json, time, to_json};
use crate::error::{StoreError, Thing};
use crate::responses::KeptResponse;
use crate::store::ResponseStore;
use async_trait::async_trait;
use boxwood_core::Principal;
use serde_json::Value;

/// The user's number, unless the token is limited to an item.
fn user_of(principal: &Principal, id: &str) -> Result<i64, StoreError> {
    if principal.resource.is_some() {
        return Err(StoreError::not_found(Thing::Response, id));
    }
    user_number(principal)
}

#[async_trait]
impl ResponseStore for SqliteStore {
    async fn keep_response(&self, principal: &Principal, response: &KeptResponse) -> Result<(), StoreError> {
        let user = user_of(principal, &response.id)?;
        let mut writing = self.write_aside().await?;
        sqlx::query(
            "INSERT INTO responses (id, user_id, previous_id, input, object, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&response.id)
        .bind(user)
        .bind(&response.previous)
        .bind(to_json(&response.input)?)
        .bind(to_json(&response.object)?)
        .bind(response.created_at.timestamp_millis())
        .execute(&mut *writing)
        .await
        .doing("keep a response")?;
        writing.commit().await.doing("commit")
    }

    async fn update_response(
        &self,
        principal: &Principal,
        id: &str,
        object: &Value,
    ) -> Result<(), StoreError> {
        let user = user_of(principal, id)?;
        let mut writing = self.write_aside().await?;
        let changed = sqlx::query("UPDATE responses SET object = ?3 WHERE id = ?1 AND user_id = ?2")
            .bind(id)
            .bind(user)
            .bind(to_json(object)?)
            .execute(&mut *writing)
            .await
            .doing("change a response")?;
        writing.commit().await.doing("commit")?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found(Thing::Response, id));
        }
        Ok(())
    }

    async fn response(&self, principal: &Principal, id: &str) -> Result<KeptResponse, StoreError> {
        let user = user_of(principal, id)?;
        let mut reading = self.read().await?;
        let row = sqlx::query("SELECT * FROM responses WHERE id = ?1 AND user_id = ?2")
            .bind(id)
            .bind(user)
            .fetch_optional(&mut *reading)
            .await
            .doing("find a response")?
            .ok_or_else(|| StoreError::not_found(Thing::Response, id))?;
        Ok(KeptResponse {
            id: column(&row, "id")?,
            previous: column(&row, "previous_id")?,
            input: json(column(&row, "input")?)?,
            object: json(column(&row, "object")?)?,
            created_at: time(column(&row, "created_at")?)?,
        })
    }

    async fn remove_response(&self, principal: &Principal, id: &str) -> Result<(), StoreError> {
        let user = user_of(principal, id)?;
        let mut writing = self.write_aside().await?;
        let removed = sqlx::query("DELETE FROM responses WHERE id = ?1 AND user_id = ?2")
            .bind(id)
            .bind(user)
            .execute(&mut *writing)
            .await
            .doing("remove a response")?;
        writing.commit().await.doing("commit")?;
        if removed.rows_affected() == 0 {
            return Err(StoreError::not_found(Thing::Response, id));
        }
        Ok(())
    }
}

impl SqliteStore {
    /// Removes responses whose time is over; answers how many.
    pub(super) async fn sweep_responses(&self) -> Result<u64, StoreError> {
        let kept = self.options.response_retention.num_milliseconds();
        let before = self.now().saturating_sub(kept);
        let mut writing = self.write_aside().await?;
        let removed = sqlx::query("DELETE FROM responses WHERE created_at <= ?1")
            .bind(before)
            .execute(&mut *writing)
            .await
            .doing("remove old responses")?;
        writing.commit().await.doing("commit")?;
        Ok(removed.rows_affected())
    }
}
