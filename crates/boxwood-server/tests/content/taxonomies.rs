//! Taxonomies, their levels and nodes, and taxonomy fields.

use crate::support::{App, id};
use serde_json::{Value, json};

async fn send(app: &App, method: &str, path: &str, body: Value, status: u16) -> Value {
    let reply = app.call(method, path).json(body).send().await;
    assert_eq!(reply.status, status, "{method} {path}: {:?}", reply.bytes);
    if reply.bytes.is_empty() {
        Value::Null
    } else {
        reply.json()
    }
}

/// A taxonomy with Europe over France and Poland; answers its path and the ids.
async fn geography(app: &App) -> (String, [String; 3]) {
    let namespace = format!("enterprise_{}", app.seeded.enterprise.id);
    let body = json!({"displayName": "Geography", "namespace": namespace});
    let made = send(app, "POST", "/2.0/metadata_taxonomies", body, 201).await;
    assert_eq!(
        (&made["key"], &made["namespace"]),
        (&json!("geography"), &json!(namespace))
    );
    let path = format!("/2.0/metadata_taxonomies/{namespace}/geography");
    let levels = json!([{"displayName": "Continent"}, {"displayName": "Country", "description": "A state"}]);
    let levels = send(app, "POST", &format!("{path}/levels"), levels, 201).await;
    assert_eq!(
        levels["entries"][1],
        json!({"displayName": "Country", "description": "A state", "level": 2})
    );
    let nodes = format!("{path}/nodes");
    let europe = id(&send(
        app,
        "POST",
        &nodes,
        json!({"displayName": "Europe", "level": 1}),
        201,
    )
    .await);
    let mut ids = vec![europe.clone()];
    for name in ["France", "Poland"] {
        let body = json!({"displayName": name, "level": 2, "parentId": europe});
        let node = send(app, "POST", &nodes, body, 201).await;
        assert_eq!(
            (&node["nodePath"], &node["ancestors"][0]["displayName"]),
            (&json!([europe]), &json!("Europe"))
        );
        ids.push(id(&node));
    }
    (path, ids.try_into().unwrap())
}

#[tokio::test]
async fn a_taxonomy_lives() {
    let app = App::start().await;
    let (path, [europe, france, poland]) = geography(&app).await;
    let shown = send(&app, "PATCH", &path, json!({"displayName": "Places"}), 200).await;
    assert_eq!(
        (&shown["displayName"], &shown["levels"][0]["level"]),
        (&json!("Places"), &json!(1))
    );
    assert_eq!(app.call("GET", &path).send().await.json(), shown);
    let namespace = path.rsplit_once('/').unwrap().0;
    let all = app.call("GET", namespace).send().await.json();
    assert_eq!(all["entries"], json!([shown]));
    let body = json!({"displayName": "Land"});
    let level = send(&app, "PATCH", &format!("{path}/levels/2"), body.clone(), 200).await;
    assert_eq!(level, json!({"displayName": "Land", "level": 2}));
    let levels = send(&app, "POST", &format!("{path}/levels:append"), body, 201).await;
    assert_eq!(levels["entries"].as_array().unwrap().len(), 3);
    let levels = send(&app, "POST", &format!("{path}/levels:trim"), json!({}), 200).await;
    assert_eq!(levels["entries"].as_array().unwrap().len(), 2);
    app.call("POST", &format!("{path}/levels:trim"))
        .send()
        .await
        .refused(400, "bad_request", "levels");
    let names = async |query: &str| {
        let listed = app
            .call("GET", &format!("{path}/nodes?{query}"))
            .send()
            .await
            .json();
        let names: Vec<String> = listed["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["displayName"].as_str().unwrap().to_owned())
            .collect();
        (names.join(" "), listed)
    };
    assert_eq!(names("").await.0, "Europe France Poland");
    assert_eq!(names("level=1").await.0, "Europe");
    assert_eq!(names("level=1&level=2&query=o").await.0, "Europe Poland");
    assert_eq!(names(&format!("parent={europe}")).await.0, "France Poland");
    assert_eq!(names(&format!("ancestor={europe}&limit=1")).await.0, "France");
    let (first, listed) = names("limit=2&include-total-result-count=true").await;
    assert_eq!(
        (first.as_str(), &listed["total_result_count"]),
        ("Europe France", &json!(3))
    );
    let marker = listed["next_marker"].as_str().unwrap();
    assert_eq!(names(&format!("limit=2&marker={marker}")).await.0, "Poland");
    let node = format!("{path}/nodes/{poland}");
    let renamed = send(&app, "PATCH", &node, json!({"displayName": "Polska"}), 200).await;
    assert_eq!(
        (&renamed["displayName"], &renamed["parentId"]),
        (&json!("Polska"), &json!(europe))
    );
    assert_eq!(app.call("GET", &node).send().await.json(), renamed);
    app.call("DELETE", &format!("{path}/nodes/{europe}"))
        .send()
        .await
        .refused(400, "bad_request", "node_id");
    for id in [&france, &poland, &europe] {
        send(&app, "DELETE", &format!("{path}/nodes/{id}"), json!({}), 204).await;
    }
    app.call("GET", &node).send().await.refused(404, "not_found", "");
    send(&app, "DELETE", &path, json!({}), 204).await;
    app.call("GET", &path).send().await.refused(404, "not_found", "");
}

#[tokio::test]
async fn a_taxonomy_field_takes_nodes() {
    let app = App::start().await;
    let (path, [europe, france, poland]) = geography(&app).await;
    let namespace = format!("enterprise_{}", app.seeded.enterprise.id);
    let body = json!({"scope": "enterprise", "displayName": "Place", "fields": [{"type": "taxonomy", "key": "where",
        "displayName": "Where", "taxonomyKey": "geography", "namespace": namespace,
        "optionsRules": {"multiSelect": true, "selectableLevels": [2]}}]});
    let template = send(&app, "POST", "/2.0/metadata_templates/schema", body, 201).await;
    let field = &template["fields"][0];
    assert_eq!(
        field["optionsRules"],
        json!({"multiSelect": true, "selectableLevels": [2]})
    );
    assert_eq!(
        (&field["taxonomyKey"], &field["namespace"]),
        (&json!("geography"), &json!(namespace))
    );
    let options = format!("/2.0/metadata_templates/{namespace}/place/fields/where/options");
    let count = async |query: &str| {
        let listed = app.call("GET", &format!("{options}{query}")).send().await.json();
        listed["entries"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("?only-selectable-options=false").await, 3);
    assert_eq!(count("?level=1").await, 0);
    app.call(
        "GET",
        &format!("/2.0/metadata_templates/{namespace}/place/fields/none/options"),
    )
    .send()
    .await
    .refused(400, "bad_request", "path.field_key");
    let file = id(&app.upload("a.txt", "one").await);
    let metadata = format!("/2.0/files/{file}/metadata/enterprise/place");
    app.call("POST", &metadata)
        .json(json!({"where": [europe]}))
        .send()
        .await
        .refused(400, "schema_validation_failed", "where");
    let made = send(&app, "POST", &metadata, json!({"where": [france, poland]}), 201).await;
    assert_eq!(made["where"], json!([france, poland]));
    let hydrated = app
        .call("GET", &format!("{metadata}?view=hydrated"))
        .send()
        .await
        .json();
    assert_eq!(hydrated["where"][0]["displayName"], "France");
    assert_eq!(hydrated["where"][0]["ancestors"][0]["displayName"], "Europe");
    app.call("DELETE", &path)
        .send()
        .await
        .refused(400, "bad_request", "taxonomy_key");
    send(&app, "DELETE", &format!("{path}/nodes/{france}"), json!({}), 204).await;
    assert_eq!(
        app.call("GET", &metadata).send().await.json()["where"],
        json!([poland])
    );
}

#[tokio::test]
async fn wrong_taxonomies_are_refused() {
    let app = App::start().await;
    let (path, [europe, france, _]) = geography(&app).await;
    let namespace = path.split('/').nth(3).unwrap().to_owned();
    let nodes = format!("{path}/nodes");
    for (method, path, body, status, code, field) in [
        (
            "POST",
            "/2.0/metadata_taxonomies",
            json!({"displayName": "Geography", "namespace": namespace}),
            409,
            "tuple_already_exists",
            "",
        ),
        (
            "POST",
            "/2.0/metadata_taxonomies",
            json!({"displayName": "A"}),
            400,
            "bad_request",
            "namespace",
        ),
        (
            "POST",
            "/2.0/metadata_taxonomies",
            json!({"displayName": "A", "namespace": "enterprise_7"}),
            403,
            "forbidden",
            "",
        ),
        (
            "POST",
            "/2.0/metadata_taxonomies",
            json!({"displayName": "A", "namespace": namespace, "key": "a b"}),
            400,
            "bad_request",
            "key",
        ),
        (
            "PATCH",
            path.as_str(),
            json!({}),
            400,
            "bad_request",
            "displayName",
        ),
        (
            "POST",
            nodes.as_str(),
            json!({"displayName": "X", "level": 3}),
            400,
            "bad_request",
            "level",
        ),
        (
            "POST",
            nodes.as_str(),
            json!({"displayName": "X", "level": 2}),
            400,
            "bad_request",
            "parentId",
        ),
        (
            "POST",
            nodes.as_str(),
            json!({"displayName": "X", "level": 1, "parentId": europe}),
            400,
            "bad_request",
            "parentId",
        ),
        (
            "POST",
            nodes.as_str(),
            json!({"displayName": "X", "level": 2, "parentId": france}),
            400,
            "bad_request",
            "parentId",
        ),
    ] {
        app.call(method, path)
            .json(body)
            .send()
            .await
            .refused(status, code, field);
    }
    let level = format!("{path}/levels/9");
    app.call("PATCH", &level)
        .json(json!({"displayName": "X"}))
        .send()
        .await
        .refused(400, "bad_request", "level_index");
    app.call("GET", "/2.0/metadata_taxonomies/global")
        .send()
        .await
        .refused(400, "bad_request", "path.namespace");
    let (_, token) = app.other_user().await;
    assert_eq!(app.call_as(&token, "GET", &nodes).send().await.status, 200);
    app.call_as(&token, "DELETE", &path).send().await.refused(
        403,
        "access_denied_insufficient_permissions",
        "",
    );
}
