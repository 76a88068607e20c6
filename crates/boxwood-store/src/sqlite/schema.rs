//! The tables, and how an older data folder gets them.
//!
//! Invariant: a migration that was released is never changed; each runs in one transaction with the step of
//! `user_version`, so a crash leaves either the old schema or the new one.

use super::convert::Doing;
use crate::error::StoreError;
use sqlx::sqlite::SqlitePool;

/// One a schema version, in the order in which they came (a file's number only names it).
const MIGRATIONS: [&str; 10] = [
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0004_groups.sql"),
    include_str!("migrations/0006_answers.sql"),
    include_str!("migrations/0005_events.sql"),
    include_str!("migrations/0007_search.sql"),
    include_str!("migrations/0002_metadata.sql"),
    include_str!("migrations/0003_agents.sql"),
    include_str!("migrations/0008_cascades.sql"),
    include_str!("migrations/0101_usage.sql"),
    include_str!("migrations/0110_responses.sql"),
];

/// The statements that set `user_version`; SQLite takes no bind parameter there.
const SET_VERSION: [&str; 10] = [
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 2",
    "PRAGMA user_version = 3",
    "PRAGMA user_version = 4",
    "PRAGMA user_version = 5",
    "PRAGMA user_version = 6",
    "PRAGMA user_version = 7",
    "PRAGMA user_version = 8",
    "PRAGMA user_version = 9",
    "PRAGMA user_version = 10",
];

/// Brings the database to the newest schema.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(writer)
        .await
        .doing("read the schema")?;
    if found > known {
        return Err(StoreError::SchemaTooNew { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (migration, set_version) in MIGRATIONS.iter().zip(SET_VERSION).skip(done) {
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .doing("begin a migration")?;
        sqlx::raw_sql(*migration)
            .execute(&mut *transaction)
            .await
            .doing("migrate")?;
        sqlx::raw_sql(set_version)
            .execute(&mut *transaction)
            .await
            .doing("set the schema version")?;
        transaction.commit().await.doing("commit a migration")?;
    }
    Ok(())
}
