//! Versions of files.

use super::{World, read, refused, sha1_hex};
use crate::{CopyTarget, File, NewVersion, StoreError, Thing};
use boxwood_core::FolderId;

async fn add_version(world: &World, file: &File, name: Option<&str>, content: &[u8]) -> File {
    let staged = world.stage(&world.admin, content).await;
    let version = NewVersion {
        name: name.map(str::to_owned),
        ..NewVersion::default()
    };
    world
        .store
        .create_version(&world.admin, &file.id, version, staged)
        .await
        .unwrap()
}

pub(crate) async fn a_new_version_is_current(world: &World) {
    let file = world.file("old.txt", b"first").await;
    assert_eq!(
        (file.version.number, file.version.sha1.clone()),
        (1, sha1_hex(b"first"))
    );
    let file = add_version(world, &file, Some("new.txt"), b"second version").await;
    assert_eq!(
        (file.name.as_str(), file.etag().as_str(), file.version.size),
        ("new.txt", "1", 14)
    );
    assert_eq!((file.version.number, file.version_count), (2, 2));
    let versions = world.store.versions(&world.admin, &file.id).await.unwrap();
    let told: Vec<_> = versions
        .iter()
        .map(|version| (version.number, version.name.as_str(), version.current))
        .collect();
    assert_eq!(told, [(2, "new.txt", true), (1, "old.txt", false)]);
    let old = world
        .store
        .downloadable(&world.admin, &file.id, Some(&versions[1].id))
        .await
        .unwrap();
    assert_eq!(read(old.open(None).await.unwrap()).await, b"first");
    let target = CopyTarget {
        parent: FolderId::root(),
        name: Some("copy of the first".into()),
        version: Some(versions[1].id.clone()),
    };
    let copy = world
        .store
        .copy_file(&world.admin, &file.id, target)
        .await
        .unwrap();
    assert_eq!((copy.version.size, copy.version.sha1), (5, sha1_hex(b"first")));
}

pub(crate) async fn an_old_version_is_promoted(world: &World) {
    let file = world.file("old.txt", b"first").await;
    let file = add_version(world, &file, Some("new.txt"), b"second").await;
    let first = world
        .store
        .versions(&world.admin, &file.id)
        .await
        .unwrap()
        .remove(1);
    let promoted = world
        .store
        .promote_version(&world.admin, &file.id, &first.id)
        .await
        .unwrap();
    assert_eq!(
        (promoted.number, promoted.current, promoted.sha1.as_str()),
        (3, true, first.sha1.as_str())
    );
    let file = world.store.file(&world.admin, &file.id).await.unwrap();
    assert_eq!(
        (file.name.as_str(), file.version.size, file.etag().as_str()),
        ("old.txt", 5, "2")
    );
    let again = world
        .store
        .promote_version(&world.admin, &file.id, &promoted.id)
        .await
        .unwrap();
    assert_eq!(again.id, promoted.id);
}

pub(crate) async fn versions_go_and_come_back(world: &World) {
    let file = world.file("a.txt", b"first").await;
    let file = add_version(world, &file, None, b"second").await;
    let first = world
        .store
        .versions(&world.admin, &file.id)
        .await
        .unwrap()
        .remove(1);
    world
        .store
        .trash_version(&world.admin, &file.id, &first.id, None)
        .await
        .unwrap();
    world
        .store
        .trash_version(&world.admin, &file.id, &first.id, None)
        .await
        .unwrap();
    let trashed = world
        .store
        .version(&world.admin, &file.id, &first.id)
        .await
        .unwrap();
    assert!(trashed.trashed_at.is_some() && trashed.trashed_by.is_some());
    refused!(
        world
            .store
            .downloadable(&world.admin, &file.id, Some(&first.id))
            .await,
        StoreError::Trashed {
            thing: Thing::FileVersion,
            ..
        }
    );
    refused!(
        world
            .store
            .promote_version(&world.admin, &file.id, &first.id)
            .await,
        StoreError::Trashed { .. }
    );
    let restored = world
        .store
        .restore_version(&world.admin, &file.id, &first.id)
        .await
        .unwrap();
    assert!(restored.trashed_at.is_none() && restored.restored_at.is_some());
    world
        .store
        .downloadable(&world.admin, &file.id, Some(&first.id))
        .await
        .unwrap();
}

pub(crate) async fn the_current_version_stays(world: &World) {
    let file = world.file("a.txt", b"first").await;
    let other = world.file("b.txt", b"other").await;
    refused!(
        world
            .store
            .trash_version(&world.admin, &file.id, &file.version.id, None)
            .await,
        StoreError::CurrentVersion { .. }
    );
    refused!(
        world
            .store
            .version(&world.admin, &file.id, &other.version.id)
            .await,
        StoreError::NotFound {
            thing: Thing::FileVersion,
            ..
        }
    );
}

pub(crate) async fn preflight_tells_what_the_upload_would(world: &World) {
    let file = world.file("a.txt", b"first").await;
    world.file("b.txt", b"second").await;
    let root = FolderId::root();
    let store = &world.store;
    store
        .check_new_file(&world.admin, &root, "c.txt", Some(10))
        .await
        .unwrap();
    refused!(
        store.check_new_file(&world.admin, &root, "A.txt", None).await,
        StoreError::NameInUse { .. }
    );
    refused!(
        store.check_new_file(&world.admin, &root, "a/b", None).await,
        StoreError::InvalidName { .. }
    );
    refused!(
        store
            .check_new_file(&world.admin, &root, "c.txt", Some(u64::MAX))
            .await,
        StoreError::TooLarge { .. }
    );
    let missing = "77".parse().unwrap();
    refused!(
        store.check_new_file(&world.admin, &missing, "c.txt", None).await,
        StoreError::NotFound {
            thing: Thing::Folder,
            ..
        }
    );
    store
        .check_new_version(&world.admin, &file.id, Some("a.txt"), Some(10))
        .await
        .unwrap();
    refused!(
        store
            .check_new_version(&world.admin, &file.id, Some("b.txt"), None)
            .await,
        StoreError::NameInUse { .. }
    );
}
