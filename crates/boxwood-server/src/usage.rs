//! What models were used for: written beside requests, and shown as JSON and CSV.
//!
//! Used by the binary (`boxwood serve`, `boxwood usage`) and by the handler of `GET /boxwood/usage`.

mod show;
mod writer;

pub use show::{budget_use, one_use, usage_sum};
pub use writer::UsageWriter;

use boxwood_models::Meter;
use boxwood_models::meter::SpentBefore;
use boxwood_store::{Store, StoreError};
use chrono::{DateTime, Utc};

/// Puts what was used in the running day and month into the budgets: they hold across restarts.
///
/// # Errors
/// From the database.
pub async fn restore_budgets(meter: &Meter, store: &dyn Store, now: DateTime<Utc>) -> Result<(), StoreError> {
    for period in meter.budgets().periods() {
        let rows = store.usage_since(period.start(now)).await?;
        let rows: Vec<SpentBefore> = rows
            .into_iter()
            .map(|row| SpentBefore {
                user: row.user.map(|user| user.id.to_string()),
                key: row.key,
                requested: row.requested.unwrap_or_default(),
                model: row.model.unwrap_or_default(),
                tokens: row.input_tokens.saturating_add(row.output_tokens),
                cost: row.cost,
            })
            .collect();
        meter.budgets().restore(period, now, &rows);
    }
    Ok(())
}
