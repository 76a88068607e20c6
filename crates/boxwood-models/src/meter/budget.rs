//! Budgets: how many tokens, or how much money, may be used in a day or a month.
//!
//! Invariants: a request is reserved in full (its prompt and the most that it may write) in every budget that it falls
//! under, in one step, before anything is spent, so requests that run together can't exceed a budget together; a
//! reservation that is dropped without a settlement is given back; what was spent before a restart is put in by
//! [`Budgets::restore`]. Days and months are those of UTC, and the clock decides which is now.

use super::price::Priced;
use boxwood_core::ModelError;
use boxwood_core::metering::{Caller, Money, decimal};
use chrono::{DateTime, Datelike, Months, NaiveTime, Utc};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Which callers, or models, a budget is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whose {
    /// All of them together.
    #[default]
    Everyone,
    /// Each by itself.
    Each,
    /// This one.
    Only(String),
}

/// How long a budget lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// From midnight to midnight, UTC.
    Day,
    /// From the first of a month to the next, UTC.
    Month,
}

impl Period {
    /// Every period with its name in `boxwood.toml`.
    pub const TABLE: [(&'static str, Period); 2] = [("day", Period::Day), ("month", Period::Month)];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// When the period that holds `now` began.
    pub fn start(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let day = now.date_naive();
        let first = match self {
            Self::Day => day,
            Self::Month => day.with_day(1).unwrap_or(day),
        };
        first.and_time(NaiveTime::MIN).and_utc()
    }

    /// When the next one begins.
    pub fn end(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let start = self.start(now);
        match self {
            Self::Day => start + chrono::Duration::days(1),
            Self::Month => start.checked_add_months(Months::new(1)).unwrap_or(start),
        }
    }
}

/// How much a budget holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Input and output tokens together.
    Tokens(u64),
    /// Money.
    Money(Money),
}

/// A budget, as `[budgets.NAME]` of `boxwood.toml` states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Whose users' requests, by user id.
    pub user: Whose,
    /// Which keys' requests: by application, or `token:` with a token's number.
    pub key: Whose,
    /// Which models, by the name that was asked for or the one that answered.
    pub model: Whose,
    /// How long it lasts.
    pub period: Period,
    /// How much it holds.
    pub limit: Limit,
}

/// One counter of a budget in one period.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Slot {
    budget: usize,
    start: DateTime<Utc>,
    user: Option<String>,
    key: Option<String>,
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    spent: u64,
    reserved: u64,
}

/// What was used before the program started, as the store sums it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentBefore {
    /// User id.
    pub user: Option<String>,
    /// See [`Caller::key`].
    pub key: Option<String>,
    /// The name that was asked for.
    pub requested: String,
    /// What answered.
    pub model: String,
    /// Input and output tokens.
    pub tokens: u64,
    /// What they cost, where the price was known.
    pub cost: Option<Money>,
}

/// One counter, for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// The user it counts, where it counts each by itself.
    pub user: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// When the period began.
    pub start: DateTime<Utc>,
    /// When the next one begins.
    pub end: DateTime<Utc>,
    /// Tokens, or billionths of money, that are spent.
    pub spent: u64,
    /// The same of requests that run.
    pub reserved: u64,
}

/// What a request may use at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) caller: &'a Caller,
    /// The name that was asked for, and the one that answers.
    pub(crate) names: [&'a str; 2],
    pub(crate) priced: &'a Priced,
    pub(crate) input_tokens: u32,
    pub(crate) output_tokens: u32,
}

/// All budgets with their counters. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Budgets(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    budgets: Vec<Budget>,
    counters: Mutex<HashMap<Slot, Counter>>,
}

/// A part of every budget that a request falls under; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budgets: Budgets,
    held: Vec<(Slot, u64)>,
}

impl Reservation {
    /// Replaces what was reserved by what was used.
    pub(crate) fn settle(mut self, tokens: u64, cost: Option<&Money>) {
        let held = std::mem::take(&mut self.held);
        let mut counters = self.budgets.0.counters.lock();
        for (slot, amount) in held {
            let used = match self
                .budgets
                .0
                .budgets
                .get(slot.budget)
                .map(|budget| &budget.limit)
            {
                Some(Limit::Tokens(_)) => tokens,
                Some(Limit::Money(limit)) => money_in(cost, &limit.currency),
                None => 0,
            };
            let counter = counters.entry(slot).or_default();
            counter.reserved = counter.reserved.saturating_sub(amount);
            counter.spent = counter.spent.saturating_add(used);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut counters = self.budgets.0.counters.lock();
        for (slot, amount) in self.held.drain(..) {
            let counter = counters.entry(slot).or_default();
            counter.reserved = counter.reserved.saturating_sub(amount);
        }
    }
}

fn money_in(cost: Option<&Money>, currency: &str) -> u64 {
    cost.filter(|cost| cost.currency == currency)
        .map_or(0, |cost| cost.nanos)
}

impl Budgets {
    /// Budgets of which nothing is spent yet.
    pub fn new(budgets: Vec<Budget>) -> Self {
        Self(Arc::new(Inner {
            budgets,
            counters: Mutex::default(),
        }))
    }

    /// The earliest time from which uses matter, per period; `None` without budgets.
    pub fn periods(&self) -> impl Iterator<Item = Period> + '_ {
        Period::TABLE
            .into_iter()
            .map(|(_, period)| period)
            .filter(|period| self.0.budgets.iter().any(|budget| budget.period == *period))
    }

    /// Puts in what was spent in the period that holds `now` before the program started.
    pub fn restore(&self, period: Period, now: DateTime<Utc>, rows: &[SpentBefore]) {
        let mut counters = self.0.counters.lock();
        for row in rows {
            for (index, budget) in self.0.budgets.iter().enumerate() {
                let names = [row.requested.as_str(), row.model.as_str()];
                let fitting = budget.period == period;
                let slot = fitting
                    .then(|| slot(index, budget, row.user.as_deref(), row.key.as_deref(), names, now))
                    .flatten();
                let Some(slot) = slot else { continue };
                let used = match &budget.limit {
                    Limit::Tokens(_) => row.tokens,
                    Limit::Money(limit) => money_in(row.cost.as_ref(), &limit.currency),
                };
                let counter = counters.entry(slot).or_default();
                counter.spent = counter.spent.saturating_add(used);
            }
        }
    }

    /// Every counter of the running periods, for showing.
    pub fn states(&self, now: DateTime<Utc>) -> Vec<BudgetState> {
        let counters = self.0.counters.lock();
        let mut states: Vec<BudgetState> = counters
            .iter()
            .filter_map(|(slot, counter)| {
                let budget = self.0.budgets.get(slot.budget)?;
                (slot.start == budget.period.start(now)).then(|| BudgetState {
                    budget: budget.clone(),
                    user: slot.user.clone(),
                    key: slot.key.clone(),
                    model: slot.model.clone(),
                    start: slot.start,
                    end: budget.period.end(now),
                    spent: counter.spent,
                    reserved: counter.reserved,
                })
            })
            .collect();
        states.sort_by(|a, b| {
            (&a.budget.name, &a.user, &a.key, &a.model).cmp(&(&b.budget.name, &b.user, &b.key, &b.model))
        });
        states
    }

    /// Reserves in every budget that the request falls under, or in none.
    ///
    /// # Errors
    /// [`ModelError::BudgetExceeded`] that names the budget and when it begins anew.
    pub(crate) fn reserve(&self, wanted: Wanted<'_>, now: DateTime<Utc>) -> Result<Reservation, ModelError> {
        let mut held = Vec::new();
        if self.0.budgets.is_empty() {
            return Ok(self.hold(held));
        }
        let user = wanted.caller.user.as_ref().map(|user| user.as_str());
        let key = wanted.caller.key();
        let mut counters = self.0.counters.lock();
        counters.retain(|slot, counter| {
            let period = self.0.budgets.get(slot.budget).map(|budget| budget.period);
            counter.reserved > 0 || period.is_some_and(|period| slot.start == period.start(now))
        });
        for (index, budget) in self.0.budgets.iter().enumerate() {
            let Some(slot) = slot(index, budget, user, key.as_deref(), wanted.names, now) else {
                continue;
            };
            let Some(amount) = amount(budget, &wanted)? else {
                continue;
            };
            let counter = counters.get(&slot).copied().unwrap_or_default();
            let used = counter.spent.saturating_add(counter.reserved);
            if used.saturating_add(amount) > size(&budget.limit) {
                return Err(exceeded(budget, &slot, &wanted, used, amount, now));
            }
            held.push((slot, amount));
        }
        for (slot, amount) in &held {
            counters.entry(slot.clone()).or_default().reserved += amount;
        }
        drop(counters);
        Ok(self.hold(held))
    }

    fn hold(&self, held: Vec<(Slot, u64)>) -> Reservation {
        Reservation {
            budgets: self.clone(),
            held,
        }
    }
}

/// The counter of a budget for a request; `None` where the budget is not about it.
fn slot(
    index: usize,
    budget: &Budget,
    user: Option<&str>,
    key: Option<&str>,
    names: [&str; 2],
    now: DateTime<Utc>,
) -> Option<Slot> {
    let one = |whose: &Whose, value: Option<&str>| match whose {
        Whose::Everyone => Some(None),
        Whose::Each => value.map(|value| Some(value.to_owned())),
        Whose::Only(only) => (value == Some(only)).then(|| Some(only.clone())),
    };
    let model = match &budget.model {
        Whose::Everyone => None,
        Whose::Each => Some(names[1].to_owned()),
        Whose::Only(only) => Some(names.contains(&only.as_str()).then(|| only.clone())?),
    };
    Some(Slot {
        budget: index,
        start: budget.period.start(now),
        user: one(&budget.user, user)?,
        key: one(&budget.key, key)?,
        model,
    })
}

fn size(limit: &Limit) -> u64 {
    match limit {
        Limit::Tokens(tokens) => *tokens,
        Limit::Money(money) => money.nanos,
    }
}

/// The most that the request may take out of the budget; `None` where it takes nothing that the budget counts.
fn amount(budget: &Budget, wanted: &Wanted<'_>) -> Result<Option<u64>, ModelError> {
    let refuse = |message: String| ModelError::BudgetExceeded {
        model: wanted.names[1].to_owned(),
        message,
    };
    match &budget.limit {
        Limit::Tokens(_) => Ok(Some(
            u64::from(wanted.input_tokens) + u64::from(wanted.output_tokens),
        )),
        Limit::Money(limit) => match wanted.priced {
            Priced::Local => Ok(None),
            Priced::Unknown(why) => Err(refuse(format!(
                "the budget `{}` is in money, and {why}",
                budget.name
            ))),
            Priced::Known(price) if price.currency != limit.currency => Err(refuse(format!(
                "the budget `{}` is in {}, and the price of {} is in {}: state it in one currency under [models.prices]",
                budget.name, limit.currency, wanted.names[1], price.currency
            ))),
            Priced::Known(price) => {
                let most = boxwood_core::Usage {
                    input_tokens: wanted.input_tokens,
                    output_tokens: wanted.output_tokens,
                    ..Default::default()
                };
                Ok(Some(price.cost(&most).nanos))
            }
        },
    }
}

fn exceeded(
    budget: &Budget,
    slot: &Slot,
    wanted: &Wanted<'_>,
    used: u64,
    amount: u64,
    now: DateTime<Utc>,
) -> ModelError {
    let shown = |amount: u64| match &budget.limit {
        Limit::Tokens(_) => format!("{amount} tokens"),
        Limit::Money(limit) => format!("{} {}", decimal(amount), limit.currency),
    };
    let mut whose = Vec::new();
    for (present, name) in [
        (slot.user.is_some(), "this user"),
        (slot.key.is_some(), "this application"),
        (slot.model.is_some(), "this model"),
    ] {
        if present {
            whose.push(name);
        }
    }
    let whose = match whose.is_empty() {
        true => String::new(),
        false => format!(" for {}", whose.join(" and ")),
    };
    ModelError::BudgetExceeded {
        model: wanted.names[1].to_owned(),
        message: format!(
            "the budget `{}` of {} a {}{whose} does not hold this request: {} are spent or reserved, and it may take {}. \
             It begins anew on {}; ask for less output, or have the budget raised",
            budget.name,
            shown(size(&budget.limit)),
            budget.period.as_str(),
            shown(used),
            shown(amount),
            budget.period.end(now).format("%Y-%m-%dT%H:%M:%SZ"),
        ),
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
