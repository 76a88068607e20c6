//! `/boxwood/usage` and budgets: what every route of the AI operations counts, who sees it, and what is refused.

use crate::question;
use boxwood_core::Money;
use boxwood_models::meter::{Budget, Limit, Period, Price, StatedPrice, Whose};
use boxwood_test::{Reply, TestApp};
use serde_json::{Value, json};

const ASK: &str = "/2.0/ai/ask";

fn budget(limit: Limit) -> Budget {
    Budget {
        name: "tight".into(),
        user: Whose::Each,
        key: Whose::Everyone,
        model: Whose::Everyone,
        period: Period::Day,
        limit,
    }
}

fn price() -> StatedPrice {
    StatedPrice {
        name: "scripted__model".into(),
        price: Price {
            currency: "EUR".into(),
            input: 1_000_000_000,
            cached_input: 1_000_000_000,
            output: 1_000_000_000,
            as_of: "2026-11-22".into(),
            source: "stated".into(),
        },
    }
}

/// What is kept, once the writing has ended.
async fn usage(app: &TestApp, query: &str) -> Value {
    app.state.meter.drained().await;
    let reply = app.get(&format!("/boxwood/usage{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body
}

async fn file(app: &TestApp) -> String {
    app.upload("sun.txt", b"The sun rises in the east.").await
}

fn with_content(mut body: Value) -> Value {
    let items = if body["items"].is_array() { "items" } else { "item" };
    body[items][0]["content"] = json!("The sun rises in the east.");
    body
}

#[tokio::test]
async fn every_operation_is_counted_with_who_asked() {
    let app = TestApp::builder().price(price()).start().await;
    let file = file(&app).await;
    let item = json!([{"type": "file", "id": file, "content": "The sun rises in the east."}]);
    let calls = [
        (ASK, with_content(question(&file))),
        ("/2.0/ai/text_gen", json!({"prompt": "Write.", "items": item})),
        ("/2.0/ai/extract", json!({"prompt": "where", "items": item})),
        (
            "/2.0/ai/extract_structured",
            json!({"fields": [{"key": "where"}], "items": item}),
        ),
    ];
    for (path, body) in &calls {
        // A scripted text is no extraction, but it was written all the same.
        app.post(path, body).await;
    }
    let uses = usage(&app, "?by=use&limit=1000").await;
    let entries = uses["entries"].as_array().unwrap();
    for operation in ["ask", "text_gen", "extract", "extract_structured"] {
        let of = entries
            .iter()
            .find(|entry| entry["operation"] == operation && entry["kind"] == "chat");
        let of = of.unwrap_or_else(|| panic!("{operation} was not counted: {uses}"));
        // The developer token belongs to no application, so its number stands for it.
        assert_eq!(
            (&of["user_id"], &of["key"]),
            (&json!(app.admin_id), &json!("token:1"))
        );
        assert!(
            of["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0),
            "{of}"
        );
        assert!(
            of["cost"].as_str().is_some_and(|cost| cost.starts_with("0.0")),
            "{of}"
        );
        assert_eq!(of["currency"], "EUR");
        assert!(of["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    }
    let sums = usage(&app, "?by=model,user").await;
    let total: u64 = sums["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|sum| sum["uses"].as_u64())
        .sum();
    assert_eq!(total, entries.len() as u64);
    let csv = Reply::of(app.request("GET", "/boxwood/usage?by=use&format=csv&limit=1000")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.text.lines().count(), entries.len() + 1);
    assert!(csv.text.starts_with("at,user_id,user_login,key,"));
}

#[tokio::test]
async fn a_budget_refuses_before_the_model_is_asked_on_every_route() {
    let app = TestApp::builder().budget(budget(Limit::Tokens(20))).start().await;
    let file = file(&app).await;
    let item = json!([{"type": "file", "id": file, "content": "The sun rises in the east."}]);
    for (path, body) in [
        (ASK, with_content(question(&file))),
        ("/2.0/ai/text_gen", json!({"prompt": "Write.", "items": item})),
        ("/2.0/ai/extract", json!({"prompt": "where", "items": item})),
        (
            "/2.0/ai/extract_structured",
            json!({"fields": [{"key": "where"}], "items": item}),
        ),
    ] {
        let reply = app.post(path, &body).await;
        reply.assert_refused(403, "forbidden", "budget_exceeded", "");
        assert!(
            reply.body["message"].as_str().unwrap().contains("`tight`"),
            "{path}: {}",
            reply.text
        );
    }
    assert!(app.model.requests().is_empty());
    assert_eq!(usage(&app, "").await["entries"], json!([]));
}

#[tokio::test]
async fn a_budget_counts_what_was_used_and_tells_it() {
    let limit = Limit::Money(Money {
        currency: "EUR".into(),
        nanos: 1_000_000_000,
    });
    let app = TestApp::builder()
        .price(price())
        .budget(budget(limit))
        .start()
        .await;
    let file = file(&app).await;
    assert_eq!(app.post(ASK, &with_content(question(&file))).await.status, 200);
    let report = usage(&app, "").await;
    let told = &report["budgets"][0];
    assert_eq!(
        (&told["name"], &told["unit"], &told["user_id"]),
        (&json!("tight"), &json!("EUR"), &json!(app.admin_id))
    );
    assert_eq!(told["reserved"], "0.000000000");
    assert_eq!(told["spent"], report["entries"][0]["cost"]);
}

#[tokio::test]
async fn wrong_filters_are_refused_by_their_names() {
    let app = TestApp::start().await;
    for (query, name) in [
        ("?by=colour", "query.by"),
        ("?format=xml", "query.format"),
        ("?from=yesterday", "query.from"),
        ("?user=me", "query.user"),
        ("?by=use&limit=0", "query.limit"),
    ] {
        let reply = app.get(&format!("/boxwood/usage{query}")).await;
        assert_eq!(
            (reply.status, &reply.body["context_info"]["errors"][0]["name"]),
            (400, &json!(name)),
            "{}",
            reply.text
        );
    }
    assert_eq!(
        usage(&app, "?from=2026-01-01&to=2100-01-01T00:00:00Z").await["entries"],
        json!([])
    );
}
