//! Store values → wire structs, for the metadata of items.
//!
//! `view=hydrated` needs the nodes of taxonomies, which are looked up; everything else is pure.

use super::taxonomy_view;
use crate::error::ApiError;
use crate::state::AppState;
use boxwood_api::metadata::instances::Metadata;
use boxwood_core::Principal;
use boxwood_store::ItemRef;
use boxwood_store::metadata::{MetadataInstance, TemplateScope};
use serde_json::{Map, Value};

fn parent(item: &ItemRef) -> String {
    match item {
        ItemRef::File(id) => format!("file_{id}"),
        ItemRef::Folder(id) => format!("folder_{id}"),
    }
}

/// An instance in full.
pub(crate) fn full(instance: &MetadataInstance) -> Metadata {
    Metadata {
        id: Some(instance.id.clone()),
        kind: Some(format!("{}-{}", instance.template_key, instance.template_id)),
        type_version: Some(instance.type_version),
        can_edit: Some(instance.can_edit),
        values: instance.values.clone(),
        ..short(instance)
    }
}

/// An instance without values, as Box shows it where only some fields are asked for.
pub(crate) fn short(instance: &MetadataInstance) -> Metadata {
    Metadata {
        id: None,
        parent: parent(&instance.item),
        template: instance.template_key.clone(),
        scope: instance.scope.clone(),
        version: instance.version,
        kind: None,
        type_version: None,
        can_edit: None,
        values: Map::new(),
    }
}

/// An instance in full; `hydrated`: with the nodes of taxonomies instead of their ids.
pub(super) async fn instance(
    state: &AppState,
    principal: &Principal,
    instance: &MetadataInstance,
    hydrated: bool,
) -> Result<Metadata, ApiError> {
    let mut shown = full(instance);
    if hydrated {
        hydrate(state, principal, instance, &mut shown.values).await?;
    }
    Ok(shown)
}

async fn hydrate(
    state: &AppState,
    principal: &Principal,
    instance: &MetadataInstance,
    values: &mut Map<String, Value>,
) -> Result<(), ApiError> {
    let template = state
        .store
        .metadata_template_by_id(principal, &instance.template_id)
        .await?;
    for field in &template.fields {
        let (Some(rule), Some(Value::Array(ids))) = (&field.taxonomy, values.get_mut(&field.key)) else {
            continue;
        };
        let tree = state
            .store
            .taxonomy(principal, &TemplateScope::OwnEnterprise, &rule.taxonomy_key)
            .await?;
        for id in ids.iter_mut() {
            let node = id.as_str().and_then(|id| tree.node(id));
            if let Some(node) = node {
                let shown = taxonomy_view::node(&tree, node);
                *id = serde_json::to_value(shown).map_err(ApiError::internal)?;
            }
        }
    }
    Ok(())
}
