//! Decodes the chunks of a stream, and a whole reply where a host does not stream.
//!
//! Invariant: tolerant of everything that real hosts add or leave out (a first chunk without choices, a choice without
//! `delta`, blank ids, a missing `[DONE]`), but a stream that ends without a finish reason is an error: half an answer is
//! never taken for a whole one.

use crate::protocol::errors::error_in_stream;
use crate::protocol::{Decoded, Ending, Frame, ReplyDecoder, ToolCalls, json_of_frame, json_of_reply};
use boxwood_core::{FinishReason, ModelError, Usage};
use serde_json::Value;

/// Decodes one reply.
#[derive(Debug)]
pub(super) struct Decoder {
    model: String,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    calls: ToolCalls,
}

impl ReplyDecoder for Decoder {
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Decoded>, ModelError> {
        if frame.data == b"[DONE]" {
            return Ok(vec![Decoded::Done]);
        }
        let chunk = json_of_frame(&self.model, frame)?;
        self.chunk(&chunk)
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Decoded>, ModelError> {
        let reply = json_of_reply(&self.model, body)?;
        self.chunk(&reply)
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
            calls: ToolCalls::default(),
        }
    }

    fn chunk(&mut self, chunk: &Value) -> Result<Vec<Decoded>, ModelError> {
        let mut decoded = Vec::new();
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(error_in_stream(&self.model, error));
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(decode_usage(usage));
        }
        let choices = chunk
            .get("choices")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for choice in choices {
            if choice.get("index").and_then(Value::as_u64).unwrap_or(0) != 0 {
                continue;
            }
            if let Some(content) = choice.get("delta").or_else(|| choice.get("message")) {
                decode_content(content, &mut decoded);
                self.tool_calls(content);
            }
            if let Some(reason) = choice
                .get("finish_reason")
                .and_then(Value::as_str)
                .filter(|r| !r.is_empty())
            {
                let finish = decode_finish(reason);
                self.finish = Some(finish);
                decoded.extend(self.calls.finish(finish).into_iter().map(Decoded::ToolCall));
            }
        }
        Ok(decoded)
    }

    fn tool_calls(&mut self, content: &Value) {
        let pieces = content.get("tool_calls").and_then(Value::as_array);
        for (position, piece) in pieces.into_iter().flatten().enumerate() {
            let index = piece.get("index").and_then(Value::as_u64);
            let function = piece.get("function").unwrap_or(&Value::Null);
            let text =
                |object: &'_ Value, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
            // Some servers give the arguments as an object instead of its text.
            let arguments = match function.get("arguments") {
                Some(Value::String(text)) => text.clone(),
                Some(object @ Value::Object(_)) => object.to_string(),
                _ => String::new(),
            };
            self.calls.push(
                index.unwrap_or(position as u64),
                text(piece, "id").as_deref(),
                text(function, "name").as_deref(),
                &arguments,
            );
        }
    }
}

fn decode_content(content: &Value, decoded: &mut Vec<Decoded>) {
    let text = |key: &str| {
        content
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let thinking = text("reasoning_content").or_else(|| text("reasoning"));
    decoded.extend(thinking.map(|text| Decoded::Reasoning(text.to_owned())));
    decoded.extend(text("content").map(|text| Decoded::Text(text.to_owned())));
    decoded.extend(text("refusal").map(|text| Decoded::Refusal(text.to_owned())));
}

fn decode_finish(reason: &str) -> FinishReason {
    match reason {
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        // Any other word (`stop`, `eos`, `end_turn`) means that the model is done.
        _ => FinishReason::Stop,
    }
}

fn decode_usage(usage: &Value) -> Usage {
    let number = |value: Option<&Value>| {
        let number = value.and_then(Value::as_u64).unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let detail = |group: &str, key: &str| number(usage.get(group).and_then(|group| group.get(key)));
    let input_tokens = number(usage.get("prompt_tokens"));
    let completion = number(usage.get("completion_tokens"));
    // xAI leaves thinking out of `completion_tokens`, but not out of the total.
    let by_total = number(usage.get("total_tokens")).saturating_sub(input_tokens);
    Usage {
        input_tokens,
        cached_tokens: detail("prompt_tokens_details", "cached_tokens"),
        output_tokens: completion.max(by_total),
        reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
        ..Usage::default()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
