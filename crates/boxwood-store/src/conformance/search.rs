//! Search: what is found, by whom, in which order, and what is never told.

use super::{World, limited, refused};
use crate::{
    Between, FileChange, Folder, FolderChange, Item, ItemKind, ItemRef, Role, SearchFields, SearchOrder,
    SearchQuery, StoreError, TrashSearch,
};
use boxwood_core::{Clock, FolderId, Principal, Resource};

async fn found(world: &World, who: &Principal, query: &SearchQuery) -> Vec<String> {
    let page = world.store.search(who, query).await.unwrap();
    assert_eq!(
        page.total_count,
        u64::try_from(page.entries.len()).unwrap(),
        "{query:?}"
    );
    page.entries.iter().map(|item| item.name().to_owned()).collect()
}

async fn words(world: &World, who: &Principal, text: &str) -> Vec<String> {
    let mut names = found(world, who, &SearchQuery::of_words(text)).await;
    names.sort();
    names
}

/// Uploads a file and indexes this text as its content.
async fn read(world: &World, folder: &FolderId, name: &str, text: &str) -> crate::File {
    let file = world.upload(&world.admin, folder, name, text.as_bytes()).await;
    world
        .store
        .index_text(&file.version.content_hash, 1, text)
        .await
        .unwrap();
    file
}

pub(crate) async fn names_descriptions_and_texts_are_found(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let root = FolderId::root();
    read(
        world,
        &root,
        "Marketing plan.txt",
        "The budget of BoxWorks is large. Blue-Box.",
    )
    .await;
    let contract = read(world, &root, "契約書.txt", "この契約書は東京で署名された。").await;
    read(world, &root, "계약.txt", "서울에서 계약서에 서명했다").await;
    let folder = world.folder(&root, "Contracts 2026").await;
    let change = FolderChange {
        description: Some("Signed in Tokyo".into()),
        tags: Some(vec!["legal".into()]),
        ..FolderChange::default()
    };
    store.update_folder(admin, &folder.id, change).await.unwrap();
    for (text, names) in [
        ("marketing", vec!["Marketing plan.txt"]),
        ("contr", vec!["Contracts 2026"]),
        ("\"contr\"", vec![]),
        ("budget", vec!["Marketing plan.txt"]),
        ("\"blue box\"", vec!["Marketing plan.txt"]),
        ("\"box blue\"", vec![]),
        ("tokyo", vec!["Contracts 2026"]),
        ("legal", vec!["Contracts 2026"]),
        ("marketing AND boxworks", vec!["Marketing plan.txt"]),
        ("marketing AND NOT boxworks", vec![]),
        ("tokyo 契約書", vec!["Contracts 2026", "契約書.txt"]),
        ("東京", vec!["契約書.txt"]),
        ("京東", vec![]),
        ("署", vec!["契約書.txt"]),
        ("서울", vec!["계약.txt"]),
        ("txt AND NOT marketing", vec!["契約書.txt", "계약.txt"]),
        ("?!", vec![]),
    ] {
        assert_eq!(words(world, admin, text).await, names, "{text}");
    }
    let only = |name, content| SearchQuery {
        fields: SearchFields {
            name,
            description: false,
            tags: false,
            content,
        },
        ..SearchQuery::of_words("契約")
    };
    assert_eq!(found(world, admin, &only(true, false)).await, ["契約書.txt"]);
    assert_eq!(found(world, admin, &only(false, true)).await, ["契約書.txt"]);
    let rename = FileChange {
        name: Some("agreement.txt".into()),
        ..FileChange::default()
    };
    store.update_file(admin, &contract.id, rename).await.unwrap();
    assert_eq!(
        found(world, admin, &only(true, false)).await,
        Vec::<String>::new()
    );
    assert_eq!(words(world, admin, "agreement").await, ["agreement.txt"]);
}

pub(crate) async fn a_search_tells_nothing_of_others_items(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let user = world.user("other").await;
    let folder = world.folder(&FolderId::root(), "secret plans").await;
    let file = read(world, &folder.id, "secret.txt", "the secret words").await;
    assert!(words(world, &user, "secret").await.is_empty());
    assert_eq!(
        words(world, admin, "secret").await,
        ["secret plans", "secret.txt"]
    );
    let item = ItemRef::Folder(folder.id.clone());
    store
        .set_collaboration(admin, &item, &user.user_id, Role::Uploader)
        .await
        .unwrap();
    let text = SearchQuery {
        fields: SearchFields {
            name: false,
            ..SearchFields::ALL
        },
        ..SearchQuery::of_words("secret")
    };
    assert!(
        found(world, &user, &text).await.is_empty(),
        "an uploader reads no contents"
    );
    store
        .set_collaboration(admin, &item, &user.user_id, Role::Previewer)
        .await
        .unwrap();
    assert_eq!(found(world, &user, &text).await, ["secret.txt"]);
    let page = store
        .search(&user, &SearchQuery::of_words("secret"))
        .await
        .unwrap();
    let Some(Item::File(shown)) = page.entries.iter().find(|item| item.kind() == ItemKind::File) else {
        panic!("{page:?}")
    };
    assert!(!shown.permissions.can_download);
    store
        .remove_collaboration(admin, &item, &user.user_id)
        .await
        .unwrap();
    assert!(words(world, &user, "secret").await.is_empty());
    let narrow = limited(admin, Resource::File(file.id.clone()));
    assert_eq!(words(world, &narrow, "secret").await, ["secret.txt"]);
    let below = limited(admin, Resource::Folder(folder.id));
    assert_eq!(
        words(world, &below, "secret").await,
        ["secret plans", "secret.txt"]
    );
}

pub(crate) async fn filters_narrow_a_search(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let root = FolderId::root();
    let outer: Folder = world.folder(&root, "report outer").await;
    let inner = world.folder(&outer.id, "report inner").await;
    let early = world.clock.now();
    world.upload(admin, &inner.id, "report.PDF", b"12345").await;
    world.clock.advance(chrono::Duration::hours(1));
    world.upload(admin, &root, "report.txt", b"1").await;
    let all = SearchQuery::of_words("report");
    let none = SearchQuery {
        words: None,
        ..all.clone()
    };
    for (query, names) in [
        (
            SearchQuery {
                kind: Some(ItemKind::Folder),
                ..all.clone()
            },
            vec!["report inner", "report outer"],
        ),
        (
            SearchQuery {
                extensions: vec!["pdf".into()],
                ..all.clone()
            },
            vec!["report.PDF"],
        ),
        (
            SearchQuery {
                below: vec![outer.id.clone()],
                ..all.clone()
            },
            vec!["report inner", "report.PDF"],
        ),
        (
            SearchQuery {
                below: vec![root.clone()],
                extensions: vec!["txt".into()],
                ..all.clone()
            },
            vec!["report.txt"],
        ),
        (
            SearchQuery {
                kind: Some(ItemKind::File),
                size: Between {
                    least: Some(2),
                    most: None,
                },
                ..all.clone()
            },
            vec!["report.PDF"],
        ),
        (
            SearchQuery {
                modified: Between {
                    least: None,
                    most: Some(early),
                },
                kind: Some(ItemKind::File),
                ..none.clone()
            },
            vec!["report.PDF"],
        ),
        (
            SearchQuery {
                created: Between {
                    least: Some(world.clock.now()),
                    most: None,
                },
                ..none.clone()
            },
            vec!["report.txt"],
        ),
        (
            SearchQuery {
                owners: vec!["7".parse().unwrap()],
                ..all.clone()
            },
            vec![],
        ),
        (
            SearchQuery {
                only: Some(Vec::new()),
                ..none.clone()
            },
            vec![],
        ),
    ] {
        let mut names_found = found(world, admin, &query).await;
        names_found.sort();
        assert_eq!(names_found, names, "{query:?}");
    }
    let user = world.user("other").await;
    refused!(
        store
            .search(
                &user,
                &SearchQuery {
                    below: vec![outer.id.clone()],
                    ..all.clone()
                }
            )
            .await,
        StoreError::NotFound { .. }
    );
    store.trash_folder(admin, &outer.id, true, None).await.unwrap();
    assert_eq!(words(world, admin, "report").await, ["report.txt"]);
    let trash = SearchQuery {
        trash: TrashSearch::Only,
        ..all.clone()
    };
    assert_eq!(found(world, admin, &trash).await.len(), 3);
    store.purge_item(admin, &ItemRef::Folder(outer.id)).await.unwrap();
    assert!(found(world, admin, &trash).await.is_empty());
}

pub(crate) async fn hits_are_ordered_and_paged(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let root = FolderId::root();
    read(world, &root, "a.txt", "turbine").await;
    world.clock.advance(chrono::Duration::hours(1));
    read(world, &root, "turbine.txt", "turbine").await;
    world.clock.advance(chrono::Duration::hours(1));
    read(
        world,
        &root,
        "b.txt",
        &format!("turbine {}", "other words ".repeat(100)),
    )
    .await;
    let query = |order| SearchQuery {
        order,
        ..SearchQuery::of_words("turbine")
    };
    let names = found(world, admin, &query(SearchOrder::Relevance)).await;
    assert_eq!(names[0], "turbine.txt", "a name counts more than a text");
    assert_eq!(
        found(world, admin, &query(SearchOrder::NewestFirst)).await,
        ["b.txt", "turbine.txt", "a.txt"]
    );
    assert_eq!(
        found(world, admin, &query(SearchOrder::OldestFirst)).await,
        ["a.txt", "turbine.txt", "b.txt"]
    );
    let second = SearchQuery {
        offset: 1,
        limit: 1,
        ..query(SearchOrder::OldestFirst)
    };
    let page = store.search(admin, &second).await.unwrap();
    assert_eq!(
        (page.total_count, page.entries.len(), page.entries[0].name()),
        (3, 1, "turbine.txt")
    );
}

pub(crate) async fn a_text_is_indexed_once_and_goes_with_its_content(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let file = read(world, &FolderId::root(), "a.txt", "old words").await;
    let hash = file.version.content_hash;
    store
        .index_text(&hash, 1, "ignored: this version was indexed")
        .await
        .unwrap();
    assert!(words(world, admin, "ignored").await.is_empty());
    store.index_text(&hash, 2, "new words").await.unwrap();
    assert_eq!(
        (
            words(world, admin, "old").await.len(),
            words(world, admin, "new").await.len()
        ),
        (0, 1)
    );
    let staged = world.stage(admin, b"second").await;
    store
        .create_version(admin, &file.id, crate::NewVersion::default(), staged)
        .await
        .unwrap();
    assert!(
        words(world, admin, "new").await.is_empty(),
        "only the current version counts"
    );
    let long = "filler ".repeat(100_000) + "needle";
    let copy = read(world, &FolderId::root(), "long.txt", &long).await;
    assert_eq!(words(world, admin, "needle AND filler").await, ["long.txt"]);
    store.trash_file(admin, &copy.id, None).await.unwrap();
    store.purge_item(admin, &ItemRef::File(copy.id)).await.unwrap();
    store.sweep().await.unwrap();
    assert!(words(world, admin, "needle").await.is_empty());
}
