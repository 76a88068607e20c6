//! Parse jobs as rows.
//!
//! Invariant: `fence` grows with every lease, and only its newest holder may end the job.

use super::convert::{Doing, column, damaged, time, unsigned};
use super::{SqliteStore, commit, rows};
use crate::blob::ArtifactKey;
use crate::content::ReadableFile;
use crate::error::StoreError;
use crate::jobs::{DOCUMENT, ParseLease, ParseOutcome, ParseState};
use crate::store::JobStore;
use async_trait::async_trait;
use boxwood_core::{ContentHash, FileId, FileVersionId};
use chrono::Duration;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

/// After so many attempts that ended in [`ParseOutcome::Retry`] or in silence, a content is refused.
const MAX_ATTEMPTS: u32 = 3;

/// Queues the parsing of a content that a new version names, unless it is known.
pub(super) async fn enqueue(
    connection: &mut SqliteConnection,
    content: &ContentHash,
    version: u32,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO parse_jobs (content, version, state, created_at, modified_at) \
         VALUES (?1, ?2, 'queued', ?3, ?3) ON CONFLICT (content, version) DO NOTHING",
    )
    .bind(&content.0[..])
    .bind(version)
    .bind(now)
    .execute(connection)
    .await
    .doing("queue a parse job")?;
    Ok(())
}

/// Jobs that a process left running when it ended go back to the queue. Called when the store opens: no other process
/// has it.
pub(super) async fn requeue_abandoned(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE parse_jobs SET state = 'queued', leased_until = NULL WHERE state = 'running'")
        .execute(connection)
        .await
        .doing("queue abandoned parse jobs")?;
    Ok(())
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn parse_state(
        &self,
        content: &ContentHash,
        version: u32,
    ) -> Result<Option<ParseState>, StoreError> {
        let mut reading = self.read().await?;
        state(&mut reading, content, version).await
    }

    async fn request_parse(&self, file: &ReadableFile, version: u32) -> Result<ParseState, StoreError> {
        let content = file.content_hash();
        let key = ArtifactKey {
            content,
            kind: DOCUMENT.to_owned(),
            version,
        };
        let made = self.blobs.has_artifact(&key).await?;
        let known = self.parse_state(&content, version).await?;
        match known {
            Some(ParseState::Done) if made => return Ok(ParseState::Done),
            Some(refused @ ParseState::Refused { .. }) => return Ok(refused),
            Some(running @ ParseState::Running { .. }) => return Ok(running),
            _ => {}
        }
        let mut writing = self.write().await?;
        enqueue(&mut writing, &content, version, self.now()).await?;
        sqlx::query(
            "UPDATE parse_jobs SET priority = 1, modified_at = ?3, \
             attempt = CASE WHEN state = 'done' THEN 0 ELSE attempt END, \
             state = CASE WHEN state = 'done' THEN 'queued' ELSE state END \
             WHERE content = ?1 AND version = ?2",
        )
        .bind(&content.0[..])
        .bind(version)
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("ask for a parse job")?;
        let now_known = state(&mut writing, &content, version).await?;
        commit(writing).await?;
        now_known.ok_or_else(|| damaged("a parse job vanished"))
    }

    async fn lease_parse_job(
        &self,
        version: u32,
        lifetime: Duration,
    ) -> Result<Option<ParseLease>, StoreError> {
        let mut writing = self.write().await?;
        loop {
            let candidate: Option<i64> = sqlx::query_scalar(
                "SELECT id FROM parse_jobs WHERE version = ?1 AND state IN ('queued', 'running') \
                 AND (state = 'queued' OR leased_until <= ?2) ORDER BY priority DESC, id LIMIT 1",
            )
            .bind(version)
            .bind(self.now())
            .fetch_optional(&mut *writing)
            .await
            .doing("look for a parse job")?;
            let Some(job) = candidate else {
                commit(writing).await?;
                return Ok(None);
            };
            let Some(file) = self.file_of_job(&mut writing, job).await? else {
                continue;
            };
            if let Some(lease) = self.take(&mut writing, job, file, (version, lifetime)).await? {
                commit(writing).await?;
                return Ok(Some(lease));
            }
        }
    }

    async fn lease_parse_job_of(
        &self,
        file: &ReadableFile,
        version: u32,
        lifetime: Duration,
    ) -> Result<Option<ParseLease>, StoreError> {
        let mut writing = self.write().await?;
        let content = file.content_hash();
        enqueue(&mut writing, &content, version, self.now()).await?;
        let job: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM parse_jobs WHERE content = ?1 AND version = ?2 \
             AND (state = 'queued' OR (state = 'running' AND leased_until <= ?3))",
        )
        .bind(&content.0[..])
        .bind(version)
        .bind(self.now())
        .fetch_optional(&mut *writing)
        .await
        .doing("look for a parse job")?;
        let lease = match job {
            None => None,
            Some(job) => {
                self.take(&mut writing, job, file.clone(), (version, lifetime))
                    .await?
            }
        };
        commit(writing).await?;
        Ok(lease)
    }

    async fn extend_parse_lease(
        &self,
        lease: &ParseLease,
        lifetime: Duration,
    ) -> Result<ParseLease, StoreError> {
        let until = self.now().saturating_add(lifetime.num_milliseconds());
        let extended = sqlx::query(
            "UPDATE parse_jobs SET leased_until = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'running'",
        )
        .bind(super::convert::signed(lease.job, "job")?)
        .bind(super::convert::signed(lease.fence, "fence")?)
        .bind(until)
        .execute(&self.writer)
        .await
        .doing("extend a lease")?;
        if extended.rows_affected() == 0 {
            return Err(StoreError::LeaseLost { job: lease.job });
        }
        Ok(ParseLease {
            expires_at: time(until)?,
            ..lease.clone()
        })
    }

    async fn finish_parse_job(&self, lease: ParseLease, outcome: ParseOutcome) -> Result<(), StoreError> {
        let (state, code, message) = match outcome {
            ParseOutcome::Done => ("done", None, None),
            ParseOutcome::Refused { code, message } => ("refused", Some(code), Some(message)),
            ParseOutcome::Retry { code, message } if lease.attempt >= MAX_ATTEMPTS => {
                ("refused", Some(code), Some(message))
            }
            ParseOutcome::Retry { .. } => ("queued", None, None),
        };
        let finished = sqlx::query(
            "UPDATE parse_jobs SET state = ?3, code = ?4, message = ?5, leased_until = NULL, modified_at = ?6 \
             WHERE id = ?1 AND fence = ?2 AND state = 'running'",
        )
        .bind(super::convert::signed(lease.job, "job")?)
        .bind(super::convert::signed(lease.fence, "fence")?)
        .bind(state)
        .bind(code)
        .bind(message)
        .bind(self.now())
        .execute(&self.writer)
        .await
        .doing("end a parse job")?;
        if finished.rows_affected() == 0 {
            return Err(StoreError::LeaseLost { job: lease.job });
        }
        Ok(())
    }
}

impl SqliteStore {
    /// A file with the content of a job; removes the job of a content that no version names any more.
    async fn file_of_job(
        &self,
        connection: &mut SqliteConnection,
        job: i64,
    ) -> Result<Option<ReadableFile>, StoreError> {
        let row = sqlx::query(
            "SELECT versions.id, versions.file_id, versions.name, versions.content, versions.size \
             FROM parse_jobs JOIN versions ON versions.content = parse_jobs.content \
             WHERE parse_jobs.id = ?1 ORDER BY versions.id DESC LIMIT 1",
        )
        .bind(job)
        .fetch_optional(&mut *connection)
        .await
        .doing("find the content of a parse job")?;
        let Some(row) = row else {
            sqlx::query("DELETE FROM parse_jobs WHERE id = ?1")
                .bind(job)
                .execute(connection)
                .await
                .doing("remove a parse job")?;
            return Ok(None);
        };
        Ok(Some(ReadableFile::of_blob(
            Arc::clone(&self.blobs),
            FileId::from_number(unsigned(column(&row, "file_id")?)?),
            FileVersionId::from_number(unsigned(column(&row, "id")?)?),
            column(&row, "name")?,
            rows::content_hash(&row, "content")?,
            unsigned(column(&row, "size")?)?,
        )))
    }

    /// Takes a job. One whose workers fell silent too often is refused instead.
    async fn take(
        &self,
        connection: &mut SqliteConnection,
        job: i64,
        file: ReadableFile,
        (version, lifetime): (u32, Duration),
    ) -> Result<Option<ParseLease>, StoreError> {
        let now = self.now();
        let until = now.saturating_add(lifetime.num_milliseconds());
        let row = sqlx::query(
            "UPDATE parse_jobs SET attempt = attempt + 1, fence = fence + 1, modified_at = ?2, \
             leased_until = CASE WHEN attempt < ?4 THEN ?3 END, \
             state = CASE WHEN attempt < ?4 THEN 'running' ELSE 'refused' END, \
             code = CASE WHEN attempt < ?4 THEN NULL ELSE 'worker_crashed' END, \
             message = CASE WHEN attempt < ?4 THEN NULL ELSE 'the parser did not come back, several times' END \
             WHERE id = ?1 RETURNING attempt, fence, state = 'running' AS running",
        )
        .bind(job)
        .bind(now)
        .bind(until)
        .bind(MAX_ATTEMPTS)
        .fetch_one(connection)
        .await
        .doing("lease a parse job")?;
        if !column::<bool>(&row, "running")? {
            return Ok(None);
        }
        Ok(Some(ParseLease {
            job: unsigned(job)?,
            fence: unsigned(column(&row, "fence")?)?,
            attempt: column(&row, "attempt")?,
            version,
            expires_at: time(until)?,
            file,
        }))
    }
}

async fn state(
    connection: &mut SqliteConnection,
    content: &ContentHash,
    version: u32,
) -> Result<Option<ParseState>, StoreError> {
    let row = sqlx::query(
        "SELECT state, attempt, code, message FROM parse_jobs WHERE content = ?1 AND version = ?2",
    )
    .bind(&content.0[..])
    .bind(version)
    .fetch_optional(connection)
    .await
    .doing("read a parse job")?;
    row.as_ref().map(read_state).transpose()
}

fn read_state(row: &SqliteRow) -> Result<ParseState, StoreError> {
    match column::<&str>(row, "state")? {
        "queued" => Ok(ParseState::Queued),
        "running" => Ok(ParseState::Running {
            attempt: column(row, "attempt")?,
        }),
        "done" => Ok(ParseState::Done),
        "refused" => Ok(ParseState::Refused {
            code: column::<Option<String>>(row, "code")?.unwrap_or_default(),
            message: column::<Option<String>>(row, "message")?.unwrap_or_default(),
        }),
        _ => Err(damaged("a parse job in no state")),
    }
}
