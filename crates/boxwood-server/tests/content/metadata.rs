//! The metadata of files and folders, and queries over it.

use crate::support::{App, id};
use serde_json::{Value, json};

async fn deal(app: &App) -> String {
    let body = json!({"scope": "enterprise", "displayName": "Deal", "templateKey": "deal", "fields": [
        {"type": "string", "key": "customer", "displayName": "Customer"},
        {"type": "float", "key": "amount", "displayName": "Amount"},
        {"type": "date", "key": "signed", "displayName": "Signed"},
        {"type": "enum", "key": "state", "displayName": "State", "options": [{"key": "open"}, {"key": "won"}]},
        {"type": "multiSelect", "key": "regions", "displayName": "Regions", "options": [{"key": "east"}, {"key": "west"}]},
    ]});
    let reply = app
        .call("POST", "/2.0/metadata_templates/schema")
        .json(body)
        .send()
        .await;
    reply.json()["scope"].as_str().unwrap().to_owned()
}

async fn put_on(app: &App, path: &str, values: Value) -> Value {
    let reply = app.call("POST", path).json(values).send().await;
    assert_eq!(reply.status, 201, "{:?}", reply.bytes);
    reply.json()
}

#[tokio::test]
async fn metadata_lives_on_files_and_folders() {
    let app = App::start().await;
    let scope = deal(&app).await;
    let file = id(&app.upload("a.txt", "one").await);
    let folder = app.folder("sub", "0").await;
    for (kind, item, other_scope) in [("file", &file, "enterprise"), ("folder", &folder, scope.as_str())] {
        let all = format!("/2.0/{kind}s/{item}/metadata");
        let one = format!("{all}/{other_scope}/deal");
        assert_eq!(app.call("GET", &all).send().await.json()["entries"], json!([]));
        let made = put_on(&app, &one, json!({"customer": "Acme", "amount": 23})).await;
        assert_eq!(made["$parent"], format!("{kind}_{item}"));
        assert_eq!(
            (&made["$scope"], &made["$template"]),
            (&json!(scope), &json!("deal"))
        );
        assert_eq!((&made["$version"], &made["$typeVersion"]), (&json!(0), &json!(0)));
        assert_eq!((&made["$canEdit"], &made["amount"]), (&json!(true), &json!(23)));
        assert!(made["$type"].as_str().unwrap().starts_with("deal-"));
        assert_eq!(app.call("GET", &one).send().await.json(), made);
        assert_eq!(
            app.call("GET", &all).send().await.json()["entries"],
            json!([made])
        );
        let of = format!(
            "/2.0/metadata_templates?metadata_instance_id={}",
            made["$id"].as_str().unwrap()
        );
        let template = app.call("GET", &of).send().await.json();
        assert_eq!(template["entries"][0]["templateKey"], "deal");
        let patch = json!([
            {"op": "test", "path": "/customer", "value": "Acme"},
            {"op": "replace", "path": "/customer", "value": "Bolt"},
            {"op": "add", "path": "/regions", "value": ["east"]},
            {"op": "remove", "path": "/amount"},
        ]);
        let call = app
            .call("PUT", &one)
            .header("content-type", "application/json-patch+json");
        let changed = call.body(patch.to_string()).send().await.json();
        assert_eq!(
            (&changed["customer"], &changed["$version"]),
            (&json!("Bolt"), &json!(1))
        );
        assert_eq!(changed.get("amount"), None);
        app.call("POST", &one)
            .json(json!({}))
            .send()
            .await
            .refused(409, "tuple_already_exists", "");
        assert_eq!(app.call("DELETE", &one).send().await.status, 204);
        for method in ["GET", "DELETE"] {
            app.call(method, &one)
                .send()
                .await
                .refused(404, "instance_not_found", "");
        }
    }
}

#[tokio::test]
async fn free_keys_take_texts() {
    let app = App::start().await;
    let file = id(&app.upload("a.txt", "one").await);
    let path = format!("/2.0/files/{file}/metadata/global/properties");
    let made = put_on(&app, &path, json!({"any key": "x"})).await;
    assert_eq!(
        (&made["$scope"], &made["any key"]),
        (&json!("global"), &json!("x"))
    );
    let patch = json!([{"op": "add", "path": "/a~1b", "value": "y"}]);
    let changed = app.call("PUT", &path).json(patch).send().await.json();
    assert_eq!(changed["a/b"], "y");
    let patch = json!([{"op": "add", "path": "/n", "value": 1}]);
    app.call("PUT", &path)
        .json(patch)
        .send()
        .await
        .refused(400, "schema_validation_failed", "n");
}

#[tokio::test]
async fn wrong_metadata_is_refused() {
    let app = App::start().await;
    deal(&app).await;
    let file = id(&app.upload("a.txt", "one").await);
    let path = format!("/2.0/files/{file}/metadata/enterprise/deal");
    for (body, status, code, field) in [
        (json!([]), 400, "bad_request", ""),
        (json!({"none": "x"}), 400, "schema_validation_failed", "none"),
        (json!({"state": "lost"}), 400, "schema_validation_failed", "state"),
        (
            json!({"signed": "tomorrow"}),
            400,
            "schema_validation_failed",
            "signed",
        ),
    ] {
        app.call("POST", &path)
            .json(body)
            .send()
            .await
            .refused(status, code, field);
    }
    app.call("PUT", &path)
        .json(json!([]))
        .send()
        .await
        .refused(404, "instance_not_found", "");
    put_on(&app, &path, json!({"customer": "Acme"})).await;
    for (body, status, code, field) in [
        (json!({"op": "add"}), 400, "bad_request", ""),
        (
            json!([{"op": "drop", "path": "/a"}]),
            400,
            "bad_request",
            "[0].op",
        ),
        (
            json!([{"op": "test", "path": "/customer", "value": "Bolt"}]),
            409,
            "failed_json_patch_application",
            "[0].value",
        ),
        (
            json!([{"op": "remove", "path": "/amount"}]),
            409,
            "failed_json_patch_application",
            "[0].path",
        ),
        (
            json!([{"op": "add", "path": "/amount", "value": "x"}]),
            400,
            "schema_validation_failed",
            "amount",
        ),
    ] {
        app.call("PUT", &path)
            .json(body)
            .send()
            .await
            .refused(status, code, field);
    }
    for (path, status, code) in [
        (
            format!("/2.0/files/{file}/metadata/nonsense/deal"),
            400,
            "bad_request",
        ),
        (
            format!("/2.0/files/{file}/metadata/enterprise/none"),
            404,
            "instance_tuple_not_found",
        ),
        (
            "/2.0/files/77/metadata/enterprise/deal".to_owned(),
            404,
            "not_found",
        ),
        ("/2.0/files/77/metadata".to_owned(), 404, "not_found"),
        (
            format!("/2.0/files/{file}/metadata?view=flat"),
            400,
            "bad_request",
        ),
    ] {
        app.call("GET", &path).send().await.refused(status, code, "");
    }
    let root = "/2.0/folders/0/metadata/enterprise/deal";
    app.call("POST", root)
        .json(json!({}))
        .send()
        .await
        .refused(400, "bad_request", "");
}

#[tokio::test]
async fn metadata_asks_for_scopes_and_access() {
    let app = App::start().await;
    deal(&app).await;
    let file = id(&app.upload("a.txt", "one").await);
    let path = format!("/2.0/files/{file}/metadata/enterprise/deal");
    put_on(&app, &path, json!({"customer": "Acme"})).await;
    let (_, other) = app.other_user().await;
    app.call_as(&other, "GET", &path)
        .send()
        .await
        .refused(404, "not_found", "");
    let readonly = app.scoped("root_readonly", None).await;
    assert_eq!(app.call_as(&readonly, "GET", &path).send().await.status, 200);
    for (method, body) in [("POST", json!({})), ("PUT", json!([])), ("DELETE", json!({}))] {
        app.call_as(&readonly, method, &path)
            .json(body)
            .send()
            .await
            .refused(403, "insufficient_scope", "header.authorization");
    }
}

#[tokio::test]
async fn items_show_the_metadata_that_fields_name() {
    let app = App::start().await;
    let scope = deal(&app).await;
    let file = id(&app.upload("a.txt", "one").await);
    let path = format!("/2.0/files/{file}/metadata/enterprise/deal");
    put_on(&app, &path, json!({"customer": "Acme", "amount": 1})).await;
    let of = |fields: &str| format!("/2.0/files/{file}?fields={fields}");
    let shown = app
        .call("GET", &of("name,metadata.enterprise.deal"))
        .send()
        .await
        .json();
    assert_eq!(shown["metadata"][&scope]["deal"]["amount"], 1);
    assert_eq!(shown["name"], "a.txt");
    let fields = format!("metadata.{scope}.deal.customer,metadata.{scope}.deal.state");
    let one = app.call("GET", &of(&fields)).send().await.json();
    let deal = &one["metadata"][&scope]["deal"];
    assert_eq!(
        (&deal["customer"], deal.get("amount"), deal.get("$id")),
        (&json!("Acme"), None, None)
    );
    let none = app
        .call("GET", &of("metadata.global.properties"))
        .send()
        .await
        .json();
    assert_eq!(none["metadata"], json!({}));
    let items = format!("/2.0/folders/0/items?fields=metadata.{scope}.deal");
    let items = app.call("GET", &items).send().await.json();
    assert_eq!(
        items["entries"][0]["metadata"][&scope]["deal"]["customer"],
        "Acme"
    );
}

#[tokio::test]
async fn items_are_classified() {
    let app = App::start().await;
    let key = "securityClassification-6VMVochwUWo";
    let body = json!({"scope": "enterprise", "templateKey": key, "displayName": "Classification", "fields": [
        {"type": "enum", "key": "Box__Security__Classification__Key", "displayName": "Classification", "options": []}]});
    let reply = app
        .call("POST", "/2.0/metadata_templates/schema")
        .json(body)
        .send()
        .await;
    assert_eq!(reply.status, 201, "{:?}", reply.bytes);
    let schema = format!("/2.0/metadata_templates/enterprise/{key}/schema");
    let config = json!({"classification": {"classificationDefinition": "Keep inside", "colorID": 4}});
    let add = json!([{"op": "addEnumOption", "fieldKey": "Box__Security__Classification__Key",
        "data": {"key": "Secret", "staticConfig": config}}]);
    let changed = app.call("PUT", &schema).json(add).send().await.json();
    assert_eq!(changed["fields"][0]["options"][0]["staticConfig"], config);
    let file = id(&app.upload("a.txt", "one").await);
    let shown = async || {
        let path = format!("/2.0/files/{file}?fields=classification");
        app.call("GET", &path).send().await.json()["classification"].clone()
    };
    assert_eq!(shown().await, Value::Null);
    let path = format!("/2.0/files/{file}/metadata/enterprise/{key}");
    put_on(
        &app,
        &path,
        json!({"Box__Security__Classification__Key": "Secret"}),
    )
    .await;
    assert_eq!(
        shown().await,
        json!({"name": "Secret", "definition": "Keep inside"})
    );
}

#[tokio::test]
async fn queries_find_items_and_show_fields() {
    let app = App::start().await;
    let scope = deal(&app).await;
    let folder = app.folder("sub", "0").await;
    let file = id(&app.upload("a.txt", "one").await);
    put_on(
        &app,
        &format!("/2.0/files/{file}/metadata/enterprise/deal"),
        json!({"customer": "Acme", "amount": 3}),
    )
    .await;
    put_on(
        &app,
        &format!("/2.0/folders/{folder}/metadata/enterprise/deal"),
        json!({"amount": 1, "regions": ["east"]}),
    )
    .await;
    let run = async |body: Value| {
        app.call("POST", "/2.0/metadata_queries/execute_read")
            .json(body)
            .send()
            .await
    };
    let from = format!("{scope}.deal");
    let found = run(
        json!({"from": from, "ancestor_folder_id": "0", "query": "amount > :least",
        "query_params": {"least": 2}}),
    )
    .await
    .json();
    assert_eq!(
        found["entries"],
        json!([{"type": "file", "id": file, "etag": "0"}])
    );
    assert_eq!((&found["limit"], found.get("next_marker")), (&json!(100), None));
    let fields = json!(["name", format!("metadata.{from}.amount")]);
    let sorted = json!({"from": from, "ancestor_folder_id": "0", "limit": 1, "fields": fields,
        "order_by": [{"field_key": "amount", "direction": "asc"}]});
    let first = run(sorted.clone()).await.json();
    assert_eq!(
        (&first["entries"][0]["name"], &first["entries"][0]["type"]),
        (&json!("sub"), &json!("folder"))
    );
    assert_eq!(first["entries"][0]["metadata"][&scope]["deal"]["amount"], 1);
    let mut next = sorted;
    next["marker"] = first["next_marker"].clone();
    assert_eq!(run(next).await.json()["entries"][0]["name"], "a.txt");
    for (change, status, code, field) in [
        (json!({"query": "amount >"}), 400, "invalid_query", "query"),
        (
            json!({"query": "amount > :x"}),
            400,
            "unexpected_json_type",
            "query_params.x",
        ),
        (json!({"from": "global.properties"}), 400, "invalid_query", "from"),
        (json!({"from": "enterprise.deal"}), 400, "invalid_query", "from"),
        (
            json!({"from": format!("{scope}.none")}),
            404,
            "instance_tuple_not_found",
            "",
        ),
        (
            json!({"from": "enterprise_7.deal"}),
            404,
            "instance_tuple_not_found",
            "",
        ),
        (json!({"ancestor_folder_id": "77"}), 404, "not_found", ""),
        (
            json!({"ancestor_folder_id": null}),
            400,
            "bad_request",
            "ancestor_folder_id",
        ),
        (json!({"marker": "x"}), 400, "bad_request", "marker"),
        (json!({"limit": 101}), 400, "bad_request", "limit"),
        (
            json!({"order_by": [{"field_key": "state"}]}),
            400,
            "bad_request",
            "order_by[0].field_key",
        ),
    ] {
        let mut body = json!({"from": from, "ancestor_folder_id": "0"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        run(body).await.refused(status, code, field);
    }
}
