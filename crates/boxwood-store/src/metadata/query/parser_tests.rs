//! What queries find, and how wrong ones are refused.

use super::*;
use crate::metadata::query::scalar::{Candidate, ItemFacts};
use crate::metadata::template::FieldKind;
use crate::metadata::testing::{self, field};
use serde_json::json;

fn template() -> MetadataTemplate {
    testing::template(vec![
        field("name", FieldKind::Text, &["o"]),
        field("amount", FieldKind::Float, &["o"]),
        field("signed", FieldKind::Date, &["o"]),
        field("state", FieldKind::Enum, &["o"]),
        field("sports", FieldKind::MultiSelect, &["o"]),
        field("odd key", FieldKind::Text, &["o"]),
    ])
}

fn candidate(id: i64, values: Value) -> Candidate {
    Candidate {
        facts: ItemFacts {
            id,
            is_file: id != 3,
            name: format!("report-{id}.pdf"),
            description: String::new(),
            owner: 7,
            enterprise: 1,
            created_at: id * 1_000,
            modified_at: 0,
            content_created_at: 0,
            content_modified_at: 0,
        },
        values: values.as_object().unwrap().clone(),
    }
}

/// 1 has everything, 2 has less, 3 is a folder with next to nothing.
fn candidates() -> [Candidate; 3] {
    [
        candidate(
            1,
            json!({"name": "John", "amount": 23, "signed": "2001-01-03T02:20:50.520Z", "state": "US",
                "sports": ["basketball", "tennis"], "odd key": "x"}),
        ),
        candidate(
            2,
            json!({"name": "john", "amount": 50.5, "state": "CA", "sports": ["tennis"]}),
        ),
        candidate(3, json!({"name": "100%"})),
    ]
}

#[track_caller]
fn finds(text: &str, arguments: Value, expected: &[i64]) {
    let predicate = parse(text, &template(), arguments.as_object().unwrap())
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let found: Vec<i64> = candidates()
        .iter()
        .filter(|candidate| predicate.holds(candidate))
        .map(|candidate| candidate.facts.id)
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn comparisons_find_by_type() {
    finds("name = :n", json!({"n": "John"}), &[1]);
    finds("name <> :n", json!({"n": "John"}), &[2, 3]);
    finds("name != 'John'", json!({}), &[2, 3]);
    finds("amount < :a", json!({"a": 50}), &[1]);
    finds("amount >= :a", json!({"a": "23"}), &[1, 2]);
    finds("amount > 23 and amount <= 50.5", json!({}), &[2]);
    finds("amount <> 23", json!({}), &[2]);
    finds("signed >= :d", json!({"d": "2001-01-01T00:00:00+02:00"}), &[1]);
    finds("signed < :d", json!({"d": "2001-01-03"}), &[]);
    finds("state = :s", json!({"s": "US"}), &[1]);
    finds("\"odd key\" = 'x'", json!({}), &[1]);
}

#[test]
fn words_join_and_turn_conditions() {
    finds("name = 'John' OR amount = 50.5", json!({}), &[1, 2]);
    finds("name = 'John' OR name = 'john' AND amount < 1", json!({}), &[1]);
    finds(
        "(name = 'John' OR name = 'john') AND amount > 1",
        json!({}),
        &[1, 2],
    );
    finds("NOT amount = 23", json!({}), &[2, 3]);
    finds("NOT (amount = 23 OR amount = 50.5)", json!({}), &[3]);
    finds("amount IS NULL", json!({}), &[3]);
    finds("amount IS NOT NULL", json!({}), &[1, 2]);
    finds("not not name like 'J%'", json!({}), &[1]);
}

#[test]
fn patterns_and_lists_find() {
    finds("name LIKE :p", json!({"p": "J%"}), &[1]);
    finds("name ILIKE :p", json!({"p": "j_hn"}), &[1, 2]);
    finds("name NOT ILIKE :p", json!({"p": "j%"}), &[3]);
    finds(r"name LIKE '100\%'", json!({}), &[3]);
    finds("amount IN (:a, :b)", json!({"a": 23, "b": 1}), &[1]);
    finds("amount NOT IN (23)", json!({}), &[2]);
    finds("state IN (:all)", json!({"all": ["US", "CA"]}), &[1, 2]);
    finds("sports = :s", json!({"s": ["tennis", "basketball"]}), &[1]);
    finds("sports = 'tennis'", json!({}), &[2]);
    finds("sports <> 'tennis'", json!({}), &[1]);
    finds("sports HASANY :s", json!({"s": ["basketball", "golf"]}), &[1]);
    finds("sports HASANY ('tennis', :g)", json!({"g": "golf"}), &[1, 2]);
    finds("sports HASALL ('tennis', 'basketball')", json!({}), &[1]);
    finds("state HASANY ('CA', 'MX')", json!({}), &[2]);
}

#[test]
fn items_are_found_by_their_own_fields() {
    finds("item.type = 'folder'", json!({}), &[3]);
    finds(
        "item.name LIKE 'report-_.pdf' AND item.extension = 'pdf'",
        json!({}),
        &[1, 2],
    );
    finds(
        "item.created_at > :t",
        json!({"t": "1970-01-01T00:00:01Z"}),
        &[2, 3],
    );
    finds(
        "item.owned_by = 'user_7' AND item.owner_enterprise_id = '1'",
        json!({}),
        &[1, 2, 3],
    );
}

#[track_caller]
fn refused(text: &str, arguments: Value, expected: Result<usize, &str>) {
    let found = match parse(text, &template(), arguments.as_object().unwrap()) {
        Err(MetadataError::InvalidQuery { position, .. }) => Ok(position),
        Err(MetadataError::InvalidArgument { name, .. }) => Err(name),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(found, expected.map_err(str::to_owned), "{text}");
}

#[test]
fn wrong_queries_name_the_place_or_the_argument() {
    refused("", json!({}), Ok(1));
    refused("name", json!({}), Ok(5));
    refused("name =", json!({}), Ok(7));
    refused("name = name", json!({}), Ok(8));
    refused("none = :a", json!({"a": "x"}), Ok(1));
    refused("name = 'a' name = 'b'", json!({}), Ok(12));
    refused("name = 'a' AND", json!({}), Ok(15));
    refused("(name = 'a'", json!({}), Ok(12));
    refused("name LIKE (:a)", json!({"a": "x"}), Ok(11));
    refused("amount LIKE '1%'", json!({}), Ok(8));
    refused("amount = 'x'", json!({}), Ok(10));
    refused("name = 5", json!({}), Ok(8));
    refused("sports IN ('a')", json!({}), Ok(8));
    refused("sports < 'a'", json!({}), Ok(8));
    refused("name HASANY 'a'", json!({}), Ok(6));
    refused("name NOT = 'a'", json!({}), Ok(10));
    refused("name IS 'a'", json!({}), Ok(9));
    refused("name IN ()", json!({}), Ok(10));
    refused("AND = 'a'", json!({}), Ok(1));
    refused("name = :missing", json!({}), Err("missing"));
    refused("amount > :a", json!({"a": "many"}), Err("a"));
    refused("signed > :a", json!({"a": "tomorrow"}), Err("a"));
    refused("sports = :a", json!({"a": [1]}), Err("a"));
    refused(
        &format!("{}name = 'a'{}", "(".repeat(60), ")".repeat(60)),
        json!({}),
        Ok(52),
    );
    refused(&"NOT ".repeat(100), json!({}), Ok(205));
}
