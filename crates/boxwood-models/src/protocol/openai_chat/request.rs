//! Encodes a request by what the serving model accepts.
//!
//! Invariant: a parameter that the model refuses is never sent (`protocol::parameters` warns of what is left out).

use crate::capability::{EffortField, JsonSchemaSupport, LimitField, Parameter};
use crate::protocol::Call;
use crate::protocol::parameters::{sampling_values, sent_effort};
use crate::protocol::schema::{data_url, format_name, host_schema, is_any_object, tool_function};
use boxwood_core::{ChatMessage, ChatRole, Effort, JsonSchemaFormat, ModelError, ToolChoice};
use serde_json::{Map, Value, json};

/// The dialect allows four stop strings; further ones are applied to the visible text only.
const MOST_STOP_STRINGS: usize = 4;

/// The body of a streamed completion.
///
/// # Errors
/// A schema that the host can't be asked for.
pub(super) fn encode(call: &Call<'_>) -> Result<Value, ModelError> {
    let (host, request) = (call.host, call.request);
    let format = request
        .response_format
        .as_ref()
        .map(|wanted| response_format(call, wanted))
        .transpose()?;
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
    body.insert(limit_field.into(), call.output_limit.into());
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
        let (field, value) = match rules.effort_field {
            EffortField::ReasoningEffort => ("reasoning_effort", json!(effort)),
            EffortField::EnableThinking => (
                "chat_template_kwargs",
                json!({"enable_thinking": effort != Effort::Low}),
            ),
        };
        body.insert(field.into(), value);
    }
    if let Some(format) = format {
        body.insert("response_format".into(), format);
    }
    body.extend(tool_fields(call)?);
    body.insert("stream".into(), true.into());
    body.insert("stream_options".into(), json!({"include_usage": true}));
    Ok(Value::Object(body))
}

fn response_format(call: &Call<'_>, wanted: &JsonSchemaFormat) -> Result<Value, ModelError> {
    if call.host.capabilities.json_schema != JsonSchemaSupport::None && is_any_object(wanted) {
        return Ok(json!({"type": "json_object"}));
    }
    let schema = host_schema(call.host, call.model, wanted)?;
    let format = json!({"name": format_name(&wanted.name), "strict": true, "schema": schema});
    Ok(json!({"type": "json_schema", "json_schema": format}))
}

/// What the model may call, and whether it has to.
fn tool_fields(call: &Call<'_>) -> Result<Map<String, Value>, ModelError> {
    let request = call.request;
    let mut fields = Map::new();
    if request.tools.is_empty() {
        return Ok(fields);
    }
    let tools: Result<Vec<Value>, ModelError> = request
        .tools
        .iter()
        .map(|tool| Ok(json!({"type": "function", "function": tool_function(call, tool)?})))
        .collect();
    fields.insert("tools".into(), tools?.into());
    let choice = match &request.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::Named(name) => Some(json!({"type": "function", "function": {"name": name}})),
    };
    fields.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    if let Some(parallel) = request.parallel_tool_calls
        && call.host.capabilities.accepts(Parameter::ParallelToolCalls)
    {
        fields.insert("parallel_tool_calls".into(), parallel.into());
    }
    Ok(fields)
}

fn encode_message(instruction_role: &str, message: &ChatMessage) -> Value {
    let role = match message.role {
        ChatRole::System => instruction_role,
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
        ChatRole::Tool => "tool",
    };
    let mut encoded = json!({"role": role, "content": encode_content(message)});
    if let Some(id) = &message.tool_call_id {
        encoded["tool_call_id"] = id.as_str().into();
    }
    if !message.tool_calls.is_empty() {
        let calls = message.tool_calls.iter().map(|call| {
            json!({"id": call.id, "type": "function",
                   "function": {"name": call.name, "arguments": call.arguments}})
        });
        encoded["tool_calls"] = calls.collect();
        if message.content.is_empty() {
            encoded["content"] = Value::Null;
        }
    }
    encoded
}

fn encode_content(message: &ChatMessage) -> Value {
    if message.images.is_empty() {
        return message.content.as_str().into();
    }
    let text = json!({"type": "text", "text": message.content});
    let images = message
        .images
        .iter()
        .map(|image| json!({"type": "image_url", "image_url": {"url": data_url(image)}}));
    std::iter::once(text).chain(images).collect()
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
