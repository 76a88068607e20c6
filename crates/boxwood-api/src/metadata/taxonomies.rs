//! Taxonomies on the wire: the resources, and the bodies that make and change them.
//!
//! Called by the server's handlers. Unknown members are ignored.

use crate::error::Reason;
use crate::reading::{Findings, Reader};
use serde::Serialize;
use serde_json::Value;

/// A taxonomy without its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataTaxonomy {
    /// The UUID.
    pub id: String,
    /// The name in paths.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// `enterprise_123`.
    pub namespace: String,
    /// From the top.
    pub levels: Vec<TaxonomyLevel>,
}

/// A level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxonomyLevel {
    /// What a person sees.
    pub display_name: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// From 1.
    pub level: u32,
}

/// All levels of a taxonomy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaxonomyLevels {
    /// From the top.
    pub entries: Vec<TaxonomyLevel>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxonomyNode {
    /// The UUID.
    pub id: String,
    /// What a person sees.
    pub display_name: String,
    /// From 1.
    pub level: u32,
    /// The node above; absent on level 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The nodes above, from the top; absent on level 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_path: Option<Vec<String>>,
    /// The nodes above, from the top; absent on level 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ancestors: Option<Vec<TaxonomyAncestor>>,
}

/// A node above another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxonomyAncestor {
    /// The UUID.
    pub id: String,
    /// What a person sees.
    pub display_name: String,
    /// From 1.
    pub level: u32,
}

/// `POST /2.0/metadata_taxonomies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTaxonomy {
    /// The name in paths; absent: made from the display name.
    pub key: Option<String>,
    /// What a person sees.
    pub display_name: String,
    /// `enterprise_123`.
    pub namespace: String,
}

impl CreateTaxonomy {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let key = reader.text("key", findings).map(str::to_owned);
        let display_name = reader.required_text("displayName", findings).map(str::to_owned);
        let namespace = reader.required_text("namespace", findings).map(str::to_owned);
        reader.close(findings);
        Some(Self {
            key,
            display_name: display_name?,
            namespace: namespace?,
        })
    }
}

/// `PATCH /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}`: the new display name.
pub fn read_display_name(body: &Value, findings: &mut Findings) -> Option<String> {
    let mut reader = Reader::object(body, "", findings)?;
    let name = reader.required_text("displayName", findings).map(str::to_owned);
    reader.close(findings);
    name
}

/// A node's new display name; `None`: it stays.
pub fn read_node_name(body: &Value, findings: &mut Findings) -> Option<Option<String>> {
    let mut reader = Reader::object(body, "", findings)?;
    let name = reader.text("displayName", findings).map(str::to_owned);
    reader.close(findings);
    Some(name)
}

/// A level to make or what one becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLevel {
    /// What a person sees.
    pub display_name: String,
    /// More about it.
    pub description: Option<String>,
}

impl NewLevel {
    /// Reads one level: the whole body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        Self::read_at(body, "", findings)
    }

    /// Reads a body that is an array of levels.
    pub fn read_all(body: &Value, findings: &mut Findings) -> Option<Vec<Self>> {
        let Value::Array(entries) = body else {
            findings.refuse(Reason::WrongType, "", "must be an array of levels");
            return None;
        };
        let levels: Vec<Option<Self>> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| Self::read_at(entry, &format!("[{index}]"), findings))
            .collect();
        levels.into_iter().collect()
    }

    fn read_at(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(value, path, findings)?;
        let display_name = reader.required_text("displayName", findings).map(str::to_owned);
        let description = reader.text("description", findings).map(str::to_owned);
        reader.close(findings);
        Some(Self {
            display_name: display_name?,
            description,
        })
    }
}

/// `POST /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateNode {
    /// What a person sees.
    pub display_name: String,
    /// From 1.
    pub level: u32,
    /// The node above.
    pub parent_id: Option<String>,
}

impl CreateNode {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let display_name = reader.required_text("displayName", findings).map(str::to_owned);
        reader.required("level", findings);
        let level = reader.whole("level", 1, u64::from(u32::MAX), findings);
        let parent_id = reader.text("parentId", findings).map(str::to_owned);
        reader.close(findings);
        Some(Self {
            display_name: display_name?,
            level: u32::try_from(level?).ok()?,
            parent_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn refused<T: std::fmt::Debug>(
        read: impl FnOnce(&Value, &mut Findings) -> Option<T>,
        body: Value,
        expected: &[&str],
    ) {
        let mut findings = Findings::default();
        let value = read(&body, &mut findings);
        let names: Vec<String> = match findings.finish(value) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.name).collect(),
        };
        assert_eq!(names, expected, "{body}");
    }

    #[test]
    fn wrong_bodies_name_their_fields() {
        refused(
            CreateTaxonomy::read,
            json!({"key": 1}),
            &["key", "displayName", "namespace"],
        );
        refused(
            CreateTaxonomy::read,
            json!({"displayName": "A", "namespace": "enterprise_1"}),
            &[],
        );
        refused(NewLevel::read_all, json!({}), &[""]);
        refused(
            NewLevel::read_all,
            json!([{"displayName": "A"}, {}]),
            &["[1].displayName"],
        );
        refused(
            NewLevel::read,
            json!({"displayName": "A", "description": "B"}),
            &[],
        );
        refused(CreateNode::read, json!({"displayName": "A"}), &["level"]);
        refused(
            CreateNode::read,
            json!({"displayName": "A", "level": 0}),
            &["level"],
        );
        refused(
            CreateNode::read,
            json!({"displayName": "A", "level": 1, "parentId": 7}),
            &["parentId"],
        );
        refused(read_display_name, json!({}), &["displayName"]);
        refused(read_node_name, json!({}), &[]);
    }
}
