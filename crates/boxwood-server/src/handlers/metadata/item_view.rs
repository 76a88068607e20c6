//! `fields=metadata.<scope>.<key>` and `metadata.<scope>.<key>.<field>`: the metadata of an item inside the item.
//!
//! Called wherever an item is shown with `fields`. An item without such metadata shows none.

use super::present;
use crate::error::ApiError;
use crate::state::AppState;
use boxwood_api::fields::FieldSelection;
use boxwood_api::metadata::instances::Metadata;
use boxwood_core::Principal;
use boxwood_store::metadata::{MetadataInstance, TemplateScope};
use boxwood_store::{Item, ItemRef, StoreError};
use serde_json::{Map, Value};

/// An item's id with its kind.
pub(crate) fn reference(item: &Item) -> ItemRef {
    match item {
        Item::File(file) => ItemRef::File(file.id.clone()),
        Item::Folder(folder) => ItemRef::Folder(folder.id.clone()),
    }
}

/// Adds `metadata` to a shown item, where the request names some.
///
/// # Errors
/// From the store. Who may not see the item's content gets the item without it.
pub(crate) async fn attach(
    state: &AppState,
    principal: &Principal,
    item: &ItemRef,
    fields: &FieldSelection,
    shown: &mut Value,
) -> Result<(), ApiError> {
    let wanted: Vec<&str> = fields.below("metadata").collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let found = match state.store.metadata_of_item(principal, item).await {
        Ok(found) => found,
        Err(StoreError::Forbidden { .. } | StoreError::Trashed { .. }) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    let mut scopes: Map<String, Value> = Map::new();
    for instance in &found {
        if let Some(chosen) = choose(principal, instance, &wanted) {
            let chosen = serde_json::to_value(chosen).map_err(ApiError::internal)?;
            let scope = scopes
                .entry(instance.scope.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            scope[&instance.template_key] = chosen;
        }
    }
    shown["metadata"] = Value::Object(scopes);
    Ok(())
}

/// The instance as the names ask for it; `None` where none names it.
fn choose(principal: &Principal, instance: &MetadataInstance, wanted: &[&str]) -> Option<Metadata> {
    let mut chosen: Option<Metadata> = None;
    for name in wanted {
        let mut parts = name.splitn(3, '.');
        let (scope, key) = (parts.next()?, parts.next());
        let fits = key == Some(instance.template_key.as_str()) && is_scope(principal, scope, &instance.scope);
        if !fits {
            continue;
        }
        let Some(field) = parts.next() else {
            return Some(present::full(instance));
        };
        let so_far = chosen.get_or_insert_with(|| present::short(instance));
        if let Some(value) = instance.values.get(field) {
            so_far.values.insert(field.to_owned(), value.clone());
        }
    }
    chosen
}

/// `enterprise` stands for the own enterprise.
fn is_scope(principal: &Principal, named: &str, scope: &str) -> bool {
    named == scope
        || (scope != "global" && TemplateScope::parse(named).is_some_and(|named| named.is_own(principal)))
}
