//! Crashes, full disks, bounded memory.

use super::{clock, options};
use crate::conformance::{self, principal, stream};
use crate::error::StoreError;
use crate::sqlite::{SqliteStore, StoreOptions};
use crate::store::{ContentStore, FileStore, FolderStore, IdentityStore, JobStore, Store};
use crate::{File, ItemQuery, NewFile};
use boxwood_core::{FolderId, Principal};
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::AsyncReadExt;

/// Where a child process of a test works; set only for such children.
const CHILD_FOLDER: &str = "BOXWOOD_STORE_TEST_FOLDER";

async fn open(folder: &Path) -> (SqliteStore, Principal) {
    let store = SqliteStore::open(options(folder, clock())).await.unwrap();
    let admin = principal(&store.seed(conformance::seed()).await.unwrap().admin);
    (store, admin)
}

async fn upload(
    store: &SqliteStore,
    admin: &Principal,
    name: &str,
    content: &[u8],
) -> Result<File, StoreError> {
    let staged = store.stage(admin, stream(content)).await?;
    store
        .create_file(admin, NewFile::new(FolderId::root(), name), staged)
        .await
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found
}

/// Runs one ignored test of this file in a process of its own; `before` is shell that sets limits.
fn child(test: &str, folder: &Path, before: &str) -> std::process::Output {
    let program = std::env::current_exe().unwrap();
    let script = format!("{before}; exec \"$0\" --exact sqlite::tests::faults::{test} --ignored --nocapture");
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(program)
        .env(CHILD_FOLDER, folder)
        .output()
        .unwrap()
}

fn child_folder() -> PathBuf {
    std::env::var_os(CHILD_FOLDER)
        .map(PathBuf::from)
        .expect("run by its parent test only")
}

#[tokio::test]
#[ignore = "the child process of a_killed_process_leaves_whole_files_only"]
async fn child_uploads_until_it_is_killed() {
    let (store, admin) = open(&child_folder()).await;
    for number in 0.. {
        let content = format!("content {number} ").repeat(5000);
        upload(&store, &admin, &format!("{number}.txt"), content.as_bytes())
            .await
            .unwrap();
        println!("uploaded {number}");
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut killed = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sqlite::tests::faults::child_uploads_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD_FOLDER, folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(killed.stdout.take().unwrap());
    let told = std::io::BufRead::lines(output)
        .map_while(Result::ok)
        .filter(|line| line.starts_with("uploaded"));
    let acknowledged = told.take(20).count();
    killed.kill().unwrap();
    killed.wait().unwrap();
    // What a crash in the middle of a write leaves besides: a half-written file, and a blob whose row never came.
    std::fs::write(folder.path().join("temporary/half"), b"half").unwrap();
    std::fs::create_dir_all(folder.path().join("blobs/ff")).unwrap();
    std::fs::write(folder.path().join("blobs/ff").join("ff".repeat(32)), b"orphan").unwrap();
    let (store, admin) = open(folder.path()).await;
    assert!(files_below(&folder.path().join("temporary")).is_empty());
    let page = store
        .folder_items(
            &admin,
            &FolderId::root(),
            ItemQuery {
                limit: 1000,
                ..ItemQuery::default()
            },
        )
        .await
        .unwrap();
    assert!(
        page.entries.len() >= acknowledged,
        "every acknowledged upload is there"
    );
    let swept = store.sweep().await.unwrap();
    assert!(
        (1..=2).contains(&swept.blobs),
        "the orphan, and at most the upload that was cut off: {swept:?}"
    );
    assert_eq!(
        files_below(&folder.path().join("blobs")).len(),
        page.entries.len()
    );
    for item in &page.entries {
        let number = item.name().trim_end_matches(".txt");
        let content = store
            .downloadable(&admin, &item.id().parse().unwrap(), None)
            .await
            .unwrap();
        let expected = format!("content {number} ").repeat(5000);
        assert!(conformance::read(content.open(None).await.unwrap()).await == expected.as_bytes());
    }
}

#[tokio::test]
async fn a_job_that_was_running_is_taken_up_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (store, admin) = open(folder.path()).await;
    upload(&store, &admin, "a.txt", b"1").await.unwrap();
    let minutes = chrono::Duration::minutes(30);
    let lost = store.lease_parse_job(1, minutes).await.unwrap().unwrap();
    store.close().await;
    drop(store);
    let (store, _) = open(folder.path()).await;
    let taken = store.lease_parse_job(1, minutes).await.unwrap().unwrap();
    assert_eq!((taken.job(), taken.attempt()), (lost.job(), 2));
    let late = store.finish_parse_job(lost, crate::ParseOutcome::Done).await;
    assert!(matches!(late, Err(StoreError::LeaseLost { .. })));
}

#[tokio::test]
#[ignore = "the child process of a_full_disk_is_told_and_leaves_nothing"]
async fn child_meets_a_full_disk() {
    let folder = child_folder();
    let (store, admin) = open(&folder).await;
    let before = files_below(&folder.join("blobs")).len();
    let large = vec![7u8; 3 << 20];
    let refused = upload(&store, &admin, "large.bin", &large).await;
    assert!(matches!(refused, Err(StoreError::NoSpace { .. })), "{refused:?}");
    let hash = boxwood_core::ContentHash([1; 32]);
    let refused = store.put_artifact(&hash, "document", 1, large.into()).await;
    assert!(matches!(refused, Err(StoreError::NoSpace { .. })), "{refused:?}");
    assert!(files_below(&folder.join("temporary")).is_empty());
    assert_eq!(files_below(&folder.join("blobs")).len(), before);
    upload(&store, &admin, "small.txt", b"what fits still works")
        .await
        .unwrap();
    println!("child is done");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // 2 MiB a file (in 512-byte blocks); the signal is ignored, so that writing fails with an error.
    let output = child(
        "child_meets_a_full_disk",
        folder.path(),
        "trap '' XFSZ; ulimit -f 4096",
    );
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("child is done"),
        "{told}{:?}",
        output.stderr
    );
}

#[tokio::test]
async fn a_full_database_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, admin) = open(folder.path()).await;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&store.writer)
        .await
        .unwrap();
    let limit = format!("PRAGMA max_page_count = {}", pages + 1);
    sqlx::query(sqlx::AssertSqlSafe(limit))
        .execute(&store.writer)
        .await
        .unwrap();
    let mut made = 0;
    let refused = loop {
        let file = NewFile {
            description: "x".repeat(3000),
            ..NewFile::new(FolderId::root(), format!("{made}"))
        };
        let staged = store.stage(&admin, stream(b"same")).await.unwrap();
        match store.create_file(&admin, file, staged).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 1000, "it fills up");
    };
    assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused:?}");
    let root = store.folder(&admin, &FolderId::root()).await.unwrap();
    assert_eq!(root.size, made * 4, "the failed file left nothing");
    sqlx::query("PRAGMA max_page_count = 1000000")
        .execute(&store.writer)
        .await
        .unwrap();
    upload(&store, &admin, "after.txt", b"1").await.unwrap();
}

#[tokio::test]
async fn damage_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, admin) = open(folder.path()).await;
    let file = upload(&store, &admin, "a.txt", b"content").await.unwrap();
    let hash = file.version.content_hash;
    store
        .put_artifact(&hash, "document", 1, bytes::Bytes::from_static(b"parsed"))
        .await
        .unwrap();
    let artifact = files_below(&folder.path().join("artifacts")).remove(0);
    let mut bytes = std::fs::read(&artifact).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&artifact, bytes).unwrap();
    assert_eq!(store.artifact(&hash, "document", 1).await.unwrap(), None);
    assert!(!artifact.exists());
    std::fs::remove_file(files_below(&folder.path().join("blobs")).remove(0)).unwrap();
    let readable = store.readable(&admin, &[file.id]).await.unwrap();
    let opened = readable.as_slice()[0].open(None).await;
    assert!(matches!(opened.err(), Some(StoreError::Damaged { .. })));
}

/// Resident memory of this process that is not backed by files, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
#[ignore = "the child process of a_large_upload_takes_little_memory"]
async fn child_uploads_a_gigabyte() {
    let folder = child_folder();
    let options = StoreOptions {
        max_file_size: 2 << 30,
        ..options(&folder, clock())
    };
    let store = SqliteStore::open(options).await.unwrap();
    let admin = principal(&store.seed(conformance::seed()).await.unwrap().admin);
    let idle = resident();
    let watch = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let peak = watch.clone();
    std::thread::spawn(move || {
        loop {
            peak.fetch_max(resident(), std::sync::atomic::Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let started = std::time::Instant::now();
    let large = tokio::io::repeat(7).take(1 << 30);
    let staged = store.stage(&admin, Box::pin(large)).await.unwrap();
    store
        .create_file(&admin, NewFile::new(FolderId::root(), "large.bin"), staged)
        .await
        .unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let above = watch
        .load(std::sync::atomic::Ordering::Relaxed)
        .saturating_sub(idle);
    println!("1 GiB in {seconds:.1} s, {above} bytes above the idle {idle}");
    assert!(above < 16 << 20, "{above} bytes above idle");
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_upload_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let output = child("child_uploads_a_gigabyte", folder.path(), ":");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{told}");
}
