//! How a host is asked for a reply, or a tool's arguments, that keep to a schema: as it takes it, under a name that it
//! takes; and how it gets a picture.
//!
//! Invariant: what the host can't be asked for is refused here, before anything is sent. Each protocol wraps the result
//! in its own way.

use super::Call;
use super::strict_schema::strict_schema;
use crate::capability::JsonSchemaSupport;
use crate::host::Host;
use base64::Engine;
use boxwood_core::{ImageInput, JsonSchemaFormat, ModelError, ToolDefinition};
use serde_json::{Value, json};

/// A name of a schema has at most so many characters.
const LONGEST_FORMAT_NAME: usize = 64;

/// The schema for the host.
///
/// # Errors
/// [`ModelError::Unsupported`] where the binding has no such thing, [`ModelError::SchemaUnsupported`] where the schema
/// can't be cut down to what the host takes.
pub(crate) fn host_schema(host: &Host, model: &str, wanted: &JsonSchemaFormat) -> Result<Value, ModelError> {
    match host.capabilities.json_schema {
        // By a tool is a way of Bedrock's, which comes here for other schemas only.
        JsonSchemaSupport::None | JsonSchemaSupport::Tool => Err(ModelError::Unsupported {
            model: model.to_owned(),
            what: "keep to a schema",
        }),
        JsonSchemaSupport::Full => Ok(wanted.schema.clone()),
        JsonSchemaSupport::Strict => {
            strict_schema(&wanted.schema, host.kind.row().schema_limits).map_err(|problem| {
                ModelError::SchemaUnsupported {
                    model: model.to_owned(),
                    message: problem.to_string(),
                }
            })
        }
    }
}

/// Whether any JSON object will do.
pub(crate) fn is_any_object(wanted: &JsonSchemaFormat) -> bool {
    let keys = wanted.schema.as_object();
    keys.is_some_and(|keys| keys.len() == 1) && wanted.schema["type"] == "object"
}

/// The name in the characters that hosts take.
pub(crate) fn format_name(name: &str) -> String {
    let is_taken = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let name: String = name
        .chars()
        .take(LONGEST_FORMAT_NAME)
        .map(|character| if is_taken(character) { character } else { '_' })
        .collect();
    if name.is_empty() { "reply".to_owned() } else { name }
}

/// A tool in OpenAI's words: name, description, parameters, and `strict` where it is wanted and the host has it.
///
/// # Errors
/// [`ModelError::SchemaUnsupported`] where the parameters of a strict tool can't be cut down to what the host takes.
pub(crate) fn tool_function(call: &Call<'_>, tool: &ToolDefinition) -> Result<Value, ModelError> {
    let mut function = json!({"name": tool.name, "parameters": tool.parameters});
    if let Some(description) = &tool.description {
        function["description"] = description.as_str().into();
    }
    if tool.strict && call.host.capabilities.json_schema == JsonSchemaSupport::Strict {
        let wanted = JsonSchemaFormat {
            name: tool.name.clone(),
            schema: tool.parameters.clone(),
        };
        function["parameters"] = host_schema(call.host, call.model, &wanted)?;
        function["strict"] = true.into();
    }
    Ok(function)
}

/// A picture as a URL that holds it.
pub(crate) fn data_url(image: &ImageInput) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(&image.bytes);
    format!("data:{};base64,{encoded}", image.media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_schemas_are_what_hosts_take() {
        assert_eq!(format_name("a-b_c9"), "a-b_c9");
        assert_eq!(format_name("請求書.x"), "____x");
        assert_eq!(format_name(""), "reply");
        assert_eq!(format_name(&"x".repeat(80)).len(), 64);
    }
}
