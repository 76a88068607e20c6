//! Which texts a schema lets through, with the vocabulary of a real model.

use crate::support::model_path;
use boxwood_local::grammar::{Grammar, GrammarTable};
use serde_json::{Value, json};
use std::sync::LazyLock;

static TABLE: LazyLock<GrammarTable> =
    LazyLock::new(|| GrammarTable::of_file(&model_path()).expect("the vocabulary is read"));

/// Whether the model could write the text, token by token, and end there.
fn accepts(grammar: &mut Grammar, text: &str) -> bool {
    for token in TABLE.tokens(text) {
        if grammar.is_whole() {
            return false;
        }
        let accepted = grammar.accepts(token).expect("the grammar works");
        let mask = grammar.mask().expect("the grammar works");
        // Where characters are forced, the mask wants them in the model's own tokens; the check takes any.
        assert!(
            accepted || !mask.allows(token),
            "the mask allows token {token} of {text}, the check does not"
        );
        if !accepted {
            return false;
        }
        grammar.push(token).expect("an accepted token can be taken");
    }
    grammar.is_whole() || grammar.may_end().expect("the grammar works")
}

fn check(schema: Value, accepted: &[&str], refused: &[&str]) {
    for (texts, expected) in [(accepted, true), (refused, false)] {
        for text in texts {
            let mut grammar = TABLE.compile(&schema).expect("the schema can be enforced");
            assert_eq!(accepts(&mut grammar, text), expected, "{text} by {schema}");
        }
    }
}

#[test]
fn values_follow_their_types_and_bounds() {
    check(
        json!({"type": "integer", "minimum": 3, "maximum": 25}),
        &["3", "25"],
        &["2", "26", "3.5", " 3", "03"],
    );
    check(
        json!({"type": "number"}),
        &["0", "-1.5", "1234567.25", "-0.001"],
        &["+1", ".5", "01", "1.", "12e3", "1e999"],
    );
    check(
        json!({"type": ["string", "null"]}),
        &["null", "\"\"", "\"a b\"", "\"日本\""],
        &["1", "'a'", "\"a"],
    );
    check(
        json!({"type": "string", "minLength": 2, "maxLength": 3}),
        &["\"ab\"", "\"日本語\""],
        &["\"a\"", "\"abcd\""],
    );
    check(
        json!({"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}),
        &["\"AB12\""],
        &["\"ab12\"", "\"AB\""],
    );
    check(
        json!({"enum": ["a", 1, null]}),
        &["\"a\"", "1", "null"],
        &["\"b\"", "2"],
    );
    check(
        json!({"type": "array", "items": {"type": "boolean"}, "maxItems": 2}),
        &["[]", "[true,false]"],
        &["[true, false]", "[true,true,true]", "[1]"],
    );
}

#[test]
fn objects_are_compact_with_their_keys_in_order() {
    let schema = json!({
        "type": "object",
        "properties": {"b": {"type": "integer"}, "a": {"type": "string"}, "c": {"type": "null"}},
        "required": ["b", "a"],
        "additionalProperties": false,
    });
    check(
        schema,
        &["{\"b\":1,\"a\":\"x\"}", "{\"b\":1,\"a\":\"\",\"c\":null}"],
        &[
            "{\"a\":\"x\",\"b\":1}",
            "{\"b\":1}",
            "{\"b\": 1,\"a\":\"x\"}",
            "{\"b\":1,\"a\":\"x\",\"d\":1}",
            "{ }",
        ],
    );
}

#[test]
fn dates_are_days_that_exist() {
    check(
        json!({"type": "string", "format": "date"}),
        &[
            "\"2024-02-29\"",
            "\"2000-02-29\"",
            "\"2023-12-31\"",
            "\"1999-04-30\"",
        ],
        &[
            "\"2023-02-29\"",
            "\"1900-02-29\"",
            "\"2023-04-31\"",
            "\"2023-13-01\"",
            "\"23-01-01\"",
            "\"0000-01-01\"",
            "\"soon\"",
        ],
    );
    check(
        json!({"type": "string", "format": "date-time"}),
        &["\"2024-02-29T23:59:59Z\"", "\"2024-01-01T00:00:00.5+09:00\""],
        &[
            "\"2024-01-01\"",
            "\"2023-02-29T00:00:00Z\"",
            "\"2024-01-01T24:00:00Z\"",
            "\"2024-01-01T00:00:00\"",
        ],
    );
}

#[test]
fn schemas_may_refer_to_themselves_and_choose() {
    let tree = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
                           "required": ["v"], "additionalProperties": false}},
    });
    check(
        tree,
        &["{\"v\":1}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3}}}"],
        &["{\"next\":{\"v\":1}}", "{\"v\":1,\"next\":1}"],
    );
    check(
        json!({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
        &["7", "[7,8]"],
        &["\"7\"", "{}"],
    );
}

#[test]
fn tokens_are_forced_where_there_is_no_choice() {
    let schema = json!({"type": "object", "properties": {"invoice_number": {"type": "integer"}},
                        "required": ["invoice_number"], "additionalProperties": false});
    let mut grammar = TABLE.compile(&schema).unwrap();
    let forced = grammar.forced();
    assert!(forced.len() > 2, "{forced:?}");
    for token in &forced {
        assert!(grammar.accepts(*token).unwrap());
        grammar.push(*token).unwrap();
    }
    assert!(!grammar.may_end().unwrap());
    // The last forced characters wait: the model may write them together with what follows.
    for token in [TABLE.tokens("\":"), TABLE.tokens("12")].concat() {
        grammar.push(token).unwrap();
    }
    assert!(grammar.forced().is_empty(), "more digits may come");
    assert!(!grammar.accepts(-1).unwrap() && !grammar.accepts(i32::MAX).unwrap());
}

#[test]
fn a_token_that_may_not_come_is_an_error() {
    let mut grammar = TABLE.compile(&json!({"type": "boolean"})).unwrap();
    let wrong = TABLE.tokens("\"")[0];
    assert!(grammar.push(wrong).is_err());
    assert!(
        grammar.mask().is_err(),
        "and the grammar does not go on without a mask"
    );
}
