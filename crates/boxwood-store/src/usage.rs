//! What models were used for, as values: filters, sums, single uses.
//!
//! Invariant: uses of which the price is not known are summed apart, with no cost, so that no sum hides them. The record
//! of one use is [`boxwood_core::UsageRecord`].

use boxwood_core::{Money, UserId};
use chrono::{DateTime, Utc};

/// By what uses are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageBy {
    /// The day, in UTC.
    Day,
    /// The month, in UTC.
    Month,
    /// The user.
    User,
    /// The application, else the access token.
    Key,
    /// The name that was asked for, and the model that answered.
    Model,
    /// What was asked for: `ask`, `extract`.
    Operation,
}

impl UsageBy {
    /// Every one with its name.
    pub const TABLE: [(&'static str, UsageBy); 6] = [
        ("day", UsageBy::Day),
        ("month", UsageBy::Month),
        ("user", UsageBy::User),
        ("key", UsageBy::Key),
        ("model", UsageBy::Model),
        ("operation", UsageBy::Operation),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::User => "user",
            Self::Key => "key",
            Self::Model => "model",
            Self::Operation => "operation",
        }
    }
}

/// Which uses are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Only of this user.
    pub user: Option<UserId>,
    /// Only of this application, or of `token:` with a token's number.
    pub key: Option<String>,
    /// Only of this model, by the name that was asked for or the one that answered.
    pub model: Option<String>,
    /// Only then or later.
    pub from: Option<DateTime<Utc>>,
    /// Only before then.
    pub to: Option<DateTime<Utc>>,
}

/// A user as lists of uses name him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageUser {
    /// The id.
    pub id: UserId,
    /// Name and login; `None` for one who is gone.
    pub login: Option<String>,
}

/// Uses that have what they are summed by in common; what they are not summed by is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSum {
    /// `2026-11-30`, or `2026-11` for months.
    pub period: Option<String>,
    /// Who asked.
    pub user: Option<UsageUser>,
    /// The application, else `token:` with the token's number.
    pub key: Option<String>,
    /// The name that was asked for.
    pub requested: Option<String>,
    /// What answered.
    pub model: Option<String>,
    /// Who provides it.
    pub provider: Option<String>,
    /// What was asked for.
    pub operation: Option<String>,
    /// How many uses.
    pub uses: u64,
    /// How many of them count tokens that we estimated.
    pub estimated: u64,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Input tokens from a cache.
    pub cached_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Output tokens that were thinking.
    pub reasoning_tokens: u64,
    /// What they cost; `None`: not known.
    pub cost: Option<Money>,
}

/// A use as it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptUsage {
    /// Its number; later uses have larger ones.
    pub id: u64,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who asked.
    pub user: Option<UsageUser>,
    /// See [`boxwood_core::Caller::key`].
    pub key: Option<String>,
    /// The access token's number.
    pub token: Option<u64>,
    /// The request's id.
    pub request: String,
    /// What was asked for.
    pub operation: String,
    /// `chat`, `score`, `embedding`.
    pub kind: String,
    /// `finished`, `cancelled`, `failed`.
    pub outcome: String,
    /// The name that was asked for.
    pub requested: String,
    /// What answered.
    pub model: String,
    /// Who provides it.
    pub provider: String,
    /// In which relation it stands to the name.
    pub served: String,
    /// Tokens and times.
    pub usage: boxwood_core::Usage,
    /// What it cost; `None`: not known.
    pub cost: Option<Money>,
    /// Where the price is from; why there is none.
    pub price_note: String,
}
