//! Bodies for Boxwood's server, and what its answers say: pure functions.

use super::form::{ExtractForm, FlatKind};
use crate::predictions::{Prediction, TokenUse};
use crate::record::EffortChoice;
use crate::rows::Row;
use boxwood_answer::DialogueTurn;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The processors that read text, as an override names them.
const TEXT_TOOLS: [&str; 4] = ["basic_text", "basic_text_multi", "long_text", "long_text_multi"];
/// Box's enhanced agent.
const ENHANCED: &str = "enhanced_extract_agent";

/// `POST /2.0/ai/ask`.
pub(super) fn ask_body(
    row: &Row,
    ids: &[String],
    dialogue: &[DialogueTurn],
    model: Option<&str>,
    effort: Option<EffortChoice>,
) -> Value {
    let mode = if ids.len() == 1 {
        "single_item_qa"
    } else {
        "multiple_item_qa"
    };
    let mut body = json!({
        "mode": mode, "prompt": row.question.trim(), "items": items(ids), "include_citations": true,
    });
    if !dialogue.is_empty() {
        body["dialogue_history"] = dialogue
            .iter()
            .map(|turn| json!({"prompt": turn.prompt, "answer": turn.answer, "created_at": "2025-01-01T00:00:00Z"}))
            .collect();
    }
    if let Some(agent) = ask_agent(model, effort) {
        body["ai_agent"] = agent;
    }
    body
}

fn ask_agent(model: Option<&str>, effort: Option<EffortChoice>) -> Option<Value> {
    if model.is_none() && effort.is_none() {
        return None;
    }
    let mut tool = Map::new();
    if let Some(model) = model {
        tool.insert("model".to_owned(), json!(model));
    }
    if let Some(effort) = effort {
        let params = json!({"type": "openai_params", "reasoning_effort": effort.as_str()});
        tool.insert("llm_endpoint_params".to_owned(), params);
    }
    let mut agent = json!({"type": "ai_agent_ask"});
    for name in TEXT_TOOLS {
        agent[name] = Value::Object(tool.clone());
    }
    Some(agent)
}

fn items(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"id": id, "type": "file"})).collect()
}

/// The path and the body of an extraction.
pub(super) fn extract_body(form: &ExtractForm, ids: &[String], enhanced: bool) -> (&'static str, Value) {
    let mut body = json!({"items": items(ids)});
    if enhanced {
        body["ai_agent"] = json!({"type": "ai_agent_id", "id": ENHANCED});
    }
    match form {
        ExtractForm::Prompt(prompt) => {
            body["prompt"] = json!(prompt);
            ("/2.0/ai/extract", body)
        }
        ExtractForm::Fields(fields) => {
            let fields = fields.iter().map(|field| {
                let kind = match field.kind {
                    FlatKind::Text => "string",
                    FlatKind::Number => "float",
                    FlatKind::Boolean => "boolean",
                    FlatKind::Date => "date",
                };
                let mut wire = json!({"key": field.key, "type": kind});
                if let Some(description) = &field.description {
                    wire["description"] = json!(description);
                }
                wire
            });
            body["fields"] = fields.collect();
            (body["include_confidence_score"], body["include_reference"]) = (json!(true), json!(true));
            ("/2.0/ai/extract_structured", body)
        }
    }
}

/// `POST /v1/chat/completions`.
pub(super) fn chat_body(
    model: &str,
    prompt: &str,
    effort: Option<EffortChoice>,
    schema: Option<&Value>,
) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": prompt}] });
    if let Some(effort) = effort {
        body["reasoning_effort"] = json!(effort.as_str());
    }
    if let Some(schema) = schema {
        let format = json!({"name": "value", "schema": schema});
        body["response_format"] = json!({"type": "json_schema", "json_schema": format});
    }
    body
}

/// What `/2.0/ai/…` answered. `documents`: `doc_id` by file id.
pub(super) fn of_box_answer(mut reply: Value, documents: &[(String, String)]) -> Prediction {
    let mut sources: Vec<String> = Vec::new();
    for citation in reply["citations"].as_array().into_iter().flatten() {
        let id = citation["id"].as_str().unwrap_or_default();
        let document = documents
            .iter()
            .find(|(file, _)| file == id)
            .map(|(_, document)| document);
        if let Some(document) = document.filter(|document| !sources.contains(document)) {
            sources.push(document.clone());
        }
    }
    let confidence = match &reply["confidence_score"] {
        Value::Null => reply["boxwood"]["support"]["probability"].take(),
        fields => fields.clone(),
    };
    let extension = &mut reply["boxwood"];
    let timings = extension["timings"].as_object().into_iter().flatten();
    let timings: BTreeMap<String, f64> = timings
        .filter(|(name, _)| *name != "total")
        .filter_map(|(name, seconds)| Some((name.clone(), seconds.as_f64()?)))
        .collect();
    let usage = serde_json::from_value::<TokenUse>(extension["usage"].take()).ok();
    let model = extension["served_by"]["answered"].as_str().map(str::to_owned);
    let kept = [
        "abstained",
        "truncated",
        "support",
        "calculation",
        "signals",
        "completions",
        "warnings",
    ];
    let detail: Map<String, Value> = kept
        .into_iter()
        .filter_map(|name| {
            Some((
                name.to_owned(),
                extension.get(name).filter(|value| !value.is_null())?.clone(),
            ))
        })
        .collect();
    Prediction {
        answer: reply["answer"].take(),
        sources,
        confidence: Some(confidence).filter(|confidence| !confidence.is_null()),
        model,
        processor: reply["ai_agent_info"]["processor"].as_str().map(str::to_owned),
        usage,
        timings,
        detail: Some(Value::Object(detail)),
        ..Prediction::default()
    }
}

/// What `/v1/chat/completions` answered.
pub(super) fn of_chat_answer(mut reply: Value) -> Prediction {
    let usage = &reply["usage"];
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let usage = usage.is_object().then(|| TokenUse {
        input_tokens: count(&usage["prompt_tokens"]),
        cached_tokens: count(&usage["prompt_tokens_details"]["cached_tokens"]),
        output_tokens: count(&usage["completion_tokens"]),
        reasoning_tokens: count(&usage["completion_tokens_details"]["reasoning_tokens"]),
    });
    Prediction {
        model: reply["model"].as_str().map(str::to_owned),
        answer: reply["choices"][0]["message"]["content"].take(),
        usage,
        ..Prediction::default()
    }
}

/// What an error's body says, in Box's or OpenAI's form.
pub(super) fn error_words(status: u16, body: &str) -> String {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let errors = parsed["context_info"]["errors"].as_array().into_iter().flatten();
    let fields: Vec<String> = errors
        .map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("name"), text("message"))
        })
        .collect();
    let message = parsed["message"].as_str().or(parsed["error"]["message"].as_str());
    let words = match (message, fields.is_empty()) {
        (Some(message), true) => message.to_owned(),
        (Some(message), false) => format!("{message} ({})", fields.join("; ")),
        (None, _) => body.chars().take(200).collect(),
    };
    format!("the server answered {status}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_prediction() {
        let reply = json!({
            "answer": "East.", "citations": [{"id": "7"}, {"id": "7"}, {"id": "9"}],
            "ai_agent_info": {"processor": "basic_text"},
            "boxwood": {"support": {"probability": 0.5}, "served_by": {"answered": "m"}, "abstained": false,
                        "usage": {"input_tokens": 9, "output_tokens": 2, "queue_time": 0.1}, "timings": {"gather": 0.25, "total": 2.0}},
        });
        let documents = [
            ("7".to_owned(), "d1".to_owned()),
            ("9".to_owned(), "d2".to_owned()),
        ];
        let found = of_box_answer(reply, &documents);
        assert_eq!(found.sources, ["d1", "d2"]);
        assert_eq!(
            (found.answer, found.confidence),
            (json!("East."), Some(json!(0.5)))
        );
        assert_eq!(found.usage.unwrap().output_tokens, 2);
        assert_eq!(found.timings, BTreeMap::from([("gather".to_owned(), 0.25)]));
    }

    #[test]
    fn an_extraction_and_a_chat_become_predictions() {
        let extracted = of_box_answer(
            json!({"answer": {"total": 3}, "confidence_score": {"total": {"level": "HIGH", "score": 0.9}}, "boxwood": {}}),
            &[],
        );
        assert_eq!(extracted.confidence.unwrap()["total"]["score"], 0.9);
        let chat = of_chat_answer(json!({
            "model": "m", "choices": [{"message": {"content": "42"}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 2}},
        }));
        assert_eq!(
            (chat.answer, chat.usage.unwrap().reasoning_tokens),
            (json!("42"), 2)
        );
    }

    #[test]
    fn errors_keep_their_words() {
        for (body, words) in [
            (
                r#"{"message":"Bad","context_info":{"errors":[{"name":"prompt","message":"too long"}]}}"#,
                "the server answered 400: Bad (prompt: too long)",
            ),
            (
                r#"{"error":{"message":"No model"}}"#,
                "the server answered 400: No model",
            ),
            ("oops", "the server answered 400: oops"),
        ] {
            assert_eq!(error_words(400, body), words);
        }
    }
}
