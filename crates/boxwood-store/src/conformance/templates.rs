//! Metadata templates.

use super::{World, refused};
use crate::metadata::{
    FieldEdit, FieldKind, MetadataError, NewField, NewOption, NewTemplate, OptionField, PageQuery,
    TemplateEdit, TemplateOperation, TemplateScope,
};
use crate::{StoreError, Thing};
use boxwood_core::{EnterpriseId, Principal, ScopeSet};

const OWN: TemplateScope = TemplateScope::OwnEnterprise;

pub(crate) fn field(kind: FieldKind, key: &str, options: &[&str]) -> NewField {
    let options = options.iter().map(|key| NewOption {
        key: (*key).to_owned(),
        static_config: None,
    });
    NewField {
        kind,
        key: key.to_owned(),
        display_name: key.to_uppercase(),
        description: None,
        hidden: false,
        options: options.collect(),
        taxonomy: None,
    }
}

pub(crate) fn new(key: Option<&str>, name: &str, fields: Vec<NewField>) -> NewTemplate {
    NewTemplate {
        key: key.map(str::to_owned),
        display_name: name.to_owned(),
        hidden: false,
        copy_with_item: false,
        fields,
    }
}

/// Somebody of no enterprise that exists: sees nothing of this one.
fn stranger(principal: &Principal) -> Principal {
    Principal {
        enterprise_id: EnterpriseId::from_number(7),
        scopes: ScopeSet::full(),
        ..principal.clone()
    }
}

pub(crate) async fn a_template_is_made_and_found(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let fields = vec![
        field(FieldKind::Text, "customer", &[]),
        field(FieldKind::Enum, "state", &["open", "closed"]),
    ];
    let made = store
        .create_metadata_template(admin, new(None, "Product Info", fields.clone()))
        .await
        .unwrap();
    assert_eq!(made.key, "productInfo");
    assert_eq!(made.scope(), format!("enterprise_{}", admin.enterprise_id));
    assert_eq!(made.fields[1].options[0].key, "open");
    let numbered = TemplateScope::Enterprise(admin.enterprise_id.clone());
    for scope in [&OWN, &numbered] {
        assert_eq!(
            store
                .metadata_template(admin, scope, "productInfo")
                .await
                .unwrap(),
            made
        );
    }
    assert_eq!(
        store.metadata_template_by_id(admin, &made.id).await.unwrap(),
        made
    );
    let second = store
        .create_metadata_template(admin, new(None, "Product Info", vec![]))
        .await
        .unwrap();
    assert_eq!(second.key, "productInfo2");
    refused!(
        store
            .create_metadata_template(admin, new(Some("productInfo"), "Other", vec![]))
            .await,
        StoreError::AlreadyExists {
            thing: Thing::MetadataTemplate,
            ..
        }
    );
    refused!(
        store
            .create_metadata_template(admin, new(Some("a b"), "Other", vec![]))
            .await,
        StoreError::Metadata(MetadataError::Invalid { .. })
    );
}

pub(crate) async fn other_enterprises_have_no_templates_here(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let made = store
        .create_metadata_template(admin, new(Some("secret"), "Secret", vec![]))
        .await
        .unwrap();
    let other = stranger(admin);
    let scope = TemplateScope::Enterprise(admin.enterprise_id.clone());
    for scope in [&OWN, &scope] {
        refused!(
            store.metadata_template(&other, scope, "secret").await,
            StoreError::NotFound {
                thing: Thing::MetadataTemplate,
                ..
            }
        );
        refused!(
            store.delete_metadata_template(&other, scope, "secret").await,
            StoreError::NotFound { .. }
        );
        let page = store
            .metadata_templates(&other, scope, PageQuery::default())
            .await
            .unwrap();
        assert!(page.entries.is_empty());
    }
    refused!(
        store.metadata_template_by_id(&other, &made.id).await,
        StoreError::NotFound { .. }
    );
}

pub(crate) async fn templates_are_listed_in_pages(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    for name in ["c", "a", "b"] {
        store
            .create_metadata_template(admin, new(Some(name), name, vec![]))
            .await
            .unwrap();
    }
    let mut query = PageQuery {
        marker: None,
        limit: 2,
    };
    let first = store
        .metadata_templates(admin, &OWN, query.clone())
        .await
        .unwrap();
    query.marker = first.next_marker.clone();
    let second = store.metadata_templates(admin, &OWN, query).await.unwrap();
    let keys: Vec<String> = first
        .entries
        .into_iter()
        .chain(second.entries)
        .map(|template| template.key)
        .collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(second.next_marker, None);
    let global = store
        .metadata_templates(admin, &TemplateScope::Global, PageQuery::default())
        .await
        .unwrap();
    assert_eq!(global.entries[0].key, "properties");
    let found = store
        .metadata_template(admin, &TemplateScope::Global, "properties")
        .await
        .unwrap();
    assert_eq!(
        store.metadata_template_by_id(admin, &found.id).await.unwrap(),
        found
    );
    refused!(
        store
            .delete_metadata_template(admin, &TemplateScope::Global, "properties")
            .await,
        StoreError::Forbidden { .. }
    );
}

pub(crate) async fn a_template_changes_as_a_whole(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let fields = vec![
        field(FieldKind::Text, "customer", &[]),
        field(FieldKind::Enum, "state", &["open", "closed"]),
    ];
    store
        .create_metadata_template(admin, new(Some("deal"), "Deal", fields))
        .await
        .unwrap();
    let rename = TemplateOperation::EditField {
        key: "customer".into(),
        edit: FieldEdit {
            key: Some("client".into()),
            ..FieldEdit::default()
        },
    };
    let unknown = TemplateOperation::RemoveField { key: "none".into() };
    refused!(
        store
            .update_metadata_template(admin, &OWN, "deal", vec![rename.clone(), unknown])
            .await,
        StoreError::Metadata(MetadataError::Invalid { field, .. }) if field == "[1].fieldKey"
    );
    let same = store.metadata_template(admin, &OWN, "deal").await.unwrap();
    assert_eq!((same.fields[0].key.as_str(), same.revision), ("customer", 0));
    let add = TemplateOperation::AddOption {
        field: OptionField {
            kind: FieldKind::Enum,
            key: "state".into(),
        },
        option: NewOption {
            key: "won".into(),
            static_config: None,
        },
    };
    let changed = store
        .update_metadata_template(admin, &OWN, "deal", vec![rename, add])
        .await
        .unwrap();
    assert_eq!((changed.fields[0].key.as_str(), changed.revision), ("client", 1));
    assert_eq!(
        store.metadata_template(admin, &OWN, "deal").await.unwrap(),
        changed
    );
    store
        .create_metadata_template(admin, new(Some("other"), "Other", vec![]))
        .await
        .unwrap();
    let taken = TemplateOperation::EditTemplate(TemplateEdit {
        key: Some("other".into()),
        ..TemplateEdit::default()
    });
    refused!(
        store
            .update_metadata_template(admin, &OWN, "deal", vec![taken])
            .await,
        StoreError::AlreadyExists { .. }
    );
    store.delete_metadata_template(admin, &OWN, "deal").await.unwrap();
    refused!(
        store.delete_metadata_template(admin, &OWN, "deal").await,
        StoreError::NotFound { .. }
    );
}
