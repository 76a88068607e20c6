//! A freeform prompt → fields: a list of terms, JSON (a sample, a schema, a stringified list of fields) or XML is read as
//! it stands; only whole sentences are left to the model, which then names the keys.
//!
//! Invariant: keys are distinct, not empty and in the prompt's order. Called by the service before the files are read.

mod json_form;
mod terms;
mod xml_form;

use super::field::FieldSpec;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use std::collections::HashSet;
use std::io;

/// Most fields of one prompt.
const MOST_FIELDS: usize = 1_000;

/// What a prompt turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Freeform {
    /// Fields that stand in it.
    Fields(Vec<FieldSpec>),
    /// Sentences: the model names the keys.
    Sentences,
}

/// Reads a prompt.
pub fn read(prompt: &str) -> Freeform {
    let prompt = prompt.trim();
    let fields = json_form::read(prompt)
        .or_else(|| xml_form::read(prompt))
        .or_else(|| terms::read(prompt));
    match fields.map(distinct) {
        Some(fields) if !fields.is_empty() => Freeform::Fields(fields),
        _ => Freeform::Sentences,
    }
}

/// The keys that a model named.
pub fn from_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<FieldSpec> {
    distinct(keys.into_iter().map(|key| FieldSpec::text(key.trim())).collect())
}

fn distinct(fields: Vec<FieldSpec>) -> Vec<FieldSpec> {
    let mut seen = HashSet::new();
    fields
        .into_iter()
        .filter(|field| !field.key.is_empty() && seen.insert(field.key.clone()))
        .take(MOST_FIELDS)
        .collect()
}

/// A value as the answer of a freeform extraction writes it: a space after every comma and colon, characters as they are.
pub fn spaced_json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Spaced);
    // Writing a `Value` into memory can't fail.
    let _infallible = value.serialize(&mut serializer);
    String::from_utf8(bytes).unwrap_or_default()
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        CompactFormatter.begin_object_value(writer)?;
        writer.write_all(b" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(prompt: &str) -> Vec<String> {
        match read(prompt) {
            Freeform::Fields(fields) => fields.into_iter().map(|field| field.key).collect(),
            Freeform::Sentences => Vec::new(),
        }
    }

    #[test]
    fn every_form_of_a_prompt_gives_its_keys_in_order() {
        for (prompt, expected) in [
            (
                "firstName, lastName, location, yearOfBirth, company",
                &["firstName", "lastName", "location", "yearOfBirth", "company"][..],
            ),
            (
                "Invoice number\nIssue date\nGrand total",
                &["Invoice number", "Issue date", "Grand total"],
            ),
            ("- name\n- date", &["name", "date"]),
            (
                "Extract the following: name, date and total",
                &["name", "date", "total"],
            ),
            ("氏名、生年月日、住所", &["氏名", "生年月日", "住所"]),
            (
                r#"{"name": "", "born": "", "address": {"city": ""}}"#,
                &["name", "born", "address"],
            ),
            (r#"["name", "born"]"#, &["name", "born"]),
            (
                r#"\"fields\":[{\"type\":\"string\",\"key\":\"name\"},{\"type\":\"date\",\"key\":\"last\"}]"#,
                &["name", "last"],
            ),
            (r#""fields":[{"type":"string","key":"name"}]"#, &["name"]),
            (r#"{"fields":[{"type":"float","key":"total"}]}"#, &["total"]),
            (
                r#"{"type":"object","properties":{"name":{"type":"string"},"rows":{"type":"array"}}}"#,
                &["name", "rows"],
            ),
            (
                "<person><firstName/><lastName/></person>",
                &["firstName", "lastName"],
            ),
            ("<name></name><date></date>", &["name", "date"]),
            ("Who signed the contract, and when does it end?", &[]),
            (
                "Please tell me everything about the parties of this agreement.",
                &[],
            ),
        ] {
            assert_eq!(keys(prompt), expected, "{prompt}");
        }
    }

    #[test]
    fn keys_are_distinct() {
        assert_eq!(keys("name, name, date"), ["name", "date"]);
    }

    #[test]
    fn answers_are_spaced_and_keep_their_characters() {
        let value =
            json!({"firstName": "Jürgen", "tags": ["a", "b"], "n": 1, "none": null, "o": {"k": "契約"}});
        assert_eq!(
            spaced_json(&value),
            r#"{"firstName": "Jürgen", "tags": ["a", "b"], "n": 1, "none": null, "o": {"k": "契約"}}"#
        );
    }
}
