//! What a host's refusal means, what to do about it, and whether to try again.
//!
//! Invariant: the host's own words are kept (clipped, and without the key), and each message says what mends it. Status
//! codes alone decide nothing where the body says more: Azure tells a retired model in three different ways.

use super::protocol_of;
use crate::authenticate::Authenticator;
use crate::host::Host;
use crate::retry::{AttemptError, LONGEST_WAIT, RetryHint};
use crate::transport::TransportError;
use boxwood_core::ModelError;
use chrono::DateTime;
use http::HeaderMap;
use serde_json::Value;
use std::time::Duration;

/// Hosts may ask for a day; clients are told an hour at most.
const LONGEST_TOLD_WAIT: Duration = Duration::from_secs(3_600);

/// The parts of an error body, wherever the host put them.
#[derive(Debug, Default)]
pub(crate) struct HostError {
    /// The host's own code.
    pub(crate) code: Option<String>,
    /// Its kind of error, where it has one beside the code.
    pub(crate) kind: Option<String>,
    /// The parameter that it complains about.
    pub(crate) parameter: Option<String>,
    /// Its words, [`clipped`].
    pub(crate) message: String,
    /// The categories for which a filter blocked the prompt.
    pub(crate) filtered: Vec<String>,
    /// Tokens of the prompt, where it tells them.
    pub(crate) prompt_tokens: Option<u32>,
    /// Its context window, where it tells it.
    pub(crate) context: Option<u32>,
    /// What the protocol knows it to mean; `None`: worked out from the status, the code and the words.
    pub(crate) meaning: Option<Meaning>,
    /// What the user can do about it, where the protocol knows better than the general words.
    pub(crate) mend: Option<&'static str>,
    /// When to try again, where the body says it.
    pub(crate) wait: Option<Duration>,
}

/// What a refusal means, where the host's protocol says so plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The prompt is too long.
    TooLong,
    /// The host has no such model, or not for this account.
    UnknownModel,
    /// The host has retired the model.
    Retired,
    /// Too many requests or tokens.
    RateLimited,
    /// A filter blocked the prompt.
    Filtered,
    /// The key or token is not accepted, or lacks a right.
    NotAllowed,
    /// The request as it stands.
    Refused,
    /// The host itself failed.
    Failed,
}

/// An HTTP error as what the caller gets, with whether to try again.
pub(crate) fn decode_error(
    model: &str,
    host: &Host,
    authenticator: &dyn Authenticator,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> AttemptError {
    // Taken out before anything is clipped, so that no half of a key is left at the cut.
    let body = authenticator.without_secrets(&String::from_utf8_lossy(body));
    let read = protocol_of(host).read_error(headers, &body);
    let error = classify(model, Some(host), status, &read, headers);
    let hint = hint(status, headers, &read, &error);
    AttemptError { error, hint }
}

/// The error with every secret taken out of its words.
pub(crate) fn without_secrets(mut error: ModelError, authenticator: &dyn Authenticator) -> ModelError {
    if let ModelError::Refused { message, .. }
    | ModelError::Unavailable { message, .. }
    | ModelError::Failed { message, .. } = &mut error
    {
        *message = authenticator.without_secrets(message);
    }
    error
}

/// An error in the middle of a stream: too late to try again. `error` is OpenAI's error object.
pub(crate) fn error_in_stream(model: &str, error: &Value) -> ModelError {
    host_error_in_stream(model, &read_error_object(error))
}

/// The same from what another protocol found in it.
pub(crate) fn host_error_in_stream(model: &str, error: &HostError) -> ModelError {
    let code = error.code.as_deref().and_then(|code| code.parse().ok());
    classify(model, None, code.unwrap_or(0), error, &HeaderMap::new())
}

/// A failure below HTTP.
pub(crate) fn transport_error(model: &str, error: &TransportError) -> AttemptError {
    let failed = ModelError::Failed {
        model: model.to_owned(),
        message: error.to_string(),
    };
    match error {
        TransportError::Connect { .. } | TransportError::Broken { .. } => AttemptError::backoff(failed),
        // A host that was silent for minutes has most likely begun the work; asking again would double it.
        TransportError::Slow { .. } => AttemptError::never(failed),
        TransportError::Setup { .. } | TransportError::Redirected { .. } => {
            AttemptError::never(ModelError::Unavailable {
                model: model.to_owned(),
                message: error.to_string(),
            })
        }
    }
}

/// Reads OpenAI's error body, and what resembles it: a bare object, a text, a page of HTML.
pub(crate) fn read_openai_error(body: &str) -> HostError {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(fields)) => match fields.get("error").filter(|error| error.is_object()) {
            Some(error) => read_error_object(error),
            None => read_error_object(&Value::Object(fields)),
        },
        Ok(other) => read_error_object(&other),
        Err(_) => HostError {
            message: clipped(body),
            ..HostError::default()
        },
    }
}

fn read_error_object(error: &Value) -> HostError {
    let text = |key: &str| match error.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let number = |key: &str| {
        error
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    let message = text("message")
        .or_else(|| text("detail"))
        .or_else(|| text("error"));
    let message = message
        .or_else(|| error.as_str().map(str::to_owned))
        .unwrap_or_default();
    HostError {
        code: text("code"),
        kind: text("type"),
        parameter: text("param"),
        message: clipped(&message),
        filtered: filtered_categories(error),
        prompt_tokens: number("n_prompt_tokens"),
        context: number("n_ctx"),
        ..HostError::default()
    }
}

/// The categories for which Azure's filter blocked the prompt. The specification and the wire name the key differently.
fn filtered_categories(error: &Value) -> Vec<String> {
    let inner = error.get("innererror").or_else(|| error.get("inner_error"));
    let result = inner.and_then(|inner| {
        inner
            .get("content_filter_result")
            .or_else(|| inner.get("content_filter_results"))
    });
    let Some(Value::Object(categories)) = result else {
        return Vec::new();
    };
    let filtered = |verdict: &Value| verdict.get("filtered").and_then(Value::as_bool) == Some(true);
    categories
        .iter()
        .filter(|(_, verdict)| filtered(verdict))
        .map(|(name, _)| name.clone())
        .collect()
}

fn classify(
    model: &str,
    host: Option<&Host>,
    status: u16,
    error: &HostError,
    headers: &HeaderMap,
) -> ModelError {
    let code = error.code.as_deref().unwrap_or_default();
    let kind = error.kind.as_deref().unwrap_or_default();
    let model = model.to_owned();
    if let Some(too_long) = context_too_long(&model, host, status, code, kind, error) {
        return too_long;
    }
    if let Some(message) = unavailable(host, status, code, error) {
        return ModelError::Unavailable { model, message };
    }
    let out_of_quota = code == "insufficient_quota";
    let limited =
        status == 429 || code == "rate_limit_exceeded" || error.meaning == Some(Meaning::RateLimited);
    if limited && !out_of_quota {
        let wait = wait_of(headers, error).unwrap_or(Duration::from_secs(1));
        let retry_after = wait.clamp(Duration::from_secs(1), LONGEST_TOLD_WAIT);
        return ModelError::Overloaded { model, retry_after };
    }
    let by_meaning = matches!(
        error.meaning,
        Some(Meaning::Filtered | Meaning::NotAllowed | Meaning::Refused)
    );
    let by_status = (400..500).contains(&status)
        && !matches!(status, 408 | 409)
        && error.meaning != Some(Meaning::Failed);
    if by_meaning || by_status || code == "content_filter" {
        return ModelError::Refused {
            model,
            status: Some(status).filter(|status| *status > 0),
            code: error.code.clone(),
            message: refusal(status, code, error),
        };
    }
    let words = if error.message.is_empty() {
        "no reason given"
    } else {
        error.message.as_str()
    };
    let status = if status > 0 {
        format!("HTTP {status}, ")
    } else {
        String::new()
    };
    ModelError::Failed {
        model,
        message: format!("the host reports an error: {status}{words}"),
    }
}

fn refusal(status: u16, code: &str, error: &HostError) -> String {
    let words = error.message.as_str();
    if code == "content_filter" || error.meaning == Some(Meaning::Filtered) {
        return if error.filtered.is_empty() {
            format!("the host's content filter blocked the prompt: {words}")
        } else {
            let categories = error.filtered.join(", ");
            format!("the host's content filter blocked the prompt for: {categories}")
        };
    }
    if let Some(mend) = error.mend {
        return with_mend(mend, words);
    }
    if matches!(status, 401 | 403) || error.meaning == Some(Meaning::NotAllowed) {
        return format!(
            "the key is not accepted: {words} (check `api_key_env` of the binding, and the key's rights)"
        );
    }
    let unsupported = matches!(code, "unsupported_value" | "unsupported_parameter")
        || words.starts_with("Unsupported parameter")
        || words.starts_with("Unsupported value");
    if let Some(parameter) = error.parameter.as_ref().filter(|_| unsupported) {
        return format!(
            "{words} (check `family` of the binding, or add \"{parameter}\" to its `unsupported`)"
        );
    }
    match (status, code) {
        (_, "insufficient_quota") => format!("the account has no quota left: {words}"),
        (_, _) if words.is_empty() => format!("HTTP {status} without a reason"),
        (_, _) => words.to_owned(),
    }
}

/// What mends it, with the host's own words.
fn with_mend(mend: &str, words: &str) -> String {
    if words.is_empty() {
        mend.to_owned()
    } else {
        format!("{mend} ({words})")
    }
}

/// What to do where the model itself is not there.
fn unavailable(host: Option<&Host>, status: u16, code: &str, error: &HostError) -> Option<String> {
    let words = error.message.to_ascii_lowercase();
    let retirement = host.and_then(|host| host.retirement);
    // That it is gone is not certain: the day is told as what the schedule says.
    let schedule = retirement.map_or(String::new(), |known| format!("; {}", known.schedule()));
    if code == "DeploymentNotFound" {
        let deployment = host.and_then(|host| host.deployment.as_deref()).unwrap_or("?");
        return Some(format!(
            "the host has no deployment `{deployment}`: check `deployment` and `base_url` of the binding (a new \
             deployment takes up to 5 minutes), or set a `successor`{schedule}"
        ));
    }
    let retired = error.meaning == Some(Meaning::Retired)
        || code == "OperationNotSupported"
        || words.contains("does not work with the specified model")
        || words.contains("has been deprecated")
        || words.contains("has been retired")
        || status == 410;
    if retired {
        return Some(match retirement {
            Some(known) => format!(
                "{}; bind a successor: set `successor` in its binding ({})",
                known.sentence(),
                error.message
            ),
            None => format!(
                "the host has retired the model: set a `successor` in its binding ({})",
                error.message
            ),
        });
    }
    let unknown = error.meaning == Some(Meaning::UnknownModel);
    if let Some(mend) = error.mend.filter(|_| unknown) {
        return Some(with_mend(mend, &error.message));
    }
    let named = words.contains("does not exist") || (words.contains("model") && words.contains("not found"));
    if unknown || code == "model_not_found" || (status == 404 && named) {
        return Some(format!(
            "the host does not know the model: check `model` of the binding, or set a `successor` ({}){schedule}",
            error.message
        ));
    }
    (status == 404).then(|| {
        format!(
            "the host knows no such model or path (HTTP 404): it has retired the model, or `base_url` is wrong; check \
             it, or set a `successor` in the binding{schedule}"
        )
    })
}

fn context_too_long(
    model: &str,
    host: Option<&Host>,
    status: u16,
    code: &str,
    kind: &str,
    error: &HostError,
) -> Option<ModelError> {
    let words = error.message.to_ascii_lowercase();
    let told = error.meaning == Some(Meaning::TooLong)
        || code == "context_length_exceeded"
        || kind == "exceed_context_size_error"
        || (status < 500 && words.contains("maximum context length is"));
    if !told {
        return None;
    }
    let numbers = numbers_of(&words);
    let limit = error.context.or(numbers.first().copied());
    let tokens = error.prompt_tokens.or(numbers.get(1).copied());
    let known = host.map_or(0, |host| host.capabilities.context_window);
    let limit = limit.unwrap_or(known);
    Some(ModelError::ContextTooLong {
        model: model.to_owned(),
        tokens: tokens.unwrap_or_else(|| limit.saturating_add(1)),
        limit,
    })
}

/// The numbers that stand before the word "tokens": the limit, then what was sent, in every wording seen.
fn numbers_of(words: &str) -> Vec<u32> {
    let parts: Vec<&str> = words.split_whitespace().collect();
    let pairs = parts.windows(2).filter(|pair| pair[1].starts_with("token"));
    pairs
        .filter_map(|pair| pair[0].replace(',', "").parse().ok())
        .collect()
}

fn hint(status: u16, headers: &HeaderMap, error: &HostError, decoded: &ModelError) -> RetryHint {
    let told = headers
        .get("x-should-retry")
        .and_then(|value| value.to_str().ok());
    let wait = || wait_of(headers, error).map_or(RetryHint::Backoff, RetryHint::After);
    match (told, decoded) {
        (Some("false"), _) => RetryHint::Never,
        (Some("true"), _) => wait(),
        (_, ModelError::Overloaded { .. }) => wait(),
        (_, ModelError::Failed { .. })
            if matches!(status, 408 | 409) || status >= 500 || error.meaning == Some(Meaning::Failed) =>
        {
            wait()
        }
        _ => RetryHint::Never,
    }
}

/// How long the host asks to wait: `retry-after-ms`, `retry-after` (seconds or a date), or the sentence in Azure's body.
fn wait_of(headers: &HeaderMap, error: &HostError) -> Option<Duration> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let seconds = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
        Duration::try_from_secs_f64(number).ok()
    };
    if let Some(wait) = header("retry-after-ms").and_then(seconds) {
        return Some(wait / 1_000);
    }
    if let Some(text) = header("retry-after") {
        // A date is taken against the host's own clock, so that ours need not agree.
        let by_date = || {
            let until = DateTime::parse_from_rfc2822(text).ok()?;
            let now = DateTime::parse_from_rfc2822(header("date")?).ok()?;
            Some((until - now).to_std().unwrap_or(Duration::ZERO))
        };
        if let Some(wait) = seconds(text).or_else(by_date) {
            return Some(wait);
        }
    }
    if error.wait.is_some() {
        return error.wait;
    }
    let after = error.message.split("retry after ").nth(1)?;
    let number = after.split_whitespace().next()?;
    seconds(number)
}

/// At most 500 characters in one line.
pub(crate) fn clipped(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(500).collect()
}

/// Held by a test of the retry policy: what is told to a client never exceeds what is waited for by much.
const _: () = assert!(LONGEST_TOLD_WAIT.as_secs() >= LONGEST_WAIT.as_secs());

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
