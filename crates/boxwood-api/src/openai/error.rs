//! OpenAI's error object, and Azure's where it differs.
//!
//! The words are those of the hosts (`azure-wire-samples.json` of the facts), because clients match on them. Invariant:
//! a status other than 4xx/5xx never carries one. Rendered by `boxwood-server/src/compat/failure.rs`.

use serde_json::{Value, json};
use std::time::Duration;

/// Whose shapes an address speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/v1`.
    OpenAi,
    /// `/openai/v1` and `/openai/deployments`: filter results in answers, and errors without a type where Azure has none.
    Azure,
}

/// A refusal or failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAiError {
    /// The HTTP status.
    pub status: u16,
    /// Words.
    pub message: String,
    /// `type`: `"invalid_request_error"`.
    pub kind: &'static str,
    /// Which parameter is wrong: `"messages[0].content"`.
    pub param: Option<String>,
    /// What is wrong: `"unsupported_parameter"`.
    pub code: Option<&'static str>,
    /// The code and nothing but the message beside it, where Azure's gateway and not its model speaks.
    pub azure_code: Option<&'static str>,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl OpenAiError {
    /// 400 about a parameter.
    pub fn invalid(param: impl Into<String>, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            kind: "invalid_request_error",
            param: Some(param.into()),
            code,
            azure_code: None,
            retry_after: None,
        }
    }

    /// A failure that is about no parameter.
    pub fn failure(
        status: u16,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            param: None,
            ..Self::invalid("", code, message)
        }
    }

    /// A parameter that the model's contract does not have.
    pub fn unsupported_parameter(param: &str) -> Self {
        let message = match param {
            "max_tokens" => {
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
                    .to_owned()
            }
            _ => format!("Unsupported parameter: '{param}' is not supported with this model."),
        };
        Self::invalid(param, Some("unsupported_parameter"), message)
    }

    /// A value that the model's contract does not have; `rest` is a sentence: `Supported values are: …`.
    pub fn unsupported_value(param: &str, value: &str, rest: &str) -> Self {
        let message =
            format!("Unsupported value: '{param}' does not support {value} with this model. {rest}");
        Self::invalid(param, Some("unsupported_value"), message)
    }

    /// A word that is not among those of a parameter.
    pub fn invalid_value(param: impl Into<String>, value: &str, words: &[&str]) -> Self {
        let given: String = value.chars().take(80).collect();
        let message = format!(
            "Invalid value: '{given}'. Supported values are: {}.",
            listed(words)
        );
        Self::invalid(param, Some("invalid_value"), message)
    }

    /// Something that Boxwood does not serve; `message` says what to do instead.
    pub fn not_served(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(param, Some("unsupported_parameter"), message)
    }

    /// 404 for a name that is no model. `near` continues the message: ` Did you mean …?`.
    pub fn no_model(name: &str, near: &str) -> Self {
        let shown: String = name.chars().take(80).collect();
        Self {
            status: 404,
            azure_code: Some("DeploymentNotFound"),
            ..Self::invalid(
                "model",
                Some("model_not_found"),
                format!("The model `{shown}` does not exist or you do not have access to it.{near}"),
            )
        }
    }

    /// The body in a dialect.
    pub fn body(&self, dialect: Dialect) -> Value {
        if let (Dialect::Azure, Some(code)) = (dialect, self.azure_code) {
            return json!({"error": {"code": code, "message": self.message}});
        }
        json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }
}

/// `'a', 'b', and 'c'`
pub fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} and {second}"),
        [head @ .., last] => format!("{}, and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_listed_as_openai_lists_them() {
        for (words, expected) in [
            (&["a"][..], "'a'"),
            (&["a", "b"], "'a' and 'b'"),
            (&["a", "b", "c"], "'a', 'b', and 'c'"),
        ] {
            assert_eq!(listed(words), expected);
        }
    }

    #[test]
    fn azure_speaks_without_a_type_where_its_gateway_speaks() {
        let error = OpenAiError::no_model("x", "");
        assert_eq!(error.body(Dialect::Azure)["error"]["code"], "DeploymentNotFound");
        assert_eq!(error.body(Dialect::Azure)["error"].get("type"), None);
        assert_eq!(error.body(Dialect::OpenAi)["error"]["code"], "model_not_found");
        assert_eq!(
            error.body(Dialect::OpenAi)["error"]["type"],
            "invalid_request_error"
        );
    }
}
