//! Taxonomies, and fields that take their nodes.

use super::metadata::{OWN, values};
use super::templates::{field, new};
use super::{World, refused};
use crate::metadata::{
    FieldKind, MetadataError, NewField, NewTaxonomy, NewTaxonomyNode, NewTaxonomyRule, PageQuery,
    TaxonomyLevel, TaxonomyNode,
};
use crate::{ItemRef, StoreError, Thing};
use boxwood_core::{EnterpriseId, Principal};
use serde_json::json;

fn level(name: &str) -> TaxonomyLevel {
    TaxonomyLevel {
        display_name: name.into(),
        description: None,
    }
}

async fn node(
    world: &World,
    name: &str,
    level: u32,
    parent: Option<&TaxonomyNode>,
) -> Result<TaxonomyNode, StoreError> {
    let node = NewTaxonomyNode {
        display_name: name.into(),
        level,
        parent: parent.map(|node| node.id.clone()),
    };
    let (store, admin) = (&world.store, &world.admin);
    store.create_taxonomy_node(admin, &OWN, "geography", node).await
}

/// A taxonomy `geography` with two levels.
async fn geography(world: &World) {
    let (store, admin) = (&world.store, &world.admin);
    let taxonomy = NewTaxonomy {
        key: None,
        display_name: "Geography".into(),
    };
    let made = store.create_taxonomy(admin, taxonomy).await.unwrap();
    assert_eq!((made.key.as_str(), made.levels.len()), ("geography", 0));
    let levels = vec![level("Continent"), level("Country")];
    store
        .add_taxonomy_levels(admin, &OWN, "geography", levels)
        .await
        .unwrap();
}

fn field_of_geography() -> NewField {
    NewField {
        taxonomy: Some(NewTaxonomyRule {
            taxonomy_key: Some("geography".into()),
            selectable_levels: vec![2],
            ..NewTaxonomyRule::default()
        }),
        ..field(FieldKind::Taxonomy, "where", &[])
    }
}

pub(crate) async fn a_taxonomy_has_levels_and_nodes(world: &World) {
    geography(world).await;
    let (store, admin) = (&world.store, &world.admin);
    let europe = node(world, "Europe", 1, None).await.unwrap();
    let france = node(world, "France", 2, Some(&europe)).await.unwrap();
    refused!(
        node(world, "Nowhere", 2, None).await,
        StoreError::Metadata(MetadataError::Invalid { field, .. }) if field == "parentId"
    );
    let tree = store.taxonomy(admin, &OWN, "geography").await.unwrap();
    assert_eq!(tree.nodes(), [europe.clone(), france.clone()]);
    assert_eq!(tree.ancestors(&france), [&europe]);
    let renamed = store
        .rename_taxonomy_node(admin, &OWN, "geography", &france.id, "La France")
        .await
        .unwrap();
    assert_eq!(renamed.display_name, "La France");
    let changed = store
        .update_taxonomy_level(admin, &OWN, "geography", 2, level("State"))
        .await
        .unwrap();
    assert_eq!(changed.levels[1], level("State"));
    refused!(
        store
            .update_taxonomy_level(admin, &OWN, "geography", 3, level("X"))
            .await,
        StoreError::Metadata(MetadataError::Invalid { .. })
    );
    refused!(
        store.trim_taxonomy_levels(admin, &OWN, "geography").await,
        StoreError::Metadata(MetadataError::Invalid { .. })
    );
    refused!(
        store
            .delete_taxonomy_node(admin, &OWN, "geography", &europe.id)
            .await,
        StoreError::Metadata(MetadataError::Invalid { .. })
    );
    store
        .delete_taxonomy_node(admin, &OWN, "geography", &france.id)
        .await
        .unwrap();
    refused!(
        store
            .delete_taxonomy_node(admin, &OWN, "geography", &france.id)
            .await,
        StoreError::NotFound {
            thing: Thing::TaxonomyNode,
            ..
        }
    );
    let trimmed = store
        .trim_taxonomy_levels(admin, &OWN, "geography")
        .await
        .unwrap();
    assert_eq!(trimmed.levels, [level("Continent")]);
    store.delete_taxonomy(admin, &OWN, "geography").await.unwrap();
    refused!(
        store.taxonomy(admin, &OWN, "geography").await,
        StoreError::NotFound {
            thing: Thing::Taxonomy,
            ..
        }
    );
}

pub(crate) async fn taxonomies_belong_to_their_enterprise(world: &World) {
    geography(world).await;
    let (store, admin) = (&world.store, &world.admin);
    let again = NewTaxonomy {
        key: Some("geography".into()),
        display_name: "Again".into(),
    };
    refused!(
        store.create_taxonomy(admin, again).await,
        StoreError::AlreadyExists {
            thing: Thing::Taxonomy,
            ..
        }
    );
    let page = store.taxonomies(admin, &OWN, PageQuery::default()).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    let stranger = Principal {
        enterprise_id: EnterpriseId::from_number(7),
        ..admin.clone()
    };
    let page = store
        .taxonomies(&stranger, &OWN, PageQuery::default())
        .await
        .unwrap();
    assert!(page.entries.is_empty());
    let own = crate::metadata::TemplateScope::Enterprise(admin.enterprise_id.clone());
    for scope in [&OWN, &own] {
        refused!(
            store.taxonomy(&stranger, scope, "geography").await,
            StoreError::NotFound { .. }
        );
        refused!(
            store.delete_taxonomy(&stranger, scope, "geography").await,
            StoreError::NotFound { .. }
        );
    }
    store.taxonomy(admin, &own, "geography").await.unwrap();
}

pub(crate) async fn a_taxonomy_field_takes_nodes_of_its_levels(world: &World) {
    geography(world).await;
    let (store, admin) = (&world.store, &world.admin);
    let europe = node(world, "Europe", 1, None).await.unwrap();
    let france = node(world, "France", 2, Some(&europe)).await.unwrap();
    let template = new(Some("place"), "Place", vec![field_of_geography()]);
    let template = store.create_metadata_template(admin, template).await.unwrap();
    let rule = template.fields[0].taxonomy.as_ref().unwrap();
    assert_eq!(rule.namespace, format!("enterprise_{}", admin.enterprise_id));
    let file = world.file("a.txt", b"1").await;
    let item = ItemRef::File(file.id);
    for wrong in [json!({"where": [europe.id]}), json!({"where": ["none"]})] {
        refused!(
            store
                .create_metadata(admin, &item, &OWN, "place", values(wrong))
                .await,
            StoreError::Metadata(MetadataError::InvalidValue { .. })
        );
    }
    let sent = values(json!({"where": france.id}));
    let made = store
        .create_metadata(admin, &item, &OWN, "place", sent)
        .await
        .unwrap();
    assert_eq!(made.values["where"], json!([france.id]));
    refused!(
        store.delete_taxonomy(admin, &OWN, "geography").await,
        StoreError::Metadata(MetadataError::Invalid { .. })
    );
    store
        .delete_taxonomy_node(admin, &OWN, "geography", &france.id)
        .await
        .unwrap();
    let after = store.metadata(admin, &item, &OWN, "place").await.unwrap();
    assert!(after.values.is_empty());
    store
        .delete_metadata_template(admin, &OWN, "place")
        .await
        .unwrap();
    store.delete_taxonomy(admin, &OWN, "geography").await.unwrap();
}
