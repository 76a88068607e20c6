//! `POST /oauth2/token` (client credentials, refresh) and `POST /oauth2/revoke`.

use boxwood_test::{Reply, TestApp};
use serde_json::json;

#[tokio::test]
async fn enterprise_and_user_tokens_act_for_different_users() {
    let app = TestApp::start().await;
    let service = app.service_token().await;
    let user = app.user_token(&app.admin_id).await;
    let me = |token: String| {
        let request = app.request_as(&token, "GET", "/2.0/users/me?fields=id,enterprise");
        Reply::of(request)
    };
    let (service, user) = (me(service).await.body, me(user).await.body);
    assert_eq!(user["id"], json!(app.admin_id));
    assert_ne!(service["id"], user["id"]);
    assert_eq!(service["enterprise"]["id"], json!(app.enterprise_id));
}

#[tokio::test]
async fn a_token_lives_for_an_hour() {
    let app = TestApp::start().await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("box_subject_type", "enterprise"),
        ("box_subject_id", &*app.enterprise_id),
    ];
    let reply = app.token(&fields).await;
    assert_eq!(
        (&reply.body["token_type"], &reply.body["expires_in"]),
        (&json!("bearer"), &json!(3_600))
    );
    assert_eq!(reply.body["restricted_to"], json!([]));
    assert!(reply.body.get("refresh_token").is_none());
}

/// The development application's request with these fields is refused with this OAuth error.
async fn check(app: &TestApp, fields: &[(&str, &str)], error: &str) {
    let reply = app.token(fields).await;
    assert_eq!(
        (reply.status, &reply.body["error"]),
        (400, &json!(error)),
        "{fields:?}: {}",
        reply.text
    );
    assert!(
        reply.body["error_description"]
            .as_str()
            .is_some_and(|words| !words.is_empty())
    );
}

#[tokio::test]
async fn bad_token_requests_are_refused_in_oauths_shape() {
    let app = TestApp::start().await;
    let credentials = ("grant_type", "client_credentials");
    let enterprise = ("box_subject_type", "enterprise");
    let id = ("box_subject_id", app.enterprise_id.as_str());
    check(&app, &[], "invalid_request").await;
    check(&app, &[("grant_type", "password")], "unsupported_grant_type").await;
    check(
        &app,
        &[credentials, enterprise, id, ("client_secret", "wrong")],
        "invalid_client",
    )
    .await;
    check(
        &app,
        &[credentials, enterprise, id, ("client_id", "nobody")],
        "invalid_client",
    )
    .await;
    check(&app, &[credentials, id], "invalid_request").await;
    check(
        &app,
        &[credentials, ("box_subject_type", "group"), id],
        "invalid_request",
    )
    .await;
    check(&app, &[credentials, enterprise], "invalid_request").await;
    check(
        &app,
        &[credentials, enterprise, ("box_subject_id", "1234567")],
        "invalid_grant",
    )
    .await;
    check(
        &app,
        &[
            credentials,
            ("box_subject_type", "user"),
            ("box_subject_id", "987654321"),
        ],
        "invalid_grant",
    )
    .await;
    check(
        &app,
        &[credentials, ("box_subject_type", "user"), ("box_subject_id", "x")],
        "invalid_grant",
    )
    .await;
    check(
        &app,
        &[("grant_type", "refresh_token"), ("refresh_token", "never-issued")],
        "invalid_grant",
    )
    .await;
    check(
        &app,
        &[("grant_type", "authorization_code"), ("code", "never-issued")],
        "invalid_grant",
    )
    .await;
    let too_large = "x".repeat(100_000);
    check(&app, &[credentials, ("padding", &too_large)], "invalid_request").await;
}

#[tokio::test]
async fn a_revoked_token_is_refused_and_revoking_twice_is_fine() {
    let app = TestApp::start().await;
    let token = app.service_token().await;
    let narrowed = app.narrow(&token, "item_preview", None).await.access_token();
    let fields = [
        ("client_id", "boxwood-dev"),
        ("client_secret", "boxwood-dev-secret"),
        ("token", token.as_str()),
    ];
    for _ in 0..2 {
        assert_eq!(app.form("/oauth2/revoke", &fields).await.status, 200);
    }
    for token in [&token, &narrowed] {
        let reply = Reply::of(app.request_as(token, "GET", "/2.0/users/me")).await;
        reply.assert_error(401, "unauthorized");
    }
}

#[tokio::test]
async fn revoking_needs_the_applications_secret() {
    let app = TestApp::start().await;
    let token = app.service_token().await;
    let fields = [
        ("client_id", "boxwood-dev"),
        ("client_secret", "wrong"),
        ("token", token.as_str()),
    ];
    let reply = app.form("/oauth2/revoke", &fields).await;
    assert_eq!(
        (reply.status, &reply.body["error"]),
        (400, &json!("invalid_client"))
    );
    assert_eq!(
        Reply::of(app.request_as(&token, "GET", "/2.0/users/me"))
            .await
            .status,
        200
    );
}
