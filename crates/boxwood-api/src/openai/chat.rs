//! The request of a chat completion.
//!
//! Called by `boxwood-server/src/compat/chat.rs`, which resolved the model's name, and with it the contract, before.

use super::contract::Contract;
use super::error::OpenAiError;
use super::fields::{Endpoint, Fields, wrong_type};
use super::format::ReplyFormat;
use super::{messages, tools};
use boxwood_core::{ChatMessage, Effort, Sampling, ToolChoice, ToolDefinition};
use serde_json::Value;

/// As the hosts bound it.
const MOST_CHOICES: i64 = 128;
/// As the hosts bound it.
const MOST_STOP_STRINGS: usize = 4;

/// A chat completion to make.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatCompletionRequest {
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// What may be called.
    pub tools: Vec<ToolDefinition>,
    /// Whether something has to be.
    pub tool_choice: ToolChoice,
    /// Whether several calls at once may be made.
    pub parallel_tool_calls: Option<bool>,
    /// What the reply looks like.
    pub format: ReplyFormat,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Where the reply ends.
    pub stop: Vec<String>,
    /// How long to think.
    pub effort: Option<Effort>,
    /// Tokens of thinking and reply together.
    pub max_output_tokens: Option<u32>,
    /// How many replies.
    pub choices: u32,
    /// Piece by piece.
    pub stream: bool,
    /// With the usage at the end of the stream.
    pub include_usage: bool,
    /// With the probabilities of the tokens.
    pub logprobs: bool,
    /// What was passed over, in words.
    pub warnings: Vec<String>,
}

impl ChatCompletionRequest {
    /// Reads a body under a contract.
    ///
    /// # Errors
    /// The first parameter that the contract refuses, else the first that is wrong.
    pub fn read(body: &Value, contract: &Contract) -> Result<Self, OpenAiError> {
        if let Some(members) = body.as_object() {
            contract.check(members, Endpoint::Chat)?;
        }
        let mut fields = Fields::of(body, "", Endpoint::Chat)?;
        let mut warnings = Vec::new();
        fields.get("model");
        refuse_what_is_not_served(&mut fields)?;
        pass_over(&mut fields, &mut warnings)?;
        fields.required("messages")?;
        let entries = fields.array("messages")?.unwrap_or_default();
        let messages = messages::read(entries, contract.reasoning, &mut warnings)?;
        let tools = tools::read(&mut fields, Endpoint::Chat, contract)?;
        let (tool_choice, parallel_tool_calls) = tools::read_choice(&mut fields, &tools, Endpoint::Chat)?;
        let format = match fields.child("response_format")? {
            Some(format) => ReplyFormat::read_chat(format, contract)?,
            None => ReplyFormat::Text,
        };
        if contract.openai {
            format.check_mention(&messages, "messages", "response_format")?;
        }
        let stream = fields.flag("stream")?.unwrap_or(false);
        let request = Self {
            messages,
            tools,
            tool_choice,
            parallel_tool_calls,
            format,
            sampling: read_sampling(&mut fields)?,
            stop: read_stop(&mut fields)?,
            effort: read_effort(&mut fields, contract)?,
            max_output_tokens: read_limit(&mut fields)?,
            choices: read_choices(&mut fields)?,
            stream,
            include_usage: read_stream_options(&mut fields, stream)?,
            logprobs: read_logprobs(&mut fields)?,
            warnings,
        };
        fields.close()?;
        Ok(request)
    }
}

fn refuse_what_is_not_served(fields: &mut Fields<'_>) -> Result<(), OpenAiError> {
    let refused = |name: &str, instead: &str| {
        Err(OpenAiError::not_served(
            name,
            format!("'{name}' is not served here. {instead}"),
        ))
    };
    for name in ["functions", "function_call"] {
        if fields.get(name).is_some() {
            return refused(name, "Use 'tools' and 'tool_choice'.");
        }
    }
    for name in [
        "audio",
        "prediction",
        "web_search_options",
        "data_sources",
        "user_security_context",
        "moderation",
    ] {
        if fields.get(name).is_some() {
            return refused(name, "Leave it out.");
        }
    }
    let biases = fields.get("logit_bias");
    if biases
        .and_then(Value::as_object)
        .is_some_and(|biases| !biases.is_empty())
    {
        return refused("logit_bias", "Leave it out.");
    }
    let modalities = fields.array("modalities")?.unwrap_or_default();
    if modalities.iter().any(|modality| modality != "text") {
        return refused("modalities", "Only 'text' is written here.");
    }
    Ok(())
}

/// What changes nothing about the answer here.
fn pass_over(fields: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<(), OpenAiError> {
    const TIERS: [(&str, ()); 5] = [
        ("auto", ()),
        ("default", ()),
        ("flex", ()),
        ("scale", ()),
        ("priority", ()),
    ];
    const VERBOSITIES: [(&str, ()); 3] = [("low", ()), ("medium", ()), ("high", ())];
    fields.pass_over(&[
        "user",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
    ]);
    fields.word("service_tier", &TIERS)?;
    if fields.word("verbosity", &VERBOSITIES)?.is_some() {
        warnings.push("verbosity: no model served here takes it; it was left out".to_owned());
    }
    if fields.flag("store")? == Some(true) {
        warnings.push("store: chat completions are not kept; those of /responses are".to_owned());
    }
    Ok(())
}

fn read_sampling(fields: &mut Fields<'_>) -> Result<Sampling, OpenAiError> {
    let seed = fields.whole("seed", i64::MIN, i64::MAX)?;
    Ok(Sampling {
        temperature: fields.number("temperature", 0.0, 2.0)?,
        top_p: fields.number("top_p", 0.0, 1.0)?,
        top_k: None,
        frequency_penalty: fields.number("frequency_penalty", -2.0, 2.0)?,
        presence_penalty: fields.number("presence_penalty", -2.0, 2.0)?,
        seed: seed.map(i64::cast_unsigned),
    })
}

fn read_stop(fields: &mut Fields<'_>) -> Result<Vec<String>, OpenAiError> {
    let value = match fields.get("stop") {
        None => return Ok(Vec::new()),
        Some(Value::String(stop)) => return Ok(vec![stop.clone()]),
        Some(value) => value,
    };
    let wrong = || wrong_type("stop", "one of a string or array of strings", value);
    let entries = value.as_array().ok_or_else(wrong)?;
    if entries.len() > MOST_STOP_STRINGS {
        let message = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length {MOST_STOP_STRINGS}, but got an array with length {} instead.",
            entries.len()
        );
        return Err(OpenAiError::invalid(
            "stop",
            Some("array_above_max_length"),
            message,
        ));
    }
    let texts = entries
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned).ok_or_else(wrong));
    texts.collect()
}

fn read_effort(fields: &mut Fields<'_>, contract: &Contract) -> Result<Option<Effort>, OpenAiError> {
    let text = fields.text("reasoning_effort")?;
    text.map(|text| contract.effort(text, "reasoning_effort"))
        .transpose()
}

fn read_limit(fields: &mut Fields<'_>) -> Result<Option<u32>, OpenAiError> {
    let (new, old) = (
        fields.tokens("max_completion_tokens", 1)?,
        fields.tokens("max_tokens", 1)?,
    );
    if new.is_some() && old.is_some() {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(OpenAiError::invalid(
            "max_tokens",
            Some("invalid_parameter_combination"),
            message,
        ));
    }
    Ok(new.or(old))
}

fn read_choices(fields: &mut Fields<'_>) -> Result<u32, OpenAiError> {
    let choices = fields.whole("n", 1, MOST_CHOICES)?.unwrap_or(1);
    Ok(u32::try_from(choices).unwrap_or(1))
}

fn read_stream_options(fields: &mut Fields<'_>, stream: bool) -> Result<bool, OpenAiError> {
    let Some(mut options) = fields.child("stream_options")? else {
        return Ok(false);
    };
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(OpenAiError::invalid("stream_options", None, message));
    }
    let include_usage = options.flag("include_usage")?.unwrap_or(false);
    // Padding against readers of encrypted traffic; there is none here.
    options.flag("include_obfuscation")?;
    options.close()?;
    Ok(include_usage)
}

fn read_logprobs(fields: &mut Fields<'_>) -> Result<bool, OpenAiError> {
    let wanted = fields.flag("logprobs")?.unwrap_or(false);
    match fields.whole("top_logprobs", 0, 20)? {
        None | Some(0) => Ok(wanted),
        Some(_) if !wanted => {
            let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
            Err(OpenAiError::invalid("top_logprobs", None, message))
        }
        Some(_) => Err(OpenAiError::not_served(
            "top_logprobs",
            "Models served here tell the probability of the chosen tokens, not of others. Leave 'top_logprobs' out.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FREE: Contract = Contract {
        reasoning: false,
        openai: false,
        effort: true,
    };

    fn body(more: Value) -> Value {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    #[test]
    fn everything_that_is_served_is_read() {
        let request = ChatCompletionRequest::read(
            &body(json!({
                "temperature": 0.5, "top_p": 0.9, "seed": -1, "stop": ["a", "b"], "max_tokens": 7, "n": 2,
                "stream": true, "stream_options": {"include_usage": true}, "logprobs": true, "reasoning_effort": "high",
                "response_format": {"type": "json_object"}, "user": "u", "service_tier": "auto", "store": true,
            })),
            &FREE,
        )
        .unwrap();
        assert_eq!(request.sampling.temperature, Some(0.5));
        assert_eq!(request.sampling.seed, Some(u64::MAX));
        assert_eq!(request.stop, ["a", "b"]);
        assert_eq!((request.max_output_tokens, request.choices), (Some(7), 2));
        assert!(request.stream && request.include_usage && request.logprobs);
        assert_eq!(
            (request.effort, request.format),
            (Some(Effort::High), ReplyFormat::JsonObject)
        );
        assert_eq!(request.warnings.len(), 1, "{:?}", request.warnings);
    }

    #[track_caller]
    fn refused(more: Value, param: &str, code: Option<&str>) {
        let error = ChatCompletionRequest::read(&body(more.clone()), &FREE).unwrap_err();
        assert_eq!(
            (error.param.as_deref(), error.code),
            (Some(param), code),
            "{more}"
        );
    }

    #[test]
    fn what_is_wrong_or_not_served_is_refused() {
        refused(
            json!({"temperature": 3}),
            "temperature",
            Some("decimal_above_max_value"),
        );
        refused(json!({"n": 0}), "n", Some("integer_below_min_value"));
        refused(
            json!({"stop": ["a", "b", "c", "d", "e"]}),
            "stop",
            Some("array_above_max_length"),
        );
        refused(json!({"stop": 5}), "stop", Some("invalid_type"));
        refused(
            json!({"stream_options": {"include_usage": true}}),
            "stream_options",
            None,
        );
        refused(
            json!({"max_tokens": 5, "max_completion_tokens": 5}),
            "max_tokens",
            Some("invalid_parameter_combination"),
        );
        refused(
            json!({"functions": []}),
            "functions",
            Some("unsupported_parameter"),
        );
        refused(
            json!({"logit_bias": {"5": 1}}),
            "logit_bias",
            Some("unsupported_parameter"),
        );
        refused(
            json!({"modalities": ["audio"]}),
            "modalities",
            Some("unsupported_parameter"),
        );
        refused(
            json!({"logprobs": true, "top_logprobs": 2}),
            "top_logprobs",
            Some("unsupported_parameter"),
        );
        refused(
            json!({"response_format": {"type": "xml"}}),
            "response_format.type",
            Some("invalid_value"),
        );
        let unknown = ChatCompletionRequest::read(&body(json!({"foo": 1})), &FREE).unwrap_err();
        assert_eq!(unknown.message, "Unrecognized request argument supplied: foo");
    }

    #[test]
    fn openai_s_models_want_json_to_be_spoken_of() {
        let contract = Contract { openai: true, ..FREE };
        let wanted = json!({"response_format": {"type": "json_object"}});
        let error = ChatCompletionRequest::read(&body(wanted.clone()), &contract).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages"));
        assert!(ChatCompletionRequest::read(&body(wanted), &FREE).is_ok());
    }
}
