//! The contract over SQLite, and what is particular to a data folder: its lock, crashes, full disks, memory.

mod faults;
mod paging;

use super::{SqliteStore, StoreOptions};
use crate::conformance::{self, World};
use crate::error::StoreError;
use crate::store::{IdentityStore, Store};
use boxwood_core::{FixedClock, SystemIds};
use chrono::{DateTime, Utc};
use std::path::Path;
use std::sync::Arc;

conformance::suite!(crate::sqlite::tests::empty_world);

fn clock() -> Arc<FixedClock> {
    let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    Arc::new(FixedClock::new(start))
}

fn options(folder: &Path, clock: Arc<FixedClock>) -> StoreOptions {
    StoreOptions {
        max_file_size: 64 << 20,
        clock,
        ids: Arc::new(SystemIds),
        ..StoreOptions::new(folder)
    }
}

async fn empty_world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = SqliteStore::open(options(folder.path(), clock.clone()))
        .await
        .unwrap();
    World::new(Arc::new(store), clock, Box::new(folder)).await
}

#[tokio::test]
async fn a_data_folder_is_opened_by_one_process_and_again_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    let second = SqliteStore::open(options(folder.path(), clock())).await;
    let Err(StoreError::DataFolderInUse { owner, .. }) = second else {
        panic!("it is in use")
    };
    assert_eq!(owner, format!("process {}", std::process::id()));
    let seeded = store.seed(conformance::seed()).await.unwrap();
    store.close().await;
    drop(store);
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    assert_eq!(store.seed(conformance::seed()).await.unwrap(), seeded);
}

#[tokio::test]
async fn what_an_older_program_kept_is_found_after_opening() {
    use crate::jobs::{ParseOutcome, ParseState};
    use crate::search::SearchQuery;
    use crate::store::{ContentStore, FileStore, JobStore, SearchStore};

    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    let admin = conformance::principal(&store.seed(conformance::seed()).await.unwrap().admin);
    let staged = store.stage(&admin, conformance::stream(b"1")).await.unwrap();
    let new = crate::items::NewFile::new(boxwood_core::FolderId::root(), "report.txt");
    let file = store.create_file(&admin, new, staged).await.unwrap();
    let lease = store
        .lease_parse_job(1, chrono::Duration::hours(1))
        .await
        .unwrap()
        .unwrap();
    store.finish_parse_job(lease, ParseOutcome::Done).await.unwrap();
    sqlx::query("DELETE FROM item_words")
        .execute(&store.writer)
        .await
        .unwrap();
    let query = SearchQuery::of_words("report");
    assert_eq!(store.search(&admin, &query).await.unwrap().total_count, 0);
    store.close().await;
    drop(store);
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    assert_eq!(store.search(&admin, &query).await.unwrap().total_count, 1);
    let hash = file.version.content_hash;
    assert_eq!(
        store.parse_state(&hash, 1).await.unwrap(),
        Some(ParseState::Queued)
    );
    store.index_text(&hash, 1, "words").await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    sqlx::query("PRAGMA user_version = 99")
        .execute(&store.writer)
        .await
        .unwrap();
    store.close().await;
    drop(store);
    let reopened = SqliteStore::open(options(folder.path(), clock())).await;
    assert!(matches!(
        reopened,
        Err(StoreError::SchemaTooNew { found: 99, .. })
    ));
}

#[tokio::test]
async fn secrets_are_not_in_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    store.seed(conformance::seed()).await.unwrap();
    store.close().await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in ["test-secret", "test-developer-token"] {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", path.display());
            }
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_reads_the_data_folder() {
    use std::os::unix::fs::PermissionsExt;
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("data");
    let _store = SqliteStore::open(options(&folder, clock())).await.unwrap();
    assert_eq!(
        std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

/// The orders that lists use must not sort whole folders.
#[tokio::test]
async fn listing_by_name_walks_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(folder.path(), clock())).await.unwrap();
    store.seed(conformance::seed()).await.unwrap();
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(
        "EXPLAIN QUERY PLAN SELECT id FROM items WHERE parent_id = ?1 AND trashed_at IS NULL \
         AND (kind, name_key, id) > (?2, ?3, ?4) ORDER BY kind, name_key, id LIMIT 10",
    )
    .fetch_all(&store.readers)
    .await
    .unwrap();
    assert!(
        plan.iter().any(|step| step.3.contains("items_by_parent")),
        "{plan:?}"
    );
    assert!(
        !plan.iter().any(|step| step.3.contains("TEMP B-TREE")),
        "{plan:?}"
    );
}
