//! Decodes the events of Converse, and a whole reply.
//!
//! Invariant: a reply without `messageStop` is an error, and so is a tool's input that never ends. `inputTokens` of the
//! service leaves out what its cache held; it is added here, since [`Usage::input_tokens`] has it included.

use super::{REPLY_TOOL, errors};
use crate::protocol::{Decoded, Ending, Frame, ReplyDecoder, host_failed, json_of_frame, json_of_reply};
use boxwood_core::{FinishReason, ModelError, ToolCall, Usage};
use serde_json::Value;
use std::collections::BTreeMap;

/// A content block that is being written.
enum Open {
    /// The tool whose input is the reply.
    Reply,
    /// A tool of the caller's.
    Tool(ToolCall),
}

/// Decodes one reply.
pub(super) struct Decoder {
    model: String,
    open: BTreeMap<u64, Open>,
    /// The reply came as the input of the reply tool.
    replied: bool,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
}

impl Decoder {
    pub(super) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            open: BTreeMap::new(),
            replied: false,
            finish: None,
            usage: None,
        }
    }

    fn event(&mut self, name: &str, event: &Value) -> Result<Vec<Decoded>, ModelError> {
        let index = event["contentBlockIndex"].as_u64().unwrap_or(0);
        let mut decoded = Vec::new();
        match name {
            "contentBlockStart" => self.start(index, &event["start"]),
            "contentBlockDelta" => self.delta(index, &event["delta"], &mut decoded)?,
            "contentBlockStop" => {
                if let Some(Open::Tool(call)) = self.open.remove(&index) {
                    decoded.push(Decoded::ToolCall(whole_call(call)));
                }
            }
            "messageStop" => self.stop(event["stopReason"].as_str().unwrap_or_default())?,
            "metadata" => self.usage = event.get("usage").map(decode_usage),
            // messageStart, and what the service may add.
            _ => {}
        }
        Ok(decoded)
    }

    fn start(&mut self, index: u64, start: &Value) {
        let Some(tool) = start.get("toolUse") else { return };
        let name = tool["name"].as_str().unwrap_or_default().to_owned();
        let open = if name == REPLY_TOOL {
            self.replied = true;
            Open::Reply
        } else {
            Open::Tool(ToolCall {
                id: tool["toolUseId"].as_str().unwrap_or_default().to_owned(),
                name,
                arguments: String::new(),
            })
        };
        self.open.insert(index, open);
    }

    fn delta(&mut self, index: u64, delta: &Value, decoded: &mut Vec<Decoded>) -> Result<(), ModelError> {
        if let Some(text) = text_of(&delta["text"]) {
            // Words around the reply are not part of it.
            if !self.replied {
                decoded.push(Decoded::Text(text));
            }
        } else if let Some(text) = text_of(&delta["reasoningContent"]["text"]) {
            decoded.push(Decoded::Reasoning(text));
        } else if let Some(input) = delta["toolUse"]["input"].as_str() {
            match self.open.get_mut(&index) {
                Some(Open::Reply) if input.is_empty() => {}
                Some(Open::Reply) => decoded.push(Decoded::Text(input.to_owned())),
                Some(Open::Tool(call)) => call.arguments.push_str(input),
                None => {
                    return Err(host_failed(
                        &self.model,
                        "sent the input of a tool that it never named",
                    ));
                }
            }
        }
        Ok(())
    }

    fn stop(&mut self, reason: &str) -> Result<(), ModelError> {
        self.finish = Some(match reason {
            "tool_use" if self.replied => FinishReason::Stop,
            "tool_use" => FinishReason::ToolCalls,
            "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
            "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
            "malformed_model_output" | "malformed_tool_use" => {
                return Err(host_failed(
                    &self.model,
                    "stopped because the model wrote something malformed: try again",
                ));
            }
            _ => FinishReason::Stop,
        });
        Ok(())
    }

    /// A message of the assistant as one value.
    fn message(&mut self, message: &Value) -> Vec<Decoded> {
        let blocks = message["content"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        self.replied = blocks.iter().any(|block| block["toolUse"]["name"] == REPLY_TOOL);
        let mut decoded = Vec::new();
        for block in blocks {
            if let Some(text) = text_of(&block["text"]).filter(|_| !self.replied) {
                decoded.push(Decoded::Text(text));
            } else if let Some(text) = text_of(&block["reasoningContent"]["reasoningText"]["text"]) {
                decoded.push(Decoded::Reasoning(text));
            } else if let Some(tool) = block.get("toolUse") {
                let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
                let arguments = tool["input"].to_string();
                decoded.push(if tool["name"] == REPLY_TOOL {
                    Decoded::Text(arguments)
                } else {
                    Decoded::ToolCall(ToolCall {
                        id: text("toolUseId"),
                        name: text("name"),
                        arguments,
                    })
                });
            }
        }
        decoded
    }
}

impl ReplyDecoder for Decoder {
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Decoded>, ModelError> {
        let name = frame.name.as_deref().unwrap_or_default();
        if frame.is_error {
            return Err(errors::in_stream(&self.model, name, &frame.data));
        }
        let event = json_of_frame(&self.model, frame)?;
        self.event(name, &event)
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Decoded>, ModelError> {
        let reply = json_of_reply(&self.model, body)?;
        let decoded = self.message(&reply["output"]["message"]);
        if let Some(reason) = reply["stopReason"].as_str() {
            self.stop(reason)?;
        }
        self.usage = reply.get("usage").map(decode_usage);
        Ok(decoded)
    }

    fn end(&mut self) -> Result<Ending, ModelError> {
        // The output limit may end a tool's input early; everything else ends its blocks.
        let has_ended = |finish: &FinishReason| self.open.is_empty() || *finish != FinishReason::ToolCalls;
        let finish = self.finish.take().filter(has_ended);
        Ending::of(&self.model, finish, self.usage.take())
    }
}

/// A tool without parameters is called with nothing at all.
fn whole_call(mut call: ToolCall) -> ToolCall {
    if call.arguments.trim().is_empty() {
        call.arguments = "{}".to_owned();
    }
    call
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn decode_usage(usage: &Value) -> Usage {
    let number = |key: &str| {
        let number = usage[key].as_u64().unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let cached = number("cacheReadInputTokens");
    Usage {
        input_tokens: number("inputTokens")
            .saturating_add(cached)
            .saturating_add(number("cacheWriteInputTokens")),
        cached_tokens: cached,
        output_tokens: number("outputTokens"),
        ..Usage::default()
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
