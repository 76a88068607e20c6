//! Narrowing tokens: fewer scopes, one item.

use crate::question;
use boxwood_test::tokens::{ACCESS_TOKEN, EXCHANGE};
use boxwood_test::{Reply, TestApp};
use serde_json::json;

const ADMIN: &str = "boxwood-dev-token";

#[tokio::test]
async fn a_narrowed_token_reaches_its_file_only() {
    let app = TestApp::start().await;
    let (mine, other) = (
        app.upload("mine.txt", b"x").await,
        app.upload("other.txt", b"x").await,
    );
    let resource = format!("https://api.box.com/2.0/files/{mine}");
    let reply = app
        .narrow(ADMIN, "ai.readwrite item_preview", Some(&resource))
        .await;
    assert_eq!(reply.body["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(
        reply.body["restricted_to"],
        json!([
            {"scope": "ai.readwrite", "object": {"type": "file", "id": mine}},
            {"scope": "item_preview", "object": {"type": "file", "id": mine}},
        ])
    );
    let token = reply.access_token();
    assert_eq!(
        app.post_as(&token, "/2.0/ai/ask", &question(&mine)).await.status,
        200
    );
    let refused = app.post_as(&token, "/2.0/ai/ask", &question(&other)).await;
    refused.assert_refused(404, "not_found", "not_found", "items[0].id");
}

#[tokio::test]
async fn scopes_are_enforced() {
    let app = TestApp::start().await;
    let file = app.upload("mine.txt", b"x").await;
    let path = format!("/2.0/files/{file}");
    let token = app
        .narrow(ADMIN, "item_rename item_preview", None)
        .await
        .access_token();
    let rename = app
        .request_as(&token, "PUT", &path)
        .body(json!({"name": "renamed.txt"}).to_string());
    assert_eq!(Reply::of(rename).await.status, 200);
    Reply::of(app.request_as(&token, "DELETE", &path))
        .await
        .assert_error(403, "insufficient_scope");
}

#[tokio::test]
async fn narrowing_never_widens_also_in_two_steps() {
    let app = TestApp::start().await;
    let (mine, other) = (
        app.upload("mine.txt", b"x").await,
        app.upload("other.txt", b"x").await,
    );
    let resource = format!("{}/2.0/files/{mine}", app.base);
    let token = app
        .narrow(ADMIN, "item_preview", Some(&resource))
        .await
        .access_token();
    for (scope, resource, error) in [
        ("item_download", None, "invalid_scope"),
        ("root_readwrite", None, "invalid_scope"),
        (
            "item_preview",
            Some(format!("{}/2.0/files/{other}", app.base)),
            "invalid_resource",
        ),
        (
            "item_preview",
            Some(format!("{}/2.0/folders/0", app.base)),
            "invalid_resource",
        ),
    ] {
        let reply = app.narrow(&token, scope, resource.as_deref()).await;
        assert_eq!(
            (reply.status, &reply.body["error"]),
            (400, &json!(error)),
            "{scope} {resource:?}: {}",
            reply.text
        );
    }
    let again = app.narrow(&token, "item_preview", None).await;
    assert_eq!(
        again.body["restricted_to"][0]["object"]["id"],
        json!(mine),
        "the item is kept: {}",
        again.text
    );
}

#[tokio::test]
async fn bad_exchanges_are_refused() {
    let app = TestApp::start().await;
    for (scope, resource, error) in [
        ("nonsense", None, "invalid_scope"),
        ("", None, "invalid_scope"),
        (
            "item_preview",
            Some("https://api.box.com/2.0/files/999999"),
            "invalid_resource",
        ),
        ("item_preview", Some("not an address"), "invalid_resource"),
    ] {
        let reply = app.narrow(ADMIN, scope, resource).await;
        assert_eq!(
            (reply.status, &reply.body["error"]),
            (400, &json!(error)),
            "{scope}: {}",
            reply.text
        );
    }
    let reply = app.narrow("not-a-token", "item_preview", None).await;
    assert_eq!(reply.body["error"], "invalid_grant");
    let fields = [
        ("grant_type", EXCHANGE),
        ("subject_token", ADMIN),
        ("scope", "item_preview"),
    ];
    assert_eq!(
        app.form("/oauth2/token", &fields).await.body["error"],
        "invalid_request"
    );
}
