//! Health, sweeping and closing: the joined trait.
//!
//! Invariant: a content is removed only by one who holds the right to (see `blob::Pins`) and has seen, after getting it,
//! that no version names the content.

use super::convert::Doing;
use super::{SqliteStore, commit, index};
use crate::error::StoreError;
use crate::store::{Store, SweepReport};
use async_trait::async_trait;
use boxwood_core::ContentHash;

/// How long ended tokens stay, so that their holders are told "expired" and not "unknown".
const KEEP_ENDED_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

#[async_trait]
impl Store for SqliteStore {
    async fn health(&self) -> Result<(), StoreError> {
        let _: i64 = sqlx::query_scalar("SELECT next FROM counters WHERE name = 'id'")
            .fetch_one(&self.readers)
            .await
            .doing("answer")?;
        self.blobs.health().await
    }

    async fn sweep(&self) -> Result<SweepReport, StoreError> {
        let mut report = SweepReport {
            upload_sessions: self.sweep_uploads().await?,
            tokens: self.sweep_tokens().await?,
            answers: self.sweep_answers().await?,
            responses: self.sweep_responses().await?,
            events: self.sweep_events().await?,
            usage: self.sweep_usage().await?,
            ..SweepReport::default()
        };
        for first_byte in 0..=u8::MAX {
            for (hash, size) in self.blobs.list(first_byte).await? {
                if self.remove_orphan(&hash).await? {
                    report.blobs += 1;
                    report.bytes = report.bytes.saturating_add(size);
                }
            }
        }
        Ok(report)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl SqliteStore {
    async fn is_named(&self, hash: &ContentHash) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM versions WHERE content = ?1)")
            .bind(&hash.0[..])
            .fetch_one(&self.readers)
            .await
            .doing("look for a content")
    }

    async fn remove_orphan(&self, hash: &ContentHash) -> Result<bool, StoreError> {
        if self.is_named(hash).await? {
            return Ok(false);
        }
        let Some(removal) = self.blobs.begin_removal(hash) else {
            return Ok(false);
        };
        // Again: a version may have been committed, and its pin dropped, since the first look.
        if self.is_named(hash).await? {
            return Ok(false);
        }
        self.blobs.remove(removal).await?;
        let mut writing = self.write().await?;
        sqlx::query("DELETE FROM parse_jobs WHERE content = ?1 AND state <> 'running'")
            .bind(&hash.0[..])
            .execute(&mut *writing)
            .await
            .doing("remove parse jobs")?;
        index::forget_content(&mut writing, hash).await?;
        commit(writing).await?;
        Ok(true)
    }

    /// Ends sessions whose time is over, and removes parts of sessions that no row names.
    async fn sweep_uploads(&self) -> Result<u64, StoreError> {
        let ended = sqlx::query("DELETE FROM upload_sessions WHERE expires_at <= ?1")
            .bind(self.now())
            .execute(&self.writer)
            .await
            .doing("end upload sessions")?;
        for session in self.blobs.sessions().await? {
            let open: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT 1 FROM upload_sessions WHERE id = ?1 AND committed_file IS NULL)",
            )
            .bind(&session)
            .fetch_one(&self.readers)
            .await
            .doing("look for an upload session")?;
            if !open {
                self.blobs.remove_session(&session).await?;
            }
        }
        Ok(ended.rows_affected())
    }

    async fn sweep_tokens(&self) -> Result<u64, StoreError> {
        let before = self.now().saturating_sub(KEEP_ENDED_MILLISECONDS);
        let mut writing = self.write().await?;
        let mut removed = 0;
        for statement in [
            "DELETE FROM access_tokens WHERE expires_at <= ?1",
            "DELETE FROM refresh_tokens WHERE expires_at <= ?1",
            "DELETE FROM authorization_codes WHERE expires_at <= ?1",
            "DELETE FROM jwt_ids WHERE expires_at <= ?1",
        ] {
            let ended = sqlx::query(statement).bind(before).execute(&mut *writing).await;
            removed += ended.doing("remove ended tokens")?.rows_affected();
        }
        commit(writing).await?;
        Ok(removed)
    }
}
