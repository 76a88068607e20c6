//! `GET /boxwood/usage` and `GET /boxwood/models`: what models were used for, and how fast they were.
//!
//! The store decides who sees what: one's own uses, and for administrators those of the enterprise.

use super::parameters::{id, limit};
use crate::auth::{Authenticated, require_any};
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::state::AppState;
use crate::usage::{budget_use, one_use, usage_sum};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use boxwood_api::usage::{ModelEntry, Models, UsageReport, Uses, sums_csv, uses_csv};
use boxwood_core::{Principal, Scope};
use boxwood_models::meter::{Speed, WINDOW};
use boxwood_store::{UsageBy, UsageFilter, UserKind, UserRole};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

/// Single uses of one page.
const MOST_USES: u32 = 10_000;

/// Sums of uses, or with `by=use` single ones; as JSON, or with `format=csv` as CSV.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<Response, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let filter = filter(&query)?;
    let csv = wants_csv(&query)?;
    if query.text("by") == Some("use") {
        return single(&state, &principal, &query, &filter, csv).await;
    }
    let by = by(&query)?;
    let sums = state.store.usage_sums(&principal, &filter, &by).await?;
    let entries: Vec<_> = sums.into_iter().map(usage_sum).collect();
    if csv {
        return Ok(csv_file(sums_csv(&entries)));
    }
    let report = UsageReport {
        kind: "boxwood_usage",
        by: by.iter().map(|by| by.as_str()).collect(),
        entries,
        budgets: budgets(&state, &principal).await?,
    };
    Ok(BoxJson(report).into_response())
}

async fn single(
    state: &AppState,
    principal: &Principal,
    query: &Query,
    filter: &UsageFilter,
    csv: bool,
) -> Result<Response, ApiError> {
    let limit = limit(query, 100, MOST_USES)?;
    let after = query.number("marker", 0..=u64::MAX)?;
    let kept = state.store.usage(principal, filter, after, limit).await?;
    let full = kept.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next_marker = kept.last().filter(|_| full).map(|last| last.id.to_string());
    let entries: Vec<_> = kept.into_iter().map(one_use).collect();
    if csv {
        return Ok(csv_file(uses_csv(&entries)));
    }
    let uses = Uses {
        kind: "boxwood_uses",
        entries,
        limit: u64::from(limit),
        next_marker,
    };
    Ok(BoxJson(uses).into_response())
}

/// `GET /boxwood/models`: every name that requests may use, what serves it, and how fast that was lately.
pub(crate) async fn models(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
) -> Result<BoxJson<Models>, ApiError> {
    require_any(&principal, &[Scope::AiReadwrite])?;
    let speeds = state.meter.speeds();
    let entries = state.asker.models().into_iter().map(|row| {
        let (served, answers) = match row.served {
            Ok((served, identity)) => (Some(served.as_str()), Some(identity.name)),
            Err(_) => (None, None),
        };
        let of_row = |speed: &&Speed| speed.requested == row.name && Some(&speed.model) == answers.as_ref();
        ModelEntry {
            throughput: speeds
                .iter()
                .find(of_row)
                .and_then(|speed| serde_json::to_value(speed).ok()),
            name: row.name,
            ends: row.ends,
            served,
            answers,
        }
    });
    Ok(BoxJson(Models {
        kind: "boxwood_models",
        entries: entries.collect(),
        window_hours: WINDOW.num_hours(),
    }))
}

/// All counters for administrators, one's own and those of everybody together for others.
async fn budgets(
    state: &AppState,
    principal: &Principal,
) -> Result<Vec<boxwood_api::usage::BudgetUse>, ApiError> {
    let states = state.meter.budget_states();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    let user = state.store.user(&principal.user_id).await?;
    let sees_all = user.role != UserRole::User || user.kind == UserKind::ServiceAccount;
    let own = |whose: &Option<String>| whose.as_deref() == Some(principal.user_id.as_str());
    let states = states
        .into_iter()
        .filter(|state| sees_all || own(&state.user) || (state.user.is_none() && state.key.is_none()));
    Ok(states.map(budget_use).collect())
}

fn filter(query: &Query) -> Result<UsageFilter, ApiError> {
    let text = |name: &str| query.text(name).map(str::to_owned);
    Ok(UsageFilter {
        user: id(query, "user")?,
        key: text("key"),
        model: text("model"),
        from: day_or_moment(query, "from")?,
        to: day_or_moment(query, "to")?,
    })
}

fn day_or_moment(query: &Query, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
    let read = |text: &str| {
        let day = || {
            text.parse::<NaiveDate>()
                .ok()
                .map(|day| day.and_time(NaiveTime::MIN).and_utc())
        };
        let moment = DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|moment| moment.to_utc());
        moment.or_else(day).ok_or_else(|| {
            query.refuse(
                name,
                "must be a day like 2026-11-22, or a date and time as in RFC 3339: 2026-11-22T14:50:06Z",
            )
        })
    };
    query.text(name).map(read).transpose()
}

fn by(query: &Query) -> Result<Vec<UsageBy>, ApiError> {
    let words = query.text("by").unwrap_or("model");
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let known = UsageBy::TABLE.iter().find(|(name, _)| *name == word);
            known.map(|(_, by)| *by).ok_or_else(|| {
                let names = UsageBy::TABLE.map(|(name, _)| name).join(", ");
                query.refuse("by", &format!("must be `use`, or a list of {names}"))
            })
        })
        .collect()
}

fn wants_csv(query: &Query) -> Result<bool, ApiError> {
    super::parameters::word(query, "format", &[("json", false), ("csv", true)], false)
}

fn csv_file(text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""),
    ];
    (headers, text).into_response()
}
