//! Limits per minute, the breaker, and who takes over then.

use crate::rules::Dialect;
use crate::stub::{Fault, HostStub, KEY};
use crate::{PIECES, answer, ask, binding, request, resolve};
use boxwood_core::ModelError;
use serde_json::json;
use std::time::{Duration, Instant};

fn broken() -> Fault {
    Fault::Refuse(500, Vec::new(), json!({"error": {"message": "it broke"}}))
}

#[tokio::test]
async fn a_host_that_keeps_failing_is_left_alone_for_a_while() {
    let stub = HostStub::start(Dialect::Vllm, answer()).await;
    let model = resolve(
        &binding(&stub, "retries = 0\nbreaker_failures = 2\nbreaker_seconds = 1"),
        KEY,
    );
    // A stream that breaks off is a failure as well.
    for fault in [broken(), Fault::CutAfter(3)] {
        stub.fail_next(fault);
        ask(&model, request(&model)).await.unwrap_err();
    }
    let error = ask(&model, request(&model)).await.unwrap_err();
    assert!(
        matches!(&error, ModelError::Failed { message, .. } if message.contains("failed 2 times in a row")),
        "{error:?}"
    );
    assert_eq!(stub.requests().len(), 2, "it was not asked again");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(ask(&model, request(&model)).await.unwrap().text, PIECES.concat());
    assert_eq!(ask(&model, request(&model)).await.unwrap().text, PIECES.concat());
}

#[tokio::test]
async fn refusals_of_requests_are_no_failures_of_the_host() {
    let stub = HostStub::start(Dialect::Vllm, answer()).await;
    let model = resolve(&binding(&stub, "retries = 0\nbreaker_failures = 1"), KEY);
    stub.fail_next(Fault::Refuse(
        400,
        Vec::new(),
        json!({"error": {"message": "bad"}}),
    ));
    ask(&model, request(&model)).await.unwrap_err();
    assert!(ask(&model, request(&model)).await.is_ok());
}

#[tokio::test]
async fn the_fallback_takes_over_while_a_host_is_left_alone() {
    let (first, second) = (
        HostStub::start(Dialect::Vllm, answer()).await,
        HostStub::start(Dialect::Ollama, answer()).await,
    );
    let toml = format!(
        "{}\n{}",
        binding(
            &first,
            "retries = 0\nbreaker_failures = 1\nfallback = \"other_model\""
        ),
        binding(&second, "").replace("my_model", "other_model")
    );
    let model = resolve(&toml, KEY);
    first.fail_next(broken());
    for _ in 0..2 {
        let (by, _stream) = model.start(request(&model)).await.unwrap();
        assert_eq!(by.model.identity().name, "other_model");
    }
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_host_that_asks_for_a_long_pause_gets_it() {
    let stub = HostStub::start(Dialect::AzureChat, answer()).await;
    let model = resolve(&binding(&stub, ""), KEY);
    let limit = json!({"error": {"code": "429", "message": "Please retry after 86400 seconds."}});
    stub.fail_next(Fault::Refuse(429, vec![("retry-after", "86400".into())], limit));
    for _ in 0..2 {
        let error = ask(&model, request(&model)).await.unwrap_err();
        assert!(
            matches!(error, ModelError::Overloaded { retry_after, .. } if retry_after > Duration::from_secs(3_500)),
            "{error:?}"
        );
    }
    assert_eq!(stub.requests().len(), 1, "it was not asked again");
}

#[tokio::test]
async fn limits_per_minute_are_waited_for_or_told() {
    let stub = HostStub::start(Dialect::Vllm, answer()).await;
    // Tokens for two requests of 6,000 with a reserve of 4,096.
    let model = resolve(&binding(&stub, "tokens_per_minute = 21000"), KEY);
    let started = Instant::now();
    ask(&model, request(&model)).await.unwrap();
    ask(&model, request(&model)).await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "the minute's worth is there at once"
    );
    let impatient = resolve(
        &binding(&stub, "requests_per_minute = 1\ndeadline_seconds = 5"),
        KEY,
    );
    ask(&impatient, request(&impatient)).await.unwrap();
    let error = ask(&impatient, request(&impatient)).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Overloaded { retry_after, .. } if retry_after > Duration::from_secs(50)),
        "{error:?}"
    );
    assert_eq!(stub.requests().len(), 3);
}
