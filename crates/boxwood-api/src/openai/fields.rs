//! Reads one object strictly, and refuses in OpenAI's words with the path of what is wrong.
//!
//! Invariant: `null` counts as absent, as it does there; [`Fields::close`] refuses every member that nobody asked for,
//! so a reader that forgets to call it takes unknown parameters.

use super::error::OpenAiError;
use serde_json::{Map, Value};

/// Which operation reads, since they word an unknown parameter differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Chat completions and embeddings: `Unrecognized request argument supplied`.
    Chat,
    /// Responses: `Unknown parameter`, with code and path.
    Responses,
}

/// One object of a request.
#[derive(Debug)]
pub struct Fields<'a> {
    path: String,
    members: &'a Map<String, Value>,
    known: Vec<&'static str>,
    endpoint: Endpoint,
}

impl<'a> Fields<'a> {
    /// Over a value at a path (empty for the body).
    ///
    /// # Errors
    /// When it is no object.
    pub fn of(value: &'a Value, path: &str, endpoint: Endpoint) -> Result<Self, OpenAiError> {
        match value {
            Value::Object(members) => Ok(Self {
                path: path.to_owned(),
                members,
                known: Vec::new(),
                endpoint,
            }),
            other => Err(wrong_type(path, "an object", other)),
        }
    }

    /// The path of a member.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The raw value.
    pub fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// The raw value of what must be there.
    ///
    /// # Errors
    /// When it is missing.
    pub fn required(&mut self, name: &'static str) -> Result<&'a Value, OpenAiError> {
        self.get(name).ok_or_else(|| {
            let path = self.path_of(name);
            let message = format!("Missing required parameter: '{path}'.");
            OpenAiError::invalid(path, Some("missing_required_parameter"), message)
        })
    }

    /// Text.
    ///
    /// # Errors
    /// Another type.
    pub fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, OpenAiError> {
        let path = self.path_of(name);
        self.get(name).map(|value| text_of(value, &path)).transpose()
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// Missing, another type.
    pub fn required_text(&mut self, name: &'static str) -> Result<&'a str, OpenAiError> {
        let value = self.required(name)?;
        text_of(value, &self.path_of(name))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Another type.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, OpenAiError> {
        let path = self.path_of(name);
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let flag = value
            .as_bool()
            .ok_or_else(|| wrong_type(&path, "a boolean", value))?;
        Ok(Some(flag))
    }

    /// A number within bounds, both included.
    ///
    /// # Errors
    /// Another type, out of bounds.
    pub fn number(&mut self, name: &'static str, least: f64, most: f64) -> Result<Option<f32>, OpenAiError> {
        let path = self.path_of(name);
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value
            .as_f64()
            .ok_or_else(|| wrong_type(&path, "a decimal", value))?;
        within(&path, "decimal", value, &number, &least, &most)?;
        #[expect(clippy::cast_possible_truncation, reason = "sampling has single precision")]
        Ok(Some(number as f32))
    }

    /// A whole number within bounds, both included.
    ///
    /// # Errors
    /// Another type, out of bounds.
    pub fn whole(&mut self, name: &'static str, least: i64, most: i64) -> Result<Option<i64>, OpenAiError> {
        let path = self.path_of(name);
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value
            .as_i64()
            .ok_or_else(|| wrong_type(&path, "an integer", value))?;
        within(&path, "integer", value, &number, &least, &most)?;
        Ok(Some(number))
    }

    /// A whole number of tokens, at least `least`.
    ///
    /// # Errors
    /// As [`Fields::whole`].
    pub fn tokens(&mut self, name: &'static str, least: i64) -> Result<Option<u32>, OpenAiError> {
        let number = self.whole(name, least, i64::from(u32::MAX))?;
        Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// An array.
    ///
    /// # Errors
    /// Another type.
    pub fn array(&mut self, name: &'static str) -> Result<Option<&'a [Value]>, OpenAiError> {
        let path = self.path_of(name);
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(entries)) => Ok(Some(entries)),
            Some(other) => Err(wrong_type(&path, "an array", other)),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// Another type.
    pub fn child(&mut self, name: &'static str) -> Result<Option<Fields<'a>>, OpenAiError> {
        let (path, endpoint) = (self.path_of(name), self.endpoint);
        self.get(name)
            .map(|value| Fields::of(value, &path, endpoint))
            .transpose()
    }

    /// One of a set of words.
    ///
    /// # Errors
    /// Another type, another word.
    pub fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, OpenAiError> {
        let path = self.path_of(name);
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        one_of(text, words, &path).map(Some)
    }

    /// Notes members as known whose values are not read.
    pub fn pass_over(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A member that was never asked for.
    pub fn close(self) -> Result<(), OpenAiError> {
        let unknown = self
            .members
            .keys()
            .find(|name| !self.known.contains(&name.as_str()));
        match unknown {
            None => Ok(()),
            Some(name) => {
                let shown: String = name.chars().take(80).collect();
                Err(unknown_parameter(&self.path_of(&shown), self.endpoint))
            }
        }
    }
}

/// A parameter that nobody knows.
pub fn unknown_parameter(path: &str, endpoint: Endpoint) -> OpenAiError {
    match endpoint {
        Endpoint::Chat => OpenAiError {
            param: None,
            ..OpenAiError::invalid(
                "",
                None,
                format!("Unrecognized request argument supplied: {path}"),
            )
        },
        Endpoint::Responses => OpenAiError::invalid(
            path,
            Some("unknown_parameter"),
            format!("Unknown parameter: '{path}'."),
        ),
    }
}

/// Text at a path.
///
/// # Errors
/// Another type.
pub fn text_of<'a>(value: &'a Value, path: &str) -> Result<&'a str, OpenAiError> {
    value.as_str().ok_or_else(|| wrong_type(path, "a string", value))
}

/// One of a set of words.
///
/// # Errors
/// Another word.
pub fn one_of<T: Copy>(text: &str, words: &[(&'static str, T)], path: &str) -> Result<T, OpenAiError> {
    let found = words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value);
    found.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        OpenAiError::invalid_value(path, text, &words)
    })
}

/// A value of another type than the one that is wanted.
pub fn wrong_type(path: &str, wanted: &str, given: &Value) -> OpenAiError {
    let message = format!(
        "Invalid type for '{path}': expected {wanted}, but got {} instead.",
        kind_of(given)
    );
    OpenAiError::invalid(path, Some("invalid_type"), message)
}

/// Refuses a number that is out of its bounds, both of which are allowed.
fn within<N: PartialOrd + ToString>(
    path: &str,
    kind: &str,
    value: &Value,
    number: &N,
    least: &N,
    most: &N,
) -> Result<(), OpenAiError> {
    let refused = |problem, sign, bound: &N| {
        Err(out_of_bounds(
            path,
            kind,
            problem,
            sign,
            &bound.to_string(),
            value,
        ))
    };
    if number < least {
        return refused("below minimum", ">=", least);
    }
    if number > most {
        return refused("above maximum", "<=", most);
    }
    Ok(())
}

fn out_of_bounds(path: &str, kind: &str, how: &str, sign: &str, bound: &str, given: &Value) -> OpenAiError {
    let code = match (kind, sign) {
        ("decimal", ">=") => "decimal_below_min_value",
        ("decimal", _) => "decimal_above_max_value",
        (_, ">=") => "integer_below_min_value",
        _ => "integer_above_max_value",
    };
    let message = format!(
        "Invalid '{path}': {kind} {how} value. Expected a value {sign} {bound}, but got {given} instead."
    );
    OpenAiError::invalid(path, Some(code), message)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_wrong_thing_is_named_by_its_path() {
        let body = json!({"text": 5, "flag": "yes", "number": 3.5, "whole": 0, "extra": 1});
        let mut fields = Fields::of(&body, "a", Endpoint::Responses).unwrap();
        let check = |error: OpenAiError, param: &str, code: &str| {
            assert_eq!(
                (error.param.as_deref(), error.code),
                (Some(param), Some(code)),
                "{error:?}"
            );
        };
        check(fields.text("text").unwrap_err(), "a.text", "invalid_type");
        check(fields.flag("flag").unwrap_err(), "a.flag", "invalid_type");
        check(
            fields.number("number", 0.0, 2.0).unwrap_err(),
            "a.number",
            "decimal_above_max_value",
        );
        check(
            fields.whole("whole", 1, 9).unwrap_err(),
            "a.whole",
            "integer_below_min_value",
        );
        check(
            fields.required("gone").unwrap_err(),
            "a.gone",
            "missing_required_parameter",
        );
        check(fields.close().unwrap_err(), "a.extra", "unknown_parameter");
    }

    #[test]
    fn chat_words_an_unknown_parameter_in_its_own_way() {
        let body = json!({"foo": 1});
        let error = Fields::of(&body, "", Endpoint::Chat)
            .unwrap()
            .close()
            .unwrap_err();
        assert_eq!(error.message, "Unrecognized request argument supplied: foo");
        assert_eq!((error.param, error.code), (None, None));
    }
}
