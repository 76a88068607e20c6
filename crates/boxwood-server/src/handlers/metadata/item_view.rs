//! `fields=metadata.<scope>.<key>` and `metadata.<scope>.<key>.<field>`: the metadata of an item inside the item; and
//! `fields=classification`, which is read from it.
//!
//! Called wherever an item is shown with `fields`. An item without such metadata shows none.

use super::present;
use crate::error::ApiError;
use crate::handlers::operations::Operation;
use crate::state::AppState;
use boxwood_api::fields::FieldSelection;
use boxwood_api::metadata::instances::Metadata;
use boxwood_core::Principal;
use boxwood_store::metadata::{MetadataInstance, TemplateScope};
use boxwood_store::{Item, ItemRef, StoreError};
use serde_json::{Map, Value, json};

/// An item's id with its kind.
pub(crate) fn reference(item: &Item) -> ItemRef {
    match item {
        Item::File(file) => ItemRef::File(file.id.clone()),
        Item::Folder(folder) => ItemRef::Folder(folder.id.clone()),
    }
}

/// Adds `metadata` and `classification` to a shown item, where the request names them.
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
    if !Operation::ReadMetadata.is_allowed_by(&principal.scopes) {
        return Ok(());
    }
    if fields.names("classification") {
        shown["classification"] = classification(state, principal, item).await?;
    }
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

/// The key of Box's classification template.
const CLASSIFICATION: &str = "securityClassification-6VMVochwUWo";
/// Its one field.
const CLASSIFICATION_FIELD: &str = "Box__Security__Classification__Key";

/// How an item is classified, from its metadata; `null` where it is not. Box's colours are not known, so none is shown.
async fn classification(state: &AppState, principal: &Principal, item: &ItemRef) -> Result<Value, ApiError> {
    let own = TemplateScope::OwnEnterprise;
    let found = match state.store.metadata(principal, item, &own, CLASSIFICATION).await {
        Ok(found) => found,
        Err(StoreError::NotFound { .. } | StoreError::Forbidden { .. } | StoreError::Trashed { .. }) => {
            return Ok(Value::Null);
        }
        Err(other) => return Err(other.into()),
    };
    let Some(name) = found.values.get(CLASSIFICATION_FIELD).and_then(Value::as_str) else {
        return Ok(Value::Null);
    };
    let template = state
        .store
        .metadata_template(principal, &own, CLASSIFICATION)
        .await?;
    let option = template
        .field(CLASSIFICATION_FIELD)
        .and_then(|field| field.options.iter().find(|option| option.key == name));
    let definition = option
        .and_then(|option| option.static_config.as_ref())
        .and_then(|config| config["classification"]["classificationDefinition"].as_str());
    Ok(json!({"name": name, "definition": definition.unwrap_or_default()}))
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
