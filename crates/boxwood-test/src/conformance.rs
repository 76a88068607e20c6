//! The contract of [`ChatModel`] as checks that every implementation runs, [`crate::ScriptedModel`] too.

use boxwood_core::{
    ChatEvent, ChatMessage, ChatModel, ChatRequest, ChatRole, ChoiceScores, FinishReason, JsonSchemaFormat,
    ModelError,
};
use futures::StreamExt;
use serde_json::json;

fn request(text: &str, most: u32) -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, text)], most)
}

/// A stream ends with exactly one end, which tells the tokens; the limit of tokens holds.
///
/// # Panics
/// When the model breaks the contract.
pub async fn streams_end_once(model: &dyn ChatModel) {
    let mut stream = model
        .stream(request("Count to five.", 3))
        .await
        .expect("a short request starts");
    let mut ends = 0;
    while let Some(event) = stream.next().await {
        assert_eq!(ends, 0, "nothing comes after the end");
        if let ChatEvent::End { usage, .. } = event.expect("a short request ends well") {
            ends += 1;
            assert!(
                usage.output_tokens <= 3,
                "the limit of tokens holds, not {}",
                usage.output_tokens
            );
            assert!(usage.input_tokens > 0, "the prompt is counted");
        }
    }
    assert_eq!(ends, 1, "a stream ends with an end");
}

/// Over-length input is refused before any work.
///
/// # Panics
/// When the model breaks the contract.
pub async fn over_length_input_is_refused(model: &dyn ChatModel) {
    let words = usize::try_from(model.identity().context_window)
        .unwrap_or(usize::MAX)
        .saturating_add(16);
    let text = "word ".repeat(words);
    match model.stream(request(&text, 8)).await {
        Err(ModelError::ContextTooLong { tokens, limit, .. }) => {
            assert!(tokens > limit, "{tokens} > {limit}")
        }
        Err(error) => panic!("refused for another reason: {error}"),
        Ok(_) => panic!("an over-length prompt was taken"),
    }
}

/// Probabilities of choices are normalised, or honestly not to be had.
///
/// # Panics
/// When the model breaks the contract.
pub async fn choices_are_normalised(model: &dyn ChatModel) {
    let choices = ["Yes".to_owned(), "No".to_owned()];
    match model.score_choices(request("Is water wet?", 1), &choices).await {
        Ok(ChoiceScores { log_probs, .. }) => {
            assert!(model.identity().scores_choices, "the identity says that it can't");
            let sum: f32 = log_probs.iter().map(|log_prob| log_prob.exp()).sum();
            assert!(
                log_probs.len() == 2 && (sum - 1.0).abs() < 0.01,
                "{log_probs:?} sum to {sum}"
            );
        }
        Err(ModelError::Unsupported { .. }) => {
            assert!(!model.identity().scores_choices, "the identity says that it can")
        }
        Err(error) => panic!("failed: {error}"),
    }
}

/// A reply keeps to the schema that it was asked for, or such a request is refused as the identity says.
///
/// # Panics
/// When the model breaks the contract.
pub async fn replies_keep_to_a_schema(model: &dyn ChatModel) {
    let schema = json!({
        "type": "object",
        "properties": {"wet": {"type": "boolean"}, "kind": {"enum": ["liquid", "solid"]}},
        "required": ["wet", "kind"],
        "additionalProperties": false,
    });
    let mut request = request("Is water wet, and of which kind is it?", 40);
    request.response_format = Some(JsonSchemaFormat {
        name: "water".to_owned(),
        schema,
    });
    let mut stream = match model.stream(request).await {
        Err(ModelError::Unsupported { .. }) => {
            assert!(!model.identity().json_schema, "the identity says that it can");
            return;
        }
        other => other.expect("a small schema is taken"),
    };
    assert!(model.identity().json_schema, "the identity says that it can't");
    let mut reply = String::new();
    while let Some(event) = stream.next().await {
        match event.expect("a short request ends well") {
            ChatEvent::Text { text, .. } => reply.push_str(&text),
            ChatEvent::End { finish, .. } => assert_eq!(finish, FinishReason::Stop, "{reply}"),
            ChatEvent::PromptProgress { .. } | ChatEvent::Reasoning { .. } => {}
            ChatEvent::ToolCall(call) => panic!("no tool was offered, but {} is called", call.name),
        }
    }
    let valid = ["liquid", "solid"].iter().any(|kind| {
        [true, false]
            .map(|wet| json!({"wet": wet, "kind": kind}).to_string())
            .contains(&reply)
    });
    assert!(valid, "the reply is compact and valid: {reply}");
}

/// All checks.
///
/// # Panics
/// When the model breaks the contract.
pub async fn chat_model(model: &dyn ChatModel) {
    streams_end_once(model).await;
    over_length_input_is_refused(model).await;
    choices_are_normalised(model).await;
    replies_keep_to_a_schema(model).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScriptedModel;
    use crate::scripted::Script;

    #[tokio::test]
    async fn the_scripted_model_keeps_the_contract() {
        let model = ScriptedModel::saying("one two three four five");
        model.respond_with(|request| {
            let asked = request.response_format.as_ref()?;
            assert_eq!(asked.name, "water");
            Some(Script::SaysJson(json!({"wet": true, "kind": "liquid"})))
        });
        chat_model(&model).await;
        let schemas = model
            .requests()
            .into_iter()
            .filter_map(|request| request.response_format);
        assert_eq!(schemas.count(), 1, "the schema is remembered");
        let without = ScriptedModel::with_identity("one two three", |identity| identity.json_schema = false);
        chat_model(&without).await;
    }

    #[tokio::test]
    async fn dropping_a_stream_ends_the_work() {
        let model = ScriptedModel::saying("one two");
        model.hold();
        let stream = model.stream(request("x", 5)).await.unwrap();
        assert_eq!(model.running(), 1);
        drop(stream);
        assert_eq!((model.running(), model.abandoned()), (0, 1));
    }
}
