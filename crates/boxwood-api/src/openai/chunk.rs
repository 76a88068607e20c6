//! The pieces of a streamed chat completion, in the order in which Azure and OpenAI send them: on Azure one without
//! choices, then role, content or calls, finish, usage where it was asked for, `[DONE]`.
//!
//! Made by `boxwood-server/src/compat/chat_stream.rs`.

use super::completion::{Head, TokenLogprob, UsageBody, prompt_filter_results};
use super::error::Dialect;
use boxwood_core::ToolCall;
use serde_json::{Value, json};

/// Makes the pieces of one answer.
#[derive(Debug)]
pub struct Chunks {
    head: Head,
    /// Every piece but the last has `usage: null` then.
    include_usage: bool,
}

impl Chunks {
    /// For an answer.
    pub fn new(head: Head, include_usage: bool) -> Self {
        Self { head, include_usage }
    }

    /// Azure's first piece, whose id and model are blank.
    pub fn opening(&self) -> Option<Value> {
        (self.head.dialect == Dialect::Azure).then(|| {
            json!({
                "choices": [],
                "created": 0,
                "id": "",
                "model": "",
                "object": "",
                "prompt_filter_results": prompt_filter_results(),
            })
        })
    }

    /// Who speaks.
    pub fn role(&self, index: u32) -> Value {
        let delta = json!({"role": "assistant", "content": "", "refusal": null});
        self.choice(index, delta, None, None)
    }

    /// A piece of text.
    pub fn text(&self, index: u32, text: &str, logprob: Option<TokenLogprob>) -> Value {
        self.choice(index, json!({"content": text}), None, logprob)
    }

    /// A call, as two pieces: its name, then its arguments.
    pub fn call(&self, index: u32, place: usize, call: &ToolCall) -> [Value; 2] {
        let head = json!({"tool_calls": [{
            "index": place,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }]});
        let arguments = json!({"tool_calls": [{"index": place, "function": {"arguments": call.arguments}}]});
        [head, arguments].map(|delta| self.choice(index, delta, None, None))
    }

    /// The end of a reply.
    pub fn finish(&self, index: u32, finish: &'static str) -> Value {
        self.choice(index, json!({}), Some(finish), None)
    }

    /// The end of the answer: its usage.
    pub fn usage(&self, usage: &UsageBody, boxwood: Value) -> Option<Value> {
        self.include_usage.then(|| {
            let mut chunk = self.chunk(Vec::new());
            chunk["usage"] = json!(usage);
            chunk["boxwood"] = boxwood;
            chunk
        })
    }

    fn choice(
        &self,
        index: u32,
        delta: Value,
        finish: Option<&'static str>,
        logprob: Option<TokenLogprob>,
    ) -> Value {
        let logprobs = logprob.map(|token| json!({"content": [token], "refusal": null}));
        let mut choice = json!({
            "index": index,
            "delta": delta,
            "finish_reason": finish,
            "logprobs": logprobs,
        });
        if self.head.dialect == Dialect::Azure {
            choice["content_filter_results"] = json!({});
        }
        self.chunk(vec![choice])
    }

    fn chunk(&self, choices: Vec<Value>) -> Value {
        let mut chunk = json!({
            "id": self.head.id,
            "object": "chat.completion.chunk",
            "created": self.head.created,
            "model": self.head.model,
            "system_fingerprint": null,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(dialect: Dialect, include_usage: bool) -> Chunks {
        let head = Head {
            id: "chatcmpl-1".into(),
            created: 7,
            model: "m".into(),
            dialect,
        };
        Chunks::new(head, include_usage)
    }

    /// The shapes of `azure-wire-samples.json`: the very members, whatever their values.
    #[test]
    fn azure_s_first_pieces_have_azure_s_members() {
        let azure = chunks(Dialect::Azure, true);
        let opening = azure.opening().unwrap();
        assert_eq!(opening["choices"], json!([]));
        assert_eq!((&opening["id"], &opening["object"]), (&json!(""), &json!("")));
        assert!(opening["prompt_filter_results"].is_array());
        let role = azure.role(0);
        let mut members: Vec<&String> = role["choices"][0].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(
            members,
            [
                "content_filter_results",
                "delta",
                "finish_reason",
                "index",
                "logprobs"
            ]
        );
        assert_eq!(
            role["choices"][0]["delta"],
            json!({"role": "assistant", "content": "", "refusal": null})
        );
        assert_eq!(role["usage"], Value::Null);
        assert!(role.get("usage").is_some());
    }

    #[test]
    fn openai_has_no_opening_and_usage_only_where_asked_for() {
        let openai = chunks(Dialect::OpenAi, false);
        assert_eq!(openai.opening(), None);
        assert_eq!(openai.usage(&UsageBody::default(), json!({})), None);
        assert_eq!(openai.text(0, "a", None).get("usage"), None);
        let usage = chunks(Dialect::OpenAi, true)
            .usage(&UsageBody::default(), json!({}))
            .unwrap();
        assert_eq!(
            (&usage["choices"], &usage["usage"]["total_tokens"]),
            (&json!([]), &json!(0))
        );
    }
}
