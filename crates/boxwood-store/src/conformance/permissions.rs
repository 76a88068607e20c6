//! Who reaches what.

use super::{World, limited, refused};
use crate::{
    CopyTarget, FileChange, Item, ItemQuery, ItemRef, NewFile, NewFolder, NewUploadSession, Role, StoreError,
    Thing, UploadTarget,
};
use boxwood_core::{FolderId, Resource};

pub(crate) async fn other_users_find_nothing(world: &World) {
    let folder = world.folder(&FolderId::root(), "private").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"secret").await;
    let other = world.user("other").await;
    let (store, id) = (&world.store, &file.id);
    refused!(
        store.file(&other, id).await,
        StoreError::NotFound {
            thing: Thing::File,
            ..
        }
    );
    refused!(
        store.readable(&other, std::slice::from_ref(id)).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.downloadable(&other, id, None).await,
        StoreError::NotFound { .. }
    );
    refused!(store.versions(&other, id).await, StoreError::NotFound { .. });
    refused!(
        store.update_file(&other, id, FileChange::default()).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.trash_file(&other, id, None).await,
        StoreError::NotFound { .. }
    );
    refused!(
        store.folder(&other, &folder.id).await,
        StoreError::NotFound {
            thing: Thing::Folder,
            ..
        }
    );
    refused!(
        store.folder_items(&other, &folder.id, ItemQuery::default()).await,
        StoreError::NotFound { .. }
    );
    let into = CopyTarget {
        parent: FolderId::root(),
        name: None,
        version: None,
    };
    refused!(
        store.copy_file(&other, id, into).await,
        StoreError::NotFound { .. }
    );
    let staged = world.stage(&other, b"1").await;
    let new = NewFile::new(folder.id.clone(), "mine.txt");
    refused!(
        store.create_file(&other, new, staged).await,
        StoreError::NotFound { .. }
    );
    let target = UploadTarget::NewFile {
        parent: folder.id.clone(),
        name: "x".into(),
    };
    let session = NewUploadSession { target, size: 1 };
    refused!(
        store.create_upload_session(&other, session).await,
        StoreError::NotFound { .. }
    );
    store.trash_file(&world.admin, id, None).await.unwrap();
    refused!(store.file(&other, id).await, StoreError::NotFound { .. });
    refused!(
        store.trashed_item(&other, &ItemRef::File(id.clone())).await,
        StoreError::NotFound { .. }
    );
    assert_eq!(
        store
            .folder_items(&other, &FolderId::root(), ItemQuery::default())
            .await
            .unwrap()
            .total_count,
        0
    );
    assert_eq!(
        store
            .trashed_items(&other, ItemQuery::default())
            .await
            .unwrap()
            .total_count,
        0
    );
    refused!(
        store
            .file(&world.admin, &folder.id.as_str().parse().unwrap())
            .await,
        StoreError::NotFound {
            thing: Thing::File,
            ..
        }
    );
}

pub(crate) async fn roles_allow_what_they_say(world: &World) {
    let folder = world.folder(&FolderId::root(), "shared").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let other = world.user("other").await;
    let (store, item) = (&world.store, ItemRef::Folder(folder.id.clone()));
    // role, read, download, upload into the folder, change
    for (role, reads, downloads, uploads, changes) in [
        (Role::CoOwner, true, true, true, true),
        (Role::Editor, true, true, true, true),
        (Role::ViewerUploader, true, true, true, false),
        (Role::PreviewerUploader, true, false, true, false),
        (Role::Viewer, true, true, false, false),
        (Role::Previewer, true, false, false, false),
        (Role::Uploader, false, false, true, false),
    ] {
        store
            .set_collaboration(&world.admin, &item, &other.user_id, role)
            .await
            .unwrap();
        let seen = store.file(&other, &file.id).await.unwrap();
        assert_eq!(seen.permissions.can_download, downloads, "{role:?}");
        let allowed = [
            store
                .readable(&other, std::slice::from_ref(&file.id))
                .await
                .map(drop),
            store.downloadable(&other, &file.id, None).await.map(drop),
            store.check_new_file(&other, &folder.id, "new.txt", None).await,
            store
                .update_file(
                    &other,
                    &file.id,
                    FileChange {
                        description: Some(role.as_str().into()),
                        ..FileChange::default()
                    },
                )
                .await
                .map(drop),
        ];
        for (result, expected) in allowed.into_iter().zip([reads, downloads, uploads, changes]) {
            match result {
                Ok(()) => assert!(expected, "{role:?}"),
                Err(StoreError::Forbidden { .. }) => assert!(!expected, "{role:?}"),
                Err(error) => panic!("{role:?}: {error}"),
            }
        }
    }
    refused!(
        store
            .set_collaboration(&other, &item, &other.user_id, Role::Editor)
            .await,
        StoreError::Forbidden { .. }
    );
    refused!(
        store
            .set_collaboration(&world.admin, &item, &other.user_id, Role::Owner)
            .await,
        StoreError::InvalidValue { field: "role", .. }
    );
}

pub(crate) async fn a_shared_folder_shows_in_the_root(world: &World) {
    let secret = world.folder(&FolderId::root(), "secret name").await;
    let shared = world.folder(&secret.id, "shared").await;
    let below = world.folder(&shared.id, "below").await;
    let other = world.user("other").await;
    let item = ItemRef::Folder(shared.id.clone());
    world
        .store
        .set_collaboration(&world.admin, &item, &other.user_id, Role::Editor)
        .await
        .unwrap();
    let root = world
        .store
        .folder_items(&other, &FolderId::root(), ItemQuery::default())
        .await
        .unwrap();
    assert_eq!((root.total_count, root.entries[0].id()), (1, shared.id.as_str()));
    let Item::Folder(entry) = &root.entries[0] else {
        panic!("a folder")
    };
    assert!(entry.permissions.can_upload && !entry.permissions.can_invite_collaborator);
    let seen = world.store.folder(&other, &below.id).await.unwrap();
    let path: Vec<&str> = seen.path.iter().map(|folder| folder.name.as_str()).collect();
    assert_eq!(
        path,
        ["All Files", "shared"],
        "folders above the shared one are not shown"
    );
    refused!(
        world.store.folder(&other, &secret.id).await,
        StoreError::NotFound { .. }
    );
    let made = world
        .store
        .create_folder(&other, NewFolder::new(below.id, "mine"))
        .await
        .unwrap();
    assert_eq!(
        made.owned_by.login, "ada@example.com",
        "what is made in a folder belongs to its owner"
    );
    assert_eq!(made.created_by.login, "other@example.com");
}

pub(crate) async fn a_limited_token_reaches_only_its_item(world: &World) {
    let file = world.file("a.txt", b"1").await;
    let other = world.file("b.txt", b"2").await;
    let token = limited(&world.admin, Resource::File(file.id.clone()));
    let store = &world.store;
    assert_eq!(
        store.file(&token, &file.id).await.unwrap().path.len(),
        1,
        "only the root is shown"
    );
    store
        .readable(&token, std::slice::from_ref(&file.id))
        .await
        .unwrap();
    refused!(store.file(&token, &other.id).await, StoreError::NotFound { .. });
    refused!(
        store.readable(&token, &[file.id.clone(), other.id.clone()]).await,
        StoreError::NotFound { id, .. } if id == other.id.as_str()
    );
    refused!(
        store.folder(&token, &FolderId::root()).await,
        StoreError::NotFound { .. }
    );
    let change = FileChange {
        name: Some("c.txt".into()),
        ..FileChange::default()
    };
    store.update_file(&token, &file.id, change).await.unwrap();
    let change = FileChange {
        name: Some("B.txt".into()),
        ..FileChange::default()
    };
    refused!(
        store.update_file(&token, &file.id, change).await,
        StoreError::NameInUse { .. }
    );
    assert_eq!(
        store
            .trashed_items(&token, ItemQuery::default())
            .await
            .unwrap()
            .total_count,
        0
    );
    let wrong_kind = limited(&world.admin, Resource::Folder(file.id.as_str().parse().unwrap()));
    refused!(
        store.file(&wrong_kind, &file.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn a_limited_folder_token_reaches_below(world: &World) {
    let outer = world.folder(&FolderId::root(), "outer").await;
    let inner = world.folder(&outer.id, "inner").await;
    let inside = world.upload(&world.admin, &inner.id, "a.txt", b"1").await;
    let outside = world.upload(&world.admin, &outer.id, "b.txt", b"2").await;
    let token = limited(&world.admin, Resource::Folder(inner.id.clone()));
    let store = &world.store;
    let seen = store.file(&token, &inside.id).await.unwrap();
    let path: Vec<&str> = seen.path.iter().map(|folder| folder.name.as_str()).collect();
    assert_eq!(path, ["All Files", "inner"]);
    refused!(store.file(&token, &outside.id).await, StoreError::NotFound { .. });
    refused!(store.folder(&token, &outer.id).await, StoreError::NotFound { .. });
    let change = FileChange {
        parent: Some(outer.id.clone()),
        ..FileChange::default()
    };
    refused!(
        store.update_file(&token, &inside.id, change).await,
        StoreError::NotFound { .. }
    );
    let whole = limited(&world.admin, Resource::Folder(FolderId::root()));
    store.file(&whole, &outside.id).await.unwrap();
}

pub(crate) async fn a_moved_item_belongs_to_its_new_folder(world: &World) {
    let other = world.user("other").await;
    let theirs = world
        .store
        .create_folder(&other, NewFolder::new(FolderId::root(), "theirs"))
        .await
        .unwrap();
    let item = ItemRef::Folder(theirs.id.clone());
    world
        .store
        .set_collaboration(&other, &item, &world.admin.user_id, Role::Editor)
        .await
        .unwrap();
    let file = world.file("a.txt", b"12345").await;
    let change = FileChange {
        parent: Some(theirs.id.clone()),
        ..FileChange::default()
    };
    let moved = world
        .store
        .update_file(&world.admin, &file.id, change)
        .await
        .unwrap();
    assert_eq!(moved.owned_by.login, "other@example.com");
    assert_eq!(world.store.user(&other.user_id).await.unwrap().space_used, 5);
    assert_eq!(
        world.store.user(&world.admin.user_id).await.unwrap().space_used,
        0
    );
    assert_eq!(
        world.store.folder(&other, &FolderId::root()).await.unwrap().size,
        5
    );
    assert_eq!(
        world
            .store
            .folder(&world.admin, &FolderId::root())
            .await
            .unwrap()
            .size,
        0
    );
}

pub(crate) async fn locks_hold_others_off(world: &World) {
    let folder = world.folder(&FolderId::root(), "shared").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let other = world.user("other").await;
    let store = &world.store;
    let item = ItemRef::Folder(folder.id.clone());
    store
        .set_collaboration(&world.admin, &item, &other.user_id, Role::Editor)
        .await
        .unwrap();
    let ends_at = (boxwood_core::Clock::now(&*world.clock) + chrono::Duration::hours(1)).to_rfc3339();
    let lock = serde_json::json!({"access": "lock", "expires_at": ends_at});
    let change = FileChange {
        lock: Some(Some(lock.clone())),
        ..FileChange::default()
    };
    let locked = store.update_file(&world.admin, &file.id, change).await.unwrap();
    assert_eq!(locked.lock, Some(lock));
    let rename = |name: &str| FileChange {
        name: Some(name.into()),
        ..FileChange::default()
    };
    refused!(
        store.update_file(&other, &file.id, rename("b.txt")).await,
        StoreError::Locked { .. }
    );
    refused!(
        store.trash_file(&other, &file.id, None).await,
        StoreError::Locked { .. }
    );
    store
        .update_file(&world.admin, &file.id, rename("c.txt"))
        .await
        .unwrap();
    world.clock.advance(chrono::Duration::hours(2));
    store
        .update_file(&other, &file.id, rename("b.txt"))
        .await
        .unwrap();
}

pub(crate) async fn an_invitation_ends(world: &World) {
    let file = world.file("a.txt", b"1").await;
    let other = world.user("other").await;
    let (store, item) = (&world.store, ItemRef::File(file.id.clone()));
    store
        .set_collaboration(&world.admin, &item, &other.user_id, Role::Viewer)
        .await
        .unwrap();
    assert!(
        store
            .file(&world.admin, &file.id)
            .await
            .unwrap()
            .has_collaborations
    );
    assert_eq!(store.file(&other, &file.id).await.unwrap().path.len(), 1);
    let ids = std::slice::from_ref(&file.id);
    store.readable(&other, ids).await.unwrap();
    assert!(
        store
            .remove_collaboration(&world.admin, &item, &other.user_id)
            .await
            .unwrap()
    );
    assert!(
        !store
            .remove_collaboration(&world.admin, &item, &other.user_id)
            .await
            .unwrap()
    );
    refused!(store.file(&other, &file.id).await, StoreError::NotFound { .. });
    refused!(store.readable(&other, ids).await, StoreError::NotFound { .. });
}
