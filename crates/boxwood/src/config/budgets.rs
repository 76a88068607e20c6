//! `[budgets.NAME]` of `boxwood.toml`: as written → as valid.
//!
//! Invariant: a budget counts tokens or money, never both, and says for how long. Called by [`super::raw`].

use boxwood_core::Money;
use boxwood_models::meter::{Budget, Limit, Period, Whose, parse_amount};
use serde::Deserialize;

/// A budget as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBudget {
    user: Option<String>,
    key: Option<String>,
    model: Option<String>,
    period: Option<String>,
    tokens: Option<u64>,
    money: Option<toml::Value>,
    currency: Option<String>,
}

impl RawBudget {
    /// Checks it; mistakes are named by their path.
    pub fn validate(self, name: &str, mistakes: &mut Vec<String>) -> Option<Budget> {
        let path = format!("budgets.{name}");
        let period = match self.period.as_deref() {
            None => Some(Period::Month),
            Some(word) => Period::TABLE
                .iter()
                .find(|(known, _)| *known == word)
                .map(|(_, period)| *period),
        };
        if period.is_none() {
            mistakes.push(format!("{path}.period: must be \"day\" or \"month\""));
        }
        let currency = self.currency.unwrap_or_else(|| "USD".to_owned());
        let limit = match (self.tokens, &self.money) {
            (Some(tokens), None) => Some(Limit::Tokens(tokens)),
            (None, Some(money)) => {
                let nanos = amount(money);
                if nanos.is_none() {
                    mistakes.push(format!("{path}.money: must be an amount like 20.00"));
                }
                nanos.map(|nanos| Limit::Money(Money { currency, nanos }))
            }
            _ => {
                mistakes.push(format!("{path}: needs `tokens` or `money`, one of the two"));
                None
            }
        };
        let model = match whose(self.model) {
            Whose::Only(name) => {
                let card = boxwood_models::find_card(&name);
                Whose::Only(card.map_or(name, |card| card.api_name.clone()))
            }
            other => other,
        };
        Some(Budget {
            name: name.to_owned(),
            user: whose(self.user),
            key: whose(self.key),
            model,
            period: period?,
            limit: limit?,
        })
    }
}

fn whose(written: Option<String>) -> Whose {
    match written.as_deref() {
        None => Whose::Everyone,
        Some("*") => Whose::Each,
        Some(one) => Whose::Only(one.to_owned()),
    }
}

fn amount(value: &toml::Value) -> Option<u64> {
    match value {
        toml::Value::String(text) => parse_amount(text),
        toml::Value::Integer(whole) => parse_amount(&whole.to_string()),
        toml::Value::Float(number) => parse_amount(&number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    #[test]
    fn budgets_are_read_and_every_mistake_is_named() {
        let text = "[budgets.all]\nmoney = 20.5\n[budgets.each]\nuser = \"*\"\nperiod = \"day\"\ntokens = 1000\n\
                    [budgets.card]\nmodel = \"azure__openai__gpt_o4_mini\"\ntokens = 5\n";
        let config = Config::from_text(text, &Overrides::default()).unwrap();
        let find = |name: &str| config.budgets.iter().find(|budget| budget.name == name).unwrap();
        let Limit::Money(money) = &find("all").limit else {
            panic!("{:?}", find("all"))
        };
        assert_eq!(
            (money.decimal().as_str(), money.currency.as_str()),
            ("20.500000000", "USD")
        );
        assert_eq!(
            (find("each").period, &find("each").user),
            (Period::Day, &Whose::Each)
        );
        assert_eq!(
            find("card").model,
            Whose::Only("azure__openai__gpt_o4_mini".into())
        );
        let wrong = "[budgets.a]\ntokens = 1\nmoney = 2\n[budgets.b]\nperiod = \"year\"\nmoney = \"much\"\n";
        let error = Config::from_text(wrong, &Overrides::default())
            .unwrap_err()
            .to_string();
        for path in ["budgets.a:", "budgets.b.period", "budgets.b.money"] {
            assert!(error.contains(path), "{path} is missing in {error}");
        }
    }
}
