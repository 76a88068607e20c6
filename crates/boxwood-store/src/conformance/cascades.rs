//! Cascade policies.

use super::metadata::{OWN, deal, values};
use super::{World, refused};
use crate::{CopyTarget, FileChange, ItemRef, NewFolder, Role, StoreError, Thing};
use boxwood_core::{FileId, FolderId};
use serde_json::json;

/// The customer in a file's metadata.
async fn customer(world: &World, file: &FileId) -> Option<String> {
    let item = ItemRef::File(file.clone());
    let found = world
        .store
        .metadata(&world.admin, &item, &OWN, "deal")
        .await
        .ok()?;
    found.values["customer"].as_str().map(str::to_owned)
}

pub(crate) async fn what_comes_into_a_folder_gets_its_metadata(world: &World) {
    deal(world).await;
    let (store, admin) = (&world.store, &world.admin);
    let outer = world.folder(&FolderId::root(), "outer").await;
    let inner = world.folder(&outer.id, "inner").await;
    let before = world.upload(admin, &inner.id, "before.txt", b"0").await;
    for (folder, name) in [(&outer, "Outer"), (&inner, "Inner")] {
        let item = ItemRef::Folder(folder.id.clone());
        let sent = values(json!({"customer": name}));
        store
            .create_metadata(admin, &item, &OWN, "deal", sent)
            .await
            .unwrap();
        store
            .create_cascade_policy(admin, &folder.id, &OWN, "deal")
            .await
            .unwrap();
    }
    assert_eq!(customer(world, &before.id).await, None, "only what comes later");
    let made = world.upload(admin, &inner.id, "made.txt", b"1").await;
    assert_eq!(customer(world, &made.id).await.as_deref(), Some("Inner"));
    let moved = world.file("moved.txt", b"2").await;
    let change = FileChange {
        parent: Some(outer.id.clone()),
        ..FileChange::default()
    };
    store.update_file(admin, &moved.id, change).await.unwrap();
    assert_eq!(customer(world, &moved.id).await.as_deref(), Some("Outer"));
    let own = world.file("own.txt", b"3").await;
    let item = ItemRef::File(own.id.clone());
    let sent = values(json!({"customer": "Own"}));
    store
        .create_metadata(admin, &item, &OWN, "deal", sent)
        .await
        .unwrap();
    let change = FileChange {
        parent: Some(outer.id.clone()),
        ..FileChange::default()
    };
    store.update_file(admin, &own.id, change).await.unwrap();
    assert_eq!(customer(world, &own.id).await.as_deref(), Some("Own"));
    let target = CopyTarget {
        parent: outer.id.clone(),
        name: Some("copy.txt".into()),
        version: None,
    };
    let copied = store.copy_file(admin, &before.id, target).await.unwrap();
    assert_eq!(customer(world, &copied.id).await.as_deref(), Some("Outer"));
    let sub = store
        .create_folder(admin, NewFolder::new(inner.id.clone(), "sub"))
        .await
        .unwrap();
    let sub = ItemRef::Folder(sub.id);
    let found = store.metadata(admin, &sub, &OWN, "deal").await.unwrap();
    assert_eq!(found.values["customer"], "Inner");
    store.trash_file(admin, &before.id, None).await.unwrap();
    let item = ItemRef::File(before.id.clone());
    store
        .restore_item(admin, &item, Some(&outer.id), None)
        .await
        .unwrap();
    assert_eq!(customer(world, &before.id).await.as_deref(), Some("Outer"));
}

pub(crate) async fn a_policy_is_applied_to_what_is_there(world: &World) {
    deal(world).await;
    let (store, admin) = (&world.store, &world.admin);
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(admin, &folder.id, "a.txt", b"0").await;
    let policy = store
        .create_cascade_policy(admin, &folder.id, &OWN, "deal")
        .await
        .unwrap();
    refused!(
        store.create_cascade_policy(admin, &folder.id, &OWN, "deal").await,
        StoreError::AlreadyExists {
            thing: Thing::CascadePolicy,
            ..
        }
    );
    refused!(
        store
            .create_cascade_policy(admin, &FolderId::root(), &OWN, "deal")
            .await,
        StoreError::RootFolder { .. }
    );
    refused!(
        store.apply_cascade_policy(admin, &policy.id, false).await,
        StoreError::NotFound {
            thing: Thing::MetadataInstance,
            ..
        }
    );
    let item = ItemRef::Folder(folder.id.clone());
    let sent = values(json!({"customer": "Folder"}));
    store
        .create_metadata(admin, &item, &OWN, "deal", sent)
        .await
        .unwrap();
    assert_eq!(customer(world, &file.id).await.as_deref(), Some("Folder"));
    let of_file = ItemRef::File(file.id.clone());
    let patch = vec![crate::metadata::PatchOperation::Replace {
        path: "/customer".into(),
        value: json!("File"),
    }];
    store
        .update_metadata(admin, &of_file, &OWN, "deal", patch)
        .await
        .unwrap();
    store
        .apply_cascade_policy(admin, &policy.id, false)
        .await
        .unwrap();
    assert_eq!(customer(world, &file.id).await.as_deref(), Some("File"));
    store.apply_cascade_policy(admin, &policy.id, true).await.unwrap();
    assert_eq!(customer(world, &file.id).await.as_deref(), Some("Folder"));
    let other = world.user("other").await;
    refused!(
        store.cascade_policy(&other, &policy.id).await,
        StoreError::NotFound {
            thing: Thing::CascadePolicy,
            ..
        }
    );
    store
        .set_collaboration(admin, &item, &other.user_id, Role::Viewer)
        .await
        .unwrap();
    assert_eq!(store.cascade_policy(&other, &policy.id).await.unwrap(), policy);
    refused!(
        store.delete_cascade_policy(&other, &policy.id).await,
        StoreError::Forbidden { .. }
    );
    assert_eq!(
        store.cascade_policies(admin, &folder.id).await.unwrap(),
        std::slice::from_ref(&policy)
    );
    store.delete_cascade_policy(admin, &policy.id).await.unwrap();
    refused!(
        store.cascade_policy(admin, &policy.id).await,
        StoreError::NotFound { .. }
    );
    store
        .create_cascade_policy(admin, &folder.id, &OWN, "deal")
        .await
        .unwrap();
    store.delete_metadata_template(admin, &OWN, "deal").await.unwrap();
    assert!(
        store
            .cascade_policies(admin, &folder.id)
            .await
            .unwrap()
            .is_empty()
    );
}
