//! The effort of a request to a local model that does not think by itself: it is thought about, within the client's
//! bound, and nothing of it stands in the answer.

use crate::openai::{CHAT, O4, events, question};
use boxwood_answer::reason::Sandbox;
use boxwood_core::ChatRequest;
use boxwood_ingest::WorkerCommand;
use boxwood_test::{Reply, Script, ScriptedModel, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

const RESPONSES: &str = "/v1/responses";
const APPLES: &str = "Ann has 3 apples and buys 4. How many are there?";
const ALONE: &str =
    "Ann has 3 apples and buys 4. How many are there?\n\nGive the number alone on the last line.";
const POEM: &str = "Write a line about the sea.";

/// A worker that prints what every program of these tests gives.
fn sandbox() -> Sandbox {
    let script = r#"cat > /dev/null; echo '{"output":"7","error":null}'"#;
    Sandbox::with_command(WorkerCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    })
}

fn last(request: &ChatRequest) -> &str {
    request
        .messages
        .last()
        .map_or("", |message| message.content.as_str())
}

/// What the model writes at each step; `worded` once a result was worked out.
fn respond(request: &ChatRequest, worded: &str) -> Option<Script> {
    let words = last(request);
    let says = |text: &str| Some(Script::Says(text.to_owned()));
    if words.contains("Write a short Python program") {
        return says("```python\nprint(3 + 4)\n```");
    }
    if words.contains("Think step by step") {
        return says("A SECRET thought. Answer: 7");
    }
    if words.contains("think in plain words") {
        return says("My SECRET notes.");
    }
    if words.contains("Worked out before") {
        return says(worded);
    }
    None
}

async fn start_saying(worded: &'static str) -> TestApp {
    let model = ScriptedModel::saying("The sea is wide.");
    model.respond_with(move |request| respond(request, worded));
    TestApp::builder().model(model).sandbox(sandbox()).start().await
}

async fn start() -> TestApp {
    start_saying("Ann has 7 apples.").await
}

fn body(content: &str, more: Value) -> Value {
    question(O4, content, more)
}

/// The body of an answer in which nothing of the thinking stands.
#[track_caller]
fn answered(reply: &Reply) -> &Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(!reply.text.contains("SECRET"), "{}", reply.text);
    &reply.body
}

async fn chat(app: &TestApp, content: &str, more: Value) -> Value {
    let reply = app.post(CHAT, &body(content, more)).await;
    answered(&reply).clone()
}

fn content(body: &Value) -> &Value {
    &body["choices"][0]["message"]["content"]
}

fn warnings(body: &Value) -> String {
    body["boxwood"]["warnings"].to_string()
}

#[tokio::test]
async fn a_computation_is_worked_out_and_the_answer_stands_alone_where_that_is_asked_for() {
    let app = start().await;
    let body = chat(&app, ALONE, json!({"reasoning_effort": "medium"})).await;
    assert_eq!(content(&body), "7");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    let usage = &body["usage"];
    assert!(
        usage["completion_tokens_details"]["reasoning_tokens"]
            .as_u64()
            .unwrap()
            > 0
    );
    assert!(
        usage["prompt_tokens"].as_u64().unwrap() < 100,
        "the prompt is counted once: {usage}"
    );
    let thinking = &body["boxwood"]["thinking"][0];
    assert_eq!(
        (
            &thinking["effort"],
            &thinking["samples"],
            &thinking["calculation"]["output"]
        ),
        (&json!("medium"), &json!(2), &json!("7")),
        "{thinking}"
    );
    assert_eq!(warnings(&body), "[]");
    let requests = app.model.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        let shared = request.shared_prefix.as_ref().unwrap();
        assert_eq!(shared.partition, app.enterprise_id);
        assert_eq!(&last(request)[..shared.boundary], ALONE);
        assert_eq!(request.effort, None);
    }
}

#[tokio::test]
async fn a_result_is_put_into_words_that_give_it() {
    let effort = json!({"reasoning_effort": "medium"});
    let app = start().await;
    let body = chat(&app, APPLES, effort.clone()).await;
    assert_eq!(content(&body), "Ann has 7 apples.");
    let usage = &body["usage"];
    let reasoning = &usage["completion_tokens_details"]["reasoning_tokens"];
    assert_eq!(
        usage["completion_tokens"].as_u64().unwrap() - reasoning.as_u64().unwrap(),
        4,
        "the words of the answer are no thinking: {usage}"
    );
    let contradicting = start_saying("Ann has 12 apples.").await;
    let body = chat(&contradicting, APPLES, effort).await;
    assert_eq!(
        content(&body),
        "7",
        "words that give another result are not shown"
    );
}

#[tokio::test]
async fn anything_else_is_thought_about_and_then_answered() {
    let app = start().await;
    let body = chat(&app, POEM, json!({"reasoning_effort": "high"})).await;
    assert_eq!(content(&body), "The sea is wide.");
    let usage = &body["usage"];
    assert_eq!(
        (
            &usage["completion_tokens"],
            &usage["completion_tokens_details"]["reasoning_tokens"]
        ),
        (&json!(7), &json!(3))
    );
    assert_eq!(body["boxwood"]["thinking"][0]["stopped_by"], "completed");
    let requests = app.model.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| last(request).starts_with(POEM)));
    assert!(last(&requests[1]).contains("My SECRET notes."));
}

#[tokio::test]
async fn low_and_no_effort_are_one_direct_completion() {
    let app = start().await;
    for more in [json!({"reasoning_effort": "low"}), json!({})] {
        let body = chat(&app, APPLES, more).await;
        assert_eq!(content(&body), "The sea is wide.");
        assert_eq!(body["boxwood"].get("thinking"), None);
        assert_eq!(warnings(&body), "[]");
    }
    assert_eq!(app.model.requests().len(), 2);
}

#[tokio::test]
async fn the_client_s_bound_holds_for_thinking_and_answer_together() {
    let app = start().await;
    let more = json!({"reasoning_effort": "high", "max_completion_tokens": 300});
    chat(&app, POEM, more).await;
    let limits: Vec<u32> = app
        .model
        .requests()
        .iter()
        .map(|request| request.max_output_tokens)
        .collect();
    assert_eq!(
        limits,
        [150, 297],
        "half for thinking, and what it left for the answer"
    );

    let more = json!({"reasoning_effort": "high", "max_completion_tokens": 50});
    let body = chat(&app, POEM, more).await;
    assert_eq!(app.model.requests().len(), 3, "no thinking with so few tokens");
    assert!(warnings(&body).contains("reasoning_effort"), "{body}");

    let thinks_much = start_saying("Ann has 7 apples.").await;
    let spent = chat(
        &thinks_much,
        ALONE,
        json!({"reasoning_effort": "high", "max_completion_tokens": 400}),
    )
    .await;
    assert!(
        spent["usage"]["completion_tokens"].as_u64().unwrap() <= 400,
        "{spent}"
    );
    let first = &thinks_much.model.requests()[0];
    assert!(first.max_output_tokens <= 400 - 48);
}

#[tokio::test]
async fn what_can_not_be_thought_about_is_answered_directly_and_told() {
    let app = start().await;
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {}, "required": [], "additionalProperties": false}}});
    let body = chat(&app, APPLES, json!({"reasoning_effort": "high", "tools": [tool]})).await;
    assert!(warnings(&body).contains("tools are called directly"), "{body}");
    assert_eq!(app.model.requests().len(), 1);
}

#[tokio::test]
async fn a_structured_reply_is_held_to_its_schema_after_free_thinking() {
    let app = start().await;
    app.model.respond_with(|request| {
        Some(match request.response_format {
            Some(_) => Script::SaysJson(json!({"direction": "east"})),
            None => Script::Says("SECRET thoughts.".to_owned()),
        })
    });
    let schema = json!({"type": "object", "properties": {"direction": {"type": "string"}}, "required": ["direction"], "additionalProperties": false});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "sun", "strict": true, "schema": schema}});
    let more = json!({"reasoning_effort": "medium", "response_format": format});
    let body = chat(&app, "Where does the sun rise?", more).await;
    assert_eq!(content(&body), "{\"direction\":\"east\"}");
    let requests = app.model.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].response_format.is_none() && requests[1].response_format.is_some());
    assert!(last(&requests[1]).contains("SECRET thoughts."));
}

#[tokio::test]
async fn a_result_that_was_worked_out_goes_into_a_structured_reply() {
    let app = start().await;
    app.model.respond_with(|request| match request.response_format {
        Some(_) => Some(Script::SaysJson(json!({"apples": 7}))),
        None => respond(request, ""),
    });
    let schema = json!({"type": "object", "properties": {"apples": {"type": "integer"}}, "required": ["apples"], "additionalProperties": false});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "apples", "strict": true, "schema": schema}});
    let body = chat(
        &app,
        APPLES,
        json!({"reasoning_effort": "medium", "response_format": format}),
    )
    .await;
    assert_eq!(content(&body), "{\"apples\":7}");
    let requests = app.model.requests();
    let [thinking @ .., reply] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert!(thinking.len() == 2 && thinking.iter().all(|request| request.response_format.is_none()));
    assert!(last(reply).contains("Worked out before: the answer is 7."));
}

#[tokio::test]
async fn a_stream_has_the_same_pieces_as_without_thinking() {
    let app = start().await;
    let more =
        json!({"reasoning_effort": "medium", "stream": true, "stream_options": {"include_usage": true}});
    let reply = app.post(CHAT, &body(POEM, more)).await;
    answered(&reply);
    let events = events(&reply);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let texts: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(texts, "The sea is wide.");
    let [.., finish, usage, done] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["usage"]["completion_tokens_details"]["reasoning_tokens"], 3);
    assert_eq!(usage["boxwood"]["thinking"][0]["effort"], "medium");
    assert_eq!(done, "[DONE]");
}

#[tokio::test]
async fn responses_tell_the_report_as_their_summary() {
    let app = start().await;
    let body = json!({"model": O4, "input": ALONE, "reasoning": {"effort": "medium", "summary": "auto"}});
    let reply = app.post(RESPONSES, &body).await;
    let response = answered(&reply);
    let output = &response["output"];
    assert_eq!(output[0]["type"], "reasoning");
    let summary = output[0]["summary"][0]["text"].as_str().unwrap();
    assert!(summary.contains("came to this answer"), "{summary}");
    assert_eq!(output[1]["content"][0]["text"], "7");
    assert_eq!(response["status"], "completed");
    let details = &response["usage"]["output_tokens_details"];
    assert!(details["reasoning_tokens"].as_u64().unwrap() > 0);
    assert_eq!(response["boxwood"]["thinking"][0]["calculation"]["output"], "7");

    let silent = json!({"model": O4, "input": POEM, "reasoning": {"effort": "medium"}, "stream": true});
    let reply = app.post(RESPONSES, &silent).await;
    answered(&reply);
    let place = |name: &str| {
        reply
            .text
            .find(name)
            .unwrap_or_else(|| panic!("{name}: {}", reply.text))
    };
    assert!(place("response.created") < place("response.output_text.delta"));
    assert!(
        !reply.text.contains("reasoning_summary_text"),
        "unasked, nothing is summed up"
    );
    assert!(place("\"type\":\"reasoning\"") < place("response.output_text.delta"));
}

#[tokio::test]
async fn a_busy_model_is_told_with_a_status_before_any_thinking() {
    let app = TestApp::start().await;
    for stream in [false, true] {
        app.model.next(Script::Overloaded(Duration::from_secs(2)));
        let more = json!({"reasoning_effort": "high", "stream": stream});
        let reply = app.post(CHAT, &body(POEM, more)).await;
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (429, "2"),
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_thinking() {
    let app = start().await;
    app.model.hold();
    let more = json!({"reasoning_effort": "high", "stream": true});
    let request = app.request("POST", CHAT).body(body(POEM, more).to_string());
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), app.model.running()), (200, 1));
    drop(response);
    app.model.until_abandoned().await;
}
