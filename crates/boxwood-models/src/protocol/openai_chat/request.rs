//! Encodes a request by what the serving model accepts.
//!
//! Invariant: a parameter that the model refuses is never sent, and whatever is left out is in [`warnings`], which
//! reads the same rules.

use super::strict_schema::strict_schema;
use crate::capability::{Capabilities, JsonSchemaSupport, LimitField, Parameter};
use crate::host::Host;
use crate::resolved::ModelWarning;
use base64::Engine;
use boxwood_core::{ChatMessage, ChatRequest, ChatRole, Effort, JsonSchemaFormat, ModelError, Sampling};
use serde_json::{Map, Value, json};

/// The dialect allows four stop strings; further ones are applied to the visible text only.
const MOST_STOP_STRINGS: usize = 4;

/// A name of a schema has at most so many characters.
const LONGEST_FORMAT_NAME: usize = 64;

/// The body of a streamed completion. `output_limit` comes from [`output_limit`], `format` from [`response_format`].
pub(crate) fn encode(host: &Host, request: &ChatRequest, output_limit: u32, format: Option<Value>) -> Value {
    let capabilities = &host.capabilities;
    let rules = capabilities.rules();
    let mut body = Map::new();
    if let Some(model) = host.wire_model() {
        body.insert("model".into(), model.into());
    }
    let messages = request
        .messages
        .iter()
        .map(|message| encode_message(rules.instruction_role, message));
    body.insert("messages".into(), messages.collect());
    let limit_field = match rules.limit_field {
        LimitField::MaxTokens => "max_tokens",
        LimitField::MaxCompletionTokens => "max_completion_tokens",
    };
    body.insert(limit_field.into(), output_limit.into());
    for (parameter, value) in sampling_values(&request.sampling) {
        if capabilities.accepts(parameter) {
            body.insert(parameter.as_str().into(), value);
        }
    }
    // A value ends where it is complete: a stop string would cut it.
    let may_stop = format.is_none() && !request.stop.is_empty();
    if may_stop && capabilities.accepts(Parameter::Stop) {
        let sent: Vec<&String> = request.stop.iter().take(MOST_STOP_STRINGS).collect();
        body.insert("stop".into(), json!(sent));
    }
    if let Some(effort) = request
        .effort
        .and_then(|effort| sent_effort(capabilities, effort))
    {
        body.insert("reasoning_effort".into(), json!(effort));
    }
    if let Some(format) = format {
        body.insert("response_format".into(), format);
    }
    body.insert("stream".into(), true.into());
    body.insert("stream_options".into(), json!({"include_usage": true}));
    Value::Object(body)
}

/// How the host is asked for a reply that keeps to a schema.
///
/// # Errors
/// [`ModelError::Unsupported`] where the binding has no such thing, [`ModelError::SchemaUnsupported`] where the schema
/// can't be cut down to what the host takes.
pub(crate) fn response_format(
    host: &Host,
    model: &str,
    wanted: &JsonSchemaFormat,
) -> Result<Value, ModelError> {
    let schema =
        match host.capabilities.json_schema {
            JsonSchemaSupport::None => {
                return Err(ModelError::Unsupported {
                    model: model.to_owned(),
                    what: "keep to a schema",
                });
            }
            JsonSchemaSupport::Full => wanted.schema.clone(),
            JsonSchemaSupport::Strict => strict_schema(&wanted.schema, host.kind.row().schema_limits)
                .map_err(|problem| ModelError::SchemaUnsupported {
                    model: model.to_owned(),
                    message: problem.to_string(),
                })?,
        };
    let format = json!({"name": format_name(&wanted.name), "strict": true, "schema": schema});
    Ok(json!({"type": "json_schema", "json_schema": format}))
}

/// The name in the characters that hosts take.
fn format_name(name: &str) -> String {
    let is_taken = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let name: String = name
        .chars()
        .take(LONGEST_FORMAT_NAME)
        .map(|character| if is_taken(character) { character } else { '_' })
        .collect();
    if name.is_empty() { "reply".to_owned() } else { name }
}

/// Tokens to ask for: the visible ones and a reserve for thinking, within the model's limit and what the prompt leaves.
pub(crate) fn output_limit(capabilities: &Capabilities, request: &ChatRequest, prompt_tokens: u32) -> u32 {
    let wanted = request
        .max_output_tokens
        .saturating_add(capabilities.reserve(request.effort));
    let left = capabilities.context_window.saturating_sub(prompt_tokens);
    wanted.min(capabilities.max_output_tokens).min(left).max(1)
}

/// What of the request is left out, or done here instead of by the host.
pub(crate) fn warnings(capabilities: &Capabilities, request: &ChatRequest) -> Vec<ModelWarning> {
    let family = capabilities.rules().name;
    let mut warnings = Vec::new();
    let mut warn =
        |parameter: &'static str, message: String| warnings.push(ModelWarning { parameter, message });
    for (parameter, value) in sampling_values(&request.sampling) {
        if !capabilities.accepts(parameter) && !is_default(parameter, &value) {
            let message = format!("models of the family {family} do not take it; {value} was left out");
            warn(parameter.as_str(), message);
        }
    }
    let may_stop = request.response_format.is_none() && !request.stop.is_empty();
    if may_stop && !capabilities.accepts(Parameter::Stop) {
        warn(
            "stop",
            format!("models of the family {family} do not take it; the answer is cut here instead"),
        );
    }
    if let Some(effort) = request.effort {
        match sent_effort(capabilities, effort) {
            None => warn(
                "reasoning_effort",
                format!("models of the family {family} have none; it was left out"),
            ),
            Some(sent) if sent != effort => {
                warn(
                    "reasoning_effort",
                    format!("models of the family {family} do not have this value; {sent:?} is used")
                        .to_lowercase(),
                );
            }
            Some(_) => {}
        }
    }
    if request.max_output_tokens > capabilities.max_output_tokens {
        let most = capabilities.max_output_tokens;
        warn(
            "max_output_tokens",
            format!("the model writes at most {most} tokens; {most} is used"),
        );
    }
    warnings
}

/// The effort as it is sent: a value that the family lacks becomes the next higher one that it has.
fn sent_effort(capabilities: &Capabilities, effort: Effort) -> Option<Effort> {
    if !capabilities.accepts(Parameter::ReasoningEffort) {
        return None;
    }
    let efforts = capabilities.rules().efforts;
    let rank = |effort: Effort| effort as u8;
    let exact_or_higher = efforts
        .iter()
        .filter(|known| rank(**known) >= rank(effort))
        .min_by_key(|known| rank(**known));
    exact_or_higher.or(efforts.last()).copied()
}

fn sampling_values(sampling: &Sampling) -> Vec<(Parameter, Value)> {
    let number = |parameter, value: Option<f32>| value.map(|value| (parameter, shortest(value)));
    let top_k = sampling.top_k.map(|value| (Parameter::TopK, whole(value)));
    [
        number(Parameter::Temperature, sampling.temperature),
        number(Parameter::TopP, sampling.top_p),
        top_k,
        number(Parameter::FrequencyPenalty, sampling.frequency_penalty),
        number(Parameter::PresencePenalty, sampling.presence_penalty),
        sampling.seed.map(|seed| (Parameter::Seed, seed.into())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Leaving out a value that is the host's default anyway changes nothing.
fn is_default(parameter: Parameter, value: &Value) -> bool {
    let default = match parameter {
        Parameter::Temperature | Parameter::TopP => 1.0,
        Parameter::FrequencyPenalty | Parameter::PresencePenalty => 0.0,
        _ => return false,
    };
    value.as_f64() == Some(default)
}

/// 0.1 as `0.1`, not as the 0.10000000149 that widening to 64 bits would print.
fn shortest(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// `top_k` is a whole number on the wire.
fn whole(value: f32) -> Value {
    // Saturating: a negative or huge value becomes the nearest possible one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturating by definition of `as`"
    )]
    let rounded = value.round() as u32;
    rounded.into()
}

fn encode_message(instruction_role: &str, message: &ChatMessage) -> Value {
    let role = match message.role {
        ChatRole::System => instruction_role,
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
        ChatRole::Tool => "tool",
    };
    if message.images.is_empty() {
        return json!({"role": role, "content": message.content});
    }
    let mut parts = vec![json!({"type": "text", "text": message.content})];
    for image in &message.images {
        let encoded = base64::engine::general_purpose::STANDARD.encode(&image.bytes);
        let url = format!("data:{};base64,{encoded}", image.media_type);
        parts.push(json!({"type": "image_url", "image_url": {"url": url}}));
    }
    json!({"role": role, "content": parts})
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
