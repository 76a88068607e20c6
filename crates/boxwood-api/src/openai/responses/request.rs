//! The body of `POST /responses`.
//!
//! Called by `boxwood-server/src/compat/responses/create.rs`, which resolved the model's name before.

use super::super::contract::Contract;
use super::super::error::OpenAiError;
use super::super::fields::{Endpoint, Fields, wrong_type};
use super::super::format::ReplyFormat;
use super::super::tools;
use boxwood_core::{Effort, Sampling, ToolChoice, ToolDefinition};
use serde_json::{Map, Value};

/// Fewer tokens are no answer, as the hosts bound it.
const FEWEST_TOKENS: i64 = 16;
/// As the hosts bound it.
const MOST_METADATA: usize = 16;

/// A response to make.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseRequest {
    /// `input` as it came; read by [`super::input::read`].
    pub input: Option<Value>,
    /// Instructions, of this response only.
    pub instructions: Option<String>,
    /// The response that this one continues.
    pub previous: Option<String>,
    /// Whether it is kept.
    pub store: bool,
    /// Whether it goes on without its client.
    pub background: bool,
    /// As events.
    pub stream: bool,
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
    /// How long to think.
    pub effort: Option<Effort>,
    /// Whether a summary of the thinking is told.
    pub summary: bool,
    /// Tokens of thinking and reply together.
    pub max_output_tokens: Option<u32>,
    /// With the probabilities of the tokens.
    pub logprobs: bool,
    /// With a seal on reasoning items.
    pub sealed: bool,
    /// What the response tells back about its request.
    pub echo: Map<String, Value>,
    /// What was passed over, in words.
    pub warnings: Vec<String>,
}

impl ResponseRequest {
    /// Reads a body under a contract.
    ///
    /// # Errors
    /// The first parameter that the contract refuses, else the first that is wrong.
    pub fn read(body: &Value, contract: &Contract) -> Result<Self, OpenAiError> {
        if let Some(members) = body.as_object() {
            contract.check(members, Endpoint::Responses)?;
        }
        let mut fields = Fields::of(body, "", Endpoint::Responses)?;
        let mut warnings = Vec::new();
        fields.get("model");
        refuse_what_is_not_served(&mut fields)?;
        pass_over(&mut fields, &mut warnings)?;
        let tools = tools::read(&mut fields, Endpoint::Responses, contract)?;
        let (tool_choice, parallel_tool_calls) =
            tools::read_choice(&mut fields, &tools, Endpoint::Responses)?;
        let (effort, summary) = read_reasoning(&mut fields, contract)?;
        let (store, background) = read_keeping(&mut fields)?;
        let (logprobs, sealed) = read_include(&mut fields, contract)?;
        let request = Self {
            input: fields.get("input").cloned(),
            instructions: fields.text("instructions")?.map(str::to_owned),
            previous: fields.text("previous_response_id")?.map(str::to_owned),
            store,
            background,
            stream: fields.flag("stream")?.unwrap_or(false),
            tools,
            tool_choice,
            parallel_tool_calls,
            format: read_text(&mut fields, contract, &mut warnings)?,
            sampling: Sampling {
                temperature: fields.number("temperature", 0.0, 2.0)?,
                top_p: fields.number("top_p", 0.0, 1.0)?,
                ..Sampling::default()
            },
            effort,
            summary,
            max_output_tokens: fields.tokens("max_output_tokens", FEWEST_TOKENS)?,
            logprobs,
            sealed,
            echo: echo(body),
            warnings,
        };
        if request.input.is_none() && request.previous.is_none() {
            fields.required("input")?;
        }
        fields.close()?;
        Ok(request)
    }
}

fn refuse_what_is_not_served(fields: &mut Fields<'_>) -> Result<(), OpenAiError> {
    for (name, instead) in [
        ("prompt", "Send 'instructions' and 'input'."),
        ("conversation", "Use 'previous_response_id'."),
        (
            "max_tool_calls",
            "It bounds tools that run on the host; none does here.",
        ),
        ("context_management", "Leave it out."),
        ("moderation", "Leave it out."),
    ] {
        if fields.get(name).is_some() {
            return Err(OpenAiError::not_served(
                name,
                format!("'{name}' is not served here. {instead}"),
            ));
        }
    }
    match fields.whole("top_logprobs", 0, 20)? {
        None | Some(0) => Ok(()),
        Some(_) => Err(OpenAiError::not_served(
            "top_logprobs",
            "Models served here tell the probability of the chosen tokens, not of others. Leave 'top_logprobs' out.",
        )),
    }
}

fn pass_over(fields: &mut Fields<'_>, warnings: &mut Vec<String>) -> Result<(), OpenAiError> {
    const TIERS: [(&str, ()); 5] = [
        ("auto", ()),
        ("default", ()),
        ("flex", ()),
        ("scale", ()),
        ("priority", ()),
    ];
    const TRUNCATIONS: [(&str, bool); 2] = [("auto", true), ("disabled", false)];
    fields.pass_over(&[
        "user",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
    ]);
    fields.word("service_tier", &TIERS)?;
    if fields.word("truncation", &TRUNCATIONS)? == Some(true) {
        warnings.push(
            "truncation: a conversation is never shortened here; one that is too long is refused".to_owned(),
        );
    }
    if let Some(mut options) = fields.child("stream_options")? {
        options.flag("include_obfuscation")?;
        options.close()?;
    }
    match fields.get("metadata") {
        None => Ok(()),
        Some(Value::Object(members))
            if members.len() <= MOST_METADATA && members.values().all(Value::is_string) =>
        {
            Ok(())
        }
        Some(Value::Object(_)) => {
            let message = format!(
                "Invalid 'metadata': at most {MOST_METADATA} members, whose values are strings, are expected."
            );
            Err(OpenAiError::invalid("metadata", Some("invalid_value"), message))
        }
        Some(other) => Err(wrong_type("metadata", "an object", other)),
    }
}

fn read_keeping(fields: &mut Fields<'_>) -> Result<(bool, bool), OpenAiError> {
    let store = fields.flag("store")?.unwrap_or(true);
    let background = fields.flag("background")?.unwrap_or(false);
    if background && !store {
        let message = "Background mode requires 'store' to be true.";
        return Err(OpenAiError::invalid("background", None, message));
    }
    Ok((store, background))
}

fn read_reasoning(
    fields: &mut Fields<'_>,
    contract: &Contract,
) -> Result<(Option<Effort>, bool), OpenAiError> {
    const SUMMARIES: [(&str, ()); 3] = [("auto", ()), ("concise", ()), ("detailed", ())];
    let Some(mut reasoning) = fields.child("reasoning")? else {
        return Ok((None, false));
    };
    let effort = reasoning.text("effort")?;
    let effort = effort
        .map(|text| contract.effort(text, "reasoning.effort"))
        .transpose()?;
    let summary = reasoning.word("summary", &SUMMARIES)?.is_some();
    // Its older name.
    let summary = reasoning.word("generate_summary", &SUMMARIES)?.is_some() || summary;
    reasoning.close()?;
    Ok((effort, summary))
}

fn read_text(
    fields: &mut Fields<'_>,
    contract: &Contract,
    warnings: &mut Vec<String>,
) -> Result<ReplyFormat, OpenAiError> {
    const VERBOSITIES: [(&str, bool); 3] = [("low", true), ("medium", false), ("high", true)];
    let Some(mut text) = fields.child("text")? else {
        return Ok(ReplyFormat::Text);
    };
    if text.word("verbosity", &VERBOSITIES)? == Some(true) {
        warnings.push("text.verbosity: no model served here takes it; it was left out".to_owned());
    }
    let format = match text.child("format")? {
        Some(format) => ReplyFormat::read_responses(format, contract)?,
        None => ReplyFormat::Text,
    };
    text.close()?;
    Ok(format)
}

/// Whether probabilities are asked for, and seals; the other words ask for what has no part in answers here.
fn read_include(fields: &mut Fields<'_>, contract: &Contract) -> Result<(bool, bool), OpenAiError> {
    const LOGPROBS: &str = "message.output_text.logprobs";
    const SEALS: &str = "reasoning.encrypted_content";
    const WORDS: [(&str, ()); 7] = [
        ("code_interpreter_call.outputs", ()),
        ("computer_call_output.output.image_url", ()),
        ("file_search_call.results", ()),
        ("message.input_image.image_url", ()),
        (LOGPROBS, ()),
        (SEALS, ()),
        ("web_search_call.action.sources", ()),
    ];
    let (mut logprobs, mut sealed) = (false, false);
    for (index, entry) in fields.array("include")?.unwrap_or_default().iter().enumerate() {
        let path = format!("include[{index}]");
        let word = super::super::fields::text_of(entry, &path)?;
        super::super::fields::one_of(word, &WORDS, &path)?;
        logprobs |= word == LOGPROBS;
        sealed |= word == SEALS;
    }
    if sealed && contract.openai && !contract.reasoning {
        let message = "Encrypted content is not supported with this model.";
        return Err(OpenAiError::invalid("include", None, message));
    }
    Ok((logprobs, sealed))
}

/// Members that are told back as they came, with the hosts' defaults.
fn echo(body: &Value) -> Map<String, Value> {
    let defaults = [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("metadata", serde_json::json!({})),
        ("parallel_tool_calls", true.into()),
        ("previous_response_id", Value::Null),
        ("reasoning", serde_json::json!({"effort": null, "summary": null})),
        ("service_tier", "default".into()),
        ("temperature", 1.0.into()),
        ("text", serde_json::json!({"format": {"type": "text"}})),
        ("tool_choice", "auto".into()),
        ("tools", serde_json::json!([])),
        ("top_p", 1.0.into()),
        ("truncation", "disabled".into()),
        ("user", Value::Null),
    ];
    let told = |(name, default): (&str, Value)| {
        let given = body.get(name).filter(|value| !value.is_null()).cloned();
        (name.to_owned(), given.unwrap_or(default))
    };
    defaults.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const O_SERIES: Contract = Contract {
        reasoning: true,
        openai: true,
        effort: true,
    };

    fn read(body: Value) -> Result<ResponseRequest, OpenAiError> {
        ResponseRequest::read(&body, &O_SERIES)
    }

    #[test]
    fn a_request_is_read_and_told_back() {
        let request = read(json!({
            "model": "o4-mini", "input": "Hi", "reasoning": {"effort": "low", "summary": "auto"},
            "max_output_tokens": 100, "metadata": {"a": "b"}, "include": ["reasoning.encrypted_content"], "store": false,
        }))
        .unwrap();
        assert_eq!((request.effort, request.summary), (Some(Effort::Low), true));
        assert!(!request.store && !request.background);
        assert_eq!(request.echo["metadata"], json!({"a": "b"}));
        assert_eq!(request.echo["temperature"], 1.0);
        assert!(request.sealed && request.warnings.is_empty());
        let gpt_4 = Contract {
            reasoning: false,
            ..O_SERIES
        };
        let sealed = json!({"input": "Hi", "include": ["reasoning.encrypted_content"]});
        let error = ResponseRequest::read(&sealed, &gpt_4).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("include"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |body: Value, param: &str, code: Option<&str>| {
            let error = read(body.clone()).unwrap_err();
            assert_eq!(
                (error.param.as_deref(), error.code),
                (Some(param), code),
                "{body}"
            );
        };
        check(json!({"model": "m"}), "input", Some("missing_required_parameter"));
        check(json!({"input": "x", "temperature": 0.5}), "temperature", None);
        check(json!({"input": "x", "foo": 1}), "foo", Some("unknown_parameter"));
        check(
            json!({"input": "x", "max_output_tokens": 5}),
            "max_output_tokens",
            Some("integer_below_min_value"),
        );
        check(
            json!({"input": "x", "background": true, "store": false}),
            "background",
            None,
        );
        check(
            json!({"input": "x", "reasoning": {"effort": "minimal"}}),
            "reasoning.effort",
            Some("unsupported_value"),
        );
        check(
            json!({"input": "x", "include": ["all"]}),
            "include[0]",
            Some("invalid_value"),
        );
        check(
            json!({"input": "x", "conversation": "c"}),
            "conversation",
            Some("unsupported_parameter"),
        );
        check(
            json!({"input": "x", "tools": [{"type": "web_search"}]}),
            "tools[0].type",
            Some("unsupported_parameter"),
        );
    }
}
