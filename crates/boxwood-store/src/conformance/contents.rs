//! Contents, artifacts, sweeping.

use super::{World, read, refused, stream};
use crate::{ItemRef, OwnFile, ReadableFiles, StoreError};
use boxwood_core::ContentHash;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

pub(crate) async fn content_is_handed_out_whole_and_in_ranges(world: &World) {
    let content: Vec<u8> = (0..700_000u32).map(|number| (number % 253) as u8).collect();
    let file = world.file("a.bin", &content).await;
    let empty = world.file("empty", b"").await;
    let ids = [empty.id.clone(), file.id.clone(), empty.id.clone()];
    let files = world.store.readable(&world.admin, &ids).await.unwrap();
    assert_eq!(files.len(), 2, "a repeated id counts once");
    assert_eq!(
        (files.as_slice()[0].id(), files.as_slice()[1].id()),
        (&empty.id, &file.id)
    );
    let big = &files.as_slice()[1];
    assert_eq!(
        (big.name(), big.size(), big.version_id()),
        ("a.bin", 700_000, &file.version.id)
    );
    assert_eq!(big.content_hash(), ContentHash(Sha256::digest(&content).into()));
    assert!(read(big.open(None).await.unwrap()).await == content);
    for (start, end) in [
        (0, 1),
        (5, 300_000),
        (699_999, 700_000),
        (600_000, 900_000),
        (800_000, 900_000),
        (9, 3),
    ] {
        let bytes = read(big.open(Some(start..end)).await.unwrap()).await;
        let (from, to) = (start.min(700_000) as usize, end.min(700_000) as usize);
        assert!(bytes == content[from..to.max(from)], "{start}..{end}");
    }
    assert!(
        read(files.as_slice()[0].open(None).await.unwrap())
            .await
            .is_empty()
    );
}

pub(crate) async fn own_files_are_read_in_place(_: &World) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.txt");
    std::fs::write(&path, b"mine").unwrap();
    let own = OwnFile {
        path: path.clone(),
        name: "x.txt".into(),
    };
    let files = ReadableFiles::of_own_files(vec![own.clone()]).await.unwrap();
    let file = &files.as_slice()[0];
    assert_eq!((file.id().as_str(), file.name(), file.size()), ("1", "x.txt", 4));
    assert_eq!(file.local_copy().await.unwrap().path(), path);
    assert_eq!(read(file.open(Some(1..3)).await.unwrap()).await, b"in");
    let missing = OwnFile {
        path: folder.path().join("none"),
        ..own
    };
    refused!(
        ReadableFiles::of_own_files(vec![missing]).await,
        StoreError::Io { .. }
    );
}

pub(crate) async fn artifacts_are_kept_by_content_kind_and_version(world: &World) {
    let store = &world.store;
    let (one, two) = (ContentHash([1; 32]), ContentHash([2; 32]));
    store
        .put_artifact(&one, "document", 1, Bytes::from_static(b"first"))
        .await
        .unwrap();
    store
        .put_artifact(&one, "document", 2, Bytes::from_static(b""))
        .await
        .unwrap();
    store
        .put_artifact(&one, "chunks-en", 1, Bytes::from_static(b"chunks"))
        .await
        .unwrap();
    store
        .put_artifact(&one, "document", 1, Bytes::from_static(b"replaced"))
        .await
        .unwrap();
    for (hash, kind, version, expected) in [
        (&one, "document", 1, Some("replaced")),
        (&one, "document", 2, Some("")),
        (&one, "document", 3, None),
        (&one, "chunks-en", 1, Some("chunks")),
        (&two, "document", 1, None),
    ] {
        let found = store.artifact(hash, kind, version).await.unwrap();
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{kind} {version}");
    }
    refused!(
        store.artifact(&one, "../x", 1).await,
        StoreError::InvalidValue { field: "kind", .. }
    );
}

pub(crate) async fn equal_content_is_kept_once_and_swept_last(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let first = world.file("a.txt", b"same").await;
    let second = world.file("b.txt", b"same").await;
    store
        .put_artifact(
            &first.version.content_hash,
            "document",
            1,
            Bytes::from_static(b"x"),
        )
        .await
        .unwrap();
    let purge = |file: crate::File| async move {
        store.trash_file(admin, &file.id, None).await.unwrap();
        store.purge_item(admin, &ItemRef::File(file.id)).await.unwrap();
    };
    purge(first.clone()).await;
    assert_eq!(store.sweep().await.unwrap().blobs, 0, "the other file has it");
    store
        .readable(admin, std::slice::from_ref(&second.id))
        .await
        .unwrap();
    purge(second).await;
    let staged = world.stage(admin, b"same").await;
    assert_eq!(
        store.sweep().await.unwrap().blobs,
        0,
        "an upload is about to use it"
    );
    drop(staged);
    let swept = store.sweep().await.unwrap();
    assert_eq!((swept.blobs, swept.bytes), (1, 4));
    assert_eq!(
        store
            .artifact(&first.version.content_hash, "document", 1)
            .await
            .unwrap(),
        None
    );
    world.file("c.txt", b"same").await;
}

/// Gives some bytes and then fails, as a client does that goes away.
struct Broken(usize);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        let count = self.0.min(buffer.remaining());
        buffer.put_slice(&vec![b'x'; count]);
        self.0 -= count;
        Poll::Ready(Ok(()))
    }
}

pub(crate) async fn what_is_too_large_or_breaks_off_leaves_nothing(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    refused!(
        store.stage(admin, Box::pin(Broken(1_000_000))).await,
        StoreError::Source { .. }
    );
    // The stores of this suite take files of at most 64 MiB.
    let large = tokio::io::AsyncReadExt::take(tokio::io::repeat(0), (64 << 20) + 1);
    refused!(store.stage(admin, Box::pin(large)).await, StoreError::TooLarge { limit } if limit == 64 << 20);
    assert_eq!(store.sweep().await.unwrap().blobs, 0);
    drop(store.stage(admin, stream(b"never used")).await.unwrap());
    assert_eq!(store.sweep().await.unwrap().blobs, 1);
}

pub(crate) async fn health_is_told(world: &World) {
    world.store.health().await.unwrap();
    world.store.close().await;
    refused!(world.store.health().await, StoreError::Database { .. });
}
