//! What a token's scopes and resource allow.

use crate::support::{App, id};
use boxwood_core::Resource;
use serde_json::json;

#[tokio::test]
async fn every_operation_asks_for_its_scope() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    let folder = app.folder("sub", "0").await;
    let preview = app.scoped("item_rename item_preview", None).await;
    let readonly = app.scoped("root_readonly", None).await;
    let ai = app.scoped("ai.readwrite", None).await;
    let upload = app.scoped("base_upload", None).await;
    for (token, method, path, allowed) in [
        (&preview, "GET", format!("/2.0/files/{file}"), true),
        (&preview, "PUT", format!("/2.0/files/{file}"), true),
        (&preview, "GET", format!("/2.0/files/{file}/content"), false),
        (&preview, "DELETE", format!("/2.0/files/{file}"), false),
        (&preview, "POST", format!("/2.0/files/{file}/copy"), false),
        (&preview, "DELETE", format!("/2.0/folders/{folder}"), false),
        (&readonly, "GET", format!("/2.0/files/{file}/content"), true),
        (&readonly, "GET", "/2.0/folders/0/items".into(), true),
        (&readonly, "PUT", format!("/2.0/files/{file}"), false),
        (&readonly, "POST", "/2.0/folders".into(), false),
        (&readonly, "OPTIONS", "/2.0/files/content".into(), false),
        (&readonly, "POST", "/2.0/files/upload_sessions".into(), false),
        (
            &readonly,
            "POST",
            format!("/2.0/files/{file}/versions/current"),
            false,
        ),
        (&readonly, "DELETE", format!("/2.0/files/{file}/trash"), false),
        (&readonly, "GET", "/2.0/users".into(), false),
        (&ai, "GET", format!("/2.0/files/{file}"), false),
        (&ai, "GET", "/2.0/folders/0".into(), false),
        (&ai, "GET", "/2.0/users/me".into(), true),
        (&upload, "GET", format!("/2.0/files/{file}/content"), false),
        (&upload, "GET", "/2.0/folders/0/items".into(), false),
    ] {
        let body = json!({"name": "a.txt", "parent": {"id": "0"}, "folder_id": "0", "file_size": 1, "file_name": "x", "id": "1"});
        let body = if method == "PUT" {
            json!({"name": "a.txt"})
        } else {
            body
        };
        let reply = app.call_as(token, method, &path).json(body).send().await;
        if allowed {
            assert!(
                reply.status.is_success() || reply.status == 302,
                "{method} {path}: {:?}",
                reply.bytes
            );
        } else {
            reply.refused(403, "insufficient_scope", "header.authorization");
        }
    }
    app.upload_as(&readonly, "b.txt", "x")
        .await
        .refused(403, "insufficient_scope", "header.authorization");
    app.upload_as(&upload, "b.txt", "x").await.uploaded();
    let shown = app
        .call_as(&preview, "GET", &format!("/2.0/files/{file}?fields=permissions"))
        .send()
        .await
        .json();
    let permissions = &shown["permissions"];
    assert_eq!(
        (&permissions["can_rename"], &permissions["can_download"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn moving_needs_more_than_renaming() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    let folder = app.folder("sub", "0").await;
    let rename = app.scoped("item_rename", None).await;
    let put = async |body| {
        app.call_as(&rename, "PUT", &format!("/2.0/files/{file}"))
            .json(body)
            .send()
            .await
    };
    assert_eq!(put(json!({"name": "b.txt"})).await.status, 200);
    for body in [
        json!({"parent": {"id": folder}}),
        json!({"shared_link": {}}),
        json!({"lock": null}),
        json!({"name": "c", "parent": {"id": folder}}),
    ] {
        put(body)
            .await
            .refused(403, "insufficient_scope", "header.authorization");
    }
}

#[tokio::test]
async fn a_resource_hides_everything_else() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    let other = id(&app.upload("b.txt", "two").await);
    let folder = app.folder("sub", "0").await;
    let narrow = app
        .scoped("item_readwrite", Some(Resource::File(file.parse().unwrap())))
        .await;
    assert_eq!(
        app.call_as(&narrow, "GET", &format!("/2.0/files/{file}"))
            .send()
            .await
            .status,
        200
    );
    for (method, path) in [
        ("GET", format!("/2.0/files/{other}")),
        ("DELETE", format!("/2.0/files/{other}")),
        ("GET", format!("/2.0/folders/{folder}")),
    ] {
        let status = app.call_as(&narrow, method, &path).send().await.status;
        assert!(status == 404 || status == 403, "{method} {path}: {status}");
    }
}
