//! `/2.0/ai_agents`: making, listing, reading, replacing and removing agents, and every refusal.

use crate::changed;
use boxwood_test::{Reply, Script, TestApp, until};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const PATH: &str = "/2.0/ai_agents";

/// An agent that answers questions and has its questions already.
pub(crate) fn reader(name: &str) -> Value {
    json!({
        "type": "ai_agent", "name": name, "access_state": "enabled",
        "ask": {"type": "ai_agent_ask", "access_state": "enabled", "description": "reads", "suggested_questions": []},
    })
}

/// Makes an agent as the administrator; answers its id.
pub(crate) async fn make(app: &TestApp, agent: &Value) -> String {
    let made = app.post(PATH, agent).await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.body["id"].as_str().unwrap().to_owned()
}

/// A user of the enterprise: id and token.
pub(crate) async fn member(app: &TestApp, name: &str) -> (String, String) {
    let user = json!({"name": name, "login": format!("{name}@example.com")});
    let made = app.post("/2.0/users", &user).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let token = app.user_token(&id).await;
    (id, token)
}

async fn put(app: &TestApp, id: &str, agent: &Value) -> Reply {
    let request = app.request("PUT", &format!("{PATH}/{id}"));
    Reply::of(request.body(agent.to_string())).await
}

async fn delete(app: &TestApp, id: &str) -> Reply {
    Reply::of(app.request("DELETE", &format!("{PATH}/{id}"))).await
}

async fn names(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let reply = Reply::of(app.request_as(token, "GET", &format!("{PATH}?{query}"))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let entries = reply.body["entries"].as_array().unwrap().iter();
    entries
        .map(|agent| agent["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_agent_lives_as_the_official_client_expects() {
    let app = TestApp::start().await;
    let made = app.post(PATH, &reader("Reader")).await;
    assert_eq!(made.status, 200, "made with 200, as Box does: {}", made.text);
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(made.body["type"], "ai_agent");
    assert_eq!(made.body["origin"], "CUSTOM");
    assert_eq!(
        made.body["created_by"],
        json!({"type": "user", "id": app.admin_id})
    );
    assert_eq!(made.body["modified_at"], made.body["created_at"]);
    assert_eq!(made.body["allowed_entities"], json!([]));

    let listed = app.get(PATH).await;
    assert_eq!(listed.body["entries"][0], made.body);
    assert_eq!(listed.body["next_marker"], json!(null));

    let read = app.get(&format!("{PATH}/{id}?fields=ask")).await;
    assert_eq!(
        read.body,
        json!({"id": id, "type": "ai_agent", "origin": "CUSTOM", "name": "Reader", "access_state": "enabled",
            "ask": {"type": "ai_agent_ask", "access_state": "enabled", "description": "reads",
                "suggested_questions": []}})
    );

    let mut other = reader("Writer");
    other["ask"] = json!(null);
    other["text_gen"] = json!({"type": "ai_agent_text_gen", "access_state": "disabled", "description": "writes",
        "suggested_questions": ["Write a letter."]});
    let changed = put(&app, id, &other).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body["name"], "Writer");
    assert!(
        changed.body.get("ask").is_none(),
        "what the body does not have is gone"
    );
    assert_eq!(changed.body["text_gen"]["access_state"], "disabled");
    assert_eq!(changed.body["created_at"], made.body["created_at"]);

    assert_eq!(delete(&app, id).await.status, 204);
    assert_eq!(app.get(PATH).await.body["entries"], json!([]));
    for gone in [
        app.get(&format!("{PATH}/{id}")).await,
        put(&app, id, &reader("x")).await,
        delete(&app, id).await,
    ] {
        gone.assert_error(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_shown_may_be_sent_back_and_unknown_fields_are_told() {
    let app = TestApp::start().await;
    let mut agent = reader("Reader");
    agent["icon_reference"] =
        json!("https://cdn01.boxcdn.net/app-assets/aistudio/avatars/logo_analytics.svg");
    agent["colour"] = json!("red");
    agent["allowed_entities"] = json!([{"type": "user", "id": app.admin_id}]);
    agent["ask"]["custom_instructions"] = json!("Be brief.");
    agent["ask"]["long_text"] = json!({"model": "google__gemini_2_5_pro", "num_tokens_for_completion": 8400,
        "llm_endpoint_params": {"type": "google_params", "temperature": 0.0, "top_k": null},
        "embeddings": {"strategy": {"id": "basic", "num_tokens_per_chunk": 64}}});
    let made = app.post(PATH, &agent).await.body;
    let ignored = made["boxwood"]["warnings"][0].as_str().unwrap();
    assert!(ignored.contains("`colour`"), "{ignored}");
    let id = made["id"].as_str().unwrap();
    let shown = app.get(&format!("{PATH}/{id}")).await.body;
    assert!(shown.get("boxwood").is_none());
    assert_eq!(shown["allowed_entities"], agent["allowed_entities"]);
    let tool = &shown["ask"]["long_text"];
    assert_eq!(
        tool["llm_endpoint_params"],
        json!({"type": "google_params", "temperature": 0.0})
    );
    assert_eq!(
        (&tool["warnings"], &tool["is_custom_instructions_included"]),
        (&json!([]), &json!(true))
    );
    let mut back = put(&app, id, &shown).await.body;
    assert!(back.get("boxwood").is_none(), "{back}");
    back["modified_at"] = shown["modified_at"].clone();
    assert_eq!(back, shown);
}

#[tokio::test]
async fn a_model_that_box_withdrew_is_warned_of_and_an_unknown_one_refused() {
    let app = TestApp::start().await;
    let mut agent = reader("Reader");
    agent["ask"]["basic_text"] = json!({"model": "azure__openai__gpt_o4_mini"});
    agent["ask"]["spreadsheet"] = json!({"model": "azure__openai__gpt_4o_mini"});
    let made = app.post(PATH, &agent).await;
    assert_eq!(
        made.body["ask"]["basic_text"]["warnings"],
        json!(["MODEL_INACTIVE"]),
        "{}",
        made.text
    );
    assert_eq!(
        made.body["ask"]["spreadsheet"]["warnings"],
        json!([]),
        "a stand-in serves a listed one"
    );
    agent["ask"]["basic_text"] = json!({"model": "no_such_model"});
    agent["ask"]["long_text"] = json!({"model": "azure__openai__text_embedding_ada_002"});
    let refused = app.post(PATH, &agent).await;
    refused.assert_refused(400, "bad_request", "unknown_model", "ask.long_text.model");
    assert_eq!(
        refused.body["context_info"]["errors"][1]["name"],
        "ask.basic_text.model"
    );
}

#[tokio::test]
async fn bad_agents_are_refused_with_the_fields_path() {
    let app = TestApp::start().await;
    let kept = make(&app, &reader("kept")).await;
    let ask = |member: &str, value: Value| {
        let mut ask = reader("x")["ask"].clone();
        ask[member] = value;
        json!({"ask": ask})
    };
    for (change, reason, name) in [
        (json!({"type": null}), "missing_parameter", "type"),
        (json!({"name": null}), "missing_parameter", "name"),
        (json!({"name": ""}), "too_short", "name"),
        (json!({"access_state": null}), "missing_parameter", "access_state"),
        (json!({"access_state": "on"}), "invalid_parameter", "access_state"),
        (json!({"icon_reference": ""}), "too_short", "icon_reference"),
        (json!({"ask": null}), "missing_parameter", "ask"),
        (
            ask("type", json!("ai_agent_extract")),
            "invalid_parameter",
            "ask.type",
        ),
        (
            ask("access_state", json!("enabled_for_selected_users")),
            "invalid_parameter",
            "ask.access_state",
        ),
        (
            ask("description", json!(null)),
            "missing_parameter",
            "ask.description",
        ),
        (
            ask("suggested_questions", json!(["1", "2", "3", "4", "5"])),
            "too_long",
            "ask.suggested_questions",
        ),
        (
            ask("basic_text", json!({"prompt_template": "{user_question}"})),
            "missing_placeholder",
            "ask.basic_text.prompt_template",
        ),
        (
            json!({"allowed_entities": [{"type": "user", "id": "77"}]}),
            "not_found",
            "allowed_entities[0].id",
        ),
        (
            json!({"allowed_entities": [{"type": "group", "id": "77"}]}),
            "not_found",
            "allowed_entities[0].id",
        ),
        (
            json!({"allowed_entities": [{"type": "file", "id": "77"}]}),
            "invalid_parameter",
            "allowed_entities[0].type",
        ),
    ] {
        let body = changed(reader("x"), &change);
        app.post(PATH, &body)
            .await
            .assert_refused(400, "bad_request", reason, name);
        put(&app, &kept, &body)
            .await
            .assert_refused(400, "bad_request", reason, name);
    }
    assert_eq!(
        names(&app, boxwood_test::app::DEVELOPER_TOKEN, "").await,
        ["kept"]
    );
}

#[tokio::test]
async fn listings_filter_and_page() {
    let app = TestApp::start().await;
    let token = boxwood_test::app::DEVELOPER_TOKEN;
    for (name, state, mode) in [
        ("a", "enabled", "ask"),
        ("b", "disabled", "ask"),
        ("c", "enabled", "extract"),
    ] {
        let mut agent = reader(name);
        agent["access_state"] = json!(state);
        agent["ask"] = json!(null);
        agent[mode] =
            json!({"type": format!("ai_agent_{mode}"), "access_state": "enabled", "description": ""});
        if mode == "ask" {
            agent[mode]["suggested_questions"] = json!([]);
        }
        make(&app, &agent).await;
    }
    assert_eq!(names(&app, token, "").await, ["a", "b", "c"]);
    assert_eq!(names(&app, token, "mode=extract").await, ["c"]);
    assert_eq!(
        names(&app, token, "mode=ask%2Ctext_gen&agent_state=enabled").await,
        ["a"]
    );
    assert_eq!(
        names(&app, token, "include_box_default=True").await,
        ["Ask", "Write", "Extract", "Enhanced Extract", "a", "b", "c"]
    );
    assert_eq!(
        names(&app, token, "include_box_default=true&mode=extract").await,
        ["Extract", "Enhanced Extract", "c"]
    );
    let mut found = Vec::new();
    let mut marker = String::new();
    for _ in 0..10 {
        let query = format!("{PATH}?include_box_default=True&limit=2&fields=name{marker}");
        let page = app.get(&query).await.body;
        assert_eq!(page["limit"], 2);
        found.extend(
            page["entries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|agent| agent["name"].clone()),
        );
        match page["next_marker"].as_str() {
            Some(next) => marker = format!("&marker={next}"),
            None => break,
        }
    }
    assert_eq!(
        json!(found),
        json!(["Ask", "Write", "Extract", "Enhanced Extract", "a", "b", "c"])
    );
    for (query, name) in [
        ("mode=extract_structured", "query.mode"),
        ("agent_state=on", "query.agent_state"),
        ("include_box_default=perhaps", "query.include_box_default"),
        ("marker=nonsense", "query.marker"),
    ] {
        let refused = app.get(&format!("{PATH}?{query}")).await;
        refused.assert_refused(400, "bad_request", "invalid_parameter", name);
    }
    for limit in ["0", "1001", "x"] {
        let refused = app.get(&format!("{PATH}?limit={limit}")).await;
        refused.assert_refused(400, "bad_request", "out_of_range", "query.limit");
    }
}

#[tokio::test]
async fn boxs_own_agents_are_read_and_never_changed() {
    let app = TestApp::start().await;
    let enhanced = app.get(&format!("{PATH}/enhanced_extract_agent")).await;
    assert_eq!(enhanced.status, 200, "{}", enhanced.text);
    assert_eq!(enhanced.body["origin"], "BOX");
    assert_eq!(enhanced.body["extract"]["type"], "ai_agent_extract");
    put(&app, "ask_agent", &reader("x"))
        .await
        .assert_error(403, "forbidden");
    delete(&app, "enhanced_extract_agent")
        .await
        .assert_error(403, "forbidden");
    app.get(&format!("{PATH}/no_such_agent"))
        .await
        .assert_error(404, "not_found");
}

#[tokio::test]
async fn members_see_what_they_may_use_and_change_nothing() {
    let app = TestApp::start().await;
    let (ann_id, ann) = member(&app, "ann").await;
    let (_, bob) = member(&app, "bob").await;
    let open = make(&app, &reader("for all")).await;
    let mut selected = reader("for ann");
    selected["access_state"] = json!("enabled_for_selected_users");
    selected["allowed_entities"] = json!([{"type": "user", "id": ann_id}]);
    let selected = make(&app, &selected).await;
    let mut disabled = reader("for nobody");
    disabled["access_state"] = json!("disabled");
    make(&app, &disabled).await;

    assert_eq!(names(&app, &ann, "").await, ["for all", "for ann"]);
    assert_eq!(names(&app, &bob, "").await, ["for all"]);
    let service = app.service_token().await;
    assert_eq!(
        names(&app, &service, "").await,
        ["for all", "for ann", "for nobody"]
    );

    let hidden = app.request_as(&bob, "GET", &format!("{PATH}/{selected}"));
    Reply::of(hidden).await.assert_error(404, "not_found");
    app.post_as(&bob, PATH, &reader("mine"))
        .await
        .assert_error(403, "access_denied_insufficient_permissions");
    for (method, id, status, code) in [
        ("PUT", &open, 403, "access_denied_insufficient_permissions"),
        ("DELETE", &open, 403, "access_denied_insufficient_permissions"),
        ("DELETE", &selected, 404, "not_found"),
    ] {
        let request = app.request_as(&bob, method, &format!("{PATH}/{id}"));
        Reply::of(request.body(reader("x").to_string()))
            .await
            .assert_error(status, code);
    }
    let made_by_service = app.post_as(&service, PATH, &reader("by a service")).await;
    assert_eq!(made_by_service.status, 200, "{}", made_by_service.text);
}

#[tokio::test]
async fn a_token_without_the_scope_gets_nowhere() {
    let app = TestApp::start().await;
    let service = app.service_token().await;
    let narrow = app.narrow(&service, "root_readonly", None).await.access_token();
    Reply::of(app.request_as(&narrow, "GET", PATH))
        .await
        .assert_error(403, "insufficient_scope");
    app.post_as(&narrow, PATH, &reader("x"))
        .await
        .assert_error(403, "insufficient_scope");
}

#[tokio::test]
async fn questions_are_written_in_the_background_where_none_were_given() {
    let app = TestApp::start().await;
    app.model.next(Script::Breaks);
    app.model.hold();
    let mut agent = reader("Contracts");
    agent["ask"]["suggested_questions"] = json!(null);
    agent["ask"]["description"] = json!("Reads rental contracts");
    let made = tokio::time::timeout(Duration::from_secs(5), app.post(PATH, &agent))
        .await
        .unwrap();
    assert!(
        made.body["ask"].get("suggested_questions").is_none(),
        "{}",
        made.text
    );
    app.model.next(Script::Says(
        "1. What is the rent?\n2. When does it end?\n".to_owned(),
    ));
    app.model.release();
    // The first try breaks; the next change wakes the writer before its pause is over.
    until("the model was asked", || {
        !app.model.requests().is_empty() && app.model.running() == 0
    })
    .await;
    make(&app, &reader("another")).await;
    let id = made.body["id"].as_str().unwrap();
    for _ in 0..1_000 {
        let shown = app.get(&format!("{PATH}/{id}")).await.body;
        if let Some(questions) = shown["ask"].get("suggested_questions") {
            assert_eq!(questions, &json!(["What is the rent?", "When does it end?"]));
            let asked = serde_json::to_string(&app.model.requests()).unwrap();
            assert!(asked.contains("Reads rental contracts"), "{asked}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no questions were written: {:?}", app.model.requests());
}
