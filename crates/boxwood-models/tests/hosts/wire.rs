//! How each host answers: its events in its own order and with its own oddities.

use crate::rules::Dialect;
use crate::stub::Answer;
use serde_json::{Value, json};

/// The events of a streamed answer, as they stand on the wire.
pub fn events(dialect: Dialect, answer: &Answer, only_thinking: bool) -> Vec<String> {
    if dialect.is_responses() {
        return responses(answer, only_thinking);
    }
    let mut lines: Vec<String> = chat(dialect, answer, only_thinking)
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    lines.push("data: [DONE]\n\n".into());
    lines
}

fn chat_usage(dialect: Dialect) -> Value {
    // xAI leaves thinking out of the completion's tokens.
    let completion = if dialect == Dialect::Xai { 36 } else { 100 };
    json!({"prompt_tokens": 30, "completion_tokens": completion, "total_tokens": 130,
           "prompt_tokens_details": {"audio_tokens": null, "cached_tokens": 10},
           "completion_tokens_details": {"reasoning_tokens": 64}})
}

fn delta(delta: Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn chat(dialect: Dialect, answer: &Answer, only_thinking: bool) -> Vec<Value> {
    let safe = json!({"hate": {"filtered": false, "severity": "safe"}});
    let mut chunks = Vec::new();
    if dialect == Dialect::AzureChat {
        chunks.push(
            json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": safe}]}),
        );
    }
    chunks.push(delta(json!({"role": "assistant", "content": ""})));
    let field = match dialect {
        Dialect::AzureChat | Dialect::OpenaiChat => None,
        Dialect::Xai | Dialect::LlamaServer => Some("reasoning_content"),
        _ => Some("reasoning"),
    };
    if let (Some(field), Some(thinking)) = (field, answer.thinking) {
        chunks.push(delta(json!({field: thinking})));
    }
    if !only_thinking {
        for piece in &answer.pieces {
            chunks.push(delta(json!({"content": piece})));
            if dialect == Dialect::AzureChat {
                // The asynchronous filter: a choice without `delta`.
                chunks.push(
                    json!({"choices": [{"index": 0, "finish_reason": null, "content_filter_results": safe,
                    "content_filter_offsets": {"check_offset": 44, "start_offset": 44, "end_offset": 198}}]}),
                );
            }
        }
        if let Some((name, arguments)) = answer.call {
            let (begin, end) = arguments.split_at(arguments.len() / 2);
            chunks.push(delta(
                json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                "function": {"name": name, "arguments": begin}}]}),
            ));
            chunks.push(delta(
                json!({"tool_calls": [{"index": 0, "function": {"arguments": end}}]}),
            ));
        }
    }
    let reason = match (only_thinking, answer.call) {
        (true, _) => "length",
        // Ollama says `stop` after a call in some versions.
        (false, Some(_)) if dialect != Dialect::Ollama => "tool_calls",
        _ => "stop",
    };
    chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": null}));
    chunks.push(json!({"choices": [], "usage": chat_usage(dialect)}));
    chunks
}

fn named(kind: &str, mut event: Value) -> String {
    event["type"] = kind.into();
    format!("event: {kind}\ndata: {event}\n\n")
}

fn responses(answer: &Answer, only_thinking: bool) -> Vec<String> {
    let started = json!({"response": {"id": "resp_1", "status": "in_progress", "output": []}});
    let mut events = vec![
        named("response.created", started.clone()),
        named("response.in_progress", started),
    ];
    if let Some(thinking) = answer.thinking {
        events.push(named(
            "response.reasoning_summary_part.added",
            json!({"summary_index": 0}),
        ));
        events.push(named(
            "response.reasoning_summary_text.delta",
            json!({"delta": thinking}),
        ));
    }
    if !only_thinking {
        events.push(named(
            "response.output_item.added",
            json!({"item": {"type": "message"}}),
        ));
        for piece in &answer.pieces {
            events.push(named(
                "response.output_text.delta",
                json!({"delta": piece, "obfuscation": "x"}),
            ));
        }
        events
            .extend(call_item(answer).map(|item| named("response.output_item.done", json!({"item": item}))));
    }
    let response = whole_response(answer, only_thinking);
    let status = if only_thinking {
        "response.incomplete"
    } else {
        "response.completed"
    };
    events.push(named(status, json!({"response": response})));
    events
}

fn call_item(answer: &Answer) -> Option<Value> {
    answer.call.map(|(name, arguments)| {
        json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": arguments})
    })
}

fn whole_response(answer: &Answer, only_thinking: bool) -> Value {
    let details = only_thinking.then(|| json!({"reason": "max_output_tokens"}));
    let text = json!({"type": "message", "role": "assistant",
        "content": [{"type": "output_text", "text": answer.pieces.concat(), "annotations": []}]});
    let output: Vec<Value> = std::iter::once(text)
        .chain(call_item(answer))
        .filter(|_| !only_thinking)
        .collect();
    json!({"id": "resp_1", "object": "response", "error": null, "incomplete_details": details, "output": output,
           "status": if only_thinking { "incomplete" } else { "completed" }, "temperature": 1.0, "top_p": 1.0,
           "usage": {"input_tokens": 30, "input_tokens_details": {"cached_tokens": 10}, "output_tokens": 100,
                     "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 130}})
}

/// The whole reply of a host that does not stream.
pub fn whole(dialect: Dialect, answer: &Answer) -> Value {
    if dialect.is_responses() {
        return whole_response(answer, false);
    }
    let message = json!({"role": "assistant", "content": answer.pieces.concat()});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    json!({"choices": [choice], "usage": chat_usage(dialect)})
}
