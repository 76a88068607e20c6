//! A chat completion as one body.
//!
//! Invariant: what really served stands under `boxwood` and in the header `x-boxwood-served-by`; `model` is the name that
//! the client asked for. Made by `boxwood-server/src/compat/chat.rs`.

use super::error::Dialect;
use boxwood_core::{FinishReason, ToolCall, Usage};
use serde::Serialize;
use serde_json::{Value, json};

/// What every part of one answer says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `chatcmpl-…`
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// The name that was asked for.
    pub model: String,
    /// Whose shapes are spoken.
    pub dialect: Dialect,
}

/// One reply.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// The calls, each with an id.
    pub calls: Vec<ToolCall>,
    /// Why it ended, on the wire.
    pub finish: &'static str,
    /// The tokens with their probabilities, where they were asked for.
    pub logprobs: Option<Vec<TokenLogprob>>,
}

/// A token and its probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenLogprob {
    /// Its text.
    pub token: String,
    /// Natural logarithm of its probability under the model.
    pub logprob: f32,
    /// The bytes of its text.
    pub bytes: Vec<u8>,
    /// Other candidates; none is told here.
    pub top_logprobs: [(); 0],
}

impl TokenLogprob {
    /// Of a piece of text, which is a token but where a character or a stop string spans several.
    pub fn new(text: &str, logprob: f32) -> Self {
        Self {
            token: text.to_owned(),
            logprob,
            bytes: text.as_bytes().to_vec(),
            top_logprobs: [],
        }
    }
}

/// The tokens of a completion.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UsageBody {
    /// Cached ones included.
    pub prompt_tokens: u64,
    /// Thinking included.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Of the prompt.
    pub prompt_tokens_details: PromptDetails,
    /// Of what was generated.
    pub completion_tokens_details: CompletionDetails,
}

/// See [`UsageBody`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PromptDetails {
    /// From the prefix cache.
    pub cached_tokens: u64,
    /// None here.
    pub audio_tokens: u64,
}

/// See [`UsageBody`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CompletionDetails {
    /// Thinking.
    pub reasoning_tokens: u64,
    /// None here.
    pub audio_tokens: u64,
    /// None here.
    pub accepted_prediction_tokens: u64,
    /// None here.
    pub rejected_prediction_tokens: u64,
}

impl UsageBody {
    /// Of several replies to one prompt: the prompt is counted once, as the hosts do.
    pub fn of(usages: &[Usage]) -> Self {
        let first = usages.first();
        let sum = |count: fn(&Usage) -> u32| usages.iter().map(|usage| u64::from(count(usage))).sum::<u64>();
        let prompt_tokens = first.map_or(0, |usage| u64::from(usage.input_tokens));
        let completion_tokens = sum(|usage| usage.output_tokens);
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            prompt_tokens_details: PromptDetails {
                cached_tokens: first.map_or(0, |usage| u64::from(usage.cached_tokens)),
                audio_tokens: 0,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: sum(|usage| usage.reasoning_tokens),
                ..CompletionDetails::default()
            },
        }
    }
}

/// The word for why a completion ended.
pub fn finish_word(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}

/// A call as a message carries it.
pub fn call_body(call: &ToolCall) -> Value {
    json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    })
}

/// The body of a completion.
pub fn completion(head: &Head, replies: &[Reply], usage: &UsageBody, boxwood: Value) -> Value {
    let choices = replies
        .iter()
        .enumerate()
        .map(|(index, reply)| choice(head, index, reply));
    let mut body = json!({
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": choices.collect::<Vec<_>>(),
        "usage": usage,
        "system_fingerprint": null,
        "boxwood": boxwood,
    });
    if head.dialect == Dialect::Azure {
        body["prompt_filter_results"] = prompt_filter_results();
    }
    body
}

fn choice(head: &Head, index: usize, reply: &Reply) -> Value {
    // A message that only calls has no content.
    let content = (!reply.text.is_empty() || reply.calls.is_empty()).then_some(&reply.text);
    let mut message = json!({
        "role": "assistant",
        "content": content,
        "refusal": null,
        "annotations": [],
    });
    if !reply.calls.is_empty() {
        message["tool_calls"] = reply.calls.iter().map(call_body).collect();
    }
    let logprobs = reply
        .logprobs
        .as_ref()
        .map(|tokens| json!({"content": tokens, "refusal": null}));
    let mut choice = json!({
        "index": index,
        "message": message,
        "finish_reason": reply.finish,
        "logprobs": logprobs,
    });
    if head.dialect == Dialect::Azure {
        choice["content_filter_results"] = json!({});
    }
    choice
}

/// No filter runs here, so none has a result; clients of Azure expect the member.
pub fn prompt_filter_results() -> Value {
    json!([{"prompt_index": 0, "content_filter_results": {}}])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(dialect: Dialect) -> Head {
        Head {
            id: "chatcmpl-1".into(),
            created: 7,
            model: "m".into(),
            dialect,
        }
    }

    #[test]
    fn a_reply_that_only_calls_has_no_content() {
        let reply = Reply {
            calls: vec![ToolCall {
                id: "call_1".into(),
                name: "add".into(),
                arguments: "{}".into(),
            }],
            finish: "tool_calls",
            ..Reply::default()
        };
        let body = completion(&head(Dialect::OpenAi), &[reply], &UsageBody::default(), json!({}));
        assert_eq!(body["choices"][0]["message"]["content"], Value::Null);
        assert_eq!(
            body["choices"][0]["message"]["tool_calls"][0]["function"]["name"],
            "add"
        );
        assert_eq!(body.get("prompt_filter_results"), None);
    }

    #[test]
    fn an_empty_reply_has_empty_content_and_azure_has_its_filters() {
        let reply = Reply {
            finish: "length",
            ..Reply::default()
        };
        let body = completion(&head(Dialect::Azure), &[reply], &UsageBody::default(), json!({}));
        assert_eq!(body["choices"][0]["message"]["content"], "");
        assert_eq!(body["choices"][0]["content_filter_results"], json!({}));
        assert_eq!(body["prompt_filter_results"][0]["prompt_index"], 0);
    }

    #[test]
    fn the_prompt_of_several_replies_is_counted_once() {
        let usage = Usage {
            input_tokens: 10,
            cached_tokens: 4,
            output_tokens: 5,
            reasoning_tokens: 2,
            ..Usage::default()
        };
        let body = UsageBody::of(&[usage.clone(), usage]);
        assert_eq!(
            (body.prompt_tokens, body.completion_tokens, body.total_tokens),
            (10, 10, 20)
        );
        assert_eq!(body.prompt_tokens_details.cached_tokens, 4);
        assert_eq!(body.completion_tokens_details.reasoning_tokens, 4);
    }
}
