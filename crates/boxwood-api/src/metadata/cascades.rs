//! Cascade policies on the wire.

use crate::reading::{Findings, Reader, one_of};
use crate::wire::required_id;
use boxwood_core::FolderId;
use serde::Serialize;
use serde_json::Value;

/// An id with its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// `enterprise` or `folder`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CascadePolicy {
    /// The UUID.
    pub id: String,
    /// Always `metadata_cascade_policy`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whose it is.
    pub owner_enterprise: Reference,
    /// The folder.
    pub parent: Reference,
    /// `global` or `enterprise_123`.
    pub scope: String,
    /// The template's key.
    #[serde(rename = "templateKey")]
    pub template_key: String,
}

/// `POST /2.0/metadata_cascade_policies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCascadePolicy {
    /// The folder.
    pub folder_id: FolderId,
    /// `global`, `enterprise`, `enterprise_123`.
    pub scope: String,
    /// The template's key.
    pub template_key: String,
}

impl CreateCascadePolicy {
    /// Reads the body.
    pub fn read(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let folder_id = required_id(&mut reader, "folder_id", findings);
        let scope = reader.required_text("scope", findings).map(str::to_owned);
        let template_key = reader.required_text("templateKey", findings).map(str::to_owned);
        reader.close(findings);
        Some(Self {
            folder_id: folder_id?,
            scope: scope?,
            template_key: template_key?,
        })
    }
}

/// `POST /2.0/metadata_cascade_policies/{id}/apply`: whether existing metadata is overwritten.
pub fn read_overwrite(body: &Value, findings: &mut Findings) -> Option<bool> {
    let mut reader = Reader::object(body, "", findings)?;
    let word = reader.required_text("conflict_resolution", findings)?;
    let words = &[("none", false), ("overwrite", true)];
    let overwrite = one_of(word, words, "conflict_resolution", findings);
    reader.close(findings);
    overwrite
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_bodies_name_their_fields() {
        let mut findings = Findings::default();
        CreateCascadePolicy::read(&json!({"folder_id": "x"}), &mut findings);
        let names: Vec<&str> = findings.errors.iter().map(|error| error.name.as_str()).collect();
        assert_eq!(names, ["folder_id", "scope", "templateKey"]);
        for (body, expected) in [
            (json!({"conflict_resolution": "none"}), Some(false)),
            (json!({"conflict_resolution": "overwrite"}), Some(true)),
            (json!({"conflict_resolution": "merge"}), None),
            (json!({}), None),
        ] {
            let mut findings = Findings::default();
            assert_eq!(read_overwrite(&body, &mut findings), expected, "{body}");
            assert_eq!(findings.errors.is_empty(), expected.is_some(), "{body}");
        }
    }
}
