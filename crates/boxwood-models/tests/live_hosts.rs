//! A smoke test against a live host, for whoever has one: see "When a host fails" in `docs/models.md`.
//!
//! Never run by `make test`. It reads the `[models]` table of the configuration that `BOXWOOD_LIVE` names and asks the
//! model that `BOXWOOD_LIVE_MODEL` names; every kind of host is reached in this way.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of a test fail by panicking, and this one shows what it saw"
)]

use boxwood_core::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, FinishReason, JsonSchemaFormat, ToolCall, ToolChoice,
    ToolDefinition, Usage,
};
use boxwood_models::{ModelRegistry, RawModels, ResolvedModel};
use futures::StreamExt;
use serde_json::{Value, json};

fn bound_model() -> ResolvedModel {
    let file = std::env::var("BOXWOOD_LIVE").expect("BOXWOOD_LIVE names the configuration");
    let name = std::env::var("BOXWOOD_LIVE_MODEL").expect("BOXWOOD_LIVE_MODEL names the model");
    let mut table: toml::Table = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let models = table
        .remove("models")
        .expect("the configuration has a [models] table");
    let raw: RawModels = models.try_into().unwrap();
    let settings = raw.validate(&|variable| std::env::var(variable).ok()).unwrap();
    let registry = ModelRegistry::new(settings, Vec::new(), None).unwrap();
    registry.resolve(Some(&name)).unwrap()
}

fn request(question: &str) -> ChatRequest {
    let instructions = "You answer in one short sentence.";
    let messages = vec![
        ChatMessage::new(ChatRole::System, instructions),
        ChatMessage::new(ChatRole::User, question),
    ];
    ChatRequest::new(messages, 200)
}

async fn ask(model: &ResolvedModel, request: ChatRequest) -> (String, Vec<ToolCall>, FinishReason, Usage) {
    for warning in model.warnings_for(&request) {
        println!("  left out: {}: {}", warning.parameter, warning.message);
    }
    let mut stream = model.model.stream(request).await.unwrap();
    let (mut text, mut calls, mut end) = (String::new(), Vec::new(), None);
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            ChatEvent::Text { text: piece, .. } => text.push_str(&piece),
            ChatEvent::ToolCall(call) => calls.push(call),
            ChatEvent::End { finish, usage } => end = Some((finish, usage)),
            ChatEvent::Reasoning { .. } | ChatEvent::PromptProgress { .. } => {}
        }
    }
    let (finish, usage) = end.expect("a stream ends with End or an error");
    println!(
        "  {finish:?} after {:?}: {text:?} {calls:?} {usage:?}",
        usage.total_time
    );
    (text, calls, finish, usage)
}

#[tokio::test]
#[ignore = "asks a live host: see docs/models.md"]
async fn a_live_host_answers() {
    let model = bound_model();
    let identity = model.model.identity().clone();
    println!(
        "{} of {} ({})",
        identity.name,
        identity.provider,
        model.served.as_str()
    );

    let (text, _, finish, usage) = ask(&model, request("What is the capital of France?")).await;
    assert!(text.contains("Paris") && finish == FinishReason::Stop, "{text}");
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0);

    let mut stopped = request("Count from one to five in words, separated by single spaces.");
    stopped.stop = vec!["three".into()];
    let (text, ..) = ask(&model, stopped).await;
    assert!(!text.contains("three"), "{text}");

    if identity.json_schema {
        let mut asked = request("The invoice of 3 May 2026 is over 12.50 EUR. Give its amount.");
        asked.response_format = Some(JsonSchemaFormat {
            name: "invoice".into(),
            schema: json!({"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}),
        });
        let (text, ..) = ask(&model, asked).await;
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["amount"], json!(12.5));
    }
    if identity.tools {
        let mut asked = request("Which weekday is the third of May 2026?");
        asked.tools = vec![ToolDefinition {
            name: "weekday".into(),
            description: Some("The weekday of a date.".into()),
            parameters: json!({"type": "object", "properties": {"date": {"type": "string"}},
                               "required": ["date"], "additionalProperties": false}),
            strict: true,
        }];
        asked.tool_choice = ToolChoice::Named("weekday".into());
        let (_, calls, ..) = ask(&model, asked.clone()).await;
        let call = calls.first().expect("the tool is called").clone();
        asked.messages.push(ChatMessage::calls("", vec![call.clone()]));
        asked.messages.push(ChatMessage::tool_result(call.id, "Sunday"));
        asked.tool_choice = ToolChoice::Auto;
        let (text, ..) = ask(&model, asked).await;
        assert!(text.contains("Sunday"), "{text}");
    }
}
