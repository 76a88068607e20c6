//! Uses of models from the store's form into that of the wire.

use boxwood_api::usage::{BudgetUse, UsageSum, Use};
use boxwood_api::wire::Moment;
use boxwood_core::metering::decimal;
use boxwood_models::meter::{BudgetState, Limit};
use boxwood_store::{KeptUsage, UsageUser};
use std::time::Duration;

/// A sum.
pub fn usage_sum(sum: boxwood_store::UsageSum) -> UsageSum {
    let (user_id, user_login) = user(sum.user);
    UsageSum {
        period: sum.period,
        user_id,
        user_login,
        key: sum.key,
        requested: sum.requested,
        model: sum.model,
        provider: sum.provider,
        operation: sum.operation,
        uses: sum.uses,
        estimated: sum.estimated,
        input_tokens: sum.input_tokens,
        cached_tokens: sum.cached_tokens,
        output_tokens: sum.output_tokens,
        reasoning_tokens: sum.reasoning_tokens,
        cost: sum.cost.as_ref().map(|cost| cost.decimal()),
        currency: sum.cost.map(|cost| cost.currency),
    }
}

/// A single use.
pub fn one_use(kept: KeptUsage) -> Use {
    let (user_id, user_login) = user(kept.user);
    let usage = kept.usage;
    Use {
        at: Moment(kept.at),
        user_id,
        user_login,
        key: kept.key,
        token: kept.token,
        request_id: kept.request,
        operation: kept.operation,
        kind: kept.kind,
        outcome: kept.outcome,
        requested: kept.requested,
        model: kept.model,
        provider: kept.provider,
        served: kept.served,
        input_tokens: usage.input_tokens,
        cached_tokens: usage.cached_tokens,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        estimated: usage.estimated,
        cost: kept.cost.as_ref().map(|cost| cost.decimal()),
        currency: kept.cost.map(|cost| cost.currency),
        price_note: kept.price_note,
        queue_ms: milliseconds(usage.queue_time),
        first_token_ms: milliseconds(usage.time_to_first_token),
        total_ms: milliseconds(usage.total_time),
    }
}

/// A counter of a budget.
pub fn budget_use(state: BudgetState) -> BudgetUse {
    let (unit, limit) = match &state.budget.limit {
        Limit::Tokens(tokens) => ("tokens".to_owned(), *tokens),
        Limit::Money(money) => (money.currency.clone(), money.nanos),
    };
    let shown = |amount: u64| match &state.budget.limit {
        Limit::Tokens(_) => amount.to_string(),
        Limit::Money(_) => decimal(amount),
    };
    BudgetUse {
        limit: shown(limit),
        spent: shown(state.spent),
        reserved: shown(state.reserved),
        name: state.budget.name,
        period: state.budget.period.as_str(),
        began_at: Moment(state.start),
        ends_at: Moment(state.end),
        user_id: state.user,
        key: state.key,
        model: state.model,
        unit,
    }
}

fn user(user: Option<UsageUser>) -> (Option<String>, Option<String>) {
    match user {
        Some(user) => (Some(user.id.to_string()), user.login),
        None => (None, None),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
