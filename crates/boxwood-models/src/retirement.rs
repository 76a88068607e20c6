//! When hosts retired, or will retire, the models that cards stand for: one table, each row with its source.
//!
//! Invariant: a date is what a source says, never a guess; where sources disagree both are told, and the later one counts.
//! Looked up once for each host, when the settings are read ([`crate::host::Host::retirement`]); read for the words of
//! errors and by [`crate::lifecycle`]. A request is never refused by a date alone, since a fine-tuned deployment may
//! outlive its model.

use crate::host::HostKind;
use chrono::NaiveDate;

/// What is known about the end of a model on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retirement {
    /// Who retires it, for people.
    pub by: &'static str,
    /// The model in the host's words, without its date.
    pub model: &'static str,
    /// The day, `YYYY-MM-DD`.
    pub on: &'static str,
    /// Another day by another source.
    pub or_on: Option<&'static str>,
    /// What the host names as its successor.
    pub replacement: Option<&'static str>,
    /// Where the days are from.
    pub source: &'static str,
}

const MICROSOFT: &str = "Microsoft's retirement schedule of 2026-08-26";
const PRICE_MAP: &str = "LiteLLM 1.109.1's model map";
const OPENAI: &str = "OpenAI's deprecations page of 2026-10-15";

const fn row(by: &'static str, model: &'static str, on: &'static str, source: &'static str) -> Retirement {
    Retirement {
        by,
        model,
        on,
        or_on: None,
        replacement: None,
        source,
    }
}

/// Every known date.
pub const RETIREMENTS: [Retirement; 10] = [
    Retirement {
        or_on: Some("2026-11-19"),
        ..row("Azure", "o4-mini", "2026-10-16", MICROSOFT)
    },
    row("Azure", "o3", "2026-11-19", PRICE_MAP),
    row("Azure", "o3-mini", "2026-11-19", PRICE_MAP),
    row("Azure", "o1", "2026-11-19", PRICE_MAP),
    Retirement {
        or_on: Some("2027-02-09"),
        ..row("Azure", "gpt-5-mini", "2027-02-06", MICROSOFT)
    },
    row("Azure", "gpt-5.4-mini", "2027-03-18", MICROSOFT),
    Retirement {
        replacement: Some("gpt-5.6-terra"),
        ..row("OpenAI", "o4-mini", "2026-10-23", OPENAI)
    },
    row("OpenAI", "o3", "2026-12-11", OPENAI),
    row("OpenAI", "gpt-5", "2026-12-11", OPENAI),
    row("OpenAI", "gpt-5-mini", "2026-12-11", OPENAI),
];

/// The end of this model on this kind of host; a dated name (`o4-mini-2025-04-16`) is the model's as well.
pub fn retirement_of(kind: HostKind, model: &str) -> Option<&'static Retirement> {
    let by = match kind {
        HostKind::AzureOpenai | HostKind::AzureOpenaiDated => "Azure",
        HostKind::Openai => "OpenAI",
        _ => return None,
    };
    RETIREMENTS
        .iter()
        .find(|row| row.by == by && is_model(row.model, model))
}

fn is_model(known: &str, named: &str) -> bool {
    let rest = named.to_ascii_lowercase();
    let Some(rest) = rest.strip_prefix(known) else {
        return false;
    };
    let is_date =
        |rest: &str| rest.len() == 11 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    rest.is_empty() || (rest.starts_with('-') && is_date(rest))
}

impl Retirement {
    /// "retired by Azure on …", with the successor that the host names.
    pub fn sentence(&self) -> String {
        let replacement = self.replacement.map_or(String::new(), |name| {
            format!("; {} names {name} as the next one", self.by)
        });
        format!("retired by {} on {}{replacement}", self.by, self.days())
    }

    /// The same for a model of which it is not certain that it is gone.
    pub fn schedule(&self) -> String {
        format!(
            "by {}'s schedule {} retires on {}",
            self.by,
            self.model,
            self.days()
        )
    }

    /// The last of the days that sources name.
    pub(crate) fn last_day(&self) -> Option<NaiveDate> {
        let days = std::iter::once(self.on).chain(self.or_on);
        days.filter_map(|day| day.parse().ok()).max()
    }

    fn days(&self) -> String {
        match self.or_on {
            Some(day) => format!("{} (by another source on {day})", self.on),
            None => self.on.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_host_and_name() {
        let check = |kind, model: &str, expected: Option<&str>| {
            assert_eq!(
                retirement_of(kind, model).map(|row| row.on),
                expected,
                "{kind:?} {model}"
            );
        };
        check(HostKind::AzureOpenai, "o4-mini", Some("2026-10-16"));
        check(
            HostKind::AzureOpenaiDated,
            "O4-mini-2025-04-16",
            Some("2026-10-16"),
        );
        check(HostKind::Openai, "o4-mini", Some("2026-10-23"));
        check(HostKind::Openai, "gpt-5", Some("2026-12-11"));
        check(HostKind::Openai, "gpt-5.1", None);
        check(HostKind::Openai, "gpt-5-pro", None);
        check(HostKind::Vllm, "o4-mini", None);
    }

    #[test]
    fn every_row_has_days_and_a_source() {
        for row in RETIREMENTS {
            for day in std::iter::once(row.on).chain(row.or_on) {
                assert!(NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok(), "{row:?}");
            }
            assert!(row.last_day().is_some(), "{row:?}");
            assert!(!row.source.is_empty());
        }
        let azure = retirement_of(HostKind::AzureOpenai, "o4-mini").unwrap();
        assert_eq!(
            azure.sentence(),
            "retired by Azure on 2026-10-16 (by another source on 2026-11-19)"
        );
        assert_eq!(
            azure.schedule(),
            "by Azure's schedule o4-mini retires on 2026-10-16 (by another source on 2026-11-19)"
        );
        assert_eq!(azure.last_day(), NaiveDate::from_ymd_opt(2026, 11, 19));
    }
}
