//! What a use of a model is counted as: who asked, what answered, tokens, money.
//!
//! Invariants: who asked travels with the request as a [`Caller`] value, never as a global; a cost whose price is not
//! known is `None`, never zero; money is whole billionths, so that sums are exact. Made by the server and the CLI
//! ([`Caller`]) and by the meter of `boxwood-models` ([`UsageRecord`]); kept by `boxwood-store`.

use crate::ids::{EnterpriseId, UserId};
use crate::model::Usage;
use chrono::{DateTime, Utc};

/// On whose behalf a model works.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The user's enterprise; `None` for work of the program itself and of the command line.
    pub enterprise: Option<EnterpriseId>,
    /// The user; `None` for work of the program itself and of the command line.
    pub user: Option<UserId>,
    /// The application of the access token.
    pub client: Option<String>,
    /// The number of the access token, which is no secret.
    pub token: Option<u64>,
    /// What was asked for: `ask`, `text_gen`, `extract`, `chat_completions`, `suggestions`.
    pub operation: &'static str,
    /// The request's id, as in the header `box-request-id`; empty where there is none.
    pub request: String,
}

impl Caller {
    /// Work that nobody's request asked for.
    pub fn program(operation: &'static str) -> Self {
        Self {
            enterprise: None,
            user: None,
            client: None,
            token: None,
            operation,
            request: String::new(),
        }
    }

    /// What budgets and lists call the caller's key: the application, else `token:` with the token's number.
    pub fn key(&self) -> Option<String> {
        let token = || self.token.map(|number| format!("token:{number}"));
        self.client.clone().or_else(token)
    }
}

/// What a model did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageKind {
    /// A completion.
    Chat,
    /// Given beginnings of a reply were weighed; costs a prompt and no output.
    Score,
    /// Texts became vectors.
    Embedding,
}

impl UsageKind {
    /// Every kind with its name.
    pub const TABLE: [(&'static str, UsageKind); 3] = [
        ("chat", UsageKind::Chat),
        ("score", UsageKind::Score),
        ("embedding", UsageKind::Embedding),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Score => "score",
            Self::Embedding => "embedding",
        }
    }
}

/// How a use ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageOutcome {
    /// To its end.
    Finished,
    /// The caller went away; what was used until then is counted.
    Cancelled,
    /// The model or its host failed; what was used until then is counted.
    Failed,
}

impl UsageOutcome {
    /// Every outcome with its name.
    pub const TABLE: [(&'static str, UsageOutcome); 3] = [
        ("finished", UsageOutcome::Finished),
        ("cancelled", UsageOutcome::Cancelled),
        ("failed", UsageOutcome::Failed),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Billionths of a unit of money.
pub const NANOS: u64 = 1_000_000_000;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money {
    /// Three letters: `USD`.
    pub currency: String,
    /// In billionths of a unit.
    pub nanos: u64,
}

impl Money {
    /// The amount in units with nine decimals, exactly: `0.001234000`.
    pub fn decimal(&self) -> String {
        decimal(self.nanos)
    }
}

/// Billionths as a decimal fraction of the unit, exactly.
pub fn decimal(nanos: u64) -> String {
    format!("{}.{:09}", nanos / NANOS, nanos % NANOS)
}

/// One use of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRecord {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who asked.
    pub caller: Caller,
    /// What the model did.
    pub kind: UsageKind,
    /// How it ended.
    pub outcome: UsageOutcome,
    /// The name that was asked for.
    pub requested: String,
    /// What answered.
    pub model: String,
    /// Who provides it.
    pub provider: String,
    /// In which relation it stands to the name: `host`, `successor`, `stand_in`, `local`.
    pub served: String,
    /// Tokens and times.
    pub usage: Usage,
    /// Whether the tokens are our estimate: the model told none.
    pub estimated: bool,
    /// What it cost; `None`: the price is not known, or there is none.
    pub cost: Option<Money>,
    /// Where the price is from, with its date; why there is none.
    pub price_note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        for (nanos, expected) in [
            (0, "0.000000000"),
            (1, "0.000000001"),
            (1_100, "0.000001100"),
            (12_000_000_000, "12.000000000"),
        ] {
            assert_eq!(decimal(nanos), expected);
        }
    }

    #[test]
    fn the_key_is_the_application_else_the_token() {
        let mut caller = Caller::program("ask");
        assert_eq!(caller.key(), None);
        caller.token = Some(7);
        assert_eq!(caller.key().as_deref(), Some("token:7"));
        caller.client = Some("app".into());
        assert_eq!(caller.key().as_deref(), Some("app"));
    }
}
