//! One file: read, change, copy, delete, restore.

use crate::support::{App, id};
use serde_json::{Value, json};

#[tokio::test]
async fn fields_choose_what_is_shown() {
    let app = App::start().await;
    let file = app.upload("a.md", "one").await;
    let path = format!("/2.0/files/{}", id(&file));
    let standard = app.call("GET", &path).send().await.json();
    assert!(standard.get("extension").is_none() && standard.get("path_collection").is_some());
    assert_eq!(standard["path_collection"]["entries"][0]["name"], "All Files");
    assert_eq!(standard["owned_by"]["login"], "ada@example.com");
    let chosen = app
        .call(
            "GET",
            &format!("{path}?fields=name%2Cextension,has_collaborations,nonsense"),
        )
        .send()
        .await;
    assert_eq!(
        chosen.json(),
        json!({"type": "file", "id": file["id"], "etag": "0", "name": "a.md", "extension": "md", "has_collaborations": false})
    );
}

#[tokio::test]
async fn a_known_etag_is_not_sent_again() {
    let app = App::start().await;
    let file = app.upload("a.txt", "one").await;
    let path = format!("/2.0/files/{}", id(&file));
    for (etag, status) in [("0", 304), ("\"0\"", 304), ("1", 200)] {
        assert_eq!(
            app.call("GET", &path)
                .header("if-none-match", etag)
                .send()
                .await
                .status,
            status,
            "{etag}"
        );
    }
}

#[tokio::test]
async fn missing_foreign_and_impossible_files_are_not_found_alike() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    let (_, other) = app.other_user().await;
    for (method, path) in [
        ("GET", format!("/2.0/files/{file}")),
        ("PUT", format!("/2.0/files/{file}")),
        ("DELETE", format!("/2.0/files/{file}")),
        ("GET", format!("/2.0/files/{file}/content")),
        ("GET", format!("/2.0/files/{file}/versions")),
        ("GET", format!("/2.0/files/{file}/thumbnail.png")),
        ("POST", format!("/2.0/files/{file}")),
        ("DELETE", format!("/2.0/files/{file}/trash")),
    ] {
        let foreign = app
            .call_as(&other, method, &path)
            .json(json!({}))
            .send()
            .await
            .refused(404, "not_found", "");
        let missing = path.replace(&file, "999999999999");
        let missing = app
            .call(method, &missing)
            .json(json!({}))
            .send()
            .await
            .refused(404, "not_found", "");
        let words = |body: Value, id: &str| body["message"].as_str().unwrap().replace(id, "ID");
        assert_eq!(
            words(foreign, &file),
            words(missing, "999999999999"),
            "{method} {path}"
        );
    }
    app.call("GET", "/2.0/files/x")
        .send()
        .await
        .refused(404, "not_found", "");
}

#[tokio::test]
async fn without_a_token_nothing_is_told() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    for path in [
        format!("/2.0/files/{file}"),
        format!("/2.0/files/{file}/content"),
        "/2.0/users/me".to_owned(),
    ] {
        app.call_without_token("GET", &path)
            .send()
            .await
            .refused(401, "unauthorized", "");
        app.call_as("wrong", "GET", &path)
            .send()
            .await
            .refused(401, "unauthorized", "");
    }
    app.clock.advance(chrono::Duration::hours(2));
    app.call("GET", "/2.0/users/me")
        .send()
        .await
        .refused(401, "unauthorized", "");
}

#[tokio::test]
async fn changes_are_made_and_bad_ones_refused_by_field() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    app.upload("taken.txt", "two").await;
    let folder = app.folder("sub", "0").await;
    let path = format!("/2.0/files/{file}");
    let put = async |body| app.call("PUT", &path).json(body).send().await;
    let changed = put(json!({"name": "b.txt", "description": "d", "tags": ["x"], "parent": {"id": folder}}))
        .await
        .json();
    assert_eq!(
        (
            &changed["name"],
            &changed["description"],
            &changed["parent"]["id"]
        ),
        (&json!("b.txt"), &json!("d"), &json!(folder))
    );
    put(json!({"name": "a/b"}))
        .await
        .refused(400, "item_name_invalid", "name");
    put(json!({"name": 7})).await.refused(400, "bad_request", "name");
    put(json!({"description": "x".repeat(257)}))
        .await
        .refused(400, "bad_request", "description");
    put(json!({"tags": ["a", 1]}))
        .await
        .refused(400, "bad_request", "tags[1]");
    put(json!({"collections": []}))
        .await
        .refused(400, "bad_request", "collections");
    put(json!({"parent": {"id": "999999999999"}}))
        .await
        .refused(404, "not_found", "");
    put(json!({"name": "taken.txt", "parent": {"id": "0"}}))
        .await
        .refused(409, "item_name_in_use", "name");
    let call = app
        .call("PUT", &path)
        .header("if-match", "99")
        .json(json!({"name": "c.txt"}));
    call.send().await.refused(412, "precondition_failed", "");
    let shown = app
        .call("GET", &format!("{path}?fields=tags,name"))
        .send()
        .await
        .json();
    assert_eq!((&shown["tags"], &shown["name"]), (&json!(["x"]), &json!("b.txt")));
    app.call("PUT", &path)
        .body("{")
        .send()
        .await
        .refused(400, "bad_request", "");
}

#[tokio::test]
async fn locks_and_links_are_kept_and_open_nothing() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    let path = format!("/2.0/files/{file}?fields=lock,shared_link");
    let put = async |body| app.call("PUT", &path).json(body).send().await;
    let locked = put(json!({"lock": {"access": "lock", "expires_at": "2030-01-01T00:00:00Z"}}))
        .await
        .json();
    assert_eq!(locked["lock"]["created_by"]["login"], "ada@example.com");
    assert_eq!(locked["lock"]["expired_at"], "2030-01-01T00:00:00+00:00");
    assert_eq!(put(json!({"lock": null})).await.json()["lock"], Value::Null);
    put(json!({"lock": {"access": "open"}}))
        .await
        .refused(400, "bad_request", "lock.access");
    let linked = put(json!({"shared_link": {"access": "open"}})).await.json();
    assert_eq!(linked["shared_link"]["effective_access"], "collaborators");
    let (_, other) = app.other_user().await;
    app.call_as(&other, "GET", &format!("/2.0/files/{file}/content"))
        .send()
        .await
        .refused(404, "not_found", "");
    assert_eq!(
        put(json!({"shared_link": null})).await.json()["shared_link"],
        Value::Null
    );
}

#[tokio::test]
async fn a_file_goes_to_the_trash_and_comes_back() {
    let app = App::start().await;
    let file = app.upload("a.txt", "one").await;
    let path = format!("/2.0/files/{}", id(&file));
    app.call("DELETE", &path)
        .header("if-match", "99")
        .send()
        .await
        .refused(412, "precondition_failed", "");
    let deleted = app.call("DELETE", &path).header("if-match", "0").send().await;
    assert_eq!((deleted.status.as_u16(), deleted.bytes.len()), (204, 0));

    let shown = app.call("GET", &path).send().await.json();
    assert_eq!(
        (&shown["item_status"], &shown["parent"]["name"]),
        (&json!("trashed"), &json!("Trash"))
    );
    let trashed = app.call("GET", &format!("{path}/trash")).send().await.json();
    assert_eq!(trashed["id"], file["id"]);
    assert!(trashed["trashed_at"].is_string());
    for (method, path) in [
        ("PUT", path.clone()),
        ("DELETE", path.clone()),
        ("GET", format!("{path}/content")),
        ("GET", format!("{path}/versions")),
    ] {
        app.call(method, &path)
            .json(json!({}))
            .send()
            .await
            .refused(404, "trashed", "");
    }
    let listed = app.call("GET", "/2.0/folders/trash/items").send().await.json();
    assert_eq!(listed["entries"][0]["id"], file["id"]);

    let other = app.upload("a.txt", "two").await;
    app.call("POST", &path)
        .send()
        .await
        .refused(409, "item_name_in_use", "name");
    let restored = app
        .call("POST", &path)
        .json(json!({"name": "b.txt"}))
        .send()
        .await;
    assert_eq!(
        (restored.status.as_u16(), &restored.json()["name"]),
        (201, &json!("b.txt"))
    );
    assert_eq!(
        app.call("GET", &path).send().await.json()["item_status"],
        "active"
    );
    app.call("GET", &format!("{path}/trash"))
        .send()
        .await
        .refused(404, "not_found", "");

    app.call("DELETE", &format!("/2.0/files/{}/trash", id(&other)))
        .send()
        .await
        .refused(404, "not_found", "");
    app.call("DELETE", &path).send().await;
    assert_eq!(
        app.call("DELETE", &format!("{path}/trash")).send().await.status,
        204
    );
    app.call("GET", &path).send().await.refused(404, "not_found", "");
}

#[tokio::test]
async fn copies_share_nothing_but_content() {
    let app = App::start().await;
    let file = app.upload("a.txt", "one").await;
    let path = format!("/2.0/files/{}/copy", id(&file));
    let copy = async |body| app.call("POST", &path).json(body).send().await;
    copy(json!({"parent": {"id": "0"}}))
        .await
        .refused(409, "item_name_in_use", "name");
    copy(json!({})).await.refused(400, "bad_request", "parent");
    copy(json!({"parent": {"id": "0"}, "name": "b.txt", "version": "999999999999"}))
        .await
        .refused(404, "not_found", "");
    let made = copy(json!({"parent": {"id": "0"}, "name": "b.txt"})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["sha1"], file["sha1"]);
    assert_ne!(made.json()["id"], file["id"]);
}

#[tokio::test]
async fn thumbnails_are_placeholders_with_absolute_addresses() {
    let app = App::start().await;
    let file = id(&app.upload("a.png", "no picture").await);
    for (extension, media) in [("png", "image/png"), ("jpg", "image/jpeg")] {
        let reply = app
            .call(
                "GET",
                &format!("/2.0/files/{file}/thumbnail.{extension}?min_height=32"),
            )
            .send()
            .await;
        assert_eq!(reply.status, 302);
        let location = reply.headers["location"].to_str().unwrap();
        let picture = app
            .call_without_token("GET", location.strip_prefix("https://localhost").unwrap())
            .send()
            .await;
        assert_eq!(
            (picture.status.as_u16(), &picture.headers["content-type"]),
            (200, &media.parse().unwrap())
        );
    }
}
