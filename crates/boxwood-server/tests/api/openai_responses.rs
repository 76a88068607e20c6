//! The Responses API: made, continued, kept, fetched, cancelled, deleted, streamed.

use crate::openai::O4;
use boxwood_core::{ChatEvent, ChatRole, FinishReason, Principal, ScopeSet, ToolCall, Usage};
use boxwood_test::{Reply, Script, TestApp, until};
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/v1/responses";

async fn create(app: &TestApp, body: Value) -> Reply {
    let mut body = body;
    body["model"] = json!(O4);
    app.post(PATH, &body).await
}

fn id(reply: &Reply) -> String {
    reply.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", reply.text))
        .to_owned()
}

fn thinking() -> Script {
    Script::Streams {
        events: vec![
            ChatEvent::Reasoning { text: "Hm.".into() },
            ChatEvent::Text {
                text: "East.".into(),
                log_prob: None,
            },
        ],
        finish: FinishReason::Stop,
        usage: Usage {
            input_tokens: 20,
            cached_tokens: 16,
            output_tokens: 9,
            reasoning_tokens: 7,
            ..Usage::default()
        },
    }
}

#[tokio::test]
async fn a_response_has_openai_s_form() {
    let app = TestApp::start().await;
    app.model.next(thinking());
    let body = json!({"input": "Where?", "instructions": "Be brief.", "reasoning": {"effort": "low", "summary": "auto"}, "metadata": {"a": "b"}});
    let reply = create(&app, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        (&reply.body["object"], &reply.body["status"]),
        (&json!("response"), &json!("completed"))
    );
    let kinds: Vec<&str> = reply.body["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["reasoning", "message"]);
    assert_eq!(reply.body["output"][0]["summary"][0]["text"], "Hm.");
    assert_eq!(reply.body["output"][1]["content"][0]["text"], "East.");
    assert_eq!(
        reply.body["usage"]["output_tokens_details"]["reasoning_tokens"],
        7
    );
    assert_eq!(reply.body["usage"]["input_tokens_details"]["cached_tokens"], 16);
    assert_eq!(
        (&reply.body["temperature"], &reply.body["metadata"]),
        (&json!(1.0), &json!({"a": "b"}))
    );
    assert_eq!(reply.body["boxwood"]["served_by"]["relation"], "stand_in");
    assert_eq!(
        reply.header("x-boxwood-served-by"),
        "scripted__model; relation=stand_in"
    );
    let asked = app.model.requests().pop().unwrap();
    assert_eq!(
        (asked.messages[0].role, asked.messages[0].content.as_str()),
        (ChatRole::System, "Be brief.")
    );
}

#[tokio::test]
async fn responses_are_continued_fetched_and_deleted() {
    let app = TestApp::start().await;
    let first = id(&create(&app, json!({"input": "Where does the sun rise?"})).await);
    let second = create(
        &app,
        json!({"input": "And where does it set?", "previous_response_id": first}),
    )
    .await;
    let asked = app.model.requests().pop().unwrap();
    let roles: Vec<ChatRole> = asked.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [ChatRole::User, ChatRole::Assistant, ChatRole::User]);
    assert_eq!(asked.messages[1].content, "The sun rises in the east.");

    let fetched = app.get(&format!("{PATH}/{}", id(&second))).await;
    assert_eq!(fetched.body, second.body);
    let items = app.get(&format!("{PATH}/{first}/input_items")).await;
    assert_eq!(
        items.body["data"][0]["content"][0]["text"],
        "Where does the sun rise?"
    );
    assert_eq!(
        (&items.body["has_more"], &items.body["object"]),
        (&json!(false), &json!("list"))
    );

    let deleted = Reply::of(app.request("DELETE", &format!("{PATH}/{first}"))).await;
    assert_eq!((deleted.status, &deleted.body["deleted"]), (200, &json!(true)));
    assert_eq!(app.get(&format!("{PATH}/{first}")).await.status, 404);
    let orphan = create(&app, json!({"input": "x", "previous_response_id": id(&second)})).await;
    assert_eq!(
        orphan.body["error"]["code"], "previous_response_not_found",
        "{}",
        orphan.text
    );
}

#[tokio::test]
async fn what_is_not_stored_is_nowhere_and_what_is_somebody_else_s_is_not_found() {
    let app = TestApp::start().await;
    let unstored = id(&create(&app, json!({"input": "x", "store": false})).await);
    assert_eq!(app.get(&format!("{PATH}/{unstored}")).await.status, 404);
    let mine = id(&create(&app, json!({"input": "x"})).await);
    let other = app.service_token().await;
    for (method, path) in [
        ("GET", format!("{PATH}/{mine}")),
        ("DELETE", format!("{PATH}/{mine}")),
        ("POST", format!("{PATH}/{mine}/cancel")),
        ("GET", format!("{PATH}/{mine}/input_items")),
    ] {
        let reply = Reply::of(app.request_as(&other, method, &path)).await;
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text);
    }
    let stolen = app
        .post_as(
            &other,
            PATH,
            &json!({"model": O4, "input": "x", "previous_response_id": mine}),
        )
        .await;
    assert_eq!(stolen.body["error"]["code"], "previous_response_not_found");
}

#[tokio::test]
async fn functions_are_called_and_answered_over_two_responses() {
    let app = TestApp::start().await;
    app.model.next(Script::Streams {
        events: vec![ChatEvent::ToolCall(ToolCall {
            id: String::new(),
            name: "weather".into(),
            arguments: r#"{"city":"Oslo"}"#.into(),
        })],
        finish: FinishReason::ToolCalls,
        usage: Usage::default(),
    });
    let tools = json!([{"type": "function", "name": "weather", "strict": true, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}}]);
    let first = create(&app, json!({"input": "Oslo?", "tools": tools})).await;
    let call = &first.body["output"][0];
    assert_eq!(
        (&call["type"], &call["name"], &first.body["status"]),
        (&json!("function_call"), &json!("weather"), &json!("completed")),
        "{}",
        first.text
    );
    let output = json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "5 °C"}]);
    let second = create(
        &app,
        json!({"input": output, "previous_response_id": id(&first), "tools": tools}),
    )
    .await;
    assert_eq!(second.status, 200, "{}", second.text);
    let asked = app.model.requests().pop().unwrap();
    assert_eq!(
        asked.messages[1].tool_calls[0].id,
        call["call_id"].as_str().unwrap()
    );
    assert_eq!(asked.messages[2].content, "5 °C");
}

#[tokio::test]
async fn a_stream_is_numbered_and_ends_with_what_is_kept() {
    let app = TestApp::start().await;
    app.model.next(thinking());
    let reply = create(&app, json!({"input": "Where?", "stream": true})).await;
    let events: Vec<Value> = reply
        .text
        .split("\n\n")
        .filter_map(|event| event.split_once("\ndata: "))
        .map(|(name, data)| {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        })
        .collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    assert_eq!(events[0]["type"], "response.created");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["status"]),
        (&json!("response.completed"), &json!("completed"))
    );
    let kept = app
        .get(&format!("{PATH}/{}", last["response"]["id"].as_str().unwrap()))
        .await;
    assert_eq!(kept.body, last["response"]);
    app.model.next(Script::Breaks);
    let broken = create(&app, json!({"input": "Where?", "stream": true})).await;
    assert!(broken.text.contains("event: response.failed"), "{}", broken.text);
}

async fn settled(app: &TestApp, id: &str) -> Value {
    for _ in 0..500 {
        let reply = app.get(&format!("{PATH}/{id}")).await;
        if !matches!(reply.body["status"].as_str(), Some("queued" | "in_progress")) {
            return reply.body;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not end");
}

#[tokio::test]
async fn a_response_goes_on_in_the_background() {
    let app = TestApp::start().await;
    app.model.hold();
    let queued = create(&app, json!({"input": "Where?", "background": true})).await;
    assert_eq!(queued.body["status"], "queued", "{}", queued.text);
    let early = create(&app, json!({"input": "x", "previous_response_id": id(&queued)})).await;
    assert_eq!(early.body["error"]["param"], "previous_response_id");
    app.model.release();
    let done = settled(&app, &id(&queued)).await;
    assert_eq!(
        (&done["status"], &done["background"]),
        (&json!("completed"), &json!(true))
    );
    assert_eq!(
        done["output"][0]["content"][0]["text"],
        "The sun rises in the east."
    );
    let over = app
        .post(&format!("{PATH}/{}/cancel", id(&queued)), &json!({}))
        .await;
    assert_eq!(
        over.body["status"], "completed",
        "of one that is over nothing changes"
    );
}

#[tokio::test]
async fn a_background_response_is_cancelled_or_deleted() {
    let app = TestApp::start().await;
    app.model.hold();
    let first = id(&create(&app, json!({"input": "Where?", "background": true})).await);
    let cancelled = app.post(&format!("{PATH}/{first}/cancel"), &json!({})).await;
    assert_eq!(
        (cancelled.status, &cancelled.body["status"]),
        (200, &json!("cancelled")),
        "{}",
        cancelled.text
    );
    let second = id(&create(&app, json!({"input": "Where?", "background": true})).await);
    assert_eq!(
        Reply::of(app.request("DELETE", &format!("{PATH}/{second}")))
            .await
            .status,
        200
    );
    until("no completion runs", || app.model.running() == 0).await;
    assert_eq!(app.get(&format!("{PATH}/{second}")).await.status, 404);
    app.model.release();
    let foreground = id(&create(&app, json!({"input": "x"})).await);
    let refused = app.post(&format!("{PATH}/{foreground}/cancel"), &json!({})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[tokio::test]
async fn what_an_ended_process_left_behind_is_failed() {
    let app = TestApp::start().await;
    let left = id(&create(&app, json!({"input": "x", "background": false})).await);
    let mut kept = app.get(&format!("{PATH}/{left}")).await.body;
    kept["status"] = json!("in_progress");
    let admin = Principal {
        user_id: app.admin_id.parse().unwrap(),
        enterprise_id: app.enterprise_id.parse().unwrap(),
        scopes: ScopeSet::full(),
        resource: None,
    };
    app.store.update_response(&admin, &left, &kept).await.unwrap();
    let found = app.get(&format!("{PATH}/{left}")).await;
    assert_eq!(
        (&found.body["status"], &found.body["error"]["code"]),
        (&json!("failed"), &json!("server_error"))
    );
}

#[tokio::test]
async fn a_cut_answer_is_incomplete_and_mistakes_are_named() {
    let app = TestApp::start().await;
    app.model.next(Script::Says("word ".repeat(40)));
    let cut = create(&app, json!({"input": "x", "max_output_tokens": 16})).await;
    assert_eq!(cut.body["status"], "incomplete", "{}", cut.text);
    assert_eq!(cut.body["incomplete_details"]["reason"], "max_output_tokens");
    for (body, param) in [
        (json!({"input": "x", "temperature": 0.5}), "temperature"),
        (json!({"input": "x", "foo": 1}), "foo"),
        (
            json!({"input": "x", "previous_response_id": "resp_gone"}),
            "previous_response_id",
        ),
        (json!({}), "input"),
    ] {
        let reply = create(&app, body).await;
        assert_eq!(
            (reply.status, &reply.body["error"]["param"]),
            (400, &json!(param)),
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn reasoning_items_of_clients_that_keep_their_conversation_are_sealed_and_taken_back() {
    let app = TestApp::start().await;
    app.model.next(thinking());
    let wanted = json!({"input": "Where?", "store": false, "include": ["reasoning.encrypted_content"]});
    let first = create(&app, wanted).await;
    let item = &first.body["output"][0];
    let seal = item["encrypted_content"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", first.text));
    assert!(
        !first.text.contains("Hm."),
        "thinking is in no seal: {}",
        first.text
    );

    let question = json!({"role": "user", "content": "Sure?"});
    let mut output: Vec<Value> = first.body["output"].as_array().unwrap().clone();
    output.push(question.clone());
    let second = create(&app, json!({"input": output, "store": false})).await;
    assert_eq!(second.status, 200, "{}", second.text);
    let asked = app.model.requests().pop().unwrap();
    assert_eq!(asked.messages.len(), 2, "the answer and the question");
    let nameless = json!({"type": "reasoning", "summary": [], "encrypted_content": seal});
    let third = create(&app, json!({"input": [nameless, question.clone()]})).await;
    assert_eq!(third.status, 200, "{}", third.text);

    let mut forged = item.clone();
    forged["encrypted_content"] = json!("gAAAAABforgedX9Y=");
    let refused = create(&app, json!({"input": [forged, question.clone()]})).await;
    let error = &refused.body["error"];
    assert_eq!(
        (refused.status, &error["code"], &error["message"]),
        (
            400,
            &json!("invalid_encrypted_content"),
            &json!("The encrypted content gAAA...X9Y= could not be verified.")
        )
    );
    let other = app.service_token().await;
    let stolen = json!({"model": O4, "input": [item, question]});
    assert_eq!(app.post_as(&other, PATH, &stolen).await.status, 400);
    let unasked = create(&app, json!({"input": "Where?"})).await;
    assert!(!unasked.text.contains("encrypted_content"), "{}", unasked.text);
}
