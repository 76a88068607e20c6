//! Chunks as Google writes them, and what must not pass as an answer.

use super::*;
use serde_json::json;

fn read(chunks: &[Value]) -> Result<(Vec<Decoded>, Ending), ModelError> {
    let mut decoder = Decoder::new("m");
    let mut decoded = Vec::new();
    for chunk in chunks {
        let frame = Frame {
            name: None,
            data: chunk.to_string().into_bytes(),
            is_error: false,
        };
        decoded.extend(decoder.frame(&frame)?);
    }
    Ok((decoded, decoder.end()?))
}

fn chunk(parts: Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    json!({"candidates": [candidate], "responseId": "r1", "modelVersion": "gemini"})
}

#[test]
fn text_thinking_and_usage_come_out() {
    let mut last = chunk(json!([{"text": "Monday"}]), Some("STOP"));
    last["usageMetadata"] = json!({"promptTokenCount": 30, "candidatesTokenCount": 9, "thoughtsTokenCount": 64,
                                   "cachedContentTokenCount": 10, "totalTokenCount": 103});
    let chunks = [
        chunk(json!([{"text": "Hm.", "thought": true}]), None),
        chunk(json!([{"text": "On "}]), None),
        last,
    ];
    let (decoded, ending) = read(&chunks).unwrap();
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
    assert_eq!((usage.input_tokens, usage.cached_tokens), (30, 10));
    assert_eq!((usage.output_tokens, usage.reasoning_tokens), (73, 64));
}

#[test]
fn calls_carry_their_signature_in_the_id() {
    let parts = json!([
        {"functionCall": {"name": "weather", "args": {"city": "Kyoto"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "now"}},
    ]);
    let (decoded, ending) = read(&[chunk(parts, Some("STOP"))]).unwrap();
    assert_eq!(ending.finish, FinishReason::ToolCalls);
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
            call("call_r1_0~sig~c2ln", "weather", "{\"city\":\"Kyoto\"}"),
            call("call_r1_1", "now", "{}"),
        ]
    );
}

#[test]
fn endings_are_told_apart() {
    let check = |reason: &str, expected| {
        let found = read(&[chunk(json!([{"text": "x"}]), Some(reason))]).map(|(_, ending)| ending.finish);
        assert_eq!(found.ok(), expected, "{reason}");
    };
    check("STOP", Some(FinishReason::Stop));
    check("MAX_TOKENS", Some(FinishReason::Length));
    check("SAFETY", Some(FinishReason::ContentFilter));
    check("RECITATION", Some(FinishReason::ContentFilter));
    check("MALFORMED_FUNCTION_CALL", None);
    check("OTHER", None);
    check("FINISH_REASON_UNSPECIFIED", None);
}

#[test]
fn half_an_answer_is_an_error() {
    assert!(read(&[]).is_err());
    assert!(read(&[chunk(json!([{"text": "On Mon"}]), None)]).is_err());
    let mut decoder = Decoder::new("m");
    let frame = Frame {
        name: None,
        data: b"{\"candidates\": [".to_vec(),
        is_error: false,
    };
    assert!(decoder.frame(&frame).is_err());
}

#[test]
fn a_blocked_prompt_says_why() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}});
    let Err(ModelError::Refused { code, message, .. }) = read(&[blocked]) else {
        panic!("a blocked prompt is a refusal");
    };
    assert_eq!(code.as_deref(), Some("content_filter"));
    assert!(message.contains("prohibited_content"));
}

#[test]
fn an_error_in_the_stream_is_an_error() {
    let error =
        json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    for form in [error.clone(), json!([error])] {
        let chunks = [chunk(json!([{"text": "x"}]), None), form];
        assert!(matches!(read(&chunks), Err(ModelError::Failed { .. })));
    }
}

#[test]
fn whole_replies_are_read_too() {
    let one = chunk(json!([{"text": "Mon"}]), None);
    let two = chunk(json!([{"text": "day"}]), Some("STOP"));
    let mut decoder = Decoder::new("m");
    let list = json!([one, two]).to_string();
    assert_eq!(decoder.whole(list.as_bytes()).unwrap().len(), 2);
    assert_eq!(decoder.end().unwrap().finish, FinishReason::Stop);
    let mut decoder = Decoder::new("m");
    assert_eq!(decoder.whole(two.to_string().as_bytes()).unwrap().len(), 1);
    assert!(decoder.end().is_ok());
}
