//! Copies of files and folders. Contents are shared: a copy is rows only.

use super::access::{self, Access, user_number};
use super::convert::{Doing, column, number};
use super::events::{self, Doer};
use super::files::{Content, check_new};
use super::tree::{self, NewItem};
use super::{SqliteStore, jobs, metadata, rows, versions};
use crate::error::{StoreError, Thing};
use crate::events::EventKind;
use crate::items::{CopyTarget, ItemKind};
use boxwood_core::{FileId, FolderId, Principal};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;

/// An item to copy, with the content that its copy gets.
const SELECT_BELOW: &str = "WITH RECURSIVE below (id, depth) AS ( \
       SELECT ?1, 0 UNION ALL SELECT items.id, depth + 1 FROM below JOIN items ON items.parent_id = below.id \
       WHERE items.trashed_at IS NULL) \
     SELECT items.id, items.parent_id, items.kind, items.name, items.description, items.size, items.tags, \
       items.content_created_at, items.content_modified_at, versions.content, versions.sha1 \
     FROM below JOIN items ON items.id = below.id LEFT JOIN versions ON versions.id = coalesce(?2, items.current_version) \
     ORDER BY below.depth, items.id";

/// Copies a file; answers the copy's number.
pub(super) async fn copy_file(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FileId,
    target: &CopyTarget,
) -> Result<i64, StoreError> {
    let source = access::file(connection, principal, id).await?;
    let version = match &target.version {
        None => None,
        Some(version) => {
            let found = versions::find(connection, source.item, version).await?;
            if found.trashed_at.is_some() {
                return Err(StoreError::Trashed {
                    thing: Thing::FileVersion,
                    id: version.to_string(),
                });
            }
            Some(number(version.as_str(), Thing::FileVersion)?)
        }
    };
    copy(store, connection, principal, &source, target, version).await
}

/// Copies a folder; answers the copy's number.
pub(super) async fn copy_folder(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FolderId,
    target: &CopyTarget,
) -> Result<i64, StoreError> {
    let source = access::folder(connection, principal, id).await?;
    if source.root {
        return Err(StoreError::RootFolder { action: "copied" });
    }
    if target.version.is_some() {
        let reason = "a folder has no versions".into();
        return Err(StoreError::InvalidValue {
            field: "version",
            reason,
        });
    }
    let into = access::folder(connection, principal, &target.parent).await?;
    if into.chain.contains(&source.item) {
        return Err(StoreError::IntoItself {
            id: id.to_string(),
            action: "copied",
        });
    }
    copy(store, connection, principal, &source, target, None).await
}

async fn copy(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    source: &Access,
    target: &CopyTarget,
    version: Option<i64>,
) -> Result<i64, StoreError> {
    source.require("copy", |may| may.can_download)?;
    let current = tree::current(connection, source.item).await?;
    let name = target.name.as_deref().unwrap_or(&current.name);
    let (folder, name) = check_new(connection, principal, &target.parent, name).await?;
    let originals = sqlx::query(SELECT_BELOW)
        .bind(source.item)
        .bind(version)
        .fetch_all(&mut *connection)
        .await
        .doing("read what is to be copied")?;
    let count = i64::try_from(originals.len()).unwrap_or(i64::MAX / 2);
    let mut copier = Copier {
        store,
        user: user_number(principal)?,
        owner: folder.owner,
        next: tree::next_ids(connection, count * 2).await?,
        copies: HashMap::with_capacity(originals.len()),
        bytes: 0,
    };
    let mut made = None;
    for original in &originals {
        let above = made.is_none().then_some((folder.item, name));
        let copied = copier.copy_one(connection, original, above, version).await?;
        made.get_or_insert(copied);
    }
    metadata::copy_metadata(store, connection, &copier.copies).await?;
    if let Some(made) = made {
        metadata::inherit(store, connection, made).await?;
    }
    tree::use_space(connection, folder.owner, copier.bytes).await?;
    tree::grow(connection, Some(folder.item), copier.bytes).await?;
    let made = made.ok_or_else(|| super::convert::damaged("an item vanished while it was copied"))?;
    let doer = Doer::of(store, principal)?;
    events::note_item(connection, doer, EventKind::Copy, made, &events::nothing()).await?;
    Ok(made)
}

struct Copier<'a> {
    store: &'a SqliteStore,
    user: i64,
    owner: i64,
    next: i64,
    copies: HashMap<i64, i64>,
    bytes: i64,
}

impl Copier<'_> {
    /// Copies one row; `above` is the target folder and name of the topmost one.
    async fn copy_one(
        &mut self,
        connection: &mut SqliteConnection,
        row: &SqliteRow,
        above: Option<(i64, &str)>,
        version: Option<i64>,
    ) -> Result<i64, StoreError> {
        let file = column::<i64>(row, "kind")? == 1;
        let own_name: String = column(row, "name")?;
        let (parent, name) = match above {
            Some(above) => above,
            None => {
                let parent: i64 = column(row, "parent_id")?;
                let copied = self.copies.get(&parent).copied();
                (
                    copied.ok_or_else(|| super::convert::damaged("a folder after its items"))?,
                    own_name.as_str(),
                )
            }
        };
        let id = self.next;
        self.next += 2;
        self.copies.insert(column(row, "id")?, id);
        let now = self.store.now();
        let (description, tags): (String, String) = (column(row, "description")?, column(row, "tags")?);
        let size = match version {
            Some(version) => size_of(connection, version).await?,
            None => column(row, "size")?,
        };
        let item = NewItem {
            id,
            kind: if file { ItemKind::File } else { ItemKind::Folder },
            parent,
            owner: self.owner,
            name,
            description: &description,
            size,
            version: file.then_some(id + 1),
            author: self.user,
            now,
            content_created_at: column(row, "content_created_at")?,
            content_modified_at: column(row, "content_modified_at")?,
            tags: &tags,
        };
        tree::insert_item(connection, &item).await?;
        if file {
            let hash = rows::content_hash(row, "content")?;
            let sha1: String = column(row, "sha1")?;
            versions::insert(
                connection,
                &item,
                1,
                &Content {
                    hash: &hash.0,
                    sha1: &sha1,
                    size,
                },
            )
            .await?;
            jobs::enqueue(connection, &hash, self.store.options.parser_version, now).await?;
            self.bytes += size;
        }
        Ok(id)
    }
}

async fn size_of(connection: &mut SqliteConnection, version: i64) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT size FROM versions WHERE id = ?1")
        .bind(version)
        .fetch_one(connection)
        .await
        .doing("read a version")
}
