//! Chunked uploads.

use super::{World, read, refused, sha1_hex, stream};
use crate::{
    DigestKind, NewUploadSession, PartRange, StoreError, Thing, UploadCommit, UploadPart, UploadSession,
    UploadTarget,
};
use boxwood_core::FolderId;
use chrono::Duration;

/// Two whole parts and a piece.
fn content() -> Vec<u8> {
    (0..20 * 1024 * 1024u32)
        .map(|number| (number % 251) as u8)
        .collect()
}

async fn open(world: &World, name: &str, size: usize) -> UploadSession {
    let target = UploadTarget::NewFile {
        parent: FolderId::root(),
        name: name.into(),
    };
    let session = NewUploadSession {
        target,
        size: size as u64,
    };
    world
        .store
        .create_upload_session(&world.admin, session)
        .await
        .unwrap()
}

async fn send(world: &World, session: &UploadSession, content: &[u8], part: usize) -> UploadPart {
    let size = session.part_size as usize;
    let bytes = &content[part * size..content.len().min((part + 1) * size)];
    let range = PartRange {
        offset: (part * size) as u64,
        size: bytes.len() as u64,
        total: content.len() as u64,
    };
    world
        .store
        .upload_part(&world.admin, &session.id, range, &sha1_hex(bytes), stream(bytes))
        .await
        .unwrap()
}

fn commit(content: &[u8], parts: Vec<UploadPart>) -> UploadCommit {
    UploadCommit {
        sha1: sha1_hex(content),
        parts,
        description: "chunked".into(),
        ..UploadCommit::default()
    }
}

pub(crate) async fn parts_become_a_file(world: &World) {
    let content = content();
    let session = open(world, "big.bin", content.len()).await;
    assert_eq!(
        (session.part_size, session.total_parts, session.parts_present),
        (8 << 20, 3, 0)
    );
    let mut parts = Vec::new();
    for number in [2, 0] {
        parts.push(send(world, &session, &content, number).await);
    }
    refused!(
        world.store.commit_upload(&world.admin, &session.id, commit(&content, Vec::new())).await,
        StoreError::MissingParts { present: 2, total: 3, first_missing } if first_missing == session.part_size
    );
    let third = send(world, &session, &content, 1).await;
    assert_eq!(
        send(world, &session, &content, 1).await,
        third,
        "the same part gives the same answer"
    );
    parts.push(third);
    let (listed, total) = world
        .store
        .upload_parts(&world.admin, &session.id, 1, 1)
        .await
        .unwrap();
    assert_eq!((listed[0].offset, total), (session.part_size, 3));
    assert_eq!(
        world
            .store
            .upload_session(&world.admin, &session.id)
            .await
            .unwrap()
            .parts_present,
        3
    );
    let file = world
        .store
        .commit_upload(&world.admin, &session.id, commit(&content, parts))
        .await
        .unwrap();
    assert_eq!(
        (file.name.as_str(), file.description.as_str()),
        ("big.bin", "chunked")
    );
    assert_eq!(
        (file.version.size, file.version.sha1.clone()),
        (content.len() as u64, sha1_hex(&content))
    );
    let stored = world
        .store
        .downloadable(&world.admin, &file.id, None)
        .await
        .unwrap();
    assert!(read(stored.open(None).await.unwrap()).await == content);
}

pub(crate) async fn parts_become_a_version(world: &World) {
    let file = world.file("a.bin", b"small").await;
    let target = UploadTarget::NewVersion {
        file: file.id.clone(),
        name: Some("b.bin".into()),
    };
    let session = NewUploadSession { target, size: 4 };
    let session = world
        .store
        .create_upload_session(&world.admin, session)
        .await
        .unwrap();
    send(world, &session, b"1234", 0).await;
    let old_etag = UploadCommit {
        if_match: Some("9".into()),
        ..commit(b"1234", Vec::new())
    };
    refused!(
        world
            .store
            .commit_upload(&world.admin, &session.id, old_etag)
            .await,
        StoreError::PreconditionFailed { .. }
    );
    let made = world
        .store
        .commit_upload(&world.admin, &session.id, commit(b"1234", Vec::new()))
        .await
        .unwrap();
    assert_eq!(
        (made.id, made.name.as_str(), made.version.number),
        (file.id, "b.bin", 2)
    );
}

pub(crate) async fn wrong_parts_are_refused(world: &World) {
    let session = open(world, "a.bin", 10).await;
    let part = |offset, size, total, sha1: &str, bytes: &'static [u8]| {
        let (range, sha1) = (PartRange { offset, size, total }, sha1.to_owned());
        let id = session.id.clone();
        async move {
            world
                .store
                .upload_part(&world.admin, &id, range, &sha1, stream(bytes))
                .await
        }
    };
    let good = b"0123456789";
    let sum = sha1_hex(good);
    for (offset, size, total) in [(0, 10, 11), (0, 9, 10), (1, 9, 10), (10, 1, 10), (1 << 40, 1, 10)] {
        refused!(
            part(offset, size, total, &sum, good).await,
            StoreError::PartOutOfPlace { .. }
        );
    }
    refused!(
        part(0, 10, 10, &sum, b"012345678").await,
        StoreError::SizeMismatch {
            expected: 10,
            found: 9
        }
    );
    refused!(
        part(0, 10, 10, &sum, b"0123456789a").await,
        StoreError::SizeMismatch { expected: 10, .. }
    );
    refused!(
        part(0, 10, 10, &sum, b"0123456780").await,
        StoreError::DigestMismatch {
            kind: DigestKind::Part,
            ..
        }
    );
    part(0, 10, 10, &sum, good).await.unwrap();
    refused!(
        part(0, 10, 10, &sha1_hex(b"9876543210"), b"9876543210").await,
        StoreError::PartOutOfPlace { .. }
    );
    let wrong = UploadCommit {
        sha1: sha1_hex(b"else"),
        ..UploadCommit::default()
    };
    refused!(
        world.store.commit_upload(&world.admin, &session.id, wrong).await,
        StoreError::DigestMismatch {
            kind: DigestKind::Whole,
            ..
        }
    );
    let mut claimed = world
        .store
        .upload_parts(&world.admin, &session.id, 0, 10)
        .await
        .unwrap()
        .0;
    claimed[0].part_id = "00000000".into();
    refused!(
        world
            .store
            .commit_upload(&world.admin, &session.id, commit(good, claimed))
            .await,
        StoreError::PartOutOfPlace { .. }
    );
    world
        .store
        .commit_upload(&world.admin, &session.id, commit(good, Vec::new()))
        .await
        .unwrap();
    let empty = UploadTarget::NewFile {
        parent: FolderId::root(),
        name: "empty".into(),
    };
    let empty = NewUploadSession {
        target: empty,
        size: 0,
    };
    refused!(
        world.store.create_upload_session(&world.admin, empty).await,
        StoreError::InvalidValue {
            field: "file_size",
            ..
        }
    );
}

pub(crate) async fn a_commit_can_be_repeated(world: &World) {
    let session = open(world, "a.bin", 4).await;
    send(world, &session, b"1234", 0).await;
    let first = world
        .store
        .commit_upload(&world.admin, &session.id, commit(b"1234", Vec::new()))
        .await
        .unwrap();
    let again = world
        .store
        .commit_upload(&world.admin, &session.id, commit(b"1234", Vec::new()))
        .await
        .unwrap();
    assert_eq!(first, again);
    world.store.abort_upload(&world.admin, &session.id).await.unwrap();
    let again = world
        .store
        .commit_upload(&world.admin, &session.id, commit(b"1234", Vec::new()))
        .await
        .unwrap();
    assert_eq!(first, again, "an abort after the commit changes nothing");
    refused!(
        world
            .store
            .commit_upload(&world.admin, &session.id, commit(b"4321", Vec::new()))
            .await,
        StoreError::DigestMismatch { .. }
    );
    refused!(
        world.store.upload_session(&world.admin, &session.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn a_session_belongs_to_its_user_and_ends(world: &World) {
    let session = open(world, "a.bin", 4).await;
    let other = world.user("other").await;
    let missing = |result| {
        refused!(
            result,
            StoreError::NotFound {
                thing: Thing::UploadSession,
                ..
            }
        )
    };
    missing(world.store.upload_session(&other, &session.id).await.map(drop));
    missing(
        world
            .store
            .commit_upload(&other, &session.id, commit(b"1234", Vec::new()))
            .await
            .map(drop),
    );
    missing(world.store.abort_upload(&other, &session.id).await);
    missing(
        world
            .store
            .upload_session(&world.admin, "../../etc")
            .await
            .map(drop),
    );
    send(world, &session, b"1234", 0).await;
    world.clock.advance(Duration::days(7));
    missing(
        world
            .store
            .upload_session(&world.admin, &session.id)
            .await
            .map(drop),
    );
    assert_eq!(world.store.sweep().await.unwrap().upload_sessions, 1);
}

pub(crate) async fn an_aborted_session_is_gone(world: &World) {
    let session = open(world, "a.bin", 4).await;
    send(world, &session, b"1234", 0).await;
    world.store.abort_upload(&world.admin, &session.id).await.unwrap();
    refused!(
        world.store.abort_upload(&world.admin, &session.id).await,
        StoreError::NotFound { .. }
    );
    refused!(
        world
            .store
            .commit_upload(&world.admin, &session.id, commit(b"1234", Vec::new()))
            .await,
        StoreError::NotFound { .. }
    );
    open(world, "a.bin", 4).await;
}
