//! Tools that a model may call: what it is told about them, and what it calls.
//!
//! Invariant: a [`ToolCall`] is whole; its arguments are the text that the model wrote, which may be no JSON where the
//! host does not hold the model to it, so whoever runs a tool reads them with care. Boxwood itself runs no tool.

use serde::{Deserialize, Serialize};

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does and when to call it, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A JSON Schema of the arguments, whose root is an object.
    pub parameters: serde_json::Value,
    /// The arguments must keep to the schema.
    #[serde(default)]
    pub strict: bool,
}

/// Whether the model has to call a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// It writes a text.
    None,
    /// It calls one tool or more.
    Required,
    /// It calls this one.
    Named(String),
}

impl ToolChoice {
    /// Whether it says nothing.
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// A call that the model makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// By which the result names the call; empty where the model gives none, then whoever shows the call makes one.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as the model wrote them: a JSON object in text.
    pub arguments: String,
}
