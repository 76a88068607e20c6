//! Extraction with what stands beside it: stored taxonomies, agents by id, kept answers, the stream of events.

use crate::extract_structured::app_filling_in;
use crate::studio::make;
use boxwood_test::{Reply, TestApp};
use serde_json::{Value, json};

const PATH: &str = "/2.0/ai/extract_structured";
const TEXT: &str = "John Doe lives in Paris, France.";

fn body(file: &str, fields: Value) -> Value {
    json!({"items": [{"id": file, "type": "file", "content": TEXT}], "fields": fields})
}

async fn made(app: &TestApp, path: &str, body: Value) -> Value {
    let reply = app.post(path, &body).await;
    assert_eq!(reply.status, 201, "{path}: {}", reply.text);
    reply.body
}

#[tokio::test]
async fn terms_of_a_stored_taxonomy_are_chosen_by_level() {
    let app = app_filling_in(json!({"country": "France", "places": ["Europe", "France"]})).await;
    let namespace = format!("enterprise_{}", app.enterprise_id);
    let taxonomy = json!({"displayName": "Geography", "namespace": namespace});
    made(&app, "/2.0/metadata_taxonomies", taxonomy).await;
    let path = format!("/2.0/metadata_taxonomies/{namespace}/geography");
    let levels = json!([{"displayName": "Continent"}, {"displayName": "Country"}]);
    made(&app, &format!("{path}/levels"), levels).await;
    let nodes = format!("{path}/nodes");
    let europe = made(&app, &nodes, json!({"displayName": "Europe", "level": 1})).await;
    for name in ["France", "Poland"] {
        let node = json!({"displayName": name, "level": 2, "parentId": europe["id"]});
        made(&app, &nodes, node).await;
    }
    let file = app.upload("john.txt", b"x").await;
    let field = |key: &str, rules: Value| {
        json!({"key": key, "type": "taxonomy", "taxonomy_key": "geography", "namespace": namespace,
            "options_rules": rules})
    };
    let mut request = body(
        &file,
        json!([
            field("country", json!({"selectable_levels": [2]})),
            field("places", json!({"multi_select": true})),
        ]),
    );
    let reply = app.post(PATH, &request).await;
    assert_eq!(
        reply.body["answer"],
        json!({"country": "France", "places": ["Europe", "France"]}),
        "{}",
        reply.text
    );
    let schema = app.model.requests().remove(0).response_format.unwrap().schema;
    assert_eq!(
        schema["properties"]["country"]["enum"],
        json!(["France", "Poland", null])
    );
    request["fields"][0]["taxonomy_key"] = json!("nothing");
    app.post(PATH, &request)
        .await
        .assert_refused(404, "not_found", "not_found", "fields[0].taxonomy_key");
}

#[tokio::test]
async fn an_agent_named_by_id_extracts_by_its_instructions() {
    let app = app_filling_in(json!({"name": "John Doe"})).await;
    let agent = json!({
        "type": "ai_agent", "name": "Extractor", "access_state": "enabled",
        "extract": {"type": "ai_agent_extract", "access_state": "enabled", "description": "reads forms",
            "custom_instructions": "Names are written in full."},
    });
    let agent = make(&app, &agent).await;
    let file = app.upload("john.txt", b"x").await;
    let mut request = body(&file, json!([{"key": "name"}]));
    request["ai_agent"] = json!({"type": "ai_agent_id", "id": agent});
    let reply = app.post(PATH, &request).await;
    assert_eq!(
        reply.body["answer"],
        json!({"name": "John Doe"}),
        "{}",
        reply.text
    );
    let told = serde_json::to_string(&app.model.requests()[0].messages).unwrap();
    assert!(told.contains("Names are written in full."), "{told}");
    request["ai_agent"]["id"] = json!("424242");
    app.post(PATH, &request)
        .await
        .assert_refused(404, "not_found", "not_found", "ai_agent.id");
}

#[tokio::test]
async fn an_extraction_is_kept_with_everything_that_was_measured() {
    let app = app_filling_in(json!({"name": "John Doe"})).await;
    let file = app.upload("john.txt", b"x").await;
    let reply = app.post(PATH, &body(&file, json!([{"key": "name"}]))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    app.state.keeper().drained().await;
    let list = app.get("/boxwood/answers").await.body;
    assert_eq!(list["entries"][0]["operation"], "extract_structured", "{list}");
    let id = list["entries"][0]["id"].as_str().unwrap();
    let kept = app.get(&format!("/boxwood/answers/{id}")).await.body;
    let words = kept.to_string();
    assert!(
        words.contains("confidence_score") && words.contains("reference"),
        "{words}"
    );
}

#[tokio::test]
async fn progress_comes_as_events_and_ends_with_the_answer() {
    let app = app_filling_in(json!({"name": "John Doe"})).await;
    let file = app.upload("john.txt", b"x").await;
    let request = app
        .request("POST", PATH)
        .header("accept", "text/event-stream")
        .body(body(&file, json!([{"key": "name"}])).to_string());
    let reply = Reply::of(request).await;
    assert!(reply.text.contains("event: answer\ndata: {"), "{}", reply.text);
    assert!(reply.text.contains("\"name\":\"John Doe\""), "{}", reply.text);
}
