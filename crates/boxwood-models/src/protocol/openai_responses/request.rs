//! Encodes a request for the Responses API.
//!
//! Invariant: a parameter that the model or the API does not take is never sent (the API's own list is
//! [`crate::host::Api::refused`]).

use crate::capability::{JsonSchemaSupport, Parameter};
use crate::protocol::Call;
use crate::protocol::parameters::{sampling_values, sent_effort};
use crate::protocol::schema::{data_url, format_name, host_schema, is_any_object, tool_function};
use boxwood_core::{ChatMessage, ChatRole, JsonSchemaFormat, ModelError, ToolChoice};
use serde_json::{Map, Value, json};

/// The API refuses a smaller output limit.
const LEAST_OUTPUT: u32 = 16;

/// The body of a streamed response.
///
/// # Errors
/// A schema that the host can't be asked for.
pub(super) fn encode(call: &Call<'_>) -> Result<Value, ModelError> {
    let (host, request) = (call.host, call.request);
    let capabilities = &host.capabilities;
    let role = capabilities.rules().instruction_role;
    let mut body = Map::new();
    let model = host.deployment.as_deref().or(host.model.as_deref());
    body.extend(model.map(|model| ("model".to_owned(), model.into())));
    let items = request
        .messages
        .iter()
        .flat_map(|message| input_items(role, message));
    body.insert("input".into(), items.collect());
    body.insert(
        "max_output_tokens".into(),
        call.output_limit.max(LEAST_OUTPUT).into(),
    );
    for (parameter, value) in sampling_values(&request.sampling) {
        if capabilities.accepts(parameter) {
            body.insert(parameter.as_str().into(), value);
        }
    }
    body.extend(reasoning(call).map(|reasoning| ("reasoning".to_owned(), reasoning)));
    if let Some(wanted) = &request.response_format {
        body.insert("text".into(), json!({"format": format_of(call, wanted)?}));
    }
    body.extend(tool_fields(call)?);
    body.insert("store".into(), false.into());
    body.insert("stream".into(), true.into());
    Ok(Value::Object(body))
}

fn format_of(call: &Call<'_>, wanted: &JsonSchemaFormat) -> Result<Value, ModelError> {
    if call.host.capabilities.json_schema != JsonSchemaSupport::None && is_any_object(wanted) {
        return Ok(json!({"type": "json_object"}));
    }
    let schema = host_schema(call.host, call.model, wanted)?;
    let name = format_name(&wanted.name);
    Ok(json!({"type": "json_schema", "name": name, "strict": true, "schema": schema}))
}

/// Effort, and the summary where the binding asks for one.
fn reasoning(call: &Call<'_>) -> Option<Value> {
    let capabilities = &call.host.capabilities;
    let effort = call
        .request
        .effort
        .and_then(|effort| sent_effort(capabilities, effort));
    let mut reasoning = Map::new();
    reasoning.extend(effort.map(|effort| ("effort".to_owned(), json!(effort))));
    if capabilities.rules().reasoning {
        let summary = call.host.reasoning_summary;
        reasoning.extend(summary.map(|summary| ("summary".to_owned(), summary.as_str().into())));
    }
    (!reasoning.is_empty()).then_some(Value::Object(reasoning))
}

fn tool_fields(call: &Call<'_>) -> Result<Map<String, Value>, ModelError> {
    let request = call.request;
    let mut fields = Map::new();
    if request.tools.is_empty() {
        return Ok(fields);
    }
    let mut tools = Vec::new();
    for tool in &request.tools {
        let mut function = tool_function(call, tool)?;
        function["type"] = "function".into();
        // Left out, it would mean true here, unlike in chat completions.
        function["strict"] = function.get("strict").cloned().unwrap_or(false.into());
        tools.push(function);
    }
    fields.insert("tools".into(), tools.into());
    let choice = match &request.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::Named(name) => Some(json!({"type": "function", "name": name})),
    };
    fields.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    if let Some(parallel) = request.parallel_tool_calls
        && call.host.capabilities.accepts(Parameter::ParallelToolCalls)
    {
        fields.insert("parallel_tool_calls".into(), parallel.into());
    }
    Ok(fields)
}

/// A message is several items where tools were called in it.
fn input_items(instruction_role: &str, message: &ChatMessage) -> Vec<Value> {
    let (role, part) = match message.role {
        ChatRole::System => (instruction_role, "input_text"),
        ChatRole::User => ("user", "input_text"),
        ChatRole::Assistant => ("assistant", "output_text"),
        ChatRole::Tool => {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            return vec![json!({"type": "function_call_output", "call_id": id, "output": message.content})];
        }
    };
    let mut items = Vec::new();
    let text = (!message.content.is_empty() || message.tool_calls.is_empty())
        .then(|| text_part(part, &message.content));
    let images = message
        .images
        .iter()
        .map(|image| json!({"type": "input_image", "image_url": data_url(image), "detail": "auto"}));
    let parts: Vec<Value> = text.into_iter().chain(images).collect();
    if !parts.is_empty() {
        items.push(json!({"type": "message", "role": role, "content": parts}));
    }
    items.extend(message.tool_calls.iter().map(|call| {
        json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments})
    }));
    items
}

fn text_part(kind: &str, text: &str) -> Value {
    let mut part = json!({"type": kind, "text": text});
    if kind == "output_text" {
        part["annotations"] = json!([]);
    }
    part
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
