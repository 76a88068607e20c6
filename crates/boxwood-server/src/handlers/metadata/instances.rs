//! The metadata of files and folders: list, read, make, change by JSON Patch, remove.
//!
//! Each operation is one function over an item of either kind, and two handlers that name the kind.

use super::{present, scope};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::handlers::operations::Operation;
use crate::handlers::parameters::{path_id, read_body};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::metadata::instances::{Metadata, MetadataPatch, Metadatas, read_values};
use boxwood_core::Principal;
use boxwood_store::metadata::PatchOperation;
use boxwood_store::{ItemKind, ItemRef, Thing};
use http::StatusCode;
use serde_json::Value;

/// Item, scope, key of a path.
type Place = (String, String, String);

fn item(kind: ItemKind, id: &str) -> Result<ItemRef, ApiError> {
    match kind {
        ItemKind::File => path_id(Thing::File, id).map(ItemRef::File),
        ItemKind::Folder => path_id(Thing::Folder, id).map(ItemRef::Folder),
    }
}

/// `view=hydrated`: taxonomy values as nodes.
fn hydrated(query: &Query) -> Result<bool, ApiError> {
    match query.text("view") {
        None => Ok(false),
        Some("hydrated") => Ok(true),
        Some(_) => Err(query.refuse("view", "must be `hydrated` or left out")),
    }
}

async fn list(
    state: &AppState,
    principal: &Principal,
    item: ItemRef,
    query: &Query,
) -> Result<BoxJson<Metadatas>, ApiError> {
    Operation::ReadMetadata.authorize(principal)?;
    let hydrated = hydrated(query)?;
    let found = state.store.metadata_of_item(principal, &item).await?;
    let mut entries = Vec::with_capacity(found.len());
    for instance in &found {
        entries.push(present::instance(state, principal, instance, hydrated).await?);
    }
    Ok(BoxJson(Metadatas { entries, limit: 100 }))
}

async fn get(
    state: &AppState,
    principal: &Principal,
    kind: ItemKind,
    (id, scope_name, key): Place,
    query: &Query,
) -> Result<BoxJson<Metadata>, ApiError> {
    Operation::ReadMetadata.authorize(principal)?;
    let hydrated = hydrated(query)?;
    let (item, scope) = (item(kind, &id)?, scope(&scope_name)?);
    let found = state.store.metadata(principal, &item, &scope, &key).await?;
    present::instance(state, principal, &found, hydrated)
        .await
        .map(BoxJson)
}

async fn create(
    state: &AppState,
    principal: &Principal,
    kind: ItemKind,
    (id, scope_name, key): Place,
    body: &Value,
) -> Result<(StatusCode, BoxJson<Metadata>), ApiError> {
    Operation::WriteMetadata.authorize(principal)?;
    let (item, scope) = (item(kind, &id)?, scope(&scope_name)?);
    let values = read_body(body, read_values)?;
    let made = state
        .store
        .create_metadata(principal, &item, &scope, &key, values)
        .await?;
    Ok((StatusCode::CREATED, BoxJson(present::full(&made))))
}

async fn update(
    state: &AppState,
    principal: &Principal,
    kind: ItemKind,
    (id, scope_name, key): Place,
    body: &Value,
) -> Result<BoxJson<Metadata>, ApiError> {
    Operation::WriteMetadata.authorize(principal)?;
    let (item, scope) = (item(kind, &id)?, scope(&scope_name)?);
    let patch = read_body(body, MetadataPatch::read_all)?;
    let patch = patch.into_iter().map(operation).collect();
    let changed = state
        .store
        .update_metadata(principal, &item, &scope, &key, patch)
        .await?;
    Ok(BoxJson(present::full(&changed)))
}

fn operation(operation: MetadataPatch) -> PatchOperation {
    match operation {
        MetadataPatch::Add(path, value) => PatchOperation::Add { path, value },
        MetadataPatch::Replace(path, value) => PatchOperation::Replace { path, value },
        MetadataPatch::Remove(path) => PatchOperation::Remove { path },
        MetadataPatch::Test(path, value) => PatchOperation::Test { path, value },
        MetadataPatch::Move(from, path) => PatchOperation::Move { from, path },
        MetadataPatch::Copy(from, path) => PatchOperation::Copy { from, path },
    }
}

async fn delete(
    state: &AppState,
    principal: &Principal,
    kind: ItemKind,
    (id, scope_name, key): Place,
) -> Result<StatusCode, ApiError> {
    Operation::WriteMetadata.authorize(principal)?;
    let (item, scope) = (item(kind, &id)?, scope(&scope_name)?);
    state
        .store
        .delete_metadata(principal, &item, &scope, &key)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

macro_rules! handlers {
    ($kind:expr, $path:literal, $list:ident, $get:ident, $create:ident, $update:ident, $delete:ident) => {
        #[doc = concat!("`GET ", $path, "`.")]
        pub(crate) async fn $list(
            State(state): State<AppState>,
            Authenticated(principal): Authenticated,
            Path(id): Path<String>,
            query: Query,
        ) -> Result<BoxJson<Metadatas>, ApiError> {
            list(&state, &principal, item($kind, &id)?, &query).await
        }

        #[doc = concat!("`GET ", $path, "/{scope}/{template_key}`.")]
        pub(crate) async fn $get(
            State(state): State<AppState>,
            Authenticated(principal): Authenticated,
            Path(place): Path<Place>,
            query: Query,
        ) -> Result<BoxJson<Metadata>, ApiError> {
            get(&state, &principal, $kind, place, &query).await
        }

        #[doc = concat!("`POST ", $path, "/{scope}/{template_key}`.")]
        pub(crate) async fn $create(
            State(state): State<AppState>,
            Authenticated(principal): Authenticated,
            Path(place): Path<Place>,
            BoxJson(body): BoxJson<Value>,
        ) -> Result<(StatusCode, BoxJson<Metadata>), ApiError> {
            create(&state, &principal, $kind, place, &body).await
        }

        #[doc = concat!("`PUT ", $path, "/{scope}/{template_key}`: all operations or none.")]
        pub(crate) async fn $update(
            State(state): State<AppState>,
            Authenticated(principal): Authenticated,
            Path(place): Path<Place>,
            BoxJson(body): BoxJson<Value>,
        ) -> Result<BoxJson<Metadata>, ApiError> {
            update(&state, &principal, $kind, place, &body).await
        }

        #[doc = concat!("`DELETE ", $path, "/{scope}/{template_key}`.")]
        pub(crate) async fn $delete(
            State(state): State<AppState>,
            Authenticated(principal): Authenticated,
            Path(place): Path<Place>,
        ) -> Result<StatusCode, ApiError> {
            delete(&state, &principal, $kind, place).await
        }
    };
}

handlers!(
    ItemKind::File,
    "/2.0/files/{id}/metadata",
    list_of_file,
    get_of_file,
    create_on_file,
    update_on_file,
    delete_from_file
);
handlers!(
    ItemKind::Folder,
    "/2.0/folders/{id}/metadata",
    list_of_folder,
    get_of_folder,
    create_on_folder,
    update_on_folder,
    delete_from_folder
);
