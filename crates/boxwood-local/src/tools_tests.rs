//! Tests of [`super`]: what models write, in pieces, and what is read out of it.

use super::*;
use boxwood_core::{SharedPrefix, Usage};

fn tool(name: &str) -> ToolDefinition {
    ToolDefinition {
        name: name.into(),
        description: Some("Tells it.".into()),
        parameters: json!({"type": "object", "properties": {"city": {"$ref": "#/$defs/city"}}, "$defs": {"city": {"type": "string"}}}),
        strict: false,
    }
}

fn request(choice: ToolChoice) -> ChatRequest {
    ChatRequest {
        tools: vec![tool("weather"), tool("time")],
        tool_choice: choice,
        ..ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "How is it in Oslo?")], 50)
    }
}

/// Everything that is read out of a reply that comes in pieces.
fn read(choice: ToolChoice, pieces: &[&str]) -> (String, Vec<(String, String)>, FinishReason) {
    let (_, reader) = prepare(request(choice));
    let mut reader = reader.unwrap();
    let (mut text, mut calls, mut end) = (String::new(), Vec::new(), None);
    let texts = pieces.iter().map(|piece| ChatEvent::Text {
        text: (*piece).to_owned(),
        log_prob: Some(-0.1),
    });
    let last = ChatEvent::End {
        finish: FinishReason::Stop,
        usage: Usage::default(),
    };
    for event in texts.chain([last]) {
        for event in reader.take(event) {
            match event {
                ChatEvent::Text { text: piece, .. } => text.push_str(&piece),
                ChatEvent::ToolCall(call) => calls.push((call.name, call.arguments)),
                ChatEvent::End { finish, .. } => end = Some(finish),
                other => panic!("{other:?}"),
            }
        }
    }
    (text, calls, end.unwrap())
}

#[track_caller]
fn check(pieces: &[&str], text: &str, calls: &[(&str, &str)]) {
    let whole: String = pieces.concat();
    let by_character: Vec<String> = whole.chars().map(String::from).collect();
    let by_character: Vec<&str> = by_character.iter().map(String::as_str).collect();
    for pieces in [pieces, by_character.as_slice()] {
        let (found, made, finish) = read(ToolChoice::Auto, pieces);
        let made: Vec<(&str, &str)> = made
            .iter()
            .map(|(name, arguments)| (name.as_str(), arguments.as_str()))
            .collect();
        assert_eq!((found.as_str(), made.as_slice()), (text, calls), "{pieces:?}");
        let expected = if calls.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        };
        assert_eq!(finish, expected);
    }
}

#[test]
fn calls_are_read_out_of_marks() {
    let oslo = r#"{"city":"Oslo"}"#;
    check(
        &[
            "<tool_call>",
            "\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n",
            "</tool_call>",
        ],
        "",
        &[("weather", oslo)],
    );
    check(
        &[
            "Let me see.\n<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}</tool_call>\n",
            "<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>",
        ],
        "Let me see.",
        &[("weather", oslo), ("time", "{}")],
    );
    // The end of the reply stands for the other half of the mark.
    check(
        &["<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}"],
        "",
        &[("weather", oslo)],
    );
}

#[test]
fn a_reply_that_is_nothing_but_a_call_is_one() {
    let oslo = r#"{"city":"Oslo"}"#;
    check(
        &["{\"name\": \"weather\", ", "\"arguments\": {\"city\": \"Oslo\"}}"],
        "",
        &[("weather", oslo)],
    );
    check(
        &["```json\n{\"name\": \"weather\", \"arguments\": \"{\\\"city\\\": \\\"Oslo\\\"}\"}\n```"],
        "",
        &[("weather", oslo)],
    );
}

#[test]
fn text_is_text_and_nothing_is_lost() {
    check(&["It is ", "cold <b>today</b>."], "It is cold <b>today</b>.", &[]);
    check(&["a <tool", " b"], "a <tool b", &[]);
    check(&["{\"a\": 1}"], "{\"a\": 1}", &[]);
    check(
        &["{\"name\": \"unknown\", \"arguments\": {}}"],
        "{\"name\": \"unknown\", \"arguments\": {}}",
        &[],
    );
    check(
        &["<tool_call>nonsense</tool_call>"],
        "<tool_call>nonsense</tool_call>",
        &[],
    );
    check(&["<tool_call>cut"], "<tool_call>cut", &[]);
    check(&["  "], "  ", &[]);
}

#[test]
fn a_forced_call_is_held_to_the_schemas() {
    let (prepared, reader) = prepare(request(ToolChoice::Required));
    let schema = prepared.response_format.unwrap().schema;
    assert_eq!(schema["anyOf"][1]["properties"]["name"]["const"], "time");
    assert_eq!(
        schema["anyOf"][1]["properties"]["arguments"]["properties"]["city"]["$ref"],
        "#/anyOf/1/properties/arguments/$defs/city"
    );
    assert!(reader.unwrap().whole_reply);
    let (prepared, _) = prepare(request(ToolChoice::Named("time".into())));
    let schema = prepared.response_format.unwrap().schema;
    assert_eq!(
        schema["properties"]["arguments"]["properties"]["city"]["$ref"],
        "#/properties/arguments/$defs/city"
    );
    let reply = r#"{"name":"time","arguments":{"city":"Oslo"}}"#;
    let (text, calls, finish) = read(ToolChoice::Named("time".into()), &[reply]);
    assert_eq!(
        (text.as_str(), calls.len(), finish),
        ("", 1, FinishReason::ToolCalls)
    );
}

#[test]
fn a_reply_with_a_schema_may_be_a_call_instead() {
    let mut wanted = request(ToolChoice::Auto);
    wanted.response_format = Some(JsonSchemaFormat {
        name: "answer".into(),
        schema: json!({"type": "object", "properties": {"answer": {"type": "string"}}}),
    });
    let (prepared, reader) = prepare(wanted);
    assert_eq!(
        prepared.response_format.unwrap().schema["anyOf"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let mut reader = reader.unwrap();
    let text = ChatEvent::Text {
        text: r#"{"answer":"cold"}"#.into(),
        log_prob: None,
    };
    assert!(reader.take(text).is_empty());
    let last = reader.take(ChatEvent::End {
        finish: FinishReason::Stop,
        usage: Usage::default(),
    });
    assert!(
        matches!(&last[0], ChatEvent::Text { text, .. } if text == r#"{"answer":"cold"}"#),
        "{last:?}"
    );
}

#[test]
fn one_call_only_where_that_is_asked_for() {
    let mut wanted = request(ToolChoice::Auto);
    wanted.parallel_tool_calls = Some(false);
    let mut reader = prepare(wanted).1.unwrap();
    let one = "<tool_call>{\"name\": \"time\", \"arguments\": {}}</tool_call>";
    let events = reader.take(ChatEvent::Text {
        text: format!("{one}\n{one}"),
        log_prob: None,
    });
    assert_eq!(events.len(), 1, "{events:?}");
}

#[test]
fn the_conversation_is_told_in_the_model_s_own_words() {
    let mut wanted = request(ToolChoice::Auto);
    let call = |id: &str| ToolCall {
        id: id.into(),
        name: "weather".into(),
        arguments: r#"{"city":"Oslo"}"#.into(),
    };
    wanted.messages.extend([
        ChatMessage::calls("", vec![call("a"), call("b")]),
        ChatMessage::tool_result("a", "5 °C"),
        ChatMessage::tool_result("b", "6 °C"),
    ]);
    wanted.shared_prefix = Some(SharedPrefix {
        boundary: 3,
        partition: "p".into(),
    });
    let (prepared, _) = prepare(wanted);
    let roles: Vec<ChatRole> = prepared.messages.iter().map(|message| message.role).collect();
    assert_eq!(
        roles,
        [
            ChatRole::System,
            ChatRole::User,
            ChatRole::Assistant,
            ChatRole::User
        ]
    );
    assert!(
        prepared.messages[0]
            .content
            .contains("<tools>\n{\"type\":\"function\"")
    );
    assert_eq!(prepared.messages[2].content.matches(OPEN).count(), 2);
    assert_eq!(
        prepared.messages[3].content,
        "<tool_response>\n5 °C\n</tool_response>\n<tool_response>\n6 °C\n</tool_response>"
    );
    assert_eq!(prepared.shared_prefix.unwrap().boundary, 0);
    assert!(prepared.tools.is_empty());
}

#[test]
fn without_tools_nothing_changes() {
    let plain = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "Hi")], 5);
    let (prepared, reader) = prepare(plain.clone());
    assert_eq!(prepared, plain);
    assert!(reader.is_none());
    let (prepared, reader) = prepare(request(ToolChoice::None));
    assert!(reader.is_none() && prepared.messages.len() == 1);
}
