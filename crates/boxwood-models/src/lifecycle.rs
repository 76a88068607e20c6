//! When the model of a binding ends, and what that means today.
//!
//! Invariants: the clock decides what today is; a binding's own `retires_on` wins over the days of [`crate::retirement`],
//! the only source of dates (a fine-tuned deployment outlives its model); a date moves a binding only to a successor that
//! the configuration names, never anywhere else. Called by the registry.

use crate::host::Host;
use crate::settings::Binding;
use chrono::NaiveDate;

/// How long before the end it is told.
const NOTICE_DAYS: i64 = 180;

/// The end of a binding's model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// From this day on the host does not serve it.
    pub(crate) on: NaiveDate,
    /// Who says so, for people.
    told: String,
}

/// The end of the model that a binding's host serves; `None` where none is known.
pub(crate) fn end_of(binding: &Binding, host: &Host) -> Option<End> {
    if let Some(on) = binding.retires_on {
        let told = format!("ends on {on}, as `retires_on` of its binding says");
        return Some(End { on, told });
    }
    let row = host.retirement?;
    let on = row.last_day()?;
    Some(End {
        on,
        told: format!("is {} ({})", row.sentence(), row.source),
    })
}

impl End {
    /// Whether it has come.
    pub(crate) fn has_come(&self, today: NaiveDate) -> bool {
        today >= self.on
    }

    /// What a person should know today, from half a year before on; `successor` is what the configuration names.
    pub(crate) fn notice(&self, today: NaiveDate, successor: Option<&str>) -> Option<String> {
        let days = (self.on - today).num_days();
        if days > NOTICE_DAYS {
            return None;
        }
        let mend = match (successor, days > 0) {
            (Some(successor), true) => format!("`{successor}` takes over then"),
            (Some(successor), false) => format!("`{successor}` answers"),
            (None, true) => "name a `successor` in its binding before".to_owned(),
            (None, false) => "name a `successor` in its binding".to_owned(),
        };
        Some(match days > 0 {
            true => format!("in {days} days: it {}; {mend}", self.told),
            false => format!("it {}; {mend}", self.told),
        })
    }
}
