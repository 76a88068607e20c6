//! Decodes the named events of a streamed response, and a whole response where a host does not stream.
//!
//! Invariant: events that are not known are passed over (the API gains new ones), but only a final event ends a reply.

use crate::protocol::errors::error_in_stream;
use crate::protocol::{Decoded, Ending, Frame, ReplyDecoder, json_of_frame, json_of_reply};
use boxwood_core::{FinishReason, ModelError, ToolCall, Usage};
use serde_json::Value;

/// Decodes one reply.
#[derive(Debug)]
pub(super) struct Decoder {
    model: String,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    /// Whether any text came, so that a server that sends it only at the end is understood too.
    has_text: bool,
    calls: usize,
}

impl ReplyDecoder for Decoder {
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Decoded>, ModelError> {
        if frame.data == b"[DONE]" {
            return Ok(vec![Decoded::Done]);
        }
        let event = json_of_frame(&self.model, frame)?;
        let named = frame.name.as_deref();
        let kind = event.get("type").and_then(Value::as_str).or(named);
        let kind = kind.unwrap_or_default().to_owned();
        self.event(&kind, &event)
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Decoded>, ModelError> {
        let response = json_of_reply(&self.model, body)?;
        self.response(&response)
    }

    fn end(&mut self) -> Result<Ending, ModelError> {
        Ending::of(&self.model, self.finish, self.usage.take())
    }
}

impl Decoder {
    pub(super) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            finish: None,
            usage: None,
            has_text: false,
            calls: 0,
        }
    }

    fn event(&mut self, kind: &str, event: &Value) -> Result<Vec<Decoded>, ModelError> {
        let delta = || text_of(event, "delta");
        Ok(match kind {
            "response.output_text.delta" => self.text(delta()),
            "response.refusal.delta" => delta().map(Decoded::Refusal).into_iter().collect(),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                delta().map(Decoded::Reasoning).into_iter().collect()
            }
            // Parts of a summary are paragraphs.
            "response.reasoning_summary_part.added" if event["summary_index"].as_u64() > Some(0) => {
                vec![Decoded::Reasoning("\n\n".to_owned())]
            }
            "response.output_item.done" => self.item_done(&event["item"]),
            "response.completed" | "response.incomplete" | "response.failed" => {
                let mut decoded = self.response(&event["response"])?;
                decoded.push(Decoded::Done);
                decoded
            }
            "error" => {
                let error = event
                    .get("error")
                    .filter(|error| error.is_object())
                    .unwrap_or(event);
                return Err(error_in_stream(&self.model, error));
            }
            _ => Vec::new(),
        })
    }

    fn text(&mut self, text: Option<String>) -> Vec<Decoded> {
        self.has_text |= text.is_some();
        text.map(Decoded::Text).into_iter().collect()
    }

    fn item_done(&mut self, item: &Value) -> Vec<Decoded> {
        if item["type"] != "function_call" {
            return Vec::new();
        }
        self.calls += 1;
        let text = |key: &str| text_of(item, key);
        let call = ToolCall {
            id: text("call_id").or_else(|| text("id")).unwrap_or_default(),
            name: text("name").unwrap_or_default(),
            arguments: text("arguments").unwrap_or_else(|| "{}".to_owned()),
        };
        vec![Decoded::ToolCall(call)]
    }

    /// The response object, which ends a stream or is the whole reply.
    fn response(&mut self, response: &Value) -> Result<Vec<Decoded>, ModelError> {
        if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
            return Err(error_in_stream(&self.model, error));
        }
        let reason = response["incomplete_details"]["reason"].as_str();
        self.finish = match response["status"].as_str() {
            Some("completed") if self.calls > 0 => Some(FinishReason::ToolCalls),
            Some("completed") => Some(FinishReason::Stop),
            Some("incomplete") if reason == Some("content_filter") => Some(FinishReason::ContentFilter),
            Some("incomplete") => Some(FinishReason::Length),
            // `failed` without an error, `cancelled`, `in_progress`: not an end of an answer.
            _ => None,
        };
        self.usage = response
            .get("usage")
            .filter(|usage| usage.is_object())
            .map(decode_usage);
        if self.has_text || self.calls > 0 {
            return Ok(Vec::new());
        }
        let items = response["output"].as_array().into_iter().flatten();
        let decoded: Vec<Decoded> = items.flat_map(|item| self.whole_item(item)).collect();
        if self.calls > 0 && self.finish == Some(FinishReason::Stop) {
            self.finish = Some(FinishReason::ToolCalls);
        }
        Ok(decoded)
    }

    fn whole_item(&mut self, item: &Value) -> Vec<Decoded> {
        let parts = |key: &str| item[key].as_array().cloned().unwrap_or_default();
        match item["type"].as_str() {
            Some("message") => parts("content")
                .iter()
                .filter_map(|part| match part["type"].as_str() {
                    Some("refusal") => text_of(part, "refusal").map(Decoded::Refusal),
                    _ => text_of(part, "text").map(Decoded::Text),
                })
                .collect(),
            Some("reasoning") => parts("summary")
                .iter()
                .filter_map(|part| text_of(part, "text").map(Decoded::Reasoning))
                .collect(),
            _ => self.item_done(item),
        }
    }
}

fn text_of(object: &Value, key: &str) -> Option<String> {
    let text = object.get(key).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn decode_usage(usage: &Value) -> Usage {
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
    Usage {
        input_tokens: number(&usage["input_tokens"]),
        cached_tokens: number(&usage["input_tokens_details"]["cached_tokens"]),
        output_tokens: number(&usage["output_tokens"]),
        reasoning_tokens: number(&usage["output_tokens_details"]["reasoning_tokens"]),
        ..Usage::default()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
