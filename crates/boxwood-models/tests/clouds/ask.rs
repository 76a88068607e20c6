//! Asking a binding, as the answer pipeline does.

use boxwood_core::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, FinishReason, ModelError, ToolCall, ToolDefinition, Usage,
};
use boxwood_models::{ModelRegistry, RawModels, ResolvedModel};
use futures::StreamExt;
use serde_json::json;

/// The name of every binding here.
pub const NAME: &str = "cloud";

/// Everything that came.
#[derive(Debug, Default)]
pub struct Reply {
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<ToolCall>,
    pub end: Option<(FinishReason, Usage)>,
}

impl Reply {
    pub fn finish(&self) -> FinishReason {
        self.end.as_ref().expect("a stream ends with End or an error").0
    }

    pub fn usage(&self) -> &Usage {
        &self.end.as_ref().expect("a stream ends with End or an error").1
    }
}

/// The registry of a `[models]` table; every variable that the table names has this value.
pub fn registry(toml: &str, variable: impl Fn(&str) -> Option<String>) -> ModelRegistry {
    let raw: RawModels = toml::from_str(toml).unwrap();
    let settings = raw
        .validate(&variable)
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    ModelRegistry::new(settings, Vec::new(), None).unwrap()
}

/// The mistakes of a `[models]` table.
pub fn mistakes(toml: &str) -> String {
    let raw: RawModels = toml::from_str(toml).unwrap();
    let errors = raw.validate(&|_| Some("value".to_owned())).unwrap_err();
    errors.iter().map(|error| format!("{error}\n")).collect()
}

pub async fn ask(model: &ResolvedModel, request: ChatRequest) -> Result<Reply, ModelError> {
    let mut stream = model.model.stream(request).await?;
    let mut reply = Reply::default();
    while let Some(event) = stream.next().await {
        assert!(reply.end.is_none(), "an event after the end");
        match event? {
            ChatEvent::Text { text, .. } => reply.text.push_str(&text),
            ChatEvent::Reasoning { text } => reply.reasoning.push_str(&text),
            ChatEvent::ToolCall(call) => reply.calls.push(call),
            ChatEvent::End { finish, usage } => reply.end = Some((finish, usage)),
            ChatEvent::PromptProgress { .. } => {}
        }
    }
    assert!(reply.end.is_some(), "a stream ends with End or an error");
    Ok(reply)
}

/// What Box's default agent asks for.
pub fn question() -> ChatRequest {
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Answer from the document."),
            ChatMessage::new(ChatRole::User, "When does the lease end?"),
        ],
        600,
    );
    request.sampling.top_p = Some(1.0);
    request.sampling.presence_penalty = Some(1.5);
    request.stop = vec!["<|im_end|>".into()];
    request
}

pub fn weather() -> ToolDefinition {
    ToolDefinition {
        name: "weather".into(),
        description: Some("Tells the weather of a city.".into()),
        parameters: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
                           "additionalProperties": false}),
        strict: false,
    }
}
