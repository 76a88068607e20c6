//! Search: Box's parameters, and every refusal.

use crate::support::{App, Reply, id};
use boxwood_core::ContentHash;
use boxwood_store::{FileStore, SearchStore};
use serde_json::{Value, json};

async fn search(app: &App, query: &str) -> Reply {
    app.call("GET", &format!("/2.0/search?{query}")).send().await
}

fn names(body: &Value) -> Vec<&str> {
    let entries = body["entries"].as_array().unwrap();
    entries.iter().filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test]
async fn items_are_found_by_name_and_text() {
    let app = App::start().await;
    let folder = app.folder("Plans", "0").await;
    let file = id(&app.upload("notes.txt", "x").await);
    let stored = app
        .store
        .file(&app.principal(), &file.parse().unwrap())
        .await
        .unwrap();
    let hash: ContentHash = stored.version.content_hash;
    app.store
        .index_text(&hash, 1, "our plans for the summer")
        .await
        .unwrap();
    let body = search(&app, "query=plans").await.json();
    assert_eq!(body["type"], "search_results_items");
    assert_eq!(
        (&body["total_count"], &body["limit"], &body["offset"]),
        (&json!(2), &json!(30), &json!(0))
    );
    assert_eq!(names(&body), ["Plans", "notes.txt"]);
    assert_eq!(
        body["entries"][1]["path_collection"]["total_count"], 1,
        "the standard form"
    );
    let only = search(&app, "query=plans&type=file&fields=size").await.json();
    assert_eq!(
        only["entries"],
        json!([{"type": "file", "id": file, "etag": "0", "size": 1}])
    );
    let linked = search(&app, "query=plans&type=folder&include_recent_shared_links=true")
        .await
        .json();
    assert_eq!(linked["type"], "search_results_with_shared_links");
    assert_eq!(
        (&linked["entries"][0]["type"], &linked["entries"][0]["item"]["id"]),
        (&json!("search_result"), &json!(folder))
    );
    let page = search(&app, "query=plans&limit=1&offset=1").await.json();
    assert_eq!(
        (&page["total_count"], names(&page)),
        (&json!(2), vec!["notes.txt"])
    );
    assert_eq!(
        search(&app, "query=plans&type=web_link").await.json()["total_count"],
        0
    );
    let inside = format!("query=plans&ancestor_folder_ids={folder}");
    assert_eq!(search(&app, &inside).await.json()["total_count"], 0);
    let names_only = search(&app, "query=plans&content_types=name,comments")
        .await
        .json();
    assert_eq!(names(&names_only), ["Plans"]);
    let (_, token) = app.other_user().await;
    let others = app
        .call_as(&token, "GET", "/2.0/search?query=plans")
        .send()
        .await
        .json();
    assert_eq!(
        (&others["total_count"], &others["entries"]),
        (&json!(0), &json!([]))
    );
    let trashed = format!("/2.0/files/{file}");
    app.call("DELETE", &trashed).send().await;
    assert_eq!(
        names(&search(&app, "query=notes").await.json()),
        Vec::<&str>::new()
    );
    let trash = search(&app, "query=notes&trash_content=trashed_only")
        .await
        .json();
    assert_eq!(
        (names(&trash), &trash["entries"][0]["item_status"]),
        (vec!["notes.txt"], &json!("trashed"))
    );
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let app = App::start().await;
    for (query, name) in [
        ("", "query.query"),
        ("query=", "query.query"),
        ("query=a&offset=10001", "query.offset"),
        ("query=a&limit=0", "query.limit"),
        ("query=a&type=mail", "query.type"),
        ("query=a&sort=name", "query.sort"),
        ("query=a&direction=UP", "query.direction"),
        ("query=a&trash_content=maybe", "query.trash_content"),
        ("query=a&content_types=name,body", "query.content_types"),
        ("query=a&created_at_range=today,", "query.created_at_range"),
        (
            "query=a&updated_at_range=2026-01-01T00:00:00Z",
            "query.updated_at_range",
        ),
        ("query=a&size_range=1,-5", "query.size_range"),
        ("query=a&owner_user_ids=me", "query.owner_user_ids"),
        (
            "query=a&include_recent_shared_links=perhaps",
            "query.include_recent_shared_links",
        ),
    ] {
        search(&app, query).await.refused(400, "bad_request", name);
    }
    search(&app, "query=a&scope=enterprise_content")
        .await
        .refused(403, "forbidden", "query.scope");
    search(&app, "query=a&ancestor_folder_ids=999999999999")
        .await
        .refused(404, "not_found", "");
    let capped = search(&app, "query=a&limit=5000").await.json();
    assert_eq!(capped["limit"], 200);
}

#[tokio::test]
async fn items_are_found_by_their_metadata() {
    let app = App::start().await;
    let template = json!({"scope": "enterprise", "displayName": "deal", "templateKey": "deal", "fields": [
        {"type": "float", "key": "amount", "displayName": "Amount"},
        {"type": "enum", "key": "state", "displayName": "State", "options": [{"key": "open"}, {"key": "won"}]},
    ]});
    app.call("POST", "/2.0/metadata_templates/schema")
        .json(template)
        .send()
        .await;
    for (name, amount) in [("small deal.txt", 10), ("large deal.txt", 100)] {
        let file = id(&app.upload(name, name).await);
        let path = format!("/2.0/files/{file}/metadata/enterprise/deal");
        let made = app
            .call("POST", &path)
            .json(json!({"amount": amount, "state": "won"}))
            .send()
            .await;
        assert_eq!(made.status, 201, "{:?}", made.bytes);
    }
    app.upload("other deal.txt", "x").await;
    let with = |fields: Value, more: &str| {
        let filter = json!([{"scope": "enterprise", "templateKey": "deal", "filters": fields}]).to_string();
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        format!("mdfilters={encoded}{more}")
    };
    for (query, found) in [
        (with(json!({"state": "won"}), "&sort=modified_at"), 2),
        (with(json!({"amount": {"gt": 50}}), ""), 1),
        (with(json!({"amount": {"gt": 50, "lt": 60}}), ""), 0),
        (with(json!({"state": ["open", "won"]}), "&query=large"), 1),
        (with(json!({"state": "won"}), "&query=other"), 0),
    ] {
        assert_eq!(search(&app, &query).await.json()["total_count"], found, "{query}");
    }
    let (_, token) = app.other_user().await;
    let path = format!("/2.0/search?{}", with(json!({"state": "won"}), ""));
    let others = app.call_as(&token, "GET", &path).send().await.json();
    assert_eq!(others["total_count"], 0);
    search(&app, &with(json!({"colour": "red"}), "")).await.refused(
        400,
        "bad_request",
        "query.mdfilters[0].filters.colour",
    );
    search(&app, "mdfilters=nonsense")
        .await
        .refused(400, "bad_request", "query.mdfilters");
}
