//! `/oauth2/authorize`: consent, code, tokens, refresh.

use boxwood_test::{Reply, TestApp};
use serde_json::json;

const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// The consent page's address.
fn page(app: &TestApp, more: &str) -> String {
    format!(
        "{}/api/oauth2/authorize?response_type=code&client_id=boxwood-dev&state=s%2F1{more}",
        app.base
    )
}

/// The signed form of a page.
fn form_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form\" value=\"").expect("a form");
    rest.split_once('"').unwrap().0.to_owned()
}

/// Agrees, and answers where the browser is sent.
async fn decide(app: &TestApp, form: &str, decision: &str) -> Reply {
    let fields = [
        ("form", form),
        ("user_id", app.admin_id.as_str()),
        ("decision", decision),
    ];
    app.form("/oauth2/authorize", &fields).await
}

async fn code(app: &TestApp) -> String {
    let page = Reply::of(
        app.client
            .get(page(app, "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback")),
    )
    .await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    let reply = decide(app, &form_of(&page.text), "grant").await;
    assert_eq!(reply.status, 302, "{}", reply.text);
    let target = reply
        .header("location")
        .strip_prefix(&format!("{REDIRECT}?code="))
        .expect("a code")
        .to_owned();
    let (code, rest) = target.split_once('&').unwrap();
    assert_eq!(rest, "state=s%2F1");
    code.to_owned()
}

#[tokio::test]
async fn consent_gives_a_code_a_token_and_refreshed_tokens() {
    let app = TestApp::start().await;
    let code = code(&app).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
    ];
    let first = app.token(&fields).await;
    let token = first.access_token();
    let me = Reply::of(app.request_as(&token, "GET", "/2.0/users/me")).await;
    assert_eq!(me.body["id"], json!(app.admin_id));
    assert_eq!(
        app.token(&fields).await.body["error"],
        "invalid_grant",
        "a code is used once"
    );

    let code = self::code(&app).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
    ];
    let refresh = app.token(&fields).await.body["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let renewed = app.token(&fields).await;
    assert_eq!(
        Reply::of(app.request_as(&renewed.access_token(), "GET", "/2.0/users/me"))
            .await
            .status,
        200
    );
    assert_eq!(
        app.token(&fields).await.body["error"],
        "invalid_grant",
        "a refresh token is used once"
    );
}

#[tokio::test]
async fn a_code_lives_for_half_a_minute() {
    let app = TestApp::start().await;
    let code = code(&app).await;
    app.clock.advance(chrono::Duration::seconds(31));
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
    ];
    assert_eq!(app.token(&fields).await.body["error"], "invalid_grant");
}

#[tokio::test]
async fn denying_sends_the_browser_back_with_an_error() {
    let app = TestApp::start().await;
    let page = Reply::of(
        app.client
            .get(page(&app, "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback")),
    )
    .await;
    let reply = decide(&app, &form_of(&page.text), "deny").await;
    assert_eq!(
        reply.header("location"),
        format!("{REDIRECT}?error=access_denied&state=s%2F1")
    );
}

#[tokio::test]
async fn codes_go_to_allowed_addresses_only_and_forms_can_not_be_made_up() {
    let app = TestApp::start().await;
    for (more, name) in [
        (
            "&redirect_uri=https%3A%2F%2Fevil.example%2F",
            "query.redirect_uri",
        ),
        ("&redirect_uri=javascript%3Aalert(1)", "query.redirect_uri"),
        ("", "query.redirect_uri"),
    ] {
        let reply = Reply::of(app.client.get(page(&app, more))).await;
        reply.assert_refused(400, "bad_request", "invalid_parameter", name);
    }
    decide(&app, "made-up", "grant")
        .await
        .assert_refused(400, "bad_request", "invalid_parameter", "form");
    let foreign = app
        .client
        .get(page(&app, "&redirect_uri=http%3A%2F%2Flocalhost%2F"))
        .header("host", "rebound.example");
    Reply::of(foreign).await.assert_error(403, "forbidden");
}
