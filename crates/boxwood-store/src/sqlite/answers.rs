//! Answers that are kept, as rows.
//!
//! Invariant: every statement that hands an answer out holds the condition of [`visible!`].

use super::access::user_number;
use super::convert::{Doing, column, damaged, json, number, time, to_json, unsigned};
use super::groups::enterprise_number;
use super::{SqliteStore, rows, tree};
use crate::answers::{AnswerFile, AnswerOperation, AnswerPage, AnswerQuery, KeptAnswer, NewAnswer};
use crate::error::{StoreError, Thing};
use crate::store::AnswerStore;
use async_trait::async_trait;
use boxwood_core::{AnswerId, FileId, FileVersionId, Principal};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// A condition on `answers`: `?1` is the enterprise, `?2` the user. A principal who is limited to an item never comes
/// so far.
macro_rules! visible {
    () => {
        "answers.enterprise_id = ?1 AND (answers.user_id = ?2 OR EXISTS (SELECT 1 FROM users AS asking \
         WHERE asking.id = ?2 AND asking.enterprise_id = ?1 AND (asking.role <> 'user' \
         OR asking.kind = 'service_account')))"
    };
}

macro_rules! select_answers {
    ($tail:literal) => {
        concat!(
            "SELECT answers.*, users.id AS us_id, users.name AS us_name, users.login AS us_login FROM answers \
             JOIN users ON users.id = answers.user_id WHERE ",
            visible!(),
            $tail
        )
    };
}

#[async_trait]
impl AnswerStore for SqliteStore {
    async fn keep_answers(&self, answers: &[NewAnswer]) -> Result<usize, StoreError> {
        let mut writing = self.write_aside().await?;
        let mut kept = 0;
        for answer in answers {
            kept += usize::from(keep(&mut writing, answer).await?);
        }
        writing.commit().await.doing("commit")?;
        Ok(kept)
    }

    async fn answers(&self, principal: &Principal, query: &AnswerQuery) -> Result<AnswerPage, StoreError> {
        if principal.resource.is_some() {
            return Ok(AnswerPage {
                entries: Vec::new(),
                next: None,
            });
        }
        let mut reading = self.read().await?;
        let mut found = sqlx::query(select_answers!(
            " AND (?3 IS NULL OR answers.operation = ?3) \
             AND (?4 IS NULL OR answers.id IN (SELECT answer_id FROM answer_files WHERE file_id = ?4)) \
             AND (?5 IS NULL OR answers.user_id = ?5) AND (?6 IS NULL OR answers.created_at >= ?6) \
             AND (?7 IS NULL OR answers.created_at < ?7) AND (?8 IS NULL OR answers.id < ?8) \
             ORDER BY answers.id DESC LIMIT ?9"
        ))
        .bind(enterprise_number(principal)?)
        .bind(user_number(principal)?)
        .bind(query.operation.map(AnswerOperation::as_str))
        .bind(optional_number(query.file.as_ref().map(FileId::as_str)))
        .bind(optional_number(
            query.user.as_ref().map(boxwood_core::UserId::as_str),
        ))
        .bind(query.from.map(|from| from.timestamp_millis()))
        .bind(query.to.map(|to| to.timestamp_millis()))
        .bind(optional_number(query.after.as_ref().map(AnswerId::as_str)))
        .bind(i64::from(query.limit) + 1)
        .fetch_all(&mut *reading)
        .await
        .doing("list answers")?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let mut entries = Vec::with_capacity(found.len());
        for row in &found {
            entries.push(answer(&mut reading, row).await?);
        }
        let next = entries.last().filter(|_| more).map(|last| last.id.clone());
        Ok(AnswerPage { entries, next })
    }

    async fn answer(&self, principal: &Principal, id: &AnswerId) -> Result<KeptAnswer, StoreError> {
        let mut reading = self.read().await?;
        let row = find(&mut reading, principal, id).await?;
        answer(&mut reading, &row).await
    }

    async fn remove_answer(&self, principal: &Principal, id: &AnswerId) -> Result<(), StoreError> {
        let mut writing = self.write_aside().await?;
        find(&mut writing, principal, id).await?;
        sqlx::query("DELETE FROM answers WHERE id = ?1")
            .bind(number(id.as_str(), Thing::Answer)?)
            .execute(&mut *writing)
            .await
            .doing("remove an answer")?;
        writing.commit().await.doing("commit")
    }
}

/// An id of a filter; what no row can have is a number that no row has.
fn optional_number(id: Option<&str>) -> Option<i64> {
    id.map(|id| id.parse().unwrap_or(-1))
}

async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &AnswerId,
) -> Result<SqliteRow, StoreError> {
    let missing = || StoreError::not_found(Thing::Answer, id);
    if principal.resource.is_some() {
        return Err(missing());
    }
    sqlx::query(select_answers!(" AND answers.id = ?3"))
        .bind(enterprise_number(principal)?)
        .bind(user_number(principal)?)
        .bind(number(id.as_str(), Thing::Answer)?)
        .fetch_optional(connection)
        .await
        .doing("find an answer")?
        .ok_or_else(missing)
}

/// Writes an answer, unless its user or one of its files is gone.
async fn keep(connection: &mut SqliteConnection, new: &NewAnswer) -> Result<bool, StoreError> {
    let user = number(new.user.as_str(), Thing::User)?;
    let files: Vec<i64> = new
        .files
        .iter()
        .map(|file| number(file.id.as_str(), Thing::File))
        .collect::<Result<_, _>>()?;
    let all_there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1) AND NOT EXISTS (SELECT 1 FROM json_each(?2) AS wanted \
         WHERE NOT EXISTS (SELECT 1 FROM items WHERE items.id = wanted.value))",
    )
    .bind(user)
    .bind(to_json(&files)?)
    .fetch_one(&mut *connection)
    .await
    .doing("look for an answer's files")?;
    if !all_there {
        return Ok(false);
    }
    let id = tree::next_ids(connection, 1).await?;
    sqlx::query(
        "INSERT INTO answers (id, enterprise_id, user_id, operation, agent, prompt_version, request, response, \
         created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(id)
    .bind(number(new.enterprise.as_str(), Thing::User)?)
    .bind(user)
    .bind(new.operation.as_str())
    .bind(&new.agent)
    .bind(&new.prompt_version)
    .bind(to_json(&new.request)?)
    .bind(to_json(&new.response)?)
    .bind(new.created_at.timestamp_millis())
    .execute(&mut *connection)
    .await
    .doing("keep an answer")?;
    for (place, file) in (0i64..).zip(&new.files) {
        sqlx::query(
            "INSERT INTO answer_files (answer_id, place, file_id, version_id) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(id)
        .bind(place)
        .bind(number(file.id.as_str(), Thing::File)?)
        .bind(number(file.version.as_str(), Thing::FileVersion)?)
        .execute(&mut *connection)
        .await
        .doing("keep an answer's files")?;
    }
    Ok(true)
}

async fn answer(connection: &mut SqliteConnection, row: &SqliteRow) -> Result<KeptAnswer, StoreError> {
    let id: i64 = column(row, "id")?;
    let files =
        sqlx::query("SELECT file_id, version_id FROM answer_files WHERE answer_id = ?1 ORDER BY place")
            .bind(id)
            .fetch_all(connection)
            .await
            .doing("read an answer's files")?;
    let files = files.iter().map(|file| {
        Ok(AnswerFile {
            id: FileId::from_number(unsigned(column(file, "file_id")?)?),
            version: FileVersionId::from_number(unsigned(column(file, "version_id")?)?),
        })
    });
    Ok(KeptAnswer {
        id: AnswerId::from_number(unsigned(id)?),
        user: rows::user(row, "us")?,
        operation: AnswerOperation::parse(column(row, "operation")?)
            .ok_or_else(|| damaged("an answer's operation"))?,
        agent: column(row, "agent")?,
        prompt_version: column(row, "prompt_version")?,
        files: files.collect::<Result<_, StoreError>>()?,
        request: json(column(row, "request")?)?,
        response: json(column(row, "response")?)?,
        created_at: time(column(row, "created_at")?)?,
    })
}

/// Removes the answers about files below an item that is purged.
pub(super) async fn remove_of_files(connection: &mut SqliteConnection, item: i64) -> Result<(), StoreError> {
    sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         DELETE FROM answers WHERE id IN (SELECT answer_id FROM answer_files WHERE file_id IN (SELECT id FROM below))",
    )
    .bind(item)
    .execute(connection)
    .await
    .doing("remove answers about a file")?;
    Ok(())
}

impl SqliteStore {
    /// Removes answers whose time is over; answers how many.
    pub(super) async fn sweep_answers(&self) -> Result<u64, StoreError> {
        let before = self
            .now()
            .saturating_sub(self.options.answer_retention.num_milliseconds());
        let mut writing = self.write_aside().await?;
        let removed = sqlx::query("DELETE FROM answers WHERE created_at <= ?1")
            .bind(before)
            .execute(&mut *writing)
            .await
            .doing("remove old answers")?;
        writing.commit().await.doing("commit")?;
        Ok(removed.rows_affected())
    }
}
