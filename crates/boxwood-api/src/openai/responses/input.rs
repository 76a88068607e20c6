//! Items: read and given their ids, and turned into a conversation.
//!
//! Invariant: an item that is kept is one that [`conversation`] can read again. Thinking is told to nobody twice: items
//! of it are taken, because clients send them back, and left out of the conversation.

use super::super::content::{self, Parts};
use super::super::error::OpenAiError;
use super::super::fields::{Endpoint, Fields, wrong_type};
use boxwood_core::{ChatMessage, ChatRole, ToolCall};
use serde_json::{Value, json};

/// As the hosts bound it.
const MOST_ITEMS: usize = 2_048;

/// Reads `input` and gives every item its id.
///
/// # Errors
/// The first item that is wrong or not served.
pub fn read(input: &Value, new_id: &mut dyn FnMut(&str) -> String) -> Result<Vec<Value>, OpenAiError> {
    let entries = match input {
        Value::String(text) => {
            let content = json!([{"type": "input_text", "text": text}]);
            let id = new_id("msg");
            return Ok(vec![
                json!({"id": id, "type": "message", "role": "user", "status": "completed", "content": content}),
            ]);
        }
        Value::Array(entries) => entries,
        other => return Err(wrong_type("input", "one of a string or array of objects", other)),
    };
    if entries.len() > MOST_ITEMS {
        let message = format!("Invalid 'input': array too long. At most {MOST_ITEMS} items are expected.");
        return Err(OpenAiError::invalid(
            "input",
            Some("array_above_max_length"),
            message,
        ));
    }
    let mut items = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        items.push(with_id(entry, &format!("input[{index}]"), new_id)?);
    }
    // Everything is read once now, so that nothing is kept that can't be read.
    add(&mut Vec::new(), &items, "input")?;
    Ok(items)
}

fn with_id(entry: &Value, path: &str, new_id: &mut dyn FnMut(&str) -> String) -> Result<Value, OpenAiError> {
    let Value::Object(members) = entry else {
        return Err(wrong_type(path, "an object", entry));
    };
    let mut item = members.clone();
    let kind = match item.get("type").and_then(Value::as_str) {
        Some(kind) => kind.to_owned(),
        None => {
            item.insert("type".into(), "message".into());
            "message".to_owned()
        }
    };
    let prefix = match kind.as_str() {
        "message" => "msg",
        "function_call" => "fc",
        "function_call_output" => "fco",
        _ => "item",
    };
    if item.get("id").is_none_or(Value::is_null) {
        item.insert("id".into(), new_id(prefix).into());
    }
    if kind == "message" {
        // Text alone becomes a part, as it is told back.
        let assistant = item.get("role").and_then(Value::as_str) == Some("assistant");
        if let Some(Value::String(text)) = item.get("content") {
            let part = if assistant { "output_text" } else { "input_text" };
            let content = json!([{"type": part, "text": text}]);
            item.insert("content".into(), content);
        }
    }
    item.entry("status").or_insert_with(|| "completed".into());
    Ok(Value::Object(item))
}

/// A conversation out of kept items and new ones; `instructions` come first.
///
/// # Errors
/// The first item that is wrong, results without calls, calls without results.
pub fn conversation(instructions: Option<&str>, items: &[Value]) -> Result<Vec<ChatMessage>, OpenAiError> {
    let mut messages = Vec::new();
    if let Some(instructions) = instructions {
        messages.push(ChatMessage::new(ChatRole::System, instructions));
    }
    add(&mut messages, items, "input")?;
    check_calls(&messages)?;
    if messages.is_empty() {
        let message = "One of 'input' or 'previous_response_id' must hold something to answer.";
        return Err(OpenAiError::invalid(
            "input",
            Some("missing_required_parameter"),
            message,
        ));
    }
    super::super::messages::end_with_a_question(&mut messages).map_err(|error| OpenAiError {
        param: Some("input".into()),
        ..error
    })?;
    Ok(messages)
}

fn add(messages: &mut Vec<ChatMessage>, items: &[Value], path: &str) -> Result<(), OpenAiError> {
    for (index, item) in items.iter().enumerate() {
        let mut fields = Fields::of(item, &format!("{path}[{index}]"), Endpoint::Responses)?;
        fields.pass_over(&["id", "status", "phase"]);
        let kind = fields.text("type")?.unwrap_or("message");
        match kind {
            "message" => messages.push(message(&mut fields)?),
            "function_call" => add_call(messages, &mut fields)?,
            "function_call_output" => messages.push(result(&mut fields)?),
            "reasoning" => fields.pass_over(&["summary", "content", "encrypted_content"]),
            other => {
                let message = format!(
                    "Items of the type '{other}' are not served here. Messages, function calls and their outputs are; to refer to an earlier response use 'previous_response_id'."
                );
                return Err(OpenAiError::not_served(fields.path_of("type"), message));
            }
        }
        fields.close()?;
    }
    Ok(())
}

fn message(fields: &mut Fields<'_>) -> Result<ChatMessage, OpenAiError> {
    const ROLES: [(&str, ChatRole); 4] = [
        ("user", ChatRole::User),
        ("assistant", ChatRole::Assistant),
        ("system", ChatRole::System),
        ("developer", ChatRole::System),
    ];
    fields.required("role")?;
    let role = fields.word("role", &ROLES)?.unwrap_or(ChatRole::User);
    let path = fields.path_of("content");
    let parts = if role == ChatRole::User {
        Parts::TextAndImages
    } else {
        Parts::Text
    };
    let content = content::read(fields.required("content")?, &path, parts, Endpoint::Responses)?;
    Ok(ChatMessage {
        images: content.images,
        ..ChatMessage::new(role, content.text)
    })
}

/// Calls that follow one another belong to one message of the assistant.
fn add_call(messages: &mut Vec<ChatMessage>, fields: &mut Fields<'_>) -> Result<(), OpenAiError> {
    let call = ToolCall {
        id: fields.required_text("call_id")?.to_owned(),
        name: fields.required_text("name")?.to_owned(),
        arguments: fields.required_text("arguments")?.to_owned(),
    };
    match messages.last_mut() {
        Some(last) if last.role == ChatRole::Assistant => last.tool_calls.push(call),
        _ => messages.push(ChatMessage::calls("", vec![call])),
    }
    Ok(())
}

fn result(fields: &mut Fields<'_>) -> Result<ChatMessage, OpenAiError> {
    let id = fields.required_text("call_id")?;
    let path = fields.path_of("output");
    let output = content::read(
        fields.required("output")?,
        &path,
        Parts::Text,
        Endpoint::Responses,
    )?;
    Ok(ChatMessage::tool_result(id, output.text))
}

fn check_calls(messages: &[ChatMessage]) -> Result<(), OpenAiError> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if let Some(id) = &message.tool_call_id {
            let Some(place) = open.iter().position(|call| call == id) else {
                let words = format!("No tool call found for function call output with call_id {id}.");
                return Err(OpenAiError::invalid("input", None, words));
            };
            open.remove(place);
        }
        open.extend(message.tool_calls.iter().map(|call| call.id.as_str()));
    }
    match open.first() {
        None => Ok(()),
        Some(id) => {
            let words = format!("No tool output found for function call {id}.");
            Err(OpenAiError::invalid("input", None, words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(input: Value) -> Result<Vec<Value>, OpenAiError> {
        let mut next = 0;
        read(&input, &mut |prefix| {
            next += 1;
            format!("{prefix}_{next}")
        })
    }

    #[test]
    fn a_text_is_a_message() {
        let items = items(json!("Hi")).unwrap();
        assert_eq!(items[0]["content"][0]["text"], "Hi");
        let messages = conversation(Some("Be brief."), &items).unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(
            (messages[0].role, messages[1].role),
            (ChatRole::System, ChatRole::User)
        );
    }

    #[test]
    fn calls_and_outputs_become_a_conversation() {
        let items = items(json!([
            {"role": "user", "content": "1+1 and 2+2?"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "2"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "4"}]},
        ]))
        .unwrap();
        let messages = conversation(None, &items).unwrap();
        assert_eq!(messages.len(), 4);
        assert_eq!(messages[1].tool_calls.len(), 2);
        assert_eq!(messages[3].content, "4");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |input: Value, param: &str| {
            let error = items(input.clone())
                .and_then(|items| conversation(None, &items))
                .unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{input}: {error:?}");
        };
        check(json!(5), "input");
        check(json!([5]), "input[0]");
        check(json!([]), "input");
        check(json!([{"type": "web_search_call"}]), "input[0].type");
        check(
            json!([{"role": "user", "content": "x", "foo": 1}]),
            "input[0].foo",
        );
        check(
            json!([{"type": "function_call_output", "call_id": "c", "output": "2"}]),
            "input",
        );
        check(
            json!([{"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}, {"role": "user", "content": "x"}]),
            "input",
        );
    }
}
