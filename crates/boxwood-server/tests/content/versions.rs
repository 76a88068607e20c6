//! Versions: list, read, promote, delete, restore.

use crate::support::{App, Form, id};
use serde_json::{Value, json};

async fn two_versions(app: &App) -> (String, Value) {
    let file = id(&app.upload("old.txt", "first").await);
    let form = Form::new()
        .part("name=\"attributes\"", r#"{"name":"new.txt"}"#)
        .part("name=\"file\"; filename=\"x\"", "second one");
    form.send(app.call("POST", &format!("/2.0/files/{file}/content")))
        .await
        .uploaded();
    let past = app
        .call("GET", &format!("/2.0/files/{file}/versions"))
        .send()
        .await
        .json();
    assert_eq!(past["total_count"], 1, "the current version is not listed");
    (file, past["entries"][0].clone())
}

#[tokio::test]
async fn an_earlier_version_becomes_current_again() {
    let app = App::start().await;
    let (file, version) = two_versions(&app).await;
    assert_eq!(
        (&version["name"], &version["size"], &version["version_number"]),
        (&json!("old.txt"), &json!(5), &json!("1"))
    );
    let current = format!("/2.0/files/{file}/versions/current");
    app.call("POST", &current)
        .json(json!({"type": "file_version"}))
        .send()
        .await
        .refused(400, "bad_request", "id");
    app.call("POST", &current)
        .json(json!({"id": version["id"], "type": "file"}))
        .send()
        .await
        .refused(400, "bad_request", "type");
    app.call("POST", &current)
        .json(json!({"id": "999999999999"}))
        .send()
        .await
        .refused(404, "not_found", "");
    let promoted = app
        .call("POST", &current)
        .json(json!({"id": version["id"], "type": "file_version"}))
        .send()
        .await;
    assert_eq!(promoted.status, 201);
    assert_ne!(promoted.json()["id"], version["id"]);
    let shown = app.call("GET", &format!("/2.0/files/{file}")).send().await.json();
    assert_eq!((&shown["name"], &shown["size"]), (&json!("old.txt"), &json!(5)));
    let past = app
        .call("GET", &format!("/2.0/files/{file}/versions?limit=1&offset=1"))
        .send()
        .await
        .json();
    assert_eq!(
        (&past["total_count"], past["entries"].as_array().unwrap().len()),
        (&json!(2), 1)
    );
}

#[tokio::test]
async fn a_version_is_deleted_and_restored() {
    let app = App::start().await;
    let (file, version) = two_versions(&app).await;
    let path = format!("/2.0/files/{file}/versions/{}", id(&version));
    assert_eq!(app.call("DELETE", &path).send().await.status, 204);
    let fields = format!("{path}?fields=trashed_at,trashed_by,restored_at,restored_by");
    let deleted = app.call("GET", &fields).send().await.json();
    assert!(
        deleted["trashed_at"].is_string()
            && deleted["trashed_by"].is_object()
            && deleted["restored_at"].is_null()
    );
    app.call("PUT", &path)
        .json(json!({}))
        .send()
        .await
        .refused(400, "bad_request", "trashed_at");
    app.call("PUT", &path)
        .json(json!({"trashed_at": "2026-01-01T00:00:00Z"}))
        .send()
        .await
        .refused(400, "bad_request", "trashed_at");
    assert_eq!(
        app.call("PUT", &path)
            .json(json!({"trashed_at": null}))
            .send()
            .await
            .status,
        200
    );
    let restored = app.call("GET", &fields).send().await.json();
    assert!(
        restored["trashed_at"].is_null()
            && restored["restored_at"].is_string()
            && restored["restored_by"].is_object()
    );
}

#[tokio::test]
async fn the_current_version_can_not_be_deleted() {
    let app = App::start().await;
    let file = app.upload("a.txt", "one").await;
    let path = format!("/2.0/files/{}/versions/{}", id(&file), id(&file["file_version"]));
    app.call("DELETE", &path)
        .send()
        .await
        .refused(400, "bad_request", "");
    let (_, other) = app.other_user().await;
    app.call_as(&other, "GET", &path)
        .send()
        .await
        .refused(404, "not_found", "");
    app.call("GET", &format!("/2.0/files/{}/versions/1", id(&file)))
        .send()
        .await
        .refused(404, "not_found", "");
}
