//! How a host is asked for a reply that keeps to a schema: the schema as it takes it, under a name that it takes.
//!
//! Invariant: what the host can't be asked for is refused here, before anything is sent. Each protocol wraps the result
//! in its own way.

use super::strict_schema::strict_schema;
use crate::capability::JsonSchemaSupport;
use crate::host::Host;
use boxwood_core::{JsonSchemaFormat, ModelError};
use serde_json::Value;

/// A name of a schema has at most so many characters.
const LONGEST_FORMAT_NAME: usize = 64;

/// The schema for the host.
///
/// # Errors
/// [`ModelError::Unsupported`] where the binding has no such thing, [`ModelError::SchemaUnsupported`] where the schema
/// can't be cut down to what the host takes.
pub(crate) fn host_schema(host: &Host, model: &str, wanted: &JsonSchemaFormat) -> Result<Value, ModelError> {
    match host.capabilities.json_schema {
        JsonSchemaSupport::None => Err(ModelError::Unsupported {
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
