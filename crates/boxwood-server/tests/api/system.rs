//! Health, readiness, metrics, description.

use crate::question;
use boxwood_test::TestApp;

#[tokio::test]
async fn health_and_readiness() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/health").await.body["status"], "ok");
    let ready = app.get("/ready").await;
    assert_eq!(
        (ready.status, &ready.body["ready"]),
        (200, &true.into()),
        "{}",
        ready.text
    );
    app.store.close().await;
    let ready = app.get("/ready").await;
    assert_eq!(
        (ready.status, &ready.body["store"]["ready"]),
        (503, &false.into()),
        "{}",
        ready.text
    );
}

#[tokio::test]
async fn metrics_count_by_route_and_not_by_what_clients_send() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.post("/2.0/ai/ask", &question(&file)).await;
    app.get("/2.0/secret-looking-path").await;
    let text = app.get("/metrics").await.text;
    for line in [
        "boxwood_http_requests_total{method=\"POST\",route=\"/2.0/ai/ask\",status=\"200\"} 1",
        "boxwood_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "boxwood_questions_total{name=\"started\"} 1",
        "boxwood_questions_total{name=\"answered\"} 1",
        "boxwood_questions_running 0",
        "boxwood_answer_duration_seconds_count{name=\"total\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("secret-looking-path"));
}

#[tokio::test]
async fn the_description_tells_this_servers_address_and_operations() {
    let app = TestApp::start().await;
    let description = app.get("/openapi.json").await.body;
    assert_eq!(description["servers"][0]["url"], app.base);
    assert_eq!(
        description["paths"]["/2.0/ai/ask"]["post"]["operationId"],
        "post_ai_ask"
    );
    assert!(description["paths"].get("/2.0/webhooks").is_none());
}
