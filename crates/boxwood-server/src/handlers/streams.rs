//! `/2.0/events`: what happened, for a user or for the administrators of the enterprise, and an address to wait at.

use super::administration::require_administrator;
use super::operations::Operation;
use super::parameters::{limit, moment, word};
use crate::auth::{Authenticated, require_any};
use crate::error::ApiError;
use crate::extract::{BoxJson, Origin, Query};
use crate::state::AppState;
use axum::extract::State;
use boxwood_api::events::{Event, Events, RealtimeMessage, RealtimeServer, RealtimeServers};
use boxwood_api::users::UserMini;
use boxwood_api::wire::Moment;
use boxwood_core::{Principal, Scope};
use boxwood_store::{EventItem, EventKind, EventQuery, EventSource, EventStream, EventUser};
use serde_json::{Value, json};
use std::time::Duration;

/// Where [`wait`] is served.
pub(crate) const WAIT_PATH: &str = "/boxwood/realtime";
/// How long [`wait`] waits: short enough that a stop need not.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(500);

/// The streams by their names, and whether the time may be bounded.
const STREAMS: &[(&str, (EventStream, bool))] = &[
    ("all", (EventStream::User, false)),
    ("changes", (EventStream::Changes, false)),
    ("sync", (EventStream::Changes, false)),
    ("admin_logs", (EventStream::Enterprise, true)),
    ("admin_logs_streaming", (EventStream::Enterprise, false)),
];

async fn authorize(state: &AppState, principal: &Principal, stream: EventStream) -> Result<(), ApiError> {
    if stream != EventStream::Enterprise {
        return Operation::List.authorize(principal);
    }
    require_any(principal, &[Scope::ManageEnterpriseProperties])?;
    let words = "Only administrators and service accounts see the events of the enterprise.";
    require_administrator(state, principal, words).await
}

/// `stream_position`: a number, or `now`.
async fn position(
    state: &AppState,
    principal: &Principal,
    stream: EventStream,
    query: &Query,
) -> Result<u64, ApiError> {
    match query.text("stream_position") {
        None | Some("null") => Ok(0),
        Some("now") => Ok(state.store.last_event(principal, stream).await?),
        Some(text) => text
            .parse::<u64>()
            .ok()
            .filter(|position| i64::try_from(*position).is_ok())
            .ok_or_else(|| {
                query.refuse(
                    "stream_position",
                    "must be a position that a chunk named, `0` or `now`",
                )
            }),
    }
}

/// The kinds that administrators ask for; a name that nothing here is called gives none.
fn kinds(query: &Query) -> Option<Vec<EventKind>> {
    let names = query.list("event_type");
    if names.is_empty() {
        return None;
    }
    let rows = EventKind::TABLE.iter().filter(|row| names.contains(&row.admin));
    Some(rows.map(|row| row.kind).collect())
}

/// `GET /2.0/events`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<Events>, ApiError> {
    let (stream, bounded) = word(&query, "stream_type", STREAMS, (EventStream::User, false))?;
    authorize(&state, &principal, stream).await?;
    let of_enterprise = stream == EventStream::Enterprise;
    let (from, to) = (
        moment(&query, "created_after")?,
        moment(&query, "created_before")?,
    );
    let wanted = EventQuery {
        stream,
        after: position(&state, &principal, stream, &query).await?,
        kinds: kinds(&query).filter(|_| of_enterprise),
        from: from.filter(|_| bounded),
        to: to.filter(|_| bounded),
        limit: limit(&query, 100, 500)?,
    };
    let found = state.store.events(&principal, &wanted).await?;
    let next = found.last().map_or(wanted.after, |last| last.position);
    Ok(BoxJson(Events {
        chunk_size: found.len(),
        next_stream_position: if of_enterprise {
            json!(next.to_string())
        } else {
            json!(next)
        },
        entries: found
            .into_iter()
            .map(|event| show(event, of_enterprise))
            .collect(),
    }))
}

fn show(event: boxwood_store::Event, of_enterprise: bool) -> Event {
    let row = event.kind.row();
    let mut details = event.details;
    details.insert("service_id".to_owned(), json!("boxwood"));
    details.insert("service_name".to_owned(), json!("Boxwood"));
    Event {
        kind: "event",
        event_id: event.position.to_string(),
        created_at: Moment(event.created_at),
        recorded_at: Moment(event.created_at),
        created_by: UserMini {
            kind: "user",
            id: event.actor.id,
            name: event.actor.name,
            login: event.actor.login,
        },
        event_type: if of_enterprise { row.admin } else { row.user },
        session_id: None,
        source: event.source.map(|source| show_source(source, of_enterprise)),
        additional_details: details,
    }
}

fn show_user(user: &EventUser) -> Value {
    json!({"type": "user", "id": user.id, "name": user.name, "login": user.login})
}

/// Administrators get an item's ids and names, users the item in its short form, as Box writes them.
fn show_source(source: EventSource, of_enterprise: bool) -> Value {
    match source {
        EventSource::User(user) => show_user(&user),
        EventSource::Group(group) => json!({"type": "group", "id": group.id, "name": group.name}),
        EventSource::Item(item) if of_enterprise => json!({
            "item_type": item.kind,
            "item_id": item.id,
            "item_name": item.name,
            "parent": parent(&item),
            "owned_by": show_user(&item.owned_by),
        }),
        EventSource::Item(item) => {
            let mut shown = json!({
                "type": item.kind,
                "id": item.id,
                "sequence_id": item.etag,
                "etag": item.etag,
                "name": item.name,
                "parent": parent(&item),
                "owned_by": show_user(&item.owned_by),
            });
            if let Some(sha1) = item.sha1 {
                shown["sha1"] = json!(sha1);
            }
            shown
        }
    }
}

fn parent(item: &EventItem) -> Value {
    match &item.parent {
        Some(parent) => json!({"type": "folder", "id": parent.id, "name": parent.name}),
        None => Value::Null,
    }
}

/// `OPTIONS /2.0/events`: where to wait for the next event.
pub(crate) async fn servers(
    Authenticated(principal): Authenticated,
    Origin(base): Origin,
) -> Result<BoxJson<RealtimeServers>, ApiError> {
    Operation::List.authorize(&principal)?;
    Ok(BoxJson(RealtimeServers {
        chunk_size: 1,
        entries: vec![RealtimeServer {
            kind: "realtime_server",
            url: format!("{base}{WAIT_PATH}"),
            ttl: "10",
            max_retries: "10",
            retry_timeout: 60,
        }],
    }))
}

/// `GET /boxwood/realtime`: answers as soon as the user's stream goes on after `stream_position`, or after a while.
pub(crate) async fn wait(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<RealtimeMessage>, ApiError> {
    Operation::List.authorize(&principal)?;
    let after = position(&state, &principal, EventStream::User, &query).await?;
    let waiting = async {
        while state.store.last_event(&principal, EventStream::User).await? <= after {
            tokio::time::sleep(LOOK).await;
        }
        Ok::<_, ApiError>("new_change")
    };
    let message = tokio::select! {
        message = tokio::time::timeout(LONGEST_WAIT, waiting) => message.unwrap_or(Ok("reconnect"))?,
        () = state.stop.cancelled() => "reconnect",
    };
    Ok(BoxJson(RealtimeMessage { version: 1, message }))
}
