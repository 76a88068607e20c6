//! Steps that the writing operations share: ids, names, sizes of folders, owners.
//!
//! Invariant: after every transaction a folder's `size` is the sum over its items that are not in the trash, and a user's
//! `space_used` is the sum over all versions of the files that he owns. All functions run inside a write transaction.

use super::access::{Access, user_number};
use super::convert::{Doing, column};
use super::index;
use super::rows::{self, View, select_items};
use crate::error::StoreError;
use crate::items::{FolderRef, ItemKind};
use crate::names::{check_name, name_key};
use boxwood_core::Principal;
use sqlx::SqliteConnection;

/// Takes `count` ids; the first one is given back.
pub(super) async fn next_ids(connection: &mut SqliteConnection, count: i64) -> Result<i64, StoreError> {
    sqlx::query_scalar("UPDATE counters SET next = next + ?1 WHERE name = 'id' RETURNING next - ?1")
        .bind(count)
        .fetch_one(connection)
        .await
        .doing("count ids")
}

/// Refuses a name that another item of the folder has.
pub(super) async fn check_free(
    connection: &mut SqliteConnection,
    principal: &Principal,
    folder: &Access,
    name: &str,
    except: Option<i64>,
) -> Result<(), StoreError> {
    let user = user_number(principal)?;
    let row = sqlx::query(select_items!(
        "WHERE items.parent_id = ?2 AND items.name_key = ?3 AND items.trashed_at IS NULL AND items.id IS NOT ?4"
    ))
    .bind(user)
    .bind(folder.item)
    .bind(name_key(name))
    .bind(except)
    .fetch_optional(&mut *connection)
    .await
    .doing("look for the name")?;
    let Some(row) = row else { return Ok(()) };
    let path = path_in(connection, user, folder).await?;
    let view = View {
        user,
        inherited: Some(folder.role),
        path: &path,
    };
    Err(StoreError::NameInUse {
        conflict: Box::new(rows::item(&row, &view)?),
    })
}

/// The path of the items in a folder.
pub(super) async fn path_in(
    connection: &mut SqliteConnection,
    user: i64,
    folder: &Access,
) -> Result<Vec<FolderRef>, StoreError> {
    let own = rows::load_folder(connection, user, folder).await?;
    Ok(folder.path_below(rows::folder_ref(&own)))
}

/// A row to add to `items`.
pub(super) struct NewItem<'a> {
    pub(super) id: i64,
    pub(super) kind: ItemKind,
    pub(super) parent: i64,
    pub(super) owner: i64,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) size: i64,
    pub(super) version: Option<i64>,
    pub(super) author: i64,
    pub(super) now: i64,
    pub(super) content_created_at: i64,
    pub(super) content_modified_at: i64,
    pub(super) tags: &'a str,
}

/// Adds a row; the name was checked.
pub(super) async fn insert_item(
    connection: &mut SqliteConnection,
    item: &NewItem<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO items (id, kind, parent_id, owner_id, name, name_key, description, size, current_version, \
         created_by, modified_by, created_at, modified_at, content_created_at, content_modified_at, tags) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?11, ?12, ?13, ?14)",
    )
    .bind(item.id)
    .bind(match item.kind {
        ItemKind::Folder => 0i64,
        ItemKind::File => 1,
    })
    .bind(item.parent)
    .bind(item.owner)
    .bind(item.name)
    .bind(name_key(item.name))
    .bind(item.description)
    .bind(item.size)
    .bind(item.version)
    .bind(item.author)
    .bind(item.now)
    .bind(item.content_created_at)
    .bind(item.content_modified_at)
    .bind(item.tags)
    .execute(&mut *connection)
    .await
    .doing("add an item")?;
    index::item(connection, item.id).await
}

/// Adds to the sizes of a folder and all folders above it.
pub(super) async fn grow(
    connection: &mut SqliteConnection,
    folder: Option<i64>,
    bytes: i64,
) -> Result<(), StoreError> {
    if bytes == 0 {
        return Ok(());
    }
    sqlx::query(
        "WITH RECURSIVE above (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.parent_id FROM above JOIN items ON items.id = above.id \
           WHERE items.parent_id IS NOT NULL) \
         UPDATE items SET size = size + ?2 WHERE id IN (SELECT id FROM above)",
    )
    .bind(folder)
    .bind(bytes)
    .execute(connection)
    .await
    .doing("add up sizes")?;
    Ok(())
}

/// Adds to the space that a user takes.
pub(super) async fn use_space(
    connection: &mut SqliteConnection,
    user: i64,
    bytes: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET space_used = space_used + ?2 WHERE id = ?1")
        .bind(user)
        .bind(bytes)
        .execute(connection)
        .await
        .doing("add up space")?;
    Ok(())
}

/// Bytes of all versions in an item and below it, the trash included.
pub(super) async fn space_of(connection: &mut SqliteConnection, item: i64) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         SELECT coalesce(sum(versions.size), 0) FROM below JOIN versions ON versions.file_id = below.id",
    )
    .bind(item)
    .fetch_one(connection)
    .await
    .doing("add up space")
}

/// Puts an item under another folder: sizes, and the owner where the folder is someone else's. The name was checked.
pub(super) async fn move_item(
    connection: &mut SqliteConnection,
    item: &Access,
    target: &Access,
    size: i64,
) -> Result<(), StoreError> {
    grow(connection, item.chain.get(1).copied(), -size).await?;
    place_item(connection, item, target, size).await
}

/// The second half of [`move_item`], for an item that counts in no folder (it comes out of the trash).
pub(super) async fn place_item(
    connection: &mut SqliteConnection,
    item: &Access,
    target: &Access,
    size: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE items SET parent_id = ?2 WHERE id = ?1")
        .bind(item.item)
        .bind(target.item)
        .execute(&mut *connection)
        .await
        .doing("move an item")?;
    grow(connection, Some(target.item), size).await?;
    if item.owner == target.owner {
        return Ok(());
    }
    let space = space_of(connection, item.item).await?;
    use_space(connection, item.owner, -space).await?;
    use_space(connection, target.owner, space).await?;
    sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         UPDATE items SET owner_id = ?2 WHERE id IN (SELECT id FROM below)",
    )
    .bind(item.item)
    .bind(target.owner)
    .execute(connection)
    .await
    .doing("change the owner")?;
    Ok(())
}

/// What an item's row says that [`Access`] does not.
pub(super) struct Current {
    pub(super) name: String,
    pub(super) revision: i64,
    pub(super) size: i64,
    pub(super) lock: Option<String>,
    pub(super) locked_by: Option<i64>,
}

/// Reads the row of an item that was found.
pub(super) async fn current(connection: &mut SqliteConnection, item: i64) -> Result<Current, StoreError> {
    let row = sqlx::query("SELECT name, revision, size, lock, locked_by FROM items WHERE id = ?1")
        .bind(item)
        .fetch_one(connection)
        .await
        .doing("read an item")?;
    Ok(Current {
        name: column(&row, "name")?,
        revision: column(&row, "revision")?,
        size: column(&row, "size")?,
        lock: column(&row, "lock")?,
        locked_by: column(&row, "locked_by")?,
    })
}

impl Current {
    /// Refuses when the item changed since the caller read it. `*` fits everything.
    pub(super) fn check_etag(&self, if_match: Option<&str>) -> Result<(), StoreError> {
        let Some(expected) = if_match else { return Ok(()) };
        let plain = expected.trim().trim_start_matches("W/").trim_matches('"');
        let found = self.revision.to_string();
        if plain == "*" || plain == found {
            return Ok(());
        }
        Err(StoreError::PreconditionFailed {
            expected: plain.to_owned(),
            found,
        })
    }

    /// Refuses when another user holds a lock that has not ended.
    pub(super) fn check_lock(&self, item: &Access, user: i64, now: i64) -> Result<(), StoreError> {
        let held = self.locked_by.is_some_and(|holder| holder != user);
        if held && self.lock.as_deref().is_some_and(|lock| !lock_ended(lock, now)) {
            return Err(StoreError::Locked {
                id: item.item.to_string(),
            });
        }
        Ok(())
    }
}

/// Whether a lock's `expires_at` is over; a lock without one never ends.
fn lock_ended(lock: &str, now: i64) -> bool {
    let ends_at = serde_json::from_str::<serde_json::Value>(lock)
        .ok()
        .and_then(|lock| {
            let text = lock.get("expires_at")?.as_str()?.to_owned();
            chrono::DateTime::parse_from_rfc3339(&text).ok()
        });
    ends_at.is_some_and(|end| end.timestamp_millis() <= now)
}

/// A checked new name, or `None` where it does not change.
pub(super) fn changed_name<'a>(new: Option<&'a str>, current: &str) -> Result<Option<&'a str>, StoreError> {
    match new.map(check_name).transpose()? {
        Some(name) if name != current => Ok(Some(name)),
        _ => Ok(None),
    }
}

/// Gives an item the next etag, and its words as they are now to the index. The last step of every change.
pub(super) async fn touch(
    connection: &mut SqliteConnection,
    item: i64,
    user: i64,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE items SET revision = revision + 1, modified_by = ?2, modified_at = ?3 WHERE id = ?1")
        .bind(item)
        .bind(user)
        .bind(now)
        .execute(&mut *connection)
        .await
        .doing("change an item")?;
    index::item(connection, item).await
}
