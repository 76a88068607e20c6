//! What the reply must look like: `response_format` of chat, `text.format` of Responses.
//!
//! Called by `chat` and `responses::request`.

use super::contract::Contract;
use super::error::OpenAiError;
use super::fields::{Fields, wrong_type};
use super::{schema, tools};
use boxwood_core::{ChatMessage, JsonSchemaFormat};
use serde_json::{Value, json};

/// The form of a reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ReplyFormat {
    /// Any text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// A value that is valid against a schema.
    Schema {
        /// Its name.
        name: String,
        /// The schema.
        schema: Value,
        /// Whether the caller asked for strictness, as it is told back.
        strict: bool,
    },
}

impl ReplyFormat {
    /// Reads the object of chat, in which the schema stands one level deeper.
    ///
    /// # Errors
    /// Another type, a schema that is none or that is not strict enough.
    pub fn read_chat(mut format: Fields<'_>, contract: &Contract) -> Result<Self, OpenAiError> {
        let read = match Kind::read(&mut format)? {
            Kind::Text => Self::Text,
            Kind::JsonObject => Self::JsonObject,
            Kind::JsonSchema => {
                format.required("json_schema")?;
                let Some(mut inner) = format.child("json_schema")? else {
                    return Err(wrong_type(
                        "response_format.json_schema",
                        "an object",
                        &Value::Null,
                    ));
                };
                let read = read_schema(&mut inner, "response_format", contract)?;
                inner.close()?;
                read
            }
        };
        format.close()?;
        Ok(read)
    }

    /// Reads the object of Responses.
    ///
    /// # Errors
    /// As [`ReplyFormat::read_chat`].
    pub fn read_responses(mut format: Fields<'_>, contract: &Contract) -> Result<Self, OpenAiError> {
        let read = match Kind::read(&mut format)? {
            Kind::Text => Self::Text,
            Kind::JsonObject => Self::JsonObject,
            Kind::JsonSchema => read_schema(&mut format, "text.format", contract)?,
        };
        format.close()?;
        Ok(read)
    }

    /// As a model takes it; any JSON object is the schema `{"type":"object"}`.
    pub fn as_schema(&self) -> Option<JsonSchemaFormat> {
        let (name, schema) = match self {
            Self::Text => return None,
            Self::JsonObject => ("object".to_owned(), json!({"type": "object"})),
            Self::Schema { name, schema, .. } => (name.clone(), schema.clone()),
        };
        Some(JsonSchemaFormat { name, schema })
    }

    /// OpenAI's models write JSON only where the conversation speaks of it.
    ///
    /// # Errors
    /// When it does not.
    pub fn check_mention(
        &self,
        messages: &[ChatMessage],
        param: &str,
        setting: &str,
    ) -> Result<(), OpenAiError> {
        let mentions = |message: &ChatMessage| message.content.to_ascii_lowercase().contains("json");
        if *self != Self::JsonObject || messages.iter().any(mentions) {
            return Ok(());
        }
        let message = format!(
            "'{param}' must contain the word 'json' in some form, to use '{setting}' of type 'json_object'."
        );
        Err(OpenAiError::invalid(param, None, message))
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    JsonObject,
    JsonSchema,
}

impl Kind {
    fn read(format: &mut Fields<'_>) -> Result<Self, OpenAiError> {
        const WORDS: [(&str, Kind); 3] = [
            ("json_object", Kind::JsonObject),
            ("json_schema", Kind::JsonSchema),
            ("text", Kind::Text),
        ];
        format.required("type")?;
        Ok(format.word("type", &WORDS)?.unwrap_or(Kind::Text))
    }
}

fn read_schema(
    fields: &mut Fields<'_>,
    param: &str,
    contract: &Contract,
) -> Result<ReplyFormat, OpenAiError> {
    let name = fields.required_text("name")?.to_owned();
    tools::check_name(&name, &fields.path_of("name"))?;
    // For the model's eyes; the schema's own descriptions are what it is held to.
    fields.text("description")?;
    let strict = fields.flag("strict")?.unwrap_or(false);
    let path = fields.path_of("schema");
    let schema = match fields.required("schema")? {
        schema @ Value::Object(_) => schema.clone(),
        other => return Err(wrong_type(&path, "an object", other)),
    };
    if strict && contract.openai {
        schema::check_strict(&schema).map_err(|problem| {
            let message = format!("Invalid schema for response_format '{name}': {problem}");
            OpenAiError::invalid(param, None, message)
        })?;
    }
    Ok(ReplyFormat::Schema { name, schema, strict })
}
