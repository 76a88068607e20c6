//! Events as the service model writes them, and what must not pass as an answer.

use super::*;
use serde_json::json;

fn frame(name: &str, data: Value) -> Frame {
    Frame {
        name: Some(name.to_owned()),
        data: data.to_string().into_bytes(),
        is_error: false,
    }
}

fn read(frames: &[Frame]) -> Result<(Vec<Decoded>, Ending), ModelError> {
    let mut decoder = Decoder::new("m");
    let mut decoded = Vec::new();
    for frame in frames {
        decoded.extend(decoder.frame(frame)?);
    }
    Ok((decoded, decoder.end()?))
}

fn delta(index: u64, delta: Value) -> Frame {
    frame(
        "contentBlockDelta",
        json!({"contentBlockIndex": index, "delta": delta}),
    )
}

fn stop(reason: &str) -> Frame {
    frame("messageStop", json!({"stopReason": reason}))
}

fn usage() -> Frame {
    let usage = json!({"inputTokens": 30, "outputTokens": 9, "totalTokens": 51, "cacheReadInputTokens": 10,
                       "cacheWriteInputTokens": 2});
    frame("metadata", json!({"usage": usage, "metrics": {"latencyMs": 5}}))
}

#[test]
fn text_thinking_and_usage_come_out() {
    let frames = [
        frame("messageStart", json!({"role": "assistant"})),
        delta(0, json!({"reasoningContent": {"text": "Hm."}})),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        frame("contentBlockStop", json!({"contentBlockIndex": 0})),
        delta(1, json!({"text": "On "})),
        delta(1, json!({"text": "Monday"})),
        frame("contentBlockStop", json!({"contentBlockIndex": 1})),
        stop("end_turn"),
        usage(),
    ];
    let (decoded, ending) = read(&frames).unwrap();
    assert_eq!(
        decoded,
        [
            Decoded::Reasoning("Hm.".into()),
            Decoded::Text("On ".into()),
            Decoded::Text("Monday".into()),
        ]
    );
    assert_eq!(ending.finish, FinishReason::Stop);
    let usage = ending.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.cached_tokens, usage.output_tokens),
        (42, 10, 9)
    );
}

#[test]
fn calls_are_whole_and_keep_their_order() {
    let start = |index, id: &str, name: &str| {
        let tool = json!({"toolUse": {"toolUseId": id, "name": name}});
        frame(
            "contentBlockStart",
            json!({"contentBlockIndex": index, "start": tool}),
        )
    };
    let end = |index| frame("contentBlockStop", json!({"contentBlockIndex": index}));
    let frames = [
        start(0, "a", "weather"),
        delta(0, json!({"toolUse": {"input": "{\"city\":"}})),
        delta(0, json!({"toolUse": {"input": "\"Kyoto\"}"}})),
        end(0),
        start(1, "b", "now"),
        end(1),
        stop("tool_use"),
    ];
    let (decoded, ending) = read(&frames).unwrap();
    let call = |id: &str, name: &str, arguments: &str| {
        Decoded::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        })
    };
    assert_eq!(
        decoded,
        [
            call("a", "weather", "{\"city\":\"Kyoto\"}"),
            call("b", "now", "{}")
        ]
    );
    assert_eq!(ending.finish, FinishReason::ToolCalls);
    // The call that never ended is no call.
    let unfinished = [start(0, "a", "weather"), stop("tool_use")];
    assert!(read(&unfinished).is_err());
}

#[test]
fn the_reply_tool_s_input_is_the_reply() {
    let tool = json!({"toolUse": {"toolUseId": "t", "name": REPLY_TOOL}});
    let frames = [
        frame(
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": tool}),
        ),
        delta(0, json!({"toolUse": {"input": ""}})),
        delta(0, json!({"toolUse": {"input": "{\"day\":"}})),
        delta(0, json!({"toolUse": {"input": "\"Monday\"}"}})),
        frame("contentBlockStop", json!({"contentBlockIndex": 0})),
        stop("tool_use"),
    ];
    let (decoded, ending) = read(&frames).unwrap();
    assert_eq!(
        decoded,
        [
            Decoded::Text("{\"day\":".into()),
            Decoded::Text("\"Monday\"}".into())
        ]
    );
    assert_eq!(ending.finish, FinishReason::Stop);
}

#[test]
fn endings_are_told_apart() {
    let check = |reason: &str, expected| {
        let found = read(&[delta(0, json!({"text": "x"})), stop(reason)]).map(|(_, ending)| ending.finish);
        assert_eq!(found.ok(), expected, "{reason}");
    };
    check("end_turn", Some(FinishReason::Stop));
    check("stop_sequence", Some(FinishReason::Stop));
    check("max_tokens", Some(FinishReason::Length));
    check("model_context_window_exceeded", Some(FinishReason::Length));
    check("content_filtered", Some(FinishReason::ContentFilter));
    check("guardrail_intervened", Some(FinishReason::ContentFilter));
    check("malformed_tool_use", None);
}

#[test]
fn half_an_answer_is_an_error() {
    assert!(read(&[]).is_err());
    assert!(read(&[delta(0, json!({"text": "On Mon"}))]).is_err());
    let broken = Frame {
        name: Some("contentBlockDelta".into()),
        data: b"{\"delta\":".to_vec(),
        is_error: false,
    };
    assert!(read(&[broken]).is_err());
    assert!(read(&[delta(0, json!({"toolUse": {"input": "{}"}})), stop("end_turn")]).is_err());
}

#[test]
fn an_exception_in_the_stream_is_an_error() {
    let exception = |name: &str, message: &str| Frame {
        name: Some(name.into()),
        data: json!({"message": message}).to_string().into_bytes(),
        is_error: true,
    };
    let frames = [
        delta(0, json!({"text": "x"})),
        exception("throttlingException", "slow down"),
    ];
    assert!(matches!(read(&frames), Err(ModelError::Overloaded { .. })));
    let frames = [exception("modelStreamErrorException", "the model failed")];
    assert!(matches!(read(&frames), Err(ModelError::Failed { .. })));
    let frames = [exception("validationException", "Malformed input request")];
    assert!(matches!(read(&frames), Err(ModelError::Refused { .. })));
}

#[test]
fn a_whole_reply_is_read_too() {
    let mut decoder = Decoder::new("m");
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"text": "Monday"},
        {"toolUse": {"toolUseId": "a", "name": "now", "input": {}}},
    ]);
    let reply = json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use",
                       "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}, "metrics": {"latencyMs": 1}});
    let decoded = decoder.whole(reply.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.len(), 3);
    let ending = decoder.end().unwrap();
    assert_eq!(ending.finish, FinishReason::ToolCalls);
    assert_eq!(ending.usage.unwrap().input_tokens, 3);
    assert!(Decoder::new("m").whole(b"<html>").is_err());
}
