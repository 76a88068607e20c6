//! The metadata of items on the wire: the resource, and the bodies that make and change it.
//!
//! Called by the server's handlers. An instance is one flat object: members of the server begin with `$`, the others are
//! values.

use crate::error::Reason;
use crate::reading::{Findings, Reader, one_of};
use serde::Serialize;
use serde_json::{Map, Value};

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metadata {
    /// The UUID; left out of the short form.
    #[serde(rename = "$id", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `file_123` or `folder_123`.
    #[serde(rename = "$parent")]
    pub parent: String,
    /// The template's key.
    #[serde(rename = "$template")]
    pub template: String,
    /// `global` or `enterprise_123`.
    #[serde(rename = "$scope")]
    pub scope: String,
    /// Counts changes, from 0.
    #[serde(rename = "$version")]
    pub version: u32,
    /// The template's key and id; left out of the short form.
    #[serde(rename = "$type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The template's revision; left out of the short form.
    #[serde(rename = "$typeVersion", skip_serializing_if = "Option::is_none")]
    pub type_version: Option<u32>,
    /// Whether the principal may change it; left out of the short form.
    #[serde(rename = "$canEdit", skip_serializing_if = "Option::is_none")]
    pub can_edit: Option<bool>,
    /// The values.
    #[serde(flatten)]
    pub values: Map<String, Value>,
}

/// All metadata of an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metadatas {
    /// The instances.
    pub entries: Vec<Metadata>,
    /// As Box writes it; the list is always whole.
    pub limit: u32,
}

/// The body that makes an instance: an object of values.
pub fn read_values(body: &Value, findings: &mut Findings) -> Option<Map<String, Value>> {
    match body {
        Value::Object(values) => Some(values.clone()),
        _ => {
            findings.refuse(Reason::WrongType, "", "must be an object of values");
            None
        }
    }
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataPatch {
    /// `add`: where, what.
    Add(String, Value),
    /// `replace`: where, what.
    Replace(String, Value),
    /// `remove`: where.
    Remove(String),
    /// `test`: where, what.
    Test(String, Value),
    /// `move`: from where, to where.
    Move(String, String),
    /// `copy`: from where, to where.
    Copy(String, String),
}

#[derive(Debug, Clone, Copy)]
enum Op {
    Add,
    Replace,
    Remove,
    Test,
    Move,
    Copy,
}

const OPS: &[(&str, Op)] = &[
    ("add", Op::Add),
    ("replace", Op::Replace),
    ("remove", Op::Remove),
    ("test", Op::Test),
    ("move", Op::Move),
    ("copy", Op::Copy),
];

impl MetadataPatch {
    /// Reads the body: an array of operations.
    pub fn read_all(body: &Value, findings: &mut Findings) -> Option<Vec<Self>> {
        let Value::Array(entries) = body else {
            findings.refuse(Reason::WrongType, "", "must be an array of JSON Patch operations");
            return None;
        };
        let operations: Vec<Option<Self>> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| Self::read(entry, &format!("[{index}]"), findings))
            .collect();
        operations.into_iter().collect()
    }

    fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(value, path, findings)?;
        let name = reader.required_text("op", findings)?;
        let op = one_of(name, OPS, &reader.path_of("op"), findings);
        let place = reader.required_text("path", findings).map(str::to_owned);
        let mut given = |name| reader.required(name, findings).cloned();
        match op? {
            Op::Add => given("value").and_then(|value| Some(Self::Add(place?, value))),
            Op::Replace => given("value").and_then(|value| Some(Self::Replace(place?, value))),
            Op::Test => given("value").and_then(|value| Some(Self::Test(place?, value))),
            Op::Remove => place.map(Self::Remove),
            Op::Move => {
                let from = reader.required_text("from", findings)?.to_owned();
                Some(Self::Move(from, place?))
            }
            Op::Copy => {
                let from = reader.required_text("from", findings)?.to_owned();
                Some(Self::Copy(from, place?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patches_are_read_or_refused_by_their_place() {
        let all = json!([
            {"op": "add", "path": "/a", "value": 1},
            {"op": "replace", "path": "/a", "value": ["x"]},
            {"op": "remove", "path": "/a"},
            {"op": "test", "path": "/a", "value": "x"},
            {"op": "move", "path": "/a", "from": "/b"},
            {"op": "copy", "path": "/a", "from": "/b"},
        ]);
        let mut findings = Findings::default();
        assert_eq!(
            MetadataPatch::read_all(&all, &mut findings).map(|all| all.len()),
            Some(6)
        );
        for (body, expected) in [
            (json!({"op": "add"}), ""),
            (json!(["x"]), "[0]"),
            (json!([{"path": "/a"}]), "[0].op"),
            (json!([{"op": "drop", "path": "/a"}]), "[0].op"),
            (json!([{"op": "remove"}]), "[0].path"),
            (json!([{"op": "add", "path": "/a"}]), "[0].value"),
            (json!([{"op": "move", "path": "/a"}]), "[0].from"),
            (json!([{"op": "copy", "path": "/a", "from": 1}]), "[0].from"),
        ] {
            let mut findings = Findings::default();
            assert_eq!(MetadataPatch::read_all(&body, &mut findings), None, "{body}");
            let names: Vec<&str> = findings.errors.iter().map(|error| error.name.as_str()).collect();
            assert_eq!(names, [expected], "{body}");
        }
    }

    #[test]
    fn an_instance_is_flat() {
        let instance = Metadata {
            id: None,
            parent: "file_1".into(),
            template: "deal".into(),
            scope: "global".into(),
            version: 0,
            kind: None,
            type_version: None,
            can_edit: None,
            values: json!({"a": "b"}).as_object().cloned().unwrap_or_default(),
        };
        assert_eq!(
            serde_json::to_value(&instance).ok(),
            Some(
                json!({"$parent": "file_1", "$template": "deal", "$scope": "global", "$version": 0, "a": "b"})
            )
        );
    }
}
