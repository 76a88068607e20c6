//! Questions about workbooks: computed over their cells where the model finds a query, answered from the text else.

use crate::WORKER;
use boxwood_test::{Reply, Script, ScriptedModel, TestApp};
use serde_json::{Value, json};

const SALES: &[u8] = include_bytes!("../../../../samples/sales-and-staff.xlsx");

/// What a model writes that was asked for vases sold in the West in March.
fn vases() -> Value {
    let is = |column: &str, value: &str| json!({"column": column, "test": "=", "values": [value]});
    json!({
        "table": "Sales 2026",
        "where": [is("Product", "Vases"), is("Region", "West"), is("Month", "March")],
        "operation": "sum", "column": "Units", "group_by": "", "group_part": "", "keep": "all",
    })
}

/// A model that chooses this query and then says this.
fn model(query: Value, words: &str) -> ScriptedModel {
    let model = ScriptedModel::saying(words);
    model.respond_with(move |request| {
        request
            .response_format
            .as_ref()
            .map(|_| Script::SaysJson(query.clone()))
    });
    model
}

async fn ask(model: ScriptedModel) -> (TestApp, Reply) {
    ask_this(model, "Vases sold in the West in March?").await
}

async fn ask_this(model: ScriptedModel, prompt: &str) -> (TestApp, Reply) {
    let app = TestApp::builder().model(model).worker(WORKER).start().await;
    let file = app.upload("sales.xlsx", SALES).await;
    let body = json!({
        "mode": "single_item_qa", "prompt": prompt, "include_citations": true,
        "items": [{"id": file, "type": "file"}],
    });
    let reply = app.post("/2.0/ai/ask", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    (app, reply)
}

#[tokio::test]
async fn a_sum_is_computed_over_the_cells_and_cited_by_its_rows() {
    let (app, reply) = ask(model(vases(), "302 vases were sold.")).await;
    assert_eq!(reply.body["answer"], "302 vases were sold.");
    assert_eq!(reply.body["ai_agent_info"]["processor"], "spreadsheet");
    let calculation = &reply.body["boxwood"]["calculation"];
    assert_eq!(calculation["result"], "302", "{calculation}");
    assert_eq!(
        (&calculation["rows_used"], &calculation["rows_read"]),
        (&json!(1), &json!(54))
    );
    assert_eq!(
        calculation["query"],
        "sum of \"Units\" in \"Sales 2026\" where \"Product\" = \"Vase\" and \"Region\" = \"West\" and \"Month\" = \
         \"March\""
    );
    let cells = calculation["cells"][0].as_str().unwrap();
    assert!(cells.starts_with("'Sales 2026'!D"), "{cells}");
    let cited = &reply.body["boxwood"]["citations"][0];
    assert!(
        cited["quote"]
            .as_str()
            .unwrap()
            .starts_with("March | West | Vase | 302"),
        "{cited}"
    );
    assert_eq!(reply.body["boxwood"]["support"]["method"], "calculation");
    let asked = app.model.requests();
    let evidence = &asked[1].messages.last().unwrap().content;
    assert!(
        evidence.contains("Computed exactly over all 54 rows") && evidence.contains("= 302"),
        "{evidence}"
    );
}

#[tokio::test]
async fn a_number_of_the_models_own_is_replaced_by_the_result() {
    let (_app, reply) = ask(model(vases(), "291 vases were sold.")).await;
    assert_eq!(reply.body["answer"], "302");
}

#[tokio::test]
async fn a_model_without_schemas_is_read_tolerantly() {
    let model = ScriptedModel::with_identity("It was 302.", |identity| identity.json_schema = false);
    model.next(Script::Says(format!(
        "Here is the query:\n```json\n{}\n```",
        vases()
    )));
    let (app, reply) = ask(model).await;
    assert_eq!(reply.body["answer"], "It was 302.");
    assert_eq!(reply.body["boxwood"]["calculation"]["result"], "302");
    assert!(app.model.requests()[0].response_format.is_none());
}

#[tokio::test]
async fn a_query_that_finds_nothing_is_asked_for_again() {
    let mut elsewhere = vases();
    elsewhere["where"][1]["values"] = json!(["Atlantis"]);
    let model = ScriptedModel::saying("302");
    model.next(Script::SaysJson(elsewhere));
    model.next(Script::SaysJson(vases()));
    let (app, reply) = ask(model).await;
    assert_eq!(reply.body["boxwood"]["calculation"]["result"], "302");
    let again = &app.model.requests()[1].messages;
    assert!(again.last().unwrap().content.contains("no row of the sheet fits"));
}

#[tokio::test]
async fn a_query_that_leaves_out_what_the_question_names_is_asked_for_again() {
    let mut anytime = vases();
    anytime["where"].as_array_mut().unwrap().pop();
    let model = ScriptedModel::saying("302");
    model.next(Script::SaysJson(anytime));
    model.next(Script::SaysJson(vases()));
    let (app, reply) = ask(model).await;
    assert_eq!(reply.body["boxwood"]["calculation"]["result"], "302");
    let asked = app.model.requests();
    let again = &asked[1].messages.last().unwrap().content;
    assert!(
        again.contains("also names \"March\" of the column \"Month\""),
        "{again}"
    );
}

#[tokio::test]
async fn what_answers_the_question_more_probably_is_computed() {
    let doubting = model(vases(), "Many were sold.");
    doubting.set_support(0.02);
    let (_app, reply) = ask(doubting).await;
    let calculation = &reply.body["boxwood"]["calculation"];
    let query = calculation["query"].as_str().unwrap();
    assert!(query.starts_with("sum of \"Revenue (EUR)\""), "{query}");
    assert_eq!(reply.body["answer"], calculation["result"]);
}

#[tokio::test]
async fn a_query_that_the_model_itself_doubts_is_no_answer() {
    let doubting = model(vases(), "302 EUR were paid.");
    doubting.set_support(0.02);
    let (_app, reply) = ask_this(doubting, "How much tax was paid?").await;
    assert_eq!(reply.body["boxwood"]["abstained"], true, "{}", reply.text);
    assert!(
        reply.body["boxwood"]
            .get("calculation")
            .is_none_or(Value::is_null)
    );
}

#[tokio::test]
async fn what_is_no_computation_is_answered_from_the_text_and_says_so() {
    let mut none = vases();
    none["operation"] = json!("none");
    let (_app, reply) = ask(model(none, "Petra Vale is the workshop manager.")).await;
    assert_eq!(reply.body["answer"], "Petra Vale is the workshop manager.");
    assert!(reply.body["boxwood"].get("calculation").is_none());
    let warnings = reply.body["boxwood"]["warnings"].to_string();
    assert!(warnings.contains("nothing was computed"), "{warnings}");
}
