//! Every rule of the two bodies that can be broken.

use super::*;
use crate::testing::{assert_refusals, changed};
use serde_json::json;

#[track_caller]
fn check_freeform(change: &Value, expected: &[(Reason, &str)]) {
    let body = changed(
        json!({"prompt": "name", "items": [{"id": "1", "type": "file"}]}),
        change,
    );
    let errors = ExtractRequest::read(&body).err();
    assert_refusals(&errors.unwrap_or_default(), expected, change);
}

#[track_caller]
fn check(change: &Value, expected: &[(Reason, &str)]) {
    let valid = json!({"fields": [{"key": "name"}], "items": [{"id": "1", "type": "file"}]});
    let body = changed(valid, change);
    let errors = ExtractStructuredRequest::read(&body).err();
    assert_refusals(&errors.unwrap_or_default(), expected, change);
}

#[track_caller]
fn check_field(field: &Value, expected: &[(Reason, &str)]) {
    check(&json!({"fields": [field]}), expected);
}

fn files(count: usize) -> Vec<Value> {
    (1..=count)
        .map(|id| json!({"id": id.to_string(), "type": "file"}))
        .collect()
}

#[test]
fn prompts_and_items_of_freeform_extraction() {
    check_freeform(&json!({}), &[]);
    check_freeform(&json!({"prompt": null}), &[(Reason::MissingParameter, "prompt")]);
    check_freeform(&json!({"prompt": " "}), &[(Reason::TooShort, "prompt")]);
    check_freeform(&json!({"prompt": "あ".repeat(10_000)}), &[]);
    check_freeform(
        &json!({"prompt": "a".repeat(10_001)}),
        &[(Reason::TooLong, "prompt")],
    );
    check_freeform(&json!({"items": null}), &[(Reason::MissingParameter, "items")]);
    check_freeform(
        &json!({"ai_agent": {"type": "ai_agent_extract_structured"}}),
        &[(Reason::InvalidParameter, "ai_agent.type")],
    );
}

#[test]
fn items_are_one_to_twenty_five_different_files() {
    check(&json!({"items": []}), &[(Reason::TooShort, "items")]);
    check(&json!({"items": files(25)}), &[]);
    check(&json!({"items": files(26)}), &[(Reason::TooLong, "items")]);
    check(
        &json!({"items": ([files(1), files(1)].concat())}),
        &[(Reason::NotUnique, "items[1].id")],
    );
    check(
        &json!({"items": [{"id": "1"}]}),
        &[(Reason::MissingParameter, "items[0].type")],
    );
    check(
        &json!({"items": [{"id": "1", "type": "hubs"}]}),
        &[(Reason::InvalidParameter, "items[0].type")],
    );
    check(
        &json!({"items": [{"type": "file"}]}),
        &[(Reason::MissingParameter, "items[0].id")],
    );
    check(
        &json!({"items": [{"id": "", "type": "file"}]}),
        &[(Reason::InvalidParameter, "items[0].id")],
    );
    check(
        &json!({"items": [{"id": "1", "type": "file", "content": 5}]}),
        &[(Reason::WrongType, "items[0].content")],
    );
}

#[test]
fn fields_or_a_template_and_not_both() {
    let template = json!({"template_key": "t", "scope": "enterprise"});
    check(&json!({"fields": null}), &[(Reason::MissingParameter, "fields")]);
    check(
        &json!({"metadata_template": template}),
        &[(Reason::Contradiction, "fields")],
    );
    check(&json!({"fields": null, "metadata_template": template}), &[]);
    check(
        &json!({"fields": null, "metadata_template": template,
            "taxonomy_sources": [{"type": "file", "taxonomy_key": "k", "id": "1"}]}),
        &[(Reason::Contradiction, "taxonomy_sources")],
    );
}

#[test]
fn templates() {
    let check = |template: Value, expected: &[(Reason, &str)]| {
        super::tests::check(&json!({"fields": null, "metadata_template": template}), expected);
    };
    check(
        json!({"scope": "global"}),
        &[(Reason::MissingParameter, "metadata_template.template_key")],
    );
    check(
        json!({"template_key": "t"}),
        &[(Reason::MissingParameter, "metadata_template.scope")],
    );
    check(
        json!({"template_key": "t", "scope": "global", "type": "template"}),
        &[(Reason::InvalidParameter, "metadata_template.type")],
    );
    check(
        json!({"template_key": "t", "scope": "x".repeat(41)}),
        &[(Reason::TooLong, "metadata_template.scope")],
    );
    check(
        json!({"template_key": "t", "scope": "mine"}),
        &[(Reason::InvalidParameter, "metadata_template.scope")],
    );
    check(json!("t"), &[(Reason::WrongType, "metadata_template")]);
}

#[test]
fn keys_of_fields_are_there_and_distinct() {
    check(&json!({"fields": []}), &[(Reason::TooShort, "fields")]);
    check_field(&json!({}), &[(Reason::MissingParameter, "fields[0].key")]);
    check_field(&json!({"key": ""}), &[(Reason::TooShort, "fields[0].key")]);
    check_field(&json!("name"), &[(Reason::WrongType, "fields[0]")]);
    check(
        &json!({"fields": [{"key": "a"}, {"key": "a", "type": "float"}]}),
        &[(Reason::NotUnique, "fields[1].key")],
    );
    check_field(
        &json!({"key": "a", "description": 5}),
        &[(Reason::WrongType, "fields[0].description")],
    );
    check_field(
        &json!({"key": "a", "displayName": 5}),
        &[(Reason::WrongType, "fields[0].displayName")],
    );
    check_field(
        &json!({"key": "a", "prompt": 5}),
        &[(Reason::WrongType, "fields[0].prompt")],
    );
    let many: Vec<Value> = (0..2_001)
        .map(|number| json!({"key": number.to_string()}))
        .collect();
    check(&json!({"fields": many}), &[(Reason::TooLong, "fields")]);
}

#[test]
fn types_and_what_they_need() {
    for kind in ["string", "text", "float", "number", "integer", "date", "boolean"] {
        check_field(&json!({"key": "a", "type": kind}), &[]);
    }
    check_field(
        &json!({"key": "a", "type": "currency"}),
        &[(Reason::InvalidParameter, "fields[0].type")],
    );
    check_field(
        &json!({"key": "a", "type": 5}),
        &[(Reason::WrongType, "fields[0].type")],
    );
    for kind in ["enum", "multiSelect"] {
        let field = |options: Value| json!({"key": "a", "type": kind, "options": options});
        check_field(&field(json!([{"key": "x"}])), &[]);
        check_field(
            &field(Value::Null),
            &[(Reason::MissingParameter, "fields[0].options")],
        );
        check_field(&field(json!([])), &[(Reason::TooShort, "fields[0].options")]);
        check_field(
            &field(json!([{}])),
            &[(Reason::MissingParameter, "fields[0].options[0].key")],
        );
        check_field(
            &field(json!([{"key": ""}])),
            &[(Reason::TooShort, "fields[0].options[0].key")],
        );
        check_field(
            &field(json!([{"key": "x"}, {"key": "x"}])),
            &[(Reason::NotUnique, "fields[0].options[1].key")],
        );
    }
    for kind in ["struct", "table"] {
        let field = |fields: Value| json!({"key": "a", "type": kind, "fields": fields});
        check_field(&field(json!([{"key": "x", "type": "date"}])), &[]);
        check_field(
            &field(Value::Null),
            &[(Reason::MissingParameter, "fields[0].fields")],
        );
        check_field(&field(json!([])), &[(Reason::TooShort, "fields[0].fields")]);
        check_field(
            &field(json!([{"key": "x"}, {"key": "x"}])),
            &[(Reason::NotUnique, "fields[0].fields[1].key")],
        );
        check_field(
            &field(json!([{"key": "x", "type": "table", "fields": [{"key": "y"}]}])),
            &[(Reason::InvalidParameter, "fields[0].fields[0].type")],
        );
    }
}

#[test]
fn taxonomies_and_their_sources() {
    let field = |change: Value| {
        changed(
            json!({"key": "a", "type": "taxonomy", "taxonomy_key": "k", "namespace": "enterprise_1",
                "options_rules": {"multi_select": true, "selectable_levels": [1, 2]}}),
            &change,
        )
    };
    check_field(&field(json!({})), &[]);
    check_field(
        &field(json!({"taxonomy_key": null})),
        &[(Reason::MissingParameter, "fields[0].taxonomy_key")],
    );
    check_field(
        &field(json!({"options_rules": null})),
        &[(Reason::MissingParameter, "fields[0].options_rules")],
    );
    check_field(
        &field(json!({"options_rules": {"multi_select": 1}})),
        &[(Reason::WrongType, "fields[0].options_rules.multi_select")],
    );
    check_field(
        &field(json!({"options_rules": {"selectableLevels": [0]}})),
        &[(Reason::OutOfRange, "fields[0].options_rules.selectableLevels[0]")],
    );
    check_field(
        &field(json!({"namespace": null})),
        &[(Reason::MissingParameter, "fields[0].namespace")],
    );
    let with =
        |sources: Value| json!({"fields": [field(json!({"namespace": null}))], "taxonomy_sources": sources});
    check(
        &with(json!([{"type": "file", "taxonomy_key": "k", "id": "7"}])),
        &[],
    );
    check(
        &with(json!([{"type": "taxonomy", "taxonomy_key": "k", "namespace": "enterprise_1"}])),
        &[],
    );
    check(
        &with(json!([{"type": "file", "taxonomy_key": "other", "id": "7"}])),
        &[(Reason::InvalidParameter, "fields[0].taxonomy_key")],
    );
}

#[test]
fn sources_have_what_their_type_needs() {
    let check = |source: Value, expected: &[(Reason, &str)]| {
        super::tests::check(&json!({"taxonomy_sources": [source]}), expected);
    };
    check(
        json!({"type": "csv", "taxonomy_key": "k"}),
        &[(Reason::InvalidParameter, "taxonomy_sources[0].type")],
    );
    check(
        json!({"type": "file", "taxonomy_key": "k"}),
        &[(Reason::MissingParameter, "taxonomy_sources[0].id")],
    );
    check(
        json!({"type": "file", "taxonomy_key": "k", "id": "x"}),
        &[(Reason::InvalidParameter, "taxonomy_sources[0].id")],
    );
    check(
        json!({"type": "file", "taxonomy_key": "k", "id": "7", "namespace": "n"}),
        &[(Reason::Contradiction, "taxonomy_sources[0].namespace")],
    );
    check(
        json!({"type": "taxonomy", "taxonomy_key": "k", "id": "7"}),
        &[(Reason::Contradiction, "taxonomy_sources[0].id")],
    );
    check(
        json!({"type": "taxonomy", "taxonomy_key": "k"}),
        &[(Reason::MissingParameter, "taxonomy_sources[0].namespace")],
    );
    check(
        json!({"type": "file", "id": "7"}),
        &[(Reason::MissingParameter, "taxonomy_sources[0].taxonomy_key")],
    );
    super::tests::check(
        &json!({"taxonomy_sources": [{"type": "file", "taxonomy_key": "k", "id": "7"},
            {"type": "file", "taxonomy_key": "k", "id": "8"}]}),
        &[(Reason::NotUnique, "taxonomy_sources[1].taxonomy_key")],
    );
}

#[test]
fn flags_agents_and_unknown_fields() {
    check(
        &json!({"include_confidence_score": "yes"}),
        &[(Reason::WrongType, "include_confidence_score")],
    );
    check(
        &json!({"include_reference": 1}),
        &[(Reason::WrongType, "include_reference")],
    );
    check(
        &json!({"ai_agent": {"type": "ai_agent_extract"}}),
        &[(Reason::InvalidParameter, "ai_agent.type")],
    );
    check(
        &json!({"ai_agent": {"type": "ai_agent_id", "id": "enhanced_extract_agent"}}),
        &[],
    );
    let body = json!({"fields": [{"key": "a", "displayname": "A"}], "items": files(1)});
    let request = ExtractStructuredRequest::read(&body).unwrap();
    assert_eq!(
        request.warnings,
        ["the field `fields[0].displayname` is not known and was ignored"]
    );
}
