//! The bodies of `POST /2.0/ai/extract` and `POST /2.0/ai/extract_structured`.
//!
//! Invariants of a request that was read: there are 1 to 25 different files; a prompt has 1 to 10,000 characters; exactly
//! one of `fields` and `metadata_template` is there; keys are distinct; every field has what its type needs. Unknown fields
//! are ignored and reported as warnings. Called by the server's extraction handlers.

use super::agent::AgentChoice;
use super::ask::{AskItem, MAX_ITEMS, MAX_PROMPT_CHARACTERS};
use super::extract_agent::{ExtractKind, read_extract_choice};
use super::extract_field::{ExtractField, FieldType, read_fields};
use super::studio::ExtractTools;
use crate::error::{FieldError, Reason};
use crate::reading::{Findings, Reader, one_of, read_body};
use boxwood_core::FileId;
use serde_json::Value;
use std::collections::HashMap;

/// The longest scope of a template, in characters.
pub const MAX_SCOPE_CHARACTERS: usize = 40;

/// A freeform extraction that obeys every rule of the wire format.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractRequest {
    /// What is wanted, in any form.
    pub prompt: String,
    /// The files.
    pub items: Vec<AskItem>,
    /// The agent; `None`: the default one.
    pub agent: Option<AgentChoice<ExtractTools>>,
    /// Fields that were ignored, in words.
    pub warnings: Vec<String>,
}

/// A structured extraction that obeys every rule of the wire format.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractStructuredRequest {
    /// The files.
    pub items: Vec<AskItem>,
    /// What is wanted.
    pub wanted: StructuredWanted,
    /// The agent; `None`: the default one.
    pub agent: Option<AgentChoice<ExtractTools>>,
    /// Whether `confidence_score` is wanted.
    pub include_confidence_score: bool,
    /// Whether `reference` is wanted.
    pub include_reference: bool,
    /// Fields that were ignored, in words.
    pub warnings: Vec<String>,
}

/// What a structured extraction fills in.
#[derive(Debug, Clone, PartialEq)]
pub enum StructuredWanted {
    /// The fields of a template.
    Template {
        /// `global`, `enterprise` or `enterprise_<id>`.
        scope: String,
        /// Its key.
        key: String,
    },
    /// These fields.
    Fields {
        /// The fields.
        fields: Vec<ExtractField>,
        /// Where the terms of taxonomy fields are.
        taxonomies: Vec<TaxonomySource>,
    },
}

/// An entry of `taxonomy_sources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxonomySource {
    /// By which fields name it.
    pub taxonomy_key: String,
    /// Where it is.
    pub place: TaxonomyPlace,
}

/// Where a taxonomy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaxonomyPlace {
    /// A CSV file.
    File(FileId),
    /// The store.
    Stored {
        /// `enterprise_<id>`.
        namespace: String,
    },
}

impl ExtractRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// Every field that is wrong, with its path.
    pub fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let (request, warnings) = read_body(body, Self::read_into)?;
        Ok(Self { warnings, ..request })
    }

    fn read_into(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let prompt = reader.required_text("prompt", findings);
        if let Some(prompt) = prompt {
            check_prompt(prompt, findings);
        }
        let items = reader
            .required_array("items", findings)
            .map(|entries| read_items(entries, findings));
        let agent = read_agent(&mut reader, ExtractKind::Freeform, findings);
        reader.close(findings);
        Some(Self {
            prompt: prompt?.to_owned(),
            items: items?,
            agent,
            warnings: Vec::new(),
        })
    }
}

impl ExtractStructuredRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// Every field that is wrong, with its path.
    pub fn read(body: &Value) -> Result<Self, Vec<FieldError>> {
        let (request, warnings) = read_body(body, Self::read_into)?;
        Ok(Self { warnings, ..request })
    }

    fn read_into(body: &Value, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(body, "", findings)?;
        let items = reader
            .required_array("items", findings)
            .map(|entries| read_items(entries, findings));
        let wanted = read_wanted(&mut reader, findings);
        let agent = read_agent(&mut reader, ExtractKind::Structured, findings);
        let include_confidence_score = reader.flag("include_confidence_score", findings).unwrap_or(false);
        let include_reference = reader.flag("include_reference", findings).unwrap_or(false);
        reader.close(findings);
        Some(Self {
            items: items?,
            wanted: wanted?,
            agent,
            include_confidence_score,
            include_reference,
            warnings: Vec::new(),
        })
    }
}

fn check_prompt(prompt: &str, findings: &mut Findings) {
    let characters = prompt.chars().count();
    if prompt.trim().is_empty() {
        findings.refuse(Reason::TooShort, "prompt", "must say what is to be extracted");
    } else if characters > MAX_PROMPT_CHARACTERS {
        let message = format!("must have at most {MAX_PROMPT_CHARACTERS} characters, not {characters}");
        findings.refuse(Reason::TooLong, "prompt", message);
    }
}

fn read_agent(
    reader: &mut Reader<'_>,
    kind: ExtractKind,
    findings: &mut Findings,
) -> Option<AgentChoice<ExtractTools>> {
    let agent = reader.child("ai_agent", findings)?;
    read_extract_choice(agent, kind, findings)
}

fn read_items(entries: &[Value], findings: &mut Findings) -> Vec<AskItem> {
    match entries.len() {
        0 => findings.refuse(Reason::TooShort, "items", "must name at least one file"),
        count if count > MAX_ITEMS => findings.refuse(
            Reason::TooLong,
            "items",
            format!("must name at most {MAX_ITEMS} files, not {count}; send them in several requests"),
        ),
        _ => {}
    }
    let mut first_place: HashMap<FileId, usize> = HashMap::new();
    let mut items = Vec::new();
    // No more than the limit is looked at, so that a body of a million items costs nothing.
    for (index, entry) in entries.iter().take(MAX_ITEMS).enumerate() {
        let Some(item) = read_item(entry, index, findings) else {
            continue;
        };
        if let Some(first) = first_place.get(&item.id) {
            let message = format!("names file {} again, as items[{first}] does", item.id);
            findings.refuse(Reason::NotUnique, format!("items[{index}].id"), message);
            continue;
        }
        first_place.insert(item.id.clone(), index);
        items.push(item);
    }
    items
}

fn read_item(entry: &Value, index: usize, findings: &mut Findings) -> Option<AskItem> {
    let mut reader = Reader::object(entry, &format!("items[{index}]"), findings)?;
    let path = reader.path_of("type");
    if let Some(kind) = reader.required_text("type", findings) {
        one_of(kind, &[("file", ())], &path, findings);
    }
    let id = reader.required_text("id", findings);
    let content = reader.text("content", findings).map(str::to_owned);
    let id_path = reader.path_of("id");
    reader.close(findings);
    match id?.parse::<FileId>() {
        Ok(id) => Some(AskItem { id, content }),
        Err(error) => {
            findings.refuse(Reason::InvalidParameter, id_path, error.to_string());
            None
        }
    }
}

/// `fields` or `metadata_template`: exactly one.
fn read_wanted(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<StructuredWanted> {
    let fields = reader.array("fields", findings);
    let has_template = reader.value("metadata_template").is_some();
    let taxonomies = reader.array("taxonomy_sources", findings);
    match (fields, has_template) {
        (Some(_), true) => {
            let message = "must not stand beside `metadata_template`; send one of the two";
            findings.refuse(Reason::Contradiction, "fields", message);
            None
        }
        (None, false) => {
            let message = "`fields` or `metadata_template` is required";
            findings.refuse(Reason::MissingParameter, "fields", message);
            None
        }
        (None, true) => {
            if taxonomies.is_some() {
                let message = "needs `fields`; a template names its taxonomies itself";
                findings.refuse(Reason::Contradiction, "taxonomy_sources", message);
            }
            let template = reader.child("metadata_template", findings)?;
            read_template(template, findings)
        }
        (Some(fields), false) => {
            let taxonomies = read_sources(taxonomies.unwrap_or_default(), findings);
            let fields = read_fields(fields, findings);
            check_taxonomies(&fields, &taxonomies, findings);
            Some(StructuredWanted::Fields { fields, taxonomies })
        }
    }
}

fn read_template(mut reader: Reader<'_>, findings: &mut Findings) -> Option<StructuredWanted> {
    let path = reader.path_of("type");
    if let Some(kind) = reader.text("type", findings) {
        one_of(kind, &[("metadata_template", ())], &path, findings);
    }
    let key = reader.required_text("template_key", findings);
    let scope = reader.required_text("scope", findings);
    let path = reader.path_of("scope");
    reader.close(findings);
    let scope = scope?;
    let characters = scope.chars().count();
    if characters > MAX_SCOPE_CHARACTERS {
        let message = format!("must have at most {MAX_SCOPE_CHARACTERS} characters, not {characters}");
        findings.refuse(Reason::TooLong, path, message);
        return None;
    }
    let known = scope == "global" || scope == "enterprise" || scope.starts_with("enterprise_");
    if !known {
        let message = "must be `global`, `enterprise` or `enterprise_` with the enterprise's id";
        findings.refuse(Reason::InvalidParameter, path, message);
        return None;
    }
    Some(StructuredWanted::Template {
        scope: scope.to_owned(),
        key: key?.to_owned(),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum SourceKind {
    File,
    Taxonomy,
}

fn read_sources(entries: &[Value], findings: &mut Findings) -> Vec<TaxonomySource> {
    let mut sources: Vec<TaxonomySource> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("taxonomy_sources[{index}]");
        let Some(source) = read_source(entry, &path, findings) else {
            continue;
        };
        let first = sources
            .iter()
            .position(|known| known.taxonomy_key == source.taxonomy_key);
        if let Some(first) = first {
            let message = format!("is used by taxonomy_sources[{first}] already");
            findings.refuse(Reason::NotUnique, format!("{path}.taxonomy_key"), message);
            continue;
        }
        sources.push(source);
    }
    sources
}

fn read_source(entry: &Value, path: &str, findings: &mut Findings) -> Option<TaxonomySource> {
    let mut reader = Reader::object(entry, path, findings)?;
    let type_path = reader.path_of("type");
    let words = [("taxonomy", SourceKind::Taxonomy), ("file", SourceKind::File)];
    let kind = reader
        .required_text("type", findings)
        .and_then(|kind| one_of(kind, &words, &type_path, findings));
    let taxonomy_key = reader.required_text("taxonomy_key", findings).map(str::to_owned);
    let (id, namespace) = (reader.text("id", findings), reader.text("namespace", findings));
    let (id_path, namespace_path) = (reader.path_of("id"), reader.path_of("namespace"));
    reader.close(findings);
    let place = match (kind?, id, namespace) {
        (SourceKind::File, Some(id), None) => match id.parse::<FileId>() {
            Ok(id) => TaxonomyPlace::File(id),
            Err(error) => {
                findings.refuse(Reason::InvalidParameter, id_path, error.to_string());
                return None;
            }
        },
        (SourceKind::File, None, _) => {
            findings.refuse(
                Reason::MissingParameter,
                id_path,
                "`id` of the CSV file is required",
            );
            return None;
        }
        (SourceKind::File, Some(_), Some(_)) => {
            let message = "belongs to a source of type `taxonomy`, not `file`";
            findings.refuse(Reason::Contradiction, namespace_path, message);
            return None;
        }
        (SourceKind::Taxonomy, Some(_), _) => {
            let message = "belongs to a source of type `file`, not `taxonomy`";
            findings.refuse(Reason::Contradiction, id_path, message);
            return None;
        }
        (SourceKind::Taxonomy, None, None) => {
            findings.refuse(
                Reason::MissingParameter,
                namespace_path,
                "`namespace` is required",
            );
            return None;
        }
        (SourceKind::Taxonomy, None, Some(namespace)) => TaxonomyPlace::Stored {
            namespace: namespace.to_owned(),
        },
    };
    Some(TaxonomySource {
        taxonomy_key: taxonomy_key?,
        place,
    })
}

/// Every taxonomy field has a source, or names the namespace of a stored one.
fn check_taxonomies(fields: &[ExtractField], sources: &[TaxonomySource], findings: &mut Findings) {
    for (index, field) in fields.iter().enumerate() {
        let FieldType::Taxonomy { key, namespace, .. } = &field.kind else {
            continue;
        };
        let is_listed = sources.iter().any(|source| source.taxonomy_key == *key);
        if is_listed || namespace.is_some() {
            continue;
        }
        if sources.is_empty() {
            let message =
                "`namespace` is required, or a source with this `taxonomy_key` in `taxonomy_sources`";
            findings.refuse(
                Reason::MissingParameter,
                format!("fields[{index}].namespace"),
                message,
            );
        } else {
            let message = "names no source of `taxonomy_sources`";
            findings.refuse(
                Reason::InvalidParameter,
                format!("fields[{index}].taxonomy_key"),
                message,
            );
        }
    }
}

#[cfg(test)]
mod tests;
