//! Answers that are kept: who sees them, how they are listed, when they go.

use super::{World, limited, refused};
use crate::{AnswerFile, AnswerOperation, AnswerQuery, File, ItemRef, NewAnswer, StoreError, Thing};
use boxwood_core::{Clock, Principal, Resource};
use serde_json::json;

const ALL: AnswerQuery = AnswerQuery {
    operation: None,
    file: None,
    user: None,
    from: None,
    to: None,
    after: None,
    limit: 10,
};

fn answer(world: &World, user: &Principal, operation: AnswerOperation, files: &[&File]) -> NewAnswer {
    NewAnswer {
        enterprise: user.enterprise_id.clone(),
        user: user.user_id.clone(),
        operation,
        agent: None,
        prompt_version: "abc".into(),
        files: files
            .iter()
            .map(|file| AnswerFile {
                id: file.id.clone(),
                version: file.version.id.clone(),
            })
            .collect(),
        request: json!({"prompt": "?"}),
        response: json!({"answer": "42"}),
        created_at: world.clock.now(),
    }
}

pub(crate) async fn answers_are_kept_listed_and_removed(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let (a, b) = (world.file("a.txt", b"1").await, world.file("b.txt", b"2").await);
    let early = world.clock.now();
    let first = answer(world, admin, AnswerOperation::Ask, &[&a, &b]);
    assert_eq!(store.keep_answers(std::slice::from_ref(&first)).await.unwrap(), 1);
    world.clock.advance(chrono::Duration::hours(1));
    let second = answer(world, admin, AnswerOperation::ExtractStructured, &[&b]);
    store.keep_answers(&[second]).await.unwrap();
    let all = store.answers(admin, &ALL).await.unwrap();
    assert_eq!((all.entries.len(), all.next), (2, None));
    let kept = &all.entries[1];
    assert_eq!(
        (&kept.files, &kept.request, &kept.response),
        (&first.files, &first.request, &first.response)
    );
    assert_eq!(kept.user.id, admin.user_id);
    let filtered = [
        (
            AnswerQuery {
                operation: Some(AnswerOperation::Ask),
                ..ALL
            },
            1,
        ),
        (
            AnswerQuery {
                operation: Some(AnswerOperation::Extract),
                ..ALL
            },
            0,
        ),
        (
            AnswerQuery {
                file: Some(a.id.clone()),
                ..ALL
            },
            1,
        ),
        (
            AnswerQuery {
                file: Some(b.id.clone()),
                ..ALL
            },
            2,
        ),
        (
            AnswerQuery {
                from: Some(world.clock.now()),
                ..ALL
            },
            1,
        ),
        (
            AnswerQuery {
                to: Some(early),
                ..ALL
            },
            0,
        ),
        (
            AnswerQuery {
                user: Some(admin.user_id.clone()),
                ..ALL
            },
            2,
        ),
    ];
    for (query, count) in filtered {
        assert_eq!(
            store.answers(admin, &query).await.unwrap().entries.len(),
            count,
            "{query:?}"
        );
    }
    let page = store
        .answers(admin, &AnswerQuery { limit: 1, ..ALL })
        .await
        .unwrap();
    let rest = store
        .answers(
            admin,
            &AnswerQuery {
                after: page.next,
                ..ALL
            },
        )
        .await
        .unwrap();
    assert_eq!((&rest.entries[..], rest.next), (&all.entries[1..], None));
    assert_eq!(&store.answer(admin, &kept.id).await.unwrap(), kept);
    store.remove_answer(admin, &kept.id).await.unwrap();
    refused!(
        store.answer(admin, &kept.id).await,
        StoreError::NotFound {
            thing: Thing::Answer,
            ..
        }
    );
}

pub(crate) async fn answers_are_ones_own_or_the_administrators(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let file = world.file("a.txt", b"1").await;
    let (user, other) = (world.user("user").await, world.user("other").await);
    store
        .keep_answers(&[
            answer(world, &user, AnswerOperation::Ask, &[&file]),
            answer(world, admin, AnswerOperation::Ask, &[&file]),
        ])
        .await
        .unwrap();
    for (who, count) in [(&user, 1), (&other, 0), (admin, 2)] {
        assert_eq!(store.answers(who, &ALL).await.unwrap().entries.len(), count);
    }
    let all = store.answers(admin, &ALL).await.unwrap().entries;
    let theirs = all.iter().find(|answer| answer.user.id == user.user_id).unwrap();
    store.answer(&user, &theirs.id).await.unwrap();
    refused!(
        store.answer(&other, &theirs.id).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.remove_answer(&other, &theirs.id).await,
        StoreError::NotFound { .. }
    );
    let narrow = limited(&user, Resource::File(file.id.clone()));
    assert!(store.answers(&narrow, &ALL).await.unwrap().entries.is_empty());
    refused!(
        store.answer(&narrow, &theirs.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn answers_go_with_their_file_and_with_time(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let folder = world.folder(&boxwood_core::FolderId::root(), "f").await;
    let inside = world.upload(admin, &folder.id, "a.txt", b"1").await;
    let outside = world.file("b.txt", b"2").await;
    let new = [
        answer(world, admin, AnswerOperation::Ask, &[&outside, &inside]),
        answer(world, admin, AnswerOperation::Ask, &[&outside]),
    ];
    store.keep_answers(&new).await.unwrap();
    store.trash_folder(admin, &folder.id, true, None).await.unwrap();
    assert_eq!(store.answers(admin, &ALL).await.unwrap().entries.len(), 2);
    store
        .purge_item(admin, &ItemRef::Folder(folder.id))
        .await
        .unwrap();
    assert_eq!(store.answers(admin, &ALL).await.unwrap().entries.len(), 1);
    assert_eq!(
        store.keep_answers(&new).await.unwrap(),
        1,
        "one of its files is gone"
    );
    world.clock.advance(chrono::Duration::days(29));
    store.sweep().await.unwrap();
    assert_eq!(store.answers(admin, &ALL).await.unwrap().entries.len(), 2);
    world.clock.advance(chrono::Duration::days(1));
    assert_eq!(store.sweep().await.unwrap().answers, 2);
    assert!(store.answers(admin, &ALL).await.unwrap().entries.is_empty());
}
