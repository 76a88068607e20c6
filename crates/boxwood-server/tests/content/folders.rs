//! Folders: make, read, page, change, copy, delete, restore.

use crate::support::{App, id};
use serde_json::{Value, json};

#[tokio::test]
async fn the_root_is_there_and_can_not_be_changed() {
    let app = App::start().await;
    let root = app.call("GET", "/2.0/folders/0").send().await.json();
    assert_eq!(
        (&root["id"], &root["name"], &root["etag"], &root["parent"]),
        (&json!("0"), &json!("All Files"), &Value::Null, &Value::Null)
    );
    assert_eq!(root["item_collection"]["total_count"], 0);
    let chosen = app
        .call("GET", "/2.0/folders/0?fields=has_collaborations,tags")
        .send()
        .await
        .json();
    assert_eq!(
        chosen,
        json!({"type": "folder", "id": "0", "etag": null, "has_collaborations": false, "tags": []})
    );
    app.call("PUT", "/2.0/folders/0")
        .json(json!({"name": "x"}))
        .send()
        .await
        .refused(400, "bad_request", "");
    app.call("DELETE", "/2.0/folders/0?recursive=true")
        .send()
        .await
        .refused(400, "bad_request", "");
}

#[tokio::test]
async fn folders_are_made_and_refused() {
    let app = App::start().await;
    let make = async |body| app.call("POST", "/2.0/folders").json(body).send().await;
    let made = make(json!({"name": "sub", "parent": {"id": "0"}})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["item_collection"]["entries"], json!([]));
    let body =
        make(json!({"name": "SUB", "parent": {"id": "0"}}))
            .await
            .refused(409, "item_name_in_use", "name");
    assert_eq!(
        body["context_info"]["conflicts"][0]["id"],
        made.json()["id"],
        "a list, as Box gives for folders"
    );
    make(json!({"name": "x"}))
        .await
        .refused(400, "bad_request", "parent");
    make(json!({"parent": {"id": "0"}}))
        .await
        .refused(400, "bad_request", "name");
    make(json!({"name": "a/b", "parent": {"id": "0"}}))
        .await
        .refused(400, "item_name_invalid", "name");
    make(json!({"name": "x", "parent": {"id": "999999999999"}}))
        .await
        .refused(404, "not_found", "");
    make(json!([])).await.refused(400, "bad_request", "");
}

#[tokio::test]
async fn pages_by_marker_show_every_item_once() {
    let app = App::start().await;
    let folder = app.folder("sub", "0").await;
    for name in ["one", "two"] {
        app.folder(name, &folder).await;
    }
    for name in ["c.txt", "a.txt", "b.txt"] {
        let file = id(&app.upload(name, "x").await);
        app.call("PUT", &format!("/2.0/files/{file}"))
            .json(json!({"parent": {"id": folder}}))
            .send()
            .await;
    }
    let mut names = Vec::new();
    let mut marker = String::new();
    loop {
        let path = format!("/2.0/folders/{folder}/items?usemarker=True&limit=2&marker={marker}&fields=name");
        let page = app.call("GET", &path).send().await.json();
        assert!(page.get("total_count").is_none() && page.get("offset").is_none());
        names.extend(
            page["entries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["name"].as_str().unwrap().to_owned()),
        );
        marker = page["next_marker"].as_str().unwrap().to_owned();
        if marker.is_empty() {
            break;
        }
        // An item that comes in before the marker's place is not shown, and moves nothing.
        app.folder(&format!("a{}", names.len()), &folder).await;
    }
    assert_eq!(names, ["one", "two", "a.txt", "b.txt", "c.txt"]);
}

#[tokio::test]
async fn pages_by_offset_sort_as_asked() {
    let app = App::start().await;
    for name in ["a.txt", "b.txt", "c.txt"] {
        app.upload(name, name).await;
    }
    let page = app
        .call(
            "GET",
            "/2.0/folders/0/items?offset=1&limit=5000&sort=name&direction=DESC",
        )
        .send()
        .await
        .json();
    assert_eq!(
        (&page["total_count"], &page["offset"], &page["limit"]),
        (&json!(3), &json!(1), &json!(1000))
    );
    assert_eq!(page["order"][1], json!({"by": "name", "direction": "DESC"}));
    let entry = &page["entries"][0];
    assert_eq!(entry["name"], "b.txt");
    assert!(
        entry.get("file_version").is_some() && entry.get("size").is_none(),
        "the short form"
    );
    for (query, field) in [
        ("limit=0", "query.limit"),
        ("limit=x", "query.limit"),
        ("offset=300001", "query.offset"),
        ("sort=colour", "query.sort"),
        ("direction=up", "query.direction"),
        ("usemarker=maybe", "query.usemarker"),
    ] {
        app.call("GET", &format!("/2.0/folders/0/items?{query}"))
            .send()
            .await
            .refused(400, "bad_request", field);
    }
    app.call("GET", "/2.0/folders/0/items?usemarker=true&marker=nonsense")
        .send()
        .await
        .refused(400, "bad_request", "marker");
}

#[tokio::test]
async fn folders_move_but_never_into_themselves() {
    let app = App::start().await;
    let outer = app.folder("outer", "0").await;
    let inner = app.folder("inner", &outer).await;
    let put = async |folder: &str, body| {
        app.call("PUT", &format!("/2.0/folders/{folder}"))
            .json(body)
            .send()
            .await
    };
    put(&outer, json!({"parent": {"id": inner}}))
        .await
        .refused(400, "bad_request", "");
    let moved = put(
        &inner,
        json!({"parent": {"id": "0"}, "name": "free", "description": "d"}),
    )
    .await
    .json();
    assert_eq!(
        (&moved["parent"]["id"], &moved["name"], &moved["description"]),
        (&json!("0"), &json!("free"), &json!("d"))
    );
    put(&inner, json!({"name": "outer"}))
        .await
        .refused(409, "item_name_in_use", "name");
    put(&inner, json!({"folder_upload_email": {"access": "open"}}))
        .await
        .refused(400, "bad_request", "folder_upload_email");
    let call = app
        .call("PUT", &format!("/2.0/folders/{inner}"))
        .header("if-match", "99")
        .json(json!({"name": "y"}));
    call.send().await.refused(412, "precondition_failed", "");
}

#[tokio::test]
async fn copies_hold_everything_below() {
    let app = App::start().await;
    let outer = app.folder("outer", "0").await;
    app.folder("inner", &outer).await;
    let path = format!("/2.0/folders/{outer}/copy");
    app.call("POST", &path)
        .json(json!({"parent": {"id": "0"}}))
        .send()
        .await
        .refused(409, "item_name_in_use", "name");
    let copy = app
        .call("POST", &path)
        .json(json!({"parent": {"id": "0"}, "name": "copy"}))
        .send()
        .await;
    assert_eq!(copy.status, 201);
    assert_eq!(copy.json()["item_collection"]["entries"][0]["name"], "inner");
}

#[tokio::test]
async fn a_full_folder_is_deleted_only_when_asked() {
    let app = App::start().await;
    let outer = app.folder("outer", "0").await;
    let inner = app.folder("inner", &outer).await;
    let path = format!("/2.0/folders/{outer}");
    app.call("DELETE", &path)
        .send()
        .await
        .refused(400, "folder_not_empty", "");
    app.call("DELETE", &format!("{path}?recursive=maybe"))
        .send()
        .await
        .refused(400, "bad_request", "query.recursive");
    assert_eq!(
        app.call("DELETE", &format!("{path}?recursive=True"))
            .send()
            .await
            .status,
        204
    );
    for folder in [&outer, &inner] {
        app.call("GET", &format!("/2.0/folders/{folder}"))
            .send()
            .await
            .refused(404, "trashed", "");
    }
    assert_eq!(
        app.call("GET", &format!("{path}/trash")).send().await.json()["item_status"],
        "trashed"
    );
    assert_eq!(app.call("POST", &path).body("null").send().await.status, 201);
    assert_eq!(
        app.call("GET", &format!("/2.0/folders/{inner}"))
            .send()
            .await
            .status,
        200
    );
    app.call("DELETE", &format!("{path}?recursive=true")).send().await;
    assert_eq!(
        app.call("DELETE", &format!("{path}/trash")).send().await.status,
        204
    );
    app.call("GET", &format!("/2.0/folders/{inner}"))
        .send()
        .await
        .refused(404, "not_found", "");
}

#[tokio::test]
async fn foreign_folders_are_not_found() {
    let app = App::start().await;
    let folder = app.folder("mine", "0").await;
    let (_, other) = app.other_user().await;
    for (method, path) in [
        ("GET", format!("/2.0/folders/{folder}")),
        ("GET", format!("/2.0/folders/{folder}/items")),
        ("PUT", format!("/2.0/folders/{folder}")),
        ("DELETE", format!("/2.0/folders/{folder}")),
        ("GET", format!("/2.0/folders/{folder}/trash")),
    ] {
        app.call_as(&other, method, &path)
            .json(json!({}))
            .send()
            .await
            .refused(404, "not_found", "");
    }
    let own = app
        .call_as(&other, "GET", "/2.0/folders/0/items")
        .send()
        .await
        .json();
    assert_eq!(own["total_count"], 0);
}
