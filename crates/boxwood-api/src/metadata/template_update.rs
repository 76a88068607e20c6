//! `PUT /2.0/metadata_templates/{scope}/{template_key}/schema`: a list of operations.
//!
//! Called by the server's handlers, which turn the operations into the store's.

use super::templates::{NewField, NewOption};
use crate::error::Reason;
use crate::reading::{Findings, Reader, one_of};
use crate::wire::is_null;
use serde_json::Value;

/// Which fields an operation on options is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// `…EnumOption`
    Enum,
    /// `…MultiSelectOption`
    MultiSelect,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateChange {
    /// `editTemplate`
    EditTemplate {
        /// A new key.
        template_key: Option<String>,
        /// A new display name.
        display_name: Option<String>,
        /// Whether user interfaces leave it out.
        hidden: Option<bool>,
        /// Whether copies of items get copies of instances.
        copy_instance_on_item_copy: Option<bool>,
    },
    /// `addField`
    AddField(NewField),
    /// `reorderFields`
    ReorderFields(Vec<String>),
    /// `editField`
    EditField {
        /// The field.
        field: String,
        /// A new key.
        key: Option<String>,
        /// A new display name.
        display_name: Option<String>,
        /// A new description; `Some(None)` takes it away.
        description: Option<Option<String>>,
        /// Whether user interfaces leave it out.
        hidden: Option<bool>,
    },
    /// `removeField`
    RemoveField(String),
    /// `addEnumOption`, `addMultiSelectOption`
    AddOption(OptionKind, String, NewOption),
    /// `reorderEnumOptions`, `reorderMultiSelectOptions`
    ReorderOptions(OptionKind, String, Vec<String>),
    /// `editEnumOption`, `editMultiSelectOption`: the field, the option's key, what it becomes.
    EditOption(OptionKind, String, String, NewOption),
    /// `removeEnumOption`, `removeMultiSelectOption`: the field, the option's key.
    RemoveOption(OptionKind, String, String),
}

#[derive(Debug, Clone, Copy)]
enum Op {
    EditTemplate,
    AddField,
    ReorderFields,
    EditField,
    RemoveField,
    AddOption(OptionKind),
    ReorderOptions(OptionKind),
    EditOption(OptionKind),
    RemoveOption(OptionKind),
}

const OPS: &[(&str, Op)] = &[
    ("editTemplate", Op::EditTemplate),
    ("addField", Op::AddField),
    ("reorderFields", Op::ReorderFields),
    ("addEnumOption", Op::AddOption(OptionKind::Enum)),
    ("reorderEnumOptions", Op::ReorderOptions(OptionKind::Enum)),
    (
        "reorderMultiSelectOptions",
        Op::ReorderOptions(OptionKind::MultiSelect),
    ),
    ("addMultiSelectOption", Op::AddOption(OptionKind::MultiSelect)),
    ("editField", Op::EditField),
    ("removeField", Op::RemoveField),
    ("editEnumOption", Op::EditOption(OptionKind::Enum)),
    ("removeEnumOption", Op::RemoveOption(OptionKind::Enum)),
    ("editMultiSelectOption", Op::EditOption(OptionKind::MultiSelect)),
    (
        "removeMultiSelectOption",
        Op::RemoveOption(OptionKind::MultiSelect),
    ),
];

impl OptionKind {
    fn key_name(self) -> &'static str {
        match self {
            OptionKind::Enum => "enumOptionKey",
            OptionKind::MultiSelect => "multiSelectOptionKey",
        }
    }

    fn keys_name(self) -> &'static str {
        match self {
            OptionKind::Enum => "enumOptionKeys",
            OptionKind::MultiSelect => "multiSelectOptionKeys",
        }
    }
}

impl TemplateChange {
    /// Reads the body: an array of operations.
    pub fn read_all(body: &Value, findings: &mut Findings) -> Option<Vec<Self>> {
        let Value::Array(entries) = body else {
            findings.refuse(Reason::WrongType, "", "must be an array of operations");
            return None;
        };
        let changes: Vec<Option<Self>> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| Self::read(entry, &format!("[{index}]"), findings))
            .collect();
        changes.into_iter().collect()
    }

    fn read(value: &Value, path: &str, findings: &mut Findings) -> Option<Self> {
        let mut reader = Reader::object(value, path, findings)?;
        let name = reader.required_text("op", findings)?;
        let op = one_of(name, OPS, &reader.path_of("op"), findings)?;
        match op {
            Op::EditTemplate => edit_template(&mut reader, findings),
            Op::AddField => {
                let key = reader.text("fieldKey", findings);
                let data = reader.required("data", findings)?;
                NewField::read(data, &reader.path_of("data"), key, findings).map(Self::AddField)
            }
            Op::ReorderFields => texts(&mut reader, "fieldKeys", findings).map(Self::ReorderFields),
            Op::EditField => edit_field(&mut reader, findings),
            Op::RemoveField => field_key(&mut reader, findings).map(Self::RemoveField),
            Op::AddOption(kind) => {
                let field = field_key(&mut reader, findings);
                let option = option_data(&mut reader, findings);
                Some(Self::AddOption(kind, field?, option?))
            }
            Op::ReorderOptions(kind) => {
                let field = field_key(&mut reader, findings);
                let keys = texts(&mut reader, kind.keys_name(), findings);
                Some(Self::ReorderOptions(kind, field?, keys?))
            }
            Op::EditOption(kind) => {
                let field = field_key(&mut reader, findings);
                let key = reader.required_text(kind.key_name(), findings);
                let option = option_data(&mut reader, findings);
                Some(Self::EditOption(kind, field?, key?.to_owned(), option?))
            }
            Op::RemoveOption(kind) => {
                let field = field_key(&mut reader, findings);
                let key = reader.required_text(kind.key_name(), findings);
                Some(Self::RemoveOption(kind, field?, key?.to_owned()))
            }
        }
    }
}

fn field_key(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<String> {
    reader.required_text("fieldKey", findings).map(str::to_owned)
}

fn option_data(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<NewOption> {
    let data = reader.required("data", findings)?;
    NewOption::read(data, &reader.path_of("data"), findings)
}

fn edit_template(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<TemplateChange> {
    reader.required("data", findings)?;
    let mut data = reader.child("data", findings)?;
    let change = TemplateChange::EditTemplate {
        template_key: data.text("templateKey", findings).map(str::to_owned),
        display_name: data.text("displayName", findings).map(str::to_owned),
        hidden: data.flag("hidden", findings),
        copy_instance_on_item_copy: data.flag("copyInstanceOnItemCopy", findings),
    };
    data.close(findings);
    Some(change)
}

fn edit_field(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<TemplateChange> {
    let field = field_key(reader, findings);
    let raw = reader.required("data", findings)?;
    let mut data = reader.child("data", findings)?;
    let description = if is_null(raw, "description") {
        Some(None)
    } else {
        data.text("description", findings)
            .map(|text| Some(text.to_owned()))
    };
    let change = TemplateChange::EditField {
        field: field?,
        key: data.text("key", findings).map(str::to_owned),
        display_name: data.text("displayName", findings).map(str::to_owned),
        description,
        hidden: data.flag("hidden", findings),
    };
    data.close(findings);
    Some(change)
}

fn texts(reader: &mut Reader<'_>, name: &'static str, findings: &mut Findings) -> Option<Vec<String>> {
    let path = reader.path_of(name);
    let entries = reader.required_array(name, findings)?;
    let mut texts = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match entry.as_str() {
            Some(text) => texts.push(text.to_owned()),
            None => findings.refuse(Reason::WrongType, format!("{path}[{index}]"), "must be a string"),
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Vec<TemplateChange>, Vec<String>> {
        let mut findings = Findings::default();
        let changes = TemplateChange::read_all(body, &mut findings);
        let read = findings.finish(changes).map(|(changes, _)| changes);
        read.map_err(|errors| errors.into_iter().map(|error| error.name).collect())
    }

    #[test]
    fn the_key_of_a_new_field_may_stand_beside_it() {
        for body in [
            json!([{"op": "addField", "fieldKey": "a", "data": {"type": "string", "displayName": "A"}}]),
            json!([{"op": "addField", "data": {"key": "a", "type": "string", "displayName": "A"}}]),
        ] {
            let changes = read(&body).unwrap();
            assert!(
                matches!(&changes[0], TemplateChange::AddField(field) if field.key == "a"),
                "{body}"
            );
        }
    }

    #[test]
    fn every_operation_is_read_and_refused_by_its_place() {
        let all = json!([
            {"op": "editTemplate", "data": {"displayName": "A"}},
            {"op": "reorderFields", "fieldKeys": ["a"]},
            {"op": "editField", "fieldKey": "a", "data": {"description": null}},
            {"op": "removeField", "fieldKey": "a"},
            {"op": "addEnumOption", "fieldKey": "a", "data": {"key": "x"}},
            {"op": "addMultiSelectOption", "fieldKey": "a", "data": {"key": "x"}},
            {"op": "reorderEnumOptions", "fieldKey": "a", "enumOptionKeys": ["x"]},
            {"op": "reorderMultiSelectOptions", "fieldKey": "a", "multiSelectOptionKeys": ["x"]},
            {"op": "editEnumOption", "fieldKey": "a", "enumOptionKey": "x", "data": {"key": "y"}},
            {"op": "editMultiSelectOption", "fieldKey": "a", "multiSelectOptionKey": "x", "data": {"key": "y"}},
            {"op": "removeEnumOption", "fieldKey": "a", "enumOptionKey": "x"},
            {"op": "removeMultiSelectOption", "fieldKey": "a", "multiSelectOptionKey": "x"},
        ]);
        assert_eq!(read(&all).unwrap().len(), 12);
        for (body, expected) in [
            (json!({}), ""),
            (json!([1]), "[0]"),
            (json!([{}]), "[0].op"),
            (json!([{"op": "dropField"}]), "[0].op"),
            (json!([{"op": "addField", "fieldKey": "a"}]), "[0].data"),
            (
                json!([{"op": "addField", "data": {"type": "string", "displayName": "A"}}]),
                "[0].data.key",
            ),
            (
                json!([{"op": "reorderFields", "fieldKeys": [1]}]),
                "[0].fieldKeys[0]",
            ),
            (json!([{"op": "editField", "data": {}}]), "[0].fieldKey"),
            (json!([{"op": "editTemplate"}]), "[0].data"),
            (
                json!([{"op": "removeEnumOption", "fieldKey": "a"}]),
                "[0].enumOptionKey",
            ),
            (
                json!([{"op": "editMultiSelectOption", "fieldKey": "a", "multiSelectOptionKey": "x", "data": {}}]),
                "[0].data.key",
            ),
        ] {
            assert_eq!(read(&body).unwrap_err(), [expected], "{body}");
        }
    }
}
