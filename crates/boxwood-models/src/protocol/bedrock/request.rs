//! Encodes a request for Converse.
//!
//! Invariants: roles alternate and the first turn is the user's, as the service demands; no block is blank; a parameter
//! that the model refuses is never sent. Thinking is not asked for where the service would refuse it: with a forced tool,
//! and between a tool's call and its result (the thinking itself would have to be sent back, which we do not keep).

use super::REPLY_TOOL;
use crate::capability::{Family, JsonSchemaSupport, Parameter};
use crate::protocol::Call;
use crate::protocol::parameters::{sampling_values, sent_effort};
use crate::protocol::schema::{format_name, host_schema};
use base64::Engine;
use boxwood_core::{ChatMessage, ChatRequest, ChatRole, ImageInput, ModelError, ToolChoice};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The smallest budget of thinking that Claude takes.
const SMALLEST_BUDGET: u32 = 1_024;
/// Id and name of a tool have at most so many characters.
const LONGEST_ID: usize = 64;

/// The body of `POST /model/{id}/converse-stream`.
///
/// # Errors
/// A schema that the binding can't keep to, a picture of a kind that the service does not take.
pub(super) fn encode(call: &Call<'_>) -> Result<Value, ModelError> {
    let request = call.request;
    let mut body = Map::new();
    let system: Vec<Value> = texts_of(request, ChatRole::System)
        .map(|text| json!({"text": text}))
        .collect();
    body.insert("messages".into(), turns(call)?.into());
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    body.insert("inferenceConfig".into(), inference(call));
    let mut output = Map::new();
    let mut tools = tools_of(request);
    if let Some(wanted) = &request.response_format {
        // "Any object" has no form that the service's own structured output takes.
        let is_any = wanted.schema == json!({"type": "object"});
        if is_any || call.host.capabilities.json_schema == JsonSchemaSupport::Tool {
            tools = Some(reply_tool(&wanted.schema));
        } else {
            let schema = host_schema(call.host, call.model, wanted)?.to_string();
            let structure = json!({"jsonSchema": {"name": format_name(&wanted.name), "schema": schema}});
            output.insert(
                "textFormat".into(),
                json!({"type": "json_schema", "structure": structure}),
            );
        }
    }
    let mut additional = additional_fields(call);
    let forced = tools.as_ref().is_some_and(is_forced);
    if may_think(request) && !forced {
        thinking(call, &mut additional, &mut output);
    }
    if let Some(tools) = tools {
        body.insert("toolConfig".into(), tools);
    }
    if !additional.is_empty() {
        body.insert("additionalModelRequestFields".into(), additional.into());
    }
    if !output.is_empty() {
        body.insert("outputConfig".into(), output.into());
    }
    Ok(Value::Object(body))
}

fn texts_of(request: &ChatRequest, role: ChatRole) -> impl Iterator<Item = &str> {
    let of_role = request
        .messages
        .iter()
        .filter(move |message| message.role == role);
    of_role
        .map(|message| message.content.as_str())
        .filter(|text| !text.trim().is_empty())
}

/// The conversation without instructions: neighbours of the same role become one turn.
fn turns(call: &Call<'_>) -> Result<Vec<Value>, ModelError> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &call.request.messages {
        let role = match message.role {
            ChatRole::System => continue,
            ChatRole::Assistant => "assistant",
            ChatRole::User | ChatRole::Tool => "user",
        };
        let blocks = blocks_of(call.model, message)?;
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, content)) if *last == role => content.extend(blocks),
            // The service refuses a conversation that the assistant begins.
            None if role == "assistant" => {
                turns.push(("user", vec![json!({"text": "…"})]));
                turns.push((role, blocks));
            }
            _ => turns.push((role, blocks)),
        }
    }
    let turn = |(role, content): (&str, Vec<Value>)| json!({"role": role, "content": content});
    Ok(turns.into_iter().map(turn).collect())
}

fn blocks_of(model: &str, message: &ChatMessage) -> Result<Vec<Value>, ModelError> {
    if message.role == ChatRole::Tool {
        let id = tool_id(message.tool_call_id.as_deref().unwrap_or_default());
        let text = if message.content.trim().is_empty() {
            "(empty)"
        } else {
            &message.content
        };
        return Ok(vec![
            json!({"toolResult": {"toolUseId": id, "content": [{"text": text}]}}),
        ]);
    }
    let mut blocks = Vec::new();
    if !message.content.trim().is_empty() {
        blocks.push(json!({"text": message.content}));
    }
    for image in &message.images {
        blocks.push(image_block(model, image)?);
    }
    for called in &message.tool_calls {
        // Arguments that are no object can't be sent; the model sees what it wrote all the same.
        let input = serde_json::from_str::<Map<String, Value>>(&called.arguments)
            .unwrap_or_else(|_| Map::from_iter([("arguments".to_owned(), json!(called.arguments))]));
        blocks.push(
            json!({"toolUse": {"toolUseId": tool_id(&called.id), "name": called.name, "input": input}}),
        );
    }
    Ok(blocks)
}

fn image_block(model: &str, image: &ImageInput) -> Result<Value, ModelError> {
    let format = match image.media_type.as_str() {
        "image/png" => "png",
        "image/jpeg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => {
            return Err(ModelError::Unsupported {
                model: model.to_owned(),
                what: "read images other than PNG, JPEG, GIF and WebP",
            });
        }
    };
    let bytes = base64::engine::general_purpose::STANDARD.encode(&image.bytes);
    Ok(json!({"image": {"format": format, "source": {"bytes": bytes}}}))
}

/// An id in the characters and the length that the service takes; another host's id becomes its digest.
fn tool_id(id: &str) -> String {
    let is_taken = |character: char| character.is_ascii_alphanumeric() || "_.:-".contains(character);
    if !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(is_taken) {
        return id.to_owned();
    }
    format!("call_{}", hex::encode(&Sha256::digest(id.as_bytes())[..16]))
}

fn inference(call: &Call<'_>) -> Value {
    let capabilities = &call.host.capabilities;
    let mut config = Map::from_iter([("maxTokens".to_owned(), json!(call.output_limit))]);
    for (parameter, value) in sampling_values(&call.request.sampling) {
        let key = match parameter {
            Parameter::Temperature => "temperature",
            Parameter::TopP => "topP",
            _ => continue,
        };
        // Newer Claude models refuse both together, so the temperature alone is sent.
        let is_second = parameter == Parameter::TopP
            && capabilities.family == Family::Claude
            && config.contains_key("temperature");
        if capabilities.accepts(parameter) && !is_second {
            // The service's own limit is 1, where other hosts go up to 2.
            let value = value
                .as_f64()
                .map_or(value, |number| json!(number.clamp(0.0, 1.0)));
            config.insert(key.into(), value);
        }
    }
    let stop: Vec<&String> = call
        .request
        .stop
        .iter()
        .filter(|stop| !stop.trim().is_empty())
        .collect();
    let may_stop = call.request.response_format.is_none() && !stop.is_empty();
    if may_stop && capabilities.accepts(Parameter::Stop) {
        config.insert("stopSequences".into(), json!(stop));
    }
    Value::Object(config)
}

fn tools_of(request: &ChatRequest) -> Option<Value> {
    let offered = request.tool_choice != ToolChoice::None || was_called(request);
    let mut tools: Vec<Value> = Vec::new();
    for tool in request.tools.iter().filter(|_| offered) {
        let mut spec = json!({"name": tool.name, "inputSchema": {"json": tool.parameters}});
        if let Some(description) = tool.description.as_deref().filter(|text| !text.is_empty()) {
            spec["description"] = json!(description);
        }
        if tool.strict {
            spec["strict"] = json!(true);
        }
        tools.push(json!({"toolSpec": spec}));
    }
    // A conversation with calls is refused without tools: what was called then is named.
    if tools.is_empty() {
        for called in request.messages.iter().flat_map(|message| &message.tool_calls) {
            let spec =
                json!({"toolSpec": {"name": called.name, "inputSchema": {"json": {"type": "object"}}}});
            if !tools.contains(&spec) {
                tools.push(spec);
            }
        }
    }
    if tools.is_empty() {
        return None;
    }
    let mut config = json!({"tools": tools});
    match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::None => {}
        ToolChoice::Required => config["toolChoice"] = json!({"any": {}}),
        ToolChoice::Named(name) => config["toolChoice"] = json!({"tool": {"name": name}}),
    }
    Some(config)
}

fn was_called(request: &ChatRequest) -> bool {
    request
        .messages
        .iter()
        .any(|message| !message.tool_calls.is_empty())
}

fn reply_tool(schema: &Value) -> Value {
    let description = "Gives the reply: call this once, with the whole reply as its input.";
    let spec = json!({"name": REPLY_TOOL, "description": description, "inputSchema": {"json": schema}});
    json!({"tools": [{"toolSpec": spec}], "toolChoice": {"tool": {"name": REPLY_TOOL}}})
}

fn is_forced(tools: &Value) -> bool {
    tools.get("toolChoice").is_some()
}

/// Whether the last turn is a question, not the result of a tool.
fn may_think(request: &ChatRequest) -> bool {
    let last = request
        .messages
        .iter()
        .rfind(|message| message.role != ChatRole::System);
    last.is_some_and(|message| message.role == ChatRole::User)
}

/// Parameters that Converse has no field for.
fn additional_fields(call: &Call<'_>) -> Map<String, Value> {
    let capabilities = &call.host.capabilities;
    let top_k = sampling_values(&call.request.sampling)
        .into_iter()
        .find(|(parameter, _)| *parameter == Parameter::TopK && capabilities.accepts(Parameter::TopK));
    let mut fields = Map::new();
    if let Some((_, value)) = top_k {
        fields.insert("top_k".into(), value);
    }
    fields
}

fn thinking(call: &Call<'_>, additional: &mut Map<String, Value>, output: &mut Map<String, Value>) {
    let capabilities = &call.host.capabilities;
    match capabilities.family {
        Family::ClaudeThinking => {
            let budget = capabilities
                .reserve(call.request.effort)
                .max(SMALLEST_BUDGET)
                .min(call.output_limit / 4 * 3);
            if budget >= SMALLEST_BUDGET {
                let thinking = json!({"type": "enabled", "budget_tokens": budget});
                additional.insert("thinking".into(), thinking);
            }
        }
        Family::ClaudeAdaptive => {
            additional.insert("thinking".into(), json!({"type": "adaptive"}));
            if let Some(effort) = call
                .request
                .effort
                .and_then(|effort| sent_effort(capabilities, effort))
            {
                output.insert("effort".into(), json!(effort));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
