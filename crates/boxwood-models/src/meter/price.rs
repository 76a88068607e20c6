//! What tokens cost: list prices as data, the operator's own prices before them.
//!
//! Invariants: a price is used only for the host and model that it stands for; where none is known the cost is unknown,
//! never zero; sums are whole billionths of the currency's unit. Read by the registry once, by the meter at each use.

use crate::config_reader::TableReader;
use boxwood_core::metering::{Money, NANOS};
use boxwood_core::{ModelIdentity, Usage};
use serde::Deserialize;
use std::sync::LazyLock;

/// Tokens that a price is for.
const PER: u128 = 1_000_000;

/// What a million tokens cost, in billionths of the currency's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Three letters: `USD`.
    pub currency: String,
    /// Input tokens that were read anew.
    pub input: u64,
    /// Input tokens that came from the host's cache.
    pub cached_input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// The day on which it was looked up.
    pub as_of: String,
    /// From where.
    pub source: String,
}

impl Price {
    /// What a use costs, rounded up to the next billionth.
    pub fn cost(&self, usage: &Usage) -> Money {
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let of = |tokens: u32, price: u64| u128::from(tokens) * u128::from(price);
        let total = of(usage.input_tokens - cached, self.input)
            + of(cached, self.cached_input)
            + of(usage.output_tokens, self.output);
        Money {
            currency: self.currency.clone(),
            nanos: u64::try_from(total.div_ceil(PER)).unwrap_or(u64::MAX),
        }
    }

    fn note(&self) -> String {
        format!("{}, as of {}", self.source, self.as_of)
    }
}

/// The price of a model, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Priced {
    /// It is known.
    Known(Price),
    /// It is not known; the words say what to do.
    Unknown(String),
    /// The model runs on this machine, and the operator states no price for it.
    Local,
}

impl Priced {
    /// The price.
    pub fn price(&self) -> Option<&Price> {
        match self {
            Self::Known(price) => Some(price),
            Self::Unknown(_) | Self::Local => None,
        }
    }

    /// Where the price is from, or why there is none.
    pub fn note(&self) -> String {
        match self {
            Self::Known(price) => price.note(),
            Self::Unknown(why) => why.clone(),
            Self::Local => "runs on this machine; no price is stated for it".to_owned(),
        }
    }
}

/// A price that the operator states under `[models.prices."name"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedPrice {
    /// A binding's name, or the name that answers report.
    pub name: String,
    /// The price.
    pub price: Price,
}

/// Reads one table of `[models.prices]`; amounts are for a million tokens, as numbers or as texts.
pub(crate) fn read_price(name: String, mut reader: TableReader<'_>) -> Option<StatedPrice> {
    let currency = reader.string("currency").unwrap_or_else(|| "USD".to_owned());
    let mut amount = |key: &'static str| {
        let text = reader.amount(key)?;
        let parsed = parse_amount(&text);
        if parsed.is_none() {
            reader.error(key, "must be an amount for a million tokens, like 1.10");
        }
        parsed
    };
    let (input, cached, output) = (amount("input"), amount("cached_input"), amount("output"));
    if input.is_none() || output.is_none() {
        reader.error("", "needs `input` and `output`, each for a million tokens");
    }
    let as_of = reader.string("as_of").unwrap_or_else(|| "now".to_owned());
    let source = reader
        .string("source")
        .unwrap_or_else(|| "stated in boxwood.toml".to_owned());
    reader.finish();
    let (input, output) = (input?, output?);
    let price = Price {
        currency,
        input,
        cached_input: cached.unwrap_or(input),
        output,
        as_of,
        source,
    };
    Some(StatedPrice { name, price })
}

/// A decimal amount in billionths; at most nine decimals.
pub fn parse_amount(text: &str) -> Option<u64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(NANOS)?.checked_add(fraction)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    #[serde(rename = "about")]
    _about: serde::de::IgnoredAny,
    prices: Vec<PriceRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    hosts: Vec<String>,
    model: String,
    currency: String,
    input: String,
    cached_input: String,
    output: String,
    as_of: String,
    source: String,
}

impl PriceRow {
    fn price(&self) -> Option<Price> {
        Some(Price {
            currency: self.currency.clone(),
            input: parse_amount(&self.input)?,
            cached_input: parse_amount(&self.cached_input)?,
            output: parse_amount(&self.output)?,
            as_of: self.as_of.clone(),
            source: self.source.clone(),
        })
    }
}

/// A table that can't be read would be a fault of the build: the tests prove that it reads.
static LIST: LazyLock<Vec<PriceRow>> = LazyLock::new(|| {
    let read: Result<PriceFile, _> = serde_json::from_str(include_str!("../../data/prices.json"));
    read.map(|file| file.prices).unwrap_or_else(|error| {
        tracing::error!(%error, "the embedded table of prices can't be read");
        Vec::new()
    })
});

/// The price of a model on a host: what the operator states for one of `names`, else the list's for one of `models`, the
/// host's own words for the model.
pub(crate) fn price_on_host(
    stated: &[StatedPrice],
    names: &[&str],
    identity: &ModelIdentity,
    models: &[&str],
) -> Priced {
    if let Some(price) = stated_price(stated, names) {
        return Priced::Known(price);
    }
    let row = LIST.iter().find(|row| {
        let of_host = row.hosts.contains(&identity.provider);
        of_host && models.iter().any(|model| same_model(&row.model, model))
    });
    match row.and_then(PriceRow::price) {
        Some(price) => Priced::Known(price),
        None => Priced::Unknown(format!(
            "no price is known for {} on {}: state it in boxwood.toml under [models.prices.\"{}\"]",
            identity.name,
            identity.provider,
            names.first().copied().unwrap_or(&identity.name)
        )),
    }
}

/// The price of a model of this machine: only what the operator states.
pub(crate) fn price_of_local(stated: &[StatedPrice], name: &str) -> Priced {
    stated_price(stated, &[name]).map_or(Priced::Local, Priced::Known)
}

fn stated_price(stated: &[StatedPrice], names: &[&str]) -> Option<Price> {
    let row = stated
        .iter()
        .find(|row| names.iter().any(|name| row.name.eq_ignore_ascii_case(name)));
    row.map(|row| row.price.clone())
}

/// A dated name (`o4-mini-2025-04-16`) is the model of the list.
fn same_model(listed: &str, model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let rest = model
        .strip_prefix(listed)
        .map(|rest| rest.trim_start_matches('-'));
    rest.is_some_and(|rest| {
        rest.is_empty()
            || (rest.len() == 10 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u32, cached: u32, output: u32) -> Usage {
        Usage {
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            ..Usage::default()
        }
    }

    #[test]
    fn the_embedded_list_reads_and_every_row_says_since_when_and_from_where() {
        assert_eq!(LIST.len(), 5);
        for row in LIST.iter() {
            let price = row.price().unwrap();
            assert!(
                price.input > price.cached_input && price.output > price.input,
                "{}",
                row.model
            );
            assert!(
                price.as_of.len() == 10 && !price.source.is_empty(),
                "{}",
                row.model
            );
        }
    }

    #[test]
    fn costs_are_exact() {
        let row = LIST.iter().find(|row| row.model == "o4-mini").unwrap();
        let price = row.price().unwrap();
        for (usage, expected) in [
            (usage(1_000_000, 0, 0), "1.100000000"),
            (usage(1_000_000, 1_000_000, 0), "0.275000000"),
            (usage(0, 0, 1_000_000), "4.400000000"),
            (usage(1_000, 200, 10), "0.000979000"),
            (usage(0, 0, 0), "0.000000000"),
            // A host that tells more cached tokens than input does not lower the cost below the cache's.
            (usage(10, 20, 0), "0.000002750"),
        ] {
            assert_eq!(price.cost(&usage).decimal(), expected, "{usage:?}");
        }
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("1.10", Some(1_100_000_000)),
            ("0.275", Some(275_000_000)),
            ("12", Some(12 * NANOS)),
            ("0.000000001", Some(1)),
            ("0.0000000001", None),
            ("-1", None),
            ("1,10", None),
            ("", None),
            ("1e3", None),
        ] {
            assert_eq!(parse_amount(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_very_model_has_the_lists_price() {
        for (model, expected) in [
            ("o4-mini", true),
            ("o4-mini-2025-04-16", true),
            ("o4-mini-high", false),
            ("o4", false),
            ("gpt-5-mini", false),
        ] {
            assert_eq!(same_model("o4-mini", model), expected, "{model}");
        }
    }
}
