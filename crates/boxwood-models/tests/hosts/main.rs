//! Every host of the OpenAI dialect, over real sockets, against a strict stand-in for it: what it takes, how it answers,
//! and how it fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of a test fail by panicking"
)]

mod entra;
mod pace;
mod rules;
mod spec;
mod stub;
mod wire;

use boxwood_core::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, Effort, FinishReason, ImageInput, ModelError, ToolCall,
    ToolChoice, ToolDefinition, Usage,
};
use boxwood_models::{ModelRegistry, RawModels, ResolvedModel};
use futures::StreamExt;
use futures::future::join_all;
use rules::Dialect;
use serde_json::{Value, json};
use std::time::Duration;
use stub::{Answer, Fault, HostStub, KEY};

const NAME: &str = "my_model";
const PIECES: [&str; 3] = ["The lease ends ", "on 31 March", " 2027."];

fn answer() -> Answer {
    Answer {
        thinking: Some("Look at the last page."),
        pieces: PIECES.to_vec(),
        call: None,
    }
}

fn binding(stub: &HostStub, more: &str) -> String {
    let (settings, base) = (stub.dialect.binding(), &stub.base_url);
    format!("[bindings.{NAME}]\n{settings}\nbase_url = \"{base}\"\napi_key_env = \"KEY\"\n{more}\n")
}

fn resolve(toml: &str, key: &str) -> ResolvedModel {
    resolve_in(toml, &|name| (name == "KEY").then(|| key.to_owned()))
}

fn resolve_in(toml: &str, environment: &dyn Fn(&str) -> Option<String>) -> ResolvedModel {
    let raw: RawModels = toml::from_str(toml).unwrap();
    let settings = raw.validate(environment);
    let settings = settings.unwrap_or_else(|errors| panic!("{errors:?}\n{toml}"));
    let registry = ModelRegistry::new(settings, Vec::new(), None).unwrap();
    registry.resolve(Some(NAME)).unwrap()
}

/// What Box's default agent asks for, with all that the model takes beside it.
fn request(model: &ResolvedModel) -> ChatRequest {
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Answer from the document."),
            ChatMessage::new(ChatRole::User, "When does the lease end?"),
        ],
        6_000,
    );
    request.sampling.top_p = Some(1.0);
    request.sampling.frequency_penalty = Some(0.5);
    request.sampling.presence_penalty = Some(1.5);
    request.sampling.seed = Some(7);
    request.stop = vec!["<|im_end|>".into()];
    request.effort = Some(Effort::Low);
    let identity = model.model.identity();
    if identity.images {
        request.messages[1].images.push(ImageInput {
            media_type: "image/png".into(),
            bytes: b"PNG".to_vec(),
        });
    }
    if identity.tools {
        request.tools = vec![tool()];
        request.parallel_tool_calls = Some(false);
    }
    request
}

fn tool() -> ToolDefinition {
    ToolDefinition {
        name: "find".into(),
        description: Some("Finds a clause.".into()),
        parameters: json!({"type": "object", "properties": {"clause": {"type": "string"}},
                           "required": ["clause"], "additionalProperties": false}),
        strict: true,
    }
}

#[derive(Debug)]
struct Outcome {
    text: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    finish: FinishReason,
    usage: Usage,
}

async fn ask(model: &ResolvedModel, request: ChatRequest) -> Result<Outcome, ModelError> {
    let mut stream = model.model.stream(request).await?;
    let (mut text, mut reasoning, mut calls, mut end) = (String::new(), String::new(), Vec::new(), None);
    while let Some(event) = stream.next().await {
        assert!(end.is_none(), "an event after the end");
        match event? {
            ChatEvent::Text { text: piece, .. } => text.push_str(&piece),
            ChatEvent::Reasoning { text } => reasoning.push_str(&text),
            ChatEvent::ToolCall(call) => calls.push(call),
            ChatEvent::End { finish, usage } => end = Some((finish, usage)),
            ChatEvent::PromptProgress { .. } => {}
        }
    }
    let (finish, usage) = end.expect("a stream ends with End or an error");
    Ok(Outcome {
        text,
        reasoning,
        calls,
        finish,
        usage,
    })
}

async fn for_all<Tested: Future<Output = ()>>(test: impl Fn(Dialect) -> Tested) {
    join_all(Dialect::ALL.map(test)).await;
}

#[tokio::test]
async fn every_host_takes_what_box_sends_and_its_answer_comes_through() {
    for_all(|dialect| async move {
        let stub = HostStub::start(dialect, answer()).await;
        let model = resolve(&binding(&stub, ""), KEY);
        let outcome = ask(&model, request(&model)).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("{dialect:?}: {error}"));
        assert_eq!(outcome.text, PIECES.concat(), "{dialect:?}");
        let shows_thinking = !matches!(dialect, Dialect::AzureChat | Dialect::OpenaiChat);
        assert_eq!(outcome.reasoning.is_empty(), !shows_thinking, "{dialect:?}");
        let usage = outcome.usage;
        assert_eq!(
            (
                usage.input_tokens,
                usage.cached_tokens,
                usage.output_tokens,
                usage.reasoning_tokens
            ),
            (30, 10, 100, 64),
            "{dialect:?}"
        );
        assert_eq!(outcome.finish, FinishReason::Stop);
    })
    .await;
}

#[tokio::test]
async fn tools_are_called_and_their_results_go_back() {
    for_all(|dialect| async move {
        let calling = Answer {
            call: Some(("find", "{\"clause\":\"lease\"}")),
            pieces: Vec::new(),
            ..answer()
        };
        let stub = HostStub::start(dialect, calling).await;
        let model = resolve(&binding(&stub, ""), KEY);
        let mut asked = request(&model);
        asked.tool_choice = ToolChoice::Required;
        let outcome = ask(&model, asked.clone()).await.unwrap();
        assert_eq!(outcome.finish, FinishReason::ToolCalls, "{dialect:?}");
        let call = &outcome.calls[0];
        assert_eq!(
            (call.name.as_str(), call.arguments.as_str()),
            ("find", "{\"clause\":\"lease\"}")
        );

        let id = call.id.clone();
        asked.messages.push(ChatMessage::calls("", outcome.calls));
        asked.messages.push(ChatMessage::tool_result(id, "Clause 4."));
        asked.tool_choice = ToolChoice::Named("find".into());
        let again = ask(&model, asked).await;
        assert!(again.is_ok(), "{dialect:?}: {again:?}");
    })
    .await;
}

/// One request with one fault.
async fn with_fault(dialect: Dialect, fault: Fault, more: &str) -> (Result<Outcome, ModelError>, HostStub) {
    let stub = HostStub::start(dialect, answer()).await;
    stub.fail_next(fault);
    let model = resolve(&binding(&stub, more), KEY);
    (ask(&model, request(&model)).await, stub)
}

async fn is_mended(dialect: Dialect, fault: Fault, requests: usize) {
    let (outcome, stub) = with_fault(dialect, fault.clone(), "").await;
    let outcome = outcome.unwrap_or_else(|error| panic!("{dialect:?} {fault:?}: {error}"));
    assert_eq!(outcome.text, PIECES.concat(), "{dialect:?} {fault:?}");
    assert_eq!(stub.requests().len(), requests, "{dialect:?} {fault:?}");
}

#[tokio::test]
async fn what_passes_is_waited_for_and_oddities_are_understood() {
    for_all(|dialect| async move {
        let busy = json!({"error": {"code": "429", "message": "Please retry after 1 seconds."}});
        let limit = Fault::Refuse(429, vec![("retry-after-ms", "20".into())], busy);
        is_mended(dialect, limit, 2).await;
        is_mended(
            dialect,
            Fault::Refuse(503, vec![("retry-after-ms", "20".into())], json!({})),
            2,
        )
        .await;
        is_mended(dialect, Fault::NotStreamed, 1).await;
        let no_delta = if dialect.is_responses() {
            json!({"type": "response.something_new", "item": 4})
        } else {
            json!({"choices": [{"index": 0, "finish_reason": null}]})
        };
        is_mended(dialect, Fault::Replace(0, no_delta.to_string()), 1).await;
    })
    .await;
}

#[tokio::test]
async fn what_breaks_off_is_an_error_and_never_an_answer() {
    for_all(|dialect| async move {
        let fails = async |fault: Fault, more: &str, words: &str| {
            let (outcome, _) = with_fault(dialect, fault.clone(), more).await;
            let error = outcome.expect_err("half an answer");
            assert!(
                matches!(error, ModelError::Failed { .. }),
                "{dialect:?} {fault:?}: {error:?}"
            );
            assert!(
                error.to_string().contains(words),
                "{dialect:?} {fault:?}: {error}"
            );
        };
        fails(Fault::CutAfter(3), "", "broke").await;
        fails(Fault::EndAfter(3), "", "broke off before the answer was complete").await;
        fails(Fault::Replace(3, "{\"choices\": [".into()), "", "no JSON").await;
        fails(Fault::OnlyThinking, "", "`reasoning_reserve`").await;
        fails(
            Fault::Slow(Duration::from_secs(20)),
            "first_byte_seconds = 1",
            "did not answer within 1 s",
        )
        .await;
        let error = if dialect.is_responses() {
            json!({"type": "error", "code": "server_error", "message": "worker died"})
        } else {
            json!({"error": {"code": "500", "message": "worker died"}})
        };
        fails(Fault::Replace(3, error.to_string()), "", "worker died").await;
        let server = Fault::Refuse(500, Vec::new(), json!({"error": {"message": "it broke"}}));
        fails(server, "retries = 0", "HTTP 500, it broke").await;
    })
    .await;
}

#[tokio::test]
async fn wrong_keys_and_models_say_what_to_check() {
    for_all(|dialect| async move {
        let stub = HostStub::start(dialect, answer()).await;
        if dialect != Dialect::Ollama {
            let model = resolve(&binding(&stub, ""), "another-key");
            let error = ask(&model, request(&model)).await.unwrap_err();
            assert!(
                error.to_string().contains("check `api_key_env`"),
                "{dialect:?}: {error}"
            );
            assert!(!format!("{error:?}").contains("another-key"));
        }
        if dialect != Dialect::LlamaServer {
            let other = binding(&stub, "").replace(&format!("= \"{}\"", dialect.model()), "= \"gone\"");
            let model = resolve(&other, KEY);
            let error = ask(&model, request(&model)).await.unwrap_err();
            assert!(
                matches!(error, ModelError::Unavailable { .. }),
                "{dialect:?}: {error:?}"
            );
            let words = error.to_string();
            assert!(
                words.contains("check `model`") || words.contains("no deployment `gone`"),
                "{words}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_stand_ins_are_strict_and_a_wrong_family_is_told() {
    for (dialect, family, words) in [
        (Dialect::AzureChat, "gpt_4", "max_tokens"),
        (Dialect::OpenaiChat, "compatible", "max_tokens"),
        (Dialect::AzureResponses, "gpt_4", "temperature"),
        (Dialect::Xai, "grok", "does not support parameter"),
        (Dialect::Vllm, "o_series", "role"),
    ] {
        let stub = HostStub::start(dialect, answer()).await;
        let toml = binding(&stub, "");
        let own = toml
            .split("family = \"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let model = resolve(
            &toml.replace(&format!("\"{own}\""), &format!("\"{family}\"")),
            KEY,
        );
        let error = ask(&model, request(&model)).await.unwrap_err();
        assert!(
            matches!(&error, ModelError::Refused { status: Some(400), message, .. } if message.contains(words)),
            "{dialect:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn thinking_is_switched_where_the_template_can() {
    let stub = HostStub::start(Dialect::LlamaServer, answer()).await;
    let model = resolve(&binding(&stub, ""), KEY);
    for (effort, thinks) in [(Effort::Low, false), (Effort::High, true)] {
        let mut asked = request(&model);
        asked.effort = Some(effort);
        ask(&model, asked).await.unwrap();
        let (_, _, body) = stub.requests().pop().unwrap();
        assert_eq!(body["chat_template_kwargs"], json!({"enable_thinking": thinks}));
        assert_eq!(body.get("reasoning_effort"), None);
    }
    let stub = HostStub::start(Dialect::Vllm, answer()).await;
    let model = resolve(&binding(&stub, ""), KEY);
    ask(&model, request(&model)).await.unwrap();
    let (_, _, body) = stub.requests().pop().unwrap();
    assert_eq!(body["reasoning_effort"], "low");
    assert!(model.model.identity().json_schema, "vLLM keeps to schemas");
}

/// The body that a request to this host has.
async fn sent(dialect: Dialect, change: impl FnOnce(&mut ChatRequest)) -> Value {
    let stub = HostStub::start(dialect, answer()).await;
    let model = resolve(&binding(&stub, ""), KEY);
    let mut asked = request(&model);
    change(&mut asked);
    ask(&model, asked).await.unwrap();
    stub.requests().remove(0).2
}
