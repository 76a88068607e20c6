//! `fields` of a structured extraction.
//!
//! Invariants of fields that were read: keys are distinct and not empty; a choice has options, a struct or table has
//! fields of single values, a taxonomy names its source. Called by [`super::extract`].

use crate::error::Reason;
use crate::reading::{Findings, Reader};
use serde_json::Value;
use std::collections::HashMap;

/// Most fields of one request, those inside structs and tables included.
pub const MAX_FIELDS: usize = 2_000;

/// A field to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractField {
    /// The key of the answer.
    pub key: String,
    /// `displayName`
    pub display_name: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How to find and format it.
    pub prompt: Option<String>,
    /// Its type.
    pub kind: FieldType,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// `string`, `text`, or no type.
    Text,
    /// `float`, `number`, `integer`
    Number,
    /// `date`
    Date,
    /// `boolean`
    Boolean,
    /// `enum`, and with `multiple` `multiSelect`.
    Choice {
        /// The keys.
        options: Vec<String>,
        /// Whether several may be chosen.
        multiple: bool,
    },
    /// `taxonomy`
    Taxonomy {
        /// `taxonomy_key`
        key: String,
        /// Of a stored taxonomy.
        namespace: Option<String>,
        /// `options_rules.multi_select`
        multiple: bool,
        /// `options_rules.selectable_levels`; empty: all.
        selectable_levels: Vec<u32>,
    },
    /// `struct`
    Struct(Vec<ExtractField>),
    /// `table`
    Table(Vec<ExtractField>),
}

/// Where a field stands.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Top,
    Inside,
}

/// Reads `fields`.
pub(crate) fn read_fields(entries: &[Value], findings: &mut Findings) -> Vec<ExtractField> {
    let inner = |entry: &Value| entry.get("fields").and_then(Value::as_array).map_or(0, Vec::len);
    let count: usize = entries.iter().map(|entry| 1 + inner(entry)).sum();
    if count > MAX_FIELDS {
        let message =
            format!("must be at most {MAX_FIELDS} with those inside, not {count}; send several requests");
        findings.refuse(Reason::TooLong, "fields", message);
        return Vec::new();
    }
    read_level(entries, "fields", Level::Top, findings)
}

fn read_level(entries: &[Value], path: &str, level: Level, findings: &mut Findings) -> Vec<ExtractField> {
    if entries.is_empty() {
        findings.refuse(Reason::TooShort, path, "must hold at least one field");
    }
    let mut fields = Vec::with_capacity(entries.len());
    let mut first_place: HashMap<String, usize> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let own_path = format!("{path}[{index}]");
        let Some(field) = read_field(entry, &own_path, level, findings) else {
            continue;
        };
        if let Some(first) = first_place.get(&field.key) {
            let message = format!("is used by {path}[{first}] already");
            findings.refuse(Reason::NotUnique, format!("{own_path}.key"), message);
            continue;
        }
        first_place.insert(field.key.clone(), index);
        fields.push(field);
    }
    fields
}

fn read_field(entry: &Value, path: &str, level: Level, findings: &mut Findings) -> Option<ExtractField> {
    let mut reader = Reader::object(entry, path, findings)?;
    let key = reader.required_text("key", findings);
    if key.is_some_and(|key| key.trim().is_empty()) {
        findings.refuse(Reason::TooShort, reader.path_of("key"), "must not be empty");
    }
    let own = |reader: &mut Reader<'_>, name, findings: &mut Findings| {
        reader.text(name, findings).map(str::to_owned)
    };
    let display_name = own(&mut reader, "displayName", findings);
    let description = own(&mut reader, "description", findings);
    let prompt = own(&mut reader, "prompt", findings);
    let kind = read_type(&mut reader, level, findings);
    reader.close(findings);
    Some(ExtractField {
        key: key.filter(|key| !key.trim().is_empty())?.to_owned(),
        display_name,
        description,
        prompt,
        kind: kind?,
    })
}

fn read_type(reader: &mut Reader<'_>, level: Level, findings: &mut Findings) -> Option<FieldType> {
    let path = reader.path_of("type");
    let name = match reader.value("type") {
        None => "string",
        Some(_) => reader.text("type", findings)?,
    };
    let top = level == Level::Top;
    match name {
        "string" | "text" => Some(FieldType::Text),
        "float" | "number" | "integer" => Some(FieldType::Number),
        "date" => Some(FieldType::Date),
        "boolean" => Some(FieldType::Boolean),
        "enum" | "multiSelect" => Some(FieldType::Choice {
            options: read_options(reader, findings)?,
            multiple: name == "multiSelect",
        }),
        "struct" if top => read_inner(reader, findings).map(FieldType::Struct),
        "table" if top => read_inner(reader, findings).map(FieldType::Table),
        "taxonomy" if top => read_taxonomy(reader, findings),
        "struct" | "table" | "taxonomy" => {
            let message = format!("`{name}` can't stand inside another field; give it a field of its own");
            findings.refuse(Reason::InvalidParameter, path, message);
            None
        }
        other => {
            let shown: String = other.chars().take(64).collect();
            let message = format!(
                "must be string, float, date, boolean, enum, multiSelect, taxonomy, struct or table, not `{shown}`"
            );
            findings.refuse(Reason::InvalidParameter, path, message);
            None
        }
    }
}

fn read_options(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Vec<String>> {
    let path = reader.path_of("options");
    let entries = reader.required_array("options", findings)?;
    if entries.is_empty() {
        findings.refuse(Reason::TooShort, path.clone(), "must hold at least one option");
    }
    let mut options: Vec<String> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(mut option) = Reader::object(entry, &path, findings) else {
            continue;
        };
        let key = option.required_text("key", findings);
        option.close(findings);
        match key {
            Some(key) if options.iter().any(|known| known == key) => {
                findings.refuse(Reason::NotUnique, format!("{path}.key"), "is an option already");
            }
            Some("") => findings.refuse(Reason::TooShort, format!("{path}.key"), "must not be empty"),
            Some(key) => options.push(key.to_owned()),
            None => {}
        }
    }
    Some(options)
}

fn read_inner(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<Vec<ExtractField>> {
    let path = reader.path_of("fields");
    let entries = reader.required_array("fields", findings)?;
    Some(read_level(entries, &path, Level::Inside, findings))
}

fn read_taxonomy(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<FieldType> {
    let key = reader.required_text("taxonomy_key", findings).map(str::to_owned);
    let namespace = reader.text("namespace", findings).map(str::to_owned);
    reader.required("options_rules", findings)?;
    let mut rules = reader.child("options_rules", findings)?;
    // Box's description writes these names in two ways.
    let multiple = rules.flag("multi_select", findings);
    let multiple = rules.flag("multiSelect", findings).or(multiple).unwrap_or(false);
    let levels = rules.array("selectable_levels", findings);
    let levels_path = rules.path_of(if levels.is_some() {
        "selectable_levels"
    } else {
        "selectableLevels"
    });
    let levels = rules.array("selectableLevels", findings).or(levels);
    rules.close(findings);
    let mut selectable_levels = Vec::new();
    for (index, level) in levels.unwrap_or_default().iter().enumerate() {
        match level
            .as_u64()
            .and_then(|level| u32::try_from(level).ok())
            .filter(|level| *level >= 1)
        {
            Some(level) => selectable_levels.push(level),
            None => {
                let message = "must be a whole number of at least 1";
                findings.refuse(Reason::OutOfRange, format!("{levels_path}[{index}]"), message);
            }
        }
    }
    Some(FieldType::Taxonomy {
        key: key?,
        namespace,
        multiple,
        selectable_levels,
    })
}
