//! Tests of [`super`]: streams of responses, the broken ones included.

use super::*;
use crate::protocol::Framing;
use serde_json::json;

/// The decoded pieces and the end, or the error, of a stream of these events.
fn decode(events: &[Value]) -> Result<(Vec<Decoded>, Ending), String> {
    let body: String = events
        .iter()
        .map(|event| {
            format!(
                "event: {}\ndata: {event}\n\n",
                event["type"].as_str().unwrap_or("x")
            )
        })
        .collect();
    let mut framer = Framing::ServerSentEvents.framer();
    let mut frames = framer.push(body.as_bytes()).unwrap();
    frames.extend(framer.end().unwrap());
    let mut decoder = Decoder::new("m");
    let mut decoded = Vec::new();
    for frame in &frames {
        decoded.extend(decoder.frame(frame).map_err(|error| error.to_string())?);
    }
    let ending = decoder.end().map_err(|error| error.to_string())?;
    Ok((decoded, ending))
}

fn completed(status: &str, details: Value) -> Value {
    let usage = json!({"input_tokens": 20, "input_tokens_details": {"cached_tokens": 5}, "output_tokens": 90,
                       "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 110});
    json!({"type": format!("response.{status}"), "response": {"id": "resp_1", "status": status, "error": null,
           "incomplete_details": details, "usage": usage, "output": []}})
}

fn delta(kind: &str, text: &str) -> Value {
    json!({"type": kind, "delta": text, "output_index": 1, "sequence_number": 4})
}

#[test]
fn a_stream_is_read_with_its_summary_and_calls() {
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "find", "arguments": "{\"day\":1}", "status": "completed"});
    let (decoded, ending) = decode(&[
        json!({"type": "response.created", "response": {"status": "in_progress"}}),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 0}),
        delta("response.reasoning_summary_text.delta", "Look"),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 1}),
        delta("response.reasoning_summary_text.delta", "again"),
        json!({"type": "response.some_new_event", "delta": "?"}),
        delta("response.output_text.delta", "31 "),
        delta("response.output_text.delta", "日"),
        delta("response.function_call_arguments.delta", "{\"day"),
        json!({"type": "response.output_item.done", "item": call}),
        completed("completed", Value::Null),
    ])
    .unwrap();
    let reasoning = |text: &str| Decoded::Reasoning(text.to_owned());
    let call = ToolCall {
        id: "call_1".into(),
        name: "find".into(),
        arguments: "{\"day\":1}".into(),
    };
    assert_eq!(
        decoded,
        [
            reasoning("Look"),
            reasoning("\n\n"),
            reasoning("again"),
            Decoded::Text("31 ".into()),
            Decoded::Text("日".into()),
            Decoded::ToolCall(call),
            Decoded::Done,
        ]
    );
    let usage = ending.usage.unwrap();
    assert_eq!(
        (
            usage.input_tokens,
            usage.cached_tokens,
            usage.output_tokens,
            usage.reasoning_tokens
        ),
        (20, 5, 90, 64)
    );
    assert_eq!(ending.finish, FinishReason::ToolCalls);
}

#[test]
fn ends_are_told_apart() {
    let check = |event: Value, expected| {
        let text = delta("response.output_text.delta", "a");
        assert_eq!(decode(&[text, event]).map(|(_, ending)| ending.finish), expected);
    };
    check(completed("completed", Value::Null), Ok(FinishReason::Stop));
    check(
        completed("incomplete", json!({"reason": "max_output_tokens"})),
        Ok(FinishReason::Length),
    );
    check(
        completed("incomplete", json!({"reason": "content_filter"})),
        Ok(FinishReason::ContentFilter),
    );
    let broken = "the model m failed: the host broke off before the answer was complete";
    check(
        json!({"type": "response.output_text.done", "text": "a"}),
        Err(broken.into()),
    );
    check(completed("failed", Value::Null), Err(broken.into()));
    let failed = json!({"type": "response.failed", "response": {"status": "failed",
        "error": {"code": "server_error", "message": "worker died"}}});
    check(
        failed,
        Err("the model m failed: the host reports an error: worker died".into()),
    );
    let limit =
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null});
    check(limit, Err("the model m is busy".into()));
}

#[test]
fn whole_responses_are_read_too() {
    let body = json!({"id": "resp_1", "status": "completed", "error": null, "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes", "annotations": []}]},
    ], "usage": {"input_tokens": 3, "output_tokens": 1}});
    let mut decoder = Decoder::new("m");
    assert_eq!(
        decoder.whole(body.to_string().as_bytes()).unwrap(),
        [Decoded::Reasoning("hm".into()), Decoded::Text("yes".into())]
    );
    assert_eq!(decoder.end().unwrap().finish, FinishReason::Stop);
    assert!(Decoder::new("m").whole(b"<html>").is_err());
}
