//! The messages of a chat completion, checked as a conversation.
//!
//! Invariant: the conversation that leaves here is one that every model takes: results of tools answer calls that stand
//! before them, and the last word is the user's or a tool's. Called by `chat`.

use super::content::{self, Content, Parts};
use super::error::OpenAiError;
use super::fields::{Endpoint, Fields};
use boxwood_core::{ChatMessage, ChatRole, ToolCall};
use serde_json::Value;

/// As the hosts bound it.
const MOST_MESSAGES: usize = 2_048;
/// Characters of one message, as the hosts bound it.
const LONGEST_MESSAGE: usize = 1_048_576;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Developer,
    System,
    User,
    Assistant,
    Tool,
}

const ROLES: [(&str, Role); 5] = [
    ("system", Role::System),
    ("assistant", Role::Assistant),
    ("user", Role::User),
    ("developer", Role::Developer),
    ("tool", Role::Tool),
];

/// Reads the messages. With `one_kind_of_instructions` a conversation may hold `system` or `developer` messages, not both.
///
/// # Errors
/// The first message that is wrong.
pub fn read(
    entries: &[Value],
    one_kind_of_instructions: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<ChatMessage>, OpenAiError> {
    if entries.is_empty() || entries.len() > MOST_MESSAGES {
        return Err(wrong_count(entries.len()));
    }
    let mut messages = Vec::with_capacity(entries.len());
    let mut roles = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("messages[{index}]");
        let mut fields = Fields::of(entry, &path, Endpoint::Chat)?;
        let role = fields.required_text("role")?;
        let role = super::fields::one_of(role, &ROLES, &fields.path_of("role"))?;
        if fields.text("name")?.is_some() {
            warnings.push(format!(
                "{path}.name: names of speakers are not shown to the model"
            ));
        }
        let message = read_message(&mut fields, role)?;
        fields.close()?;
        if message.content.chars().count() > LONGEST_MESSAGE {
            return Err(too_long(&path));
        }
        roles.push(role);
        messages.push(message);
    }
    if one_kind_of_instructions && roles.contains(&Role::System) && roles.contains(&Role::Developer) {
        let message = "Invalid parameter: 'messages' may hold messages with role 'system' or with role 'developer', not both.";
        return Err(OpenAiError::invalid("messages", None, message));
    }
    check_conversation(&messages)?;
    end_with_a_question(&mut messages)?;
    Ok(messages)
}

fn wrong_count(count: usize) -> OpenAiError {
    if count == 0 {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return OpenAiError::invalid("messages", Some("empty_array"), message);
    }
    let message = format!(
        "Invalid 'messages': array too long. Expected an array with maximum length {MOST_MESSAGES}, but got an array with length {count} instead."
    );
    OpenAiError::invalid("messages", Some("array_above_max_length"), message)
}

fn too_long(path: &str) -> OpenAiError {
    let message = format!(
        "Invalid '{path}.content': string too long. Expected a string with maximum length {LONGEST_MESSAGE}."
    );
    OpenAiError::invalid(
        format!("{path}.content"),
        Some("string_above_max_length"),
        message,
    )
}

fn read_message(fields: &mut Fields<'_>, role: Role) -> Result<ChatMessage, OpenAiError> {
    let path = fields.path_of("content");
    if role == Role::Assistant {
        return read_assistant(fields, &path);
    }
    let parts = if role == Role::User {
        Parts::TextAndImages
    } else {
        Parts::Text
    };
    let content = content::read(fields.required("content")?, &path, parts, Endpoint::Chat)?;
    let core_role = match role {
        Role::Developer | Role::System => ChatRole::System,
        Role::Tool => ChatRole::Tool,
        _ => ChatRole::User,
    };
    let mut message = with_content(core_role, content);
    if role == Role::Tool {
        message.tool_call_id = Some(fields.required_text("tool_call_id")?.to_owned());
    }
    Ok(message)
}

fn with_content(role: ChatRole, content: Content) -> ChatMessage {
    ChatMessage {
        images: content.images,
        ..ChatMessage::new(role, content.text)
    }
}

fn read_assistant(fields: &mut Fields<'_>, path: &str) -> Result<ChatMessage, OpenAiError> {
    // What an answer is sent back with.
    fields.pass_over(&["refusal", "annotations", "reasoning_content", "boxwood"]);
    for name in ["function_call", "audio"] {
        if fields.get(name).is_some() {
            return Err(OpenAiError::not_served(
                fields.path_of(name),
                format!("'{name}' is not served here. Use 'tool_calls'."),
            ));
        }
    }
    let content = match fields.get("content") {
        Some(value) => content::read(value, path, Parts::Text, Endpoint::Chat)?,
        None => Content::default(),
    };
    let calls_path = fields.path_of("tool_calls");
    let mut calls = Vec::new();
    for (index, entry) in fields.array("tool_calls")?.unwrap_or_default().iter().enumerate() {
        calls.push(read_call(entry, &format!("{calls_path}[{index}]"))?);
    }
    if calls.is_empty() && content.text.is_empty() && fields.get("content").is_none() {
        let message = format!("Invalid value for '{path}': expected a string, got null.");
        return Err(OpenAiError::invalid(path, None, message));
    }
    Ok(ChatMessage::calls(content.text, calls))
}

fn read_call(entry: &Value, path: &str) -> Result<ToolCall, OpenAiError> {
    let mut call = Fields::of(entry, path, Endpoint::Chat)?;
    call.word("type", &[("function", ())])?;
    // Some clients send back the place of the call.
    call.pass_over(&["index"]);
    let id = call.required_text("id")?.to_owned();
    call.required("function")?;
    let Some(mut function) = call.child("function")? else {
        return Err(super::fields::unknown_parameter(path, Endpoint::Chat));
    };
    let read = ToolCall {
        id,
        name: function.required_text("name")?.to_owned(),
        arguments: function.required_text("arguments")?.to_owned(),
    };
    function.close()?;
    call.close()?;
    Ok(read)
}

/// Every result answers a call before it, every call is answered before somebody else speaks.
fn check_conversation(messages: &[ChatMessage]) -> Result<(), OpenAiError> {
    let mut open: Vec<&str> = Vec::new();
    let mut seen_call = false;
    for (index, message) in messages.iter().enumerate() {
        if let Some(id) = &message.tool_call_id {
            let place = open.iter().position(|call| call == id);
            match place {
                Some(place) => drop(open.remove(place)),
                None => return Err(stray_result(index, seen_call)),
            }
            continue;
        }
        if !open.is_empty() {
            return Err(unanswered(index, &open));
        }
        open = message.tool_calls.iter().map(|call| call.id.as_str()).collect();
        seen_call = !open.is_empty();
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(unanswered(messages.len(), &open))
    }
}

fn stray_result(index: usize, seen_call: bool) -> OpenAiError {
    let message = if seen_call {
        "Invalid parameter: 'tool_call_id' of a message with role 'tool' not found in 'tool_calls' of previous message."
    } else {
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
    };
    let field = if seen_call { "tool_call_id" } else { "role" };
    OpenAiError::invalid(format!("messages.[{index}].{field}"), None, message)
}

fn unanswered(index: usize, open: &[&str]) -> OpenAiError {
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    OpenAiError::invalid(format!("messages.[{index}].role"), None, message)
}

/// Instructions alone are a question; an answer of the model is none.
pub fn end_with_a_question(messages: &mut [ChatMessage]) -> Result<(), OpenAiError> {
    let Some(last) = messages.last_mut() else {
        return Ok(());
    };
    match last.role {
        ChatRole::User | ChatRole::Tool => Ok(()),
        ChatRole::System => {
            last.role = ChatRole::User;
            Ok(())
        }
        ChatRole::Assistant => {
            let message = "The conversation must end with a message of the user or the result of a tool: models served here do not continue their own answer.";
            Err(OpenAiError::invalid("messages", None, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(messages: Value) -> Result<Vec<ChatMessage>, OpenAiError> {
        read(messages.as_array().unwrap(), true, &mut Vec::new())
    }

    #[track_caller]
    fn refused(messages: Value, param: &str) {
        let error = read_all(messages).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{error:?}");
    }

    fn call() -> Value {
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]})
    }

    #[test]
    fn a_conversation_with_tools_is_read() {
        let messages = read_all(json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "1+1?"}]},
            call(),
            {"role": "tool", "tool_call_id": "call_1", "content": "2"},
        ]))
        .unwrap();
        let roles: Vec<ChatRole> = messages.iter().map(|message| message.role).collect();
        assert_eq!(
            roles,
            [
                ChatRole::System,
                ChatRole::User,
                ChatRole::Assistant,
                ChatRole::Tool
            ]
        );
        assert_eq!(messages[2].tool_calls[0].name, "add");
        assert_eq!(messages[3].tool_call_id.as_deref(), Some("call_1"));
    }

    #[test]
    fn conversations_that_make_no_sense_are_refused() {
        refused(json!([]), "messages");
        refused(json!([{"role": "robot", "content": "x"}]), "messages[0].role");
        refused(json!([{"role": "user"}]), "messages[0].content");
        refused(
            json!([{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}]),
            "messages",
        );
        refused(
            json!([{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "2"}]),
            "messages.[1].role",
        );
        refused(
            json!([{"role": "user", "content": "x"}, call(), {"role": "user", "content": "y"}]),
            "messages.[2].role",
        );
        refused(
            json!([call(), {"role": "tool", "tool_call_id": "other", "content": "2"}]),
            "messages.[1].tool_call_id",
        );
        refused(
            json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]),
            "messages",
        );
        refused(
            json!([{"role": "assistant", "content": null}]),
            "messages[0].content",
        );
    }

    #[test]
    fn instructions_alone_are_a_question() {
        let messages = read_all(json!([{"role": "developer", "content": "Say hello."}])).unwrap();
        assert_eq!(messages[0].role, ChatRole::User);
    }
}
