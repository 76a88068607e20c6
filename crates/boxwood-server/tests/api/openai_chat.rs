//! Chat completions: the shapes of answers and streams, and the refusals of each contract.

use crate::openai::{CHAT, O4, events, question, refused};
use boxwood_core::{ChatEvent, FinishReason, ToolCall, ToolChoice, Usage};
use boxwood_models::StandIn;
use boxwood_test::app::DEVELOPER_TOKEN;
use boxwood_test::{Reply, Script, ScriptedModel, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

fn body(model: &str, more: Value) -> Value {
    question(model, "Where does the sun rise?", more)
}

fn thinking() -> Script {
    Script::Streams {
        events: vec![
            ChatEvent::Reasoning {
                text: "East, I think.".into(),
            },
            ChatEvent::Text {
                text: "In the ".into(),
                log_prob: Some(-0.1),
            },
            ChatEvent::Text {
                text: "east.".into(),
                log_prob: Some(-0.2),
            },
        ],
        finish: FinishReason::Stop,
        usage: Usage {
            input_tokens: 2_000,
            cached_tokens: 1_024,
            output_tokens: 70,
            reasoning_tokens: 64,
            ..Usage::default()
        },
    }
}

fn call(id: &str) -> ChatEvent {
    ChatEvent::ToolCall(ToolCall {
        id: id.into(),
        name: "weather".into(),
        arguments: r#"{"city":"Oslo"}"#.into(),
    })
}

fn weather() -> Value {
    json!({"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}}})
}

#[tokio::test]
async fn a_completion_has_openai_s_form_and_tells_what_served() {
    let app = TestApp::start().await;
    app.model.next(thinking());
    let reply = app
        .post(CHAT, &body(O4, json!({"reasoning_effort": "low"})))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(reply.body["object"], "chat.completion");
    assert_eq!(reply.body["model"], O4);
    let choice = &reply.body["choices"][0];
    assert_eq!(choice["message"]["content"], "In the east.");
    assert_eq!(
        (&choice["finish_reason"], &choice["logprobs"]),
        (&json!("stop"), &Value::Null)
    );
    let usage = &reply.body["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(2_000), &json!(70))
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 1_024);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 64);
    assert_eq!(reply.body.get("prompt_filter_results"), None);
    let boxwood = &reply.body["boxwood"];
    assert_eq!(boxwood["served_by"]["name"], "scripted__model");
    assert_eq!(boxwood["served_by"]["relation"], "stand_in");
    assert_eq!(boxwood["reasoning"], json!(["East, I think."]));
    assert_eq!(boxwood["warnings"], json!([]));
    assert_eq!(
        reply.header("x-boxwood-served-by"),
        "scripted__model; relation=stand_in"
    );
    assert!(!reply.header("x-request-id").is_empty());
    let asked = app.model.requests().pop().unwrap();
    assert!(asked.total_limit);
    assert_eq!(asked.shared_prefix.unwrap().partition, app.enterprise_id);
}

#[tokio::test]
async fn azure_s_addresses_speak_azure() {
    let app = TestApp::start().await;
    let plain = json!({"messages": [{"role": "user", "content": "Hi"}]});
    let path = format!("/openai/deployments/{O4}/chat/completions?api-version=2025-04-01-preview");
    let request = app
        .client
        .post(format!("{}{path}", app.base))
        .header("api-key", DEVELOPER_TOKEN);
    let reply = Reply::of(request.body(plain.to_string())).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.body["prompt_filter_results"][0]["prompt_index"], 0);
    assert_eq!(reply.body["choices"][0]["content_filter_results"], json!({}));
    let versionless = app
        .post(&format!("/openai/deployments/{O4}/chat/completions"), &plain)
        .await;
    assert_eq!(
        versionless.body,
        json!({"error": {"code": "404", "message": "Resource not found"}})
    );
    let unknown = app
        .post(
            "/openai/deployments/gpt_o4/chat/completions?api-version=2024-10-21",
            &plain,
        )
        .await;
    assert_eq!(
        (unknown.status, &unknown.body["error"]["code"]),
        (404, &json!("DeploymentNotFound"))
    );
    assert_eq!(unknown.body["error"].get("type"), None);
}

#[tokio::test]
async fn names_of_hosts_mean_their_cards_and_unknown_ones_are_answered_with_the_nearest() {
    let app = TestApp::start().await;
    let reply = app
        .post(CHAT, &body("o4-mini", json!({"temperature": 0.1})))
        .await;
    refused(&reply, 400, json!("temperature"), json!("unsupported_value"));
    let unknown = app
        .post(CHAT, &body("azure__openai__gpt_o4_mino", json!({})))
        .await;
    refused(&unknown, 404, json!("model"), json!("model_not_found"));
    assert!(
        unknown.body["error"]["message"].as_str().unwrap().contains(O4),
        "{}",
        unknown.text
    );
    let none = app.post(CHAT, &json!({"messages": []})).await;
    refused(&none, 400, Value::Null, Value::Null);
    let strict = TestApp::builder().stand_in(StandIn::Deny).start().await;
    let unbound = strict.post(CHAT, &body(O4, json!({}))).await;
    refused(&unbound, 404, json!("model"), json!("model_not_found"));
}

#[tokio::test]
async fn the_o_series_contract_holds_whatever_serves() {
    let app = TestApp::start().await;
    for (name, value) in [
        ("top_p", json!(0.5)),
        ("presence_penalty", json!(1)),
        ("frequency_penalty", json!(1)),
        ("stop", json!("x")),
        ("logprobs", json!(true)),
        ("parallel_tool_calls", json!(true)),
        ("max_tokens", json!(5)),
        ("logit_bias", json!({"1": 1})),
    ] {
        let reply = app.post(CHAT, &body(O4, json!({name: value}))).await;
        refused(&reply, 400, json!(name), json!("unsupported_parameter"));
        assert_eq!(reply.body["error"]["type"], "invalid_request_error");
    }
    let both = json!({"model": O4, "messages": [
        {"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, {"role": "user", "content": "c"}]});
    refused(&app.post(CHAT, &both).await, 400, json!("messages"), Value::Null);
    let schema = json!({"response_format": {"type": "json_schema", "json_schema": {
        "name": "a", "strict": true, "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}});
    refused(
        &app.post(CHAT, &body(O4, schema)).await,
        400,
        json!("response_format"),
        Value::Null,
    );
    let effort = app
        .post(CHAT, &body(O4, json!({"reasoning_effort": "minimal"})))
        .await;
    refused(
        &effort,
        400,
        json!("reasoning_effort"),
        json!("unsupported_value"),
    );
    let large = app
        .post(CHAT, &body(O4, json!({"max_completion_tokens": 100_001})))
        .await;
    refused(
        &large,
        400,
        json!("max_completion_tokens"),
        json!("invalid_value"),
    );
    assert!(app.model.requests().is_empty(), "nothing of that was asked");
    let fine = app
        .post(
            CHAT,
            &body(
                O4,
                json!({"temperature": 1, "max_completion_tokens": 50_000, "seed": 1}),
            ),
        )
        .await;
    assert_eq!(fine.status, 200, "{}", fine.text);
    assert!(
        fine.body["boxwood"]["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("max_completion_tokens"),
        "{}",
        fine.text
    );
}

#[tokio::test]
async fn a_local_name_takes_what_the_model_takes() {
    let app = TestApp::start().await;
    let more = json!({"temperature": 0.3, "top_p": 0.9, "stop": ["x"], "max_tokens": 3, "logprobs": true, "n": 2, "seed": 5});
    let reply = app.post(CHAT, &body("scripted__model", more)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let choices = reply.body["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2);
    assert_eq!(choices[1]["finish_reason"], "length");
    assert_eq!(choices[0]["logprobs"]["content"][0]["token"], "The ");
    assert_eq!(
        choices[0]["logprobs"]["content"][0]["bytes"],
        json!([84, 104, 101, 32])
    );
    assert_eq!(reply.body["usage"]["completion_tokens"], 6);
    let mut seeds: Vec<_> = app
        .model
        .requests()
        .iter()
        .map(|request| request.sampling.seed)
        .collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [Some(5), Some(6)]);
    let request = app.model.requests().pop().unwrap();
    assert_eq!(
        (request.max_output_tokens, request.stop),
        (3, vec!["x".to_owned()])
    );
}

#[tokio::test]
async fn a_stream_has_azure_s_pieces_in_azure_s_order() {
    let app = TestApp::start().await;
    app.model.next(thinking());
    let more = json!({"stream": true, "stream_options": {"include_usage": true}});
    let reply = app.post("/openai/v1/chat/completions", &body(O4, more)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    let events = events(&reply);
    assert_eq!(events[0]["choices"], json!([]));
    assert_eq!((&events[0]["id"], &events[0]["created"]), (&json!(""), &json!(0)));
    assert!(events[0]["prompt_filter_results"].is_array());
    assert_eq!(events[1]["choices"][0]["delta"]["role"], "assistant");
    let texts: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(texts, "In the east.");
    assert!(!reply.text.contains("I think"), "thinking is not shown");
    let [.., finish, usage, done] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        (
            &usage["choices"],
            &usage["usage"]["completion_tokens_details"]["reasoning_tokens"]
        ),
        (&json!([]), &json!(64))
    );
    assert_eq!(usage["boxwood"]["served_by"]["name"], "scripted__model");
    assert_eq!(done, "[DONE]");
}

#[tokio::test]
async fn a_stream_of_openai_has_neither_opening_nor_usage_unasked() {
    let app = TestApp::start().await;
    let reply = app
        .post(CHAT, &body("scripted__model", json!({"stream": true, "n": 2})))
        .await;
    let events = events(&reply);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(events.iter().all(|event| event.get("usage").is_none()));
    let finishes: Vec<_> = events
        .iter()
        .filter(|event| event["choices"][0]["finish_reason"].is_string())
        .collect();
    assert_eq!(
        (finishes.len(), &finishes[1]["choices"][0]["index"]),
        (2, &json!(1))
    );
    assert_eq!(events.last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn failures_before_a_stream_have_a_status_and_in_it_an_error() {
    let app = TestApp::start().await;
    app.model.next(Script::Overloaded(Duration::from_millis(1_500)));
    let busy = app.post(CHAT, &body(O4, json!({"stream": true}))).await;
    refused(&busy, 429, Value::Null, json!("rate_limit_exceeded"));
    assert_eq!(
        (busy.header("retry-after"), busy.header("retry-after-ms")),
        ("2", "1500")
    );
    app.model.next(Script::Overloaded(Duration::from_secs(1)));
    let azure = app
        .post("/openai/v1/chat/completions", &body(O4, json!({})))
        .await;
    assert_eq!(azure.body["error"]["code"], "429");
    app.model.next(Script::Breaks);
    let broken = app.post(CHAT, &body(O4, json!({"stream": true}))).await;
    let events = events(&broken);
    assert_eq!(events.last().unwrap()["error"]["type"], "server_error");
    app.model.next(Script::Breaks);
    refused(
        &app.post(CHAT, &body(O4, json!({}))).await,
        502,
        Value::Null,
        Value::Null,
    );
    app.model.next(Script::Panics);
    refused(
        &app.post(CHAT, &body(O4, json!({}))).await,
        500,
        Value::Null,
        Value::Null,
    );
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_work() {
    let app = TestApp::start().await;
    app.model.hold();
    let request = app
        .request("POST", CHAT)
        .body(body(O4, json!({"stream": true})).to_string());
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), app.model.running()), (200, 1));
    drop(response);
    app.model.until_abandoned().await;
}

#[tokio::test]
async fn tools_are_offered_called_and_answered() {
    let app = TestApp::start().await;
    app.model.next(Script::Streams {
        events: vec![call(""), call("call_of_the_host")],
        finish: FinishReason::Stop,
        usage: Usage::default(),
    });
    let reply = app
        .post(
            CHAT,
            &body(O4, json!({"tools": [weather()], "tool_choice": "required"})),
        )
        .await;
    let choice = &reply.body["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    let own = calls[0]["id"].as_str().unwrap();
    assert!(own.starts_with("call_"), "{own}");
    assert_eq!(calls[1]["id"], "call_of_the_host");
    let asked = app.model.requests().pop().unwrap();
    assert_eq!(
        (asked.tools[0].name.as_str(), asked.tool_choice),
        ("weather", ToolChoice::Required)
    );

    let mut next = body(O4, json!({"tools": [weather()]}));
    let messages = next["messages"].as_array_mut().unwrap();
    messages.push(choice["message"].clone());
    for call in calls {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "5 °C"}));
    }
    assert_eq!(app.post(CHAT, &next).await.status, 200);
    let asked = app.model.requests().pop().unwrap();
    assert_eq!(asked.messages[1].tool_calls.len(), 2);
    assert_eq!(
        asked.messages[3].tool_call_id.as_deref(),
        Some("call_of_the_host")
    );
}

#[tokio::test]
async fn calls_come_in_streams_too() {
    let app = TestApp::start().await;
    app.model.next(Script::Streams {
        events: vec![call("a"), call("b")],
        finish: FinishReason::ToolCalls,
        usage: Usage::default(),
    });
    let reply = app
        .post(CHAT, &body(O4, json!({"tools": [weather()], "stream": true})))
        .await;
    let events = events(&reply);
    let deltas: Vec<&Value> = events
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0])
        .filter(|call| call.is_object())
        .collect();
    assert_eq!(deltas[0]["function"], json!({"name": "weather", "arguments": ""}));
    assert_eq!(deltas[1]["function"]["arguments"], r#"{"city":"Oslo"}"#);
    assert_eq!((&deltas[2]["index"], &deltas[2]["id"]), (&json!(1), &json!("b")));
    assert!(
        reply.text.contains("\"finish_reason\":\"tool_calls\""),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn a_model_without_tools_says_so() {
    let model = ScriptedModel::with_identity("x", |identity| identity.tools = false);
    let app = TestApp::builder().model(model).start().await;
    let reply = app.post(CHAT, &body(O4, json!({"tools": [weather()]}))).await;
    refused(&reply, 400, json!("tools"), json!("unsupported_parameter"));
}

#[tokio::test]
async fn structured_replies_are_asked_for() {
    let app = TestApp::start().await;
    app.model.next(Script::SaysJson(json!({"direction": "east"})));
    let schema = json!({"type": "object", "properties": {"direction": {"type": "string"}}, "required": ["direction"], "additionalProperties": false});
    let mut format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "sun", "strict": true, "schema": schema}}});
    let reply = app.post(CHAT, &body(O4, format.clone())).await;
    assert_eq!(
        reply.body["choices"][0]["message"]["content"],
        "{\"direction\":\"east\"}"
    );
    let request = app.model.requests().pop().unwrap();
    let asked = request.response_format.unwrap();
    assert_eq!((asked.name.as_str(), asked.schema), ("sun", schema));
    assert!(request.whole_value, "a whole value, whatever its room");
    format["tools"] = json!([weather()]);
    app.post(CHAT, &body(O4, format)).await;
    assert!(!app.model.requests().pop().unwrap().whole_value);
}

#[tokio::test]
async fn a_conversation_that_does_not_fit_is_refused_before_any_work() {
    let model = ScriptedModel::with_identity("x", |identity| identity.context_window = 200);
    let app = TestApp::builder().model(model).start().await;
    let long = json!({"model": O4, "messages": [{"role": "user", "content": "word ".repeat(300)}]});
    let reply = app.post(CHAT, &long).await;
    refused(&reply, 400, json!("messages"), json!("context_length_exceeded"));
    assert!(app.model.requests().is_empty());
}

#[tokio::test]
async fn tokens_need_the_scope_and_no_item() {
    let app = TestApp::start().await;
    let nobody = Reply::of(app.client.post(format!("{}{CHAT}", app.base)).body("{}")).await;
    refused(&nobody, 401, Value::Null, json!("invalid_api_key"));
    let wrong = Reply::of(
        app.client
            .post(format!("{}/openai/v1/chat/completions", app.base))
            .header("api-key", "nonsense")
            .body("{}"),
    )
    .await;
    assert_eq!((wrong.status, &wrong.body["error"]["code"]), (401, &json!("401")));
    let token = app.service_token().await;
    let narrow = app.narrow(&token, "item_preview", None).await.access_token();
    let scopeless = app.post_as(&narrow, CHAT, &body(O4, json!({}))).await;
    refused(&scopeless, 403, Value::Null, json!("insufficient_permissions"));
    assert_eq!(app.post_as(&token, CHAT, &body(O4, json!({}))).await.status, 200);
}

#[tokio::test]
async fn other_addresses_and_bodies_are_refused_in_the_same_form() {
    let app = TestApp::start().await;
    let nowhere = app.get("/v1/assistants").await;
    refused(&nowhere, 404, Value::Null, Value::Null);
    assert_eq!(
        nowhere.body["error"]["message"],
        "Invalid URL (GET /v1/assistants)"
    );
    let method = app.get(CHAT).await;
    refused(&method, 405, Value::Null, Value::Null);
    assert_eq!(
        method.body["error"]["message"],
        "Not allowed to GET on /v1/chat/completions. (HINT: Perhaps you meant to use a different HTTP method?)"
    );
    assert_eq!(method.header("allow"), "POST");
    let response = app.post("/v1/responses/resp_1", &json!({})).await;
    assert_eq!((response.status, response.header("allow")), (405, "GET, DELETE"));
    for path in ["/openai/v1/chat/completions", "/openai/v1/assistants"] {
        let reply = app.get(path).await;
        let gateway = json!({"error": {"code": "404", "message": "Resource not found"}});
        assert_eq!((reply.status, reply.body), (404, gateway), "{path}");
    }
    let broken = Reply::of(app.request("POST", CHAT).body("{")).await;
    refused(&broken, 400, Value::Null, Value::Null);
    let unknown = app.post(CHAT, &body(O4, json!({"foo": 1}))).await;
    assert_eq!(
        unknown.body["error"]["message"],
        "Unrecognized request argument supplied: foo"
    );
}
