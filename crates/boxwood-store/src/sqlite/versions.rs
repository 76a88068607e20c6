//! Versions of a file.
//!
//! Invariant: a file's current version is never in the trash, and version numbers only grow: promoting an old version
//! makes a new one on top with the same content.

use super::access::{self, Access, user_number};
use super::convert::{Doing, column, number, signed, time, unsigned};
use super::events::{self, Doer};
use super::files::{Content, milliseconds, parent_access};
use super::tree::{self, NewItem};
use super::{SqliteStore, jobs, rows};
use crate::content::StagedBlob;
use crate::error::{StoreError, Thing};
use crate::events::EventKind;
use crate::items::{FileVersion, NewVersion};
use crate::names::name_key;
use boxwood_core::{FileId, FileVersionId, Principal};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

macro_rules! select_versions {
    ($tail:literal) => {
        concat!(
            "SELECT versions.*, versions.id = items.current_version AS current, \
             uploader.id AS up_id, uploader.name AS up_name, uploader.login AS up_login, \
             trasher.id AS tr_id, trasher.name AS tr_name, trasher.login AS tr_login, \
             restorer.id AS re_id, restorer.name AS re_name, restorer.login AS re_login \
             FROM versions JOIN items ON items.id = versions.file_id \
             JOIN users AS uploader ON uploader.id = versions.uploaded_by \
             LEFT JOIN users AS trasher ON trasher.id = versions.trashed_by \
             LEFT JOIN users AS restorer ON restorer.id = versions.restored_by ",
            $tail
        )
    };
}

/// All versions, newest first.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    file: i64,
) -> Result<Vec<FileVersion>, StoreError> {
    let rows = sqlx::query(select_versions!(
        "WHERE versions.file_id = ?1 ORDER BY versions.number DESC"
    ))
    .bind(file)
    .fetch_all(connection)
    .await
    .doing("list versions")?;
    rows.iter().map(version).collect()
}

/// One version of a file that was found.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    file: i64,
    id: &FileVersionId,
) -> Result<FileVersion, StoreError> {
    let row = sqlx::query(select_versions!(
        "WHERE versions.file_id = ?1 AND versions.id = ?2"
    ))
    .bind(file)
    .bind(number(id.as_str(), Thing::FileVersion)?)
    .fetch_optional(connection)
    .await
    .doing("read a version")?
    .ok_or_else(|| StoreError::not_found(Thing::FileVersion, id))?;
    version(&row)
}

fn version(row: &SqliteRow) -> Result<FileVersion, StoreError> {
    Ok(FileVersion {
        id: FileVersionId::from_number(unsigned(column(row, "id")?)?),
        number: column(row, "number")?,
        name: column(row, "name")?,
        sha1: column(row, "sha1")?,
        content_hash: rows::content_hash(row, "content")?,
        size: unsigned(column(row, "size")?)?,
        uploaded_by: rows::user(row, "up")?,
        created_at: time(column(row, "created_at")?)?,
        modified_at: time(column(row, "modified_at")?)?,
        trashed_at: rows::optional_time(row, "trashed_at")?,
        trashed_by: rows::optional_user(row, "tr")?,
        restored_at: rows::optional_time(row, "restored_at")?,
        restored_by: rows::optional_user(row, "re")?,
        current: column(row, "current")?,
    })
}

/// Adds the version that a new item names as its current one.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    item: &NewItem<'_>,
    count: i64,
    content: &Content<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO versions (id, file_id, number, name, sha1, content, size, uploaded_by, created_at, modified_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    )
    .bind(item.version)
    .bind(item.id)
    .bind(count)
    .bind(item.name)
    .bind(content.sha1)
    .bind(content.hash)
    .bind(content.size)
    .bind(item.author)
    .bind(item.now)
    .execute(connection)
    .await
    .doing("add a version")?;
    Ok(())
}

/// Makes a staged content the current version, with its parse job. Answers the file's number.
pub(super) async fn create(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    (file, version): (&FileId, &NewVersion),
    content: &StagedBlob,
) -> Result<i64, StoreError> {
    let access = access::file(connection, principal, file).await?;
    access.require("upload a new version of", |may| may.can_upload)?;
    let (user, now) = (user_number(principal)?, store.now());
    let current = tree::current(connection, access.item).await?;
    current.check_etag(version.if_match.as_deref())?;
    current.check_lock(&access, user, now)?;
    let name = tree::changed_name(version.name.as_deref(), &current.name)?;
    if let Some(name) = name {
        let folder = parent_access(connection, principal, &access).await?;
        tree::check_free(connection, principal, &folder, name, Some(access.item)).await?;
    }
    let size = signed(content.size(), "size")?;
    let stored = Content {
        hash: &content.hash.0,
        sha1: &content.sha1(),
        size,
    };
    let top = Top {
        name: name.unwrap_or(&current.name),
        content_modified_at: milliseconds(version.content_modified_at, now),
        user,
        now,
    };
    put_on_top(connection, &access, current.size, &stored, &top).await?;
    jobs::enqueue(connection, &content.hash, store.options.parser_version, now).await?;
    let doer = Doer::of(store, principal)?;
    events::note_item(connection, doer, EventKind::Edit, access.item, &events::nothing()).await?;
    Ok(access.item)
}

/// What a new top version brings besides its content.
pub(super) struct Top<'a> {
    pub(super) name: &'a str,
    pub(super) content_modified_at: i64,
    pub(super) user: i64,
    pub(super) now: i64,
}

/// Makes a content the current version of a file. The name was checked. Answers the new version's number of a row.
pub(super) async fn put_on_top(
    connection: &mut SqliteConnection,
    file: &Access,
    old_size: i64,
    content: &Content<'_>,
    top: &Top<'_>,
) -> Result<i64, StoreError> {
    let id = tree::next_ids(connection, 1).await?;
    sqlx::query(
        "INSERT INTO versions (id, file_id, number, name, sha1, content, size, uploaded_by, created_at, modified_at) \
         SELECT ?1, ?2, max(number) + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?8 FROM versions WHERE file_id = ?2",
    )
    .bind(id)
    .bind(file.item)
    .bind(top.name)
    .bind(content.sha1)
    .bind(content.hash)
    .bind(content.size)
    .bind(top.user)
    .bind(top.now)
    .execute(&mut *connection)
    .await
    .doing("add a version")?;
    sqlx::query(
        "UPDATE items SET current_version = ?2, size = ?3, name = ?4, name_key = ?5, content_modified_at = ?6 \
         WHERE id = ?1",
    )
    .bind(file.item)
    .bind(id)
    .bind(content.size)
    .bind(top.name)
    .bind(name_key(top.name))
    .bind(top.content_modified_at)
    .execute(&mut *connection)
    .await
    .doing("change the current version")?;
    tree::touch(connection, file.item, top.user, top.now).await?;
    tree::use_space(connection, file.owner, content.size).await?;
    tree::grow(connection, file.chain.get(1).copied(), content.size - old_size).await?;
    Ok(id)
}

/// Makes an old version current again.
pub(super) async fn promote(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    file: &FileId,
    id: &FileVersionId,
) -> Result<FileVersion, StoreError> {
    let access = editable(store, connection, principal, file).await?;
    let old = find(connection, access.item, id).await?;
    if old.current {
        return Ok(old);
    }
    if old.trashed_at.is_some() {
        return Err(StoreError::Trashed {
            thing: Thing::FileVersion,
            id: id.to_string(),
        });
    }
    let current = tree::current(connection, access.item).await?;
    if tree::changed_name(Some(&old.name), &current.name)?.is_some() {
        let folder = parent_access(connection, principal, &access).await?;
        tree::check_free(connection, principal, &folder, &old.name, Some(access.item)).await?;
    }
    let content = Content {
        hash: &old.content_hash.0,
        sha1: &old.sha1,
        size: signed(old.size, "size")?,
    };
    let now = store.now();
    let top = Top {
        name: &old.name,
        content_modified_at: now,
        user: user_number(principal)?,
        now,
    };
    let made = put_on_top(connection, &access, current.size, &content, &top).await?;
    jobs::enqueue(connection, &old.content_hash, store.options.parser_version, now).await?;
    let doer = Doer::of(store, principal)?;
    events::note_item(
        connection,
        doer,
        EventKind::Promote,
        access.item,
        &events::nothing(),
    )
    .await?;
    find(
        connection,
        access.item,
        &FileVersionId::from_number(unsigned(made)?),
    )
    .await
}

/// Moves an old version to the trash.
pub(super) async fn trash(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    (file, id): (&FileId, &FileVersionId),
    if_match: Option<&str>,
) -> Result<(), StoreError> {
    let access = editable(store, connection, principal, file).await?;
    tree::current(connection, access.item)
        .await?
        .check_etag(if_match)?;
    let old = find(connection, access.item, id).await?;
    if old.current {
        return Err(StoreError::CurrentVersion { id: id.to_string() });
    }
    if old.trashed_at.is_some() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE versions SET trashed_at = ?2, trashed_by = ?3, modified_at = ?2, restored_at = NULL, \
         restored_by = NULL WHERE id = ?1",
    )
    .bind(number(id.as_str(), Thing::FileVersion)?)
    .bind(store.now())
    .bind(user_number(principal)?)
    .execute(connection)
    .await
    .doing("trash a version")?;
    Ok(())
}

/// Takes a version out of the trash.
pub(super) async fn restore(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    file: &FileId,
    id: &FileVersionId,
) -> Result<FileVersion, StoreError> {
    let access = editable(store, connection, principal, file).await?;
    let old = find(connection, access.item, id).await?;
    if old.trashed_at.is_none() {
        return Ok(old);
    }
    sqlx::query(
        "UPDATE versions SET trashed_at = NULL, trashed_by = NULL, modified_at = ?2, restored_at = ?2, \
         restored_by = ?3 WHERE id = ?1",
    )
    .bind(number(id.as_str(), Thing::FileVersion)?)
    .bind(store.now())
    .bind(user_number(principal)?)
    .execute(&mut *connection)
    .await
    .doing("restore a version")?;
    find(connection, access.item, id).await
}

/// A file whose versions the principal may change.
async fn editable(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    file: &FileId,
) -> Result<Access, StoreError> {
    let access = access::file(connection, principal, file).await?;
    access.require("change the versions of", |may| may.can_delete)?;
    let current = tree::current(connection, access.item).await?;
    current.check_lock(&access, user_number(principal)?, store.now())?;
    Ok(access)
}
