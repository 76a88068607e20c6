//! Metadata queries and the filters of a search.

use super::metadata::{OWN, deal, values};
use super::{World, limited, refused};
use crate::metadata::query::{
    FieldFilter, MetadataFilter, MetadataMatches, MetadataOrder, MetadataQuery, Range,
};
use crate::metadata::{MetadataError, TemplateScope};
use crate::{File, GroupRole, Invitation, Invitee, ItemRef, NewGroup, NewMembership, Role, StoreError};
use boxwood_core::{FolderId, Principal, Resource};
use serde_json::{Value, json};

fn query(text: &str, arguments: Value) -> MetadataQuery {
    MetadataQuery {
        scope: OWN,
        template_key: "deal".into(),
        text: Some(text.into()),
        arguments: values(arguments),
        ancestor: FolderId::root(),
        order: Vec::new(),
        limit: 100,
        marker: None,
    }
}

fn ids(matches: &MetadataMatches) -> Vec<&str> {
    matches.entries.iter().map(crate::Item::id).collect()
}

/// A file in a folder with metadata of `deal`.
async fn file_with(world: &World, folder: &FolderId, name: &str, metadata: Value) -> File {
    let file = world.upload(&world.admin, folder, name, name.as_bytes()).await;
    let item = ItemRef::File(file.id.clone());
    world
        .store
        .create_metadata(&world.admin, &item, &OWN, "deal", values(metadata))
        .await
        .unwrap();
    file
}

pub(crate) async fn queries_find_what_is_asked(world: &World) {
    deal(world).await;
    let folder = world.folder(&FolderId::root(), "f").await;
    let deeper = world.folder(&folder.id, "g").await;
    let (store, admin) = (&world.store, &world.admin);
    let a = file_with(
        world,
        &FolderId::root(),
        "a",
        json!({"customer": "Acme", "amount": 3}),
    )
    .await;
    let b = file_with(
        world,
        &folder.id,
        "b",
        json!({"customer": "Bolt", "amount": 1, "state": "won"}),
    )
    .await;
    let c = file_with(world, &deeper.id, "c", json!({"customer": "Cusp", "amount": 2})).await;
    let gone = file_with(world, &folder.id, "d", json!({"customer": "Dust", "amount": 9})).await;
    store.trash_file(admin, &gone.id, None).await.unwrap();
    world.file("plain", b"without metadata").await;
    let shared = ItemRef::Folder(folder.id.clone());
    store
        .create_metadata(
            admin,
            &shared,
            &OWN,
            "deal",
            values(json!({"customer": "Folder"})),
        )
        .await
        .unwrap();
    let run = async |query: MetadataQuery| store.query_metadata(admin, &query).await.unwrap();
    let found = run(query("amount >= :least", json!({"least": 2}))).await;
    assert_eq!(ids(&found), [a.id.as_str(), c.id.as_str()]);
    let all = MetadataQuery {
        text: None,
        order: vec![MetadataOrder {
            key: "amount".into(),
            descending: false,
        }],
        ..query("", json!({}))
    };
    let expected = [b.id.as_str(), c.id.as_str(), a.id.as_str(), folder.id.as_str()];
    assert_eq!(ids(&run(all.clone()).await), expected);
    let below = MetadataQuery {
        ancestor: folder.id.clone(),
        ..all.clone()
    };
    assert_eq!(ids(&run(below).await), [b.id.as_str(), c.id.as_str()]);
    let mut paged = MetadataQuery { limit: 3, ..all };
    let first = run(paged.clone()).await;
    paged.marker = first.next_marker.clone();
    let second = run(paged.clone()).await;
    let joined: Vec<&str> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert_eq!(joined, expected);
    assert_eq!(second.next_marker, None);
    paged.text = Some("amount > 0".into());
    refused!(
        store.query_metadata(admin, &paged).await,
        StoreError::Metadata(MetadataError::Invalid { field, .. }) if field == "marker"
    );
    refused!(
        store.query_metadata(admin, &query("amount >", json!({}))).await,
        StoreError::Metadata(MetadataError::InvalidQuery { position: 9, .. })
    );
    let unknown = MetadataQuery {
        template_key: "none".into(),
        ..query("amount > 1", json!({}))
    };
    refused!(
        store.query_metadata(admin, &unknown).await,
        StoreError::NotFound { .. }
    );
}

/// What a query finds is exactly what the principal could read one by one.
pub(crate) async fn queries_find_only_what_may_be_seen(world: &World) {
    deal(world).await;
    let shared = world.folder(&FolderId::root(), "shared").await;
    let drop = world.folder(&FolderId::root(), "drop").await;
    let metadata = || json!({"customer": "Acme"});
    let private = file_with(world, &FolderId::root(), "private", metadata()).await;
    let seen = file_with(world, &shared.id, "seen", metadata()).await;
    let dropped = file_with(world, &drop.id, "dropped", metadata()).await;
    let other = world.user("other").await;
    let (store, admin) = (&world.store, &world.admin);
    for (folder, role) in [(&shared, Role::Previewer), (&drop, Role::Uploader)] {
        let item = ItemRef::Folder(folder.id.clone());
        store
            .set_collaboration(admin, &item, &other.user_id, role)
            .await
            .unwrap();
    }
    let everything = query("customer = 'Acme'", json!({}));
    let find = async |principal: &Principal| {
        let found = store.query_metadata(principal, &everything).await.unwrap();
        let names: Vec<String> = found.entries.iter().map(|item| item.name().to_owned()).collect();
        let filter = MetadataFilter {
            scope: OWN,
            template_key: "deal".into(),
            fields: vec![("customer".into(), FieldFilter::Exactly(json!("Acme")))],
        };
        let filtered = store.items_with_metadata(principal, &filter).await.unwrap();
        assert_eq!(filtered.len(), names.len());
        for (file, name) in [(&private, "private"), (&seen, "seen"), (&dropped, "dropped")] {
            let readable = store
                .readable(principal, std::slice::from_ref(&file.id))
                .await
                .is_ok();
            assert_eq!(names.iter().any(|found| found == name), readable, "{name}");
        }
        names
    };
    assert_eq!(find(admin).await, ["private", "seen", "dropped"]);
    assert_eq!(find(&other).await, ["seen"]);
    assert_eq!(
        find(&limited(admin, Resource::Folder(shared.id.clone()))).await,
        ["seen"]
    );
    assert_eq!(
        find(&limited(admin, Resource::File(private.id.clone()))).await,
        ["private"]
    );
    let grouped = world.user("grouped").await;
    let group = store.create_group(admin, NewGroup::new("g")).await.unwrap();
    let membership = NewMembership {
        group: group.id.clone(),
        user: grouped.user_id.clone(),
        role: GroupRole::Member,
        permissions: None,
    };
    store.add_member(admin, membership).await.unwrap();
    assert!(find(&grouped).await.is_empty());
    let invitation = Invitation::new(Invitee::Group(group.id), Role::Viewer);
    let item = ItemRef::Folder(drop.id.clone());
    store.invite(admin, &item, invitation).await.unwrap();
    assert_eq!(find(&grouped).await, ["dropped"]);
    let below = MetadataQuery {
        ancestor: drop.id.clone(),
        ..everything.clone()
    };
    assert!(
        store
            .query_metadata(&other, &below)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    let nobody = world.user("nobody").await;
    refused!(
        store.query_metadata(&nobody, &below).await,
        StoreError::NotFound { .. }
    );
    assert!(find(&nobody).await.is_empty());
}

pub(crate) async fn filters_take_values_ranges_and_lists(world: &World) {
    deal(world).await;
    let root = FolderId::root();
    let one =
        json!({"customer": "Acme", "amount": 10, "signed": "2035-01-02T00:00:00Z", "regions": ["east"]});
    let one = file_with(world, &root, "one", one).await;
    let two = json!({"customer": "Bolt", "amount": 20, "regions": ["east", "west"]});
    let two = file_with(world, &root, "two", two).await;
    let (store, admin) = (&world.store, &world.admin);
    let find = async |fields: Vec<(&str, FieldFilter)>| {
        let filter = MetadataFilter {
            scope: OWN,
            template_key: "deal".into(),
            fields: fields
                .into_iter()
                .map(|(key, wanted)| (key.to_owned(), wanted))
                .collect(),
        };
        store.items_with_metadata(admin, &filter).await
    };
    let range = |least: Value, most: Value| {
        FieldFilter::Within(Range {
            least: Some(least).filter(|value| !value.is_null()),
            most: Some(most).filter(|value| !value.is_null()),
        })
    };
    let both = [ItemRef::File(one.id), ItemRef::File(two.id)];
    let [first, second] = both.clone();
    for (fields, expected) in [
        (vec![], both.to_vec()),
        (
            vec![("customer", FieldFilter::Exactly(json!("Acme")))],
            vec![first.clone()],
        ),
        (
            vec![("regions", FieldFilter::Exactly(json!("west")))],
            vec![second.clone()],
        ),
        (vec![("amount", range(json!(10), json!(20)))], both.to_vec()),
        (
            vec![("amount", range(json!(10.5), Value::Null))],
            vec![second.clone()],
        ),
        (
            vec![(
                "signed",
                range(json!("2035-01-01T00:00:00Z"), json!("2035-01-03T00:00:00Z")),
            )],
            vec![first.clone()],
        ),
        (
            vec![("signed", range(Value::Null, Value::Null))],
            vec![first.clone()],
        ),
        (
            vec![("regions", FieldFilter::AnyOf(vec![json!("west"), json!("north")]))],
            vec![second.clone()],
        ),
        (
            vec![
                ("amount", range(json!(15), Value::Null)),
                ("customer", FieldFilter::Exactly(json!("Acme"))),
            ],
            vec![],
        ),
    ] {
        assert_eq!(find(fields.clone()).await.unwrap(), expected, "{fields:?}");
    }
    for (fields, path) in [
        (vec![("none", FieldFilter::Exactly(json!("x")))], "filters.none"),
        (
            vec![("amount", FieldFilter::Exactly(json!("x")))],
            "filters.amount",
        ),
        (
            vec![("customer", range(json!("a"), json!("b")))],
            "filters.customer",
        ),
    ] {
        refused!(
            find(fields).await,
            StoreError::Metadata(MetadataError::Invalid { field, .. }) if field == path
        );
    }
    let global = MetadataFilter {
        scope: TemplateScope::Global,
        template_key: "properties".into(),
        fields: Vec::new(),
    };
    refused!(
        store.items_with_metadata(admin, &global).await,
        StoreError::Metadata(MetadataError::Invalid { .. })
    );
}
