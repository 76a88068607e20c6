//! Decodes a stream of server-sent events, and a whole reply where a host does not stream.
//!
//! Invariant: tolerant of everything that real hosts add or leave out (a first chunk without choices, a choice without
//! `delta`, blank ids, comments, a missing `[DONE]`), but a stream that ends without a finish reason is an error: half an
//! answer is never taken for a whole one.

use super::errors::error_in_stream;
use boxwood_core::{FinishReason, ModelError, Usage};
use serde_json::Value;

/// A line that is longer than this is no chunk of a completion.
const LONGEST_LINE: usize = 8 << 20;

/// What a piece of the stream held.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decoded {
    /// Text of the answer.
    Text(String),
    /// What the model says instead of an answer that it refuses.
    Refusal(String),
    /// Thinking that the host shows apart from the answer.
    Thinking,
    /// `[DONE]`.
    Done,
}

/// Decodes a stream piece by piece.
#[derive(Debug)]
pub(crate) struct StreamDecoder {
    model: String,
    unread: Vec<u8>,
    data: String,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

impl StreamDecoder {
    pub(crate) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            unread: Vec::new(),
            data: String::new(),
            finish: None,
            usage: None,
        }
    }

    /// Takes bytes as they come; pieces need not end with a line or a character.
    ///
    /// # Errors
    /// A chunk that is no JSON, an error chunk, a line without end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>, ModelError> {
        self.unread.extend_from_slice(bytes);
        let mut decoded = Vec::new();
        let mut start = 0;
        while let Some(length) = self.unread[start..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.unread[start..start + length]).into_owned();
            start += length + 1;
            self.line(line.trim_end_matches('\r'), &mut decoded)?;
        }
        self.unread.drain(..start);
        if self.unread.len() > LONGEST_LINE || self.data.len() > LONGEST_LINE {
            return Err(self.failed("sent a piece without an end"));
        }
        Ok(decoded)
    }

    /// The stream is over.
    ///
    /// # Errors
    /// When no finish reason came: the answer is incomplete.
    pub(crate) fn end(&mut self) -> Result<(Vec<Decoded>, FinishReason, Option<Usage>), ModelError> {
        // The last line may lack its end.
        let mut decoded = Vec::new();
        let rest = std::mem::take(&mut self.unread);
        if !rest.is_empty() {
            self.line(
                String::from_utf8_lossy(&rest).trim_end_matches('\r'),
                &mut decoded,
            )?;
        }
        self.line("", &mut decoded)?;
        match self.finish {
            Some(finish) => Ok((decoded, finish, self.usage.clone())),
            None => Err(self.failed("broke off before the answer was complete")),
        }
    }

    fn line(&mut self, line: &str, decoded: &mut Vec<Decoded>) -> Result<(), ModelError> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return if data.is_empty() {
                Ok(())
            } else {
                self.event(data.trim(), decoded)
            };
        }
        // Other fields (event, id, retry) and comments carry nothing here.
        if let Some(data) = line.strip_prefix("data:") {
            let data = data.strip_prefix(' ').unwrap_or(data);
            if data.trim() == "[DONE]" {
                self.line("", decoded)?;
                decoded.push(Decoded::Done);
                return Ok(());
            }
            if !self.data.is_empty() {
                // Some servers put a single line end between events, so a whole chunk is taken as it is complete.
                if serde_json::from_str::<serde::de::IgnoredAny>(&self.data).is_ok() {
                    self.line("", decoded)?;
                } else {
                    self.data.push('\n');
                }
            }
            self.data.push_str(data);
        }
        Ok(())
    }

    fn event(&mut self, data: &str, decoded: &mut Vec<Decoded>) -> Result<(), ModelError> {
        let chunk: Value = serde_json::from_str(data)
            .map_err(|_| self.failed("sent a piece of the stream that is no JSON"))?;
        self.chunk(&chunk, decoded)
    }

    fn chunk(&mut self, chunk: &Value, decoded: &mut Vec<Decoded>) -> Result<(), ModelError> {
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
                decode_content(content, decoded);
            }
            if let Some(reason) = choice
                .get("finish_reason")
                .and_then(Value::as_str)
                .filter(|r| !r.is_empty())
            {
                self.finish = Some(decode_finish(reason));
            }
        }
        Ok(())
    }

    fn failed(&self, message: &str) -> ModelError {
        ModelError::Failed {
            model: self.model.clone(),
            message: format!("the host {message}"),
        }
    }
}

/// Decodes a reply that is one JSON body.
///
/// # Errors
/// As for a stream.
pub(crate) fn decode_reply(
    model: &str,
    body: &[u8],
) -> Result<(Vec<Decoded>, FinishReason, Option<Usage>), ModelError> {
    let mut decoder = StreamDecoder::new(model);
    let reply: Value =
        serde_json::from_slice(body).map_err(|_| decoder.failed("sent a reply that is no JSON"))?;
    let mut decoded = Vec::new();
    decoder.chunk(&reply, &mut decoded)?;
    match decoder.finish {
        Some(finish) => Ok((decoded, finish, decoder.usage)),
        None => Err(decoder.failed("sent a reply without an answer")),
    }
}

fn decode_content(content: &Value, decoded: &mut Vec<Decoded>) {
    let text = |key: &str| {
        content
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if text("reasoning_content").or_else(|| text("reasoning")).is_some() {
        decoded.push(Decoded::Thinking);
    }
    decoded.extend(text("content").map(|text| Decoded::Text(text.to_owned())));
    decoded.extend(text("refusal").map(|text| Decoded::Refusal(text.to_owned())));
}

fn decode_finish(reason: &str) -> FinishReason {
    match reason {
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        // No tools are offered, so any other word (`stop`, `eos`, `end_turn`) means that the model is done.
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
