//! What models were used for, as rows; and a reader of them beside a running server.
//!
//! Invariant: every statement that hands uses out to a principal holds the condition of [`visible!`].

use super::SqliteStore;
use super::access::user_number;
use super::convert::{Doing, column, number, time, unsigned};
use super::groups::enterprise_number;
use crate::error::{StoreError, Thing};
use crate::store::UsageStore;
use crate::usage::{KeptUsage, UsageBy, UsageFilter, UsageSum, UsageUser};
use async_trait::async_trait;
use boxwood_core::{EnterpriseId, Money, Principal, Usage, UsageRecord, UserId};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{Sqlite, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// A condition on `usage`: `?1` is the enterprise, `?2` the user; both NULL: everything, for who owns the data folder.
macro_rules! visible {
    () => {
        "(?1 IS NULL OR (usage.enterprise_id = ?1 AND (usage.user_id = ?2 OR EXISTS (SELECT 1 FROM users AS asking \
         WHERE asking.id = ?2 AND asking.enterprise_id = ?1 AND (asking.role <> 'user' \
         OR asking.kind = 'service_account')))))"
    };
}

/// The filter: `?3` to `?7`.
macro_rules! filtered {
    () => {
        " AND (?3 IS NULL OR usage.user_id = ?3) \
         AND (?4 IS NULL OR coalesce(usage.client, 'token:' || usage.token) = ?4) \
         AND (?5 IS NULL OR usage.requested = ?5 OR usage.model = ?5) \
         AND (?6 IS NULL OR usage.at >= ?6) AND (?7 IS NULL OR usage.at < ?7)"
    };
}

/// Sums; `?8` is a list in JSON of what they are summed by.
const SUMS: &str = concat!(
    "WITH chosen AS (SELECT \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'day') \
            THEN strftime('%Y-%m-%d', usage.at / 1000, 'unixepoch') \
            WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'month') \
            THEN strftime('%Y-%m', usage.at / 1000, 'unixepoch') END AS period, \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'user') THEN usage.user_id END AS user_id, \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'key') \
            THEN coalesce(usage.client, 'token:' || usage.token) END AS key, \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'model') THEN usage.requested END AS requested, \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'model') THEN usage.model END AS model, \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'model') THEN usage.provider END AS provider, \
       CASE WHEN EXISTS (SELECT 1 FROM json_each(?8) WHERE value = 'operation') THEN usage.operation END AS operation, \
       usage.currency, usage.cost, usage.estimated, usage.input_tokens, usage.cached_tokens, usage.output_tokens, \
       usage.reasoning_tokens FROM usage WHERE ",
    visible!(),
    filtered!(),
    ") SELECT chosen.period, chosen.user_id, users.login, chosen.key, chosen.requested, chosen.model, chosen.provider, \
       chosen.operation, chosen.currency, sum(chosen.cost) AS cost, count(*) AS uses, \
       sum(chosen.estimated) AS estimated, sum(chosen.input_tokens) AS input_tokens, \
       sum(chosen.cached_tokens) AS cached_tokens, sum(chosen.output_tokens) AS output_tokens, \
       sum(chosen.reasoning_tokens) AS reasoning_tokens \
     FROM chosen LEFT JOIN users ON users.id = chosen.user_id \
     GROUP BY chosen.period, chosen.user_id, chosen.key, chosen.requested, chosen.model, chosen.provider, \
       chosen.operation, chosen.currency \
     ORDER BY chosen.period, chosen.user_id, chosen.key, chosen.requested, chosen.model, chosen.operation, \
       chosen.currency"
);

/// Single uses; `?8` is where the page before ended, `?9` how many.
const SINGLE: &str = concat!(
    "SELECT usage.*, coalesce(usage.client, 'token:' || usage.token) AS key, users.login FROM usage \
     LEFT JOIN users ON users.id = usage.user_id WHERE ",
    visible!(),
    filtered!(),
    " AND (?8 IS NULL OR usage.id < ?8) ORDER BY usage.id DESC LIMIT ?9"
);

/// Adds records: `?1` is a list in JSON, a list of columns each. A statement a record would cost a trip to SQLite's thread
/// each, which shows under load.
const ADD: &str = "INSERT INTO usage (at, enterprise_id, user_id, client, token, request, operation, kind, outcome, \
    requested, model, provider, served, input_tokens, cached_tokens, output_tokens, reasoning_tokens, estimated, cost, \
    currency, price_note, queue_micros, first_token_micros, total_micros) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, \
    value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15, \
    value ->> 16, value ->> 17, value ->> 18, value ->> 19, value ->> 20, value ->> 21, value ->> 22, value ->> 23 \
    FROM json_each(?1) ORDER BY key";

/// Whose uses are read.
#[derive(Debug, Clone, Copy)]
enum Seer {
    /// Everybody's: for the program itself, and for who owns the data folder.
    Program,
    /// What this user of this enterprise may see.
    User { enterprise: i64, user: i64 },
}

impl Seer {
    fn enterprise(self) -> Option<i64> {
        match self {
            Self::Program => None,
            Self::User { enterprise, .. } => Some(enterprise),
        }
    }

    fn user(self) -> Option<i64> {
        match self {
            Self::Program => None,
            Self::User { user, .. } => Some(user),
        }
    }
}

#[async_trait]
impl UsageStore for SqliteStore {
    async fn record_usage(&self, records: &[UsageRecord]) -> Result<(), StoreError> {
        let rows: Vec<Value> = records.iter().map(columns).collect::<Result<_, _>>()?;
        let mut writing = self.write_aside().await?;
        let added = sqlx::query(ADD).bind(Value::Array(rows).to_string());
        added.execute(&mut *writing).await.doing("keep uses of models")?;
        writing.commit().await.doing("commit")
    }

    async fn usage_sums(
        &self,
        principal: &Principal,
        filter: &UsageFilter,
        by: &[UsageBy],
    ) -> Result<Vec<UsageSum>, StoreError> {
        let Some(seer) = seer(principal)? else {
            return Ok(Vec::new());
        };
        sums(&mut *self.read().await?, seer, filter, by).await
    }

    async fn usage(
        &self,
        principal: &Principal,
        filter: &UsageFilter,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<KeptUsage>, StoreError> {
        let Some(seer) = seer(principal)? else {
            return Ok(Vec::new());
        };
        single(&mut *self.read().await?, seer, filter, after, limit).await
    }

    async fn usage_since(&self, from: DateTime<Utc>) -> Result<Vec<UsageSum>, StoreError> {
        let filter = UsageFilter {
            from: Some(from),
            ..UsageFilter::default()
        };
        let by = [UsageBy::User, UsageBy::Key, UsageBy::Model];
        sums(&mut *self.read().await?, Seer::Program, &filter, &by).await
    }
}

/// Uses of a data folder, read beside a server that may run over it: for the command line.
#[derive(Debug)]
pub struct UsageReader(SqlitePool);

impl UsageReader {
    /// Opens a data folder for reading; `None` where there is none yet, or one of before uses were kept.
    ///
    /// # Errors
    /// From the database.
    pub async fn open(folder: &Path) -> Result<Option<Self>, StoreError> {
        let file = folder.join("boxwood.sqlite3");
        if !file.exists() {
            return Ok(None);
        }
        let connect = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(connect).await.doing("open for reading")?;
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'usage'")
            .fetch_one(&pool)
            .await
            .doing("read the schema")?;
        Ok((known > 0).then_some(Self(pool)))
    }

    /// As [`UsageStore::usage_sums`], of everybody.
    ///
    /// # Errors
    /// From the database.
    pub async fn sums(&self, filter: &UsageFilter, by: &[UsageBy]) -> Result<Vec<UsageSum>, StoreError> {
        let mut reading = self.0.acquire().await.doing("begin reading")?;
        sums(&mut reading, Seer::Program, filter, by).await
    }

    /// As [`UsageStore::usage`], of everybody.
    ///
    /// # Errors
    /// From the database.
    pub async fn single(
        &self,
        filter: &UsageFilter,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<KeptUsage>, StoreError> {
        let mut reading = self.0.acquire().await.doing("begin reading")?;
        single(&mut reading, Seer::Program, filter, after, limit).await
    }
}

/// `None` for a principal who sees nothing of it.
fn seer(principal: &Principal) -> Result<Option<Seer>, StoreError> {
    if principal.resource.is_some() {
        return Ok(None);
    }
    Ok(Some(Seer::User {
        enterprise: enterprise_number(principal)?,
        user: user_number(principal)?,
    }))
}

/// A statement over the uses that somebody sees and asks for: what `visible!` and `filtered!` need is bound.
fn chosen(
    statement: &'static str,
    seer: Seer,
    filter: &UsageFilter,
) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(statement)
        .bind(seer.enterprise())
        .bind(seer.user())
        .bind(filter.user.as_ref().map(user_or_none))
        .bind(&filter.key)
        .bind(&filter.model)
        .bind(filter.from.map(|from| from.timestamp_millis()))
        .bind(filter.to.map(|to| to.timestamp_millis()))
}

async fn sums(
    connection: &mut SqliteConnection,
    seer: Seer,
    filter: &UsageFilter,
    by: &[UsageBy],
) -> Result<Vec<UsageSum>, StoreError> {
    let names: Vec<&str> = by.iter().map(|by| by.as_str()).collect();
    let rows = chosen(SUMS, seer, filter)
        .bind(super::convert::to_json(&names)?)
        .fetch_all(connection)
        .await
        .doing("sum up the use of models")?;
    rows.iter().map(sum).collect()
}

async fn single(
    connection: &mut SqliteConnection,
    seer: Seer,
    filter: &UsageFilter,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<KeptUsage>, StoreError> {
    let rows = chosen(SINGLE, seer, filter)
        .bind(after.map(|after| i64::try_from(after).unwrap_or(i64::MAX)))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await
        .doing("list the use of models")?;
    rows.iter().map(kept).collect()
}

/// A user's number; what no row can have is a number that no row has.
fn user_or_none(user: &UserId) -> i64 {
    user.as_str().parse().unwrap_or(-1)
}

/// What a record's row holds, in the order of [`ADD`].
fn columns(record: &UsageRecord) -> Result<Value, StoreError> {
    let (caller, usage) = (&record.caller, &record.usage);
    let id = |id: Option<&str>| id.map(|id| number(id, Thing::User)).transpose();
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let cost = record.cost.as_ref();
    Ok(json!([
        record.at.timestamp_millis(),
        id(caller.enterprise.as_ref().map(EnterpriseId::as_str))?,
        id(caller.user.as_ref().map(UserId::as_str))?,
        caller.client,
        caller.token.map(|token| i64::try_from(token).unwrap_or(i64::MAX)),
        caller.request,
        caller.operation,
        record.kind.as_str(),
        record.outcome.as_str(),
        record.requested,
        record.model,
        record.provider,
        record.served,
        usage.input_tokens,
        usage.cached_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        record.estimated,
        cost.map(|cost| i64::try_from(cost.nanos).unwrap_or(i64::MAX)),
        cost.map(|cost| &cost.currency),
        record.price_note,
        micros(usage.queue_time),
        micros(usage.time_to_first_token),
        micros(usage.total_time),
    ]))
}

fn user(row: &SqliteRow) -> Result<Option<UsageUser>, StoreError> {
    let id: Option<i64> = column(row, "user_id")?;
    let login: Option<String> = column(row, "login")?;
    id.map(|id| {
        Ok(UsageUser {
            id: UserId::from_number(unsigned(id)?),
            login,
        })
    })
    .transpose()
}

fn money(row: &SqliteRow) -> Result<Option<Money>, StoreError> {
    let (nanos, currency): (Option<i64>, Option<String>) = (column(row, "cost")?, column(row, "currency")?);
    match (nanos, currency) {
        (Some(nanos), Some(currency)) => Ok(Some(Money {
            currency,
            nanos: unsigned(nanos)?,
        })),
        _ => Ok(None),
    }
}

fn sum(row: &SqliteRow) -> Result<UsageSum, StoreError> {
    let count = |name: &str| unsigned(column(row, name)?);
    Ok(UsageSum {
        period: column(row, "period")?,
        user: user(row)?,
        key: column(row, "key")?,
        requested: column(row, "requested")?,
        model: column(row, "model")?,
        provider: column(row, "provider")?,
        operation: column(row, "operation")?,
        uses: count("uses")?,
        estimated: count("estimated")?,
        input_tokens: count("input_tokens")?,
        cached_tokens: count("cached_tokens")?,
        output_tokens: count("output_tokens")?,
        reasoning_tokens: count("reasoning_tokens")?,
        cost: money(row)?,
    })
}

fn kept(row: &SqliteRow) -> Result<KeptUsage, StoreError> {
    let tokens = |name: &str| -> Result<u32, StoreError> {
        let count: i64 = column(row, name)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    };
    let micros = |name: &str| -> Result<Duration, StoreError> {
        Ok(Duration::from_micros(unsigned(column(row, name)?)?))
    };
    let token: Option<i64> = column(row, "token")?;
    Ok(KeptUsage {
        id: unsigned(column(row, "id")?)?,
        at: time(column(row, "at")?)?,
        user: user(row)?,
        key: column(row, "key")?,
        token: token.map(unsigned).transpose()?,
        request: column(row, "request")?,
        operation: column(row, "operation")?,
        kind: column(row, "kind")?,
        outcome: column(row, "outcome")?,
        requested: column(row, "requested")?,
        model: column(row, "model")?,
        provider: column(row, "provider")?,
        served: column(row, "served")?,
        usage: Usage {
            input_tokens: tokens("input_tokens")?,
            cached_tokens: tokens("cached_tokens")?,
            output_tokens: tokens("output_tokens")?,
            reasoning_tokens: tokens("reasoning_tokens")?,
            estimated: column(row, "estimated")?,
            queue_time: micros("queue_micros")?,
            time_to_first_token: micros("first_token_micros")?,
            total_time: micros("total_micros")?,
        },
        cost: money(row)?,
        price_note: column(row, "price_note")?,
    })
}

impl SqliteStore {
    /// Removes uses whose time is over; answers how many.
    pub(super) async fn sweep_usage(&self) -> Result<u64, StoreError> {
        let before = self
            .now()
            .saturating_sub(self.options.usage_retention.num_milliseconds());
        let mut writing = self.write_aside().await?;
        let removed = sqlx::query("DELETE FROM usage WHERE at <= ?1")
            .bind(before)
            .execute(&mut *writing)
            .await
            .doing("remove old uses of models")?;
        writing.commit().await.doing("commit")?;
        Ok(removed.rows_affected())
    }
}
