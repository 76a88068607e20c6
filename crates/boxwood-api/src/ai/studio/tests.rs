//! Every rule of an agent, as a valid body with one thing changed.

use super::*;
use crate::testing::assert_refusals;
use serde_json::json;

fn valid() -> Value {
    json!({
        "type": "ai_agent", "name": "Reader", "access_state": "enabled",
        "ask": {"type": "ai_agent_ask", "access_state": "enabled", "description": "reads"},
    })
}

/// Replaces the member at a path of names.
fn with(mut body: Value, path: &str, value: Value) -> Value {
    let pointer = format!("/{}", path.replace('.', "/"));
    match body.pointer_mut(&pointer) {
        Some(place) => *place = value,
        None => {
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            let parent = format!("/{}", parent.replace('.', "/"));
            let parent = if parent == "/" { "" } else { &parent };
            body.pointer_mut(parent).unwrap()[name] = value;
        }
    }
    body
}

#[track_caller]
fn check(path: &str, value: Value, expected: &[(Reason, &str)]) {
    let body = with(valid(), path, value);
    let errors = StudioAgent::read(&body).err();
    assert_refusals(&errors.unwrap_or_default(), expected, &body);
}

#[test]
fn the_agent_itself() {
    check("type", json!(null), &[(Reason::MissingParameter, "type")]);
    check("type", json!("agent"), &[(Reason::InvalidParameter, "type")]);
    check("name", json!(null), &[(Reason::MissingParameter, "name")]);
    check("name", json!("  "), &[(Reason::TooShort, "name")]);
    check("name", json!("あ".repeat(255)), &[]);
    check("name", json!("あ".repeat(256)), &[(Reason::TooLong, "name")]);
    check("name", json!(5), &[(Reason::WrongType, "name")]);
    for (state, refusals) in [
        (json!("disabled"), &[][..]),
        (json!("enabled_for_selected_users"), &[]),
        (json!("on"), &[(Reason::InvalidParameter, "access_state")]),
        (json!(null), &[(Reason::MissingParameter, "access_state")]),
    ] {
        check("access_state", state, refusals);
    }
    check(
        "icon_reference",
        json!(""),
        &[(Reason::TooShort, "icon_reference")],
    );
    check("icon_reference", json!("https://example.com/x.png"), &[]);
    check("ask", json!(null), &[(Reason::MissingParameter, "ask")]);
    check("ask", json!([]), &[(Reason::WrongType, "ask")]);
}

#[test]
fn who_is_allowed() {
    let user = |id: &str| json!({"type": "user", "id": id});
    check(
        "allowed_entities",
        json!([user("1"), {"type": "group", "id": "1"}]),
        &[],
    );
    for (entities, refusal) in [
        (
            json!([user("1"), user("1")]),
            (Reason::NotUnique, "allowed_entities[1].id"),
        ),
        (
            json!([user("x")]),
            (Reason::InvalidParameter, "allowed_entities[0].id"),
        ),
        (
            json!([{"id": "1"}]),
            (Reason::MissingParameter, "allowed_entities[0].type"),
        ),
        (
            json!([{"type": "folder", "id": "1"}]),
            (Reason::InvalidParameter, "allowed_entities[0].type"),
        ),
        (
            json!([{"type": "user"}]),
            (Reason::MissingParameter, "allowed_entities[0].id"),
        ),
        (json!(["1"]), (Reason::WrongType, "allowed_entities[0]")),
        (json!({}), (Reason::WrongType, "allowed_entities")),
    ] {
        check("allowed_entities", entities, &[refusal]);
    }
    let many: Vec<Value> = (0..1_001).map(|id| user(&id.to_string())).collect();
    check(
        "allowed_entities",
        json!(many),
        &[(Reason::TooLong, "allowed_entities")],
    );
}

#[test]
fn a_capability() {
    for (path, value, refusal) in [
        (
            "ask.type",
            json!("ai_agent_text_gen"),
            (Reason::InvalidParameter, "ask.type"),
        ),
        ("ask.type", json!(null), (Reason::MissingParameter, "ask.type")),
        (
            "ask.access_state",
            json!("enabled_for_selected_users"),
            (Reason::InvalidParameter, "ask.access_state"),
        ),
        (
            "ask.access_state",
            json!(null),
            (Reason::MissingParameter, "ask.access_state"),
        ),
        (
            "ask.description",
            json!(null),
            (Reason::MissingParameter, "ask.description"),
        ),
        (
            "ask.custom_instructions",
            json!("x".repeat(10_001)),
            (Reason::TooLong, "ask.custom_instructions"),
        ),
        (
            "ask.suggested_questions",
            json!(["1", "2", "3", "4", "5"]),
            (Reason::TooLong, "ask.suggested_questions"),
        ),
        (
            "ask.suggested_questions",
            json!(["1", ""]),
            (Reason::TooShort, "ask.suggested_questions[1]"),
        ),
        (
            "ask.suggested_questions",
            json!([1]),
            (Reason::WrongType, "ask.suggested_questions[0]"),
        ),
    ] {
        check(path, value, &[refusal]);
    }
    check("ask.description", json!(""), &[]);
    check("ask.suggested_questions", json!([]), &[]);
}

#[test]
fn tools_obey_the_rules_of_requests() {
    let extract = |tool: Value| json!({"type": "ai_agent_extract", "access_state": "enabled", "description": "", "basic_text": tool});
    let text_gen = |tool: Value| json!({"type": "ai_agent_text_gen", "access_state": "enabled", "description": "", "basic_gen": tool});
    for (path, value, refusal) in [
        (
            "ask.basic_text",
            json!({"prompt_template": "{content}"}),
            (Reason::MissingPlaceholder, "ask.basic_text.prompt_template"),
        ),
        (
            "ask.long_text",
            json!({"embeddings": {"strategy": {"num_tokens_per_chunk": 0}}}),
            (
                Reason::OutOfRange,
                "ask.long_text.embeddings.strategy.num_tokens_per_chunk",
            ),
        ),
        (
            "ask.basic_image_multi",
            json!({"is_custom_instructions_included": "no"}),
            (
                Reason::WrongType,
                "ask.basic_image_multi.is_custom_instructions_included",
            ),
        ),
        (
            "ask.spreadsheet",
            json!({"num_tokens_for_completion": 0}),
            (Reason::OutOfRange, "ask.spreadsheet.num_tokens_for_completion"),
        ),
        (
            "text_gen",
            text_gen(json!({"prompt_template": "no place"})),
            (Reason::MissingPlaceholder, "text_gen.basic_gen.prompt_template"),
        ),
        (
            "extract",
            extract(json!({"llm_endpoint_params": {"type": "my_params"}})),
            (
                Reason::InvalidParameter,
                "extract.basic_text.llm_endpoint_params.type",
            ),
        ),
    ] {
        check(path, value, &[refusal]);
    }
    check(
        "text_gen",
        text_gen(json!({"prompt_template": "{user_question}", "content_template": "-{content}-"})),
        &[],
    );
}

#[test]
fn what_is_kept_is_what_was_known_and_reads_again() {
    let body = with(
        valid(),
        "ask.basic_text",
        json!({
            "model": "azure__openai__gpt_4o_mini", "num_tokens_for_completion": 8400.0, "colour": "red",
            "system_message": null, "is_custom_instructions_included": false,
            "llm_endpoint_params": {"type": "openai_params", "temperature": 0.0, "stop": null},
        }),
    );
    let agent = StudioAgent::read(&body).unwrap();
    assert_eq!(
        agent.warnings,
        ["the field `ask.basic_text.colour` is not known and was ignored"]
    );
    let ask = agent.ask.unwrap();
    assert_eq!(
        ask.settings,
        json!({
            "type": "ai_agent_ask", "description": "reads",
            "basic_text": {
                "model": "azure__openai__gpt_4o_mini", "num_tokens_for_completion": 8400.0,
                "is_custom_instructions_included": false,
                "llm_endpoint_params": {"type": "openai_params", "temperature": 0.0},
            },
        })
    );
    assert_eq!(ask.uninstructed, ["basic_text"]);
    assert_eq!(ask.suggested_questions, None);
    let again = AskCapability::kept(&ask.settings).unwrap();
    assert_eq!(
        (again.tools, again.description),
        (ask.tools.clone(), ask.description)
    );

    let shown = capability_body(
        ShownCapability {
            mode: AgentMode::Ask,
            enabled: false,
            settings: &ask.settings,
            suggested_questions: Some(&[]),
        },
        &|model| model == "azure__openai__gpt_4o_mini",
    );
    assert_eq!(shown["access_state"], "disabled");
    assert_eq!(shown["suggested_questions"], json!([]));
    assert_eq!(shown["basic_text"]["warnings"], json!(["MODEL_INACTIVE"]));
    let body = with(valid(), "ask", shown);
    let sent_back = StudioAgent::read(&body).unwrap();
    assert!(sent_back.warnings.is_empty(), "{:?}", sent_back.warnings);
    assert_eq!(sent_back.ask.unwrap().tools, ask.tools);
}
