//! What Google's `google.rpc.Status` means: the status, the reason in its details, and the sentences that were seen.
//!
//! Invariant: Google's own words are kept, and what mends it stands beside them.

use crate::protocol::errors::{HostError, Meaning, clipped, host_error_in_stream};
use boxwood_core::ModelError;
use serde_json::Value;
use std::time::Duration;

/// A refusal: an object, or a list of one.
pub(crate) fn read_error(body: &str) -> HostError {
    match serde_json::from_str::<Value>(body) {
        Ok(parsed) => host_error(parsed.get(0).unwrap_or(&parsed)),
        Err(_) => HostError {
            message: clipped(body),
            ..HostError::default()
        },
    }
}

/// An error in the middle of a stream.
pub(super) fn in_stream(model: &str, chunk: &Value) -> ModelError {
    host_error_in_stream(model, &host_error(chunk))
}

fn host_error(parsed: &Value) -> HostError {
    let error = parsed.get("error").unwrap_or(parsed);
    // Token services answer `{"error": "invalid_grant", "error_description": "…"}`.
    let words = error["message"]
        .as_str()
        .or_else(|| parsed["error_description"].as_str())
        .or_else(|| error.as_str())
        .unwrap_or_default();
    let status = error["status"].as_str().or_else(|| error.as_str());
    let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    let reason = details.iter().find_map(|detail| detail["reason"].as_str());
    let wait = details.iter().find_map(|detail| detail["retryDelay"].as_str());
    let lower = words.to_ascii_lowercase();
    let (meaning, mend) = verdict(status.unwrap_or_default(), reason.unwrap_or_default(), &lower);
    let (tokens, limit) = if meaning == Some(Meaning::TooLong) {
        numbers_of(&lower)
    } else {
        (None, None)
    };
    HostError {
        code: status.map(str::to_owned),
        message: clipped(words),
        prompt_tokens: tokens,
        context: limit,
        wait: wait.and_then(duration),
        meaning,
        mend,
        ..HostError::default()
    }
}

/// `"37s"`, `"1.5s"`.
fn duration(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What it means, and what mends it.
type Verdict = (Option<Meaning>, Option<&'static str>);

const BAD_KEY: &str = "Google does not accept the key: check `api_key_env` of the binding";
const BAD_ACCOUNT: &str = "Google does not accept the credentials: check `credentials_file` of the binding, and this machine's clock";
const SWITCHED_OFF: &str =
    "the API is not switched on in this project: enable the Vertex AI API (aiplatform.googleapis.com)";
const NO_RIGHT: &str = "the key or account lacks a right (on Vertex the role \"Vertex AI User\"): check it, and `project` of the binding";
const NO_MODEL: &str = "Google has no such model (any more) under this name, project and region: check `model`, `project` \
                        and `region` of the binding, or set a `successor`";
const NOT_HERE: &str =
    "the Gemini API may not be used from here: bind the model on Vertex (`host = \"vertex\"`)";
const NO_PARAMETER: &str = "check `family` of the binding, or add the parameter to its `unsupported`";
const NO_SCHEMA: &str =
    "the model does not take this schema: try `json_schema = \"full\"`, or \"none\", in the binding";

fn verdict(status: &str, reason: &str, words: &str) -> Verdict {
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if reason == "API_KEY_INVALID" || has(&["api key not valid", "api key expired"]) {
        return (Some(Meaning::NotAllowed), Some(BAD_KEY));
    }
    match status {
        "RESOURCE_EXHAUSTED" => (Some(Meaning::RateLimited), None),
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" | "ABORTED" | "UNKNOWN" => {
            (Some(Meaning::Failed), None)
        }
        "UNAUTHENTICATED" | "invalid_grant" => (Some(Meaning::NotAllowed), Some(BAD_ACCOUNT)),
        "PERMISSION_DENIED" if reason == "SERVICE_DISABLED" => {
            (Some(Meaning::NotAllowed), Some(SWITCHED_OFF))
        }
        "PERMISSION_DENIED" => (Some(Meaning::NotAllowed), Some(NO_RIGHT)),
        "NOT_FOUND" if has(&["retired", "no longer available"]) => (Some(Meaning::Retired), None),
        "NOT_FOUND" => (Some(Meaning::UnknownModel), Some(NO_MODEL)),
        "FAILED_PRECONDITION" if has(&["location is not supported"]) => {
            (Some(Meaning::NotAllowed), Some(NOT_HERE))
        }
        "INVALID_ARGUMENT" if has(&["exceeds the maximum number of tokens", "input token count"]) => {
            (Some(Meaning::TooLong), None)
        }
        "INVALID_ARGUMENT" if has(&["thinking", "thought", "penalty is not enabled"]) => {
            (Some(Meaning::Refused), Some(NO_PARAMETER))
        }
        "INVALID_ARGUMENT" if has(&["schema"]) => (Some(Meaning::Refused), Some(NO_SCHEMA)),
        "INVALID_ARGUMENT" => (Some(Meaning::Refused), None),
        _ => (None, None),
    }
}

/// The numbers of "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
fn numbers_of(words: &str) -> (Option<u32>, Option<u32>) {
    let mut numbers = words
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok());
    (numbers.next(), numbers.next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(status: &str, reason: &str, words: &str) -> HostError {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason},
                             {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37.5s"}]);
        let error = json!({"error": {"code": 400, "message": words, "status": status, "details": details}});
        let alone = read_error(&error.to_string());
        let listed = read_error(&json!([error]).to_string());
        assert_eq!(alone.meaning, listed.meaning);
        assert_eq!(alone.message, words);
        alone
    }

    #[test]
    fn google_s_statuses_are_understood() {
        let check = |status: &str, reason: &str, words: &str, meaning: Option<Meaning>, mend: &str| {
            let error = read(status, reason, words);
            assert_eq!(error.meaning, meaning, "{status} {words}");
            assert!(
                error.mend.unwrap_or_default().contains(mend),
                "{status}: {:?}",
                error.mend
            );
        };
        let invalid = "INVALID_ARGUMENT";
        check(
            "RESOURCE_EXHAUSTED",
            "",
            "Resource has been exhausted.",
            Some(Meaning::RateLimited),
            "",
        );
        check(
            "UNAVAILABLE",
            "",
            "The model is overloaded.",
            Some(Meaning::Failed),
            "",
        );
        check(
            invalid,
            "API_KEY_INVALID",
            "API key not valid. Please pass a valid API key.",
            Some(Meaning::NotAllowed),
            "api_key_env",
        );
        check(
            "NOT_FOUND",
            "",
            "models/gemini-1.5-pro is not found for API version v1beta, or is not supported for generateContent.",
            Some(Meaning::UnknownModel),
            "successor",
        );
        check(
            "FAILED_PRECONDITION",
            "",
            "User location is not supported for the API use.",
            Some(Meaning::NotAllowed),
            "vertex",
        );
        check(
            "PERMISSION_DENIED",
            "SERVICE_DISABLED",
            "Vertex AI API has not been used in project 1 before or it is disabled.",
            Some(Meaning::NotAllowed),
            "enable",
        );
        check(
            invalid,
            "",
            "Penalty is not enabled for this model",
            Some(Meaning::Refused),
            "unsupported",
        );
        check(invalid, "", "Something else.", Some(Meaning::Refused), "");
    }

    #[test]
    fn numbers_and_waits_are_read() {
        let words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
        let error = read("INVALID_ARGUMENT", "", words);
        assert_eq!(error.meaning, Some(Meaning::TooLong));
        assert_eq!(
            (error.prompt_tokens, error.context),
            (Some(1_200_000), Some(1_048_576))
        );
        assert_eq!(error.wait, Some(Duration::from_secs_f64(37.5)));
    }

    #[test]
    fn other_bodies_are_kept_as_words() {
        assert_eq!(read_error("<html>502</html>").message, "<html>502</html>");
        let grant =
            read_error("{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}");
        assert_eq!(grant.message, "Invalid JWT Signature.");
        assert_eq!(grant.meaning, Some(Meaning::NotAllowed));
    }
}
