//! Answers that keep to a schema: what comes is one whole, compact value, whatever else runs beside it.

use crate::support::{about, complete, config, document, start, user, wait_until};
use boxwood_core::{ChatEvent, ChatModel, ChatRequest, FinishReason, JsonSchemaFormat, ModelError, Sampling};
use futures::StreamExt;
use serde_json::{Value, json};

fn with_schema(mut request: ChatRequest, schema: Value) -> ChatRequest {
    request.response_format = Some(JsonSchemaFormat {
        name: "value".to_owned(),
        schema,
    });
    request
}

fn person() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "colour": {"enum": ["red", "green", "blue"]},
            "born": {"type": "string", "format": "date"},
            "friends": {"type": "array", "items": {"type": "string", "maxLength": 10}, "maxItems": 2},
        },
        "required": ["name", "age", "colour", "born", "friends"],
        "additionalProperties": false,
    })
}

/// Panics unless the text is a compact value of [`person`] with its keys in order.
fn assert_person(text: &str) {
    let value: Value = serde_json::from_str(text).expect("one whole JSON value");
    assert_eq!(value.to_string(), text, "compact");
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        ["name", "age", "colour", "born", "friends"],
        "the schema's order"
    );
    assert!(
        value["name"]
            .as_str()
            .is_some_and(|name| name.chars().count() <= 20),
        "{text}"
    );
    assert!(value["age"].as_u64().is_some_and(|age| age <= 150), "{text}");
    assert!(
        ["red", "green", "blue"]
            .iter()
            .any(|colour| value["colour"] == *colour),
        "{text}"
    );
    assert!(
        value["born"].as_str().is_some_and(|born| born.len() == 10),
        "{text}"
    );
    assert!(
        value["friends"]
            .as_array()
            .is_some_and(|friends| friends.len() <= 2),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_is_one_whole_compact_value() {
    let model = start(config());
    assert!(model.identity().json_schema);
    let request = with_schema(user("Describe a person.", 120), person());
    let answer = complete(&model, request.clone()).await.unwrap();
    assert_person(&answer.text);
    assert_eq!(answer.finish, FinishReason::Stop);
    assert!(answer.log_prob < 0.0, "the model's own probabilities: {answer:?}");
    // Masks are counted when the answer's place is given back, a moment after its end was told.
    wait_until("the place to be given back", || model.status().outstanding == 0).await;
    let status = model.status();
    assert!(status.forced_tokens > 10, "keys are forced: {status:?}");
    assert!(
        status.masks > 0,
        "this model does not write JSON by itself: {status:?}"
    );
    assert_eq!(u64::from(answer.usage.output_tokens), status.output_tokens);
    assert_eq!(
        complete(&model, request).await.unwrap().text,
        answer.text,
        "greedy is the same again"
    );
}

#[tokio::test]
async fn drawn_answers_keep_to_the_schema_too() {
    let model = start(config());
    let mut seen = Vec::new();
    for seed in [1, 1, 2, 3] {
        let mut request = with_schema(user("Describe a person.", 120), person());
        request.sampling = Sampling {
            temperature: Some(1.5),
            seed: Some(seed),
            ..Sampling::default()
        };
        let answer = complete(&model, request).await.unwrap();
        assert_person(&answer.text);
        seen.push(answer.text);
    }
    assert_eq!(seen[0], seen[1], "the same seed");
    assert!(seen[1..].iter().any(|text| *text != seen[0]), "{seen:?}");
}

#[tokio::test]
async fn a_value_whose_room_runs_out_is_whole_where_that_is_wanted() {
    let model = start(config());
    let row = json!({"type": "object", "properties": {"number": {"type": "integer"}, "word": {"type": "string"}},
        "required": ["number", "word"], "additionalProperties": false});
    let schema = json!({
        "type": "object",
        "properties": {
            "counted": {"type": "string"},
            "rows": {"type": "array", "items": row, "minItems": 2},
            "code": {"type": "string", "pattern": "[a-z]{1,2}"},
            "done": {"enum": ["entirely", "in part"]},
        },
        "required": ["counted", "rows", "code", "done"],
        "additionalProperties": false,
    });
    let mut request = with_schema(user("Count from 1 to 500, in one text.", 240), schema);
    let broken = complete(&model, request.clone()).await.unwrap();
    assert_eq!(broken.finish, FinishReason::Length, "{broken:?}");
    assert!(serde_json::from_str::<Value>(&broken.text).is_err(), "{broken:?}");
    request.whole_value = true;
    let whole = complete(&model, request).await.unwrap();
    assert_eq!(whole.finish, FinishReason::Length, "{whole:?}");
    let value: Value = serde_json::from_str(&whole.text).unwrap_or_else(|error| panic!("{error}: {whole:?}"));
    assert_eq!(
        value["rows"].as_array().unwrap().len(),
        2,
        "no more than demanded"
    );
    assert!(value["done"].is_string(), "{value}");
    assert!(whole.usage.output_tokens < 240, "{whole:?}");
    let counted = value["counted"].as_str().unwrap();
    assert!(broken.text.contains(counted), "the beginning is the model's own");
}

#[tokio::test]
async fn values_that_are_no_objects_end_where_the_model_ends_them() {
    let model = start(config());
    let check = async |schema: Value, fits: fn(&Value) -> bool| {
        let request = with_schema(user("What is 7 times 6?", 30), schema);
        let answer = complete(&model, request).await.unwrap();
        assert_eq!(answer.finish, FinishReason::Stop, "{answer:?}");
        let value: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(fits(&value), "{answer:?}");
    };
    check(
        json!({"type": "integer", "minimum": 1, "maximum": 99}),
        Value::is_u64,
    )
    .await;
    check(json!({"type": "boolean"}), Value::is_boolean).await;
    check(json!({"const": "日本語の文書 \"🙂\""}), |value| {
        value == "日本語の文書 \"🙂\""
    })
    .await;
    check(json!({"enum": ["日本", "日中", "日没"]}), Value::is_string).await;
    check(
        json!({"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 3}),
        |value| *value == json!([null, null, null]),
    )
    .await;
}

#[tokio::test]
async fn the_limit_of_output_ends_with_length_and_the_beginning_of_a_value() {
    let model = start(config());
    for limit in [1, 3, 7, 12] {
        let answer = complete(&model, with_schema(user("Describe a person.", limit), person()))
            .await
            .unwrap();
        assert_eq!(answer.finish, FinishReason::Length);
        assert_eq!(answer.usage.output_tokens, limit, "forced tokens count, too");
        assert!(answer.text.starts_with("{\""), "{answer:?}");
        assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    }
}

#[tokio::test]
async fn stop_strings_do_not_cut_a_value() {
    let model = start(config());
    let mut request = with_schema(user("Describe a person.", 120), person());
    request.stop = vec!["age".to_owned(), "\"".to_owned()];
    assert_person(&complete(&model, request).await.unwrap().text);
}

#[tokio::test]
async fn a_model_that_goes_round_in_circles_is_led_out() {
    let model = start(config());
    let schema = json!({"type": "object", "properties": {"song": {"type": "string"}}, "required": ["song"],
                        "additionalProperties": false});
    let request = with_schema(
        user("Write the word la 1000 times: la la la la la la la la", 500),
        schema,
    );
    let answer = complete(&model, request).await.unwrap();
    assert_eq!(answer.finish, FinishReason::Stop, "{answer:?}");
    assert!(serde_json::from_str::<Value>(&answer.text).is_ok(), "{answer:?}");
}

#[tokio::test]
async fn a_schema_that_cannot_be_enforced_is_refused_before_any_work() {
    let model = start(config());
    let refused = async |schema: Value, words: &str| {
        let error = model.stream(with_schema(user("x", 10), schema)).await.err();
        let Some(ModelError::SchemaUnsupported { message, .. }) = error else {
            panic!("{error:?}")
        };
        assert!(message.contains(words), "{message} should say {words}");
    };
    refused(json!({"type": "array", "uniqueItems": true}), "uniqueItems").await;
    refused(json!({"not": {"type": "string"}}), "not").await;
    refused(json!({"$ref": "https://example.com/schema.json"}), "example.com").await;
    refused(json!({"type": "string", "pattern": "("}), "").await;
    refused(json!({"type": "integer", "minimum": 3, "maximum": 2}), "").await;
    refused(json!("no schema"), "schema").await;
    let status = model.status();
    assert_eq!(
        (status.prompt_tokens, status.outstanding),
        (0, 0),
        "and its place is free again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn free_and_held_answers_run_beside_each_other() {
    let model = start(config());
    let free = |prompt: &str| user(prompt, 40);
    let alone = complete(&model, free("What is the capital of France?"))
        .await
        .unwrap()
        .text;
    let requests = [
        free("What is the capital of France?"),
        with_schema(user("Describe a person.", 120), person()),
        free("What is the capital of France?"),
        with_schema(user("Describe a dog.", 120), person()),
        with_schema(user("Is the sky blue?", 20), json!({"enum": ["yes", "no"]})),
    ];
    let running = requests.map(|request| {
        let model = model.clone();
        tokio::spawn(async move { complete(&model, request).await.unwrap().text })
    });
    let mut texts = Vec::new();
    for task in running {
        texts.push(task.await.unwrap());
    }
    assert_person(&texts[1]);
    assert_person(&texts[3]);
    assert!(["\"yes\"", "\"no\""].contains(&texts[4].as_str()), "{texts:?}");
    for text in [&texts[0], &texts[2]] {
        assert_eq!(
            text[..10],
            alone[..10],
            "no mask of another request reaches a free answer"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_fields_of_a_document_cost_one_reading_of_it() {
    let text = document("wind");
    let fields: Vec<String> = (1..=9).map(|station| format!("station {station}")).collect();
    let request = |field: &String| {
        let schema = json!({"type": "object", "properties": {field.as_str(): {"type": "integer", "maximum": 99}},
                            "required": [field], "additionalProperties": false});
        with_schema(about(&text, &format!("Units of {field}?"), "enterprise"), schema)
    };
    let model = start(config());
    let running: Vec<_> = fields
        .iter()
        .map(|field| {
            let (model, mut request) = (model.clone(), request(field));
            request.max_output_tokens = 24;
            tokio::spawn(async move { complete(&model, request).await.unwrap() })
        })
        .collect();
    let (mut own, mut document_tokens) = (0, 0);
    for (task, field) in running.into_iter().zip(&fields) {
        let answer = task.await.unwrap();
        let value: Value = serde_json::from_str(&answer.text).unwrap();
        assert!(value[field].is_i64(), "{answer:?}");
        // What is not shared: the question and the end of the template.
        document_tokens = document_tokens.max(answer.usage.cached_tokens);
        own += u64::from(answer.usage.input_tokens);
    }
    let status = model.status();
    let document_tokens = u64::from(document_tokens);
    assert!(document_tokens > 250, "the document is shared");
    assert_eq!((status.prefix_misses, status.prefix_hits), (1, 8));
    assert_eq!(
        status.prompt_tokens,
        own - 8 * document_tokens,
        "all of them started at once, more than run side by side, and the document was read once"
    );
}

#[tokio::test]
async fn dropping_a_held_answer_frees_its_place() {
    let mut config = config();
    config.max_sequences = 1;
    let model = start(config);
    let schema = json!({"type": "array", "items": {"type": "integer"}, "minItems": 400});
    let mut stream = model
        .stream(with_schema(user("Count.", 450), schema))
        .await
        .unwrap();
    while !matches!(stream.next().await.unwrap().unwrap(), ChatEvent::Text { .. }) {}
    drop(stream);
    wait_until("cancellation", || model.status().outstanding == 0).await;
    assert_person(
        &complete(&model, with_schema(user("Describe a person.", 120), person()))
            .await
            .unwrap()
            .text,
    );
}
