//! What the contract of a name refuses before anything else is read: the o-series' rules as Azure enforces them.
//!
//! Invariant: the contract belongs to the *name*. A card of a reasoning model refuses `temperature` also when a local
//! model serves it, so that a program that runs here runs there. Made by the server from the card's family.

use super::error::OpenAiError;
use super::fields::{Endpoint, one_of};
use boxwood_core::Effort;
use serde_json::{Map, Value};

/// The efforts that some model of OpenAI's takes, so that the word itself is no mistake.
const KNOWN_EFFORTS: [(&str, ()); 6] = [
    ("none", ()),
    ("minimal", ()),
    ("low", ()),
    ("medium", ()),
    ("high", ()),
    ("xhigh", ()),
];

/// What a name's contract is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contract {
    /// A reasoning model: sampling is not the caller's to choose.
    pub reasoning: bool,
    /// One of OpenAI's own models: their limits on schemas hold.
    pub openai: bool,
    /// Whether the name takes `reasoning_effort`.
    pub effort: bool,
}

/// Refused outright with a reasoning model, by chat completions.
const CHAT_REFUSED: [&str; 9] = [
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stop",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "max_tokens",
];

/// Refused outright with a reasoning model, by Responses.
const RESPONSES_REFUSED: [&str; 3] = ["temperature", "top_p", "top_logprobs"];

impl Contract {
    /// Checks the members of a body.
    ///
    /// # Errors
    /// The first parameter, in the contract's order, that the model does not take.
    pub fn check(&self, body: &Map<String, Value>, endpoint: Endpoint) -> Result<(), OpenAiError> {
        if !self.reasoning {
            return Ok(());
        }
        match endpoint {
            Endpoint::Chat => {
                if let Some(temperature) =
                    given(body, "temperature").filter(|value| value.as_f64() != Some(1.0))
                {
                    return Err(OpenAiError::unsupported_value(
                        "temperature",
                        &temperature.to_string(),
                        "Only the default (1) value is supported.",
                    ));
                }
                refuse_all(body, &CHAT_REFUSED, |name| {
                    OpenAiError::unsupported_parameter(name)
                })
            }
            Endpoint::Responses => refuse_all(body, &RESPONSES_REFUSED, |name| OpenAiError {
                // Here the code is left out.
                code: None,
                ..OpenAiError::unsupported_parameter(name)
            }),
        }
    }

    /// Reads an effort.
    ///
    /// # Errors
    /// A word that is none, one that this name does not take, an effort where the name takes none.
    pub fn effort(&self, text: &str, param: &str) -> Result<Effort, OpenAiError> {
        one_of(text, &KNOWN_EFFORTS, param)?;
        if !self.effort {
            return Err(OpenAiError::unsupported_parameter(param));
        }
        match text {
            "low" => Ok(Effort::Low),
            "medium" => Ok(Effort::Medium),
            "high" => Ok(Effort::High),
            other => Err(OpenAiError::unsupported_value(
                param,
                &format!("'{other}'"),
                "Supported values are: 'low', 'medium', and 'high'.",
            )),
        }
    }
}

/// A value that says something: `logprobs: false` asks for nothing that is not so anyway.
fn given<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let says_nothing =
        |value: &Value| value.is_null() || (name == "logprobs" && *value == Value::Bool(false));
    body.get(name).filter(|value| !says_nothing(value))
}

fn refuse_all(
    body: &Map<String, Value>,
    names: &[&'static str],
    error: impl Fn(&str) -> OpenAiError,
) -> Result<(), OpenAiError> {
    match names.iter().find(|name| given(body, name).is_some()) {
        Some(name) => Err(error(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Dialect;
    use super::*;
    use serde_json::json;

    const O_SERIES: Contract = Contract {
        reasoning: true,
        openai: true,
        effort: true,
    };

    #[track_caller]
    fn check(endpoint: Endpoint, body: Value, expected: Option<Value>) {
        let refused = O_SERIES.check(body.as_object().unwrap(), endpoint).err();
        let shown = refused.map(|error| error.body(Dialect::Azure)["error"].clone());
        assert_eq!(shown, expected, "{body}");
    }

    /// The bodies that Azure sends, letter by letter.
    #[test]
    fn azure_s_own_bodies() {
        let error = |message: &str, param: &str, code: Value| {
            Some(json!({"message": message, "type": "invalid_request_error", "param": param, "code": code}))
        };
        check(
            Endpoint::Chat,
            json!({"temperature": 0.1}),
            error(
                "Unsupported value: 'temperature' does not support 0.1 with this model. Only the default (1) value is supported.",
                "temperature",
                json!("unsupported_value"),
            ),
        );
        for name in ["top_p", "stop", "parallel_tool_calls", "logit_bias"] {
            let message = format!("Unsupported parameter: '{name}' is not supported with this model.");
            check(
                Endpoint::Chat,
                json!({name: 1}),
                error(&message, name, json!("unsupported_parameter")),
            );
        }
        check(
            Endpoint::Chat,
            json!({"max_tokens": 5}),
            error(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                "max_tokens",
                json!("unsupported_parameter"),
            ),
        );
        check(
            Endpoint::Responses,
            json!({"temperature": 1}),
            error(
                "Unsupported parameter: 'temperature' is not supported with this model.",
                "temperature",
                Value::Null,
            ),
        );
    }

    #[test]
    fn what_says_nothing_is_taken() {
        check(
            Endpoint::Chat,
            json!({"temperature": 1, "top_p": null, "logprobs": false, "seed": 3, "n": 2}),
            None,
        );
        let free = Contract::default();
        assert!(
            free.check(json!({"temperature": 0.1}).as_object().unwrap(), Endpoint::Chat)
                .is_ok()
        );
    }

    #[test]
    fn efforts_are_those_of_the_model() {
        assert_eq!(O_SERIES.effort("low", "reasoning_effort"), Ok(Effort::Low));
        let code = |text: &str| O_SERIES.effort(text, "reasoning_effort").unwrap_err().code;
        assert_eq!(code("turbo"), Some("invalid_value"));
        assert_eq!(code("minimal"), Some("unsupported_value"));
        assert_eq!(
            Contract::default()
                .effort("low", "reasoning_effort")
                .unwrap_err()
                .code,
            Some("unsupported_parameter")
        );
    }
}
