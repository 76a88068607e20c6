//! Files: preflight, create, read, change, copy, trash. Versions are in `versions.rs`.

use super::access::{self, Access, user_number};
use super::convert::{Doing, signed, to_json};
use super::events::{self, Doer};
use super::{SqliteStore, commit, copying, groups, jobs, metadata, rows, trash, tree, versions};
use crate::content::StagedBlob;
use crate::error::StoreError;
use crate::events::EventKind;
use crate::items::{CopyTarget, File, FileChange, FileVersion, ItemKind, NewFile, NewVersion};
use crate::names::check_name;
use crate::store::FileStore;
use async_trait::async_trait;
use boxwood_core::{FileId, FileVersionId, FolderId, Principal};
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

/// A content as the rows name it.
pub(super) struct Content<'a> {
    pub(super) hash: &'a [u8],
    pub(super) sha1: &'a str,
    pub(super) size: i64,
}

impl SqliteStore {
    fn check_size(&self, size: Option<u64>) -> Result<(), StoreError> {
        let limit = self.options.max_file_size;
        if size.is_some_and(|size| size > limit) {
            return Err(StoreError::TooLarge { limit });
        }
        Ok(())
    }
}

#[async_trait]
impl FileStore for SqliteStore {
    async fn check_new_file(
        &self,
        principal: &Principal,
        parent: &FolderId,
        name: &str,
        size: Option<u64>,
    ) -> Result<(), StoreError> {
        self.check_size(size)?;
        let mut reading = self.read().await?;
        check_new(&mut reading, principal, parent, name).await?;
        Ok(())
    }

    async fn check_new_version(
        &self,
        principal: &Principal,
        file: &FileId,
        name: Option<&str>,
        size: Option<u64>,
    ) -> Result<(), StoreError> {
        self.check_size(size)?;
        let mut reading = self.read().await?;
        let access = access::file(&mut reading, principal, file).await?;
        access.require("upload a new version of", |may| may.can_upload)?;
        let current = tree::current(&mut reading, access.item).await?;
        current.check_lock(&access, user_number(principal)?, self.now())?;
        if let Some(name) = tree::changed_name(name, &current.name)? {
            let folder = parent_access(&mut reading, principal, &access).await?;
            tree::check_free(&mut reading, principal, &folder, name, Some(access.item)).await?;
        }
        Ok(())
    }

    async fn create_file(
        &self,
        principal: &Principal,
        file: NewFile,
        content: StagedBlob,
    ) -> Result<File, StoreError> {
        let mut writing = self.write().await?;
        let id = create(self, &mut writing, principal, &file, &content).await?;
        let made = reload(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn create_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: NewVersion,
        content: StagedBlob,
    ) -> Result<File, StoreError> {
        let mut writing = self.write().await?;
        let id = versions::create(self, &mut writing, principal, (file, &version), &content).await?;
        let made = reload(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn file(&self, principal: &Principal, id: &FileId) -> Result<File, StoreError> {
        let mut reading = self.read().await?;
        let access = access::file(&mut reading, principal, id).await?;
        rows::load_file(&mut reading, user_number(principal)?, &access).await
    }

    async fn update_file(
        &self,
        principal: &Principal,
        id: &FileId,
        change: FileChange,
    ) -> Result<File, StoreError> {
        let mut writing = self.write().await?;
        let access = access::file(&mut writing, principal, id).await?;
        let (user, now) = (user_number(principal)?, self.now());
        let current = tree::current(&mut writing, access.item).await?;
        current.check_etag(change.if_match.as_deref())?;
        current.check_lock(&access, user, now)?;
        let plan = ItemChange {
            name: change.name.as_deref(),
            parent: change.parent.as_ref(),
            description: change.description.as_deref(),
            tags: change.tags.as_deref(),
            shared_link: change.shared_link.as_ref(),
            lock: change.lock.as_ref(),
        };
        apply_change(&mut writing, principal, &access, &plan, now).await?;
        if change.parent.is_some() {
            metadata::inherit(self, &mut writing, access.item).await?;
        }
        let changed = reload(&mut writing, principal, access.item).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn copy_file(
        &self,
        principal: &Principal,
        id: &FileId,
        target: CopyTarget,
    ) -> Result<File, StoreError> {
        let mut writing = self.write().await?;
        let made = copying::copy_file(self, &mut writing, principal, id, &target).await?;
        let made = reload(&mut writing, principal, made).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn trash_file(
        &self,
        principal: &Principal,
        id: &FileId,
        if_match: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let access = access::file(&mut writing, principal, id).await?;
        access.require("delete", |may| may.can_delete)?;
        let (user, now) = (user_number(principal)?, self.now());
        let current = tree::current(&mut writing, access.item).await?;
        current.check_etag(if_match)?;
        current.check_lock(&access, user, now)?;
        let doer = Doer::of(self, principal)?;
        trash::put_in(&mut writing, &access, current.size, doer).await?;
        commit(writing).await
    }

    async fn versions(&self, principal: &Principal, file: &FileId) -> Result<Vec<FileVersion>, StoreError> {
        let mut reading = self.read().await?;
        let access = access::file(&mut reading, principal, file).await?;
        versions::list(&mut reading, access.item).await
    }

    async fn version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
    ) -> Result<FileVersion, StoreError> {
        let mut reading = self.read().await?;
        let access = access::file(&mut reading, principal, file).await?;
        versions::find(&mut reading, access.item, version).await
    }

    async fn promote_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
    ) -> Result<FileVersion, StoreError> {
        let mut writing = self.write().await?;
        let promoted = versions::promote(self, &mut writing, principal, file, version).await?;
        commit(writing).await?;
        Ok(promoted)
    }

    async fn trash_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
        if_match: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        versions::trash(self, &mut writing, principal, (file, version), if_match).await?;
        commit(writing).await
    }

    async fn restore_version(
        &self,
        principal: &Principal,
        file: &FileId,
        version: &FileVersionId,
    ) -> Result<FileVersion, StoreError> {
        let mut writing = self.write().await?;
        let restored = versions::restore(self, &mut writing, principal, file, version).await?;
        commit(writing).await?;
        Ok(restored)
    }
}

/// A caller's time, or now.
pub(super) fn milliseconds(time: Option<DateTime<Utc>>, now: i64) -> i64 {
    time.map_or(now, |time| time.timestamp_millis())
}

/// Makes a file with its first version and parse job. Answers its number.
pub(super) async fn create(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    file: &NewFile,
    content: &StagedBlob,
) -> Result<i64, StoreError> {
    let (folder, name) = check_new(connection, principal, &file.parent, &file.name).await?;
    let now = store.now();
    let id = tree::next_ids(connection, 2).await?;
    let size = signed(content.size(), "size")?;
    let item = tree::NewItem {
        id,
        kind: ItemKind::File,
        parent: folder.item,
        owner: folder.owner,
        name,
        description: &file.description,
        size,
        version: Some(id + 1),
        author: user_number(principal)?,
        now,
        content_created_at: milliseconds(file.content_created_at, now),
        content_modified_at: milliseconds(file.content_modified_at, now),
        tags: "[]",
    };
    tree::insert_item(connection, &item).await?;
    let stored = Content {
        hash: &content.hash.0,
        sha1: &content.sha1(),
        size,
    };
    versions::insert(connection, &item, 1, &stored).await?;
    tree::use_space(connection, folder.owner, size).await?;
    tree::grow(connection, Some(folder.item), size).await?;
    jobs::enqueue(connection, &content.hash, store.options.parser_version, now).await?;
    metadata::inherit(store, connection, id).await?;
    let doer = Doer::of(store, principal)?;
    events::note_item(connection, doer, EventKind::Upload, id, &events::nothing()).await?;
    Ok(id)
}

/// Whether something with that name may be made in the folder.
pub(super) async fn check_new<'a>(
    connection: &mut SqliteConnection,
    principal: &Principal,
    parent: &FolderId,
    name: &'a str,
) -> Result<(Access, &'a str), StoreError> {
    let name = check_name(name)?;
    let folder = access::folder(connection, principal, parent).await?;
    folder.require("upload to", |may| may.can_upload)?;
    tree::check_free(connection, principal, &folder, name, None).await?;
    Ok((folder, name))
}

/// The folder of an item, for looking at its names. It may lie outside what the principal sees (an invited file, a token
/// limited to one file), so it is not checked: the item itself was.
pub(super) async fn parent_access(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &Access,
) -> Result<Access, StoreError> {
    let unlimited = Principal {
        resource: None,
        ..principal.clone()
    };
    let parent = item.parent_unseen();
    match access::folder(connection, &unlimited, &folder_id(parent.item)?).await {
        Ok(folder) => Ok(folder),
        Err(StoreError::NotFound { .. }) => Ok(parent),
        Err(other) => Err(other),
    }
}

/// The id of a row.
pub(super) fn folder_id(folder: i64) -> Result<FolderId, StoreError> {
    Ok(FolderId::from_number(super::convert::unsigned(folder)?))
}

/// Reads a file after it was changed.
pub(super) async fn reload(
    connection: &mut SqliteConnection,
    principal: &Principal,
    file: i64,
) -> Result<File, StoreError> {
    let id = FileId::from_number(super::convert::unsigned(file)?);
    let access = access::any_file(connection, principal, &id).await?;
    rows::load_file(connection, user_number(principal)?, &access).await
}

/// What changes of a file or folder.
pub(super) struct ItemChange<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) parent: Option<&'a FolderId>,
    pub(super) description: Option<&'a str>,
    pub(super) tags: Option<&'a [String]>,
    pub(super) shared_link: Option<&'a Option<serde_json::Value>>,
    pub(super) lock: Option<&'a Option<serde_json::Value>>,
}

/// Changes an item; what does not change anything keeps the etag.
pub(super) async fn apply_change(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &Access,
    change: &ItemChange<'_>,
    now: i64,
) -> Result<(), StoreError> {
    let user = user_number(principal)?;
    let current = tree::current(connection, item.item).await?;
    let name = tree::changed_name(change.name, &current.name)?;
    let moved = move_if_asked(connection, principal, item, change, current.size).await?;
    let mut changed = moved;
    if let Some(name) = name {
        item.require("rename", |may| may.can_rename)?;
        let folder = if changed {
            None
        } else {
            Some(parent_access(connection, principal, item).await?)
        };
        if let Some(folder) = &folder {
            tree::check_free(connection, principal, folder, name, Some(item.item)).await?;
        }
        sqlx::query("UPDATE items SET name = ?2, name_key = ?3 WHERE id = ?1")
            .bind(item.item)
            .bind(name)
            .bind(crate::names::name_key(name))
            .execute(&mut *connection)
            .await
            .doing("rename an item")?;
        changed = true;
    }
    changed |= set_details(connection, item, change, user).await?;
    if !changed {
        return Ok(());
    }
    tree::touch(connection, item.item, user, now).await?;
    let doer = Doer {
        enterprise: groups::enterprise_number(principal)?,
        user,
        now,
    };
    for kind in what_happened(change, moved, name.is_some()) {
        events::note_item(connection, doer, kind, item.item, &events::nothing()).await?;
    }
    Ok(())
}

/// The events of a change, in the order of importance.
fn what_happened(change: &ItemChange<'_>, moved: bool, renamed: bool) -> Vec<EventKind> {
    let described = change.description.is_some() || change.tags.is_some();
    let set_or_not =
        |value: &Option<serde_json::Value>, set, unset| if value.is_some() { set } else { unset };
    let lock = change
        .lock
        .map(|lock| set_or_not(lock, EventKind::Lock, EventKind::Unlock));
    let link = change
        .shared_link
        .map(|link| set_or_not(link, EventKind::Share, EventKind::Unshare));
    let plain = [
        moved.then_some(EventKind::Move),
        renamed.then_some(EventKind::Rename),
        described.then_some(EventKind::Modify),
    ];
    plain.into_iter().chain([lock, link]).flatten().collect()
}

/// Moves the item when the change names another folder. Answers whether it moved.
async fn move_if_asked(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &Access,
    change: &ItemChange<'_>,
    size: i64,
) -> Result<bool, StoreError> {
    let Some(parent) = change.parent else {
        return Ok(false);
    };
    let target = access::folder(connection, principal, parent).await?;
    if item.chain.get(1) == Some(&target.item) {
        return Ok(false);
    }
    item.require("move", |may| may.can_delete)?;
    target.require("upload to", |may| may.can_upload)?;
    if target.chain.contains(&item.item) {
        return Err(StoreError::IntoItself {
            id: item.item.to_string(),
            action: "moved",
        });
    }
    let current = tree::current(connection, item.item).await?;
    let name = change.name.map(check_name).transpose()?.unwrap_or(&current.name);
    tree::check_free(connection, principal, &target, name, Some(item.item)).await?;
    // The old name may be taken in the new folder while the new name is not: both change in one step.
    sqlx::query("UPDATE items SET name = ?2, name_key = ?3, parent_id = NULL WHERE id = ?1")
        .bind(item.item)
        .bind(name)
        .bind(crate::names::name_key(name))
        .execute(&mut *connection)
        .await
        .doing("move an item")?;
    tree::move_item(connection, item, &target, size).await?;
    Ok(true)
}

/// Description, tags, shared link, lock. Answers whether anything was set.
async fn set_details(
    connection: &mut SqliteConnection,
    item: &Access,
    change: &ItemChange<'_>,
    user: i64,
) -> Result<bool, StoreError> {
    let edits = change.description.is_some() || change.tags.is_some() || change.lock.is_some();
    if edits {
        item.require("change", |may| may.can_rename)?;
    }
    if change.shared_link.is_some() {
        item.require("share", |may| may.can_share)?;
    }
    if !edits && change.shared_link.is_none() {
        return Ok(false);
    }
    let text =
        |value: Option<&Option<serde_json::Value>>| value.and_then(Option::as_ref).map(to_json).transpose();
    let locked_by = change.lock.map(|lock| lock.as_ref().map(|_| user));
    sqlx::query(
        "UPDATE items SET description = coalesce(?2, description), tags = coalesce(?3, tags), \
         shared_link = CASE WHEN ?4 THEN ?5 ELSE shared_link END, \
         lock = CASE WHEN ?6 THEN ?7 ELSE lock END, \
         locked_by = CASE WHEN ?6 THEN ?8 ELSE locked_by END WHERE id = ?1",
    )
    .bind(item.item)
    .bind(change.description)
    .bind(change.tags.map(to_json).transpose()?)
    .bind(change.shared_link.is_some())
    .bind(text(change.shared_link)?)
    .bind(change.lock.is_some())
    .bind(text(change.lock)?)
    .bind(locked_by.flatten())
    .execute(connection)
    .await
    .doing("change an item")?;
    Ok(true)
}
