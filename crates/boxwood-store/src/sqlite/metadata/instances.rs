//! The metadata of items in SQLite.
//!
//! Invariant: metadata is reached through its item: who may not see the item's content does not see its metadata, and
//! who may not change the item does not change it.

use super::super::SqliteStore;
use super::super::access::Access;
use super::super::convert::{Doing, column, damaged, json, to_json, unsigned};
use super::super::{sharing, taxonomies};
use super::{cascades, templates};
use crate::error::{StoreError, Thing};
use crate::items::ItemRef;
use crate::metadata::key::uuid;
use crate::metadata::patch::apply_patch;
use crate::metadata::values::{check_values, named_nodes};
use crate::metadata::{MetadataInstance, MetadataTemplate, PatchOperation, Values};
use boxwood_core::{FileId, FolderId, Principal};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// An item's row as a reference.
pub(super) fn item_ref(id: i64, kind: i64) -> Result<ItemRef, StoreError> {
    let number = unsigned(id)?;
    Ok(if kind == 1 {
        ItemRef::File(FileId::from_number(number))
    } else {
        ItemRef::Folder(FolderId::from_number(number))
    })
}

/// Finds an item whose metadata the principal may see.
async fn visible(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Access, StoreError> {
    let access = sharing::any_item(connection, principal, item).await?.active()?;
    access.require("see the metadata of", |may| may.can_preview)?;
    Ok(access)
}

/// Finds an item whose metadata the principal may change.
async fn changeable(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Access, StoreError> {
    let access = visible(connection, principal, item).await?;
    if access.root {
        return Err(StoreError::RootFolder {
            action: "given metadata",
        });
    }
    access.require("change the metadata of", |may| may.can_rename)?;
    Ok(access)
}

fn missing(template: &MetadataTemplate) -> StoreError {
    StoreError::not_found(
        Thing::MetadataInstance,
        format!("{}.{}", template.scope(), template.key),
    )
}

fn instance(
    row: &SqliteRow,
    item: &ItemRef,
    template: &MetadataTemplate,
    access: &Access,
) -> Result<MetadataInstance, StoreError> {
    Ok(MetadataInstance {
        id: column(row, "id")?,
        item: item.clone(),
        template_id: template.id.clone(),
        template_key: template.key.clone(),
        scope: template.scope(),
        version: column(row, "version")?,
        type_version: column(row, "type_version")?,
        can_edit: access.permissions().can_rename,
        values: json(column(row, "field_values")?)?,
    })
}

/// The template of the metadata with that id.
pub(super) async fn template_of(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &str,
) -> Result<Option<MetadataTemplate>, StoreError> {
    let row = sqlx::query(
        "SELECT metadata_instances.template_id, items.id, items.kind FROM metadata_instances \
         JOIN items ON items.id = item_id WHERE metadata_instances.id = ?1",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await
    .doing("find metadata")?;
    let Some(row) = row else { return Ok(None) };
    let item = item_ref(column(&row, "id")?, column(&row, "kind")?)?;
    match visible(connection, principal, &item).await {
        Ok(_) => templates::find_by_id(connection, principal, column(&row, "template_id")?).await,
        Err(StoreError::NotFound { .. } | StoreError::Trashed { .. } | StoreError::Forbidden { .. }) => {
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// All metadata of an item that the principal's enterprise sees, by scope and key.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Vec<MetadataInstance>, StoreError> {
    let access = visible(connection, principal, item).await?;
    let rows = sqlx::query("SELECT * FROM metadata_instances WHERE item_id = ?1")
        .bind(access.item)
        .fetch_all(&mut *connection)
        .await
        .doing("list metadata")?;
    let mut instances = Vec::with_capacity(rows.len());
    for row in &rows {
        let found = templates::find_by_id(connection, principal, column(row, "template_id")?).await?;
        if let Some(template) = found {
            instances.push(instance(row, item, &template, &access)?);
        }
    }
    instances
        .sort_by(|left, right| (&left.scope, &left.template_key).cmp(&(&right.scope, &right.template_key)));
    Ok(instances)
}

async fn row_of(
    connection: &mut SqliteConnection,
    item: i64,
    template: &MetadataTemplate,
) -> Result<Option<SqliteRow>, StoreError> {
    sqlx::query("SELECT * FROM metadata_instances WHERE item_id = ?1 AND template_id = ?2")
        .bind(item)
        .bind(&template.id)
        .fetch_optional(connection)
        .await
        .doing("read metadata")
}

/// The metadata of an item under a template.
pub(super) async fn get(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
    template: &MetadataTemplate,
) -> Result<MetadataInstance, StoreError> {
    let access = visible(connection, principal, item).await?;
    let row = row_of(connection, access.item, template).await?;
    let row = row.ok_or_else(|| missing(template))?;
    instance(&row, item, template, &access)
}

/// Values in the form in which they are kept.
async fn checked(
    connection: &mut SqliteConnection,
    template: &MetadataTemplate,
    values: &Values,
) -> Result<Values, StoreError> {
    let named = named_nodes(template, values);
    let nodes = taxonomies::levels_of_nodes(connection, &named).await?;
    Ok(check_values(template, values, &nodes)?)
}

/// Gives an item metadata.
pub(super) async fn create(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    (principal, item): (&Principal, &ItemRef),
    template: &MetadataTemplate,
    values: &Values,
) -> Result<MetadataInstance, StoreError> {
    let access = changeable(connection, principal, item).await?;
    if row_of(connection, access.item, template).await?.is_some() {
        return Err(StoreError::AlreadyExists {
            thing: Thing::MetadataInstance,
            id: format!("{}.{}", template.scope(), template.key),
        });
    }
    let values = checked(connection, template, values).await?;
    insert(
        store,
        connection,
        access.item,
        (&template.id, template.revision),
        &to_json(&values)?,
    )
    .await?;
    cascades::after_create(store, connection, access.item, &template.id).await?;
    let row = row_of(connection, access.item, template).await?;
    let row = row.ok_or_else(|| damaged("metadata vanished while it was made"))?;
    instance(&row, item, template, &access)
}

/// Adds a row; the values were checked.
pub(super) async fn insert(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    item: i64,
    (template, revision): (&str, u32),
    values: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO metadata_instances (id, item_id, template_id, version, type_version, field_values, \
         created_at, modified_at) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6)",
    )
    .bind(uuid(store.options.ids.as_ref()))
    .bind(item)
    .bind(template)
    .bind(revision)
    .bind(values)
    .bind(store.now())
    .execute(connection)
    .await
    .doing("add metadata")?;
    Ok(())
}

/// Applies a patch to the values.
pub(super) async fn update(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    (principal, item): (&Principal, &ItemRef),
    template: &MetadataTemplate,
    patch: &[PatchOperation],
) -> Result<MetadataInstance, StoreError> {
    let access = changeable(connection, principal, item).await?;
    let row = row_of(connection, access.item, template).await?;
    let row = row.ok_or_else(|| missing(template))?;
    let before = instance(&row, item, template, &access)?;
    let patched = apply_patch(&before.values, patch)?;
    let values = checked(connection, template, &patched).await?;
    if values == before.values {
        return Ok(before);
    }
    sqlx::query(
        "UPDATE metadata_instances SET field_values = ?2, version = version + 1, type_version = ?3, \
         modified_at = ?4 WHERE id = ?1",
    )
    .bind(&before.id)
    .bind(to_json(&values)?)
    .bind(template.revision)
    .bind(store.now())
    .execute(connection)
    .await
    .doing("change metadata")?;
    Ok(MetadataInstance {
        version: before.version + 1,
        type_version: template.revision,
        values,
        ..before
    })
}

/// Takes an item's metadata away.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
    template: &MetadataTemplate,
) -> Result<(), StoreError> {
    let access = changeable(connection, principal, item).await?;
    let removed = sqlx::query("DELETE FROM metadata_instances WHERE item_id = ?1 AND template_id = ?2")
        .bind(access.item)
        .bind(&template.id)
        .execute(connection)
        .await
        .doing("remove metadata")?;
    if removed.rows_affected() == 0 {
        return Err(missing(template));
    }
    Ok(())
}
