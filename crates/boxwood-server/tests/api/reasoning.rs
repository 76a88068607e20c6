//! Questions that ask for a computation: what a program gave, what it started from, and that thinking stays hidden.

use crate::question;
use boxwood_answer::reason::Sandbox;
use boxwood_core::ChatRequest;
use boxwood_ingest::WorkerCommand;
use boxwood_test::{Script, ScriptedModel, TestApp};
use serde_json::{Value, json};

const PATH: &str = "/2.0/ai/ask";
const TEXT: &str = "Sales were 1,250 in 2019 and 1,000 in 2018.";

/// A worker that prints what every program of these tests gives.
fn sandbox() -> Sandbox {
    let script = r#"cat > /dev/null; echo '{"output":"25%","error":null}'"#;
    Sandbox::with_command(WorkerCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    })
}

fn asks_for_program(request: &ChatRequest) -> bool {
    let last = request.messages.last();
    last.is_some_and(|message| message.content.contains("Write a short Python program"))
}

async fn start() -> TestApp {
    start_with("new = 1250\nold = 1000\nprint(f'{(new - old) / old:.0%}')").await
}

/// An application whose model writes this program.
async fn start_with(program: &'static str) -> TestApp {
    let model = ScriptedModel::saying("Sales were 1,250 in 2019.");
    model.respond_with(move |request| {
        let last = request.messages.last()?;
        if asks_for_program(request) {
            return Some(Script::Says(format!("```python\n{program}\n```")));
        }
        let thinks = last.content.contains("Think step by step");
        thinks.then(|| Script::Says("SECRET thought. Answer: 25%".to_owned()))
    });
    TestApp::builder().model(model).sandbox(sandbox()).start().await
}

async fn ask(app: &TestApp, prompt: &str, effort: Option<&str>) -> Value {
    let file = app.upload("sales.txt", b"x").await;
    ask_about(app, &file, prompt, effort).await
}

async fn ask_about(app: &TestApp, file: &str, prompt: &str, effort: Option<&str>) -> Value {
    let mut body = question(file);
    body["prompt"] = json!(prompt);
    body["items"][0]["content"] = json!(TEXT);
    body["include_citations"] = json!(true);
    if let Some(effort) = effort {
        let params = json!({"type": "openai_params", "temperature": 0.0, "reasoning_effort": effort});
        body["ai_agent"] = json!({"type": "ai_agent_ask", "basic_text": {"llm_endpoint_params": params}});
    }
    let reply = app.post(PATH, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(!reply.text.contains("SECRET"), "{}", reply.text);
    reply.body
}

const CHANGE: &str = "What was the percentage change in sales between 2018 and 2019?";

#[tokio::test]
async fn a_computed_answer_shows_its_program_and_its_values() {
    let app = start().await;
    let body = ask(&app, CHANGE, None).await;
    assert_eq!(body["answer"], "25%");
    let ours = &body["boxwood"];
    let calculation = &ours["calculation"];
    assert_eq!(calculation["output"], "25%");
    assert!(calculation["program"].as_str().unwrap().starts_with("new = 1250"));
    assert_eq!(
        calculation["values"][0],
        json!({"value": "1250", "stated_as": "1,250"})
    );
    assert_eq!(ours["reasoning"]["effort"], "medium");
    assert_eq!(ours["reasoning"]["stopped_by"], "agreement");
    assert_eq!(ours["support"]["method"], "calculation");
    assert_eq!(ours["usage"]["reasoning_tokens"], ours["usage"]["output_tokens"]);
    assert!(
        body["citations"][0]["content"]
            .as_str()
            .unwrap()
            .contains("1,250")
    );
}

#[tokio::test]
async fn a_program_that_starts_from_nothing_that_is_stated_is_no_answer() {
    let app = start_with("print(f'{7 * 12}')").await;
    let body = ask(&app, CHANGE, None).await;
    assert_eq!(body["answer"], "Sales were 1,250 in 2019.");
    assert!(body["boxwood"].get("calculation").is_none());
}

#[tokio::test]
async fn the_documents_are_shared_with_look_ups() {
    let app = start().await;
    let file = app.upload("sales.txt", b"x").await;
    ask_about(&app, &file, CHANGE, None).await;
    ask_about(&app, &file, "What were sales in 2019?", None).await;
    let requests = app.model.requests();
    let shared = |request: &ChatRequest| {
        let boundary = request.shared_prefix.as_ref().unwrap().boundary;
        let before: Vec<_> = request.messages.iter().rev().skip(1).cloned().collect();
        let last = &request.messages.last().unwrap().content;
        (before, last[..boundary].to_owned())
    };
    let first = shared(&requests[0]);
    let asked: Vec<_> = requests
        .iter()
        .filter(|request| request.max_output_tokens > 1)
        .collect();
    assert!(asked.len() >= 3);
    assert!(asked.iter().all(|request| shared(request) == first));
}

#[tokio::test]
async fn low_effort_and_look_ups_are_answered_directly() {
    let app = start().await;
    let file = app.upload("sales.txt", b"x").await;
    for (prompt, effort) in [(CHANGE, Some("low")), ("What were sales in 2019?", None)] {
        let body = ask_about(&app, &file, prompt, effort).await;
        assert_eq!(body["answer"], "Sales were 1,250 in 2019.", "{prompt}");
        assert!(body["boxwood"].get("reasoning").is_none() && body["boxwood"].get("calculation").is_none());
    }
    assert_eq!(app.model.requests().len(), 2);
}

#[tokio::test]
async fn high_effort_asks_a_look_up_again_and_tells_it() {
    let app = start().await;
    let body = ask(&app, "What were sales in 2019?", Some("high")).await;
    assert_eq!(body["answer"], "Sales were 1,250 in 2019.");
    assert_eq!(body["boxwood"]["reasoning"]["samples"], 3);
    assert_eq!(app.model.requests().len(), 3);
}

#[tokio::test]
async fn an_effort_that_is_none_is_refused_with_its_path() {
    let app = start().await;
    let file = app.upload("sales.txt", b"x").await;
    let mut body = question(&file);
    let params = json!({"type": "openai_params", "reasoning_effort": "most"});
    body["ai_agent"] = json!({"type": "ai_agent_ask", "basic_text": {"llm_endpoint_params": params}});
    let path = "ai_agent.basic_text.llm_endpoint_params.reasoning_effort";
    let reply = app.post(PATH, &body).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains(path), "{}", reply.text);
}
