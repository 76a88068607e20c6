//! `/boxwood/answers` and the events of questions: what is kept, what is left out, who sees it.

use crate::question;
use boxwood_test::{Reply, Script, TestApp};
use serde_json::{Value, json};

const ASK: &str = "/2.0/ai/ask";

/// Everything that is kept, once the writing has ended.
async fn kept(app: &TestApp, query: &str) -> Vec<Value> {
    app.state.keeper().drained().await;
    let reply = app.get(&format!("/boxwood/answers{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_answer_is_kept_without_the_contents_of_files() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    let mut body = question(&file);
    body["items"][0]["content"] = json!("The sun rises in the east. The password is swordfish.");
    let answer = app.post(ASK, &body).await.body;
    let entries = kept(&app, "").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = &entries[0];
    assert_eq!(
        (&entry["operation"], &entry["answer"]),
        (&json!("ask"), &answer["answer"])
    );
    assert_eq!(entry["files"][0]["id"], json!(file));
    assert!(entry["files"][0]["version_id"].is_string());
    assert_eq!(entry["user"]["id"], json!(app.admin_id));
    assert_eq!(entry["served_by"]["answered"], "scripted__model");
    assert!(entry["confidence"]["probability"].is_number());
    assert_eq!(entry["prompt_version"].as_str().map(str::len), Some(12));
    assert!(entry.get("request").is_none(), "only of one answer");
    let path = format!("/boxwood/answers/{}", entry["id"].as_str().unwrap());
    let whole = app.get(&path).await.body;
    assert_eq!(whole["request"]["prompt"], body["prompt"]);
    assert_eq!(
        whole["response"]["citations"][0]["content"],
        "The sun rises in the east."
    );
    assert!(whole["response"]["boxwood"]["timings"]["total"].is_number());
    assert!(!whole.to_string().contains("swordfish"));
    let removed = Reply::of(app.request("DELETE", &path)).await;
    assert_eq!(removed.status, 204);
    assert_eq!(app.get(&path).await.status, 404);
}

#[tokio::test]
async fn answers_are_filtered_and_paged() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    for prompt in ["one?", "two?", "three?"] {
        let mut body = question(&file);
        body["prompt"] = json!(prompt);
        assert_eq!(app.post(ASK, &body).await.status, 200);
    }
    assert_eq!(kept(&app, &format!("?file={file}&operation=ask")).await.len(), 3);
    assert_eq!(kept(&app, "?operation=extract").await.len(), 0);
    assert_eq!(kept(&app, "?from=2100-01-01T00:00:00Z").await.len(), 0);
    let page = app.get("/boxwood/answers?limit=2").await.body;
    let marker = page["next_marker"].as_str().unwrap();
    let rest = app
        .get(&format!("/boxwood/answers?limit=2&marker={marker}"))
        .await
        .body;
    assert_eq!(
        (rest["entries"].as_array().map(Vec::len), &rest["next_marker"]),
        (Some(1), &Value::Null)
    );
    for query in ["operation=guess", "from=yesterday", "file=x", "limit=0"] {
        assert_eq!(
            app.get(&format!("/boxwood/answers?{query}")).await.status,
            400,
            "{query}"
        );
    }
    assert_eq!(app.get("/boxwood/answers/999999999999").await.status, 404);
}

#[tokio::test]
async fn nothing_is_kept_where_the_operator_says_so() {
    let app = TestApp::builder()
        .settings(|settings| settings.keep_answers = false)
        .start()
        .await;
    let file = app.upload("sun.txt", b"x").await;
    assert_eq!(app.post(ASK, &question(&file)).await.status, 200);
    assert!(kept(&app, "").await.is_empty());
}

#[tokio::test]
async fn questions_are_events_without_their_words() {
    let app = TestApp::start().await;
    let file = app.upload("sun.txt", b"x").await;
    assert_eq!(app.post(ASK, &question(&file)).await.status, 200);
    app.model.next(Script::Breaks);
    let mut again = question(&file);
    again["prompt"] = json!("Where does the sun rise, please?");
    assert_ne!(app.post(ASK, &again).await.status, 200);
    app.state.keeper().drained().await;
    let wanted = "BOX_AI_USER_REQUEST,BOX_AI_USER_FAILED_REQUEST";
    let path = format!("/2.0/events?stream_type=admin_logs&event_type={wanted}");
    let events = app.get(&path).await.body;
    assert_eq!(events["chunk_size"], 2, "{events}");
    let event = &events["entries"][0];
    assert_eq!(event["event_type"], "BOX_AI_USER_REQUEST");
    assert_eq!(event["additional_details"]["model"], "scripted__model");
    assert_eq!(event["additional_details"]["file_ids"], json!([file]));
    let failed = &events["entries"][1];
    assert_eq!(failed["event_type"], "BOX_AI_USER_FAILED_REQUEST");
    assert_eq!(failed["additional_details"]["error"], "model_failed");
    assert!(!events.to_string().contains("sun rise"), "{events}");
}
