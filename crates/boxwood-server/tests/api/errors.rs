//! What holds for every path: tokens, unknown paths, methods, unserved operations.

use crate::question;
use boxwood_test::{Reply, TestApp};
use chrono::Duration;

#[tokio::test]
async fn a_wrong_or_missing_token_is_refused() {
    let app = TestApp::start().await;
    for header in [
        None,
        Some("Bearer wrong"),
        Some("Bearer "),
        Some("Basic Ym94d29vZC1kZXY6eA=="),
        Some("boxwood-dev-token"),
    ] {
        let mut request = app.client.get(format!("{}/2.0/users/me", app.base));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let reply = Reply::of(request).await;
        reply.assert_error(401, "unauthorized");
        assert!(
            reply.header("www-authenticate").starts_with("Bearer"),
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let app = TestApp::start().await;
    let token = app.service_token().await;
    assert_eq!(
        Reply::of(app.request_as(&token, "GET", "/2.0/users/me"))
            .await
            .status,
        200
    );
    app.clock.advance(Duration::minutes(61));
    let reply = Reply::of(app.request_as(&token, "GET", "/2.0/users/me")).await;
    reply.assert_error(401, "unauthorized");
    assert!(reply.body["message"].as_str().unwrap().contains("expired"));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let app = TestApp::start().await;
    let file = app.upload("a.txt", b"x").await;
    for scope in ["item_preview", "ai.readwrite"] {
        let token = app.narrow("boxwood-dev-token", scope, None).await.access_token();
        let reply = app.post_as(&token, "/2.0/ai/ask", &question(&file)).await;
        reply.assert_refused(
            403,
            "insufficient_scope",
            "insufficient_scope",
            "header.authorization",
        );
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_unserved_operations() {
    let app = TestApp::start().await;
    for (method, path, status, code) in [
        ("GET", "/2.0/nonsense", 404, "not_found"),
        ("GET", "/favicon.ico", 404, "not_found"),
        ("GET", "/2.0/ai/ask", 405, "method_not_allowed"),
        ("PATCH", "/2.0/users/me", 405, "method_not_allowed"),
        ("DELETE", "/boxwood/usage", 405, "method_not_allowed"),
        ("DELETE", "/boxwood/nonsense", 404, "not_found"),
        ("POST", "/2.0/webhooks", 501, "not_implemented"),
        ("GET", "/2.0/webhooks", 501, "not_implemented"),
        ("POST", "/api/2.0/webhooks", 501, "not_implemented"),
    ] {
        let reply = Reply::of(app.request(method, path)).await;
        reply.assert_error(status, code);
        if status == 405 {
            assert!(!reply.header("allow").is_empty(), "{method} {path}");
        }
    }
    let reply = app.post("/2.0/webhooks", &serde_json::json!({})).await;
    assert_eq!(reply.body["context_info"]["operation"], "post_webhooks");
}

#[tokio::test]
async fn the_help_url_leads_to_the_explanation() {
    let app = TestApp::start().await;
    let reply = app.get("/2.0/nonsense").await;
    let help = reply.body["help_url"].as_str().unwrap();
    assert_eq!(help, format!("{}/docs/errors#not_found", app.base));
    assert!(
        app.get("/docs/errors")
            .await
            .text
            .contains("| `not_found` | 404 |")
    );
}
