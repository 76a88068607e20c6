//! The metadata of items.

use super::templates::{field, new};
use super::{World, limited, refused};
use crate::metadata::{
    FieldEdit, FieldKind, MetadataError, OptionField, PatchOperation, TemplateEdit, TemplateOperation,
    TemplateScope, Values,
};
use crate::{CopyTarget, ItemRef, Role, StoreError, Thing};
use boxwood_core::{FolderId, Resource};
use serde_json::{Value, json};

pub(crate) const OWN: TemplateScope = TemplateScope::OwnEnterprise;

pub(crate) fn values(json: Value) -> Values {
    json.as_object().unwrap().clone()
}

/// A template `deal` with a text, a number, a date, an enum and a multi-select.
pub(crate) async fn deal(world: &World) {
    let fields = vec![
        field(FieldKind::Text, "customer", &[]),
        field(FieldKind::Float, "amount", &[]),
        field(FieldKind::Date, "signed", &[]),
        field(FieldKind::Enum, "state", &["open", "won"]),
        field(FieldKind::MultiSelect, "regions", &["east", "west"]),
    ];
    world
        .store
        .create_metadata_template(&world.admin, new(Some("deal"), "Deal", fields))
        .await
        .unwrap();
}

fn replace(path: &str, value: Value) -> PatchOperation {
    PatchOperation::Replace {
        path: path.to_owned(),
        value,
    }
}

pub(crate) async fn metadata_lives_on_an_item(world: &World) {
    deal(world).await;
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let (store, admin) = (&world.store, &world.admin);
    for item in [ItemRef::File(file.id.clone()), ItemRef::Folder(folder.id.clone())] {
        assert!(store.metadata_of_item(admin, &item).await.unwrap().is_empty());
        let sent = values(json!({"customer": "Acme", "signed": "2026-01-02T00:00:00Z", "regions": ["east"]}));
        let made = store
            .create_metadata(admin, &item, &OWN, "deal", sent.clone())
            .await
            .unwrap();
        assert_eq!((made.version, made.type_version, made.can_edit), (0, 0, true));
        assert_eq!(made.values["signed"], "2026-01-02T00:00:00.000Z");
        refused!(
            store.create_metadata(admin, &item, &OWN, "deal", sent).await,
            StoreError::AlreadyExists {
                thing: Thing::MetadataInstance,
                ..
            }
        );
        assert_eq!(store.metadata(admin, &item, &OWN, "deal").await.unwrap(), made);
        let template = store
            .template_of_metadata(admin, &made.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(template.key, "deal");
        let patch = vec![
            PatchOperation::Test {
                path: "/customer".into(),
                value: json!("Acme"),
            },
            replace("/customer", json!("Umbrella")),
            PatchOperation::Add {
                path: "/amount".into(),
                value: json!(7),
            },
        ];
        let changed = store
            .update_metadata(admin, &item, &OWN, "deal", patch)
            .await
            .unwrap();
        assert_eq!(changed.version, 1);
        assert_eq!(changed.values["customer"], "Umbrella");
        assert_eq!(store.metadata_of_item(admin, &item).await.unwrap(), [changed]);
        store.delete_metadata(admin, &item, &OWN, "deal").await.unwrap();
        refused!(
            store.metadata(admin, &item, &OWN, "deal").await,
            StoreError::NotFound {
                thing: Thing::MetadataInstance,
                ..
            }
        );
        refused!(
            store.delete_metadata(admin, &item, &OWN, "deal").await,
            StoreError::NotFound { .. }
        );
    }
}

pub(crate) async fn wrong_metadata_changes_nothing(world: &World) {
    deal(world).await;
    let file = world.file("a.txt", b"1").await;
    let (store, admin, item) = (&world.store, &world.admin, ItemRef::File(file.id.clone()));
    for wrong in [
        json!({"none": "x"}),
        json!({"state": "lost"}),
        json!({"amount": "7"}),
    ] {
        refused!(
            store
                .create_metadata(admin, &item, &OWN, "deal", values(wrong))
                .await,
            StoreError::Metadata(MetadataError::InvalidValue { .. })
        );
    }
    refused!(
        store
            .create_metadata(admin, &item, &OWN, "none", Values::new())
            .await,
        StoreError::NotFound {
            thing: Thing::MetadataTemplate,
            ..
        }
    );
    let root = ItemRef::Folder(FolderId::root());
    refused!(
        store
            .create_metadata(admin, &root, &OWN, "deal", Values::new())
            .await,
        StoreError::RootFolder { .. }
    );
    let made = store
        .create_metadata(admin, &item, &OWN, "deal", values(json!({"customer": "Acme"})))
        .await
        .unwrap();
    let failing = PatchOperation::Test {
        path: "/customer".into(),
        value: json!("Umbrella"),
    };
    refused!(
        store
            .update_metadata(admin, &item, &OWN, "deal", vec![replace("/customer", json!("B")), failing])
            .await,
        StoreError::Metadata(MetadataError::PatchFailed { field, .. }) if field == "[1].value"
    );
    let unfit = vec![replace("/customer", json!("B")), replace("/customer", json!(1))];
    refused!(
        store.update_metadata(admin, &item, &OWN, "deal", unfit).await,
        StoreError::Metadata(MetadataError::InvalidValue { .. })
    );
    assert_eq!(store.metadata(admin, &item, &OWN, "deal").await.unwrap(), made);
}

pub(crate) async fn metadata_follows_the_role_on_its_item(world: &World) {
    deal(world).await;
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let other = world.user("other").await;
    let (store, admin, item) = (&world.store, &world.admin, ItemRef::File(file.id.clone()));
    let made = store
        .create_metadata(admin, &item, &OWN, "deal", values(json!({"customer": "Acme"})))
        .await
        .unwrap();
    refused!(
        store.metadata_of_item(&other, &item).await,
        StoreError::NotFound { .. }
    );
    assert_eq!(store.template_of_metadata(&other, &made.id).await.unwrap(), None);
    let shared = ItemRef::Folder(folder.id.clone());
    for (role, reads, writes) in [
        (Role::Editor, true, true),
        (Role::Viewer, true, false),
        (Role::Previewer, true, false),
        (Role::Uploader, false, false),
    ] {
        store
            .set_collaboration(admin, &shared, &other.user_id, role)
            .await
            .unwrap();
        let read = store.metadata(&other, &item, &OWN, "deal").await;
        assert_eq!(read.is_ok(), reads, "{role:?}");
        if let Ok(read) = read {
            assert_eq!(read.can_edit, writes, "{role:?}");
        }
        let patch = vec![replace("/customer", json!(role.as_str()))];
        let changed = store.update_metadata(&other, &item, &OWN, "deal", patch).await;
        assert_eq!(changed.is_ok(), writes, "{role:?}");
    }
    let narrow = limited(admin, Resource::Folder(folder.id.clone()));
    store.metadata(&narrow, &item, &OWN, "deal").await.unwrap();
    let elsewhere = world.folder(&FolderId::root(), "g").await;
    let narrow = limited(admin, Resource::Folder(elsewhere.id));
    refused!(
        store.metadata(&narrow, &item, &OWN, "deal").await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn metadata_goes_with_its_item_and_its_template(world: &World) {
    deal(world).await;
    let file = world.file("a.txt", b"1").await;
    let (store, admin, item) = (&world.store, &world.admin, ItemRef::File(file.id.clone()));
    let sent = values(json!({"customer": "Acme", "state": "open", "regions": ["east", "west"]}));
    let made = store
        .create_metadata(admin, &item, &OWN, "deal", sent)
        .await
        .unwrap();
    let operations = vec![
        TemplateOperation::EditField {
            key: "customer".into(),
            edit: FieldEdit {
                key: Some("client".into()),
                ..FieldEdit::default()
            },
        },
        TemplateOperation::RemoveOption {
            field: OptionField {
                kind: FieldKind::MultiSelect,
                key: "regions".into(),
            },
            key: "east".into(),
        },
        TemplateOperation::RemoveField { key: "state".into() },
    ];
    store
        .update_metadata_template(admin, &OWN, "deal", operations)
        .await
        .unwrap();
    let after = store.metadata(admin, &item, &OWN, "deal").await.unwrap();
    assert_eq!(
        Value::Object(after.values),
        json!({"regions": ["west"], "client": "Acme"})
    );
    assert_eq!((after.version, after.type_version), (0, 1));
    store.trash_file(admin, &file.id, None).await.unwrap();
    refused!(
        store.metadata(admin, &item, &OWN, "deal").await,
        StoreError::Trashed { .. }
    );
    assert_eq!(store.template_of_metadata(admin, &made.id).await.unwrap(), None);
    store.restore_item(admin, &item, None, None).await.unwrap();
    store.metadata(admin, &item, &OWN, "deal").await.unwrap();
    store.delete_metadata_template(admin, &OWN, "deal").await.unwrap();
    assert!(store.metadata_of_item(admin, &item).await.unwrap().is_empty());
    deal(world).await;
    refused!(
        store.metadata(admin, &item, &OWN, "deal").await,
        StoreError::NotFound { .. }
    );
    store
        .create_metadata(admin, &item, &OWN, "deal", Values::new())
        .await
        .unwrap();
    store.trash_file(admin, &file.id, None).await.unwrap();
    store.purge_item(admin, &item).await.unwrap();
}

pub(crate) async fn copies_take_metadata_along_where_the_template_says_so(world: &World) {
    deal(world).await;
    let folder = world.folder(&FolderId::root(), "f").await;
    let file = world.upload(&world.admin, &folder.id, "a.txt", b"1").await;
    let (store, admin) = (&world.store, &world.admin);
    let global = TemplateScope::Global;
    for item in [ItemRef::File(file.id.clone()), ItemRef::Folder(folder.id.clone())] {
        let sent = values(json!({"customer": "Acme"}));
        store
            .create_metadata(admin, &item, &OWN, "deal", sent)
            .await
            .unwrap();
        store
            .create_metadata(admin, &item, &global, "properties", values(json!({"a": "b"})))
            .await
            .unwrap();
    }
    let copy = async |name: &str| {
        let target = CopyTarget {
            parent: FolderId::root(),
            name: Some(name.into()),
            version: None,
        };
        let copied = store.copy_folder(admin, &folder.id, target).await.unwrap();
        let page = store
            .folder_items(admin, &copied.id, crate::ItemQuery::default())
            .await
            .unwrap();
        let file = ItemRef::File(page.entries[0].id().parse().unwrap());
        let mut keys = Vec::new();
        for item in [file, ItemRef::Folder(copied.id)] {
            for instance in store.metadata_of_item(admin, &item).await.unwrap() {
                assert_eq!(instance.values["customer"], "Acme");
                keys.push(instance.template_key);
            }
        }
        keys
    };
    assert!(copy("without").await.is_empty());
    let edit = TemplateEdit {
        copy_with_item: Some(true),
        ..TemplateEdit::default()
    };
    store
        .update_metadata_template(admin, &OWN, "deal", vec![TemplateOperation::EditTemplate(edit)])
        .await
        .unwrap();
    assert_eq!(copy("with").await, ["deal", "deal"]);
}
