//! What the exceptions of Bedrock's runtime mean: their names and the sentences that were seen on the wire.
//!
//! Invariant: the service's own words are kept, and what mends it stands beside them.

use crate::protocol::errors::{HostError, Meaning, clipped, host_error_in_stream};
use boxwood_core::ModelError;
use http::HeaderMap;
use serde_json::Value;

/// A refusal: the exception's name is in a header, its words in the body.
pub(crate) fn read_error(headers: &HeaderMap, body: &str) -> HostError {
    let header = headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok());
    let parsed: Value = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    let name = header.or_else(|| parsed["__type"].as_str()).unwrap_or_default();
    // `ThrottlingException:http://internal.amazon.com/…`, `com.amazon.coral.service#AccessDeniedException`
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    host_error(name, &words_of(&parsed))
}

/// An exception in the middle of a stream.
pub(super) fn in_stream(model: &str, name: &str, payload: &[u8]) -> ModelError {
    let parsed: Value = serde_json::from_slice(payload).unwrap_or_default();
    host_error_in_stream(model, &host_error(name, &words_of(&parsed)))
}

fn words_of(parsed: &Value) -> String {
    let words = ["message", "Message", "originalMessage"]
        .iter()
        .find_map(|key| parsed[*key].as_str())
        .or_else(|| parsed.as_str());
    words.unwrap_or_default().to_owned()
}

fn host_error(name: &str, words: &str) -> HostError {
    let lower = words.to_ascii_lowercase();
    let (meaning, mend) = verdict(&name.to_ascii_lowercase(), &lower);
    let (tokens, limit) = if meaning == Some(Meaning::TooLong) {
        numbers_of(&lower)
    } else {
        (None, None)
    };
    HostError {
        code: Some(name.to_owned()).filter(|name| !name.is_empty()),
        message: clipped(words),
        prompt_tokens: tokens,
        context: limit,
        meaning,
        mend,
        ..HostError::default()
    }
}

/// What it means, and what mends it. Names differ in case between headers and streams.
type Verdict = (Option<Meaning>, Option<&'static str>);

fn verdict(name: &str, words: &str) -> Verdict {
    let is = |meaning| (Some(meaning), None);
    let with = |meaning, mend| (Some(meaning), Some(mend));
    match name {
        "throttlingexception"
        | "modelnotreadyexception"
        | "toomanyrequestsexception"
        | "servicequotaexceededexception" => is(Meaning::RateLimited),
        "serviceunavailableexception"
        | "internalserverexception"
        | "modeltimeoutexception"
        | "modelerrorexception"
        | "modelstreamerrorexception" => is(Meaning::Failed),
        "resourcenotfoundexception" | "accessdeniedexception"
            if words.contains("end of its life") || words.contains("legacy") =>
        {
            is(Meaning::Retired)
        }
        "resourcenotfoundexception" => with(Meaning::UnknownModel, NOT_IN_REGION),
        "accessdeniedexception"
            if words.contains("access to the model") || words.contains("model access") =>
        {
            with(Meaning::UnknownModel, NO_ACCESS)
        }
        "accessdeniedexception" => with(Meaning::NotAllowed, NO_RIGHT),
        "expiredtokenexception" => with(Meaning::NotAllowed, RAN_OUT),
        "unrecognizedclientexception"
        | "invalidsignatureexception"
        | "missingauthenticationtokenexception" => with(Meaning::NotAllowed, NOT_ACCEPTED),
        "validationexception" => {
            let (meaning, mend) = invalid(words);
            (meaning.or(Some(Meaning::Refused)), mend)
        }
        _ => (None, None),
    }
}

const NOT_IN_REGION: &str = "Bedrock has no such model in this region: check `model` and `region` of the binding, or set a `successor`";
const NO_ACCESS: &str = "the AWS account may not use this model in this region: ask for it in the Bedrock console under \
                         Model access, or set another `region`";
const NO_RIGHT: &str = "the credentials lack a right: allow bedrock:InvokeModelWithResponseStream (bedrock:InvokeModel \
                        for embeddings) on the model";
const RAN_OUT: &str =
    "the session's credentials have run out: give fresh ones (`session_token_env` of the binding)";
const NOT_ACCEPTED: &str = "AWS does not accept the credentials: check `access_key_id_env` and `secret_access_key_env`, \
                            or `api_key_env`, of the binding, and this machine's clock";
const BY_PROFILE: &str = "this model is served through an inference profile only: write the profile's id as `model`, \
                          like \"us.PROVIDER.MODEL\" or \"eu.PROVIDER.MODEL\"";
const NO_STRUCTURE: &str =
    "the model has no structured output of its own here: write `json_schema = \"tool\"` in the binding";
const NO_TOOLS: &str = "the model does not take tools in this way: write `tools = false` in the binding";
const NO_PARAMETER: &str = "check `family` of the binding, or add the parameter to its `unsupported`";

/// The sentences of `ValidationException`.
fn invalid(words: &str) -> Verdict {
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if has(&["input is too long", "prompt is too long", "too many input tokens"]) {
        return (Some(Meaning::TooLong), None);
    }
    if has(&["on-demand throughput"]) {
        return (Some(Meaning::UnknownModel), Some(BY_PROFILE));
    }
    if has(&["model identifier is invalid", "doesn't support the model"]) {
        return (Some(Meaning::UnknownModel), Some(NOT_IN_REGION));
    }
    let mend = if has(&["output_config", "outputconfig"]) {
        Some(NO_STRUCTURE)
    } else if has(&["support tool use", "toolconfig", "toolchoice"]) {
        Some(NO_TOOLS)
    } else if has(&["temperature", "top_p", "top_k", "topp", "stopsequences"]) {
        Some(NO_PARAMETER)
    } else {
        None
    };
    (None, mend)
}

/// The numbers of "prompt is too long: 213423 tokens > 200000 maximum", where they stand there.
fn numbers_of(words: &str) -> (Option<u32>, Option<u32>) {
    let mut numbers = words
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok());
    (numbers.next(), numbers.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, words: &str) -> HostError {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-amzn-errortype",
            format!("{name}:http://internal/").parse().unwrap(),
        );
        let error = read_error(&headers, &serde_json::json!({"message": words}).to_string());
        assert_eq!(error.code.as_deref(), Some(name));
        assert_eq!(error.message, words);
        error
    }

    #[test]
    fn exceptions_mean_what_the_service_says() {
        let check = |name: &str, words: &str, meaning: Option<Meaning>, mend: &str| {
            let error = read(name, words);
            assert_eq!(error.meaning, meaning, "{name} {words}");
            assert!(
                error.mend.unwrap_or_default().contains(mend),
                "{name}: {:?}",
                error.mend
            );
        };
        let invalid = "ValidationException";
        check(
            "ThrottlingException",
            "Too many tokens, please wait.",
            Some(Meaning::RateLimited),
            "",
        );
        check(
            "ModelNotReadyException",
            "The model is not ready.",
            Some(Meaning::RateLimited),
            "",
        );
        check(
            "ServiceUnavailableException",
            "Unable to process.",
            Some(Meaning::Failed),
            "",
        );
        check(
            "ModelErrorException",
            "The system encountered an error",
            Some(Meaning::Failed),
            "",
        );
        check(
            "ResourceNotFoundException",
            "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
            Some(Meaning::Retired),
            "",
        );
        check(
            "ResourceNotFoundException",
            "Model not found.",
            Some(Meaning::UnknownModel),
            "region",
        );
        check(
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            Some(Meaning::UnknownModel),
            "Model access",
        );
        check(
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel",
            Some(Meaning::NotAllowed),
            "bedrock:InvokeModel",
        );
        check(
            invalid,
            "Invocation of model ID amazon.nova-pro-v1:0 with on-demand throughput isn’t supported. Retry your request \
             with the ID or ARN of an inference profile that contains this model.",
            Some(Meaning::UnknownModel),
            "inference profile",
        );
        check(
            invalid,
            "The provided model identifier is invalid.",
            Some(Meaning::UnknownModel),
            "region",
        );
        check(
            invalid,
            "The model returned the following errors: output_config.format: Extra inputs are not permitted",
            Some(Meaning::Refused),
            "json_schema",
        );
        check(
            "ExpiredTokenException",
            "The security token included in the request is expired",
            Some(Meaning::NotAllowed),
            "session_token_env",
        );
        check(invalid, "Malformed input request", Some(Meaning::Refused), "");
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_with_its_numbers() {
        let words =
            "The model returned the following errors: prompt is too long: 213423 tokens > 200000 maximum";
        let error = read("ValidationException", words);
        assert_eq!(error.meaning, Some(Meaning::TooLong));
        assert_eq!(
            (error.prompt_tokens, error.context),
            (Some(213_423), Some(200_000))
        );
        let error = read("ValidationException", "Input is too long for requested model.");
        assert_eq!(error.meaning, Some(Meaning::TooLong));
        assert_eq!((error.prompt_tokens, error.context), (None, None));
    }
}
