//! The trash.

use super::{World, refused};
use crate::{ItemQuery, ItemRef, ItemStatus, StoreError, Thing};
use boxwood_core::FolderId;

pub(crate) async fn a_trashed_file_is_not_read(world: &World) {
    let file = world.file("a.txt", b"secret").await;
    let (store, admin, id) = (&world.store, &world.admin, &file.id);
    // What was allowed a moment ago must not be remembered.
    store.readable(admin, std::slice::from_ref(id)).await.unwrap();
    store.trash_file(admin, id, None).await.unwrap();
    refused!(
        store.file(admin, id).await,
        StoreError::Trashed {
            thing: Thing::File,
            ..
        }
    );
    refused!(
        store.readable(admin, std::slice::from_ref(id)).await,
        StoreError::Trashed { .. }
    );
    refused!(
        store.downloadable(admin, id, None).await,
        StoreError::Trashed { .. }
    );
    refused!(store.versions(admin, id).await, StoreError::Trashed { .. });
    refused!(
        store.trash_file(admin, id, None).await,
        StoreError::Trashed { .. }
    );
    let trash = store.trashed_items(admin, ItemQuery::default()).await.unwrap();
    assert_eq!((trash.total_count, trash.entries[0].id()), (1, id.as_str()));
    let crate::Item::File(trashed) = store
        .trashed_item(admin, &ItemRef::File(id.clone()))
        .await
        .unwrap()
    else {
        panic!("a file")
    };
    assert_eq!((trashed.status, trashed.parent), (ItemStatus::Trashed, None));
    world.file("a.txt", b"the name is free again").await;
}

pub(crate) async fn a_folder_goes_and_comes_back_whole(world: &World) {
    let outer = world.folder(&FolderId::root(), "outer").await;
    let inner = world.folder(&outer.id, "inner").await;
    let file = world.upload(&world.admin, &inner.id, "a.txt", b"1").await;
    let before = world.upload(&world.admin, &inner.id, "before.txt", b"2").await;
    let (store, admin) = (&world.store, &world.admin);
    store.trash_file(admin, &before.id, None).await.unwrap();
    store.trash_folder(admin, &outer.id, true, None).await.unwrap();
    refused!(store.file(admin, &file.id).await, StoreError::Trashed { .. });
    refused!(store.folder(admin, &inner.id).await, StoreError::Trashed { .. });
    refused!(
        store
            .restore_item(admin, &ItemRef::File(file.id.clone()), None, None)
            .await,
        StoreError::NotFound { .. }
    );
    assert_eq!(
        store
            .trashed_items(admin, ItemQuery::default())
            .await
            .unwrap()
            .total_count,
        2
    );
    store
        .restore_item(admin, &ItemRef::Folder(outer.id.clone()), None, Some("back"))
        .await
        .unwrap();
    assert_eq!(store.folder(admin, &outer.id).await.unwrap().name, "back");
    store.file(admin, &file.id).await.unwrap();
    refused!(store.file(admin, &before.id).await, StoreError::Trashed { .. });
}

pub(crate) async fn a_taken_name_blocks_the_way_back(world: &World) {
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let (store, admin, item) = (&world.store, &world.admin, ItemRef::File(file.id.clone()));
    refused!(
        store.restore_item(admin, &item, None, None).await,
        StoreError::NotFound { .. }
    );
    store.trash_file(admin, &file.id, None).await.unwrap();
    world.upload(admin, &folder.id, "A.TXT", b"2").await;
    refused!(
        store.restore_item(admin, &item, None, None).await,
        StoreError::NameInUse { .. }
    );
    store.trash_folder(admin, &folder.id, true, None).await.unwrap();
    refused!(
        store.restore_item(admin, &item, None, Some("b.txt")).await,
        StoreError::Trashed { .. }
    );
    store
        .restore_item(admin, &item, Some(&FolderId::root()), None)
        .await
        .unwrap();
    assert_eq!(store.file(admin, &file.id).await.unwrap().path.len(), 1);
}

pub(crate) async fn a_purged_folder_is_gone_but_not_what_was_deleted_before(world: &World) {
    let outer = world.folder(&FolderId::root(), "outer").await;
    let mut parent = outer.id.clone();
    for _ in 0..3 {
        parent = world.folder(&parent, "deeper").await.id;
    }
    let file = world.upload(&world.admin, &parent, "a.txt", b"1").await;
    let before = world.upload(&world.admin, &parent, "before.txt", b"22").await;
    let (store, admin) = (&world.store, &world.admin);
    let item = ItemRef::Folder(outer.id.clone());
    refused!(store.purge_item(admin, &item).await, StoreError::NotFound { .. });
    store.trash_file(admin, &before.id, None).await.unwrap();
    store.trash_folder(admin, &outer.id, true, None).await.unwrap();
    store.purge_item(admin, &item).await.unwrap();
    refused!(store.file(admin, &file.id).await, StoreError::NotFound { .. });
    refused!(
        store.trashed_item(admin, &item).await,
        StoreError::NotFound { .. }
    );
    store
        .restore_item(admin, &ItemRef::File(before.id.clone()), None, None)
        .await
        .unwrap();
    assert_eq!(store.folder(admin, &FolderId::root()).await.unwrap().size, 2);
    assert_eq!(store.user(&admin.user_id).await.unwrap().space_used, 2);
    assert_eq!(
        store.sweep().await.unwrap().blobs,
        1,
        "the content of the purged file"
    );
}

pub(crate) async fn a_full_folder_needs_recursive(world: &World) {
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let (store, admin) = (&world.store, &world.admin);
    refused!(
        store.trash_folder(admin, &folder.id, false, None).await,
        StoreError::FolderNotEmpty { .. }
    );
    store.trash_file(admin, &file.id, None).await.unwrap();
    store.trash_folder(admin, &folder.id, false, None).await.unwrap();
}
