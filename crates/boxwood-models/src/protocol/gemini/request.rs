//! Encodes a request for `generateContent`.
//!
//! Invariants: turns alternate between `user` and `model`, no part is empty, a parameter that the model refuses is never
//! sent. Results of tools are matched to their calls by name and order, as both of Google's hosts take them (the newer
//! `id` is unknown to some of them).

use super::{schema, signature};
use crate::capability::{Family, JsonSchemaSupport, Parameter};
use crate::protocol::Call;
use crate::protocol::parameters::{sampling_values, sent_effort};
use base64::Engine;
use boxwood_core::{ChatMessage, ChatRole, Effort, ModelError, ToolChoice, ToolDefinition};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The API takes five stop strings; further ones are applied to the visible text only.
const MOST_STOP_STRINGS: usize = 5;

/// The body of `streamGenerateContent`.
///
/// # Errors
/// A schema that the binding can't keep to.
pub(super) fn encode(call: &Call<'_>) -> Result<Value, ModelError> {
    let request = call.request;
    let mut body = Map::new();
    let system: Vec<Value> = request
        .messages
        .iter()
        .filter(|message| message.role == ChatRole::System && !message.content.trim().is_empty())
        .map(|message| json!({"text": message.content}))
        .collect();
    if !system.is_empty() {
        body.insert("systemInstruction".into(), json!({"parts": system}));
    }
    body.insert("contents".into(), turns(call).into());
    if !request.tools.is_empty() {
        let declarations: Vec<Value> = request.tools.iter().map(declaration).collect();
        body.insert("tools".into(), json!([{"functionDeclarations": declarations}]));
        if let Some(config) = calling_config(&request.tool_choice) {
            body.insert("toolConfig".into(), json!({"functionCallingConfig": config}));
        }
    }
    body.insert("generationConfig".into(), generation_config(call)?);
    Ok(Value::Object(body))
}

fn turns(call: &Call<'_>) -> Vec<Value> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &call.request.messages {
        let role = match message.role {
            ChatRole::System => continue,
            ChatRole::Assistant => "model",
            ChatRole::User | ChatRole::Tool => "user",
        };
        for called in &message.tool_calls {
            names.insert(&called.id, &called.name);
        }
        let parts = if message.role == ChatRole::Tool {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            vec![result_part(
                names.get(id).copied().unwrap_or(id),
                &message.content,
            )]
        } else {
            parts_of(message, call.host.capabilities.family)
        };
        match turns.last_mut() {
            _ if parts.is_empty() => {}
            Some((last, all)) if *last == role => all.extend(parts),
            _ => turns.push((role, parts)),
        }
    }
    let turn = |(role, parts): (&str, Vec<Value>)| json!({"role": role, "parts": parts});
    turns.into_iter().map(turn).collect()
}

fn parts_of(message: &ChatMessage, family: Family) -> Vec<Value> {
    let mut parts = Vec::new();
    if !message.content.is_empty() {
        parts.push(json!({"text": message.content}));
    }
    for image in &message.images {
        let data = base64::engine::general_purpose::STANDARD.encode(&image.bytes);
        parts.push(json!({"inlineData": {"mimeType": image.media_type, "data": data}}));
    }
    for (index, called) in message.tool_calls.iter().enumerate() {
        let arguments = serde_json::from_str::<Map<String, Value>>(&called.arguments)
            .unwrap_or_else(|_| Map::from_iter([("arguments".to_owned(), json!(called.arguments))]));
        let mut part = json!({"functionCall": {"name": called.name, "args": arguments}});
        // Of calls at once only the first is signed. Earlier generations need no signature.
        let missing = (family == Family::Gemini3 && index == 0).then_some(signature::NONE);
        if let Some(signature) = signature::of(&called.id).or(missing) {
            part["thoughtSignature"] = json!(signature);
        }
        parts.push(part);
    }
    parts
}

/// A result must be an object on the wire.
fn result_part(name: &str, content: &str) -> Value {
    let response = match serde_json::from_str(content) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        _ => json!({"result": content}),
    };
    json!({"functionResponse": {"name": name, "response": response}})
}

fn declaration(tool: &ToolDefinition) -> Value {
    let mut declaration = json!({"name": tool.name});
    if let Some(description) = tool.description.as_deref().filter(|text| !text.is_empty()) {
        declaration["description"] = json!(description);
    }
    let has_parameters = tool.parameters["properties"]
        .as_object()
        .is_some_and(|all| !all.is_empty());
    if has_parameters {
        // What Google's subset can't say (recursion) goes as JSON Schema, which newer models take.
        match schema::google_schema(&tool.parameters) {
            Ok(schema) => declaration["parameters"] = schema,
            Err(_) => declaration["parametersJsonSchema"] = tool.parameters.clone(),
        }
    }
    declaration
}

fn calling_config(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"mode": "NONE"})),
        ToolChoice::Required => Some(json!({"mode": "ANY"})),
        ToolChoice::Named(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}

fn generation_config(call: &Call<'_>) -> Result<Value, ModelError> {
    let (request, capabilities) = (call.request, &call.host.capabilities);
    let mut config = Map::from_iter([("maxOutputTokens".to_owned(), json!(call.output_limit))]);
    for (parameter, value) in sampling_values(&request.sampling) {
        let key = match parameter {
            Parameter::Temperature => "temperature",
            Parameter::TopP => "topP",
            Parameter::TopK => "topK",
            Parameter::FrequencyPenalty => "frequencyPenalty",
            Parameter::PresencePenalty => "presencePenalty",
            Parameter::Seed => "seed",
            Parameter::Stop | Parameter::ReasoningEffort | Parameter::ParallelToolCalls => continue,
        };
        if capabilities.accepts(parameter) {
            config.insert(key.into(), if key == "seed" { small_seed(&value) } else { value });
        }
    }
    let may_stop = request.response_format.is_none() && !request.stop.is_empty();
    if may_stop && capabilities.accepts(Parameter::Stop) {
        let sent: Vec<&String> = request.stop.iter().take(MOST_STOP_STRINGS).collect();
        config.insert("stopSequences".into(), json!(sent));
    }
    if let Some(wanted) = &request.response_format {
        config.insert("responseMimeType".into(), json!("application/json"));
        // "Any object" is what the media type alone asks for.
        if wanted.schema != json!({"type": "object"}) {
            let (key, schema) = response_schema(call, &wanted.schema)?;
            config.insert(key.into(), schema);
        }
    }
    if let Some(thinking) = thinking_config(call) {
        config.insert("thinkingConfig".into(), thinking);
    }
    Ok(Value::Object(config))
}

/// A seed is a 32-bit number with a sign here.
fn small_seed(value: &Value) -> Value {
    let seed = value.as_u64().unwrap_or(0);
    json!(seed % (1 << 31))
}

fn response_schema(call: &Call<'_>, wanted: &Value) -> Result<(&'static str, Value), ModelError> {
    let model = call.model.to_owned();
    match call.host.capabilities.json_schema {
        JsonSchemaSupport::None | JsonSchemaSupport::Tool => Err(ModelError::Unsupported {
            model,
            what: "keep to a schema",
        }),
        JsonSchemaSupport::Full => Ok(("responseJsonSchema", wanted.clone())),
        JsonSchemaSupport::Strict => match schema::google_schema(wanted) {
            Ok(schema) => Ok(("responseSchema", schema)),
            Err(message) => Err(ModelError::SchemaUnsupported { model, message }),
        },
    }
}

/// How much the model thinks, and that it shows a summary of it.
fn thinking_config(call: &Call<'_>) -> Option<Value> {
    let capabilities = &call.host.capabilities;
    let effort = call
        .request
        .effort
        .and_then(|effort| sent_effort(capabilities, effort));
    let mut config = json!({"includeThoughts": true});
    match capabilities.family {
        Family::Gemini25 => {
            // Without a wish the model decides; a budget is a bound, so it takes the reserve that was added for it.
            if effort.is_some() || capabilities.reasoning_reserve.is_some() {
                let budget = capabilities.reserve(effort).min(call.output_limit / 4 * 3);
                config["thinkingBudget"] = json!(budget);
            }
        }
        Family::Gemini3 => match effort {
            Some(Effort::Low) => config["thinkingLevel"] = json!("LOW"),
            Some(Effort::Medium | Effort::High) => config["thinkingLevel"] = json!("HIGH"),
            None => {}
        },
        _ => return None,
    }
    Some(config)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
