//! Reading collaborations: one, those of an item, of a group, of a user who has not answered.
//!
//! Invariant: a collaboration is shown only to those who reach its item and to the user whom it invites.

use super::access::{self, Access, user_number};
use super::convert::{Doing, column, damaged, number, signed, time, unsigned};
use super::events::{self, Doer};
use super::groups::find_by_id;
use super::{SqliteStore, rows, sharing};
use crate::collaborations::{Collaboration, CollaborationPage, CollaborationStatus, Collaborator};
use crate::error::{StoreError, Thing};
use crate::events::EventKind;
use crate::groups::{GroupRef, Part, PartOf};
use crate::items::{Item, ItemRef, Role};
use boxwood_core::{CollaborationId, FileId, FolderId, GroupId, Principal};
use serde_json::{Map, Value, json};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// A query over collaborations with everything that [`collaboration`] reads.
macro_rules! select_collaborations {
    ($tail:literal) => {
        concat!(
            "SELECT collaborations.*, items.kind AS item_kind, \
             invited.id AS us_id, invited.name AS us_name, invited.login AS us_login, invited.active AS us_active, \
             inviter.id AS by_id, inviter.name AS by_name, inviter.login AS by_login, \
             user_groups.name AS group_name FROM collaborations \
             JOIN items ON items.id = collaborations.item_id \
             JOIN users AS inviter ON inviter.id = collaborations.created_by \
             LEFT JOIN users AS invited ON invited.id = collaborations.user_id \
             LEFT JOIN user_groups ON user_groups.id = collaborations.group_id ",
            $tail
        )
    };
}

/// A collaboration with what the principal may do with its item; `None` there: he is invited but not in.
pub(super) struct Found {
    pub(super) row: SqliteRow,
    pub(super) item: ItemRef,
    pub(super) access: Option<Access>,
    /// Whether it invites the principal's own user.
    pub(super) own: bool,
}

/// Finds a collaboration that the principal may see.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &CollaborationId,
) -> Result<Found, StoreError> {
    let missing = || StoreError::not_found(Thing::Collaboration, id);
    let row = sqlx::query(select_collaborations!("WHERE collaborations.id = ?1"))
        .bind(number(id.as_str(), Thing::Collaboration)?)
        .fetch_optional(&mut *connection)
        .await
        .doing("find a collaboration")?
        .ok_or_else(missing)?;
    let item = item_of(&row)?;
    let own = column::<Option<i64>>(&row, "user_id")? == Some(user_number(principal)?)
        && principal.resource.is_none();
    let access = reached(connection, principal, &item).await?;
    if access.is_none() && !own {
        return Err(missing());
    }
    Ok(Found {
        row,
        item,
        access,
        own,
    })
}

/// The access to an item that is not in the trash, where there is one.
async fn reached(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
) -> Result<Option<Access>, StoreError> {
    match sharing::any_item(connection, principal, item).await {
        Ok(access) => Ok(access.active().ok()),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The collaboration as a value.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &CollaborationId,
) -> Result<Collaboration, StoreError> {
    let found = find(connection, principal, id).await?;
    let item = match &found.access {
        Some(access) => Some(rows::load(connection, user_number(principal)?, access).await?),
        None => None,
    };
    collaboration(&found.row, item)
}

pub(super) async fn on_item(
    connection: &mut SqliteConnection,
    principal: &Principal,
    item: &ItemRef,
    after: Option<&CollaborationId>,
    limit: u32,
) -> Result<CollaborationPage, StoreError> {
    let access = sharing::any_item(connection, principal, item).await?.active()?;
    let after = after
        .map(|id| number(id.as_str(), Thing::Collaboration))
        .transpose()?
        .unwrap_or(0);
    let visible: Vec<i64> = access.chain.iter().copied().take(access.reach + 1).collect();
    let mut found = sqlx::query(select_collaborations!(
        "WHERE collaborations.item_id IN (SELECT value FROM json_each(?1)) AND collaborations.id > ?2 \
         ORDER BY collaborations.id LIMIT ?3"
    ))
    .bind(super::convert::to_json(&visible)?)
    .bind(after)
    .bind(i64::from(limit) + 1)
    .fetch_all(&mut *connection)
    .await
    .doing("list collaborations")?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let entries = with_items(connection, principal, &found).await?;
    let next = entries.last().filter(|_| more).map(|last| last.id.clone());
    Ok(CollaborationPage { entries, next })
}

pub(super) async fn of_group(
    connection: &mut SqliteConnection,
    principal: &Principal,
    group: &GroupId,
    part: Part,
) -> Result<PartOf<Collaboration>, StoreError> {
    find_by_id(connection, principal, group).await?;
    let group = number(group.as_str(), Thing::Group)?;
    let total: i64 = sqlx::query_scalar("SELECT count(*) FROM collaborations WHERE group_id = ?1")
        .bind(group)
        .fetch_one(&mut *connection)
        .await
        .doing("count collaborations")?;
    let found = sqlx::query(select_collaborations!(
        "WHERE collaborations.group_id = ?1 ORDER BY collaborations.id LIMIT ?2 OFFSET ?3"
    ))
    .bind(group)
    .bind(part.limit)
    .bind(signed(part.offset, "offset")?)
    .fetch_all(&mut *connection)
    .await
    .doing("list collaborations")?;
    Ok(PartOf {
        entries: with_items(connection, principal, &found).await?,
        total_count: unsigned(total)?,
    })
}

pub(super) async fn pending(
    connection: &mut SqliteConnection,
    principal: &Principal,
    part: Part,
) -> Result<PartOf<Collaboration>, StoreError> {
    let user = user_number(principal)?;
    let total: i64 =
        sqlx::query_scalar("SELECT count(*) FROM collaborations WHERE user_id = ?1 AND status = 'pending'")
            .bind(user)
            .fetch_one(&mut *connection)
            .await
            .doing("count invitations")?;
    let found = sqlx::query(select_collaborations!(
        "WHERE collaborations.user_id = ?1 AND collaborations.status = 'pending' \
         ORDER BY collaborations.id LIMIT ?2 OFFSET ?3"
    ))
    .bind(user)
    .bind(part.limit)
    .bind(signed(part.offset, "offset")?)
    .fetch_all(&mut *connection)
    .await
    .doing("list invitations")?;
    Ok(PartOf {
        entries: with_items(connection, principal, &found).await?,
        total_count: unsigned(total)?,
    })
}

async fn with_items(
    connection: &mut SqliteConnection,
    principal: &Principal,
    found: &[SqliteRow],
) -> Result<Vec<Collaboration>, StoreError> {
    let mut entries = Vec::with_capacity(found.len());
    for row in found {
        let item = match reached(connection, principal, &item_of(row)?).await? {
            Some(access) => Some(rows::load(connection, user_number(principal)?, &access).await?),
            None => None,
        };
        entries.push(collaboration(row, item)?);
    }
    Ok(entries)
}

/// Who was invited and as what, for an event.
fn details(row: &SqliteRow) -> Result<Map<String, Value>, StoreError> {
    let whom = if let Some(user) = rows::optional_user(row, "us")? {
        json!({"type": "user", "id": user.id, "name": user.name, "login": user.login})
    } else if let Some(group) = column::<Option<i64>>(row, "group_id")? {
        json!({"type": "group", "id": group.to_string(), "name": column::<&str>(row, "group_name")?})
    } else {
        json!({"type": "user", "login": column::<Option<&str>>(row, "invite_email")?})
    };
    let mut details = Map::new();
    details.insert("role".to_owned(), column::<&str>(row, "role")?.into());
    details.insert("accessible_by".to_owned(), whom);
    Ok(details)
}

/// Records what was done with a collaboration, for those who reach its item now.
pub(super) async fn note(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &CollaborationId,
    kind: EventKind,
) -> Result<(), StoreError> {
    let row = sqlx::query(select_collaborations!("WHERE collaborations.id = ?1"))
        .bind(number(id.as_str(), Thing::Collaboration)?)
        .fetch_one(&mut *connection)
        .await
        .doing("read a collaboration")?;
    let doer = Doer::of(store, principal)?;
    let details = details(&row)?;
    events::note_item(connection, doer, kind, column(&row, "item_id")?, &details).await
}

fn item_of(row: &SqliteRow) -> Result<ItemRef, StoreError> {
    let id = unsigned(column(row, "item_id")?)?;
    match column::<i64>(row, "item_kind")? {
        0 => Ok(ItemRef::Folder(FolderId::from_number(id))),
        1 => Ok(ItemRef::File(FileId::from_number(id))),
        _ => Err(damaged("an item of no kind")),
    }
}

fn collaboration(row: &SqliteRow, item: Option<Item>) -> Result<Collaboration, StoreError> {
    let collaborator = if let Some(user) = rows::optional_user(row, "us")? {
        Collaborator::User {
            user,
            active: column(row, "us_active")?,
        }
    } else if let Some(group) = column::<Option<i64>>(row, "group_id")? {
        Collaborator::Group(GroupRef {
            id: GroupId::from_number(unsigned(group)?),
            name: column(row, "group_name")?,
        })
    } else {
        Collaborator::Address(column::<Option<String>>(row, "invite_email")?.unwrap_or_default())
    };
    Ok(Collaboration {
        id: CollaborationId::from_number(unsigned(column(row, "id")?)?),
        item,
        collaborator,
        role: Role::parse(column(row, "role")?).ok_or_else(|| damaged("a collaborator's role"))?,
        status: CollaborationStatus::parse(column(row, "status")?)
            .ok_or_else(|| damaged("a collaboration's status"))?,
        can_view_path: column(row, "can_view_path")?,
        access_only: column(row, "access_only")?,
        expires_at: rows::optional_time(row, "expires_at")?,
        acknowledged_at: rows::optional_time(row, "acknowledged_at")?,
        created_by: rows::user(row, "by")?,
        created_at: time(column(row, "created_at")?)?,
        modified_at: time(column(row, "modified_at")?)?,
    })
}

impl SqliteStore {
    /// Removes collaborations that have ended before anything is decided, so that no statement has to look at the time.
    pub(super) async fn end_collaborations(&self) -> Result<(), StoreError> {
        if !self.next_end.is_over(self.now()) {
            return Ok(());
        }
        let mut writing = self.begin_writing().await?;
        sqlx::query("DELETE FROM collaborations WHERE expires_at <= ?1")
            .bind(self.now())
            .execute(&mut *writing)
            .await
            .doing("end collaborations")?;
        let next: Option<i64> = sqlx::query_scalar("SELECT min(expires_at) FROM collaborations")
            .fetch_one(&mut *writing)
            .await
            .doing("look for the next end")?;
        // Before the commit, while no other write can bring an earlier one.
        self.next_end.set(next);
        let committed = super::commit(writing).await;
        if committed.is_err() {
            self.next_end.look_again();
        }
        committed
    }
}

/// When the next collaboration ends.
#[derive(Debug)]
pub(super) struct NextEnd(std::sync::atomic::AtomicI64);

impl Default for NextEnd {
    /// Not known yet: the first call looks.
    fn default() -> Self {
        Self(std::sync::atomic::AtomicI64::new(i64::MIN))
    }
}

impl NextEnd {
    fn is_over(&self, now: i64) -> bool {
        self.0.load(std::sync::atomic::Ordering::Acquire) <= now
    }

    fn set(&self, next: Option<i64>) {
        self.0
            .store(next.unwrap_or(i64::MAX), std::sync::atomic::Ordering::Release);
    }

    fn look_again(&self) {
        self.set(Some(i64::MIN));
    }

    /// Notes an end that a write brings. Called inside that write.
    pub(super) fn note(&self, end: Option<i64>) {
        if let Some(end) = end {
            self.0.fetch_min(end, std::sync::atomic::Ordering::AcqRel);
        }
    }
}

/// The user's own root as an access.
pub(super) async fn root_of(
    connection: &mut SqliteConnection,
    principal: &Principal,
) -> Result<Access, StoreError> {
    access::folder(connection, principal, &FolderId::root()).await
}
