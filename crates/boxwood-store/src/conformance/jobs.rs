//! Parse jobs.

use super::{World, refused};
use crate::{CopyTarget, DOCUMENT, ItemRef, ParseLease, ParseOutcome, ParseState, ReadableFile, StoreError};
use boxwood_core::FolderId;
use bytes::Bytes;
use chrono::Duration;

const VERSION: u32 = 1;

async fn lease(world: &World) -> Option<ParseLease> {
    world
        .store
        .lease_parse_job(VERSION, Duration::minutes(2))
        .await
        .unwrap()
}

async fn readable(world: &World, name: &str, content: &[u8]) -> ReadableFile {
    let file = world.file(name, content).await;
    world
        .store
        .readable(&world.admin, &[file.id])
        .await
        .unwrap()
        .as_slice()[0]
        .clone()
}

async fn state(world: &World, file: &ReadableFile) -> Option<ParseState> {
    world
        .store
        .parse_state(&file.content_hash(), VERSION)
        .await
        .unwrap()
}

fn retry() -> ParseOutcome {
    ParseOutcome::Retry {
        code: "worker_crashed".into(),
        message: "it fell over".into(),
    }
}

pub(crate) async fn an_upload_queues_one_job_a_content(world: &World) {
    let file = readable(world, "a.txt", b"same").await;
    readable(world, "b.txt", b"same").await;
    let target = CopyTarget {
        parent: FolderId::root(),
        name: Some("c.txt".into()),
        version: None,
    };
    world
        .store
        .copy_file(&world.admin, file.id(), target)
        .await
        .unwrap();
    assert_eq!(state(world, &file).await, Some(ParseState::Queued));
    assert_eq!(
        world.store.parse_state(&file.content_hash(), 2).await.unwrap(),
        None
    );
    let leased = lease(world).await.unwrap();
    assert_eq!(
        (leased.file().content_hash(), leased.attempt()),
        (file.content_hash(), 1)
    );
    assert_eq!(
        tokio::fs::read(leased.file().local_copy().await.unwrap().path())
            .await
            .unwrap(),
        b"same"
    );
    assert_eq!(
        state(world, &file).await,
        Some(ParseState::Running { attempt: 1 })
    );
    assert!(lease(world).await.is_none());
    world
        .store
        .finish_parse_job(leased, ParseOutcome::Done)
        .await
        .unwrap();
    assert_eq!(state(world, &file).await, Some(ParseState::Done));
    readable(world, "d.txt", b"same").await;
    assert!(lease(world).await.is_none(), "known content is not parsed again");
}

pub(crate) async fn a_lease_that_ended_goes_to_the_next(world: &World) {
    readable(world, "a.txt", b"1").await;
    let first = lease(world).await.unwrap();
    world.clock.advance(Duration::minutes(1));
    let first = world
        .store
        .extend_parse_lease(&first, Duration::minutes(2))
        .await
        .unwrap();
    world.clock.advance(Duration::minutes(1));
    assert!(lease(world).await.is_none(), "it was extended");
    world.clock.advance(Duration::minutes(2));
    let second = lease(world).await.unwrap();
    assert_eq!((second.job(), second.attempt()), (first.job(), 2));
    refused!(
        world.store.extend_parse_lease(&first, Duration::minutes(2)).await,
        StoreError::LeaseLost { .. }
    );
}

pub(crate) async fn only_the_newest_lease_ends_a_job(world: &World) {
    let file = readable(world, "a.txt", b"1").await;
    let first = lease(world).await.unwrap();
    world.clock.advance(Duration::minutes(3));
    let second = lease(world).await.unwrap();
    refused!(
        world.store.finish_parse_job(first, ParseOutcome::Done).await,
        StoreError::LeaseLost { .. }
    );
    let refusal = ParseOutcome::Refused {
        code: "encrypted".into(),
        message: "it has a password".into(),
    };
    world
        .store
        .finish_parse_job(second.clone(), refusal)
        .await
        .unwrap();
    refused!(
        world.store.finish_parse_job(second, ParseOutcome::Done).await,
        StoreError::LeaseLost { .. }
    );
    let expected = ParseState::Refused {
        code: "encrypted".into(),
        message: "it has a password".into(),
    };
    assert_eq!(state(world, &file).await, Some(expected.clone()));
    assert_eq!(
        world.store.request_parse(&file, VERSION).await.unwrap(),
        expected,
        "a refusal stands"
    );
    assert_eq!(
        world.store.request_parse(&file, 2).await.unwrap(),
        ParseState::Queued,
        "for its version"
    );
}

pub(crate) async fn retries_end(world: &World) {
    let file = readable(world, "a.txt", b"1").await;
    for attempt in 1..=3 {
        let leased = lease(world).await.unwrap();
        assert_eq!(leased.attempt(), attempt);
        world.store.finish_parse_job(leased, retry()).await.unwrap();
    }
    assert!(lease(world).await.is_none());
    assert!(matches!(
        state(world, &file).await,
        Some(ParseState::Refused { .. })
    ));
}

pub(crate) async fn silent_workers_end_in_a_refusal(world: &World) {
    let file = readable(world, "a.txt", b"1").await;
    for _ in 0..3 {
        lease(world).await.unwrap();
        world.clock.advance(Duration::minutes(3));
    }
    assert!(lease(world).await.is_none());
    let Some(ParseState::Refused { code, .. }) = state(world, &file).await else {
        panic!("refused")
    };
    assert_eq!(code, "worker_crashed");
}

pub(crate) async fn a_requested_job_goes_first(world: &World) {
    let slow = readable(world, "slow.txt", b"1").await;
    let wanted = readable(world, "wanted.txt", b"2").await;
    assert_eq!(
        world.store.request_parse(&wanted, VERSION).await.unwrap(),
        ParseState::Queued
    );
    let leased = lease(world).await.unwrap();
    assert_eq!(leased.file().content_hash(), wanted.content_hash());
    let minutes = Duration::minutes(2);
    assert!(
        world
            .store
            .lease_parse_job_of(&wanted, VERSION, minutes)
            .await
            .unwrap()
            .is_none(),
        "it runs"
    );
    let in_place = world
        .store
        .lease_parse_job_of(&slow, VERSION, minutes)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(in_place.file().content_hash(), slow.content_hash());
    world
        .store
        .finish_parse_job(in_place, ParseOutcome::Done)
        .await
        .unwrap();
    world
        .store
        .finish_parse_job(leased, ParseOutcome::Done)
        .await
        .unwrap();
    let gone = world.file("gone.txt", b"3").await;
    world
        .store
        .trash_file(&world.admin, &gone.id, None)
        .await
        .unwrap();
    world
        .store
        .purge_item(&world.admin, &ItemRef::File(gone.id))
        .await
        .unwrap();
    assert!(lease(world).await.is_none(), "nobody has that content any more");
}

pub(crate) async fn a_lost_artifact_is_made_again(world: &World) {
    let file = readable(world, "a.txt", b"1").await;
    let leased = lease(world).await.unwrap();
    let hash = file.content_hash();
    world
        .store
        .put_artifact(&hash, DOCUMENT, VERSION, Bytes::from_static(b"parsed"))
        .await
        .unwrap();
    world
        .store
        .finish_parse_job(leased, ParseOutcome::Done)
        .await
        .unwrap();
    assert_eq!(
        world.store.request_parse(&file, VERSION).await.unwrap(),
        ParseState::Done
    );
    let other = readable(world, "b.txt", b"2").await;
    let leased = lease(world).await.unwrap();
    world
        .store
        .finish_parse_job(leased, ParseOutcome::Done)
        .await
        .unwrap();
    assert_eq!(
        world.store.request_parse(&other, VERSION).await.unwrap(),
        ParseState::Queued
    );
    assert_eq!(lease(world).await.unwrap().attempt(), 1);
}
