//! Folders, names, moves, copies, sums.

use super::{World, read, refused};
use crate::{
    CopyTarget, FileChange, FolderChange, Item, ItemQuery, NewFile, NewFolder, NewVersion, StoreError,
};
use boxwood_core::FolderId;

pub(crate) async fn a_folder_is_made_and_read(world: &World) {
    let root = world.store.folder(&world.admin, &FolderId::root()).await.unwrap();
    assert_eq!(
        (root.id.as_str(), root.name.as_str(), root.etag()),
        ("0", "All Files", None)
    );
    assert!(root.parent.is_none() && root.path.is_empty() && root.created_at.is_none());
    let made = world.folder(&root.id, "reports").await;
    let below = world.folder(&made.id, "2026").await;
    assert_eq!(world.store.folder(&world.admin, &below.id).await.unwrap(), below);
    assert_eq!(made.etag().as_deref(), Some("0"));
    assert!(made.id.as_str().len() >= 12, "ids look like Box's: {}", made.id);
    let path: Vec<&str> = below.path.iter().map(|folder| folder.name.as_str()).collect();
    assert_eq!(path, ["All Files", "reports"]);
    assert_eq!(
        below.parent.as_ref().map(|parent| parent.id.clone()),
        Some(made.id)
    );
    assert_eq!(below.owned_by.login, "ada@example.com");
}

pub(crate) async fn names_are_unique_in_a_folder(world: &World) {
    let folder = world.folder(&FolderId::root(), "Reports").await;
    let file = world.file("plan.txt", b"1").await;
    for (name, existing) in [("REPORTS", folder.id.as_str()), ("Plan.TXT", file.id.as_str())] {
        let made = world
            .store
            .create_folder(&world.admin, NewFolder::new(FolderId::root(), name))
            .await;
        refused!(made, StoreError::NameInUse { conflict } if conflict.id() == existing);
        let staged = world.stage(&world.admin, b"2").await;
        let made = world
            .store
            .create_file(&world.admin, NewFile::new(FolderId::root(), name), staged)
            .await;
        refused!(made, StoreError::NameInUse { conflict } if conflict.id() == existing);
    }
    world
        .upload(&world.admin, &folder.id, "plan.txt", b"another folder")
        .await;
    let change = FileChange {
        name: Some("reports".into()),
        ..FileChange::default()
    };
    let renamed = world.store.update_file(&world.admin, &file.id, change).await;
    refused!(renamed, StoreError::NameInUse { .. });
    let change = FileChange {
        name: Some("PLAN.txt".into()),
        ..FileChange::default()
    };
    let renamed = world
        .store
        .update_file(&world.admin, &file.id, change)
        .await
        .unwrap();
    assert_eq!(
        renamed.name, "PLAN.txt",
        "an item may take its own name in another case"
    );
}

pub(crate) async fn bad_names_are_refused(world: &World) {
    for name in ["", " ", ".", "..", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
        let made = world
            .store
            .create_folder(&world.admin, NewFolder::new(FolderId::root(), name))
            .await;
        refused!(made, StoreError::InvalidName { .. });
    }
}

pub(crate) async fn a_rename_changes_the_etag_once(world: &World) {
    let file = world.file("a.txt", b"1").await;
    let same = FileChange {
        name: Some("a.txt".into()),
        ..FileChange::default()
    };
    assert_eq!(
        world
            .store
            .update_file(&world.admin, &file.id, same)
            .await
            .unwrap()
            .etag(),
        "0"
    );
    let change = FileChange {
        name: Some("b.md".into()),
        description: Some("second".into()),
        tags: Some(vec!["x".into()]),
        ..FileChange::default()
    };
    let changed = world
        .store
        .update_file(&world.admin, &file.id, change)
        .await
        .unwrap();
    assert_eq!((changed.etag().as_str(), changed.extension()), ("1", "md"));
    assert_eq!(
        (changed.description.as_str(), changed.tags.as_slice()),
        ("second", &["x".to_owned()][..])
    );
    let folder = world.folder(&FolderId::root(), "f").await;
    let change = FolderChange {
        shared_link: Some(Some(serde_json::json!({"access": "open"}))),
        ..FolderChange::default()
    };
    let changed = world
        .store
        .update_folder(&world.admin, &folder.id, change)
        .await
        .unwrap();
    assert_eq!(changed.shared_link, Some(serde_json::json!({"access": "open"})));
    let change = FolderChange {
        shared_link: Some(None),
        ..FolderChange::default()
    };
    assert_eq!(
        world
            .store
            .update_folder(&world.admin, &folder.id, change)
            .await
            .unwrap()
            .shared_link,
        None
    );
}

pub(crate) async fn an_old_etag_is_refused(world: &World) {
    let file = world.file("a.txt", b"1").await;
    let change = |name: &str, etag: &str| FileChange {
        name: Some(name.into()),
        if_match: Some(etag.into()),
        ..FileChange::default()
    };
    world
        .store
        .update_file(&world.admin, &file.id, change("b.txt", "0"))
        .await
        .unwrap();
    let late = world
        .store
        .update_file(&world.admin, &file.id, change("c.txt", "\"0\""))
        .await;
    refused!(late, StoreError::PreconditionFailed { expected, found } if expected == "0" && found == "1");
    refused!(
        world.store.trash_file(&world.admin, &file.id, Some("0")).await,
        StoreError::PreconditionFailed { .. }
    );
    let staged = world.stage(&world.admin, b"2").await;
    let version = NewVersion {
        if_match: Some("7".into()),
        ..NewVersion::default()
    };
    let late = world
        .store
        .create_version(&world.admin, &file.id, version, staged)
        .await;
    refused!(late, StoreError::PreconditionFailed { .. });
    world
        .store
        .trash_file(&world.admin, &file.id, Some("1"))
        .await
        .unwrap();
}

pub(crate) async fn folders_move_with_everything_below(world: &World) {
    let from = world.folder(&FolderId::root(), "from").await;
    let to = world.folder(&FolderId::root(), "to").await;
    let moving = world.folder(&from.id, "moving").await;
    let file = world.upload(&world.admin, &moving.id, "a.txt", b"12345").await;
    world.folder(&to.id, "moving").await;
    let plain = FolderChange {
        parent: Some(to.id.clone()),
        ..FolderChange::default()
    };
    let blocked = world.store.update_folder(&world.admin, &moving.id, plain).await;
    refused!(blocked, StoreError::NameInUse { .. });
    let renamed = FolderChange {
        parent: Some(to.id.clone()),
        name: Some("moved".into()),
        ..FolderChange::default()
    };
    let moved = world
        .store
        .update_folder(&world.admin, &moving.id, renamed)
        .await
        .unwrap();
    assert_eq!(
        (moved.name.as_str(), moved.etag().as_deref()),
        ("moved", Some("1"))
    );
    let file = world.store.file(&world.admin, &file.id).await.unwrap();
    let path: Vec<&str> = file.path.iter().map(|folder| folder.name.as_str()).collect();
    assert_eq!(path, ["All Files", "to", "moved"]);
    assert_eq!(world.store.folder(&world.admin, &from.id).await.unwrap().size, 0);
    assert_eq!(world.store.folder(&world.admin, &to.id).await.unwrap().size, 5);
}

pub(crate) async fn a_folder_does_not_move_into_itself(world: &World) {
    let outer = world.folder(&FolderId::root(), "outer").await;
    let inner = world.folder(&outer.id, "inner").await;
    for target in [&outer.id, &inner.id] {
        let change = FolderChange {
            parent: Some(target.clone()),
            ..FolderChange::default()
        };
        let moved = world.store.update_folder(&world.admin, &outer.id, change).await;
        refused!(moved, StoreError::IntoItself { action: "moved", .. });
        let copy = CopyTarget {
            parent: target.clone(),
            name: Some("x".into()),
            version: None,
        };
        let copied = world.store.copy_folder(&world.admin, &outer.id, copy).await;
        refused!(copied, StoreError::IntoItself { action: "copied", .. });
    }
}

pub(crate) async fn the_root_stays(world: &World) {
    let root = FolderId::root();
    let folder = world.folder(&root, "f").await;
    let rename = FolderChange {
        name: Some("x".into()),
        ..FolderChange::default()
    };
    refused!(
        world.store.update_folder(&world.admin, &root, rename).await,
        StoreError::RootFolder { .. }
    );
    refused!(
        world.store.trash_folder(&world.admin, &root, true, None).await,
        StoreError::RootFolder { .. }
    );
    let copy = CopyTarget {
        parent: folder.id,
        name: None,
        version: None,
    };
    refused!(
        world.store.copy_folder(&world.admin, &root, copy).await,
        StoreError::RootFolder { .. }
    );
}

pub(crate) async fn copies_are_deep_and_share_content(world: &World) {
    let source = world.folder(&FolderId::root(), "source").await;
    let below = world.folder(&source.id, "below").await;
    let file = world.upload(&world.admin, &below.id, "a.txt", b"shared").await;
    let gone = world.upload(&world.admin, &below.id, "gone.txt", b"gone").await;
    world
        .store
        .trash_file(&world.admin, &gone.id, None)
        .await
        .unwrap();
    let target = CopyTarget {
        parent: FolderId::root(),
        name: Some("copy".into()),
        version: None,
    };
    let copy = world
        .store
        .copy_folder(&world.admin, &source.id, target.clone())
        .await
        .unwrap();
    assert_eq!((copy.name.as_str(), copy.size), ("copy", 6));
    refused!(
        world.store.copy_folder(&world.admin, &source.id, target).await,
        StoreError::NameInUse { .. }
    );
    let page = world
        .store
        .folder_items(&world.admin, &copy.id, ItemQuery::default())
        .await
        .unwrap();
    let Item::Folder(below_copy) = &page.entries[0] else {
        panic!("a folder")
    };
    let page = world
        .store
        .folder_items(&world.admin, &below_copy.id, ItemQuery::default())
        .await
        .unwrap();
    assert_eq!(page.total_count, 1, "what is in the trash is not copied");
    let Item::File(file_copy) = &page.entries[0] else {
        panic!("a file")
    };
    assert_ne!(file_copy.id, file.id);
    assert_eq!(file_copy.version.content_hash, file.version.content_hash);
    world
        .store
        .trash_folder(&world.admin, &source.id, true, None)
        .await
        .unwrap();
    let readable = world
        .store
        .readable(&world.admin, std::slice::from_ref(&file_copy.id))
        .await
        .unwrap();
    assert_eq!(
        read(readable.as_slice()[0].open(None).await.unwrap()).await,
        b"shared"
    );
}

pub(crate) async fn concurrent_creations_leave_one(world: &World) {
    let attempts = (0..16).map(|number| {
        let (store, admin) = (world.store.clone(), world.admin.clone());
        tokio::spawn(async move {
            let content = format!("content {number}");
            let staged = store
                .stage(&admin, Box::pin(std::io::Cursor::new(content)))
                .await?;
            let name = if number % 2 == 0 { "Same.txt" } else { "same.TXT" };
            store
                .create_file(&admin, NewFile::new(FolderId::root(), name), staged)
                .await
        })
    });
    let mut made = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => made += 1,
            Err(StoreError::NameInUse { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(made, 1);
}

pub(crate) async fn sizes_and_space_add_up(world: &World) {
    let space = || async { world.store.user(&world.admin.user_id).await.unwrap().space_used };
    let size = |id: FolderId| async move { world.store.folder(&world.admin, &id).await.unwrap().size };
    let outer = world.folder(&FolderId::root(), "outer").await;
    let inner = world.folder(&outer.id, "inner").await;
    let file = world.upload(&world.admin, &inner.id, "a", b"12345").await;
    let staged = world.stage(&world.admin, b"1234567").await;
    world
        .store
        .create_version(&world.admin, &file.id, NewVersion::default(), staged)
        .await
        .unwrap();
    assert_eq!((size(outer.id.clone()).await, space().await), (7, 12));
    let target = CopyTarget {
        parent: outer.id.clone(),
        name: None,
        version: None,
    };
    let copy = world
        .store
        .copy_file(&world.admin, &file.id, target)
        .await
        .unwrap();
    assert_eq!((size(FolderId::root()).await, space().await), (14, 19));
    world
        .store
        .trash_folder(&world.admin, &inner.id, true, None)
        .await
        .unwrap();
    assert_eq!((size(outer.id.clone()).await, space().await), (7, 19));
    let inner_ref = crate::ItemRef::Folder(inner.id.clone());
    world
        .store
        .restore_item(&world.admin, &inner_ref, None, None)
        .await
        .unwrap();
    assert_eq!((size(outer.id.clone()).await, space().await), (14, 19));
    world
        .store
        .trash_file(&world.admin, &copy.id, None)
        .await
        .unwrap();
    world
        .store
        .purge_item(&world.admin, &crate::ItemRef::File(copy.id))
        .await
        .unwrap();
    assert_eq!((size(outer.id.clone()).await, space().await), (7, 12));
}
