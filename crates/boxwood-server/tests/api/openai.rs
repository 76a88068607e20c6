//! What the tests of the OpenAI-compatible API share.

use crate::changed;
use boxwood_test::Reply;
use serde_json::{Value, json};

/// Chat completions.
pub(crate) const CHAT: &str = "/v1/chat/completions";
/// A reasoning model of Azure, for which the scripted model stands in.
pub(crate) const O4: &str = "azure__openai__gpt_o4_mini";

/// A chat with one message, and more members.
pub(crate) fn question(model: &str, content: &str, more: Value) -> Value {
    let body = json!({"model": model, "messages": [{"role": "user", "content": content}]});
    changed(body, &more)
}

/// The data of a stream's events; the last one is `[DONE]` where the stream ended well.
pub(crate) fn events(reply: &Reply) -> Vec<Value> {
    let data = reply
        .text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
        .collect()
}

/// A refusal with this status, parameter and code, and words.
#[track_caller]
pub(crate) fn refused(reply: &Reply, status: u16, param: Value, code: Value) {
    let error = &reply.body["error"];
    assert_eq!(
        (reply.status, &error["param"], &error["code"]),
        (status, &param, &code),
        "{}",
        reply.text
    );
    assert!(
        error["message"].as_str().is_some_and(|words| !words.is_empty()),
        "{}",
        reply.text
    );
}
