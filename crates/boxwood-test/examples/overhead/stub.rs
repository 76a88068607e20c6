//! The other side of the benchmark: an instant model in the OpenAI dialect, and the bare proxy before it.
//!
//! Each prints its address on a line and serves until it is killed.

use crate::{Outcome, load};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;
use tokio::net::TcpListener;

/// Serves the instant model: streams where the request asks for it.
pub fn serve_model() -> Outcome<()> {
    serve(Router::new().route("/v1/chat/completions", post(complete)))
}

/// All that the model looks at.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    stream: bool,
}

/// Both replies, made once: the model is instant.
static REPLIES: LazyLock<(String, String)> = LazyLock::new(replies);

async fn complete(Json(wanted): Json<Wanted>) -> Response {
    match wanted.stream {
        true => ([(CONTENT_TYPE, "text/event-stream")], REPLIES.1.as_str()).into_response(),
        false => ([(CONTENT_TYPE, "application/json")], REPLIES.0.as_str()).into_response(),
    }
}

/// The reply as one body, and as a stream.
fn replies() -> (String, String) {
    let usage = json!({"prompt_tokens": 500, "completion_tokens": 20, "total_tokens": 520});
    let about = json!({"id": "chatcmpl-1", "created": 1, "model": "stub"});
    let with = |object: &str, choices: Value, usage: Value| {
        let mut body = about.clone();
        body["object"] = object.into();
        body["choices"] = choices;
        body["usage"] = usage;
        body
    };
    let message = json!({"role": "assistant", "content": load::ANSWER});
    let choices = json!([{"index": 0, "finish_reason": "stop", "message": message}]);
    let whole = with("chat.completion", choices, usage.clone()).to_string();
    let chunk = "chat.completion.chunk";
    let delta = json!({"role": "assistant", "content": load::ANSWER});
    let chunks = [
        with(
            chunk,
            json!([{"index": 0, "finish_reason": null, "delta": delta}]),
            Value::Null,
        ),
        with(
            chunk,
            json!([{"index": 0, "finish_reason": "stop", "delta": {}}]),
            Value::Null,
        ),
        with(chunk, json!([]), usage),
    ];
    let mut events: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    events.push_str("data: [DONE]\n\n");
    (whole, events)
}

#[derive(Clone)]
struct Upstream {
    client: reqwest::Client,
    url: String,
}

/// Serves the bare proxy: a question in Box's form becomes a completion, the completion an answer in Box's form.
pub fn serve_proxy(stub: String) -> Outcome<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("http://{stub}/v1/chat/completions");
    serve(
        Router::new()
            .route("/ask", post(forward))
            .with_state(Upstream { client, url }),
    )
}

async fn forward(State(upstream): State<Upstream>, Json(question): Json<Value>) -> Response {
    let content = format!(
        "{}\n\n{}",
        load::DOCUMENT,
        question["prompt"].as_str().unwrap_or_default()
    );
    let request = json!({"model": "stub", "messages": [{"role": "user", "content": content}]});
    let sent = upstream.client.post(&upstream.url).json(&request).send();
    let reply: Result<Value, reqwest::Error> = async { sent.await?.json().await }.await;
    match reply {
        Ok(reply) => {
            let answer = &reply["choices"][0]["message"]["content"];
            Json(json!({"answer": answer, "created_at": "2026-01-01T00:00:00Z", "completion_reason": "done"}))
                .into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

fn serve(router: Router) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        // Answers are small and must not wait for more of them to come.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, router).await?)
    })
}
