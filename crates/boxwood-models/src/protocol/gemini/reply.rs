//! Decodes the chunks of `streamGenerateContent`, and a whole reply.
//!
//! Invariants: a reply without a finish reason is an error, and so is a prompt that was blocked (a chunk without
//! candidates says why). `candidatesTokenCount` leaves out what was thought; it is added here, since
//! [`Usage::output_tokens`] has it included.

use super::{errors, signature};
use crate::protocol::{Decoded, Ending, Frame, ReplyDecoder, host_failed, json_of_frame, json_of_reply};
use boxwood_core::{FinishReason, ModelError, ToolCall, Usage};
use serde_json::Value;

/// Decodes one reply.
pub(super) struct Decoder {
    model: String,
    calls: usize,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

impl Decoder {
    pub(super) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            calls: 0,
            finish: None,
            usage: None,
        }
    }

    fn chunk(&mut self, chunk: &Value) -> Result<Vec<Decoded>, ModelError> {
        // An error comes alone, or in a list (what the API sends where no stream began).
        let first = chunk.get(0).unwrap_or(chunk);
        if first.get("error").is_some_and(|error| !error.is_null()) {
            return Err(errors::in_stream(&self.model, first));
        }
        if let Some(reason) = chunk["promptFeedback"]["blockReason"].as_str() {
            let words = chunk["promptFeedback"]["blockReasonMessage"]
                .as_str()
                .unwrap_or_default();
            return Err(blocked(&self.model, reason, words));
        }
        if let Some(usage) = chunk.get("usageMetadata").filter(|usage| usage.is_object()) {
            self.usage = Some(decode_usage(usage));
        }
        let mut decoded = Vec::new();
        let candidates = chunk["candidates"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for candidate in candidates {
            if candidate["index"].as_u64().unwrap_or(0) != 0 {
                continue;
            }
            let parts = candidate["content"]["parts"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            for part in parts {
                decoded.extend(self.part(part, &chunk["responseId"]));
            }
            if let Some(reason) = candidate["finishReason"].as_str() {
                self.finish(reason, candidate["finishMessage"].as_str().unwrap_or_default())?;
            }
        }
        Ok(decoded)
    }

    fn part(&mut self, part: &Value, response: &Value) -> Option<Decoded> {
        if let Some(call) = part.get("functionCall") {
            let number = self.calls;
            self.calls += 1;
            let made = || format!("call_{}_{number}", response.as_str().unwrap_or("gemini"));
            let id = call["id"].as_str().map_or_else(made, str::to_owned);
            let arguments = call.get("args").filter(|arguments| arguments.is_object());
            return Some(Decoded::ToolCall(ToolCall {
                id: signature::join(&id, part["thoughtSignature"].as_str()),
                name: call["name"].as_str().unwrap_or_default().to_owned(),
                arguments: arguments.map_or_else(|| "{}".to_owned(), Value::to_string),
            }));
        }
        let text = part["text"].as_str().filter(|text| !text.is_empty())?.to_owned();
        Some(if part["thought"] == true {
            Decoded::Reasoning(text)
        } else {
            Decoded::Text(text)
        })
    }

    fn finish(&mut self, reason: &str, words: &str) -> Result<(), ModelError> {
        self.finish = Some(match reason {
            "FINISH_REASON_UNSPECIFIED" => return Ok(()),
            "STOP" if self.calls > 0 => FinishReason::ToolCalls,
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "MODEL_ARMOR"
            | "LANGUAGE" => FinishReason::ContentFilter,
            // The model wrote a call that can't be read, or the host broke off: there is no answer.
            other => {
                let words = if words.is_empty() {
                    "no reason given"
                } else {
                    words
                };
                return Err(host_failed(
                    &self.model,
                    &format!("stopped with {other} ({words}): try again"),
                ));
            }
        });
        Ok(())
    }
}

impl ReplyDecoder for Decoder {
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Decoded>, ModelError> {
        let chunk = json_of_frame(&self.model, frame)?;
        self.chunk(&chunk)
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Decoded>, ModelError> {
        let reply = json_of_reply(&self.model, body)?;
        // Without `alt=sse` a stream is a list of chunks.
        match reply {
            Value::Array(chunks) => {
                let mut decoded = Vec::new();
                for chunk in &chunks {
                    decoded.extend(self.chunk(chunk)?);
                }
                Ok(decoded)
            }
            chunk => self.chunk(&chunk),
        }
    }

    fn end(&mut self) -> Result<Ending, ModelError> {
        Ending::of(&self.model, self.finish.take(), self.usage.take())
    }
}

fn blocked(model: &str, reason: &str, words: &str) -> ModelError {
    let words = if words.is_empty() {
        String::new()
    } else {
        format!(" ({words})")
    };
    ModelError::Refused {
        model: model.to_owned(),
        status: None,
        code: Some("content_filter".to_owned()),
        message: format!(
            "the host's content filter blocked the prompt for: {}{words}",
            reason.to_lowercase()
        ),
    }
}

fn decode_usage(usage: &Value) -> Usage {
    let number = |key: &str| {
        let number = usage[key].as_u64().unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let thought = number("thoughtsTokenCount");
    Usage {
        input_tokens: number("promptTokenCount").saturating_add(number("toolUsePromptTokenCount")),
        cached_tokens: number("cachedContentTokenCount"),
        output_tokens: number("candidatesTokenCount").saturating_add(thought),
        reasoning_tokens: thought,
        ..Usage::default()
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
