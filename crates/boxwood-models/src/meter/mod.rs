//! The meter: what every use of a model is counted by, held to and measured with.
//!
//! Invariants: nothing here makes a request wait for the database: records go to a [`UsageSink`], which keeps a queue; a
//! budget is charged before the last event of an answer is passed on. One meter a process, handed to
//! [`crate::ModelRegistry::with_meter`]; every model that a registry resolves is then metered, whatever asks for it.

mod budget;
mod metered;
mod price;
mod speed;

pub use budget::{Budget, BudgetState, Budgets, Limit, Period, SpentBefore, Whose};
pub(crate) use metered::{MeteredEmbedder, MeteredModel};
pub use price::{Price, Priced, StatedPrice, parse_amount};
pub(crate) use price::{price_of_local, price_on_host, read_price};
pub use speed::{Sample, Speed, Spread, WINDOW};

use async_trait::async_trait;
use boxwood_core::metering::{Caller, UsageKind, UsageOutcome, UsageRecord};
use boxwood_core::{Clock, ModelError, SystemClock, Usage};
use budget::{Reservation, Wanted};
use chrono::NaiveDate;
use speed::Speeds;
use std::sync::Arc;

/// Takes records and keeps them, beside the request and not in its way.
#[async_trait]
pub trait UsageSink: Send + Sync {
    /// Takes a record; returns at once.
    fn take(&self, record: UsageRecord);

    /// Waits until everything that was taken is kept (when no more requests run).
    async fn drained(&self) {}
}

/// Keeps nothing: for the command line, whose answers tell their own usage.
struct Forgetful;

#[async_trait]
impl UsageSink for Forgetful {
    fn take(&self, _: UsageRecord) {}
}

/// Counts, limits and measures what models do. Cheap to clone.
#[derive(Clone)]
pub struct Meter(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    sink: Arc<dyn UsageSink>,
    budgets: Budgets,
    speeds: Speeds,
}

impl Default for Meter {
    /// Measures speeds, keeps nothing, limits nothing.
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter")
            .field("budgets", &self.0.budgets)
            .finish_non_exhaustive()
    }
}

impl Meter {
    /// A meter that measures speeds, keeps nothing, limits nothing, and takes the time from a clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, Arc::new(Forgetful), Budgets::default())
    }

    /// A meter whose records go to `sink`.
    pub fn new(clock: Arc<dyn Clock>, sink: Arc<dyn UsageSink>, budgets: Budgets) -> Self {
        Self(Arc::new(Inner {
            clock,
            sink,
            budgets,
            speeds: Speeds::default(),
        }))
    }

    /// The day that it is, by the clock.
    pub(crate) fn today(&self) -> NaiveDate {
        self.0.clock.now().date_naive()
    }

    /// The budgets.
    pub fn budgets(&self) -> &Budgets {
        &self.0.budgets
    }

    /// Every counter of the running periods.
    pub fn budget_states(&self) -> Vec<BudgetState> {
        self.0.budgets.states(self.0.clock.now())
    }

    /// How fast each model was lately.
    pub fn speeds(&self) -> Vec<Speed> {
        self.0.speeds.all(self.0.clock.now())
    }

    /// Waits until every record is kept (when no more requests run).
    pub async fn drained(&self) {
        self.0.sink.drained().await;
    }

    /// Reserves what a request may use at most, and begins its account.
    ///
    /// # Errors
    /// [`ModelError::BudgetExceeded`].
    fn open(&self, of: &Arc<Of>, kind: UsageKind, input: u32, output: u32) -> Result<Account, ModelError> {
        let wanted = Wanted {
            caller: &of.caller,
            names: [&of.requested, &of.model],
            priced: &of.priced,
            input_tokens: input,
            output_tokens: output,
        };
        let reservation = self.0.budgets.reserve(wanted, self.0.clock.now())?;
        Ok(Account {
            meter: self.clone(),
            of: of.clone(),
            kind,
            reservation: Some(reservation),
        })
    }
}

/// What is used, and by whom.
#[derive(Debug)]
pub(crate) struct Of {
    pub(crate) caller: Arc<Caller>,
    /// The name that was asked for, a card's as the card spells it.
    pub(crate) requested: String,
    /// What answers.
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) served: &'static str,
    pub(crate) priced: Arc<Priced>,
}

/// A use that runs. Settled once; dropped without that, its reservation is given back and nothing is recorded.
struct Account {
    meter: Meter,
    of: Arc<Of>,
    kind: UsageKind,
    reservation: Option<Reservation>,
}

impl Account {
    /// Charges the budgets, measures, and hands the record on.
    fn settle(&mut self, outcome: UsageOutcome, usage: Usage) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let (of, inner) = (&self.of, &self.meter.0);
        let cost = of.priced.price().map(|price| price.cost(&usage));
        let tokens = u64::from(usage.input_tokens) + u64::from(usage.output_tokens);
        reservation.settle(tokens, cost.as_ref());
        let at = inner.clock.now();
        if let (UsageKind::Chat, UsageOutcome::Finished, Some(sample)) =
            (self.kind, outcome, Sample::of(&usage, at))
        {
            inner.speeds.note(&of.model, &of.requested, sample);
        }
        inner.sink.take(UsageRecord {
            at,
            caller: Caller::clone(&of.caller),
            kind: self.kind,
            outcome,
            requested: of.requested.clone(),
            model: of.model.clone(),
            provider: of.provider.clone(),
            served: of.served.to_owned(),
            estimated: usage.estimated,
            usage,
            cost,
            price_note: of.priced.note(),
        });
    }
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
