//! Reads a JSON body and names every field that is wrong, not only the first.
//!
//! Invariant: a reader never stops at an error; it notes it with the field's path and goes on with what it can, so the
//! caller must look at [`Reader::finish`] before it uses anything. Unknown fields are noted as *warnings*: newer clients
//! may send fields that Boxwood does not know, and a misspelled field must still be visible to whoever sent it.

use crate::error::{FieldError, Reason};
use serde_json::{Map, Value};
use std::fmt::Display;

/// Collects what is wrong with a body.
#[derive(Debug, Default)]
pub struct Findings {
    /// Refusals.
    pub errors: Vec<FieldError>,
    /// Fields that were ignored, in words.
    pub warnings: Vec<String>,
}

impl Findings {
    /// Notes a refusal.
    pub fn refuse(&mut self, reason: Reason, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(FieldError::new(reason, path, message));
    }

    /// The value if nothing was refused.
    ///
    /// # Errors
    /// Everything that was refused.
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<String>), Vec<FieldError>> {
        match value {
            Some(value) if self.errors.is_empty() => Ok((value, self.warnings)),
            _ => Err(self.errors),
        }
    }
}

/// Reads a whole body: the value and what was ignored, in words.
///
/// # Errors
/// Everything that was refused.
pub fn read_body<T>(
    body: &Value,
    read: impl FnOnce(&Value, &mut Findings) -> Option<T>,
) -> Result<(T, Vec<String>), Vec<FieldError>> {
    let mut findings = Findings::default();
    let value = read(body, &mut findings);
    findings.finish(value)
}

/// Reads one object; every method takes the field's name and answers `None` when it is absent, `null` or wrong.
#[derive(Debug)]
pub struct Reader<'a> {
    path: String,
    members: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// A reader over an object at `path` (empty for the body).
    pub fn object(value: &'a Value, path: &str, findings: &mut Findings) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self {
                path: path.to_owned(),
                members,
                known: Vec::new(),
            }),
            other => {
                findings.refuse(
                    Reason::WrongType,
                    path,
                    format!("must be an object, not {}", kind_of(other)),
                );
                None
            }
        }
    }

    /// The path of a field of this object.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The raw value; `null` counts as absent.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// The raw value of a field that must be there.
    pub fn required(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'a Value> {
        let value = self.value(name);
        if value.is_none() {
            findings.refuse(
                Reason::MissingParameter,
                self.path_of(name),
                format!("`{name}` is required"),
            );
        }
        value
    }

    /// Text.
    pub fn text(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'a str> {
        let value = self.value(name)?;
        as_text(value, &self.path_of(name), findings)
    }

    /// Text that must be there.
    pub fn required_text(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'a str> {
        let value = self.required(name, findings)?;
        as_text(value, &self.path_of(name), findings)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str, findings: &mut Findings) -> Option<bool> {
        let value = self.value(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            let message = format!("must be true or false, not {}", kind_of(value));
            findings.refuse(Reason::WrongType, self.path_of(name), message);
        }
        flag
    }

    /// An array.
    pub fn array(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'a [Value]> {
        let value = self.value(name)?;
        as_array(value, &self.path_of(name), findings)
    }

    /// An array that must be there.
    pub fn required_array(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'a [Value]> {
        let value = self.required(name, findings)?;
        as_array(value, &self.path_of(name), findings)
    }

    /// An object.
    pub fn child(&mut self, name: &'static str, findings: &mut Findings) -> Option<Reader<'a>> {
        let value = self.value(name)?;
        Reader::object(value, &self.path_of(name), findings)
    }

    /// A whole number within bounds, both included.
    pub fn whole(
        &mut self,
        name: &'static str,
        least: u64,
        most: u64,
        findings: &mut Findings,
    ) -> Option<u64> {
        let value = self.value(name)?;
        // 8400.0 is a whole number in JSON's eyes and some clients write it so.
        let number = value.as_u64().or_else(|| value.as_f64().and_then(exact_whole));
        match number {
            Some(number) => self.within(name, number, (least, most), findings),
            None if value.is_number() => {
                let message = format!("must be a whole number of at least {least}, not {value}");
                findings.refuse(Reason::OutOfRange, self.path_of(name), message);
                None
            }
            None => {
                let message = format!("must be a whole number, not {}", kind_of(value));
                findings.refuse(Reason::WrongType, self.path_of(name), message);
                None
            }
        }
    }

    /// A number within bounds, both included.
    pub fn number(
        &mut self,
        name: &'static str,
        least: f64,
        most: f64,
        findings: &mut Findings,
    ) -> Option<f64> {
        let value = self.value(name)?;
        match value.as_f64() {
            Some(number) => self.within(name, number, (least, most), findings),
            None => {
                let message = format!("must be a number, not {}", kind_of(value));
                findings.refuse(Reason::WrongType, self.path_of(name), message);
                None
            }
        }
    }

    /// A number that was read, if it is within its bounds.
    fn within<T: Display + PartialOrd + Copy>(
        &self,
        name: &'static str,
        number: T,
        (least, most): (T, T),
        findings: &mut Findings,
    ) -> Option<T> {
        if (least..=most).contains(&number) {
            return Some(number);
        }
        let message = format!("must be between {least} and {most}, not {number}");
        findings.refuse(Reason::OutOfRange, self.path_of(name), message);
        None
    }

    /// Ends the reading: what was never asked for is a warning.
    pub fn close(self, findings: &mut Findings) {
        for name in self
            .members
            .keys()
            .filter(|name| !self.known.contains(&name.as_str()))
        {
            let shown: String = name.chars().take(64).collect();
            findings.warnings.push(format!(
                "the field `{}` is not known and was ignored",
                self.path_of(&shown)
            ));
        }
    }
}

/// One of a fixed set of words.
pub fn one_of<T: Copy>(text: &str, words: &[(&str, T)], path: &str, findings: &mut Findings) -> Option<T> {
    let found = words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let given: String = text.chars().take(64).collect();
        let message = format!("must be {}, not `{given}`", words.join(" or "));
        findings.refuse(Reason::InvalidParameter, path, message);
    }
    found
}

fn as_text<'a>(value: &'a Value, path: &str, findings: &mut Findings) -> Option<&'a str> {
    let text = value.as_str();
    if text.is_none() {
        findings.refuse(
            Reason::WrongType,
            path,
            format!("must be a string, not {}", kind_of(value)),
        );
    }
    text
}

fn as_array<'a>(value: &'a Value, path: &str, findings: &mut Findings) -> Option<&'a [Value]> {
    match value {
        Value::Array(entries) => Some(entries),
        other => {
            findings.refuse(
                Reason::WrongType,
                path,
                format!("must be an array, not {}", kind_of(other)),
            );
            None
        }
    }
}

/// A float that is a whole number, as one.
fn exact_whole(number: f64) -> Option<u64> {
    // 2^53: beyond it a float no longer names one whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked in the same line"
    )]
    (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
