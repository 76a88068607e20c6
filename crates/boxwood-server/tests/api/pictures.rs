//! Questions about pictures: a model that sees is sent them, any other their recognised text, and the answer says which.

use crate::WORKER;
use boxwood_test::{Reply, ScriptedModel, TestApp};
use serde_json::{Value, json};

const SCAN: &[u8] = include_bytes!("../../../boxwood-ingest/tests/fixtures/scan.png");

fn seeing() -> ScriptedModel {
    ScriptedModel::with_identity("The stamp is red.", |identity| identity.images = true)
}

async fn ask(model: ScriptedModel, pictures: usize) -> (TestApp, Reply) {
    let app = TestApp::builder().model(model).worker(WORKER).start().await;
    let mut items: Vec<Value> = Vec::new();
    for number in 1..=pictures {
        // Contents that differ, since equal ones would be one file's parse.
        let bytes = [SCAN, number.to_string().as_bytes()].concat();
        let id = app.upload(&format!("scan {number}.png"), &bytes).await;
        items.push(json!({"id": id, "type": "file"}));
    }
    let mode = if pictures == 1 {
        "single_item_qa"
    } else {
        "multiple_item_qa"
    };
    let body = json!({"mode": mode, "prompt": "Which colour is the stamp?", "items": items});
    let reply = app.post("/2.0/ai/ask", &body).await;
    (app, reply)
}

#[tokio::test]
async fn a_model_that_sees_is_sent_the_picture() {
    let (app, reply) = ask(seeing(), 1).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.body["answer"], "The stamp is red.");
    assert_eq!(reply.body["ai_agent_info"]["processor"], "basic_image");
    assert_eq!(
        reply.body["boxwood"]["images"],
        json!({"read_by": "model", "shown": 1, "pages": 1})
    );
    let request = app.model.requests().remove(0);
    let images = &request.messages.last().unwrap().images;
    assert_eq!((images.len(), images[0].media_type.as_str()), (1, "image/jpeg"));
    assert!(images[0].bytes.starts_with(b"\xff\xd8"));
}

#[tokio::test]
async fn five_pictures_are_sent_and_the_rest_is_told() {
    let (app, reply) = ask(seeing(), 6).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.body["ai_agent_info"]["processor"], "basic_image_multi");
    assert_eq!(
        reply.body["boxwood"]["images"],
        json!({"read_by": "model", "shown": 5, "pages": 6})
    );
    assert_eq!(app.model.requests()[0].messages.last().unwrap().images.len(), 5);
    let notes = reply.body["boxwood"]["coverage"]["files"][5]["notes"].to_string();
    assert!(
        notes.contains("page 1 was not shown to the model as a picture"),
        "{notes}"
    );
}

#[tokio::test]
async fn a_model_that_does_not_see_is_shown_the_recognised_text() {
    let (app, reply) = ask(ScriptedModel::saying("The invoice is over 1,234.56 EUR."), 1).await;
    if reply.status != 200 {
        // Without any engine for recognition there is nothing to show it.
        println!("no engine recognises text here: {}", reply.text);
        return reply.assert_refused(400, "bad_request", "no_text", "items[0]");
    }
    assert_eq!(
        reply.body["boxwood"]["images"],
        json!({"read_by": "ocr", "shown": 0, "pages": 1})
    );
    assert!(app.model.requests()[0].messages.last().unwrap().images.is_empty());
}
