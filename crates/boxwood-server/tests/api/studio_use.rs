//! Agents that requests name by their id: what reaches the model, and who is refused.

use crate::changed;
use crate::question;
use crate::studio::{PATH, make, member, reader};
use boxwood_models::StandIn;
use boxwood_test::{Reply, TestApp};
use serde_json::{Value, json};

fn asking(file: &str, agent: &str) -> Value {
    let mut body = question(file);
    body["ai_agent"] = json!({"type": "ai_agent_id", "id": agent});
    body
}

fn writing(file: &str, agent: &str) -> Value {
    json!({
        "prompt": "Write it shorter.",
        "items": [{"id": file, "type": "file", "content": "The sun rises in the east."}],
        "ai_agent": {"type": "ai_agent_id", "id": agent},
    })
}

async fn delete(app: &TestApp, id: &str) {
    let gone = Reply::of(app.request("DELETE", &format!("{PATH}/{id}"))).await;
    assert_eq!(gone.status, 204);
}

#[tokio::test]
async fn settings_and_instructions_reach_the_model_and_the_answer_says_whose_they_were() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut agent = reader("Pirate");
    agent["ask"]["custom_instructions"] = json!("Speak like a pirate.");
    agent["ask"]["basic_text"] = json!({"num_tokens_for_completion": 9, "system_message": "You answer."});
    agent["text_gen"] = json!({"type": "ai_agent_text_gen", "access_state": "enabled", "description": "",
        "suggested_questions": [], "custom_instructions": "Rhyme.",
        "basic_gen": {"system_message": "Write. {custom_instructions} Always.", "content_template": "-{content}-"}});
    let id = make(&app, &agent).await;

    let asked = app.post("/2.0/ai/ask", &asking(&file, &id)).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    assert_eq!(
        asked.body["boxwood"]["agent"],
        json!({"id": id, "name": "Pirate"})
    );
    assert_eq!(
        asked.body["ai_agent_info"]["models"][0]["name"],
        "scripted__model"
    );
    let request = app.model.requests().remove(0);
    assert_eq!(request.messages[0].content, "You answer.\n\nSpeak like a pirate.");
    assert_eq!(request.max_output_tokens, 9);

    let written = app.post("/2.0/ai/text_gen", &writing(&file, &id)).await;
    assert_eq!(written.status, 200, "{}", written.text);
    assert_eq!(written.body["boxwood"]["agent"]["id"], json!(id));
    let request = app.model.requests().pop().unwrap();
    assert_eq!(request.messages[0].content, "Write. Rhyme. Always.");
    assert!(
        request.messages[1]
            .content
            .starts_with("-The sun rises in the east.-")
    );
}

#[tokio::test]
async fn instructions_are_kept_from_a_tool_that_does_not_want_them() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut agent = reader("Quiet");
    agent["ask"]["custom_instructions"] = json!("Speak like a pirate.");
    agent["ask"]["basic_text"] = json!({"is_custom_instructions_included": false});
    let id = make(&app, &agent).await;
    assert_eq!(app.post("/2.0/ai/ask", &asking(&file, &id)).await.status, 200);
    let words = app.model.requests().remove(0).messages[0].content.clone();
    assert!(!words.contains("pirate"), "{words}");
}

#[tokio::test]
async fn boxs_own_agents_are_the_defaults() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let answer = app.post("/2.0/ai/ask", &asking(&file, "ask_agent")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["boxwood"]["agent"]["id"], "ask_agent");
    let text = app
        .post("/2.0/ai/text_gen", &writing(&file, "text_gen_agent"))
        .await;
    assert_eq!(text.status, 200, "{}", text.text);
    app.post("/2.0/ai/ask", &asking(&file, "enhanced_extract_agent"))
        .await
        .assert_refused(400, "bad_request", "invalid_parameter", "ai_agent.id");
}

#[tokio::test]
async fn agents_that_may_not_be_used_are_refused_at_their_id() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let (ann_id, ann) = member(&app, "ann").await;
    let (_, bob) = member(&app, "bob").await;
    let ann_file = app.upload_as(&ann, "sun.txt", b"x").await;
    let bob_file = app.upload_as(&bob, "sun.txt", b"x").await;
    let make_with = async |change: Value| {
        let agent = changed(reader("x"), &change);
        make(&app, &agent).await
    };
    let disabled = make_with(json!({"access_state": "disabled"})).await;
    let selected = make_with(json!({
        "access_state": "enabled_for_selected_users",
        "allowed_entities": [{"type": "user", "id": ann_id}],
    }))
    .await;
    let mut off = reader("x")["ask"].clone();
    off["access_state"] = json!("disabled");
    let off = make_with(json!({"ask": off})).await;
    let open = make_with(json!({})).await;

    let ask = |agent: &str| asking(&file, agent);
    for (body, status, code, reason) in [
        (ask("999999"), 404, "not_found", "not_found"),
        (ask("../1"), 404, "not_found", "not_found"),
        (ask(&disabled), 403, "forbidden", "disabled"),
        (ask(&selected), 403, "forbidden", "not_allowed"),
        (ask(&off), 403, "forbidden", "disabled"),
    ] {
        app.post("/2.0/ai/ask", &body)
            .await
            .assert_refused(status, code, reason, "ai_agent.id");
    }
    app.post("/2.0/ai/text_gen", &writing(&file, &open))
        .await
        .assert_refused(400, "bad_request", "invalid_parameter", "ai_agent.id");
    let allowed = app
        .post_as(&ann, "/2.0/ai/ask", &asking(&ann_file, &selected))
        .await;
    assert_eq!(allowed.status, 200, "{}", allowed.text);
    for hidden in [&selected, &disabled] {
        app.post_as(&bob, "/2.0/ai/ask", &asking(&bob_file, hidden))
            .await
            .assert_refused(404, "not_found", "not_found", "ai_agent.id");
    }
    assert_eq!(
        app.model.requests().len(),
        1,
        "no refused question reaches the model"
    );
}

#[tokio::test]
async fn an_agent_that_goes_while_it_answers_finishes_and_is_then_unknown() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let id = make(&app, &reader("Short-lived")).await;
    let body = asking(&file, &id);
    app.model.hold();
    let (answer, ()) = tokio::join!(app.post("/2.0/ai/ask", &body), async {
        app.model.until_running().await;
        delete(&app, &id).await;
        app.model.release();
    });
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["boxwood"]["agent"]["name"], "Short-lived");
    app.post("/2.0/ai/ask", &body)
        .await
        .assert_refused(404, "not_found", "not_found", "ai_agent.id");
}

#[tokio::test]
async fn a_model_inside_an_agent_that_nothing_serves_is_told_at_its_id() {
    let app = TestApp::builder().stand_in(StandIn::Deny).start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut agent = reader("Bound to a card");
    agent["ask"]["basic_text"] = json!({"model": "azure__openai__gpt_4o_mini"});
    let made = app.post(PATH, &agent).await.body;
    assert_eq!(made["ask"]["basic_text"]["warnings"], json!(["MODEL_INACTIVE"]));
    let id = made["id"].as_str().unwrap();
    app.post("/2.0/ai/ask", &asking(&file, id)).await.assert_refused(
        400,
        "bad_request",
        "model_not_bound",
        "ai_agent.id",
    );
}
