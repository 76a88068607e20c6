//! `POST /2.0/ai/ask` with `Accept: text/event-stream`.

use crate::question;
use boxwood_test::{Reply, Script, TestApp};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

/// Name and data of each event.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text
        .split("\n\n")
        .filter(|block| !block.is_empty() && !block.starts_with(':'));
    blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            (
                name.strip_prefix("event: ").unwrap().to_owned(),
                serde_json::from_str(data).unwrap(),
            )
        })
        .collect()
}

async fn ask(app: &TestApp, body: &Value) -> Reply {
    let request = app
        .request("POST", "/2.0/ai/ask")
        .header("accept", "text/event-stream");
    Reply::of(request.body(body.to_string())).await
}

#[tokio::test]
async fn events_end_with_the_whole_answer() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["include_citations"] = json!(true);
    let reply = ask(&app, &body).await;
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let events = events(&reply.text);
    let (name, last) = events.last().unwrap();
    assert_eq!(
        (name.as_str(), &last["answer"]),
        ("answer", &json!("The sun rises in the east."))
    );
    assert!(last["citations"].is_array());
    let draft: String = events
        .iter()
        .filter(|(name, _)| name == "delta")
        .filter_map(|(_, data)| data["text"].as_str())
        .collect();
    assert_eq!(draft.trim(), "The sun rises in the east.");
    assert_eq!(
        events
            .iter()
            .filter(|(name, _)| name == "answer" || name == "error")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_failure_on_the_way_is_an_error_event_with_the_request_id() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.next(Script::Breaks);
    let reply = ask(&app, &question(&file)).await;
    assert_eq!(reply.status, 200);
    let events = events(&reply.text);
    let (name, data) = events.last().unwrap();
    assert_eq!((name.as_str(), &data["code"]), ("error", &json!("bad_gateway")));
    assert_eq!(data["request_id"], reply.header("box-request-id"));
}

#[tokio::test]
async fn a_wrong_question_is_an_ordinary_refusal() {
    let app = TestApp::start().await;
    let reply = ask(&app, &json!({})).await;
    reply.assert_refused(400, "bad_request", "missing_parameter", "mode");
}

#[tokio::test]
async fn a_quiet_stream_has_heartbeats_and_progress() {
    let app = TestApp::builder()
        .settings(|settings| settings.heartbeat = Duration::from_millis(20))
        .start()
        .await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    let body = question(&file);
    let (reply, ()) = tokio::join!(ask(&app, &body), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        app.model.release();
    });
    assert!(
        reply.text.matches(": still working\n\n").count() >= 2,
        "{}",
        reply.text
    );
    assert!(reply.text.contains("event: progress\n"), "{}", reply.text);
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_work() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    let request = app
        .request("POST", "/2.0/ai/ask")
        .header("accept", "text/event-stream");
    let response = request.body(question(&file).to_string()).send().await.unwrap();
    let mut stream = response.bytes_stream();
    assert!(
        stream.next().await.unwrap().is_ok(),
        "something comes before the answer"
    );
    drop(stream);
    app.model.until_abandoned().await;
}
