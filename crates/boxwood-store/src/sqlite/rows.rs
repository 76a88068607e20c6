//! Rows of items and versions as values.

use super::access::{Access, permissions, root_ref};
use super::convert::{Doing, column, damaged, json, time, unsigned};
use crate::error::StoreError;
use crate::items::{File, FileVersion, Folder, FolderRef, Item, ItemStatus, Role, UserRef};
use boxwood_core::{ContentHash, FileId, FileVersionId, FolderId, UserId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// A query over items with everything that [`item`] reads; `?1` is the asking user.
macro_rules! select_items {
    ($tail:literal) => {
        concat!(
            "SELECT items.*, \
             owner.id AS ow_id, owner.name AS ow_name, owner.login AS ow_login, \
             creator.id AS cr_id, creator.name AS cr_name, creator.login AS cr_login, \
             modifier.id AS mo_id, modifier.name AS mo_name, modifier.login AS mo_login, \
             versions.id AS v_id, versions.number AS v_number, versions.name AS v_name, versions.sha1 AS v_sha1, \
             versions.content AS v_content, versions.size AS v_size, versions.created_at AS v_created_at, \
             versions.modified_at AS v_modified_at, \
             uploader.id AS up_id, uploader.name AS up_name, uploader.login AS up_login, \
             (SELECT count(*) FROM versions AS all_versions WHERE all_versions.file_id = items.id \
               AND all_versions.trashed_at IS NULL) AS version_count, \
             EXISTS (SELECT 1 FROM collaborations WHERE item_id = items.id) AS has_collaborations, \
             (SELECT group_concat(role) FROM grants WHERE item_id = items.id AND user_id = ?1) AS own_roles \
             FROM items \
             JOIN users AS owner ON owner.id = items.owner_id \
             JOIN users AS creator ON creator.id = items.created_by \
             JOIN users AS modifier ON modifier.id = items.modified_by \
             LEFT JOIN versions ON versions.id = items.current_version \
             LEFT JOIN users AS uploader ON uploader.id = versions.uploaded_by ",
            $tail
        )
    };
}
pub(super) use select_items;

/// How the asking user comes to an item: what a row alone does not tell.
pub(super) struct View<'a> {
    /// The asking user.
    pub(super) user: i64,
    /// The role from the folder above; `None` where only the item's own collaboration counts.
    pub(super) inherited: Option<Role>,
    /// The folders above.
    pub(super) path: &'a [FolderRef],
}

/// Reads one item that was found before.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    user: i64,
    access: &Access,
) -> Result<Item, StoreError> {
    let row = sqlx::query(select_items!("WHERE items.id = ?2"))
        .bind(user)
        .bind(access.item)
        .fetch_one(connection)
        .await
        .doing("read an item")?;
    item(
        &row,
        &View {
            user,
            inherited: Some(access.role),
            path: &access.path,
        },
    )
}

/// Reads one file that was found before.
pub(super) async fn load_file(
    connection: &mut SqliteConnection,
    user: i64,
    access: &Access,
) -> Result<File, StoreError> {
    match load(connection, user, access).await? {
        Item::File(file) => Ok(*file),
        Item::Folder(_) => Err(damaged("a file row became a folder")),
    }
}

/// Reads one folder that was found before.
pub(super) async fn load_folder(
    connection: &mut SqliteConnection,
    user: i64,
    access: &Access,
) -> Result<Folder, StoreError> {
    match load(connection, user, access).await? {
        Item::Folder(folder) => Ok(*folder),
        Item::File(_) => Err(damaged("a folder row became a file")),
    }
}

/// A row of [`select_items!`] as a value.
pub(super) fn item(row: &SqliteRow, view: &View<'_>) -> Result<Item, StoreError> {
    let owner: i64 = column(row, "owner_id")?;
    let own: Option<String> = column(row, "own_roles")?;
    let role = if owner == view.user {
        Role::Owner
    } else {
        Role::strongest(own.as_deref())
            .into_iter()
            .chain(view.inherited)
            .min()
            .unwrap_or(Role::Uploader)
    };
    match column::<i64>(row, "kind")? {
        0 => Ok(Item::Folder(Box::new(folder(row, view, role)?))),
        1 => Ok(Item::File(Box::new(file(row, view, role)?))),
        _ => Err(damaged("an item of no kind")),
    }
}

fn file(row: &SqliteRow, view: &View<'_>, role: Role) -> Result<File, StoreError> {
    let trashed_at = optional_time(row, "trashed_at")?;
    Ok(File {
        id: FileId::from_number(unsigned(column(row, "id")?)?),
        name: column(row, "name")?,
        description: column(row, "description")?,
        revision: unsigned(column(row, "revision")?)?,
        version: current_version(row)?,
        version_count: column(row, "version_count")?,
        parent: parent(view, trashed_at.is_some()),
        path: view.path.to_vec(),
        owned_by: user(row, "ow")?,
        created_by: user(row, "cr")?,
        modified_by: user(row, "mo")?,
        created_at: time(column(row, "created_at")?)?,
        modified_at: time(column(row, "modified_at")?)?,
        content_created_at: time(column(row, "content_created_at")?)?,
        content_modified_at: time(column(row, "content_modified_at")?)?,
        trashed_at,
        status: status(trashed_at.is_some()),
        tags: json(&column::<String>(row, "tags")?)?,
        shared_link: optional_json(row, "shared_link")?,
        lock: optional_json(row, "lock")?,
        has_collaborations: column(row, "has_collaborations")?,
        permissions: permissions(role, false),
    })
}

fn folder(row: &SqliteRow, view: &View<'_>, role: Role) -> Result<Folder, StoreError> {
    let root = column::<Option<i64>>(row, "parent_id")?.is_none();
    let trashed_at = optional_time(row, "trashed_at")?;
    let unless_root = |name| {
        if root {
            Ok(None)
        } else {
            time(column(row, name)?).map(Some)
        }
    };
    Ok(Folder {
        id: if root {
            FolderId::root()
        } else {
            FolderId::from_number(unsigned(column(row, "id")?)?)
        },
        name: column(row, "name")?,
        description: column(row, "description")?,
        revision: if root {
            None
        } else {
            Some(unsigned(column(row, "revision")?)?)
        },
        size: unsigned(column(row, "size")?)?,
        parent: if root {
            None
        } else {
            parent(view, trashed_at.is_some())
        },
        path: view.path.to_vec(),
        owned_by: user(row, "ow")?,
        created_by: user(row, "cr")?,
        modified_by: user(row, "mo")?,
        created_at: unless_root("created_at")?,
        modified_at: unless_root("modified_at")?,
        content_created_at: unless_root("content_created_at")?,
        content_modified_at: unless_root("content_modified_at")?,
        trashed_at,
        status: status(trashed_at.is_some()),
        tags: json(&column::<String>(row, "tags")?)?,
        shared_link: optional_json(row, "shared_link")?,
        has_collaborations: column(row, "has_collaborations")?,
        permissions: permissions(role, true),
    })
}

/// The entry of a folder in the paths of what lies in it.
pub(super) fn folder_ref(folder: &Folder) -> FolderRef {
    if folder.id.is_root() {
        return root_ref();
    }
    FolderRef {
        id: folder.id.clone(),
        name: folder.name.clone(),
        etag: folder.etag(),
    }
}

fn current_version(row: &SqliteRow) -> Result<FileVersion, StoreError> {
    Ok(FileVersion {
        id: FileVersionId::from_number(unsigned(column(row, "v_id")?)?),
        number: column(row, "v_number")?,
        name: column(row, "v_name")?,
        sha1: column(row, "v_sha1")?,
        content_hash: content_hash(row, "v_content")?,
        size: unsigned(column(row, "v_size")?)?,
        uploaded_by: user(row, "up")?,
        created_at: time(column(row, "v_created_at")?)?,
        modified_at: time(column(row, "v_modified_at")?)?,
        trashed_at: None,
        trashed_by: None,
        restored_at: None,
        restored_by: None,
        current: true,
    })
}

/// A SHA-256 column.
pub(super) fn content_hash(row: &SqliteRow, name: &str) -> Result<ContentHash, StoreError> {
    let bytes: Vec<u8> = column(row, name)?;
    bytes
        .try_into()
        .map(ContentHash)
        .map_err(|_| damaged("a hash of another length"))
}

/// The user whose columns begin with the prefix.
pub(super) fn user(row: &SqliteRow, prefix: &str) -> Result<UserRef, StoreError> {
    optional_user(row, prefix)?.ok_or_else(|| damaged("an item without a user"))
}

/// The user whose columns begin with the prefix, where there is one.
pub(super) fn optional_user(row: &SqliteRow, prefix: &str) -> Result<Option<UserRef>, StoreError> {
    let Some(id) = column::<Option<i64>>(row, &format!("{prefix}_id"))? else {
        return Ok(None);
    };
    Ok(Some(UserRef {
        id: UserId::from_number(unsigned(id)?),
        name: column(row, &format!("{prefix}_name"))?,
        login: column(row, &format!("{prefix}_login"))?,
    }))
}

/// A time column that may be null.
pub(super) fn optional_time(
    row: &SqliteRow,
    name: &str,
) -> Result<Option<chrono::DateTime<chrono::Utc>>, StoreError> {
    column::<Option<i64>>(row, name)?.map(time).transpose()
}

fn optional_json(row: &SqliteRow, name: &str) -> Result<Option<serde_json::Value>, StoreError> {
    column::<Option<String>>(row, name)?
        .as_deref()
        .map(json)
        .transpose()
}

fn parent(view: &View<'_>, trashed: bool) -> Option<FolderRef> {
    if trashed { None } else { view.path.last().cloned() }
}

fn status(trashed: bool) -> ItemStatus {
    if trashed {
        ItemStatus::Trashed
    } else {
        ItemStatus::Active
    }
}
