//! Events as rows: recorded within the transaction of what they tell, read as streams.

use super::SqliteStore;
use super::access::user_number;
use super::convert::{Doing, column, damaged, json, number, signed, time, to_json, unsigned};
use super::groups::enterprise_number;
use crate::error::{StoreError, Thing};
use crate::events::{
    Event, EventAbout, EventKind, EventName, EventQuery, EventSource, EventStream, EventUser, NewEvent,
};
use crate::groups::GroupRef;
use crate::items::{ItemRef, UserRef};
use crate::store::EventStore;
use async_trait::async_trait;
use boxwood_core::Principal;
use serde_json::{Map, Value, json as json_value};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// Who did something, and when.
#[derive(Clone, Copy)]
pub(super) struct Doer {
    pub(super) enterprise: i64,
    pub(super) user: i64,
    pub(super) now: i64,
}

/// No more than the event itself says.
pub(super) fn nothing() -> Map<String, Value> {
    Map::new()
}

impl Doer {
    /// The principal, now.
    pub(super) fn of(store: &SqliteStore, principal: &Principal) -> Result<Self, StoreError> {
        Ok(Self {
            enterprise: enterprise_number(principal)?,
            user: user_number(principal)?,
            now: store.now(),
        })
    }
}

/// Records what was done to an item, for the enterprise and for everybody who reaches the item.
pub(super) async fn note_item(
    connection: &mut SqliteConnection,
    doer: Doer,
    kind: EventKind,
    item: i64,
    details: &Map<String, Value>,
) -> Result<(), StoreError> {
    let event: Option<i64> = sqlx::query_scalar(
        "INSERT INTO events (enterprise_id, kind, actor, source, details, created_at) \
         SELECT ?1, ?2, json_object('id', CAST(actor.id AS TEXT), 'name', actor.name, 'login', actor.login), \
           json_object('item', json_object('kind', CASE items.kind WHEN 0 THEN 'folder' ELSE 'file' END, \
             'id', CAST(items.id AS TEXT), 'name', items.name, 'etag', CAST(items.revision AS TEXT), \
             'sha1', versions.sha1, \
             'parent', CASE WHEN parent.id IS NOT NULL THEN json_object( \
               'id', CASE WHEN parent.parent_id IS NULL THEN '0' ELSE CAST(parent.id AS TEXT) END, \
               'name', parent.name) END, \
             'owned_by', json_object('id', CAST(owner.id AS TEXT), 'name', owner.name, 'login', owner.login))), \
           ?3, ?4 \
         FROM items JOIN users AS owner ON owner.id = items.owner_id JOIN users AS actor ON actor.id = ?5 \
         LEFT JOIN items AS parent ON parent.id = items.parent_id \
         LEFT JOIN versions ON versions.id = items.current_version WHERE items.id = ?6 RETURNING id",
    )
    .bind(doer.enterprise)
    .bind(kind.row().stored)
    .bind(to_json(details)?)
    .bind(doer.now)
    .bind(doer.user)
    .bind(item)
    .fetch_optional(&mut *connection)
    .await
    .doing("record an event")?;
    let Some(event) = event.filter(|_| !kind.row().user.is_empty()) else {
        return Ok(());
    };
    sqlx::query(
        "WITH RECURSIVE chain (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.parent_id FROM chain JOIN items ON items.id = chain.id \
           WHERE items.parent_id IS NOT NULL) \
         INSERT INTO event_readers (user_id, event_id) \
         SELECT owner_id, ?2 FROM items WHERE id = ?1 UNION SELECT ?3, ?2 \
         UNION SELECT user_id, ?2 FROM grants WHERE item_id IN (SELECT id FROM chain)",
    )
    .bind(item)
    .bind(event)
    .bind(doer.user)
    .execute(connection)
    .await
    .doing("record an event's readers")?;
    Ok(())
}

/// Records something for the enterprise alone.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    doer: Doer,
    kind: EventKind,
    source: Option<&EventSource>,
    details: &Map<String, Value>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO events (enterprise_id, kind, actor, source, details, created_at) \
         SELECT ?1, ?2, json_object('id', CAST(actor.id AS TEXT), 'name', actor.name, 'login', actor.login), \
           ?3, ?4, ?5 FROM users AS actor WHERE actor.id = ?6",
    )
    .bind(doer.enterprise)
    .bind(kind.row().stored)
    .bind(source.map(to_json).transpose()?)
    .bind(to_json(details)?)
    .bind(doer.now)
    .bind(doer.user)
    .execute(connection)
    .await
    .doing("record an event")?;
    Ok(())
}

/// Records something that was done to a group, or to a user in it.
pub(super) async fn note_group(
    connection: &mut SqliteConnection,
    doer: Doer,
    kind: EventKind,
    group: &GroupRef,
    user: Option<&UserRef>,
) -> Result<(), StoreError> {
    let name = EventName {
        id: group.id.to_string(),
        name: group.name.clone(),
    };
    let mut details = Map::new();
    let source = match user {
        None => EventSource::Group(name),
        Some(user) => {
            details.insert("group_id".to_owned(), json_value!(name.id));
            details.insert("group_name".to_owned(), json_value!(name.name));
            EventSource::User(EventUser {
                id: user.id.to_string(),
                name: user.name.clone(),
                login: user.login.clone(),
            })
        }
    };
    note(connection, doer, kind, Some(&source), &details).await
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn record_events(&self, events: &[NewEvent]) -> Result<(), StoreError> {
        let mut writing = self.write_aside().await?;
        for event in events {
            let doer = Doer {
                enterprise: number(event.enterprise.as_str(), Thing::User)?,
                user: number(event.user.as_str(), Thing::User)?,
                now: event.created_at.timestamp_millis(),
            };
            match &event.about {
                EventAbout::Nothing => note(&mut writing, doer, event.kind, None, &event.details).await?,
                EventAbout::User(user) => {
                    let source = EventSource::User(user.clone());
                    note(&mut writing, doer, event.kind, Some(&source), &event.details).await?;
                }
                EventAbout::Item(ItemRef::File(id)) => {
                    let item = number(id.as_str(), Thing::File)?;
                    note_item(&mut writing, doer, event.kind, item, &event.details).await?;
                }
                EventAbout::Item(ItemRef::Folder(id)) => {
                    let item = number(id.as_str(), Thing::Folder)?;
                    note_item(&mut writing, doer, event.kind, item, &event.details).await?;
                }
            }
        }
        writing.commit().await.doing("commit")
    }

    async fn events(&self, principal: &Principal, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        if principal.resource.is_some() {
            return Ok(Vec::new());
        }
        let mut reading = self.read().await?;
        let (statement, whose) = match query.stream {
            EventStream::Enterprise => (
                "SELECT events.* FROM events WHERE enterprise_id = ?1 AND id > ?2 \
                 AND (?3 IS NULL OR kind IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR created_at >= ?4) \
                 AND (?5 IS NULL OR created_at < ?5) ORDER BY id LIMIT ?6",
                enterprise_number(principal)?,
            ),
            EventStream::User | EventStream::Changes => (
                "SELECT events.* FROM event_readers JOIN events ON events.id = event_readers.event_id \
                 WHERE event_readers.user_id = ?1 AND event_readers.event_id > ?2 \
                 AND (?3 IS NULL OR kind IN (SELECT value FROM json_each(?3))) AND (?4 IS NULL OR created_at >= ?4) \
                 AND (?5 IS NULL OR created_at < ?5) ORDER BY event_readers.event_id LIMIT ?6",
                user_number(principal)?,
            ),
        };
        let kinds = wanted(query).map(|kinds| to_json(&kinds)).transpose()?;
        let found = sqlx::query(statement)
            .bind(whose)
            .bind(signed(query.after, "stream_position")?)
            .bind(kinds)
            .bind(query.from.map(|from| from.timestamp_millis()))
            .bind(query.to.map(|to| to.timestamp_millis()))
            .bind(query.limit)
            .fetch_all(&mut *reading)
            .await
            .doing("read events")?;
        found.iter().map(event).collect()
    }

    async fn last_event(&self, principal: &Principal, stream: EventStream) -> Result<u64, StoreError> {
        if principal.resource.is_some() {
            return Ok(0);
        }
        let (statement, whose) = match stream {
            EventStream::Enterprise => (
                "SELECT coalesce(max(id), 0) FROM events WHERE enterprise_id = ?1",
                enterprise_number(principal)?,
            ),
            EventStream::User | EventStream::Changes => (
                "SELECT coalesce(max(event_id), 0) FROM event_readers WHERE user_id = ?1",
                user_number(principal)?,
            ),
        };
        let last: i64 = sqlx::query_scalar(statement)
            .bind(whose)
            .fetch_one(&self.readers)
            .await
            .doing("read the last event")?;
        unsigned(last)
    }
}

/// What rows call the kinds that a query wants; `None`: every kind.
fn wanted(query: &EventQuery) -> Option<Vec<&'static str>> {
    let changes = query.stream == EventStream::Changes;
    if query.kinds.is_none() && !changes {
        return None;
    }
    let rows = EventKind::TABLE.iter().filter(|row| {
        let asked = query.kinds.as_ref().is_none_or(|kinds| kinds.contains(&row.kind));
        asked && (!changes || row.changes)
    });
    Some(rows.map(|row| row.stored).collect())
}

fn event(row: &SqliteRow) -> Result<Event, StoreError> {
    let source: Option<&str> = column(row, "source")?;
    Ok(Event {
        position: unsigned(column(row, "id")?)?,
        kind: EventKind::parse(column(row, "kind")?).ok_or_else(|| damaged("an event's kind"))?,
        actor: json(column(row, "actor")?)?,
        source: source.map(json).transpose()?,
        details: json(column(row, "details")?)?,
        created_at: time(column(row, "created_at")?)?,
    })
}

impl SqliteStore {
    /// Removes events whose time is over; answers how many.
    pub(super) async fn sweep_events(&self) -> Result<u64, StoreError> {
        let before = self
            .now()
            .saturating_sub(self.options.event_retention.num_milliseconds());
        let mut writing = self.write_aside().await?;
        let removed = sqlx::query("DELETE FROM events WHERE created_at <= ?1")
            .bind(before)
            .execute(&mut *writing)
            .await
            .doing("remove old events")?;
        writing.commit().await.doing("commit")?;
        Ok(removed.rows_affected())
    }
}
