//! Groups and memberships as rows.

use super::convert::{Doing, column, damaged, json, number, signed, time, to_json, unsigned};
use super::events::{self, Doer};
use super::{SqliteStore, commit, rows, tree};
use crate::error::{StoreError, Thing};
use crate::events::EventKind;
use crate::groups::{
    Group, GroupAudience, GroupChange, GroupRef, GroupRole, Membership, MembershipChange, NewGroup,
    NewMembership, Part, PartOf,
};
use crate::names::name_key;
use crate::store::GroupStore;
use async_trait::async_trait;
use boxwood_core::{GroupId, MembershipId, Principal, UserId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// A query over memberships with everything that [`membership`] reads; `?1` is the enterprise.
macro_rules! select_memberships {
    ($tail:literal) => {
        concat!(
            "SELECT memberships.*, users.id AS us_id, users.name AS us_name, users.login AS us_login, \
             user_groups.name AS group_name FROM memberships \
             JOIN users ON users.id = memberships.user_id \
             JOIN user_groups ON user_groups.id = memberships.group_id AND user_groups.enterprise_id = ?1 ",
            $tail
        )
    };
}

/// The principal's enterprise as a row number.
pub(super) fn enterprise_number(principal: &Principal) -> Result<i64, StoreError> {
    number(principal.enterprise_id.as_str(), Thing::User)
}

#[async_trait]
impl GroupStore for SqliteStore {
    async fn create_group(&self, principal: &Principal, new: NewGroup) -> Result<Group, StoreError> {
        let mut writing = self.write().await?;
        let enterprise = enterprise_number(principal)?;
        check_name(&mut writing, enterprise, &new.name, None).await?;
        let id = tree::next_ids(&mut writing, 1).await?;
        sqlx::query(
            "INSERT INTO user_groups (id, enterprise_id, name, name_key, description, provenance, \
             external_sync_identifier, invitability, member_viewability, created_at, modified_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
        )
        .bind(id)
        .bind(enterprise)
        .bind(&new.name)
        .bind(name_key(&new.name))
        .bind(new.description)
        .bind(new.provenance)
        .bind(new.external_sync_identifier)
        .bind(new.invitability.as_str())
        .bind(new.member_viewability.as_str())
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("add a group")?;
        let made = find(&mut writing, enterprise, id).await?;
        note(self, &mut writing, principal, EventKind::GroupCreate, &made).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn group(&self, principal: &Principal, id: &GroupId) -> Result<Group, StoreError> {
        let mut reading = self.read().await?;
        find_by_id(&mut reading, principal, id).await
    }

    async fn groups(
        &self,
        principal: &Principal,
        prefix: Option<&str>,
        part: Part,
    ) -> Result<PartOf<Group>, StoreError> {
        let mut reading = self.read().await?;
        let enterprise = enterprise_number(principal)?;
        let prefix = prefix.map(name_key).unwrap_or_default();
        let total: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM user_groups WHERE enterprise_id = ?1 AND substr(name_key, 1, length(?2)) = ?2",
        )
        .bind(enterprise)
        .bind(&prefix)
        .fetch_one(&mut *reading)
        .await
        .doing("count groups")?;
        let found = sqlx::query(
            "SELECT * FROM user_groups WHERE enterprise_id = ?1 AND substr(name_key, 1, length(?2)) = ?2 \
             ORDER BY name_key LIMIT ?3 OFFSET ?4",
        )
        .bind(enterprise)
        .bind(&prefix)
        .bind(part.limit)
        .bind(signed(part.offset, "offset")?)
        .fetch_all(&mut *reading)
        .await
        .doing("list groups")?;
        Ok(PartOf {
            entries: found.iter().map(group).collect::<Result<_, _>>()?,
            total_count: unsigned(total)?,
        })
    }

    async fn update_group(
        &self,
        principal: &Principal,
        id: &GroupId,
        change: GroupChange,
    ) -> Result<Group, StoreError> {
        let mut writing = self.write().await?;
        let enterprise = enterprise_number(principal)?;
        find_by_id(&mut writing, principal, id).await?;
        let id = number(id.as_str(), Thing::Group)?;
        if let Some(name) = &change.name {
            check_name(&mut writing, enterprise, name, Some(id)).await?;
        }
        sqlx::query(
            "UPDATE user_groups SET name = coalesce(?2, name), name_key = coalesce(?3, name_key), \
             description = coalesce(?4, description), provenance = coalesce(?5, provenance), \
             external_sync_identifier = coalesce(?6, external_sync_identifier), \
             invitability = coalesce(?7, invitability), member_viewability = coalesce(?8, member_viewability), \
             modified_at = ?9 WHERE id = ?1",
        )
        .bind(id)
        .bind(&change.name)
        .bind(change.name.as_deref().map(name_key))
        .bind(change.description)
        .bind(change.provenance)
        .bind(change.external_sync_identifier)
        .bind(change.invitability.map(GroupAudience::as_str))
        .bind(change.member_viewability.map(GroupAudience::as_str))
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("change a group")?;
        let changed = find(&mut writing, enterprise, id).await?;
        note(self, &mut writing, principal, EventKind::GroupEdit, &changed).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn delete_group(&self, principal: &Principal, id: &GroupId) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let group = find_by_id(&mut writing, principal, id).await?;
        note(self, &mut writing, principal, EventKind::GroupDelete, &group).await?;
        sqlx::query("DELETE FROM user_groups WHERE id = ?1")
            .bind(number(id.as_str(), Thing::Group)?)
            .execute(&mut *writing)
            .await
            .doing("remove a group")?;
        commit(writing).await
    }

    async fn add_member(&self, principal: &Principal, new: NewMembership) -> Result<Membership, StoreError> {
        let mut writing = self.write().await?;
        let group = find_by_id(&mut writing, principal, &new.group).await?;
        let user = user_of_enterprise(&mut writing, principal, &new.user).await?;
        let group_number = number(new.group.as_str(), Thing::Group)?;
        let known: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM memberships WHERE group_id = ?1 AND user_id = ?2)",
        )
        .bind(group_number)
        .bind(user)
        .fetch_one(&mut *writing)
        .await
        .doing("look for a membership")?;
        if known {
            return Err(StoreError::AlreadyMember { group: group.name });
        }
        let id = tree::next_ids(&mut writing, 1).await?;
        sqlx::query(
            "INSERT INTO memberships (id, group_id, user_id, role, permissions, created_at, modified_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )
        .bind(id)
        .bind(group_number)
        .bind(user)
        .bind(new.role.as_str())
        .bind(new.permissions.as_ref().map(to_json).transpose()?)
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("add a member")?;
        let made = find_membership(&mut writing, principal, id).await?;
        let doer = Doer::of(self, principal)?;
        let user = Some(&made.user);
        events::note_group(&mut writing, doer, EventKind::GroupAddUser, &made.group, user).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn membership(&self, principal: &Principal, id: &MembershipId) -> Result<Membership, StoreError> {
        let mut reading = self.read().await?;
        find_membership(&mut reading, principal, number(id.as_str(), Thing::Membership)?).await
    }

    async fn membership_in(
        &self,
        principal: &Principal,
        group: &GroupId,
        user: &UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let row = sqlx::query(select_memberships!(
            "WHERE memberships.group_id = ?2 AND memberships.user_id = ?3"
        ))
        .bind(enterprise_number(principal)?)
        .bind(number(group.as_str(), Thing::Group)?)
        .bind(number(user.as_str(), Thing::User)?)
        .fetch_optional(&self.readers)
        .await
        .doing("look for a membership")?;
        row.as_ref().map(membership).transpose()
    }

    async fn update_membership(
        &self,
        principal: &Principal,
        id: &MembershipId,
        change: MembershipChange,
    ) -> Result<Membership, StoreError> {
        let mut writing = self.write().await?;
        let id = number(id.as_str(), Thing::Membership)?;
        find_membership(&mut writing, principal, id).await?;
        sqlx::query(
            "UPDATE memberships SET role = coalesce(?2, role), permissions = coalesce(?3, permissions), \
             modified_at = ?4 WHERE id = ?1",
        )
        .bind(id)
        .bind(change.role.map(GroupRole::as_str))
        .bind(change.permissions.as_ref().map(to_json).transpose()?)
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("change a membership")?;
        let changed = find_membership(&mut writing, principal, id).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn remove_member(&self, principal: &Principal, id: &MembershipId) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let id = number(id.as_str(), Thing::Membership)?;
        let ended = find_membership(&mut writing, principal, id).await?;
        let doer = Doer::of(self, principal)?;
        let user = Some(&ended.user);
        events::note_group(&mut writing, doer, EventKind::GroupRemoveUser, &ended.group, user).await?;
        sqlx::query("DELETE FROM memberships WHERE id = ?1")
            .bind(id)
            .execute(&mut *writing)
            .await
            .doing("remove a member")?;
        commit(writing).await
    }

    async fn members(
        &self,
        principal: &Principal,
        group: &GroupId,
        part: Part,
    ) -> Result<PartOf<Membership>, StoreError> {
        let mut reading = self.read().await?;
        find_by_id(&mut reading, principal, group).await?;
        let id = number(group.as_str(), Thing::Group)?;
        let total: i64 = sqlx::query_scalar("SELECT count(*) FROM memberships WHERE group_id = ?1")
            .bind(id)
            .fetch_one(&mut *reading)
            .await
            .doing("count members")?;
        let listed =
            select_memberships!("WHERE memberships.group_id = ?2 ORDER BY memberships.id LIMIT ?3 OFFSET ?4");
        let entries = memberships(&mut reading, principal, (listed, id), part).await?;
        let total_count = unsigned(total)?;
        Ok(PartOf { entries, total_count })
    }

    async fn memberships_of(
        &self,
        principal: &Principal,
        user: &UserId,
        part: Part,
    ) -> Result<PartOf<Membership>, StoreError> {
        let mut reading = self.read().await?;
        let id = number(user.as_str(), Thing::User)?;
        let total: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM memberships JOIN user_groups ON user_groups.id = group_id \
             WHERE user_id = ?1 AND enterprise_id = ?2",
        )
        .bind(id)
        .bind(enterprise_number(principal)?)
        .fetch_one(&mut *reading)
        .await
        .doing("count memberships")?;
        let listed =
            select_memberships!("WHERE memberships.user_id = ?2 ORDER BY memberships.id LIMIT ?3 OFFSET ?4");
        let entries = memberships(&mut reading, principal, (listed, id), part).await?;
        let total_count = unsigned(total)?;
        Ok(PartOf { entries, total_count })
    }

    async fn groups_of(&self, user: &UserId) -> Result<Vec<GroupId>, StoreError> {
        let found: Vec<i64> =
            sqlx::query_scalar("SELECT group_id FROM memberships WHERE user_id = ?1 ORDER BY group_id")
                .bind(number(user.as_str(), Thing::User)?)
                .fetch_all(&self.readers)
                .await
                .doing("list a user's groups")?;
        found
            .into_iter()
            .map(|id| Ok(GroupId::from_number(unsigned(id)?)))
            .collect()
    }
}

/// Records what was done to a group.
async fn note(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    kind: EventKind,
    group: &Group,
) -> Result<(), StoreError> {
    let group = GroupRef {
        id: group.id.clone(),
        name: group.name.clone(),
    };
    events::note_group(connection, Doer::of(store, principal)?, kind, &group, None).await
}

/// A part of the memberships that a statement lists for a group or a user.
async fn memberships(
    connection: &mut SqliteConnection,
    principal: &Principal,
    (statement, of): (&'static str, i64),
    part: Part,
) -> Result<Vec<Membership>, StoreError> {
    let rows = sqlx::query(statement)
        .bind(enterprise_number(principal)?)
        .bind(of)
        .bind(part.limit)
        .bind(signed(part.offset, "offset")?)
        .fetch_all(connection)
        .await
        .doing("list memberships")?;
    rows.iter().map(membership).collect()
}

async fn check_name(
    connection: &mut SqliteConnection,
    enterprise: i64,
    name: &str,
    except: Option<i64>,
) -> Result<(), StoreError> {
    let taken: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM user_groups WHERE enterprise_id = ?1 AND name_key = ?2 AND id IS NOT ?3)",
    )
    .bind(enterprise)
    .bind(name_key(name))
    .bind(except)
    .fetch_one(connection)
    .await
    .doing("look for a group's name")?;
    if taken {
        return Err(StoreError::GroupNameInUse {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// A group of the principal's enterprise.
pub(super) async fn find_by_id(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &GroupId,
) -> Result<Group, StoreError> {
    find(
        connection,
        enterprise_number(principal)?,
        number(id.as_str(), Thing::Group)?,
    )
    .await
}

async fn find(connection: &mut SqliteConnection, enterprise: i64, id: i64) -> Result<Group, StoreError> {
    let row = sqlx::query("SELECT * FROM user_groups WHERE id = ?1 AND enterprise_id = ?2")
        .bind(id)
        .bind(enterprise)
        .fetch_optional(connection)
        .await
        .doing("find a group")?
        .ok_or_else(|| StoreError::not_found(Thing::Group, id))?;
    group(&row)
}

/// The number of a user of the principal's enterprise.
async fn user_of_enterprise(
    connection: &mut SqliteConnection,
    principal: &Principal,
    user: &UserId,
) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT id FROM users WHERE id = ?1 AND enterprise_id = ?2")
        .bind(number(user.as_str(), Thing::User)?)
        .bind(enterprise_number(principal)?)
        .fetch_optional(connection)
        .await
        .doing("find a user")?
        .ok_or_else(|| StoreError::not_found(Thing::User, user))
}

async fn find_membership(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: i64,
) -> Result<Membership, StoreError> {
    let row = sqlx::query(select_memberships!("WHERE memberships.id = ?2"))
        .bind(enterprise_number(principal)?)
        .bind(id)
        .fetch_optional(connection)
        .await
        .doing("find a membership")?
        .ok_or_else(|| StoreError::not_found(Thing::Membership, id))?;
    membership(&row)
}

fn group(row: &SqliteRow) -> Result<Group, StoreError> {
    let audience = |name| -> Result<GroupAudience, StoreError> {
        GroupAudience::parse(column(row, name)?).ok_or_else(|| damaged("who may do something with a group"))
    };
    Ok(Group {
        id: GroupId::from_number(unsigned(column(row, "id")?)?),
        name: column(row, "name")?,
        description: column(row, "description")?,
        provenance: column(row, "provenance")?,
        external_sync_identifier: column(row, "external_sync_identifier")?,
        invitability: audience("invitability")?,
        member_viewability: audience("member_viewability")?,
        created_at: time(column(row, "created_at")?)?,
        modified_at: time(column(row, "modified_at")?)?,
    })
}

fn membership(row: &SqliteRow) -> Result<Membership, StoreError> {
    let permissions: Option<String> = column(row, "permissions")?;
    Ok(Membership {
        id: MembershipId::from_number(unsigned(column(row, "id")?)?),
        user: rows::user(row, "us")?,
        group: GroupRef {
            id: GroupId::from_number(unsigned(column(row, "group_id")?)?),
            name: column(row, "group_name")?,
        },
        role: GroupRole::parse(column(row, "role")?).ok_or_else(|| damaged("a member's role"))?,
        permissions: permissions.as_deref().map(json).transpose()?,
        created_at: time(column(row, "created_at")?)?,
        modified_at: time(column(row, "modified_at")?)?,
    })
}
