//! Over a server: the same rows, by the public API.

use crate::{Given, HELPER, lines, model, questions};
use boxwood_eval::target::server::{ServerSettings, ServerTarget};
use boxwood_eval::{EffortChoice, EvalError};
use boxwood_test::{Script, ScriptedModel, TestApp};
use serde_json::json;
use std::time::Duration;

fn settings(base: &str) -> ServerSettings {
    ServerSettings {
        base: base.to_owned(),
        token: "boxwood-dev-token".into(),
        model: None,
        effort: None,
        enhanced: false,
    }
}

async fn server(model: ScriptedModel) -> TestApp {
    TestApp::builder().worker(HELPER).model(model).start().await
}

#[tokio::test]
async fn questions_are_asked_over_the_api_and_leave_nothing_behind() {
    let app = server(model()).await;
    let given = Given::new(&questions());
    let target = ServerTarget::new(settings(&app.base)).unwrap();
    given.run(&target).await.unwrap();
    let written = lines(&given.out());
    assert_eq!(given.ids(), ["q1", "q2", "q3"]);
    assert_eq!(written[0]["answer"], "The sun of q1 rises in the east.");
    assert_eq!(written[0]["sources"], json!(["q1/b"]), "{}", written[0]);
    assert!(
        written[0]["confidence"].is_number() && written[0]["usage"]["output_tokens"].is_u64(),
        "{}",
        written[0]
    );
    let items = app.get("/2.0/folders/0/items").await;
    assert_eq!(items.body["total_count"], 0, "{}", items.text);
}

#[tokio::test]
async fn fields_are_extracted_over_the_api() {
    let model = ScriptedModel::saying("{}");
    model.respond_with(|_| Some(Script::SaysJson(json!({"company": "Example Ltd"}))));
    let app = server(model).await;
    let given = Given::new(&[json!({
        "id": "e1", "set": "sroie", "task": "extract", "expected": {"company": "Example Ltd"},
        "documents": [{"doc_id": "d", "text": "Example Ltd"}], "schema": {"properties": {"company": {"type": "string"}}},
    })]);
    given
        .run(&ServerTarget::new(settings(&app.base)).unwrap())
        .await
        .unwrap();
    let written = &lines(&given.out())[0];
    assert_eq!(written["answer"], json!({"company": "Example Ltd"}), "{written}");
    assert!(written["confidence"]["company"]["score"].is_number(), "{written}");
}

#[tokio::test]
async fn files_are_read_or_refused_over_the_api() {
    let app = server(model()).await;
    let row = |id: &str, text: &str| json!({"id": id, "task": "robust", "documents": [{"doc_id": id, "title": format!("{id}.txt"), "text": text}]});
    let given = Given::new(&[row("f1", "Plain text."), row("f2", "%PDF-1.7\nnothing of a PDF")]);
    given
        .run(&ServerTarget::new(settings(&app.base)).unwrap())
        .await
        .unwrap();
    let outcomes: Vec<_> = lines(&given.out())
        .iter()
        .map(|line| line["answer"]["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["text", "refused"]);
}

#[tokio::test]
async fn problems_and_values_go_through_chat_completions() {
    let model = ScriptedModel::saying("So it is\n42");
    let app = server(model.clone()).await;
    let problem = || {
        let row = json!({"id": "p1", "set": "gsm8k", "task": "reason", "question": "6 times 7?", "answers": ["42"]});
        Given::new(&[row])
    };
    for effort in [None, Some(EffortChoice::Low)] {
        let given = problem();
        let target = ServerTarget::new(ServerSettings {
            effort,
            ..settings(&app.base)
        })
        .unwrap();
        given.run(&target).await.unwrap();
        let written = &lines(&given.out())[0];
        let answer = written["answer"].as_str().unwrap_or_default();
        assert!(
            answer.contains("42") && written["usage"].is_object(),
            "{effort:?}: {written}"
        );
    }
    model.next(Script::SaysJson(json!([1, 2])));
    let given = Given::new(&[
        json!({"id": "j1", "task": "jsonschema", "schema": {"type": "array", "items": {"type": "integer"}}}),
    ]);
    given
        .run(&ServerTarget::new(settings(&app.base)).unwrap())
        .await
        .unwrap();
    assert_eq!(lines(&given.out())[0]["answer"], json!([1, 2]));
}

#[tokio::test]
async fn a_refused_row_keeps_the_servers_words() {
    let app = server(model()).await;
    let mut row = questions().remove(0);
    row["question"] = json!("why ".repeat(4_000));
    let given = Given::new(&[row, questions().remove(1)]);
    given
        .run(&ServerTarget::new(settings(&app.base)).unwrap())
        .await
        .unwrap();
    let written = lines(&given.out());
    let error = written[0]["error"].as_str().unwrap();
    assert!(error.contains("400") && error.contains("prompt"), "{error}");
    assert_eq!(written[1]["answer"], "The sun of q2 rises in the west.");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let model = model();
    let app = server(model.clone()).await;
    model.respond_with(|_| None);
    model.next(Script::Overloaded(Duration::from_secs(1)));
    model.next(Script::Says("The sun of q1 rises in the east.".to_owned()));
    let given = Given::new(&questions()[..1]);
    given
        .run(&ServerTarget::new(settings(&app.base)).unwrap())
        .await
        .unwrap();
    assert_eq!(
        lines(&given.out())[0]["answer"],
        "The sun of q1 rises in the east."
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_ends_the_run_and_keeps_what_is_written() {
    let given = Given::new(&questions());
    let mut app = server(model()).await;
    let target = ServerTarget::new(settings(&app.base)).unwrap();
    app.stop().await;
    let error = given.run(&target).await.unwrap_err();
    assert!(
        matches!(&error, EvalError::Target { message } if message.contains("can't be reached")),
        "{error}"
    );
    assert!(
        lines(&given.out()).is_empty(),
        "a row that was not asked has no line"
    );
    let token = ServerSettings {
        token: "wrong".into(),
        ..settings(&server(model()).await.base)
    };
    assert!(!format!("{token:?}").contains("wrong"), "a token is never shown");
}

#[tokio::test]
async fn a_wrong_token_ends_the_run() {
    let app = server(model()).await;
    let target = ServerTarget::new(ServerSettings {
        token: "wrong".into(),
        ..settings(&app.base)
    })
    .unwrap();
    let error = Given::new(&questions())
        .run(&target)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("401") && error.contains("BOXWOOD_TOKEN"),
        "{error}"
    );
}

#[test]
fn a_server_has_no_baseline() {
    let wanted = ServerSettings {
        effort: Some(EffortChoice::Baseline),
        ..settings("http://127.0.0.1:1")
    };
    assert!(ServerTarget::new(wanted).is_err());
}
