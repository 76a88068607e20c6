//! Each operation, its refusals, and its effect on instances.

use super::*;
use crate::metadata::template::NewTemplate;
use boxwood_core::SequentialIds;
use serde_json::json;

fn new_field(kind: FieldKind, key: &str, options: &[&str]) -> NewField {
    NewField {
        kind,
        key: key.into(),
        display_name: key.into(),
        description: None,
        hidden: false,
        options: options.iter().map(|key| option(key)).collect(),
        taxonomy: None,
    }
}

fn option(key: &str) -> NewOption {
    NewOption {
        key: key.into(),
        static_config: None,
    }
}

fn of(kind: FieldKind, key: &str) -> OptionField {
    OptionField {
        kind,
        key: key.into(),
    }
}

fn keys(of: &[&str]) -> Vec<String> {
    of.iter().map(|key| (*key).to_owned()).collect()
}

/// Applies operations to a template with `text`, `one` (a, b) and `many` (x, y), and to an instance of it.
fn run(operations: &[TemplateOperation]) -> Result<(MetadataTemplate, Value), String> {
    let ids = SequentialIds::default();
    let making = Making {
        ids: &ids,
        taxonomies: &[],
    };
    let new = NewTemplate {
        key: None,
        display_name: "Deal".into(),
        hidden: false,
        copy_with_item: false,
        fields: vec![
            new_field(FieldKind::Text, "text", &[]),
            new_field(FieldKind::Enum, "one", &["a", "b"]),
            new_field(FieldKind::MultiSelect, "many", &["x", "y"]),
        ],
    };
    let template = MetadataTemplate::make(&new, &"1".parse().unwrap(), making).unwrap();
    let before = template.clone();
    let (changed, edits) = template
        .changed(operations, making)
        .map_err(|error| match error {
            MetadataError::Invalid { field, .. } => field,
            other => other.to_string(),
        })?;
    assert_eq!(template, before, "the old template stays");
    let mut values = json!({"text": "t", "one": "a", "many": ["x", "y"]});
    for edit in &edits {
        edit.apply(values.as_object_mut().unwrap());
    }
    Ok((changed, values))
}

#[track_caller]
fn refused(operation: TemplateOperation, field: &str) {
    assert_eq!(run(&[operation]).unwrap_err(), field);
}

#[test]
fn fields_are_added_renamed_ordered_and_removed() {
    let (template, values) = run(&[
        TemplateOperation::AddField(new_field(FieldKind::Float, "sum", &[])),
        TemplateOperation::EditField {
            key: "text".into(),
            edit: FieldEdit {
                key: Some("words".into()),
                description: Some(Some("d".into())),
                ..FieldEdit::default()
            },
        },
        TemplateOperation::ReorderFields(keys(&["sum", "words", "many", "one"])),
        TemplateOperation::RemoveField { key: "one".into() },
        TemplateOperation::EditTemplate(TemplateEdit {
            display_name: Some("Contract".into()),
            copy_with_item: Some(true),
            ..TemplateEdit::default()
        }),
    ])
    .unwrap();
    let order: Vec<&str> = template.fields.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(order, ["sum", "words", "many"]);
    assert_eq!(template.fields[1].description.as_deref(), Some("d"));
    assert_eq!(
        (
            template.display_name.as_str(),
            template.copy_with_item,
            template.revision
        ),
        ("Contract", true, 1)
    );
    assert_eq!(values, json!({"many": ["x", "y"], "words": "t"}));
}

#[test]
fn options_change_and_values_follow() {
    let (template, values) = run(&[
        TemplateOperation::AddOption {
            field: of(FieldKind::Enum, "one"),
            option: option("c"),
        },
        TemplateOperation::ReorderOptions {
            field: of(FieldKind::Enum, "one"),
            keys: keys(&["c", "b", "a"]),
        },
        TemplateOperation::EditOption {
            field: of(FieldKind::Enum, "one"),
            key: "a".into(),
            edit: option("A"),
        },
        TemplateOperation::EditOption {
            field: of(FieldKind::MultiSelect, "many"),
            key: "y".into(),
            edit: option("Y"),
        },
        TemplateOperation::RemoveOption {
            field: of(FieldKind::MultiSelect, "many"),
            key: "x".into(),
        },
    ])
    .unwrap();
    let options: Vec<&str> = template.fields[1]
        .options
        .iter()
        .map(|option| option.key.as_str())
        .collect();
    assert_eq!(options, ["c", "b", "A"]);
    assert_eq!(values, json!({"text": "t", "one": "A", "many": ["Y"]}));
    let (_, values) = run(&[TemplateOperation::RemoveOption {
        field: of(FieldKind::Enum, "one"),
        key: "a".into(),
    }])
    .unwrap();
    assert_eq!(values, json!({"text": "t", "many": ["x", "y"]}));
}

#[test]
fn wrong_operations_are_refused_by_their_place() {
    refused(
        TemplateOperation::AddField(new_field(FieldKind::Text, "text", &[])),
        "[0].data.key",
    );
    refused(
        TemplateOperation::RemoveField { key: "none".into() },
        "[0].fieldKey",
    );
    refused(
        TemplateOperation::ReorderFields(keys(&["text", "one"])),
        "[0].fieldKeys",
    );
    refused(
        TemplateOperation::ReorderFields(keys(&["text", "text", "one", "many"])),
        "[0].fieldKeys",
    );
    refused(
        TemplateOperation::EditField {
            key: "text".into(),
            edit: FieldEdit {
                key: Some("one".into()),
                ..FieldEdit::default()
            },
        },
        "[0].data.key",
    );
    refused(
        TemplateOperation::AddOption {
            field: of(FieldKind::Enum, "many"),
            option: option("z"),
        },
        "[0].fieldKey",
    );
    refused(
        TemplateOperation::AddOption {
            field: of(FieldKind::Enum, "one"),
            option: option("a"),
        },
        "[0].data.key",
    );
    refused(
        TemplateOperation::EditOption {
            field: of(FieldKind::Enum, "one"),
            key: "none".into(),
            edit: option("z"),
        },
        "[0].enumOptionKey",
    );
    refused(
        TemplateOperation::ReorderOptions {
            field: of(FieldKind::MultiSelect, "many"),
            keys: keys(&["x"]),
        },
        "[0].multiSelectOptionKeys",
    );
    refused(
        TemplateOperation::EditTemplate(TemplateEdit {
            key: Some("9".into()),
            ..TemplateEdit::default()
        }),
        "[0].data.templateKey",
    );
}
