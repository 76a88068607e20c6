//! What is kept of a capability: its JSON without unknown members and without `null`, in the client's own numbers.
//!
//! Invariant: the tables here name exactly the members that the readers know; a test reads what was kept again.

use boxwood_core::AgentMode;
use serde_json::{Map, Value};

/// The members of an object that are kept.
enum Shape {
    /// As it is.
    Leaf,
    /// Only these.
    Object(&'static [(&'static str, Shape)]),
}

use Shape::{Leaf, Object};

const PARAMS: Shape = Object(&[
    ("type", Leaf),
    ("temperature", Leaf),
    ("top_p", Leaf),
    ("top_k", Leaf),
    ("frequency_penalty", Leaf),
    ("presence_penalty", Leaf),
    ("stop", Leaf),
]);
const EMBEDDINGS: Shape = Object(&[
    ("model", Leaf),
    (
        "strategy",
        Object(&[("id", Leaf), ("num_tokens_per_chunk", Leaf)]),
    ),
]);
const BASIC_TEXT: Shape = Object(&[
    ("model", Leaf),
    ("num_tokens_for_completion", Leaf),
    ("llm_endpoint_params", PARAMS),
    ("system_message", Leaf),
    ("prompt_template", Leaf),
    ("is_custom_instructions_included", Leaf),
]);
const LONG_TEXT: Shape = Object(&[
    ("model", Leaf),
    ("num_tokens_for_completion", Leaf),
    ("llm_endpoint_params", PARAMS),
    ("system_message", Leaf),
    ("prompt_template", Leaf),
    ("embeddings", EMBEDDINGS),
    ("is_custom_instructions_included", Leaf),
]);
const BASIC_GEN: Shape = Object(&[
    ("model", Leaf),
    ("num_tokens_for_completion", Leaf),
    ("llm_endpoint_params", PARAMS),
    ("system_message", Leaf),
    ("prompt_template", Leaf),
    ("embeddings", EMBEDDINGS),
    ("content_template", Leaf),
    ("is_custom_instructions_included", Leaf),
]);
const SPREADSHEET: Shape = Object(&[
    ("model", Leaf),
    ("num_tokens_for_completion", Leaf),
    ("llm_endpoint_params", PARAMS),
]);
const ASK: Shape = Object(&[
    ("type", Leaf),
    ("description", Leaf),
    ("custom_instructions", Leaf),
    ("long_text", LONG_TEXT),
    ("basic_text", BASIC_TEXT),
    ("basic_image", BASIC_TEXT),
    ("spreadsheet", SPREADSHEET),
    ("long_text_multi", LONG_TEXT),
    ("basic_text_multi", BASIC_TEXT),
    ("basic_image_multi", BASIC_TEXT),
]);
const TEXT_GEN: Shape = Object(&[
    ("type", Leaf),
    ("description", Leaf),
    ("custom_instructions", Leaf),
    ("basic_gen", BASIC_GEN),
]);
const EXTRACT: Shape = Object(&[
    ("type", Leaf),
    ("description", Leaf),
    ("custom_instructions", Leaf),
    ("long_text", LONG_TEXT),
    ("basic_text", BASIC_TEXT),
    ("basic_image", BASIC_TEXT),
]);

/// What is kept of a capability. Its state and its questions are kept apart.
pub(super) fn settings(capability: &Value, mode: AgentMode) -> Value {
    let shape = match mode {
        AgentMode::Ask => &ASK,
        AgentMode::TextGen => &TEXT_GEN,
        AgentMode::Extract => &EXTRACT,
    };
    keep(capability, shape)
}

fn keep(value: &Value, shape: &Shape) -> Value {
    match (shape, value) {
        (Object(members), Value::Object(given)) => {
            let kept: Map<String, Value> = members
                .iter()
                .filter_map(|(name, shape)| {
                    let value = given.get(*name).filter(|value| !value.is_null())?;
                    Some(((*name).to_owned(), keep(value, shape)))
                })
                .collect();
            Value::Object(kept)
        }
        _ => value.clone(),
    }
}
