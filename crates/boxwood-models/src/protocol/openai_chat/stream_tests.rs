//! Tests of [`super`]: streams of hosts, the odd ones included.

use super::*;
use crate::protocol::Framing;
use serde_json::json;

type End = Result<(String, FinishReason, Usage), String>;

/// Decodes the body whole, byte by byte and cut in two everywhere: always the same.
fn check(body: &str, expected: End) {
    let bytes = body.as_bytes();
    let mut cuts: Vec<Vec<&[u8]>> = vec![vec![bytes], bytes.chunks(1).collect()];
    cuts.extend(
        (1..bytes.len())
            .step_by(7)
            .map(|at| vec![&bytes[..at], &bytes[at..]]),
    );
    for pieces in cuts {
        assert_eq!(decode(&pieces), expected, "{} pieces", pieces.len());
    }
}

fn decode(pieces: &[&[u8]]) -> End {
    let mut framer = Framing::ServerSentEvents.framer();
    let mut frames: Vec<Frame> = pieces
        .iter()
        .flat_map(|piece| framer.push(piece).unwrap())
        .collect();
    frames.extend(framer.end().unwrap());
    let mut decoder = Decoder::new("m");
    let mut text = String::new();
    for frame in frames {
        for piece in decoder.frame(&frame).map_err(|error| error.to_string())? {
            if let Decoded::Text(piece) | Decoded::Refusal(piece) = piece {
                text.push_str(&piece);
            }
        }
    }
    let ending = decoder.end().map_err(|error| error.to_string())?;
    Ok((text, ending.finish, ending.usage.unwrap_or_default()))
}

fn events(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

fn text_chunk(text: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

fn finish_chunk(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// The order and the oddities of an Azure stream.
fn azure_chunks() -> Vec<Value> {
    let safe = json!({"hate": {"filtered": false, "severity": "safe"}});
    vec![
        json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
               "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": safe}]}),
        json!({"choices": [{"content_filter_results": {}, "delta": {"content": "", "refusal": null, "role": "assistant"},
               "finish_reason": null, "index": 0, "logprobs": null}], "created": 1, "id": "c", "model": "o4-mini",
               "obfuscation": "D3", "object": "chat.completion.chunk", "system_fingerprint": null, "usage": null}),
        json!({"choices": [{"index": 0, "delta": {"content": "3 月 "}, "finish_reason": null,
               "content_filter_results": safe}], "usage": null}),
        json!({"choices": [{"content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198},
               "content_filter_results": safe, "finish_reason": null, "index": 0}], "created": 0, "id": "", "model": "", "object": ""}),
        text_chunk("31 日"),
        finish_chunk("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 90, "total_tokens": 110,
               "prompt_tokens_details": {"audio_tokens": null, "cached_tokens": 5},
               "completion_tokens_details": {"reasoning_tokens": 64}}}),
    ]
}

fn usage(input: u32, cached: u32, output: u32, reasoning: u32) -> Usage {
    Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        reasoning_tokens: reasoning,
        ..Usage::default()
    }
}

#[test]
fn an_azure_stream_is_read() {
    let body = events(&azure_chunks()) + "data: [DONE]\n\n";
    let expected: End = Ok(("3 月 31 日".into(), FinishReason::Stop, usage(20, 5, 90, 64)));
    check(&body, expected.clone());
    check(&body.replace('\n', "\r\n"), expected.clone());
    check(
        &format!(": keep-alive\n\nevent: message\n{body}"),
        expected.clone(),
    );
    check(&body.replace("data: ", "data:"), expected.clone());
    check(&body.replace("\n\n", "\n"), expected.clone());
    // Neither `[DONE]` nor the last line end is needed once the finish reason came.
    check(events(&azure_chunks()).trim_end(), expected);
}

#[test]
fn a_stream_without_an_end_is_an_error() {
    let expected = "the model m failed: the host broke off before the answer was complete";
    check(&events(&[text_chunk("half an")]), Err(expected.into()));
    check(
        &(events(&[text_chunk("half an")]) + "data: [DONE]\n\n"),
        Err(expected.into()),
    );
    check("", Err(expected.into()));
}

#[test]
fn broken_and_error_chunks_are_errors() {
    let no_json = "the model m failed: the host sent a piece of the stream that is no JSON";
    check("data: {\"choices\": [\n\n", Err(no_json.into()));
    check(
        &(events(&[text_chunk("a")]) + "data: <html>\n\n"),
        Err(no_json.into()),
    );
    let filter = json!({"error": {"code": "content_filter", "message": "blocked"}});
    check(
        &events(&[text_chunk("a"), filter]),
        Err(
            "the host of m refused the request: the host's content filter blocked the prompt: blocked".into(),
        ),
    );
    let server = json!({"error": {"code": "500", "message": "worker died"}});
    check(
        &events(&[server]),
        Err("the model m failed: the host reports an error: HTTP 500, worker died".into()),
    );
}

#[test]
fn finish_reasons_and_other_dialects() {
    let check_finish = |reason: &str, expected| {
        let body = events(&[text_chunk("a"), finish_chunk(reason)]);
        check(&body, Ok(("a".into(), expected, Usage::default())));
    };
    check_finish("stop", FinishReason::Stop);
    check_finish("length", FinishReason::Length);
    check_finish("content_filter", FinishReason::ContentFilter);
    check_finish("eos", FinishReason::Stop);
    // Thinking apart from the answer, a second choice, a refusal, usage without totals.
    let chunks = [
        json!({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}),
        json!({"choices": [{"index": 1, "delta": {"content": "other"}}]}),
        json!({"choices": [{"delta": {"refusal": "I can't."}}]}),
        finish_chunk("stop"),
        // xAI: thinking is only in the total.
        json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}}),
    ];
    check(
        &events(&chunks),
        Ok(("I can't.".into(), FinishReason::Stop, usage(10, 0, 30, 0))),
    );
}

#[test]
fn whole_replies_are_read_too() {
    let body = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"},
                      "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}});
    let mut decoder = Decoder::new("m");
    let decoded = decoder.whole(body.to_string().as_bytes()).unwrap();
    let ending = decoder.end().unwrap();
    assert_eq!(
        (decoded, ending.finish),
        (vec![Decoded::Text("yes".into())], FinishReason::Stop)
    );
    assert_eq!(ending.usage, Some(usage(3, 0, 1, 0)));
    assert!(Decoder::new("m").whole(b"<html>").is_err());
    let mut empty = Decoder::new("m");
    assert_eq!(empty.whole(b"{}").unwrap(), []);
    assert!(empty.end().is_err());
}

#[test]
fn thinking_and_calls_come_apart_from_the_text() {
    let piece = |index: u64, id: Option<&str>, name: Option<&str>, arguments: &str| {
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "id": id, "type": "function",
               "function": {"name": name, "arguments": arguments}}]}, "finish_reason": null}]})
    };
    let chunks = [
        json!({"choices": [{"index": 0, "delta": {"reasoning": "Look it up."}}]}),
        piece(0, Some("call_a"), Some("find"), ""),
        piece(0, None, None, "{\"day\":"),
        piece(1, Some("call_b"), Some("count"), "{}"),
        piece(0, None, None, "1}"),
        finish_chunk("tool_calls"),
    ];
    let mut decoder = Decoder::new("m");
    let decoded: Vec<Decoded> = chunks
        .iter()
        .flat_map(|chunk| decoder.chunk(chunk).unwrap())
        .collect();
    let call = |id: &str, name: &str, arguments: &str| {
        Decoded::ToolCall(boxwood_core::ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        })
    };
    assert_eq!(
        decoded,
        [
            Decoded::Reasoning("Look it up.".into()),
            call("call_a", "find", "{\"day\":1}"),
            call("call_b", "count", "{}"),
        ]
    );
    assert_eq!(decoder.end().unwrap().finish, FinishReason::ToolCalls);

    // A whole reply, its arguments as an object.
    let body = json!({"choices": [{"message": {"content": null, "tool_calls": [{"id": "x", "function":
        {"name": "find", "arguments": {"day": 1}}}]}, "finish_reason": "tool_calls"}]});
    let decoded = Decoder::new("m").whole(body.to_string().as_bytes()).unwrap();
    assert_eq!(decoded, [call("x", "find", "{\"day\":1}")]);
}
