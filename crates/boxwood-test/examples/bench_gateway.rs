//! Parts of the gateway's benchmark, put together by `scripts/bench/gateway.py`: an instant model host in the OpenAI
//! dialect, a bare proxy before it (axum in, reqwest with kept connections out, JSON parsed both ways), and the clients.
//!
//! ```text
//! bench_gateway --stub                          prints its address, serves until it is killed
//! bench_gateway --proxy STUB_ADDRESS            the same
//! bench_gateway --load URL TOKEN MODEL CLIENTS REQUESTS PROMPT_TOKENS
//!                                               prints p50 and p99 in milliseconds, requests a second
//! ```
//! Every prompt is different; an answer without the host's text is an error. The clients' own time is part of every
//! figure, so figures are compared, not taken by themselves.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the host says.
const ANSWER: &str = "The deposit is 2,360 euros.";
const USAGE: &str =
    "usage: bench_gateway --stub | --proxy ADDRESS | --load URL TOKEN MODEL CLIENTS REQUESTS TOKENS";

fn main() -> Outcome<()> {
    // Another provider that is there already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--stub"] => serve(|| Ok(Router::new().route("/v1/chat/completions", post(complete)))),
        ["--proxy", stub] => serve(|| proxy(stub)),
        ["--load", url, token, model, clients, requests, tokens] => {
            let load = Load {
                client: reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?,
                url: url.to_owned(),
                token: token.to_owned(),
                model: model.to_owned(),
                padding: " word".repeat(tokens.parse()?),
                asked: AtomicU64::new(0),
            };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(run(Arc::new(load), clients.parse()?, requests.parse()?))
        }
        _ => Err(USAGE.into()),
    }
}

/// All that the host looks at.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    stream: bool,
}

/// Both replies, made once: the host is instant.
static REPLIES: LazyLock<(String, String)> = LazyLock::new(|| {
    let usage = json!({"prompt_tokens": 50, "completion_tokens": 8, "total_tokens": 58});
    let about = |object: &str, choices: Value, usage: &Value| json!({"id": "chatcmpl-1", "created": 1, "model": "stub", "object": object, "choices": choices, "usage": usage});
    let message = json!({"role": "assistant", "content": ANSWER});
    let choices = json!([{"index": 0, "finish_reason": "stop", "message": message}]);
    let whole = about("chat.completion", choices, &usage).to_string();
    let chunk = "chat.completion.chunk";
    let events = [
        about(
            chunk,
            json!([{"index": 0, "finish_reason": null, "delta": message}]),
            &Value::Null,
        ),
        about(
            chunk,
            json!([{"index": 0, "finish_reason": "stop", "delta": {}}]),
            &Value::Null,
        ),
        about(chunk, json!([]), &usage),
    ];
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    (whole, events.collect::<String>() + "data: [DONE]\n\n")
});

async fn complete(Json(wanted): Json<Wanted>) -> Response {
    match wanted.stream {
        true => ([(CONTENT_TYPE, "text/event-stream")], REPLIES.1.as_str()).into_response(),
        false => ([(CONTENT_TYPE, "application/json")], REPLIES.0.as_str()).into_response(),
    }
}

#[derive(Clone)]
struct Upstream {
    client: reqwest::Client,
    url: String,
}

fn proxy(stub: &str) -> Outcome<Router> {
    let upstream = Upstream {
        client: reqwest::Client::builder().no_proxy().build()?,
        url: format!("http://{stub}/v1/chat/completions"),
    };
    Ok(Router::new()
        .route("/v1/chat/completions", post(forward))
        .with_state(upstream))
}

async fn forward(State(upstream): State<Upstream>, Json(request): Json<Value>) -> Response {
    let sent = upstream.client.post(&upstream.url).json(&request).send();
    let reply: Result<Value, reqwest::Error> = async { sent.await?.json().await }.await;
    match reply {
        Ok(reply) => Json(reply).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

fn serve(router: impl FnOnce() -> Outcome<Router>) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        // Answers are small and must not wait for more of them to come.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let router = router()?.layer(axum::extract::DefaultBodyLimit::disable());
        Ok(axum::serve(listener, router).await?)
    })
}

/// What the clients ask.
struct Load {
    client: reqwest::Client,
    url: String,
    token: String,
    model: String,
    padding: String,
    asked: AtomicU64,
}

impl Load {
    /// Asks once; milliseconds until the whole answer was there.
    async fn ask(&self) -> Result<f64, String> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let content = format!("How much is the deposit? (case {number}){}", self.padding);
        let body =
            json!({"model": self.model, "messages": [{"role": "user", "content": content}]}).to_string();
        let request = self.client.post(&self.url).bearer_auth(&self.token);
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let began = Instant::now();
        let reply = request.send().await.map_err(|error| error.to_string())?;
        let (status, text) = (
            reply.status(),
            reply.text().await.map_err(|error| error.to_string())?,
        );
        let took = began.elapsed().as_secs_f64() * 1e3;
        match text.contains(ANSWER) {
            true => Ok(took),
            false => Err(format!("{} answered {status}: {text}", self.url)),
        }
    }
}

async fn run(load: Arc<Load>, clients: usize, requests: usize) -> Outcome<()> {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for client in 0..clients {
        let load = load.clone();
        let share = requests / clients + usize::from(client < requests % clients);
        running.spawn(async move {
            let mut waited = Vec::with_capacity(share);
            for _ in 0..share {
                waited.push(load.ask().await?);
            }
            Ok::<_, String>(waited)
        });
    }
    let mut waited = Vec::with_capacity(requests);
    while let Some(client) = running.join_next().await {
        waited.extend(client??);
    }
    let seconds = began.elapsed().as_secs_f64();
    waited.sort_by(f64::total_cmp);
    let at = |hundredths: usize| {
        let place = (waited.len() * hundredths).div_ceil(100).max(1) - 1;
        waited.get(place).copied().unwrap_or(f64::NAN)
    };
    println!("{:.4} {:.4} {:.1}", at(50), at(99), waited.len() as f64 / seconds);
    Ok(())
}
