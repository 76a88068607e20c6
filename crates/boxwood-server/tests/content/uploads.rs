//! Uploads in one request, and the checks before them.

use crate::support::{App, Form, id};
use serde_json::json;
use sha1::{Digest, Sha1};

const ATTRIBUTES: &str = r#"{"name": "a.txt", "parent": {"id": "0"}}"#;

#[tokio::test]
async fn every_form_that_clients_send_is_taken() {
    for (parts, path) in [
        // boxsdk: attributes first, empty file name
        (
            vec![
                ("name=\"attributes\"", ATTRIBUTES),
                ("name=\"file\"; filename=\"\"", "text"),
            ],
            "/2.0/files/content",
        ),
        // the upload host of SDKs
        (
            vec![
                ("name=\"attributes\"", ATTRIBUTES),
                ("name=\"file\"; filename=\"file\"", "text"),
            ],
            "/api/2.0/files/content",
        ),
        // the classic node SDK
        (
            vec![
                ("name=\"attributes\"", ATTRIBUTES),
                ("name=\"content\"; filename=\"unused\"", "text"),
            ],
            "/2.0/files/content",
        ),
        // the file first
        (
            vec![
                ("name=\"file\"; filename=\"x\"", "text"),
                ("name=\"attributes\"", ATTRIBUTES),
            ],
            "/2.0/files/content",
        ),
        // a number as parent, and a part that nobody knows
        (
            vec![
                ("name=\"attributes\"", r#"{"name": "a.txt", "parent": {"id": 0}}"#),
                ("name=\"folder\"", "0"),
                ("name=\"file\"; filename=\"x\"", "text"),
            ],
            "/2.0/files/content",
        ),
    ] {
        let app = App::start().await;
        let form = parts.iter().fold(Form::new(), |form, (disposition, content)| {
            form.part(disposition, content)
        });
        let file = form.send(app.call("POST", path)).await.uploaded();
        assert_eq!(
            (&file["name"], &file["size"], &file["type"]),
            (&json!("a.txt"), &json!(4), &json!("file"))
        );
        assert_eq!(file["sha1"], hex::encode(Sha1::digest("text")));
        assert_eq!(
            file["parent"],
            json!({"type": "folder", "id": "0", "sequence_id": null, "etag": null, "name": "All Files"})
        );
        assert_eq!(file["item_status"], "active");
    }
}

#[tokio::test]
async fn incomplete_forms_are_refused_by_the_missing_part() {
    let app = App::start().await;
    let file = ("name=\"file\"; filename=\"x\"", "text");
    for (parts, code, field) in [
        (vec![file], "bad_request", "attributes"),
        (vec![("name=\"attributes\"", ATTRIBUTES)], "bad_request", "file"),
        (
            vec![("name=\"attributes\"", "{}"), file],
            "bad_request",
            "attributes.parent.id",
        ),
        (
            vec![("name=\"attributes\"", r#"{"parent":{"id":"0"}}"#), file],
            "bad_request",
            "attributes.name",
        ),
        (
            vec![("name=\"attributes\"", "name"), file],
            "bad_request",
            "attributes",
        ),
        (
            vec![("name=\"attributes\"", r#"{"name":7,"parent":{"id":"0"}}"#), file],
            "bad_request",
            "attributes.name",
        ),
        (
            vec![
                ("name=\"attributes\"", r#"{"name":"a","parent":{"id":"x"}}"#),
                file,
            ],
            "bad_request",
            "attributes.parent.id",
        ),
        (
            vec![("name=\"attributes\"", ATTRIBUTES), file, file],
            "bad_request",
            "file",
        ),
        (
            vec![
                (
                    "name=\"attributes\"",
                    r#"{"name":"a","parent":{"id":"0"},"content_created_at":"soon"}"#,
                ),
                file,
            ],
            "bad_request",
            "attributes.content_created_at",
        ),
    ] {
        let form = parts.iter().fold(Form::new(), |form, (disposition, content)| {
            form.part(disposition, content)
        });
        form.send(app.call("POST", "/2.0/files/content"))
            .await
            .refused(400, code, field);
    }
    let listed = app.call("GET", "/2.0/folders/0/items").send().await.json();
    assert_eq!(listed["total_count"], 0, "nothing was kept");
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let app = App::start().await;
    let reply = app
        .call("POST", "/2.0/files/content")
        .json(json!({}))
        .send()
        .await;
    reply.refused(415, "unsupported_media_type", "header.content-type");
    let cut = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhalf";
    let call = app
        .call("POST", "/2.0/files/content")
        .header("content-type", "multipart/form-data; boundary=cut");
    call.body(cut).send().await.refused(400, "bad_request", "");
}

#[tokio::test]
async fn bad_names_are_refused() {
    let app = App::start().await;
    for (name, code) in [
        ("", "item_name_invalid"),
        ("..", "item_name_invalid"),
        ("a/b", "item_name_invalid"),
        ("a\\b", "item_name_invalid"),
        ("   ", "item_name_invalid"),
        (&"x".repeat(256), "item_name_too_long"),
    ] {
        app.upload_as(&app.token, name, "text")
            .await
            .refused(400, code, "name");
    }
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_that_shows_the_file() {
    let app = App::start().await;
    let file = app.upload("a.txt", "one").await;
    let body = app
        .upload_as(&app.token, "A.TXT", "two")
        .await
        .refused(409, "item_name_in_use", "name");
    let conflict = &body["context_info"]["conflicts"];
    assert_eq!(
        (&conflict["id"], &conflict["sha1"], &conflict["type"]),
        (&file["id"], &file["sha1"], &json!("file"))
    );
    assert_eq!(conflict["file_version"]["id"], file["file_version"]["id"]);
}

#[tokio::test]
async fn the_digest_header_is_checked() {
    let app = App::start().await;
    let form = || {
        Form::new()
            .part("name=\"attributes\"", ATTRIBUTES)
            .part("name=\"file\"; filename=\"x\"", "text")
    };
    let wrong = app
        .call("POST", "/2.0/files/content")
        .header("content-md5", &"0".repeat(40));
    form()
        .send(wrong)
        .await
        .refused(400, "bad_request", "header.content-md5");
    let right = app
        .call("POST", "/2.0/files/content")
        .header("content-md5", &hex::encode(Sha1::digest("text")));
    form().send(right).await.uploaded();
}

#[tokio::test]
async fn missing_and_foreign_parents_are_not_found() {
    let app = App::start().await;
    let (_, other) = app.other_user().await;
    let foreign = app.folder("mine", "0").await;
    for (token, parent) in [(&app.token, "999999999999"), (&other, foreign.as_str())] {
        let attributes = json!({"name": "a.txt", "parent": {"id": parent}}).to_string();
        let form = Form::new()
            .part("name=\"attributes\"", &attributes)
            .part("name=\"file\"; filename=\"x\"", "text");
        form.send(app.call_as(token, "POST", "/2.0/files/content"))
            .await
            .refused(404, "not_found", "");
    }
}

#[tokio::test]
async fn preflight_says_what_the_upload_would() {
    let app = App::start().await;
    app.upload("a.txt", "one").await;
    let check = async |body| app.call("OPTIONS", "/2.0/files/content").json(body).send().await;
    let free = check(json!({"name": "b.txt", "size": 10, "parent": {"id": "0"}})).await;
    assert_eq!(free.status, 200);
    assert_eq!(
        free.json()["upload_url"],
        "https://localhost/api/2.0/files/content"
    );
    check(json!({"name": "a.txt", "parent": {"id": "0"}}))
        .await
        .refused(409, "item_name_in_use", "name");
    check(json!({"name": "b.txt", "size": -1, "parent": {"id": "0"}}))
        .await
        .refused(400, "bad_request", "size");
    check(json!({"name": "b.txt", "size": 1u64 << 60, "parent": {"id": "0"}}))
        .await
        .refused(413, "request_entity_too_large", "");
    check(json!({"name": "a/b", "parent": {"id": "0"}}))
        .await
        .refused(400, "item_name_invalid", "name");
    check(json!({})).await.refused(400, "bad_request", "name");
}

#[tokio::test]
async fn a_new_version_renames_and_obeys_the_etag() {
    let app = App::start().await;
    let file = app.upload("a.txt", "one").await;
    let path = format!("/2.0/files/{}/content", id(&file));
    let form = |attributes| {
        Form::new()
            .part("name=\"attributes\"", attributes)
            .part("name=\"file\"; filename=\"x\"", "second")
    };
    form(r#"{"name":"b.txt"}"#)
        .send(app.call("POST", &path).header("if-match", "77"))
        .await
        .refused(412, "precondition_failed", "");
    let etag = file["etag"].as_str().unwrap();
    let newer = form(r#"{"name":"b.txt"}"#)
        .send(app.call("POST", &path).header("if-match", etag))
        .await
        .uploaded();
    assert_eq!(
        (&newer["id"], &newer["name"], &newer["size"]),
        (&file["id"], &json!("b.txt"), &json!(6))
    );
    assert_ne!(newer["etag"], file["etag"]);
    let check = app
        .call("OPTIONS", &path)
        .json(json!({"name": "b.txt", "size": 3}))
        .send()
        .await;
    assert_eq!(check.json()["upload_url"], format!("https://localhost/api{path}"));
}
