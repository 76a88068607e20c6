//! The bodies are condensed from what real hosts sent (public issue threads): see the contract notes of the project.

use super::*;
use crate::authenticate::test_authenticator;
use crate::capability::Family;
use crate::host::{HostKind, test_host};
use http::{HeaderName, HeaderValue};
use serde_json::json;

fn host() -> Host {
    test_host(HostKind::AzureOpenai, Family::OSeries)
}

fn decode(status: u16, headers: &[(&'static str, &str)], body: &str) -> AttemptError {
    let pairs = headers.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    let (host, headers) = (host(), pairs.collect());
    let authenticator = test_authenticator(&host).unwrap();
    decode_error("m", &host, &*authenticator, status, &headers, body.as_bytes())
}

/// The kind of the error, words of it, and whether to try again.
fn check(
    status: u16,
    headers: &[(&'static str, &str)],
    body: Value,
    kind: &str,
    words: &str,
    hint: RetryHint,
) {
    let body = if let Value::String(text) = &body {
        text.clone()
    } else {
        body.to_string()
    };
    let decoded = decode(status, headers, &body);
    let debug = format!("{:?}", decoded.error);
    assert!(debug.starts_with(kind), "{debug} is not {kind}");
    let message = decoded.error.to_string();
    assert!(message.contains(words), "{message} does not say {words:?}");
    assert_eq!(decoded.hint, hint, "{message}");
    assert!(!debug.contains("top-secret"));
}

fn error(code: &str, parameter: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}})
}

const NEVER: RetryHint = RetryHint::Never;

#[test]
fn refused_parameters_say_which_and_where_to_mend() {
    let value = error(
        "unsupported_value",
        "temperature",
        "Unsupported value: 'temperature' does not support 0.1 with this model. Only the default (1) value is supported.",
    );
    check(
        400,
        &[],
        value,
        "Refused",
        "add \"temperature\" to its `unsupported`",
        NEVER,
    );
    for name in ["top_p", "stop", "logit_bias", "parallel_tool_calls", "max_tokens"] {
        let message = format!("Unsupported parameter: '{name}' is not supported with this model.");
        check(
            400,
            &[],
            error("unsupported_parameter", name, &message),
            "Refused",
            &format!("\"{name}\""),
            NEVER,
        );
    }
    let unknown = json!({"error": {"message": "Unrecognized request argument supplied: stream_options.", "type": "invalid_request_error", "param": null, "code": null}});
    check(
        400,
        &[],
        unknown,
        "Refused",
        "Unrecognized request argument",
        NEVER,
    );
}

#[test]
fn models_that_are_gone_ask_for_a_successor() {
    let missing = json!({"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}});
    check(404, &[], missing, "Unavailable", "no deployment `prod`", NEVER);
    let retired = json!({"error": {"code": "404", "message": "Resource not found"}});
    check(404, &[], retired, "Unavailable", "`base_url` is wrong", NEVER);
    let other_form = json!({"error": {"code": "OperationNotSupported", "message": "The chatCompletion operation does not work with the specified model, gpt-35-turbo."}});
    check(
        400,
        &[],
        other_form,
        "Unavailable",
        "retired the model: set a `successor`",
        NEVER,
    );
    let openai = error(
        "model_not_found",
        "model",
        "The model `o4-mini` does not exist or you do not have access to it.",
    );
    check(404, &[], openai, "Unavailable", "check `model`", NEVER);
    check(
        410,
        &[],
        json!({"error": "gone"}),
        "Unavailable",
        "successor",
        NEVER,
    );
}

#[test]
fn rate_limits_are_waited_for_as_long_as_is_sensible() {
    let body = || json!({"error": {"code": "429", "message": "Requests to the ChatCompletions_Create Operation have exceeded token rate limit. Please retry after 37 seconds. Please contact support."}});
    let after = |seconds| RetryHint::After(Duration::from_secs(seconds));
    check(
        429,
        &[("retry-after", "12")],
        body(),
        "Overloaded",
        "busy",
        after(12),
    );
    check(
        429,
        &[],
        body(),
        "Overloaded { model: \"m\", retry_after: 37s }",
        "busy",
        after(37),
    );
    check(
        429,
        &[("retry-after-ms", "1500"), ("retry-after", "9")],
        body(),
        "Overloaded",
        "",
        RetryHint::After(Duration::from_millis(1500)),
    );
    check(
        429,
        &[("retry-after", "86400")],
        body(),
        "Overloaded { model: \"m\", retry_after: 3600s }",
        "",
        after(86_400),
    );
    let date = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
    check(
        429,
        &[("retry-after", "Sun, 22 Nov 2026 10:00:45 GMT"), date],
        body(),
        "Overloaded",
        "",
        after(45),
    );
    let openai = json!({"error": {"message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 30601.", "type": "tokens", "param": null, "code": "rate_limit_exceeded"}});
    check(
        429,
        &[],
        openai.clone(),
        "Overloaded { model: \"m\", retry_after: 1s }",
        "",
        RetryHint::Backoff,
    );
    check(
        429,
        &[("x-should-retry", "false")],
        openai,
        "Overloaded",
        "",
        NEVER,
    );
    let quota = json!({"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}});
    check(429, &[], quota, "Refused", "no quota left", NEVER);
}

#[test]
fn filters_name_the_category() {
    let body = json!({"error": {"message": "The response was filtered due to the prompt triggering the policy.", "type": null, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {
            "hate": {"filtered": false, "severity": "safe"}, "jailbreak": {"filtered": true, "detected": true}}}}});
    check(
        400,
        &[],
        body,
        "Refused",
        "blocked the prompt for: jailbreak",
        NEVER,
    );
}

#[test]
fn too_long_prompts_tell_both_numbers_in_every_wording() {
    let check_long = |status, body: Value, tokens, limit| {
        let decoded = decode(status, &[], &body.to_string());
        let ModelError::ContextTooLong {
            tokens: found_tokens,
            limit: found_limit,
            ..
        } = decoded.error
        else {
            panic!("{:?}", decoded.error)
        };
        assert_eq!((found_tokens, found_limit, decoded.hint), (tokens, limit, NEVER));
    };
    let coded = |message: &str| error("context_length_exceeded", "messages", message);
    check_long(
        400,
        coded(
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 477469 tokens. Please reduce the length of the messages.",
        ),
        477_469,
        272_000,
    );
    check_long(
        400,
        coded(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 192041 tokens. Please reduce the length of the messages.",
        ),
        192_041,
        128_000,
    );
    check_long(400, coded("Too long."), 200_001, 200_000);
    // vLLM and llama-server.
    check_long(
        400,
        json!({"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.", "type": "BadRequestError", "code": 400}),
        5_000,
        4_096,
    );
    check_long(
        400,
        json!({"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error", "n_prompt_tokens": 6_000, "n_ctx": 4_096}}),
        6_000,
        4_096,
    );
}

#[test]
fn server_errors_are_tried_again_and_keys_never_shown() {
    check(
        500,
        &[],
        json!({"error": {"message": "The server had an error"}}),
        "Failed",
        "HTTP 500, The server had an error",
        RetryHint::Backoff,
    );
    check(
        503,
        &[("retry-after", "3")],
        Value::from("<html>busy</html>"),
        "Failed",
        "HTTP 503",
        RetryHint::After(Duration::from_secs(3)),
    );
    check(
        502,
        &[],
        Value::from(""),
        "Failed",
        "no reason given",
        RetryHint::Backoff,
    );
    check(
        408,
        &[],
        json!({"error": {"message": "timeout"}}),
        "Failed",
        "timeout",
        RetryHint::Backoff,
    );
    check(
        409,
        &[],
        json!({"error": {"message": "conflict"}}),
        "Failed",
        "conflict",
        RetryHint::Backoff,
    );
    check(
        500,
        &[("x-should-retry", "false")],
        json!({}),
        "Failed",
        "",
        NEVER,
    );
    check(
        400,
        &[("x-should-retry", "true")],
        json!({}),
        "Refused",
        "HTTP 400",
        RetryHint::Backoff,
    );
    let wrong_key =
        json!({"error": {"message": "Incorrect API key provided: top-secret.", "code": "invalid_api_key"}});
    check(
        401,
        &[],
        wrong_key,
        "Refused",
        "[key]. (check `api_key_env`",
        NEVER,
    );
    check(
        400,
        &[],
        Value::from("x".repeat(10_000)),
        "Refused",
        &"x".repeat(500),
        NEVER,
    );
    check(
        422,
        &[],
        json!({"detail": "bad field"}),
        "Refused",
        "bad field",
        NEVER,
    );
}

#[test]
fn no_half_of_a_key_is_left_where_a_message_is_cut() {
    let body = format!("{}top-secret", "x".repeat(495));
    let message = decode(400, &[], &body).error.to_string();
    assert!(
        message.ends_with("[key]") && !message.contains("top"),
        "{message}"
    );
    let in_stream = ModelError::Failed {
        model: "m".into(),
        message: "key top-secret".into(),
    };
    let authenticator = test_authenticator(&host()).unwrap();
    let shown = without_secrets(in_stream, &*authenticator).to_string();
    assert!(shown.ends_with("key [key]"), "{shown}");
}

#[test]
fn a_model_with_a_known_end_is_told_with_its_day() {
    let mut host = host();
    host.retirement = crate::retirement::retirement_of(HostKind::AzureOpenai, "o4-mini");
    let authenticator = test_authenticator(&host).unwrap();
    let told = |status, body: &Value| {
        let headers = HeaderMap::new();
        let body = body.to_string();
        decode_error("m", &host, &*authenticator, status, &headers, body.as_bytes())
            .error
            .to_string()
    };
    let gone = json!({"error": {"code": "OperationNotSupported", "message": "The chatCompletion operation does not work with the specified model, o4-mini."}});
    let message = told(400, &gone);
    assert!(
        message.contains("retired by Azure on 2026-10-16") && message.contains("bind a successor"),
        "{message}"
    );
    let message = told(
        404,
        &json!({"error": {"code": "404", "message": "Resource not found"}}),
    );
    assert!(
        message.contains("by Azure's schedule o4-mini retires on 2026-10-16"),
        "{message}"
    );
}
