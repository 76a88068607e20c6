//! What models were used for, on the wire: Boxwood's own operation `GET /boxwood/usage`, as JSON and as CSV.
//!
//! Invariants: a cost that is not known is `null` (empty in CSV), never 0; amounts of money are decimal fractions as text,
//! exactly. Made by the server's handlers and by `boxwood usage`.

use crate::wire::Moment;
use serde::Serialize;

/// Uses that have something in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageSum {
    /// Day or month, where uses are summed by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_login: Option<String>,
    /// The application, else `token:` with the access token's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The name that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
    /// What answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who provides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How many uses.
    pub uses: u64,
    /// How many of them count tokens that were estimated.
    pub estimated: u64,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Input tokens from a cache.
    pub cached_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Output tokens that were thinking.
    pub reasoning_tokens: u64,
    /// What they cost, a decimal fraction; `null`: not known.
    pub cost: Option<String>,
    /// In which currency.
    pub currency: Option<String>,
}

/// One use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// When it ended.
    pub at: Moment,
    /// The user's id; `null`: work of the program itself.
    pub user_id: Option<String>,
    /// The user's login.
    pub user_login: Option<String>,
    /// The application, else `token:` with the access token's number.
    pub key: Option<String>,
    /// The access token's number.
    pub token: Option<u64>,
    /// The request's id, as in the header `box-request-id`.
    pub request_id: String,
    /// What was asked for.
    pub operation: String,
    /// `chat`, `score` or `embedding`.
    pub kind: String,
    /// `finished`, `cancelled` or `failed`.
    pub outcome: String,
    /// The name that was asked for.
    pub requested: String,
    /// What answered.
    pub model: String,
    /// Who provides it.
    pub provider: String,
    /// In which relation it stands to the name: `host`, `successor`, `stand_in`, `local`.
    pub served: String,
    /// Input tokens, cached ones included.
    pub input_tokens: u32,
    /// Input tokens from a cache.
    pub cached_tokens: u32,
    /// Output tokens, reasoning included.
    pub output_tokens: u32,
    /// Output tokens that were thinking.
    pub reasoning_tokens: u32,
    /// Whether the tokens were estimated: the model told none.
    pub estimated: bool,
    /// What it cost, a decimal fraction; `null`: not known.
    pub cost: Option<String>,
    /// In which currency.
    pub currency: Option<String>,
    /// Where the price is from; why there is none.
    pub price_note: String,
    /// Milliseconds of waiting for a place.
    pub queue_ms: f64,
    /// Milliseconds to the first token.
    pub first_token_ms: f64,
    /// Milliseconds to the end.
    pub total_ms: f64,
}

/// A budget with what is used of it in the running period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetUse {
    /// Its name in `boxwood.toml`.
    pub name: String,
    /// `day` or `month`.
    pub period: &'static str,
    /// When the period began.
    pub began_at: Moment,
    /// When it begins anew.
    pub ends_at: Moment,
    /// The user it counts by himself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The application or token it counts by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The model it counts by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `tokens`, or a currency.
    pub unit: String,
    /// How much it holds: tokens, or a decimal fraction of money, as text.
    pub limit: String,
    /// How much is spent.
    pub spent: String,
    /// How much running requests may take.
    pub reserved: String,
}

/// The answer with sums.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageReport {
    /// Always `boxwood_usage`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// By what uses are summed.
    pub by: Vec<&'static str>,
    /// The sums; what has no known price stands apart.
    pub entries: Vec<UsageSum>,
    /// Budgets that concern the asking user; all of them for administrators.
    pub budgets: Vec<BudgetUse>,
}

/// The answer with single uses, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Uses {
    /// Always `boxwood_uses`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The uses.
    pub entries: Vec<Use>,
    /// The most entries of a page.
    pub limit: u64,
    /// Where the next page begins; `null` on the last.
    pub next_marker: Option<String>,
}

/// A name that requests may use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelEntry {
    /// The name.
    pub name: String,
    /// In which relation what serves it stands to it; `null`: nothing serves it.
    pub served: Option<&'static str>,
    /// What answers.
    pub answers: Option<String>,
    /// That its host retires the model, or has done so, and what to do; `null`: nothing is known.
    pub ends: Option<String>,
    /// How fast it was: tokens a second in prefill and decode, seconds to the first token, each with the median and what
    /// 95 of 100 completions were at least as good as; `null`: nothing was measured lately.
    pub throughput: Option<serde_json::Value>,
}

/// Every name, with measured speeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Models {
    /// Always `boxwood_models`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The names.
    pub entries: Vec<ModelEntry>,
    /// How far back is measured.
    pub window_hours: i64,
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

/// Sums as CSV with a head line.
pub fn sums_csv(sums: &[UsageSum]) -> String {
    let head = [
        "period",
        "user_id",
        "user_login",
        "key",
        "requested",
        "model",
        "provider",
        "operation",
        "uses",
        "estimated",
        "input_tokens",
        "cached_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cost",
        "currency",
    ];
    let rows = sums.iter().map(|sum| {
        vec![
            text(&sum.period),
            text(&sum.user_id),
            text(&sum.user_login),
            text(&sum.key),
            text(&sum.requested),
            text(&sum.model),
            text(&sum.provider),
            text(&sum.operation),
            sum.uses.to_string(),
            sum.estimated.to_string(),
            sum.input_tokens.to_string(),
            sum.cached_tokens.to_string(),
            sum.output_tokens.to_string(),
            sum.reasoning_tokens.to_string(),
            text(&sum.cost),
            text(&sum.currency),
        ]
    });
    csv(&head, rows)
}

/// Single uses as CSV with a head line.
pub fn uses_csv(uses: &[Use]) -> String {
    let head = [
        "at",
        "user_id",
        "user_login",
        "key",
        "token",
        "request_id",
        "operation",
        "kind",
        "outcome",
        "requested",
        "model",
        "provider",
        "served",
        "input_tokens",
        "cached_tokens",
        "output_tokens",
        "reasoning_tokens",
        "estimated",
        "cost",
        "currency",
        "price_note",
        "queue_ms",
        "first_token_ms",
        "total_ms",
    ];
    let rows = uses.iter().map(|one| {
        vec![
            one.at.0.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            text(&one.user_id),
            text(&one.user_login),
            text(&one.key),
            one.token.map(|token| token.to_string()).unwrap_or_default(),
            one.request_id.clone(),
            one.operation.clone(),
            one.kind.clone(),
            one.outcome.clone(),
            one.requested.clone(),
            one.model.clone(),
            one.provider.clone(),
            one.served.clone(),
            one.input_tokens.to_string(),
            one.cached_tokens.to_string(),
            one.output_tokens.to_string(),
            one.reasoning_tokens.to_string(),
            one.estimated.to_string(),
            text(&one.cost),
            text(&one.currency),
            one.price_note.clone(),
            one.queue_ms.to_string(),
            one.first_token_ms.to_string(),
            one.total_ms.to_string(),
        ]
    });
    csv(&head, rows)
}

fn csv(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = head.join(",");
    text.push_str("\r\n");
    for row in rows {
        let fields: Vec<String> = row.iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A field as RFC 4180 wants it; one that a spreadsheet would take for a formula begins with an apostrophe.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_are_no_formulas() {
        for (field, expected) in [
            ("a", "a"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@cmd,x", "\"'@cmd,x\""),
            ("", ""),
        ] {
            assert_eq!(quoted(field), expected, "{field}");
        }
    }

    #[test]
    fn an_unknown_cost_is_empty_and_the_columns_stay() {
        let sum = UsageSum {
            period: None,
            user_id: None,
            user_login: None,
            key: None,
            requested: Some("a".into()),
            model: Some("a".into()),
            provider: Some("azure".into()),
            operation: None,
            uses: 2,
            estimated: 1,
            input_tokens: 3,
            cached_tokens: 0,
            output_tokens: 4,
            reasoning_tokens: 0,
            cost: None,
            currency: None,
        };
        let text = sums_csv(&[sum]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], ",,,,a,a,azure,,2,1,3,0,4,0,,");
        assert_eq!(lines[0].matches(',').count(), lines[1].matches(',').count());
    }
}
