//! `POST /2.0/ai/extract`: the answer's form for every form of a prompt, and refusals.

use crate::changed;
use crate::extract_structured::app_filling_in;
use boxwood_core::ChatRequest;
use boxwood_test::{Script, ScriptedModel, TestApp};
use serde_json::{Value, json};

const PATH: &str = "/2.0/ai/extract";
const TEXT: &str = "My name is John Doe. I live in San Francisco. I was born in 1990. I work at Box.";

fn body(file: &str, prompt: &str) -> Value {
    json!({"prompt": prompt, "items": [{"id": file, "type": "file", "content": TEXT}]})
}

fn john() -> Value {
    json!({"firstName": "John", "lastName": "Doe", "location": "San Francisco", "yearOfBirth": "1990", "company": "Box"})
}

#[tokio::test]
async fn the_answer_is_spaced_json_in_the_order_of_the_prompt() {
    let app = app_filling_in(john()).await;
    let file = app.upload("john.txt", b"x").await;
    let prompt = "firstName, lastName, location, yearOfBirth, company";
    let reply = app.post(PATH, &body(&file, prompt)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.body["answer"],
        r#"{"firstName": "John", "lastName": "Doe", "location": "San Francisco", "yearOfBirth": "1990", "company": "Box"}"#
    );
    assert_eq!(reply.body["completion_reason"], "done");
    assert!(
        reply.body["created_at"].is_string() && reply.body["ai_agent_info"]["models"][0]["name"].is_string()
    );
    assert_eq!(reply.body["boxwood"]["served_by"]["answered"], "scripted__model");
}

#[tokio::test]
async fn json_xml_and_stringified_fields_are_prompts_too() {
    let app = app_filling_in(john()).await;
    let file = app.upload("john.txt", b"x").await;
    for (prompt, answer) in [
        (
            r#"{"company": "", "lastName": ""}"#,
            r#"{"company": "Box", "lastName": "Doe"}"#,
        ),
        (
            "<person><lastName/><firstName/></person>",
            r#"{"lastName": "Doe", "firstName": "John"}"#,
        ),
        (
            r#"\"fields\":[{\"type\":\"float\",\"key\":\"yearOfBirth\"},{\"type\":\"string\",\"key\":\"company\"}]"#,
            r#"{"yearOfBirth": 1990, "company": "Box"}"#,
        ),
    ] {
        let reply = app.post(PATH, &body(&file, prompt)).await;
        assert_eq!(reply.body["answer"], answer, "{prompt}: {}", reply.text);
    }
}

#[tokio::test]
async fn for_sentences_the_model_names_the_keys() {
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        let schema = &request.response_format.as_ref()?.schema;
        let naming = schema["properties"].get("keys").is_some();
        Some(Script::SaysJson(match naming {
            true => json!({"keys": ["employer", "birthYear", "employer"]}),
            false => json!({"employer": "Box", "birthYear": "1990"}),
        }))
    });
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let reply = app
        .post(PATH, &body(&file, "For whom does he work, and when was he born?"))
        .await;
    assert_eq!(
        reply.body["answer"], r#"{"employer": "Box", "birthYear": "1990"}"#,
        "{}",
        reply.text
    );
    let asked = app
        .model
        .requests()
        .pop()
        .unwrap()
        .messages
        .pop()
        .unwrap()
        .content;
    assert!(asked.contains("For whom does he work"), "{asked}");
}

#[tokio::test]
async fn the_default_agent_may_be_sent_back() {
    let app = app_filling_in(john()).await;
    let file = app.upload("john.txt", b"x").await;
    let agent = app
        .get("/2.0/ai_agent_default?mode=extract&language=en-US")
        .await
        .body;
    let mut request = body(&file, "firstName");
    request["ai_agent"] = json!({"type": "ai_agent_extract", "basic_text": agent["basic_text"]});
    let reply = app.post(PATH, &request).await;
    assert_eq!(reply.body["answer"], r#"{"firstName": "John"}"#, "{}", reply.text);
}

#[tokio::test]
async fn bad_extractions_are_refused_with_the_fields_path() {
    let app = TestApp::start().await;
    let file = app.upload("john.txt", b"x").await;
    for (change, reason, name) in [
        (json!({"prompt": null}), "missing_parameter", "prompt"),
        (json!({"prompt": "x".repeat(10_001)}), "too_long", "prompt"),
        (json!({"items": []}), "too_short", "items"),
        (
            json!({"ai_agent": {"type": "ai_agent_ask"}}),
            "invalid_parameter",
            "ai_agent.type",
        ),
    ] {
        app.post(PATH, &changed(body(&file, "name"), &change))
            .await
            .assert_refused(400, "bad_request", reason, name);
    }
    assert!(
        app.model.requests().is_empty(),
        "no refused extraction reaches the model"
    );
    app.post(PATH, &body("999999", "name")).await.assert_refused(
        404,
        "not_found",
        "not_found",
        "items[0].id",
    );
}

#[tokio::test]
async fn what_comes_behind_a_circle_in_an_object_is_asked_for() {
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        let schema = request.response_format.as_ref()?.schema.to_string();
        let person = match (schema.contains("emails"), schema.contains("fullName")) {
            (true, _) => {
                json!({"contact": {"emails": vec!["null"; 200], "phone": "wrong"}, "fullName": "wrong"})
            }
            (false, _) => json!({"contact": {"phone": "555"}, "fullName": "John Doe"}),
        };
        Some(Script::SaysJson(json!({"person": person})))
    });
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let text = json!({"type": "string"});
    let contact =
        json!({"type": "object", "properties": {"emails": {"type": "array", "items": text}, "phone": text}});
    let person = json!({"type": "object", "properties": {"contact": contact, "fullName": text}});
    let schema = json!({"type": "object", "properties": {"person": person}}).to_string();
    let body = json!({
        "prompt": schema,
        "items": [{"id": file, "type": "file", "content": "John Doe, call 555."}],
    });
    let reply = app.post("/2.0/ai/extract", &body).await.body;
    let answer: Value = serde_json::from_str(reply["answer"].as_str().unwrap()).unwrap();
    let found = json!({"person": {"contact": {"emails": null, "phone": "555"}, "fullName": "John Doe"}});
    assert_eq!(answer, found, "{reply}");
    assert_eq!((app.model.requests().len(), app.model.abandoned()), (2, 1));
}
