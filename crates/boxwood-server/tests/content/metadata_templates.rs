//! Metadata templates.

use crate::support::{App, id};
use serde_json::{Value, json};

const SCHEMA: &str = "/2.0/metadata_templates/schema";

async fn create(app: &App, body: Value) -> Value {
    let reply = app.call("POST", SCHEMA).json(body).send().await;
    assert_eq!(reply.status, 201, "{:?}", reply.bytes);
    reply.json()
}

fn deal() -> Value {
    json!({"scope": "enterprise", "displayName": "Big Deal", "copyInstanceOnItemCopy": true, "fields": [
        {"type": "string", "key": "customer", "displayName": "Customer", "description": "Who pays"},
        {"type": "enum", "key": "state", "displayName": "State", "options": [{"key": "open"}, {"key": "won"}]},
    ]})
}

#[tokio::test]
async fn a_template_lives() {
    let app = App::start().await;
    let made = create(&app, deal()).await;
    let enterprise = format!("enterprise_{}", app.seeded.enterprise.id);
    assert_eq!(made["type"], "metadata_template");
    assert_eq!(
        (&made["templateKey"], &made["scope"]),
        (&json!("bigDeal"), &json!(enterprise))
    );
    assert_eq!(
        (&made["hidden"], &made["copyInstanceOnItemCopy"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(made["fields"][0]["description"], "Who pays");
    assert_eq!(made["fields"][0].get("options"), None);
    assert_eq!(made["fields"][1]["options"][1]["key"], "won");
    assert_eq!(made["fields"][1]["hidden"], false);
    for path in [
        "/2.0/metadata_templates/enterprise/bigDeal/schema".to_owned(),
        format!("/2.0/metadata_templates/{enterprise}/bigDeal/schema"),
        format!("/2.0/metadata_templates/{}", id(&made)),
    ] {
        assert_eq!(app.call("GET", &path).send().await.json(), made, "{path}");
    }
    let operations = json!([
        {"op": "addField", "fieldKey": "sum", "data": {"type": "float", "displayName": "Sum"}},
        {"op": "reorderFields", "fieldKeys": ["sum", "state", "customer"]},
        {"op": "editTemplate", "data": {"displayName": "Deal"}},
    ]);
    let path = "/2.0/metadata_templates/enterprise/bigDeal/schema";
    let call = app
        .call("PUT", path)
        .header("content-type", "application/json-patch+json");
    let changed = call.body(operations.to_string()).send().await.json();
    assert_eq!(
        (&changed["displayName"], &changed["fields"][0]["key"]),
        (&json!("Deal"), &json!("sum"))
    );
    assert_eq!(app.call("DELETE", path).send().await.status, 204);
    app.call("DELETE", path)
        .send()
        .await
        .refused(404, "instance_tuple_not_found", "");
}

#[tokio::test]
async fn templates_are_listed() {
    let app = App::start().await;
    for key in ["a", "b", "c"] {
        create(
            &app,
            json!({"scope": "enterprise", "displayName": key, "templateKey": key}),
        )
        .await;
    }
    let path = "/2.0/metadata_templates/enterprise?limit=2";
    let first = app.call("GET", path).send().await.json();
    assert_eq!(
        (first["entries"].as_array().unwrap().len(), &first["limit"]),
        (2, &json!(2))
    );
    let next = format!("{path}&marker={}", first["next_marker"].as_str().unwrap());
    let second = app.call("GET", &next).send().await.json();
    assert_eq!(second["entries"][0]["templateKey"], "c");
    assert_eq!(second["next_marker"], Value::Null);
    let global = app
        .call("GET", "/2.0/metadata_templates/global")
        .send()
        .await
        .json();
    assert_eq!(global["entries"][0]["templateKey"], "properties");
    let of = |id: &str| format!("/2.0/metadata_templates?metadata_instance_id={id}");
    let unknown = app
        .call("GET", &of("b05c0000-0000-4000-8000-00000000ffff"))
        .send()
        .await;
    assert_eq!(unknown.json()["entries"], json!([]));
    for path in [of("7"), "/2.0/metadata_templates".to_owned()] {
        app.call("GET", &path)
            .send()
            .await
            .refused(400, "bad_request", "query.metadata_instance_id");
    }
}

#[tokio::test]
async fn wrong_templates_are_refused() {
    let app = App::start().await;
    create(
        &app,
        json!({"scope": "enterprise", "displayName": "A", "templateKey": "a"}),
    )
    .await;
    for (body, status, code, field) in [
        (json!({"scope": "enterprise"}), 400, "bad_request", "displayName"),
        (
            json!({"scope": "global", "displayName": "A"}),
            403,
            "forbidden",
            "",
        ),
        (
            json!({"scope": "enterprise_7", "displayName": "A"}),
            403,
            "forbidden",
            "",
        ),
        (
            json!({"scope": "enterprise", "displayName": "A", "templateKey": "a"}),
            409,
            "tuple_already_exists",
            "",
        ),
        (
            json!({"scope": "enterprise", "displayName": "A", "templateKey": "9"}),
            400,
            "bad_request",
            "templateKey",
        ),
        (
            json!({"scope": "enterprise", "displayName": "A", "fields": [{"type": "string", "key": "e", "displayName": "E", "options": [{"key": "x"}]}]}),
            400,
            "bad_request",
            "fields[0].options",
        ),
    ] {
        app.call("POST", SCHEMA)
            .json(body)
            .send()
            .await
            .refused(status, code, field);
    }
    let schema = "/2.0/metadata_templates/enterprise/a/schema";
    for (body, field) in [
        (json!({}), ""),
        (json!([{"op": "nonsense"}]), "[0].op"),
        (json!([{"op": "removeField", "fieldKey": "none"}]), "[0].fieldKey"),
    ] {
        app.call("PUT", schema)
            .json(body)
            .send()
            .await
            .refused(400, "bad_request", field);
    }
    app.call("GET", "/2.0/metadata_templates/nonsense/a/schema")
        .send()
        .await
        .refused(400, "bad_request", "path.scope");
    app.call("GET", "/2.0/metadata_templates/nonsense")
        .send()
        .await
        .refused(400, "bad_request", "path.template_id");
    app.call("GET", "/2.0/metadata_templates/enterprise_7/a/schema")
        .send()
        .await
        .refused(404, "instance_tuple_not_found", "");
    app.call("DELETE", "/2.0/metadata_templates/global/properties/schema")
        .send()
        .await
        .refused(403, "access_denied_insufficient_permissions", "");
}

#[tokio::test]
async fn only_administrators_change_templates() {
    let app = App::start().await;
    create(&app, deal()).await;
    let (_, token) = app.other_user().await;
    let path = "/2.0/metadata_templates/enterprise/bigDeal/schema";
    assert_eq!(app.call_as(&token, "GET", path).send().await.status, 200);
    for (method, path, body) in [
        ("POST", SCHEMA, deal()),
        ("PUT", path, json!([])),
        ("DELETE", path, json!({})),
    ] {
        app.call_as(&token, method, path).json(body).send().await.refused(
            403,
            "access_denied_insufficient_permissions",
            "",
        );
    }
    let readonly = app.scoped("root_readonly", None).await;
    assert_eq!(app.call_as(&readonly, "GET", path).send().await.status, 200);
    app.call_as(&readonly, "DELETE", path).send().await.refused(
        403,
        "insufficient_scope",
        "header.authorization",
    );
}
