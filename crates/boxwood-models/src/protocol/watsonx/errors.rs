//! What watsonx's errors mean: `{"errors": [{"code", "message"}], "trace", "status_code"}`, and the token service's own.
//!
//! Invariant: IBM's own words are kept, and what mends it stands beside them.

use crate::protocol::errors::{HostError, Meaning, clipped, host_error_in_stream};
use boxwood_core::ModelError;
use serde_json::Value;

/// A refusal.
pub(crate) fn read_error(body: &str) -> HostError {
    let Ok(parsed) = serde_json::from_str::<Value>(body) else {
        return HostError {
            message: clipped(body),
            ..HostError::default()
        };
    };
    let first = parsed["errors"].get(0).unwrap_or(&parsed);
    let text = |keys: [&str; 3]| keys.iter().find_map(|key| first[*key].as_str());
    // The token service says `errorCode` and `errorMessage`.
    let code = text(["code", "errorCode", "error"]).unwrap_or_default();
    let words = text(["message", "errorMessage", "error_description"]).unwrap_or_default();
    let lower = words.to_ascii_lowercase();
    let (meaning, mend) = verdict(code, &lower);
    HostError {
        code: Some(code.to_owned()).filter(|code| !code.is_empty()),
        message: clipped(words),
        meaning,
        mend,
        ..HostError::default()
    }
}

/// An error in the middle of a stream.
pub(super) fn in_stream(model: &str, body: &str) -> ModelError {
    let mut error = read_error(body);
    // A stream that breaks has no status by which a failure could be told from a refusal.
    error.meaning = error.meaning.or(Some(Meaning::Failed));
    host_error_in_stream(model, &error)
}

const BAD_KEY: &str = "IBM does not accept the API key: check `api_key_env` of the binding";
const NO_MODEL: &str = "watsonx has no such model (any more) in this region: check `model` and `region` of the binding, or \
                        set a `successor`";
const NO_PROJECT: &str = "check `project_id` or `space_id` of the binding: the project needs a watsonx.ai Runtime service \
                          in the same region, and the key's owner must be a member";
const NO_QUOTA: &str =
    "the account's tokens for this month are used up: raise the plan of the watsonx.ai Runtime service";
const NO_DEPLOYMENT: &str = "check `deployment` and `region` of the binding";
const NO_SCHEMA: &str =
    "the model does not take this: try `json_schema = \"none\"`, or `tools = false`, in the binding";

fn verdict(code: &str, words: &str) -> (Option<Meaning>, Option<&'static str>) {
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    match code {
        "model_not_supported" | "model_no_support_for_function" => {
            (Some(Meaning::UnknownModel), Some(NO_MODEL))
        }
        "deployment_not_found" => (Some(Meaning::UnknownModel), Some(NO_DEPLOYMENT)),
        "rate_limit_reached_requests" | "rate_limit_reached" | "downstream_request_throttled" => {
            (Some(Meaning::RateLimited), None)
        }
        "token_quota_reached" => (Some(Meaning::NotAllowed), Some(NO_QUOTA)),
        "no_associated_service_instance_error"
        | "container_not_found"
        | "invalid_project_id"
        | "user_authorization_failed" => (Some(Meaning::NotAllowed), Some(NO_PROJECT)),
        code if code.starts_with("BXNIM") => (Some(Meaning::NotAllowed), Some(BAD_KEY)),
        "authentication_token_not_valid" | "authentication_token_expired" | "authorization_rejected" => {
            (Some(Meaning::NotAllowed), Some(BAD_KEY))
        }
        "model_deprecated" | "model_withdrawn" => (Some(Meaning::Retired), None),
        _ if has(&["was not found. this model may be unsupported, deprecated"]) => {
            (Some(Meaning::UnknownModel), Some(NO_MODEL))
        }
        _ if has(&[
            "token sequence length",
            "maximum context length",
            "exceed the total tokens limit",
        ]) =>
        {
            (Some(Meaning::TooLong), None)
        }
        _ if has(&["guided", "response_format", "tool choice"]) => (None, Some(NO_SCHEMA)),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_mean_what_ibm_says() {
        let check = |code: &str, words: &str, meaning: Option<Meaning>, mend: &str| {
            let body = json!({"errors": [{"code": code, "message": words, "more_info": "https://cloud.ibm.com/"}],
                              "trace": "t", "status_code": 400});
            let error = read_error(&body.to_string());
            assert_eq!(error.code.as_deref(), Some(code));
            assert_eq!(error.message, words);
            assert_eq!(error.meaning, meaning, "{code}");
            assert!(
                error.mend.unwrap_or_default().contains(mend),
                "{code}: {:?}",
                error.mend
            );
        };
        check(
            "model_not_supported",
            "Model 'openai/gpt-oss-120b' was not found. This model may be unsupported, deprecated, or removed.",
            Some(Meaning::UnknownModel),
            "region",
        );
        check("token_quota_reached", "…", Some(Meaning::NotAllowed), "month");
        check("rate_limit_reached_requests", "…", Some(Meaning::RateLimited), "");
        check(
            "no_associated_service_instance_error",
            "…",
            Some(Meaning::NotAllowed),
            "project_id",
        );
        check(
            "invalid_input_argument",
            "Invalid input argument for Model 'ibm/slate-125m-english-rtrvr': Token sequence length is longer than the \
             specified maximum sequence length for this model (1336 > 512).",
            Some(Meaning::TooLong),
            "",
        );
        check(
            "invalid_input_argument",
            "\"auto\" tool choice requires --enable-auto-tool-choice",
            None,
            "tools = false",
        );
        check("invalid_input_argument", "Something else.", None, "");
    }

    #[test]
    fn the_token_service_is_understood() {
        let body = json!({"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."});
        let error = read_error(&body.to_string());
        assert_eq!(error.meaning, Some(Meaning::NotAllowed));
        assert_eq!(error.message, "Provided API key could not be found.");
        assert_eq!(read_error("<html>").message, "<html>");
    }
}
