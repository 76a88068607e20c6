//! A struct of which a completion gave only the beginning: what came, and what is still to be asked for.
//!
//! Invariant: the two together are the struct, each with its fields in order. Called by the filling step where a
//! completion broke off.

use super::field::{FieldKind, FieldSpec};
use super::json::Node;

/// The part of a field that stands in a completion that broke off, and the part that does not. A list that broke off
/// counts as come.
pub fn parted(field: &FieldSpec, node: Option<&Node>) -> (Option<FieldSpec>, Option<FieldSpec>) {
    let Some(node) = node else {
        return (None, Some(field.clone()));
    };
    let FieldKind::Struct(inner) = &field.kind else {
        return (Some(field.clone()), None);
    };
    let parts = inner.iter().map(|inner| parted(inner, node.member(&inner.key)));
    let (came, rest): (Vec<_>, Vec<_>) = parts.unzip();
    let of_these = |inner: Vec<Option<FieldSpec>>| {
        let inner: Vec<FieldSpec> = inner.into_iter().flatten().collect();
        (!inner.is_empty()).then(|| field.clone().of_kind(FieldKind::Struct(inner)))
    };
    (of_these(came), of_these(rest))
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::*;

    fn keys(field: Option<FieldSpec>) -> String {
        let Some(field) = field else {
            return "-".to_owned();
        };
        let inner: Vec<String> = field
            .kind
            .fields()
            .iter()
            .cloned()
            .map(|inner| keys(Some(inner)))
            .collect();
        match inner.is_empty() {
            true => field.key,
            false => format!("{}({})", field.key, inner.join(" ")),
        }
    }

    #[test]
    fn what_came_and_what_did_not_are_the_whole() {
        let of = |key: &str, inner: Vec<FieldSpec>| FieldSpec::text(key).of_kind(FieldKind::Struct(inner));
        let contact = of(
            "contact",
            vec![FieldSpec::text("mails"), FieldSpec::text("phones")],
        );
        let person = of(
            "person",
            vec![contact, FieldSpec::text("name"), FieldSpec::text("words")],
        );
        for (text, came, rest) in [
            (
                r#"{"person":{"contact":{"mails":["a","#,
                "person(contact(mails))",
                "person(contact(phones) name words)",
            ),
            (
                r#"{"person":{"contact":{"mails":null,"phones":"1"},"name":"Ada","wor"#,
                "person(contact(mails phones) name)",
                "person(words)",
            ),
            (
                r#"{"person":{"contact":{"mails":null,"phones":"1"},"name":"Ada","words":null}}"#,
                "person(contact(mails phones) name words)",
                "-",
            ),
            (r#"{"per"#, "-", "person(contact(mails phones) name words)"),
        ] {
            let node = parse(text).node.unwrap();
            let parts = parted(&person, node.member("person"));
            assert_eq!(
                (keys(parts.0).as_str(), keys(parts.1).as_str()),
                (came, rest),
                "{text}"
            );
        }
    }
}
