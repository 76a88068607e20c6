//! `GET /2.0/ai_agent_default`.

use crate::question;
use boxwood_test::TestApp;

#[tokio::test]
async fn the_default_agent_is_complete_and_may_be_sent_back() {
    let app = TestApp::start().await;
    let agent = app.get("/2.0/ai_agent_default?mode=ask&language=en-US").await;
    assert_eq!(agent.status, 200, "{}", agent.text);
    assert_eq!(agent.body["type"], "ai_agent_ask");
    for tool in [
        "basic_text",
        "basic_text_multi",
        "long_text",
        "long_text_multi",
        "basic_image",
        "basic_image_multi",
    ] {
        assert!(
            agent.body[tool]["prompt_template"]
                .as_str()
                .unwrap()
                .contains("{content}"),
            "{tool}"
        );
        assert_eq!(
            agent.body[tool]["embeddings"].is_object(),
            tool.starts_with("long_text"),
            "{tool}"
        );
    }
    assert!(agent.body["spreadsheet"]["model"].is_string());
    assert_eq!(
        agent.body["basic_text"]["llm_endpoint_params"]["presence_penalty"],
        1.5
    );

    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["ai_agent"] = agent.body;
    let reply = app.post("/2.0/ai/ask", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        !reply.body["boxwood"]["warnings"]
            .to_string()
            .contains("not known"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn language_and_model_are_obeyed() {
    let app = TestApp::start().await;
    let japanese = app
        .get("/2.0/ai_agent_default?mode=ask&language=ja-JP&model=google__gemini_2_5_pro")
        .await
        .body;
    assert!(
        japanese["basic_text"]["system_message"]
            .as_str()
            .unwrap()
            .contains("文書")
    );
    assert_eq!(japanese["basic_text"]["model"], "google__gemini_2_5_pro");
    assert_eq!(
        japanese["basic_text"]["llm_endpoint_params"]["type"],
        "google_params"
    );
}

#[tokio::test]
async fn the_agent_that_writes_may_be_sent_back_whatever_the_family() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    for (model, family) in [
        ("azure__openai__gpt_4o_mini", "openai_params"),
        ("xai__grok_3_beta", "openai_params"),
        ("google__gemini_2_5_flash", "google_params"),
        ("aws__claude_4_5_sonnet", "aws_params"),
        ("ibm__llama_4_scout", "ibm_params"),
    ] {
        let query = format!("/2.0/ai_agent_default?mode=text_gen&language=ja&model={model}");
        let agent = app.get(&query).await;
        assert_eq!(agent.status, 200, "{}", agent.text);
        assert_eq!(agent.body["type"], "ai_agent_text_gen");
        let tool = &agent.body["basic_gen"];
        assert_eq!(tool["model"], model);
        assert_eq!(tool["llm_endpoint_params"]["type"], family);
        assert!(tool["system_message"].as_str().unwrap().contains("依頼"));
        assert!(tool["content_template"].as_str().unwrap().contains("{content}"));
        assert_eq!(tool["embeddings"]["strategy"]["id"], "basic");
        let body = serde_json::json!({
            "prompt": "Write it shorter.",
            "items": [{"id": file, "type": "file", "content": "The sun rises in the east."}],
            "ai_agent": agent.body,
        });
        let reply = app.post("/2.0/ai/text_gen", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(!reply.text.contains("not known"), "{}", reply.text);
    }
    let card = "/2.0/ai_agent_default?mode=text_gen&model=aws__claude_3_haiku";
    let limit = boxwood_models::find_card("aws__claude_3_haiku").and_then(|card| card.max_output_tokens);
    assert_eq!(
        app.get(card).await.body["basic_gen"]["num_tokens_for_completion"],
        serde_json::json!(limit.unwrap()),
        "no longer than the card allows"
    );
}

#[tokio::test]
async fn wrong_modes_and_models_are_refused() {
    let app = TestApp::start().await;
    for (query, status, code, reason, name) in [
        ("", 400, "bad_request", "missing_parameter", "query.mode"),
        ("mode=chat", 400, "bad_request", "invalid_parameter", "query.mode"),
        (
            "mode=extract&model=nonsense",
            400,
            "bad_request",
            "unknown_model",
            "model",
        ),
        (
            "mode=ask&model=nonsense",
            400,
            "bad_request",
            "unknown_model",
            "model",
        ),
    ] {
        let reply = app.get(&format!("/2.0/ai_agent_default?{query}")).await;
        reply.assert_refused(status, code, reason, name);
    }
}

#[tokio::test]
async fn extraction_has_default_agents_of_its_own() {
    let app = TestApp::start().await;
    for (mode, kind) in [
        ("extract", "ai_agent_extract"),
        ("extract_structured", "ai_agent_extract_structured"),
    ] {
        let agent = app
            .get(&format!("/2.0/ai_agent_default?mode={mode}&language=en-US"))
            .await
            .body;
        assert_eq!(agent["type"], kind);
        for processor in ["basic_text", "long_text", "basic_image"] {
            assert_eq!(
                agent[processor]["num_tokens_for_completion"], 4_096,
                "{processor}"
            );
            let template = agent[processor]["prompt_template"].as_str().unwrap();
            assert!(template.contains("{content}") && template.contains("{user_question}"));
        }
        assert_eq!(agent["long_text"]["embeddings"]["strategy"]["id"], "basic");
    }
}
