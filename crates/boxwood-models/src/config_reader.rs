//! Reads a configuration table and gathers **every** mistake with its TOML path, instead of stopping at the first.
//!
//! Invariant: a value is never printed, only its kind, so that a secret in the wrong place stays out of messages.
//! Used by `settings.rs` only.

use serde_json::{Map, Value};

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SettingError {
    /// Path in `boxwood.toml`: `models.bindings."azure__openai__gpt_o4_mini".base_url`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A table being read; what is left at the end is unknown.
pub(crate) struct TableReader<'a> {
    path: String,
    left: Map<String, Value>,
    seen: Vec<&'static str>,
    errors: &'a mut Vec<SettingError>,
}

impl<'a> TableReader<'a> {
    pub(crate) fn new(path: String, table: Map<String, Value>, errors: &'a mut Vec<SettingError>) -> Self {
        Self {
            path,
            left: table,
            seen: Vec::new(),
            errors,
        }
    }

    pub(crate) fn error(&mut self, key: &str, message: impl Into<String>) {
        let path = if key.is_empty() {
            self.path.clone()
        } else {
            format!("{}.{key}", self.path)
        };
        self.errors.push(SettingError {
            path,
            message: message.into(),
        });
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.seen.push(key);
        self.left.remove(key)
    }

    /// A string that is not empty.
    pub(crate) fn string(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::String(_) => {
                self.error(key, "is empty: give a value or leave the line out");
                None
            }
            other => self.wrong_kind(key, "a text in quotes", &other),
        }
    }

    /// A whole number in the range.
    pub(crate) fn number(&mut self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(key)?;
        match value.as_u64() {
            Some(number) if range.contains(&number) => Some(number),
            Some(number) => {
                let (low, high) = (range.start(), range.end());
                self.error(key, format!("is {number}, but must be between {low} and {high}"));
                None
            }
            None => self.wrong_kind(key, "a whole number that is not negative", &value),
        }
    }

    /// A decimal amount, as a number or as a text; what it says is checked by the caller.
    pub(crate) fn amount(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            other => self.wrong_kind(key, "an amount like 1.10", &other),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(flag) => Some(flag),
            other => self.wrong_kind(key, "true or false", &other),
        }
    }

    /// A list of strings.
    pub(crate) fn strings(&mut self, key: &'static str) -> Vec<String> {
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let texts: Vec<String> = items
                    .iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect();
                if texts.len() < items.len() {
                    self.error(key, "must be a list of texts in quotes");
                }
                texts
            }
            Some(other) => self
                .wrong_kind(key, "a list of texts in quotes", &other)
                .unwrap_or_default(),
        }
    }

    /// One of the names of a table; the error lists all of them.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.string(key)?;
        let found = choices
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.error(
                key,
                format!(
                    "is \"{}\", but must be one of {}",
                    clipped(&text),
                    names.join(", ")
                ),
            );
        }
        found
    }

    /// Sub-tables by name.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<(String, Map<String, Value>)> {
        let entries = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Object(entries)) => entries,
            Some(other) => return self.wrong_kind(key, "a table", &other).unwrap_or_default(),
        };
        let mut tables = Vec::new();
        for (name, value) in entries {
            match value {
                Value::Object(table) => tables.push((name, table)),
                other => {
                    let path = format!("{key}.\"{name}\"");
                    self.error(&path, format!("must be a table, but is {}", kind(&other)));
                }
            }
        }
        tables
    }

    /// Whether the key was written at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// Whether a mistake was found in a key of this table that begins like this.
    pub(crate) fn has_error(&self, key_begin: &str) -> bool {
        let begin = format!("{}.{key_begin}", self.path);
        self.errors.iter().any(|error| error.path.starts_with(&begin))
    }

    /// The list of mistakes, for a reader of a sub-table.
    pub(crate) fn errors(&mut self) -> &mut Vec<SettingError> {
        self.errors
    }

    /// Every key that nobody read is a mistake.
    pub(crate) fn finish(mut self) {
        let unknown: Vec<String> = self.left.keys().cloned().collect();
        for key in unknown {
            let near = crate::cards::nearest_of(&key, self.seen.iter().copied());
            let hint = near
                .first()
                .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            self.error(&clipped(&key), format!("is not a setting{hint}"));
        }
    }

    fn wrong_kind<T>(&mut self, key: &str, wanted: &str, value: &Value) -> Option<T> {
        self.error(key, format!("must be {wanted}, but is {}", kind(value)));
        None
    }
}

/// At most 80 characters of what the user wrote, for a message.
pub(crate) fn clipped(text: &str) -> String {
    text.chars().take(80).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
