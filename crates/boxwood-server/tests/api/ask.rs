//! `POST /2.0/ai/ask`: the answer's form, and every refusal of a request.

use crate::{changed, question};
use boxwood_models::StandIn;
use boxwood_test::{Script, ScriptedModel, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/2.0/ai/ask";

#[tokio::test]
async fn an_answer_has_boxes_form_and_ours() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let reply = app.post(PATH, &question(&file)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.body["answer"], "The sun rises in the east.");
    assert_eq!(reply.body["completion_reason"], "done");
    assert!(reply.body["created_at"].as_str().unwrap().ends_with("+00:00"));
    assert_eq!(reply.body["ai_agent_info"]["processor"], "basic_text");
    assert_eq!(
        reply.body["ai_agent_info"]["models"][0]["name"],
        "scripted__model"
    );
    assert_eq!(reply.body["boxwood"]["served_by"]["answered"], "scripted__model");
    assert!(
        reply.body.get("citations").is_none(),
        "citations were not asked for"
    );
    assert!(!reply.header("box-request-id").is_empty());
}

#[tokio::test]
async fn citations_are_an_array_whenever_they_are_asked_for() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["include_citations"] = json!(true);
    let cited = app.post(PATH, &body).await.body;
    assert_eq!(cited["citations"][0]["content"], "The sun rises in the east.");
    assert_eq!(cited["citations"][0]["id"], json!(file));
    assert_eq!(cited["citations"][0]["type"], "file");
    assert_eq!(cited["citations"][0]["name"], "sun.txt");
    assert_eq!(cited["boxwood"]["citations"][0]["pages"], json!([1]));

    app.model.set_support(0.01);
    body["prompt"] = json!("Where does the sun rise, again?");
    let abstained = app.post(PATH, &body).await.body;
    assert_eq!(abstained["citations"], json!([]));
    assert_eq!(abstained["boxwood"]["abstained"], true);
}

#[tokio::test]
async fn the_same_operation_is_served_under_api() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    assert_eq!(app.post("/api/2.0/ai/ask", &question(&file)).await.status, 200);
}

#[tokio::test]
async fn ignored_fields_are_told() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["include_citation"] = json!(true);
    let warnings = app.post(PATH, &body).await.body["boxwood"]["warnings"].to_string();
    assert!(warnings.contains("`include_citation` is not known"), "{warnings}");
}

#[tokio::test]
async fn dialogue_and_override_reach_the_model() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["dialogue_history"] = json!([{"prompt": "first question", "answer": "first answer"}]);
    body["ai_agent"] = json!({"type": "ai_agent_ask", "basic_text": {
        "system_message": "Speak like a pirate.",
        "num_tokens_for_completion": 7,
        "llm_endpoint_params": {"type": "openai_params", "temperature": 0.5, "stop": "HALT"},
    }});
    assert_eq!(app.post(PATH, &body).await.status, 200);
    let request = app.model.requests().remove(0);
    let words = serde_json::to_string(&request.messages).unwrap();
    assert!(
        words.contains("Speak like a pirate.") && words.contains("first answer"),
        "{words}"
    );
    assert_eq!(
        (request.max_output_tokens, request.sampling.temperature),
        (7, Some(0.5))
    );
    assert!(request.stop.contains(&"HALT".to_owned()), "{:?}", request.stop);
}

/// A valid question with one member replaced is refused at this path.
async fn check(app: &TestApp, file: &str, change: Value, reason: &str, name: &str) {
    app.post(PATH, &changed(question(file), &change))
        .await
        .assert_refused(400, "bad_request", reason, name);
}

#[tokio::test]
async fn bad_questions_are_refused_with_the_fields_path() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let items = |count: usize| -> Value {
        (1..=count)
            .map(|id| json!({"id": id.to_string(), "type": "file"}))
            .collect()
    };
    let over = |settings: Value| json!({"ai_agent": {"type": "ai_agent_ask", "basic_text": settings}});
    for (change, reason, name) in [
        (json!({"mode": "chat"}), "invalid_parameter", "mode"),
        (json!({"mode": null}), "missing_parameter", "mode"),
        (json!({"prompt": ""}), "too_short", "prompt"),
        (json!({"prompt": "x".repeat(10_001)}), "too_long", "prompt"),
        (json!({"items": []}), "too_short", "items"),
        (json!({"items": items(2)}), "too_long", "items"),
        (
            json!({"mode": "multiple_item_qa", "items": items(26)}),
            "too_long",
            "items",
        ),
        (
            json!({"items": [{"id": "7", "type": "hubs"}]}),
            "not_served",
            "items[0].type",
        ),
        (
            json!({"items": [{"id": "7", "type": "web_link"}]}),
            "invalid_parameter",
            "items[0].type",
        ),
        (
            json!({"items": [{"id": "../7", "type": "file"}]}),
            "invalid_parameter",
            "items[0].id",
        ),
        (
            json!({"items": [{"id": "999999", "type": "file"}]}),
            "not_found",
            "items[0].id",
        ),
        (json!({"include_citations": 1}), "wrong_type", "include_citations"),
        (
            json!({"ai_agent": {"type": "ai_agent_extract"}}),
            "invalid_parameter",
            "ai_agent.type",
        ),
        (
            over(json!({"prompt_template": "{content}"})),
            "missing_placeholder",
            "ai_agent.basic_text.prompt_template",
        ),
        (
            over(json!({"num_tokens_for_completion": 0})),
            "out_of_range",
            "ai_agent.basic_text.num_tokens_for_completion",
        ),
        (
            over(json!({"model": "no_such_model"})),
            "unknown_model",
            "ai_agent.basic_text.model",
        ),
    ] {
        let missing_file = name == "items[0].id" && reason == "not_found";
        if missing_file {
            let mut body = question(&file);
            body["items"] = change["items"].clone();
            app.post(PATH, &body)
                .await
                .assert_refused(404, "not_found", reason, name);
        } else {
            check(&app, &file, change, reason, name).await;
        }
    }
    assert!(
        app.model.requests().is_empty(),
        "no refused question reaches the model"
    );
}

#[tokio::test]
async fn the_same_file_twice_is_refused() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let twice = json!([{"id": file, "type": "file"}, {"id": file, "type": "file"}]);
    check(
        &app,
        &file,
        json!({"mode": "multiple_item_qa", "items": twice}),
        "not_unique",
        "items[1].id",
    )
    .await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let app = TestApp::start().await;
    let reply = app
        .post(
            PATH,
            &json!({"prompt": 5, "items": [{"id": "x", "type": "file"}]}),
        )
        .await;
    let names: Vec<&str> = reply.body["context_info"]["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mode", "prompt", "items[0].id"]);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let app = TestApp::start().await;
    for body in ["", "{", "null", "[]", "{\"mode\":\"single_item_qa\"} x", "\u{0}"] {
        let reply = boxwood_test::Reply::of(app.request("POST", PATH).body(body)).await;
        reply.assert_error(400, "bad_request");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.ask_body_bytes = 1_000)
        .start()
        .await;
    let mut body = question("1");
    body["prompt"] = json!("x".repeat(2_000));
    app.post(PATH, &body)
        .await
        .assert_error(413, "request_entity_too_large");
}

#[tokio::test]
async fn another_users_file_is_not_found() {
    let app = TestApp::start().await;
    let file = app.upload("secret.txt", b"x").await;
    let service = app.service_token().await;
    let reply = app.post_as(&service, PATH, &question(&file)).await;
    reply.assert_refused(404, "not_found", "not_found", "items[0].id");
}

#[tokio::test]
async fn a_trashed_file_is_told_as_trashed() {
    let app = TestApp::start().await;
    let file = app.upload("old.txt", b"x").await;
    assert_eq!(
        boxwood_test::Reply::of(app.request("DELETE", &format!("/2.0/files/{file}")))
            .await
            .status,
        204
    );
    app.post(PATH, &question(&file))
        .await
        .assert_refused(404, "trashed", "trashed", "items[0].id");
}

#[tokio::test]
async fn a_card_is_served_by_a_stand_in_or_refused_where_that_is_forbidden() {
    let card = json!({"type": "ai_agent_ask", "basic_text": {"model": "azure__openai__gpt_o4_mini"}});
    for (stand_in, status) in [(StandIn::Allow, 200), (StandIn::Deny, 400)] {
        let app = TestApp::builder().stand_in(stand_in).start().await;
        let file = app.upload("sun.txt", b"x").await;
        let mut body = question(&file);
        body["ai_agent"] = card.clone();
        let reply = app.post(PATH, &body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == 200 {
            let served_by = &reply.body["boxwood"]["served_by"];
            assert_eq!(served_by["requested"], "azure__openai__gpt_o4_mini");
            assert_eq!(served_by["kind"], "stand_in");
            assert_eq!(
                reply.body["ai_agent_info"]["models"][0]["name"],
                "scripted__model"
            );
        } else {
            reply.assert_refused(400, "bad_request", "model_not_bound", "ai_agent.basic_text.model");
        }
    }
}

#[tokio::test]
async fn a_full_engine_answers_429_with_title_case_retry_after() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.next(Script::Overloaded(Duration::from_millis(2_500)));
    let reply = app.post(PATH, &question(&file)).await;
    reply.assert_refused(429, "rate_limit_exceeded", "overloaded", "");
    assert_eq!(reply.header("retry-after"), "3");
    assert_eq!(reply.body["context_info"]["retryable"], true);
}

#[tokio::test]
async fn more_questions_than_the_limit_are_refused() {
    let app = TestApp::builder()
        .settings(|settings| settings.limits.questions = 1)
        .start()
        .await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    let first = question(&file);
    let mut second = question(&file);
    second["prompt"] = json!("And the moon?");
    let (first, refused) = tokio::join!(app.post(PATH, &first), async {
        app.model.until_running().await;
        let refused = app.post(PATH, &second).await;
        app.model.release();
        refused
    });
    assert_eq!(first.status, 200);
    refused.assert_refused(429, "rate_limit_exceeded", "overloaded", "");
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_broken_model_and_a_panic_are_errors_of_boxes_form() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.next(Script::Breaks);
    app.post(PATH, &question(&file))
        .await
        .assert_error(502, "bad_gateway");
    app.model.next(Script::Panics);
    app.post(PATH, &question(&file))
        .await
        .assert_error(500, "internal_server_error");
    assert_eq!(
        app.post(PATH, &question(&file)).await.status,
        200,
        "the next question is answered"
    );
}

#[tokio::test]
async fn an_answer_beyond_its_time_limit_is_a_504() {
    let limit = Some(Duration::from_millis(50));
    let app = TestApp::builder()
        .settings(|settings| settings.answer_time_limit = limit)
        .start()
        .await;
    let file = app.upload("sun.txt", b"x").await;
    app.model.hold();
    app.post(PATH, &question(&file))
        .await
        .assert_error(504, "gateway_timeout");
}

#[tokio::test]
async fn a_truncated_answer_says_so() {
    let app = TestApp::builder()
        .model(ScriptedModel::saying("The sun rises in the east every day."))
        .start()
        .await;
    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["ai_agent"] = json!({"type": "ai_agent_ask", "basic_text": {"num_tokens_for_completion": 6}});
    let reply = app.post(PATH, &body).await;
    assert_eq!(reply.body["boxwood"]["truncated"], true, "{}", reply.text);
    assert_eq!(reply.body["completion_reason"], "done");
}
