//! The trash.
//!
//! Invariant: `trash_root` of a trashed item names the item whose deletion took it along, so taking a folder back takes
//! back exactly what went with it, and what had been deleted before stays deleted.

use super::access::{Access, user_number};
use super::convert::Doing;
use super::events::{self, Doer};
use super::files::check_new;
use super::{SqliteStore, answers, commit, index, listing, metadata, rows, sharing, tree};
use crate::error::{StoreError, Thing};
use crate::events::EventKind;
use crate::items::{Item, ItemRef};
use crate::listing::{ItemPage, ItemQuery};
use crate::names::name_key;
use crate::store::TrashStore;
use async_trait::async_trait;
use boxwood_core::{FolderId, Principal};
use sqlx::SqliteConnection;

#[async_trait]
impl TrashStore for SqliteStore {
    async fn trashed_items(&self, principal: &Principal, query: ItemQuery) -> Result<ItemPage, StoreError> {
        let mut reading = self.read().await?;
        listing::trashed_items(&mut reading, principal, &query).await
    }

    async fn trashed_item(&self, principal: &Principal, item: &ItemRef) -> Result<Item, StoreError> {
        let mut reading = self.read().await?;
        let access = sharing::any_item(&mut reading, principal, item)
            .await?
            .in_trash()?;
        rows::load(&mut reading, user_number(principal)?, &access).await
    }

    async fn restore_item(
        &self,
        principal: &Principal,
        item: &ItemRef,
        parent: Option<&FolderId>,
        name: Option<&str>,
    ) -> Result<Item, StoreError> {
        let mut writing = self.write().await?;
        let access = deleted(&mut writing, principal, item).await?;
        let current = tree::current(&mut writing, access.item).await?;
        let name = name.unwrap_or(&current.name);
        let old_parent = super::files::folder_id(access.chain.get(1).copied().unwrap_or_default())?;
        let (folder, name) = check_new(&mut writing, principal, parent.unwrap_or(&old_parent), name).await?;
        sqlx::query("UPDATE items SET name = ?2, name_key = ?3 WHERE id = ?1")
            .bind(access.item)
            .bind(name)
            .bind(name_key(name))
            .execute(&mut *writing)
            .await
            .doing("restore an item")?;
        tree::place_item(&mut writing, &access, &folder, current.size).await?;
        metadata::inherit(self, &mut writing, access.item).await?;
        sqlx::query(
            "UPDATE items SET trashed_at = NULL, trashed_by = NULL, trash_root = NULL WHERE trash_root = ?1",
        )
        .bind(access.item)
        .execute(&mut *writing)
        .await
        .doing("restore an item")?;
        let doer = Doer::of(self, principal)?;
        tree::touch(&mut writing, access.item, doer.user, doer.now).await?;
        events::note_item(
            &mut writing,
            doer,
            EventKind::Restore,
            access.item,
            &events::nothing(),
        )
        .await?;
        let access = sharing::any_item(&mut writing, principal, item).await?;
        let restored = rows::load(&mut writing, user_number(principal)?, &access).await?;
        commit(writing).await?;
        Ok(restored)
    }

    async fn purge_item(&self, principal: &Principal, item: &ItemRef) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let access = deleted(&mut writing, principal, item).await?;
        purge(&mut writing, &access).await?;
        commit(writing).await
    }
}

/// An item that was deleted itself and that the principal may delete for good or take back.
async fn deleted(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Access, StoreError> {
    let access = sharing::any_item(connection, principal, item).await?.in_trash()?;
    let root: Option<i64> = sqlx::query_scalar("SELECT trash_root FROM items WHERE id = ?1")
        .bind(access.item)
        .fetch_one(connection)
        .await
        .doing("read the trash")?;
    if root != Some(access.item) {
        return Err(match item {
            ItemRef::File(id) => StoreError::not_found(Thing::File, id),
            ItemRef::Folder(id) => StoreError::not_found(Thing::Folder, id),
        });
    }
    access.require("restore or purge", |may| may.can_delete)?;
    Ok(access)
}

/// Moves an item and what lies below it to the trash.
pub(super) async fn put_in(
    connection: &mut SqliteConnection,
    item: &Access,
    size: i64,
    doer: Doer,
) -> Result<(), StoreError> {
    sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id \
           WHERE items.trashed_at IS NULL) \
         UPDATE items SET trashed_at = ?2, trashed_by = ?3, trash_root = ?1 WHERE id IN (SELECT id FROM below)",
    )
    .bind(item.item)
    .bind(doer.now)
    .bind(doer.user)
    .execute(&mut *connection)
    .await
    .doing("trash an item")?;
    tree::touch(connection, item.item, doer.user, doer.now).await?;
    events::note_item(connection, doer, EventKind::Trash, item.item, &events::nothing()).await?;
    tree::grow(connection, item.chain.get(1).copied(), -size).await
}

/// Removes an item for good. What lies below it but was deleted before it stays in the trash, now of the root.
async fn purge(connection: &mut SqliteConnection, item: &Access) -> Result<(), StoreError> {
    sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         UPDATE items SET parent_id = (SELECT root_id FROM users WHERE users.id = items.owner_id) \
         WHERE id IN (SELECT id FROM below) AND trash_root = id AND id <> ?1",
    )
    .bind(item.item)
    .execute(&mut *connection)
    .await
    .doing("keep what was deleted before")?;
    index::forget_below(connection, item.item).await?;
    answers::remove_of_files(connection, item.item).await?;
    let space = tree::space_of(connection, item.item).await?;
    tree::use_space(connection, item.owner, -space).await?;
    sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         DELETE FROM items WHERE id IN (SELECT id FROM below)",
    )
    .bind(item.item)
    .execute(connection)
    .await
    .doing("purge an item")?;
    Ok(())
}
