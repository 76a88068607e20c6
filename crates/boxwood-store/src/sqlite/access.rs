//! What a principal may do with an item: the one place where permission is decided.
//!
//! Invariant: an item counts as found only when its owner is the principal's user, or the user (or a group of his) was
//! invited to it or to a folder above it, and when the token's resource holds it. Everything else is *not found*, word for word as for an
//! id that never existed.

use super::convert::{Doing, column, number, unsigned};
use crate::error::{StoreError, Thing};
use crate::items::{FolderRef, ItemPermissions, Role};
use boxwood_core::{FileId, FolderId, Principal, Resource};
use sqlx::SqliteConnection;

/// The name of every root.
pub(super) const ROOT_NAME: &str = "All Files";

/// What was found out about one item.
#[derive(Debug, Clone)]
pub(super) struct Access {
    /// The item.
    pub(super) item: i64,
    /// Whose it is.
    pub(super) owner: i64,
    /// As what the principal comes.
    pub(super) role: Role,
    /// The folders above that the principal may see, from the root down.
    pub(super) path: Vec<FolderRef>,
    /// The item and all folders above it, upwards.
    pub(super) chain: Vec<i64>,
    /// How far up the chain the principal's role reaches: the index of the last folder.
    pub(super) reach: usize,
    /// Whether it lies in the trash.
    pub(super) trashed: bool,
    /// Whether it is a root.
    pub(super) root: bool,
    thing: Thing,
    shown: String,
}

struct Link {
    id: i64,
    kind: i64,
    parent: Option<i64>,
    owner: i64,
    name: String,
    revision: i64,
    trashed: bool,
    role: Option<Role>,
    /// Whether the role comes with a look at the names of the folders above.
    view_path: bool,
}

/// The root's entry in a path.
pub(super) fn root_ref() -> FolderRef {
    FolderRef {
        id: FolderId::root(),
        name: ROOT_NAME.to_owned(),
        etag: None,
    }
}

/// The principal's user as a row number.
pub(super) fn user_number(principal: &Principal) -> Result<i64, StoreError> {
    number(principal.user_id.as_str(), Thing::User)
}

/// A folder id as a row number; `0` is the root of the principal's user.
pub(super) async fn folder_number(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FolderId,
) -> Result<i64, StoreError> {
    if !id.is_root() {
        return number(id.as_str(), Thing::Folder);
    }
    sqlx::query_scalar("SELECT root_id FROM users WHERE id = ?1")
        .bind(user_number(principal)?)
        .fetch_optional(connection)
        .await
        .doing("find the root folder")?
        .ok_or_else(|| StoreError::not_found(Thing::Folder, id))
}

/// Finds a file that is not in the trash.
pub(super) async fn file(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FileId,
) -> Result<Access, StoreError> {
    any_file(connection, principal, id).await?.active()
}

/// Finds a file wherever it is.
pub(super) async fn any_file(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FileId,
) -> Result<Access, StoreError> {
    let item = number(id.as_str(), Thing::File)?;
    find(connection, principal, item, Thing::File, id.to_string()).await
}

/// Finds a folder that is not in the trash.
pub(super) async fn folder(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FolderId,
) -> Result<Access, StoreError> {
    any_folder(connection, principal, id).await?.active()
}

/// Finds a folder wherever it is.
pub(super) async fn any_folder(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &FolderId,
) -> Result<Access, StoreError> {
    let item = folder_number(connection, principal, id).await?;
    find(connection, principal, item, Thing::Folder, id.to_string()).await
}

async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: i64,
    thing: Thing,
    shown: String,
) -> Result<Access, StoreError> {
    let missing = || StoreError::not_found(thing, &shown);
    let links = chain(connection, principal, item).await?;
    let first = links.first().ok_or_else(missing)?;
    if (first.kind == 1) != (thing == Thing::File) {
        return Err(missing());
    }
    let limit = match &principal.resource {
        None => links.len() - 1,
        Some(resource) => {
            let limit = resource_number(connection, principal, resource).await?;
            links
                .iter()
                .position(|link| Some((link.id, link.kind)) == limit)
                .ok_or_else(missing)?
        }
    };
    let (role, reach) = if first.owner == user_number(principal)? {
        (Role::Owner, links.len() - 1)
    } else {
        let role = links
            .iter()
            .filter_map(|link| link.role)
            .min()
            .ok_or_else(missing)?;
        let reach = links.iter().rposition(|link| link.role.is_some()).unwrap_or(0);
        (role, reach)
    };
    // The names of the folders above may be shown although the role does not reach them.
    let top = match links.iter().any(|link| link.view_path) {
        true => links.len() - 1,
        false => reach,
    };
    Ok(Access {
        item,
        owner: first.owner,
        role,
        path: visible_path(&links, top.min(limit))?,
        chain: links.iter().map(|link| link.id).collect(),
        reach: reach.min(limit),
        trashed: first.trashed,
        root: first.parent.is_none(),
        thing,
        shown,
    })
}

async fn chain(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: i64,
) -> Result<Vec<Link>, StoreError> {
    let rows = sqlx::query(
        "WITH RECURSIVE chain (id, depth) AS ( \
           SELECT ?1, 0 UNION ALL \
           SELECT items.parent_id, depth + 1 FROM chain JOIN items ON items.id = chain.id \
           WHERE items.parent_id IS NOT NULL) \
         SELECT items.id, items.kind, items.parent_id, items.owner_id, items.name, items.revision, \
           items.trashed_at IS NOT NULL AS trashed, \
           (SELECT group_concat(role) FROM grants WHERE item_id = items.id AND user_id = ?2) AS roles, \
           (SELECT max(can_view_path) FROM grants WHERE item_id = items.id AND user_id = ?2) AS view_path \
         FROM chain JOIN items ON items.id = chain.id ORDER BY depth",
    )
    .bind(item)
    .bind(user_number(principal)?)
    .fetch_all(connection)
    .await
    .doing("find an item")?;
    rows.iter()
        .map(|row| {
            let roles: Option<String> = column(row, "roles")?;
            Ok(Link {
                id: column(row, "id")?,
                kind: column(row, "kind")?,
                parent: column(row, "parent_id")?,
                owner: column(row, "owner_id")?,
                name: column(row, "name")?,
                revision: column(row, "revision")?,
                trashed: column(row, "trashed")?,
                role: Role::strongest(roles.as_deref()),
                view_path: column::<Option<bool>>(row, "view_path")?.unwrap_or(false),
            })
        })
        .collect()
}

/// The item that the token is limited to, with its kind; `None` for an id that no row can have.
async fn resource_number(
    connection: &mut SqliteConnection,
    principal: &Principal,
    resource: &Resource,
) -> Result<Option<(i64, i64)>, StoreError> {
    Ok(match resource {
        Resource::File(id) => id.as_str().parse().ok().map(|number| (number, 1)),
        Resource::Folder(id) if id.is_root() => Some((folder_number(connection, principal, id).await?, 0)),
        Resource::Folder(id) => id.as_str().parse().ok().map(|number| (number, 0)),
    })
}

/// The folders above the item up to `top`, from the root down. The root is always shown: its name says nothing.
fn visible_path(links: &[Link], top: usize) -> Result<Vec<FolderRef>, StoreError> {
    if links.first().is_none_or(|link| link.parent.is_none()) {
        return Ok(Vec::new());
    }
    let mut path = vec![root_ref()];
    for link in links
        .iter()
        .take(top + 1)
        .skip(1)
        .rev()
        .filter(|link| link.parent.is_some())
    {
        path.push(FolderRef {
            id: FolderId::from_number(unsigned(link.id)?),
            name: link.name.clone(),
            etag: Some(link.revision.to_string()),
        });
    }
    Ok(path)
}

impl Access {
    /// Refuses an item in the trash.
    pub(super) fn active(self) -> Result<Self, StoreError> {
        if self.trashed {
            return Err(StoreError::Trashed {
                thing: self.thing,
                id: self.shown,
            });
        }
        Ok(self)
    }

    /// Refuses an item that is not in the trash: it is not found there.
    pub(super) fn in_trash(self) -> Result<Self, StoreError> {
        if self.trashed {
            Ok(self)
        } else {
            Err(StoreError::not_found(self.thing, self.shown))
        }
    }

    /// The folder above as one that the principal does not see itself.
    pub(super) fn parent_unseen(&self) -> Self {
        let chain: Vec<i64> = self.chain.iter().skip(1).copied().collect();
        Self {
            item: chain.first().copied().unwrap_or(self.item),
            owner: self.owner,
            role: self.role,
            path: Vec::new(),
            reach: 0,
            trashed: false,
            root: chain.len() == 1,
            chain,
            thing: Thing::Folder,
            shown: String::new(),
        }
    }

    /// What the role allows.
    pub(super) fn permissions(&self) -> ItemPermissions {
        permissions(self.role, self.thing == Thing::Folder)
    }

    /// Refuses what the role does not allow.
    pub(super) fn require(
        &self,
        action: &'static str,
        allowed: impl FnOnce(&ItemPermissions) -> bool,
    ) -> Result<(), StoreError> {
        if allowed(&self.permissions()) {
            return Ok(());
        }
        Err(StoreError::Forbidden {
            action,
            thing: self.thing,
            id: self.shown.clone(),
        })
    }

    /// The path of what lies in this folder.
    pub(super) fn path_below(&self, own: FolderRef) -> Vec<FolderRef> {
        let mut path = self.path.clone();
        path.push(own);
        path
    }
}

/// What a role allows. Into a folder the uploader roles may upload; a file's content only editors may replace.
pub(super) fn permissions(role: Role, folder: bool) -> ItemPermissions {
    let owner = role <= Role::CoOwner;
    let editor = role <= Role::Editor;
    let uploader = matches!(
        role,
        Role::ViewerUploader | Role::PreviewerUploader | Role::Uploader
    ) && folder;
    let viewer = matches!(role, Role::ViewerUploader | Role::Viewer);
    let previewer = matches!(role, Role::PreviewerUploader | Role::Previewer);
    ItemPermissions {
        can_download: editor || viewer,
        can_preview: editor || viewer || previewer,
        can_upload: editor || uploader,
        can_rename: editor,
        can_delete: editor,
        can_share: editor || viewer,
        can_set_share_access: owner,
        can_invite_collaborator: owner,
        can_comment: editor || viewer || previewer,
    }
}
