//! What goes wrong at every host in the same way, and how it comes out: never as a whole answer.

use crate::ask::{NAME, ask, question, registry};
use crate::stub::{Fault, Stub, event};
use crate::{bedrock, bedrock_host, gemini, gemini_host, watsonx, watsonx_host};
use boxwood_core::ModelError;
use boxwood_models::ResolvedModel;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One host: its stand-in, its binding, and its ways of saying things.
struct Host {
    name: &'static str,
    stub: Stub,
    /// The `[models]` table without `retries`.
    table: String,
    key: &'static str,
    /// A body of "too many requests", with its header.
    limited: (Vec<(&'static str, String)>, Value),
    /// A body of "the service is down".
    down: (Vec<(&'static str, String)>, Value),
    /// A piece that is none of the protocol.
    malformed: Vec<u8>,
    /// A piece that tells of an error in the middle of a stream.
    error: Vec<u8>,
}

async fn hosts() -> Vec<Host> {
    let stub = Stub::start(gemini_host::rules).await;
    let google = |code: u16, status: &str| {
        let retry = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"});
        json!([{"error": {"code": code, "message": "Try again later.", "status": status, "details": [retry]}}])
    };
    let gemini = Host {
        name: "gemini",
        table: gemini::table(&stub, "gemini-2.5-flash", "gemini_2_5", ""),
        stub,
        key: gemini_host::KEY,
        limited: (Vec::new(), google(429, "RESOURCE_EXHAUSTED")),
        down: (Vec::new(), google(503, "UNAVAILABLE")),
        malformed: b"data: {\"candidates\": [\r\n\r\n".to_vec(),
        error: event(&google(503, "UNAVAILABLE")[0]),
    };
    let stub = Stub::start(bedrock_host::rules).await;
    let more = "family = \"claude\"\napi_key_env = \"KEY\"";
    let aws = |name: &str| {
        vec![
            ("x-amzn-errortype", name.to_owned()),
            ("retry-after", "37".to_owned()),
        ]
    };
    let bedrock = Host {
        name: "bedrock",
        table: bedrock::table(&stub, bedrock_host::MODEL, more),
        stub,
        key: bedrock_host::KEY,
        limited: (
            aws("ThrottlingException"),
            json!({"message": "Too many requests"}),
        ),
        down: (aws("ServiceUnavailableException"), json!({"message": "Down"})),
        malformed: bedrock_host::message(
            &[(":event-type", "contentBlockDelta"), (":message-type", "event")],
            "{\"delta\":",
        ),
        error: bedrock_host::exception("modelStreamErrorException", "The model failed"),
    };
    let stub = Stub::start(watsonx_host::rules).await;
    let ibm = |code: &str| json!({"errors": [{"code": code, "message": "Try again later."}], "trace": "t"});
    let wait = || vec![("retry-after", "37".to_owned())];
    let watsonx = Host {
        name: "watsonx",
        table: watsonx::table(&stub, watsonx::ADDRESS, ""),
        stub,
        key: watsonx_host::KEY,
        limited: (wait(), ibm("rate_limit_reached_requests")),
        down: (wait(), ibm("downstream_request_failed")),
        malformed: b"event: message\ndata: {\"choices\": [\n\n".to_vec(),
        error: watsonx_host::event(9, "error", &ibm("downstream_request_failed")),
    };
    vec![gemini, bedrock, watsonx]
}

impl Host {
    /// The binding with settings in place of `retries = 0`.
    fn bound(&self, settings: &str) -> ResolvedModel {
        let table = self.table.replace("retries = 0", settings);
        let key = self.key;
        registry(&table, move |_| Some(key.to_owned()))
            .resolve(Some(NAME))
            .unwrap()
    }

    async fn failure(&self, settings: &str, fault: Fault) -> ModelError {
        self.stub.fail_next(fault);
        match ask(&self.bound(settings), question()).await {
            Err(error) => error,
            Ok(reply) => panic!("{}: {reply:?} passed as an answer", self.name),
        }
    }
}

#[tokio::test]
async fn too_many_requests_are_told_with_the_wait_that_the_host_asks_for() {
    for host in hosts().await {
        let (headers, body) = host.limited.clone();
        let error = host
            .failure("retries = 0", Fault::Refuse(429, headers, body))
            .await;
        let ModelError::Overloaded { retry_after, .. } = error else {
            panic!("{}: {error:?}", host.name);
        };
        assert_eq!(retry_after, Duration::from_secs(37), "{}", host.name);
    }
}

#[tokio::test]
async fn a_host_that_is_down_is_tried_again_and_then_told() {
    for host in hosts().await {
        let (headers, body) = host.down.clone();
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| *name != "retry-after")
            .collect();
        let body: Value = serde_json::from_str(&body.to_string().replace("37s", "0.01s")).unwrap();
        let fault = || Fault::Refuse(503, headers.clone(), body.clone());
        host.stub.fail_next(fault());
        let reply = ask(&host.bound("retries = 1"), question()).await.unwrap();
        assert_eq!(reply.text, "The lease ends on 31 March 2027.", "{}", host.name);
        let error = host.failure("retries = 0", fault()).await;
        assert!(
            matches!(error, ModelError::Failed { .. }),
            "{}: {error:?}",
            host.name
        );
    }
}

#[tokio::test]
async fn a_slow_host_is_not_waited_for_forever() {
    for host in hosts().await {
        let started = Instant::now();
        let slow = Fault::Slow(Duration::from_secs(30));
        let error = host.failure("retries = 0\nfirst_byte_seconds = 1", slow).await;
        assert!(
            matches!(error, ModelError::Failed { .. }),
            "{}: {error:?}",
            host.name
        );
        let pause = Fault::PauseBefore(2, Duration::from_secs(30));
        let error = host.failure("retries = 0\nidle_seconds = 1", pause).await;
        assert!(
            matches!(error, ModelError::Failed { .. }),
            "{}: {error:?}",
            host.name
        );
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn a_stream_that_dies_is_an_error() {
    for host in hosts().await {
        for number in 0..3 {
            for fault in [Fault::CutAfter(number), Fault::EndAfter(number)] {
                let error = host.failure("retries = 0", fault.clone()).await;
                assert!(
                    matches!(error, ModelError::Failed { .. }),
                    "{} {fault:?}: {error:?}",
                    host.name
                );
            }
        }
    }
}

#[tokio::test]
async fn a_piece_that_is_none_is_an_error() {
    for host in hosts().await {
        for piece in [host.malformed.clone(), host.error.clone()] {
            let error = host.failure("retries = 0", Fault::Replace(2, piece)).await;
            assert!(
                matches!(error, ModelError::Failed { .. }),
                "{}: {error:?}",
                host.name
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_checksum_ends_the_stream() {
    let hosts = hosts().await;
    let bedrock = hosts.iter().find(|host| host.name == "bedrock").unwrap();
    // In a length, in the checksum of the beginning, in a header, in the text.
    for byte in [1, 9, 20, 140] {
        let error = bedrock.failure("retries = 0", Fault::Flip(1, byte)).await;
        assert!(
            matches!(error, ModelError::Failed { .. }),
            "byte {byte}: {error:?}"
        );
        assert!(
            error.to_string().contains("checksum") || error.to_string().contains("length"),
            "{error}"
        );
    }
}
