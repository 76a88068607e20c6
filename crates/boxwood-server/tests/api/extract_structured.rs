//! `POST /2.0/ai/extract_structured`: values of every type with confidence and places, over one file and several, long
//! tables, very many fields; and every refusal that needs the store.

use crate::WORKER;
use boxwood_core::ChatRequest;
use boxwood_test::{Script, ScriptedModel, TestApp};
use serde_json::{Map, Value, json};

const PATH: &str = "/2.0/ai/extract_structured";
const TEXT: &str = "My name is John Doe. I was born in 4th July 1990. I am 34 years old. My hobby is guitar. I live at \
    900 Jefferson Ave, Redwood City, CA 94063, US. My work history: Software Engineer at Box from 2020 to 2024.";

/// A model that fills in every field from this object, whatever else is asked for beside it.
pub(crate) fn filling_in(values: Value) -> ScriptedModel {
    let model = ScriptedModel::saying("{}");
    model.respond_with(move |request: &ChatRequest| {
        let schema = &request.response_format.as_ref()?.schema;
        Some(Script::SaysJson(filled(schema, &values)))
    });
    model
}

/// A server whose model fills in these values.
pub(crate) async fn app_filling_in(values: Value) -> TestApp {
    TestApp::builder().model(filling_in(values)).start().await
}

fn filled(schema: &Value, values: &Value) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let members: Map<String, Value> = properties
        .map(|(key, inner)| match inner["type"] == "object" {
            true => (key.clone(), filled(inner, &values[key])),
            false => (key.clone(), values[key].clone()),
        })
        .collect();
    Value::Object(members)
}

fn body(file: &str, content: &str, fields: Value) -> Value {
    json!({
        "items": [{"id": file, "type": "file", "content": content}],
        "fields": fields,
        "include_confidence_score": true,
        "include_reference": true,
    })
}

fn fields_of_every_type() -> Value {
    json!([
        {"key": "firstName", "type": "string"},
        {"key": "dateOfBirth", "type": "date"},
        {"key": "age", "type": "float"},
        {"key": "married", "type": "boolean"},
        {"key": "city", "type": "enum", "options": [{"key": "Oslo"}, {"key": "Redwood City"}]},
        {"key": "hobby", "type": "multiSelect", "options": [{"key": "guitar"}, {"key": "books"}]},
        {"key": "address", "type": "struct", "fields": [{"key": "street"}, {"key": "zip"}]},
        {"key": "work", "type": "table", "fields": [{"key": "title"}, {"key": "from", "type": "number"}]},
        {"key": "salary", "type": "float"},
    ])
}

fn values_of_every_type() -> Value {
    json!({
        "firstName": "John", "dateOfBirth": "4th July 1990", "age": "34 years", "married": null,
        "city": "Redwood City", "hobby": ["guitar"],
        "address": {"street": "900 Jefferson Ave", "zip": "94063"},
        "work": [{"title": "Software Engineer", "from": "2020"}],
        "salary": null,
    })
}

#[tokio::test]
async fn values_of_every_type_come_with_confidence_and_places() {
    let app = app_filling_in(values_of_every_type()).await;
    let file = app.upload("john.txt", b"x").await;
    let reply = app.post(PATH, &body(&file, TEXT, fields_of_every_type())).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.body["answer"],
        json!({
            "firstName": "John", "dateOfBirth": "1990-07-04", "age": 34, "married": null, "city": "Redwood City",
            "hobby": ["guitar"], "address": {"street": "900 Jefferson Ave", "zip": "94063"},
            "work": [{"title": "Software Engineer", "from": 2020}], "salary": null,
        })
    );
    assert!(
        reply.text.contains("\"age\":34,"),
        "a whole number has no fraction"
    );
    assert_eq!(reply.body["completion_reason"], "done");
    assert_eq!(reply.body["ai_agent_info"]["processor"], "basic_text");

    let scores = &reply.body["confidence_score"];
    for key in [
        "firstName",
        "dateOfBirth",
        "age",
        "married",
        "hobby",
        "address",
        "work",
        "salary",
    ] {
        let score = scores[key]["score"].as_f64().unwrap();
        let level = scores[key]["level"].as_str().unwrap();
        let expected = if score >= 0.9 {
            "HIGH"
        } else if score >= 0.7 {
            "MEDIUM"
        } else {
            "LOW"
        };
        assert_eq!(level, expected, "{key}: {score}");
    }
    assert!(
        scores["address"]["fields"]["zip"]["score"].is_number(),
        "{scores}"
    );
    assert!(
        scores["work"]["rows"][0]["fields"]["title"]["score"].is_number(),
        "{scores}"
    );

    let places = &reply.body["reference"];
    let quoted = |place: &Value| place[0]["quote"].as_str().map(str::to_owned);
    assert_eq!(quoted(&places["dateOfBirth"]).as_deref(), Some("4th July 1990"));
    assert_eq!(quoted(&places["age"]).as_deref(), Some("34 years"));
    assert_eq!(quoted(&places["address"]["zip"]).as_deref(), Some("94063"));
    assert_eq!(quoted(&places["work"][0]["from"]).as_deref(), Some("2020"));
    assert_eq!(places["firstName"][0]["file_id"], json!(file));
    assert_eq!(places["firstName"][0]["page"], 1);
    assert_eq!(places["salary"], json!([]));
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_there() {
    let app = app_filling_in(json!({"name": "John"})).await;
    let file = app.upload("john.txt", b"x").await;
    let mut body = body(&file, TEXT, json!([{"key": "name"}]));
    body["include_confidence_score"] = json!(false);
    body["include_reference"] = json!(false);
    let reply = app.post(PATH, &body).await.body;
    assert!(
        reply.get("confidence_score").is_none() && reply.get("reference").is_none(),
        "{reply}"
    );
}

#[tokio::test]
async fn a_value_that_the_file_does_not_hold_is_not_kept_when_nothing_speaks_for_it() {
    let model = filling_in(json!({"name": "Mallory Invented"}));
    model.set_support(0.999); // of the second reading: that there is no value
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let reply = app
        .post(PATH, &body(&file, TEXT, json!([{"key": "name"}])))
        .await
        .body;
    assert_eq!(reply["answer"], json!({"name": null}), "{reply}");
    assert_eq!(reply["reference"]["name"], json!([]));
    assert_eq!(reply["confidence_score"]["name"]["level"], "LOW");
}

#[tokio::test]
async fn a_value_that_stands_nowhere_is_asked_for_once_more() {
    let model = ScriptedModel::saying("{}");
    model.set_support(0.999);
    model.respond_with(|request: &ChatRequest| {
        request.response_format.as_ref()?;
        let asked = &request.messages.last()?.content;
        let told = asked.contains("The text does not say \"Mallory Invented\"");
        let name = if told { "John Doe" } else { "Mallory Invented" };
        Some(Script::SaysJson(json!({"name": name})))
    });
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let reply = app
        .post(PATH, &body(&file, TEXT, json!([{"key": "name"}])))
        .await
        .body;
    assert_eq!(reply["answer"], json!({"name": "John Doe"}), "{reply}");
    assert_eq!(reply["reference"]["name"][0]["quote"], "John Doe");
    assert_eq!(app.model.requests().len(), 2);
}

#[tokio::test]
async fn a_value_that_is_not_of_its_type_is_asked_for_again() {
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        let schema = request.response_format.as_ref()?.schema.to_string();
        let strict = !schema.contains("string");
        Some(Script::SaysJson(
            json!({"age": if strict { json!(34) } else { json!("thirty-four") }}),
        ))
    });
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let fields = json!([{"key": "age", "type": "float"}]);
    let reply = app.post(PATH, &body(&file, TEXT, fields)).await.body;
    assert_eq!(reply["answer"], json!({"age": 34}));
    assert_eq!(app.model.requests().len(), 2);
}

#[tokio::test]
async fn a_null_that_the_model_did_not_mean_is_asked_for_again() {
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        let schema = request.response_format.as_ref()?.schema.to_string();
        let piece = |text: &str, log_prob| (text.to_owned(), log_prob);
        Some(
            match (
                schema.contains("jobs"),
                schema.contains("minItems"),
                schema.contains("null"),
            ) {
                (true, false, _) => Script::SaysPieces(vec![
                    piece(r#"{"jobs":"#, -0.1),
                    piece("[]", -7.0),
                    piece("}", -0.1),
                ]),
                (true, true, _) => Script::SaysJson(
                    json!({"jobs": [{"title": "Software Engineer"}, {"title": "Astronaut"}]}),
                ),
                (false, _, true) => Script::SaysPieces(vec![
                    piece(r#"{"age":"#, -0.1),
                    piece("null", -6.0),
                    piece("}", -0.1),
                ]),
                (false, _, false) => Script::SaysJson(json!({"age": 34})),
            },
        )
    });
    // Of `null` and rows, it finds rows likelier.
    model.set_support(0.02);
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let fields = json!([
        {"key": "age", "type": "float"},
        {"key": "jobs", "type": "table", "fields": [{"key": "title"}]},
    ]);
    let reply = app.post(PATH, &body(&file, TEXT, fields)).await.body;
    let expected = json!({"age": 34, "jobs": [{"title": "Software Engineer"}]});
    assert_eq!(
        reply["answer"], expected,
        "only what stands in the file is taken: {reply}"
    );
}

#[tokio::test]
async fn four_hundred_fields_come_back_complete_over_one_prefix() {
    let fields: Vec<Value> = (0..400)
        .map(|number| json!({"key": format!("field{number}")}))
        .collect();
    let values: Map<String, Value> = (0..400)
        .map(|n| (format!("field{n}"), json!(format!("value {n}"))))
        .collect();
    let text: String = (0..400)
        .map(|number| format!("field{number}: value {number}\n"))
        .collect();
    let app = app_filling_in(Value::Object(values.clone())).await;
    let file = app.upload("form.txt", b"x").await;
    let mut body = body(&file, &text, json!(fields));
    body["include_confidence_score"] = json!(false);
    let reply = app.post(PATH, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.body["answer"], Value::Object(values));
    let keys: Vec<&String> = reply.body["answer"].as_object().unwrap().keys().collect();
    assert_eq!(keys[399], "field399", "in the order of the request");
    let requests = app.model.requests();
    assert!(requests.len() > 5, "{}", requests.len());
    let prefix = |request: &ChatRequest| {
        let boundary = request.shared_prefix.as_ref().unwrap().boundary;
        request.messages.last().unwrap().content[..boundary].to_owned()
    };
    assert!(
        requests
            .iter()
            .all(|request| prefix(request) == prefix(&requests[0]))
    );
}

#[tokio::test]
async fn a_completion_that_breaks_off_is_completed() {
    let model = ScriptedModel::with_identity("{}", |identity| identity.max_output_tokens = 40);
    model.respond_with(|request: &ChatRequest| {
        let schema = &request.response_format.as_ref()?.schema;
        let values: Map<String, Value> = schema["properties"]
            .as_object()?
            .keys()
            .map(|key| (key.clone(), json!(format!("of {key}"))))
            .collect();
        Some(Script::SaysJson(Value::Object(values)))
    });
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("form.txt", b"x").await;
    let fields: Vec<Value> = (0..20)
        .map(|number| json!({"key": format!("k{number}")}))
        .collect();
    let text: String = (0..20).map(|number| format!("of k{number}\n")).collect();
    let mut body = body(&file, &text, json!(fields));
    body["include_confidence_score"] = json!(false);
    let answer = app.post(PATH, &body).await.body["answer"].clone();
    for number in 0..20 {
        assert_eq!(answer[format!("k{number}")], format!("of k{number}"), "{answer}");
    }
}

#[tokio::test]
async fn five_hundred_rows_of_a_files_own_table_come_in_order() {
    let app = TestApp::builder().worker(WORKER).start().await;
    let mut csv = String::from("Item,Unit price,Delivered on\n");
    for number in 0..500 {
        csv.push_str(&format!(
            "Part {number},{number}.50,{:02}.03.2024\n",
            number % 28 + 1
        ));
    }
    let file = app.upload("parts.csv", csv.as_bytes()).await;
    let fields = json!([{"key": "parts", "type": "table", "fields": [
        {"key": "item"}, {"key": "unit_price", "type": "float"},
        {"key": "delivered", "displayName": "Delivered on", "type": "date"},
    ]}]);
    let mut body = body(&file, "", fields);
    body["items"][0].as_object_mut().unwrap().remove("content");
    let reply = app.post(PATH, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let rows = reply.body["answer"]["parts"].as_array().unwrap();
    assert_eq!(rows.len(), 500);
    for number in [0, 27, 28, 250, 499] {
        let day = number % 28 + 1;
        assert_eq!(
            rows[number],
            json!({"item": format!("Part {number}"), "unit_price": number as f64 + 0.5,
                "delivered": format!("2024-03-{day:02}")})
        );
    }
    assert_eq!(
        reply.body["reference"]["parts"][499]["item"][0]["quote"],
        "Part 499"
    );
    assert!(
        app.model.requests().is_empty(),
        "cells are copied, not written by a model"
    );
}

/// The guests in the text that a completion was shown.
fn guests_shown(request: &ChatRequest) -> Option<Vec<Value>> {
    let boundary = request.shared_prefix.as_ref()?.boundary;
    let shown = &request.messages.last()?.content[..boundary];
    let seats = shown
        .lines()
        .filter_map(|line| line.strip_prefix("Guest ")?.split_once(" sits at "));
    Some(
        seats
            .map(|(guest, seat)| json!({"guest": guest, "seat": seat}))
            .collect(),
    )
}

/// Asks for so many guests, and checks that each comes once, in order.
async fn check_guests(model: ScriptedModel, count: usize) -> TestApp {
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("seats.txt", b"x").await;
    let text: String = (0..count)
        .map(|number| format!("Guest Person{number} sits at {}\n", number % 7))
        .collect();
    let fields = json!([{"key": "guests", "type": "table", "fields": [{"key": "guest"}, {"key": "seat"}]}]);
    let reply = app.post(PATH, &body(&file, &text, fields)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let rows = reply.body["answer"]["guests"].as_array().unwrap();
    let guests: Vec<&str> = rows.iter().map(|row| row["guest"].as_str().unwrap()).collect();
    let expected: Vec<String> = (0..count).map(|number| format!("Person{number}")).collect();
    assert_eq!(guests, expected);
    app
}

#[tokio::test]
async fn rows_of_running_text_are_read_over_all_windows_without_loss_or_doubles() {
    // Every window gives the rows that stand in the text it was shown.
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        request.response_format.as_ref()?;
        Some(Script::SaysJson(json!({"guests": guests_shown(request)?})))
    });
    let app = check_guests(model, 900).await;
    assert!(app.model.requests().len() > 2, "several windows were read");
}

#[tokio::test]
async fn what_comes_after_a_circle_of_rows_is_read_too() {
    // Shown more than forty guests, the model lists ten and then the tenth without end.
    let model = ScriptedModel::saying("{}");
    model.respond_with(|request: &ChatRequest| {
        request.response_format.as_ref()?;
        let mut guests = guests_shown(request)?;
        if guests.len() > 40 {
            guests.truncate(10);
            guests.resize(500, guests[9].clone());
        }
        Some(Script::SaysJson(json!({"guests": guests})))
    });
    let app = check_guests(model, 90).await;
    assert!(app.model.abandoned() > 0, "no circle is waited for");
}

#[tokio::test]
async fn a_circle_is_stopped_told_and_kept_once() {
    let engineer = json!({"title": "Software Engineer"});
    let model = filling_in(json!({"jobs": vec![engineer.clone(); 200]}));
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let fields = json!([{"key": "jobs", "type": "table", "fields": [{"key": "title"}]}]);
    let reply = app.post(PATH, &body(&file, TEXT, fields)).await.body;
    assert_eq!(reply["answer"], json!({"jobs": [engineer]}), "{reply}");
    assert_eq!((app.model.requests().len(), app.model.abandoned()), (1, 1));
    let warnings = reply["boxwood"]["warnings"].to_string();
    assert!(warnings.contains("repeated itself"), "{reply}");
    let usage = &reply["boxwood"]["usage"];
    let written = usage["output_tokens"].as_u64().unwrap();
    assert!((10..100).contains(&written), "{usage}");
}

#[tokio::test]
async fn a_pdf_that_is_none_is_not_parsed_when_its_text_is_given() {
    let app = TestApp::builder()
        .worker(WORKER)
        .model(filling_in(json!({"name": "John"})))
        .start()
        .await;
    let noise: Vec<u8> = (0..1_000_000u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let file = app.upload("noise.pdf", &noise).await;
    let reply = app.post(PATH, &body(&file, TEXT, json!([{"key": "name"}]))).await;
    assert_eq!(reply.body["answer"], json!({"name": "John"}), "{}", reply.text);
}

#[tokio::test]
async fn terms_of_a_taxonomy_come_from_a_csv_file() {
    let app = TestApp::builder()
        .worker(WORKER)
        .model(filling_in(
            json!({"trade": "Bakery", "trades": ["Bakery", "Butcher"]}),
        ))
        .start()
        .await;
    let terms = app
        .upload(
            "trades.csv",
            b"Area,Trade\nFood,Bakery\nFood,Butcher\nBuilding,Mason\n",
        )
        .await;
    let file = app.upload("shop.txt", b"x").await;
    let field = |key: &str, rules: Value| json!({"key": key, "type": "taxonomy", "taxonomy_key": "trades", "options_rules": rules});
    let mut request = body(
        &file,
        "A bakery and a butcher.",
        json!([
            field("trade", json!({"multi_select": false, "selectable_levels": [2]})),
            field("trades", json!({"multiSelect": true, "selectableLevels": [2]})),
        ]),
    );
    request["taxonomy_sources"] = json!([{"type": "file", "taxonomy_key": "trades", "id": terms}]);
    let reply = app.post(PATH, &request).await;
    assert_eq!(
        reply.body["answer"],
        json!({"trade": "Bakery", "trades": ["Bakery", "Butcher"]}),
        "{}",
        reply.text
    );
    let schema = app.model.requests().remove(0).response_format.unwrap().schema;
    assert_eq!(
        schema["properties"]["trade"]["enum"],
        json!(["Bakery", "Butcher", "Mason", null]),
        "only the second level may be chosen"
    );
    request["fields"][0]["options_rules"]["selectable_levels"] = json!([7]);
    app.post(PATH, &request).await.assert_refused(
        400,
        "bad_request",
        "invalid_parameter",
        "fields[0].options_rules.selectable_levels",
    );
    request["taxonomy_sources"][0]["id"] = json!("999999");
    app.post(PATH, &request)
        .await
        .assert_refused(404, "not_found", "not_found", "taxonomy_sources[0].id");
}

#[tokio::test]
async fn the_enhanced_agent_goes_over_doubtful_values_again() {
    let app = app_filling_in(json!({"name": "John Doe"})).await;
    app.model.set_support(0.6);
    let file = app.upload("john.txt", b"x").await;
    let mut request = body(&file, TEXT, json!([{"key": "name"}]));
    request["ai_agent"] = json!({"type": "ai_agent_id", "id": "enhanced_extract_agent"});
    let reply = app.post(PATH, &request).await;
    assert_eq!(
        reply.body["answer"],
        json!({"name": "John Doe"}),
        "{}",
        reply.text
    );
    let standard = app.post(PATH, &body(&file, TEXT, json!([{"key": "name"}]))).await;
    assert_eq!(standard.status, 200);
    let signals = |reply: &Value| reply["boxwood"]["signals"]["name"]["check"].clone();
    assert!(signals(&reply.body).is_number(), "{}", reply.text);
    assert!(signals(&standard.body).is_null());
}

#[tokio::test]
async fn a_model_that_keeps_to_no_schema_is_told_it_and_read_all_the_same() {
    let model = ScriptedModel::with_identity("Sure:\n```json\n{\"name\": \"John\"}\n```", |identity| {
        identity.json_schema = false;
    });
    let app = TestApp::builder().model(model).start().await;
    let file = app.upload("john.txt", b"x").await;
    let reply = app.post(PATH, &body(&file, TEXT, json!([{"key": "name"}]))).await;
    assert_eq!(reply.body["answer"], json!({"name": "John"}), "{}", reply.text);
    let asked = &app.model.requests()[0].messages.last().unwrap().content.clone();
    assert!(asked.contains("JSON schema: {"), "{asked}");
}

#[tokio::test]
async fn a_metadata_template_names_the_fields_and_dates_are_moments() {
    let values = json!({
        "firstName": "John", "dateOfBirth": "4th July 1990", "age": "34", "hobby": ["guitar"], "state": null,
    });
    let app = app_filling_in(values).await;
    let file = app.upload("john.txt", b"x").await;
    let template = json!({
        "scope": "enterprise", "displayName": "Person", "templateKey": "person",
        "fields": [
            {"key": "firstName", "displayName": "First name", "type": "string"},
            {"key": "dateOfBirth", "displayName": "Birth date", "type": "date"},
            {"key": "age", "displayName": "Age", "type": "float"},
            {"key": "hobby", "displayName": "Hobby", "type": "multiSelect",
                "options": [{"key": "guitar"}, {"key": "books"}]},
            {"key": "state", "displayName": "State", "type": "enum", "options": [{"key": "on"}, {"key": "off"}]},
        ],
    });
    let made = app.post("/2.0/metadata_templates/schema", &template).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let own = format!("enterprise_{}", app.enterprise_id);
    for scope in ["enterprise", own.as_str()] {
        let reply = app
            .post(
                PATH,
                &json!({
                    "items": [{"id": file, "type": "file", "content": TEXT}],
                    "metadata_template": {"template_key": "person", "scope": scope},
                }),
            )
            .await;
        assert_eq!(
            reply.body["answer"],
            json!({"firstName": "John", "dateOfBirth": "1990-07-04T00:00:00Z", "age": 34, "hobby": ["guitar"],
                "state": null}),
            "{scope}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn refusals_that_need_the_store() {
    let app = TestApp::start().await;
    let file = app.upload("john.txt", b"x").await;
    let mut missing = body("999999", TEXT, json!([{"key": "name"}]));
    app.post(PATH, &missing)
        .await
        .assert_refused(404, "not_found", "not_found", "items[0].id");
    missing["items"][0]["id"] = json!(file);
    let mut request = missing.clone();
    request["ai_agent"] =
        json!({"type": "ai_agent_extract_structured", "basic_text": {"model": "no_such_model"}});
    app.post(PATH, &request).await.assert_refused(
        400,
        "bad_request",
        "unknown_model",
        "ai_agent.basic_text.model",
    );
    let mut request = missing.clone();
    request.as_object_mut().unwrap().remove("fields");
    request["metadata_template"] = json!({"template_key": "none", "scope": "enterprise"});
    app.post(PATH, &request).await.assert_refused(
        404,
        "not_found",
        "not_found",
        "metadata_template.template_key",
    );
    let service = app.service_token().await;
    app.post_as(&service, PATH, &missing)
        .await
        .assert_refused(404, "not_found", "not_found", "items[0].id");
    let narrow = app
        .narrow("boxwood-dev-token", "item_preview", None)
        .await
        .access_token();
    app.post_as(&narrow, PATH, &missing)
        .await
        .assert_error(403, "insufficient_scope");
}

#[tokio::test]
async fn identical_extractions_join_and_deadlines_hold() {
    let limit = Some(std::time::Duration::from_millis(60));
    let app = TestApp::builder()
        .settings(|settings| settings.answer_time_limit = limit)
        .start()
        .await;
    let file = app.upload("john.txt", b"x").await;
    app.model.hold();
    app.post(PATH, &body(&file, TEXT, json!([{"key": "name"}])))
        .await
        .assert_error(504, "gateway_timeout");

    let app = app_filling_in(json!({"name": "John"})).await;
    let file = app.upload("john.txt", b"x").await;
    app.model.hold();
    let request = body(&file, TEXT, json!([{"key": "name"}]));
    let release = async {
        app.model.until_running().await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        app.model.release();
    };
    let (one, two, ()) = tokio::join!(app.post(PATH, &request), app.post(PATH, &request), release);
    assert_eq!((one.status, two.status), (200, 200));
    let joined = [&one, &two].map(|reply| reply.body["boxwood"]["joined"] == true);
    assert!(joined.contains(&true) && joined.contains(&false), "{joined:?}");
    assert_eq!(app.model.requests().len(), 1, "the work was done once");
}
