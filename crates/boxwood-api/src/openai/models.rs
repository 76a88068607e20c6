//! The list of models.
//!
//! Made by `boxwood-server/src/compat/models.rs`.

use serde_json::{Value, json};

/// A model as it is listed.
pub fn model(id: &str, created: i64, owner: &str, boxwood: Value) -> Value {
    json!({"id": id, "object": "model", "created": created, "owned_by": owner, "boxwood": boxwood})
}

/// The list.
pub fn list(models: Vec<Value>) -> Value {
    json!({"object": "list", "data": models})
}
