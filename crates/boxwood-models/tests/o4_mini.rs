//! The whole path to a host, over real sockets, against a strict stand-in for o4-mini on Azure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking"
)]

mod support;

use boxwood_core::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, Effort, FinishReason, FixedClock, ImageInput,
    JsonSchemaFormat, ModelError, Usage,
};
use boxwood_models::{Meter, ModelRegistry, RawModels, ResolvedModel, Served};
use futures::StreamExt;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{DEPLOYMENT, Fault, KEY, O4MiniStub};

const NAME: &str = "azure__openai__gpt_o4_mini";

fn resolve(stub: &O4MiniStub, more: &str, rest: &str) -> ResolvedModel {
    let toml = format!(
        "[bindings.{NAME}]\nhost = \"azure_openai\"\nbase_url = \"{}\"\ndeployment = \"{DEPLOYMENT}\"\napi_key_env = \"KEY\"\n{more}\n{rest}",
        stub.base_url
    );
    resolve_toml(&toml, KEY)
}

/// A day on which Azure still served o4-mini.
fn before_its_end() -> Arc<FixedClock> {
    Arc::new(FixedClock::new("2026-01-15T00:00:00Z".parse().unwrap()))
}

fn resolve_toml(toml: &str, key: &str) -> ResolvedModel {
    let raw: RawModels = toml::from_str(toml).unwrap();
    let settings = raw.validate(&|_| Some(key.to_owned())).unwrap();
    ModelRegistry::new(settings, Vec::new(), None)
        .unwrap()
        .with_meter(Meter::with_clock(before_its_end()))
        .resolve(Some(NAME))
        .unwrap()
}

/// What Box's default agent asks for: nothing of it but the text may reach o4-mini as it stands.
fn request() -> ChatRequest {
    let mut request = ChatRequest::new(
        vec![
            ChatMessage::new(ChatRole::System, "Answer from the document."),
            ChatMessage::new(ChatRole::User, "When does the lease end?"),
        ],
        6_000,
    );
    request.sampling.top_p = Some(1.0);
    request.sampling.presence_penalty = Some(1.5);
    request.stop = vec!["<|im_end|>".into()];
    request
}

type Outcome = Result<(String, FinishReason, Usage), ModelError>;

async fn ask(model: &ResolvedModel, request: ChatRequest) -> Outcome {
    collect(model.model.stream(request).await?).await
}

async fn collect(mut stream: boxwood_core::ChatStream) -> Outcome {
    let mut text = String::new();
    let mut end = None;
    while let Some(event) = stream.next().await {
        assert!(end.is_none(), "an event after the end");
        match event? {
            ChatEvent::Text { text: piece, .. } => text.push_str(&piece),
            ChatEvent::End { finish, usage } => end = Some((finish, usage)),
            ChatEvent::PromptProgress { .. } | ChatEvent::Reasoning { .. } | ChatEvent::ToolCall(_) => {}
        }
    }
    let (finish, usage) = end.expect("a stream ends with End or an error");
    Ok((text, finish, usage))
}

const ANSWER: [&str; 3] = ["The lease ends ", "on 31 March", " 2027."];

#[tokio::test]
async fn an_answer_comes_through_with_its_usage() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let model = resolve(&stub, "", "");
    let mut request = request();
    request.effort = Some(Effort::High);
    let (text, finish, usage) = ask(&model, request.clone()).await.unwrap();
    assert_eq!(
        (text.as_str(), finish),
        ("The lease ends on 31 March 2027.", FinishReason::Stop)
    );
    assert_eq!((usage.input_tokens, usage.cached_tokens), (30, 10));
    assert_eq!((usage.output_tokens, usage.reasoning_tokens), (100, 64));
    assert!(usage.time_to_first_token > Duration::ZERO && usage.total_time >= usage.time_to_first_token);

    assert_eq!(
        (model.served, model.model.identity().name.as_str()),
        (Served::Host, NAME)
    );
    let warned: Vec<_> = model
        .warnings_for(&request)
        .iter()
        .map(|warning| warning.parameter)
        .collect();
    assert_eq!(warned, ["temperature", "presence_penalty", "stop"]);
    let (headers, path, body) = stub.requests().remove(0);
    assert_eq!(path, "/openai/v1/chat/completions");
    assert!(headers.get("authorization").is_none());
    assert_eq!(body["reasoning_effort"], "high");
    assert_eq!(body["max_completion_tokens"], 6_000 + 24_576);
    assert_eq!(body["messages"][0]["role"], "developer");
}

#[tokio::test]
async fn the_dated_api_is_spoken_too() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let toml = format!(
        "[bindings.{NAME}]\nhost = \"azure_openai_dated\"\nbase_url = \"{}/openai/\"\ndeployment = \"{DEPLOYMENT}\"\napi_version = \"2025-04-01-preview\"\napi_key = \"{KEY}\"",
        stub.base_url
    );
    let (text, ..) = ask(&resolve_toml(&toml, ""), request()).await.unwrap();
    assert_eq!(text, ANSWER.concat());
    let (_, path, body) = stub.requests().remove(0);
    assert_eq!(
        path,
        "/openai/deployments/prod/chat/completions?api-version=2025-04-01-preview"
    );
    assert_eq!(body.get("model"), None);
}

#[tokio::test]
async fn stop_strings_are_cut_here_and_the_connection_is_closed() {
    let stub = O4MiniStub::start(&["The end<|i", "m_e", "nd|>never", " shown"]).await;
    stub.fail_next(Fault::PauseBefore(9, Duration::from_secs(30)));
    let (text, finish, usage) = ask(&resolve(&stub, "", ""), request()).await.unwrap();
    assert_eq!((text.as_str(), finish), ("The end", FinishReason::Stop));
    assert!(usage.output_tokens >= 1 && usage.input_tokens >= 1);
    until(|| stub.running() == 0).await;
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let stub = O4MiniStub::start(&ANSWER).await;
    stub.fail_next(Fault::PauseBefore(3, Duration::from_secs(60)));
    let model = resolve(&stub, "", "");
    let mut stream = model.model.stream(request()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Text { .. }))));
    assert_eq!(stub.running(), 1);
    drop(stream);
    until(|| stub.running() == 0).await;
}

async fn until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came true");
}

fn rate_limit(header: (&'static str, &str)) -> Fault {
    let message = "Requests have exceeded the token rate limit. Please retry after 37 seconds.";
    Fault::Refuse(
        429,
        vec![(header.0, header.1.to_owned())],
        json!({"code": "429", "message": message}),
    )
}

fn server_error() -> Fault {
    Fault::Refuse(500, Vec::new(), json!({"message": "The server had an error"}))
}

#[tokio::test]
async fn rate_limits_and_server_errors_are_tried_again() {
    let stub = O4MiniStub::start(&ANSWER).await;
    stub.fail_next(rate_limit(("retry-after-ms", "30")));
    stub.fail_next(server_error());
    let started = Instant::now();
    let (text, ..) = ask(&resolve(&stub, "", ""), request()).await.unwrap();
    assert_eq!((text, stub.requests().len()), (ANSWER.concat(), 3));
    // 30 ms as told, then the second back-off of 1 s.
    assert!(
        started.elapsed() >= Duration::from_millis(1_000),
        "{:?}",
        started.elapsed()
    );
}

/// The error of one request with one fault, and how many requests were made.
async fn check_fault(fault: Fault, more: &str, kind: &str, words: &str, requests: usize) {
    let stub = O4MiniStub::start(&ANSWER).await;
    stub.fail_next(fault.clone());
    stub.fail_next(fault);
    let error = ask(&resolve(&stub, more, ""), request()).await.unwrap_err();
    let debug = format!("{error:?}");
    assert!(debug.starts_with(kind) && debug.contains(words), "{debug}");
    assert!(!debug.contains(KEY));
    assert_eq!(stub.requests().len(), requests, "{debug}");
}

#[tokio::test]
async fn faults_become_clear_errors() {
    check_fault(
        rate_limit(("retry-after", "86400")),
        "",
        "Overloaded",
        "retry_after: 3600s",
        1,
    )
    .await;
    check_fault(
        server_error(),
        "retries = 0",
        "Failed",
        "HTTP 500, The server had an error",
        1,
    )
    .await;
    check_fault(server_error(), "retries = 1", "Failed", "HTTP 500", 2).await;
    check_fault(Fault::CutAfter(4), "", "Failed", "broke", 1).await;
    check_fault(
        Fault::Replace(3, "{\"choices\": [".into()),
        "",
        "Failed",
        "no JSON",
        1,
    )
    .await;
    let filter = json!({"error": {"code": "content_filter", "message": "blocked"}}).to_string();
    check_fault(Fault::Replace(3, filter), "", "Refused", "content filter", 1).await;
    check_fault(Fault::OnlyThinking, "", "Failed", "reasoning_reserve", 1).await;
    let gone = json!({"code": "OperationNotSupported", "message": "The chatCompletion operation does not work with the specified model, o4-mini."});
    check_fault(
        Fault::Refuse(400, Vec::new(), gone),
        "",
        "Unavailable",
        "successor",
        1,
    )
    .await;
    // Both of these lines state the same parameters as the strict stand-in: a family that is wrong is told.
    check_fault(
        Fault::Slow(Duration::from_secs(20)),
        "first_byte_seconds = 1",
        "Failed",
        "did not answer within 1 s",
        1,
    )
    .await;
    check_fault(
        Fault::Slow(Duration::from_secs(20)),
        "deadline_seconds = 1",
        "Failed",
        "`deadline_seconds`",
        1,
    )
    .await;
    let pause = Fault::PauseBefore(4, Duration::from_secs(20));
    check_fault(
        pause.clone(),
        "idle_seconds = 1",
        "Failed",
        "did not answer within 1 s",
        1,
    )
    .await;
    check_fault(pause, "deadline_seconds = 1", "Failed", "`deadline_seconds`", 1).await;
}

#[tokio::test]
async fn a_chunk_without_delta_anywhere_changes_nothing() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let chunk = json!({"choices": [{"index": 0, "content_filter_offsets": {"check_offset": 1}}]}).to_string();
    stub.fail_next(Fault::Replace(1, chunk));
    assert_eq!(
        ask(&resolve(&stub, "", ""), request()).await.unwrap().0,
        ANSWER.concat()
    );
}

#[tokio::test]
async fn a_host_that_does_not_stream_is_understood() {
    let stub = O4MiniStub::start(&ANSWER).await;
    stub.fail_next(Fault::NotStreamed);
    let (text, finish, usage) = ask(&resolve(&stub, "", ""), request()).await.unwrap();
    assert_eq!(
        (text, finish, usage.reasoning_tokens),
        (ANSWER.concat(), FinishReason::Stop, 64)
    );
}

#[tokio::test]
async fn the_stand_in_is_strict_and_a_wrong_family_is_told() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let wrong_family = resolve(&stub, "model = \"o4-mini-ft\"\nfamily = \"gpt_4\"", "");
    let error = ask(&wrong_family, request()).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ModelError::Refused {
                status: Some(400),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("max_tokens"), "{error}");
    assert!(
        error.to_string().contains("check `family` of the binding"),
        "{error}"
    );
}

#[tokio::test]
async fn wrong_keys_and_deployments_say_what_to_check() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let toml = |deployment: &str| {
        format!(
            "[bindings.{NAME}]\nhost = \"azure_openai\"\nbase_url = \"{}\"\ndeployment = \"{deployment}\"\napi_key_env = \"K\"",
            stub.base_url
        )
    };
    let error = ask(&resolve_toml(&toml(DEPLOYMENT), "wrong-key"), request())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("check `api_key_env`"), "{error}");
    let error = ask(&resolve_toml(&toml("gone"), KEY), request())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ModelError::Unavailable { .. }) && error.to_string().contains("`gone`"),
        "{error}"
    );
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn the_key_follows_no_redirect_to_another_place() {
    let (stub, other) = (O4MiniStub::start(&ANSWER).await, O4MiniStub::start(&ANSWER).await);
    stub.fail_next(Fault::Redirect(format!(
        "{}/openai/v1/chat/completions",
        other.base_url
    )));
    let error = ask(&resolve(&stub, "", ""), request()).await.unwrap_err();
    assert!(matches!(&error, ModelError::Unavailable { .. }), "{error:?}");
    assert!(
        error.to_string().contains("redirects to another place"),
        "{error}"
    );
    assert!(other.requests().is_empty());
    // On the same host it is followed.
    stub.fail_next(Fault::Redirect("/openai/v1/chat/completions".into()));
    assert_eq!(
        ask(&resolve(&stub, "", ""), request()).await.unwrap().0,
        ANSWER.concat()
    );
}

#[tokio::test]
async fn too_long_prompts_and_images_are_refused_before_anything_is_sent() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let model = resolve(
        &stub,
        "context_window = 1000\nmax_output_tokens = 100\nimages = false",
        "",
    );
    let mut long = request();
    long.messages[1].content = "word ".repeat(2_000);
    let error = ask(&model, long).await.unwrap_err();
    assert!(
        matches!(error, ModelError::ContextTooLong { limit: 1_000, .. }),
        "{error:?}"
    );
    let mut with_image = request();
    let image = ImageInput {
        media_type: "image/png".into(),
        bytes: vec![0; 8],
    };
    with_image.messages[1].images.push(image);
    let error = ask(&model, with_image).await.unwrap_err();
    assert!(matches!(error, ModelError::Unsupported { .. }), "{error:?}");
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn no_more_run_at_once_than_the_binding_allows() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let model = resolve(&stub, "max_concurrent = 2\nmax_waiting = 4", "");
    let asked = (0..8).map(|_| ask(&model, request()));
    let outcomes = futures::future::join_all(asked).await;
    let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!((answered, stub.most_running()), (6, 2));
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(
        refused
            .into_iter()
            .all(|error| matches!(error, ModelError::Overloaded { .. }))
    );
}

#[tokio::test]
async fn nobody_there_is_an_error_that_a_fallback_mends() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let toml = format!(
        r#"
        [bindings.{NAME}]
        host = "azure_openai"
        base_url = "http://{closed}"
        deployment = "prod"
        api_key_env = "K"
        retries = 0
        fallback = "second__o4_mini"
        [bindings.second__o4_mini]
        host = "azure_openai"
        base_url = "{}"
        deployment = "{DEPLOYMENT}"
        model = "o4-mini"
        family = "o_series"
        api_key_env = "K"
        "#,
        stub.base_url
    );
    let model = resolve_toml(&toml, KEY);
    let error = ask(&model, request()).await.unwrap_err();
    assert!(
        matches!(&error, ModelError::Failed { .. }) && error.to_string().contains("no connection"),
        "{error}"
    );
    let (by, stream) = model.start(request()).await.unwrap();
    assert_eq!(
        (by.served, by.model.identity().name.as_str()),
        (Served::StandIn, "second__o4_mini")
    );
    assert_eq!(by.requested, NAME);
    assert_eq!(collect(stream).await.unwrap().0, ANSWER.concat());
}

#[tokio::test]
async fn a_retired_model_is_replaced_by_its_successor() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let rest = format!(
        "[bindings.openai__gpt_5_mini]\nhost = \"azure_openai\"\nbase_url = \"{}\"\ndeployment = \"{DEPLOYMENT}\"\napi_key_env = \"K\"",
        stub.base_url
    );
    let model = resolve(&stub, "successor = \"openai__gpt_5_mini\"", &rest);
    stub.fail_next(Fault::Refuse(
        404,
        Vec::new(),
        json!({"code": "404", "message": "Resource not found"}),
    ));
    let (by, stream) = model.start(request()).await.unwrap();
    assert_eq!(
        (by.served, by.model.identity().name.as_str()),
        (Served::Successor, "openai__gpt_5_mini")
    );
    assert_eq!(collect(stream).await.unwrap().0, ANSWER.concat());
}

/// What an extraction of an invoice asks for: much of it is more than a strict host takes.
fn invoice() -> ChatRequest {
    let line = json!({"type": "object", "properties": {"item": {"type": "string"}, "amount": {"type": "number", "minimum": 0}},
                      "required": ["item"]});
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "number": {"type": "string", "maxLength": 40, "description": "The invoice's number."},
            "date": {"type": ["string", "null"], "format": "date"},
            "kind": {"enum": ["invoice", "credit note"]},
            "lines": {"type": "array", "items": line, "maxItems": 500},
            "seller": {"$ref": "#/definitions/party"},
        },
        "required": ["number", "lines"],
        "definitions": {"party": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^A"}}}},
    });
    let mut request = request();
    request.response_format = Some(JsonSchemaFormat {
        name: "invoice fields".into(),
        schema,
    });
    request
}

#[tokio::test]
async fn a_reply_keeps_to_a_schema_and_comes_compact() {
    let stub = O4MiniStub::start(&["{\n  \"number\": \"4 2", "\",  \"<|im_end|>\": [ ]", " }\n"]).await;
    let model = resolve(&stub, "", "");
    assert!(model.model.identity().json_schema);
    let (text, finish, _) = ask(&model, invoice()).await.unwrap();
    assert_eq!(
        text, "{\"number\":\"4 2\",\"<|im_end|>\":[]}",
        "compact, and no stop string cuts it"
    );
    assert_eq!(finish, FinishReason::Stop);
    let (_, _, body) = stub.requests().remove(0);
    let asked = &body["response_format"]["json_schema"];
    assert_eq!(
        (&asked["name"], &asked["strict"]),
        (&json!("invoice_fields"), &json!(true))
    );
    assert_eq!(
        asked["schema"]["properties"]["date"],
        json!({"type": ["string", "null"]})
    );

    stub.fail_next(Fault::ModelRefuses);
    let error = ask(&model, invoice()).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Refused { .. }),
        "words are no value: {error:?}"
    );
    stub.fail_next(Fault::ModelRefuses);
    let (text, ..) = ask(&model, request()).await.unwrap();
    assert_eq!(text, "I can't help with that.", "in words it is an answer");
}

#[tokio::test]
async fn a_schema_that_the_host_cannot_keep_to_is_refused_before_anything_is_sent() {
    let stub = O4MiniStub::start(&ANSWER).await;
    let mut request = invoice();
    request.response_format.as_mut().unwrap().schema["properties"]["notes"] = json!({"type": "object"});
    let error = ask(&resolve(&stub, "", ""), request).await.unwrap_err();
    let ModelError::SchemaUnsupported { message, .. } = error else {
        panic!("{error:?}")
    };
    assert!(message.contains("#/properties/notes"), "{message}");
    let without = resolve(&stub, "json_schema = \"none\"", "");
    assert!(!without.model.identity().json_schema);
    let error = ask(&without, invoice()).await.unwrap_err();
    assert!(matches!(error, ModelError::Unsupported { .. }), "{error:?}");
    assert!(stub.requests().is_empty());
}
