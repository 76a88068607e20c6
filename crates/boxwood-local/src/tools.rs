//! Tools for a model that knows them by its chat template: told as text in the words of the model's own training, and
//! read back out of what it writes.
//!
//! A choice that is free is read out of the text (`<tool_call>` marks, or a reply that is nothing but a call); a choice
//! that is forced is held to the tools' schemas token by token, and so is the choice between a call and a reply that has a
//! schema of its own. Invariants: only tools of the request are ever called; a call is whole or it is text; nothing that
//! the model wrote is lost. Called by `handle`.

use boxwood_core::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, FinishReason, JsonSchemaFormat, ToolCall, ToolChoice,
    ToolDefinition,
};
use serde_json::{Map, Value, json};

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

/// A request as the engine takes it, and what reads calls out of its reply.
pub(crate) fn prepare(mut request: ChatRequest) -> (ChatRequest, Option<CallReader>) {
    if !request.uses_tools() {
        return (request, None);
    }
    let tools = std::mem::take(&mut request.tools);
    let choice = std::mem::take(&mut request.tool_choice);
    let offered = if choice == ToolChoice::None {
        Vec::new()
    } else {
        tools
    };
    flatten(&mut request, &offered);
    if offered.is_empty() {
        return (request, None);
    }
    let callable: Vec<&ToolDefinition> = match &choice {
        ToolChoice::Named(name) => offered.iter().filter(|tool| tool.name == *name).collect(),
        _ => offered.iter().collect(),
    };
    let is_forced = matches!(choice, ToolChoice::Required | ToolChoice::Named(_));
    let own = request.response_format.take().filter(|_| !is_forced);
    let is_held = is_forced || own.is_some();
    if is_held {
        request.response_format = Some(held_to(&callable, own.map(|format| format.schema)));
        request.stop.clear();
    }
    let reader = CallReader {
        names: callable.iter().map(|tool| tool.name.clone()).collect(),
        one_only: request.parallel_tool_calls == Some(false),
        whole_reply: is_held,
        state: State::Text,
        held: String::new(),
        log_prob: None,
        calls: 0,
        began: false,
    };
    (request, Some(reader))
}

/// Calls and results as plain messages, the tools at the end of the instructions.
fn flatten(request: &mut ChatRequest, tools: &[ToolDefinition]) {
    let mut messages: Vec<ChatMessage> = Vec::with_capacity(request.messages.len() + 1);
    let mut was_result = false;
    for message in request.messages.drain(..) {
        let is_result = message.role == ChatRole::Tool;
        match messages.last_mut().filter(|_| is_result && was_result) {
            Some(last) => {
                last.content.push('\n');
                last.content.push_str(&result_text(&message.content));
            }
            None => messages.push(flat(message)),
        }
        was_result = is_result;
    }
    // Where a boundary stands within a result, it would be in the wrong place now.
    if was_result && let Some(shared) = &mut request.shared_prefix {
        shared.boundary = 0;
    }
    if !tools.is_empty() {
        let told = tools_text(tools);
        match messages
            .first_mut()
            .filter(|first| first.role == ChatRole::System)
        {
            Some(first) => {
                first.content.push_str("\n\n");
                first.content.push_str(&told);
            }
            None => messages.insert(0, ChatMessage::new(ChatRole::System, told)),
        }
    }
    request.messages = messages;
}

fn flat(message: ChatMessage) -> ChatMessage {
    match message.role {
        ChatRole::Tool => ChatMessage::new(ChatRole::User, result_text(&message.content)),
        ChatRole::Assistant if !message.tool_calls.is_empty() => {
            let mut text = message.content;
            for call in &message.tool_calls {
                if !text.is_empty() {
                    text.push('\n');
                }
                let arguments: Value =
                    serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
                let body = json!({"name": call.name, "arguments": arguments});
                text.push_str(&format!("{OPEN}\n{body}\n{CLOSE}"));
            }
            ChatMessage::new(ChatRole::Assistant, text)
        }
        _ => message,
    }
}

fn result_text(content: &str) -> String {
    format!("<tool_response>\n{content}\n</tool_response>")
}

/// The words of the chat template that Qwen2.5 was trained with, which Hermes and others share.
fn tools_text(tools: &[ToolDefinition]) -> String {
    let mut text = String::from(
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function \
         signatures within <tools></tools> XML tags:\n<tools>",
    );
    for tool in tools {
        let mut function = Map::new();
        function.insert("name".into(), tool.name.clone().into());
        if let Some(description) = &tool.description {
            function.insert("description".into(), description.clone().into());
        }
        function.insert("parameters".into(), tool.parameters.clone());
        text.push('\n');
        text.push_str(&json!({"type": "function", "function": function}).to_string());
    }
    text.push_str(
        "\n</tools>\n\nFor each function call, return a json object with function name and arguments within \
         <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": \
         <args-json-object>}\n</tool_call>",
    );
    text
}

/// The schema of a reply that is one call, or a value of the reply's own schema.
fn held_to(tools: &[&ToolDefinition], own: Option<Value>) -> JsonSchemaFormat {
    let mut branches = Vec::with_capacity(tools.len() + 1);
    let count = tools.len() + usize::from(own.is_some());
    let place = |index: usize| {
        if count == 1 {
            "#".to_owned()
        } else {
            format!("#/anyOf/{index}")
        }
    };
    for (index, tool) in tools.iter().enumerate() {
        let mut arguments = tool.parameters.clone();
        rebase(&mut arguments, &format!("{}/properties/arguments", place(index)));
        branches.push(json!({
            "type": "object",
            "properties": {"name": {"const": tool.name}, "arguments": arguments},
            "required": ["name", "arguments"],
            "additionalProperties": false,
        }));
    }
    if let Some(mut own) = own {
        rebase(&mut own, &place(tools.len()));
        branches.push(own);
    }
    let schema = match (branches.len(), branches.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            branches.extend(last);
            json!({"anyOf": branches})
        }
    };
    JsonSchemaFormat {
        name: "tool_call".to_owned(),
        schema,
    }
}

/// References lead from the root, which is elsewhere now.
fn rebase(schema: &mut Value, place: &str) {
    match schema {
        Value::Array(entries) => entries.iter_mut().for_each(|entry| rebase(entry, place)),
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(pointer) = reference.strip_prefix('#')
            {
                *reference = format!("{place}{pointer}");
            }
            members.values_mut().for_each(|member| rebase(member, place));
        }
        _ => {}
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Text that is shown, but for its end, which may begin a mark.
    Text,
    /// After a mark, until its other half.
    Call,
    /// From the beginning on it may be nothing but a call.
    Undecided,
}

/// Reads calls out of a reply.
#[derive(Debug)]
pub(crate) struct CallReader {
    names: Vec<String>,
    /// Further calls are left out.
    one_only: bool,
    /// The reply is one value: a call or, where the reply has its own schema, something else.
    whole_reply: bool,
    state: State,
    held: String,
    log_prob: Option<f32>,
    calls: usize,
    /// Whether something was written.
    began: bool,
}

impl CallReader {
    /// What follows from an event.
    pub fn take(&mut self, event: ChatEvent) -> Vec<ChatEvent> {
        match event {
            ChatEvent::Text { text, log_prob } => {
                if let Some(log_prob) = log_prob {
                    *self.log_prob.get_or_insert(0.0) += log_prob;
                }
                self.held.push_str(&text);
                let mut events = Vec::new();
                self.read(&mut events);
                events
            }
            ChatEvent::End { finish, usage } => {
                let mut events = Vec::new();
                self.finish(&mut events);
                let finish = if self.calls > 0 && finish == FinishReason::Stop {
                    FinishReason::ToolCalls
                } else {
                    finish
                };
                events.push(ChatEvent::End { finish, usage });
                events
            }
            other => vec![other],
        }
    }

    fn read(&mut self, events: &mut Vec<ChatEvent>) {
        if self.whole_reply {
            return;
        }
        if !self.began && !self.held.trim_start().is_empty() {
            self.began = true;
            if self.held.trim_start().starts_with(['{', '`', '[']) {
                self.state = State::Undecided;
            }
        }
        loop {
            let before = self.held.len();
            match self.state {
                State::Undecided if self.held.contains(OPEN) => self.state = State::Text,
                State::Undecided => return,
                State::Text => self.read_text(events),
                State::Call => self.read_call(events),
            }
            if self.held.len() == before {
                return;
            }
        }
    }

    fn read_text(&mut self, events: &mut Vec<ChatEvent>) {
        if let Some(place) = self.held.find(OPEN) {
            let before = self.held[..place].to_owned();
            self.held.drain(..place + OPEN.len());
            // White space around marks is no text.
            self.show(before.trim_end().to_owned(), events);
            self.state = State::Call;
            return;
        }
        // White space before a mark is no text, so it waits for what follows.
        let sure = self.held.len() - beginning_of(OPEN, &self.held);
        let ready = self.held[..sure].trim_end().len();
        if ready > 0 {
            let text: String = self.held.drain(..ready).collect();
            self.show(text, events);
        }
    }

    fn read_call(&mut self, events: &mut Vec<ChatEvent>) {
        let Some(place) = self.held.find(CLOSE) else {
            return;
        };
        let inside = self.held[..place].to_owned();
        self.held.drain(..place + CLOSE.len());
        self.state = State::Text;
        match self.parse(&inside) {
            Some(call) => self.call(call, events),
            None => self.show(format!("{OPEN}{inside}{CLOSE}"), events),
        }
    }

    fn finish(&mut self, events: &mut Vec<ChatEvent>) {
        let rest = std::mem::take(&mut self.held);
        if rest.trim().is_empty() && (self.calls > 0 || rest.is_empty()) {
            return;
        }
        let is_call_mark = self.state == State::Call;
        let may_be_call = is_call_mark || self.state == State::Undecided || self.whole_reply;
        if let Some(call) = self.parse(&rest).filter(|_| may_be_call) {
            self.call(call, events);
            return;
        }
        let text = if is_call_mark {
            format!("{OPEN}{rest}")
        } else {
            rest
        };
        self.show(text, events);
    }

    fn call(&mut self, call: ToolCall, events: &mut Vec<ChatEvent>) {
        self.log_prob = None;
        if self.one_only && self.calls > 0 {
            return;
        }
        self.calls += 1;
        events.push(ChatEvent::ToolCall(call));
    }

    fn show(&mut self, text: String, events: &mut Vec<ChatEvent>) {
        let log_prob = self.log_prob.take();
        if !text.is_empty() {
            events.push(ChatEvent::Text { text, log_prob });
        }
    }

    /// A call of one of the tools; small models vary in what they put around it and what they call its parts.
    fn parse(&self, text: &str) -> Option<ToolCall> {
        let value: Value = serde_json::from_str(without_fence(text)).ok()?;
        let members = value.as_object()?;
        let inner = members
            .get("function")
            .and_then(Value::as_object)
            .unwrap_or(members);
        let name = inner.get("name")?.as_str()?;
        if !self.names.iter().any(|known| known == name) {
            return None;
        }
        let arguments = match inner.get("arguments").or_else(|| inner.get("parameters")) {
            None => json!({}),
            // Some write the object as a string.
            Some(Value::String(text)) => serde_json::from_str(text).ok().filter(Value::is_object)?,
            Some(arguments @ Value::Object(_)) => arguments.clone(),
            Some(_) => return None,
        };
        Some(ToolCall {
            id: String::new(),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        })
    }
}

/// The inside of a fenced block, where the text is one.
fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let Some(rest) = text.strip_prefix("```") else {
        return text;
    };
    let rest = rest.strip_prefix("json").unwrap_or(rest);
    rest.strip_suffix("```").unwrap_or(rest).trim()
}

/// Bytes at the end of the text that may begin the mark.
fn beginning_of(mark: &str, text: &str) -> usize {
    (1..mark.len().min(text.len() + 1))
        .rev()
        .find(|length| text.ends_with(&mark[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
