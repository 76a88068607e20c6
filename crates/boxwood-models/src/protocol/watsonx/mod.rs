//! IBM watsonx's chat API: OpenAI's dialect with other names for some things.
//!
//! Invariant: pure. The body and the chunks are made and read by `openai_chat`; only what differs stands here: the URL
//! tells streams and whole replies apart, `model_id` with `project_id` or `space_id`, contents as lists of parts,
//! `tool_choice_option`, tools without `strict`, errors in a list. Bodies agree with the fields that IBM's own SDK knows.

mod errors;
mod reply;

use super::openai_chat::OpenaiChat;
use super::{Call, ReplyDecoder, WireProtocol, errors::HostError};
use crate::host::Host;
use boxwood_core::ModelError;
use http::HeaderMap;
use serde_json::{Map, Value, json};
use url::{ParseError, Url};

pub(crate) use errors::read_error;

/// The protocol.
pub(crate) struct Watsonx;

/// Fields of OpenAI's dialect that watsonx does not know.
const UNKNOWN: [&str; 4] = ["model", "stream", "stream_options", "parallel_tool_calls"];

impl WireProtocol for Watsonx {
    fn url(&self, host: &Host) -> Result<Url, ParseError> {
        match &host.deployment {
            Some(deployment) => service_url(host, &["deployments", deployment, "text", "chat_stream"]),
            None => service_url(host, &["text", "chat_stream"]),
        }
    }

    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError> {
        let body = OpenaiChat.body(call)?;
        let Value::Object(fields) = body else {
            return Ok(body);
        };
        Ok(Value::Object(adapted(call.host, fields)))
    }

    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder> {
        Box::new(reply::Decoder::new(model, OpenaiChat.decoder(model)))
    }

    fn read_error(&self, _: &HeaderMap, body: &str) -> HostError {
        errors::read_error(body)
    }
}

/// `{base}/ml/v1/…?version=YYYY-MM-DD`.
pub(crate) fn service_url(host: &Host, path: &[&str]) -> Result<Url, ParseError> {
    let mut url = host.base_url.clone();
    url.path_segments_mut()
        .map_err(|()| ParseError::RelativeUrlWithCannotBeABaseBase)?
        .pop_if_empty()
        .extend(["ml", "v1"])
        .extend(path);
    if let Some(version) = &host.api_version {
        url.query_pairs_mut().append_pair("version", version);
    }
    Ok(url)
}

/// Which model, on whose account; a deployment's URL says both.
pub(crate) fn address(host: &Host) -> Map<String, Value> {
    let mut fields = Map::new();
    if host.deployment.is_none() {
        let known = [
            ("model_id", &host.model),
            ("project_id", &host.place.project),
            ("space_id", &host.place.space),
        ];
        for (key, value) in known {
            if let Some(value) = value {
                fields.insert(key.into(), json!(value));
            }
        }
    }
    fields
}

fn adapted(host: &Host, fields: Map<String, Value>) -> Map<String, Value> {
    let mut adapted = address(host);
    for (key, value) in fields {
        match key.as_str() {
            key if UNKNOWN.contains(&key) => {}
            "messages" => {
                adapted.insert(key, messages(value));
            }
            "tools" => {
                adapted.insert(key, tools(value));
            }
            "tool_choice" if value.is_string() => {
                adapted.insert("tool_choice_option".into(), value);
            }
            _ => {
                adapted.insert(key, value);
            }
        }
    }
    adapted
}

/// What the user says is a list of parts.
fn messages(mut messages: Value) -> Value {
    for message in messages.as_array_mut().into_iter().flatten() {
        if message["role"] == "user" && message["content"].is_string() {
            message["content"] = json!([{"type": "text", "text": message["content"]}]);
        }
    }
    messages
}

fn tools(mut tools: Value) -> Value {
    for tool in tools.as_array_mut().into_iter().flatten() {
        if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
            function.remove("strict");
        }
    }
    tools
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
