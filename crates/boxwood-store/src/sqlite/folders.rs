//! Folders: create, read, change, copy, trash. Listing is in `listing.rs`.

use super::access::{self, user_number};
use super::convert::{Doing, unsigned};
use super::events::{self, Doer};
use super::files::{ItemChange, apply_change, check_new};
use super::{SqliteStore, commit, copying, listing, metadata, rows, trash, tree};
use crate::error::StoreError;
use crate::events::EventKind;
use crate::items::{CopyTarget, Folder, FolderChange, ItemKind, NewFolder};
use crate::listing::{ItemPage, ItemQuery};
use crate::store::FolderStore;
use async_trait::async_trait;
use boxwood_core::{FolderId, Principal};
use sqlx::SqliteConnection;

#[async_trait]
impl FolderStore for SqliteStore {
    async fn create_folder(&self, principal: &Principal, folder: NewFolder) -> Result<Folder, StoreError> {
        let mut writing = self.write().await?;
        let (parent, name) = check_new(&mut writing, principal, &folder.parent, &folder.name).await?;
        let (user, now) = (user_number(principal)?, self.now());
        let id = tree::next_ids(&mut writing, 1).await?;
        let item = tree::NewItem {
            id,
            kind: ItemKind::Folder,
            parent: parent.item,
            owner: parent.owner,
            name,
            description: &folder.description,
            size: 0,
            version: None,
            author: user,
            now,
            content_created_at: now,
            content_modified_at: now,
            tags: "[]",
        };
        tree::insert_item(&mut writing, &item).await?;
        metadata::inherit(self, &mut writing, id).await?;
        let doer = Doer::of(self, principal)?;
        events::note_item(
            &mut writing,
            doer,
            EventKind::FolderCreate,
            id,
            &events::nothing(),
        )
        .await?;
        let made = reload(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn folder(&self, principal: &Principal, id: &FolderId) -> Result<Folder, StoreError> {
        let mut reading = self.read().await?;
        let access = access::folder(&mut reading, principal, id).await?;
        rows::load_folder(&mut reading, user_number(principal)?, &access).await
    }

    async fn folder_items(
        &self,
        principal: &Principal,
        id: &FolderId,
        query: ItemQuery,
    ) -> Result<ItemPage, StoreError> {
        let mut reading = self.read().await?;
        listing::folder_items(&mut reading, principal, id, &query).await
    }

    async fn update_folder(
        &self,
        principal: &Principal,
        id: &FolderId,
        change: FolderChange,
    ) -> Result<Folder, StoreError> {
        let mut writing = self.write().await?;
        let access = access::folder(&mut writing, principal, id).await?;
        if access.root {
            let action = if change.parent.is_some() {
                "moved"
            } else {
                "changed"
            };
            return Err(StoreError::RootFolder { action });
        }
        tree::current(&mut writing, access.item)
            .await?
            .check_etag(change.if_match.as_deref())?;
        let plan = ItemChange {
            name: change.name.as_deref(),
            parent: change.parent.as_ref(),
            description: change.description.as_deref(),
            tags: change.tags.as_deref(),
            shared_link: change.shared_link.as_ref(),
            lock: None,
        };
        apply_change(&mut writing, principal, &access, &plan, self.now()).await?;
        if change.parent.is_some() {
            metadata::inherit(self, &mut writing, access.item).await?;
        }
        let changed = reload(&mut writing, principal, access.item).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn copy_folder(
        &self,
        principal: &Principal,
        id: &FolderId,
        target: CopyTarget,
    ) -> Result<Folder, StoreError> {
        let mut writing = self.write().await?;
        let made = copying::copy_folder(self, &mut writing, principal, id, &target).await?;
        let made = reload(&mut writing, principal, made).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn trash_folder(
        &self,
        principal: &Principal,
        id: &FolderId,
        recursive: bool,
        if_match: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let access = access::folder(&mut writing, principal, id).await?;
        if access.root {
            return Err(StoreError::RootFolder { action: "deleted" });
        }
        access.require("delete", |may| may.can_delete)?;
        let current = tree::current(&mut writing, access.item).await?;
        current.check_etag(if_match)?;
        if !recursive && has_items(&mut writing, access.item).await? {
            return Err(StoreError::FolderNotEmpty { id: id.to_string() });
        }
        let doer = Doer::of(self, principal)?;
        trash::put_in(&mut writing, &access, current.size, doer).await?;
        commit(writing).await
    }
}

async fn has_items(connection: &mut SqliteConnection, folder: i64) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM items WHERE parent_id = ?1 AND trashed_at IS NULL)")
        .bind(folder)
        .fetch_one(connection)
        .await
        .doing("look for items")
}

/// Reads a folder after it was changed.
pub(super) async fn reload(
    connection: &mut SqliteConnection,
    principal: &Principal,
    folder: i64,
) -> Result<Folder, StoreError> {
    let id = FolderId::from_number(unsigned(folder)?);
    let access = access::any_folder(connection, principal, &id).await?;
    rows::load_folder(connection, user_number(principal)?, &access).await
}
