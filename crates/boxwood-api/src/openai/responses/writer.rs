//! The output of a response as it grows, and the events that tell it.
//!
//! Invariants: events are numbered without a gap from 0; every item that is added is done before the next one begins;
//! what the items hold at the end is what the events told. Pure: ids come from the caller.

use super::super::completion::TokenLogprob;
use super::object::{Ending, Frame};
use boxwood_core::ToolCall;
use serde_json::{Value, json};

/// The item that is being written.
#[derive(Debug)]
enum Open {
    Reasoning {
        id: String,
        text: String,
    },
    Message {
        id: String,
        text: String,
        logprobs: Vec<TokenLogprob>,
    },
}

/// Collects output and makes events.
pub struct Writer {
    frame: Frame,
    new_id: Box<dyn FnMut(&str) -> String + Send>,
    output: Vec<Value>,
    open: Option<Open>,
    sequence: u64,
    /// Whether thinking is told; its place in the output is told always.
    summary: bool,
    logprobs: bool,
    seal: Option<Seal>,
}

/// Gives the `encrypted_content` of a reasoning item with this id.
pub type Seal = Box<dyn Fn(&str) -> Option<String> + Send>;

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Writer")
            .field("id", &self.frame.id)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// For a response; `new_id` makes an id after a prefix: `msg`, `fc`, `rs`.
    pub fn new(
        frame: Frame,
        summary: bool,
        logprobs: bool,
        new_id: Box<dyn FnMut(&str) -> String + Send>,
    ) -> Self {
        Self {
            frame,
            new_id,
            output: Vec::new(),
            open: None,
            sequence: 0,
            summary,
            logprobs,
            seal: None,
        }
    }

    /// With a seal on every reasoning item.
    #[must_use]
    pub fn sealing(self, seal: Seal) -> Self {
        Self {
            seal: Some(seal),
            ..self
        }
    }

    /// What stays the same.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// What was written and is done.
    pub fn output(&self) -> &[Value] {
        &self.output
    }

    /// The first events: it was made (and waits), it is worked on.
    pub fn begin(&mut self, queued: bool) -> Vec<Value> {
        let ending = if queued {
            Ending::Queued
        } else {
            Ending::InProgress
        };
        let mut events = vec![self.about_response("response.created", &ending)];
        if queued {
            events.push(self.about_response("response.queued", &Ending::Queued));
        }
        events.push(self.about_response("response.in_progress", &Ending::InProgress));
        events
    }

    /// A piece of thinking.
    pub fn reasoning(&mut self, text: &str) -> Vec<Value> {
        let mut events = Vec::new();
        if !matches!(self.open, Some(Open::Reasoning { .. })) {
            events.extend(self.close());
            let id = (self.new_id)("rs");
            let item = json!({"id": id, "type": "reasoning", "summary": []});
            events.push(self.event("response.output_item.added", json!({"item": item})));
            if self.summary {
                let part = json!({"type": "summary_text", "text": ""});
                events.push(self.of_item(
                    "response.reasoning_summary_part.added",
                    &id,
                    json!({"summary_index": 0, "part": part}),
                ));
            }
            self.open = Some(Open::Reasoning {
                id,
                text: String::new(),
            });
        }
        let Some(Open::Reasoning { id, text: so_far }) = &mut self.open else {
            return events;
        };
        so_far.push_str(text);
        if self.summary {
            let id = id.clone();
            events.push(self.of_item(
                "response.reasoning_summary_text.delta",
                &id,
                json!({"summary_index": 0, "delta": text}),
            ));
        }
        events
    }

    /// A piece of the answer.
    pub fn text(&mut self, piece: &str, log_prob: Option<f32>) -> Vec<Value> {
        let mut events = self.open_message();
        let logprob = log_prob
            .filter(|_| self.logprobs)
            .map(|log_prob| TokenLogprob::new(piece, log_prob));
        let told: Vec<Value> = logprob.iter().map(|token| json!(token)).collect();
        let Some(Open::Message { id, text, logprobs }) = &mut self.open else {
            return events;
        };
        text.push_str(piece);
        logprobs.extend(logprob);
        let id = id.clone();
        events.push(self.of_item(
            "response.output_text.delta",
            &id,
            json!({"content_index": 0, "delta": piece, "logprobs": told}),
        ));
        events
    }

    fn open_message(&mut self) -> Vec<Value> {
        if matches!(self.open, Some(Open::Message { .. })) {
            return Vec::new();
        }
        let mut events = self.close();
        let id = (self.new_id)("msg");
        let item =
            json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
        events.push(self.event("response.output_item.added", json!({"item": item})));
        let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
        events.push(self.of_item(
            "response.content_part.added",
            &id,
            json!({"content_index": 0, "part": part}),
        ));
        self.open = Some(Open::Message {
            id,
            text: String::new(),
            logprobs: Vec::new(),
        });
        events
    }

    /// A call, whole.
    pub fn call(&mut self, call: &ToolCall) -> Vec<Value> {
        let mut events = self.close();
        let id = (self.new_id)("fc");
        let item = |status: &str, arguments: &str| {
            json!({
                "id": id,
                "type": "function_call",
                "status": status,
                "call_id": call.id,
                "name": call.name,
                "arguments": arguments,
            })
        };
        events.push(self.event(
            "response.output_item.added",
            json!({"item": item("in_progress", "")}),
        ));
        events.push(self.of_item(
            "response.function_call_arguments.delta",
            &id,
            json!({"delta": call.arguments}),
        ));
        events.push(self.of_item(
            "response.function_call_arguments.done",
            &id,
            json!({"name": call.name, "arguments": call.arguments}),
        ));
        events.push(self.done(item("completed", &call.arguments)));
        events
    }

    /// The last events, and the object as it is kept.
    pub fn end(&mut self, ending: &Ending, boxwood: &Value) -> (Vec<Value>, Value) {
        let mut events = Vec::new();
        if let Ending::Finished { finish, .. } = ending {
            // An answer without a word is an empty message, not none; a call is answer enough.
            if self.output.is_empty() && self.open.is_none() && *finish != boxwood_core::FinishReason::Length
            {
                events.extend(self.open_message());
            }
        }
        let whole = ending.status() == "completed";
        events.extend(self.close_as(if whole { "completed" } else { "incomplete" }));
        let object = self.frame.object(ending, &self.output, boxwood.clone());
        let name = match ending.status() {
            "completed" => "response.completed",
            "incomplete" => "response.incomplete",
            "cancelled" => "response.cancelled",
            _ => "response.failed",
        };
        let event = json!({"type": name, "sequence_number": self.next(), "response": object});
        events.push(event);
        (events, object)
    }

    fn close(&mut self) -> Vec<Value> {
        self.close_as("completed")
    }

    fn close_as(&mut self, status: &str) -> Vec<Value> {
        match self.open.take() {
            None => Vec::new(),
            Some(Open::Reasoning { id, text }) => self.close_reasoning(&id, &text),
            Some(Open::Message { id, text, logprobs }) => self.close_message(&id, &text, &logprobs, status),
        }
    }

    fn close_reasoning(&mut self, id: &str, text: &str) -> Vec<Value> {
        let part = json!({"type": "summary_text", "text": text});
        let mut events = Vec::new();
        let mut summary = Vec::new();
        if self.summary {
            events.push(self.of_item(
                "response.reasoning_summary_text.done",
                id,
                json!({"summary_index": 0, "text": text}),
            ));
            events.push(self.of_item(
                "response.reasoning_summary_part.done",
                id,
                json!({"summary_index": 0, "part": part}),
            ));
            summary.push(part);
        }
        let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
        if let Some(seal) = &self.seal {
            item["encrypted_content"] = json!(seal(id));
        }
        events.push(self.done(item));
        events
    }

    fn close_message(&mut self, id: &str, text: &str, logprobs: &[TokenLogprob], status: &str) -> Vec<Value> {
        let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs});
        let text_done = json!({"content_index": 0, "text": text, "logprobs": logprobs});
        let mut events = vec![self.of_item("response.output_text.done", id, text_done)];
        events.push(self.of_item(
            "response.content_part.done",
            id,
            json!({"content_index": 0, "part": part}),
        ));
        events.push(self.done(json!({
            "id": id,
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [part],
        })));
        events
    }

    fn done(&mut self, item: Value) -> Value {
        let event = self.event("response.output_item.done", json!({"item": item}));
        self.output.push(item);
        event
    }

    fn about_response(&mut self, name: &str, ending: &Ending) -> Value {
        let object = self.frame.object(ending, &[], json!({}));
        json!({"type": name, "sequence_number": self.next(), "response": object})
    }

    fn of_item(&mut self, name: &str, id: &str, mut members: Value) -> Value {
        members["item_id"] = id.into();
        self.event(name, members)
    }

    fn event(&mut self, name: &str, mut members: Value) -> Value {
        members["type"] = name.into();
        members["output_index"] = self.output.len().into();
        members["sequence_number"] = self.next().into();
        members
    }

    fn next(&mut self) -> u64 {
        let number = self.sequence;
        self.sequence += 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::{FinishReason, Usage};
    use serde_json::Map;

    fn writer(summary: bool) -> Writer {
        let frame = Frame {
            id: "resp_1".into(),
            created_at: 1,
            model: "m".into(),
            background: false,
            store: true,
            echo: Map::new(),
        };
        let mut next = 0;
        let new_id = move |prefix: &str| {
            next += 1;
            format!("{prefix}_{next}")
        };
        Writer::new(frame, summary, false, Box::new(new_id))
    }

    fn finished(finish: FinishReason) -> Ending {
        Ending::Finished {
            finish,
            usage: Usage::default(),
        }
    }

    fn names(events: &[Value]) -> Vec<&str> {
        events
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn thinking_text_and_a_call_are_told_in_order_and_numbered() {
        let mut writer = writer(true);
        let mut events = writer.begin(false);
        events.extend(writer.reasoning("Hm."));
        events.extend(writer.text("Two", None));
        events.extend(writer.text(" it is", None));
        events.extend(writer.call(&ToolCall {
            id: "call_1".into(),
            name: "add".into(),
            arguments: "{\"a\":1}".into(),
        }));
        let (last, object) = writer.end(&finished(FinishReason::ToolCalls), &json!({}));
        events.extend(last);
        assert_eq!(
            names(&events),
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.reasoning_summary_part.added",
                "response.reasoning_summary_text.delta",
                "response.reasoning_summary_text.done",
                "response.reasoning_summary_part.done",
                "response.output_item.done",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.output_item.added",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                "response.output_item.done",
                "response.completed",
            ]
        );
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number);
        }
        let kinds: Vec<&str> = object["output"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["reasoning", "message", "function_call"]);
        assert_eq!(object["output"][0]["summary"][0]["text"], "Hm.");
        assert_eq!(object["output"][1]["content"][0]["text"], "Two it is");
        let places: Vec<u64> = events
            .iter()
            .filter_map(|event| event["output_index"].as_u64())
            .collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn thinking_is_not_told_unasked() {
        let mut writer = writer(false);
        writer.begin(false);
        assert_eq!(names(&writer.reasoning("secret")), ["response.output_item.added"]);
        writer.text("x", None);
        let (_, object) = writer.end(&finished(FinishReason::Stop), &json!({}));
        assert_eq!(object["output"][0]["summary"], json!([]));
        assert!(!object.to_string().contains("secret"));
    }

    #[test]
    fn reasoning_items_are_sealed_where_that_is_asked_for() {
        let mut writer = writer(false).sealing(Box::new(|id| Some(format!("seal of {id}"))));
        writer.begin(false);
        writer.reasoning("secret");
        writer.text("x", None);
        let (_, object) = writer.end(&finished(FinishReason::Stop), &json!({}));
        let item = &object["output"][0];
        let id = item["id"].as_str().unwrap();
        assert_eq!(item["encrypted_content"], format!("seal of {id}"));
        assert!(!object.to_string().contains("secret"));
    }

    #[test]
    fn an_answer_that_was_cut_is_incomplete() {
        let mut writer = writer(false);
        writer.begin(true);
        writer.text("Tw", None);
        let (events, object) = writer.end(&finished(FinishReason::Length), &json!({}));
        assert_eq!(names(&events).last(), Some(&"response.incomplete"));
        assert_eq!(object["output"][0]["status"], "incomplete");
        let mut empty = self::writer(false);
        let (_, object) = empty.end(&finished(FinishReason::Stop), &json!({}));
        assert_eq!(object["output"][0]["content"][0]["text"], "");
    }
}
