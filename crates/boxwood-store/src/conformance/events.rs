//! What happened: what is recorded, who reads it, in which order, for how long.

use super::{World, limited};
use crate::{
    CopyTarget, EventAbout, EventKind, EventQuery, EventSource, EventStream, FileChange, ItemRef, NewEvent,
    NewGroup, NewVersion, Role,
};
use boxwood_core::{Clock, FolderId, Principal, Resource};
use serde_json::{Map, json};

fn query(stream: EventStream, after: u64) -> EventQuery {
    EventQuery {
        stream,
        after,
        kinds: None,
        from: None,
        to: None,
        limit: 500,
    }
}

async fn kinds(world: &World, who: &Principal, stream: EventStream, after: u64) -> Vec<EventKind> {
    let found = world.store.events(who, &query(stream, after)).await.unwrap();
    found.into_iter().map(|event| event.kind).collect()
}

pub(crate) async fn changes_are_recorded_with_their_item(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(admin, &folder.id, "a.txt", b"1").await;
    let staged = world.stage(admin, b"2").await;
    store
        .create_version(admin, &file.id, NewVersion::default(), staged)
        .await
        .unwrap();
    let change = FileChange {
        name: Some("b.txt".into()),
        parent: Some(FolderId::root()),
        lock: Some(Some(json!({"access": "lock"}))),
        ..FileChange::default()
    };
    store.update_file(admin, &file.id, change).await.unwrap();
    let nothing = FileChange {
        name: Some("b.txt".into()),
        ..FileChange::default()
    };
    store.update_file(admin, &file.id, nothing).await.unwrap();
    let into = CopyTarget {
        parent: folder.id.clone(),
        name: None,
        version: None,
    };
    store.copy_file(admin, &file.id, into).await.unwrap();
    store.trash_file(admin, &file.id, None).await.unwrap();
    store
        .restore_item(admin, &ItemRef::File(file.id.clone()), None, None)
        .await
        .unwrap();
    let recorded = [
        EventKind::FolderCreate,
        EventKind::Upload,
        EventKind::Edit,
        EventKind::Move,
        EventKind::Rename,
        EventKind::Lock,
        EventKind::Copy,
        EventKind::Trash,
        EventKind::Restore,
    ];
    assert_eq!(kinds(world, admin, EventStream::User, 0).await, recorded);
    assert_eq!(kinds(world, admin, EventStream::Enterprise, 0).await, recorded);
    let changes: Vec<EventKind> = recorded.into_iter().filter(|kind| kind.row().changes).collect();
    assert_eq!(kinds(world, admin, EventStream::Changes, 0).await, changes);
    let events = store.events(admin, &query(EventStream::User, 0)).await.unwrap();
    assert_eq!(events[1].actor.login, "ada@example.com");
    assert_eq!(events[1].created_at, world.clock.now());
    let Some(EventSource::Item(item)) = &events[1].source else {
        panic!("{:?}", events[1])
    };
    assert_eq!((item.kind.as_str(), item.name.as_str()), ("file", "a.txt"));
    assert_eq!(item.parent.as_ref().map(|parent| parent.name.as_str()), Some("f"));
    assert_eq!(item.sha1.as_deref(), Some(super::sha1_hex(b"1").as_str()));
    let after = store
        .events(admin, &query(EventStream::User, events[6].position))
        .await
        .unwrap();
    assert_eq!(after, events[7..]);
    assert_eq!(
        store.last_event(admin, EventStream::User).await.unwrap(),
        events[8].position
    );
}

pub(crate) async fn a_stream_shows_what_its_user_reached(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let (user, stranger) = (world.user("other").await, world.user("stranger").await);
    let folder = world.folder(&FolderId::root(), "shared").await;
    let item = ItemRef::Folder(folder.id.clone());
    store
        .set_collaboration(admin, &item, &user.user_id, Role::Editor)
        .await
        .unwrap();
    let file = world.upload(&user, &folder.id, "a.txt", b"1").await;
    store
        .remove_collaboration(admin, &item, &user.user_id)
        .await
        .unwrap();
    store.trash_file(admin, &file.id, None).await.unwrap();
    assert_eq!(
        kinds(world, &user, EventStream::User, 0).await,
        [
            EventKind::CollaborationInvite,
            EventKind::Upload,
            EventKind::CollaborationRemove
        ]
    );
    assert_eq!(
        kinds(world, admin, EventStream::User, 0).await,
        [
            EventKind::FolderCreate,
            EventKind::CollaborationInvite,
            EventKind::Upload,
            EventKind::CollaborationRemove,
            EventKind::Trash
        ]
    );
    assert!(kinds(world, &stranger, EventStream::User, 0).await.is_empty());
    let narrow = limited(admin, Resource::Folder(folder.id.clone()));
    assert!(kinds(world, &narrow, EventStream::User, 0).await.is_empty());
    assert_eq!(store.last_event(&narrow, EventStream::User).await.unwrap(), 0);
    let events = store.events(&user, &query(EventStream::User, 0)).await.unwrap();
    assert_eq!(events[0].details["role"], "editor");
    assert_eq!(events[0].details["accessible_by"]["login"], "other@example.com");
}

pub(crate) async fn events_are_filtered_and_end(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let file = world.file("a.txt", b"1").await;
    store.create_group(admin, NewGroup::new("g")).await.unwrap();
    world.clock.advance(chrono::Duration::days(1));
    let event = |kind, about| NewEvent {
        enterprise: admin.enterprise_id.clone(),
        user: admin.user_id.clone(),
        kind,
        about,
        details: Map::from_iter([("model".to_owned(), json!("m"))]),
        created_at: world.clock.now(),
    };
    let gone = ItemRef::File("999999999999".parse().unwrap());
    store
        .record_events(&[
            event(EventKind::AiRequest, EventAbout::Nothing),
            event(
                EventKind::Download,
                EventAbout::Item(ItemRef::File(file.id.clone())),
            ),
            event(EventKind::Download, EventAbout::Item(gone)),
        ])
        .await
        .unwrap();
    let all = [
        EventKind::Upload,
        EventKind::GroupCreate,
        EventKind::AiRequest,
        EventKind::Download,
    ];
    assert_eq!(kinds(world, admin, EventStream::Enterprise, 0).await, all);
    assert_eq!(
        kinds(world, admin, EventStream::User, 0).await,
        [EventKind::Upload, EventKind::Download]
    );
    let filtered = |change: fn(&mut EventQuery), now: chrono::DateTime<chrono::Utc>| {
        let mut wanted = query(EventStream::Enterprise, 0);
        wanted.from = Some(now);
        change(&mut wanted);
        wanted
    };
    let now = world.clock.now();
    for (wanted, count) in [
        (filtered(|_| {}, now), 2),
        (
            filtered(|query| query.kinds = Some(vec![EventKind::AiRequest]), now),
            1,
        ),
        (filtered(|query| query.kinds = Some(Vec::new()), now), 0),
        (filtered(|query| query.limit = 1, now), 1),
        (filtered(|query| query.to = query.from.take(), now), 2),
    ] {
        assert_eq!(
            store.events(admin, &wanted).await.unwrap().len(),
            count,
            "{wanted:?}"
        );
    }
    let events = store
        .events(admin, &query(EventStream::Enterprise, 0))
        .await
        .unwrap();
    assert_eq!(events[2].details["model"], "m");
    world.clock.advance(chrono::Duration::days(364));
    assert_eq!(store.sweep().await.unwrap().events, 2);
    assert_eq!(kinds(world, admin, EventStream::Enterprise, 0).await, all[2..]);
    world.file("b.txt", b"1").await;
    let last = store.last_event(admin, EventStream::User).await.unwrap();
    assert!(last > events[3].position, "positions are not given twice");
}
