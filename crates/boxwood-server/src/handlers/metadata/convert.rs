//! Wire structs ↔ store values, for templates. Pure.

use crate::error::ApiError;
use boxwood_api::Reason;
use boxwood_api::metadata::template_update::{OptionKind, TemplateChange};
use boxwood_api::metadata::templates as wire;
use boxwood_store::metadata::{self as store, FieldKind, TemplateOperation, TemplateScope};

/// A template as the wire has it.
pub(super) fn template(template: &store::MetadataTemplate) -> wire::MetadataTemplate {
    wire::MetadataTemplate {
        id: template.id.clone(),
        kind: "metadata_template",
        template_key: template.key.clone(),
        scope: template.scope(),
        display_name: template.display_name.clone(),
        hidden: template.hidden,
        copy_instance_on_item_copy: template.copy_with_item,
        fields: template.fields.iter().map(field).collect(),
    }
}

fn field(field: &store::TemplateField) -> wire::TemplateField {
    wire::TemplateField {
        id: field.id.clone(),
        kind: field.kind.as_str(),
        key: field.key.clone(),
        display_name: field.display_name.clone(),
        description: field.description.clone(),
        hidden: field.hidden,
        options: field
            .kind
            .has_options()
            .then(|| field.options.iter().map(option).collect()),
        taxonomy: field.taxonomy.as_ref().map(|rule| wire::FieldTaxonomy {
            taxonomy_key: rule.taxonomy_key.clone(),
            taxonomy_id: rule.taxonomy_id.clone(),
            namespace: rule.namespace.clone(),
            options_rules: wire::OptionsRules {
                multi_select: rule.multi_select,
                selectable_levels: rule.selectable_levels.clone(),
            },
        }),
    }
}

fn option(option: &store::FieldOption) -> wire::FieldOption {
    wire::FieldOption {
        id: option.id.clone(),
        key: option.key.clone(),
        static_config: option.static_config.clone(),
    }
}

/// A template to make.
pub(super) fn new_template(request: wire::CreateTemplate) -> Result<store::NewTemplate, ApiError> {
    let fields = request.fields.into_iter().enumerate();
    let fields: Result<Vec<store::NewField>, ApiError> = fields
        .map(|(index, field)| new_field(field, &format!("fields[{index}]")))
        .collect();
    Ok(store::NewTemplate {
        key: request.template_key,
        display_name: request.display_name,
        hidden: request.hidden,
        copy_with_item: request.copy_instance_on_item_copy,
        fields: fields?,
    })
}

fn new_field(field: wire::NewField, path: &str) -> Result<store::NewField, ApiError> {
    // The reader took the name from the same table.
    let kind = FieldKind::parse(field.kind).unwrap_or(FieldKind::Text);
    let taxonomy = field.taxonomy.map(|taxonomy| new_taxonomy(taxonomy, path));
    Ok(store::NewField {
        kind,
        key: field.key,
        display_name: field.display_name,
        description: field.description,
        hidden: field.hidden,
        options: field.options.into_iter().map(new_option).collect(),
        taxonomy: taxonomy.transpose()?,
    })
}

fn new_option(option: wire::NewOption) -> store::NewOption {
    store::NewOption {
        key: option.key,
        static_config: option.static_config,
    }
}

fn new_taxonomy(taxonomy: wire::NewTaxonomy, path: &str) -> Result<store::NewTaxonomyRule, ApiError> {
    let namespace = match &taxonomy.namespace {
        None => None,
        Some(text) => Some(TemplateScope::parse(text).ok_or_else(|| {
            ApiError::field(
                Reason::InvalidParameter,
                format!("{path}.namespace"),
                "must be `enterprise_` with the enterprise's id",
            )
        })?),
    };
    Ok(store::NewTaxonomyRule {
        taxonomy_key: taxonomy.key,
        taxonomy_id: taxonomy.id,
        namespace,
        multi_select: taxonomy.rules.multi_select,
        selectable_levels: taxonomy.rules.selectable_levels,
    })
}

/// Operations on a template.
pub(super) fn operations(changes: Vec<TemplateChange>) -> Result<Vec<TemplateOperation>, ApiError> {
    let changes = changes.into_iter().enumerate();
    changes
        .map(|(index, change)| operation(change, &format!("[{index}].data")))
        .collect()
}

fn operation(change: TemplateChange, path: &str) -> Result<TemplateOperation, ApiError> {
    Ok(match change {
        TemplateChange::EditTemplate {
            template_key,
            display_name,
            hidden,
            copy_instance_on_item_copy,
        } => TemplateOperation::EditTemplate(store::TemplateEdit {
            key: template_key,
            display_name,
            hidden,
            copy_with_item: copy_instance_on_item_copy,
        }),
        TemplateChange::AddField(field) => TemplateOperation::AddField(new_field(field, path)?),
        TemplateChange::ReorderFields(keys) => TemplateOperation::ReorderFields(keys),
        TemplateChange::EditField {
            field,
            key,
            display_name,
            description,
            hidden,
        } => TemplateOperation::EditField {
            key: field,
            edit: store::FieldEdit {
                key,
                display_name,
                description,
                hidden,
            },
        },
        TemplateChange::RemoveField(key) => TemplateOperation::RemoveField { key },
        TemplateChange::AddOption(kind, field, option) => TemplateOperation::AddOption {
            field: option_field(kind, field),
            option: new_option(option),
        },
        TemplateChange::ReorderOptions(kind, field, keys) => TemplateOperation::ReorderOptions {
            field: option_field(kind, field),
            keys,
        },
        TemplateChange::EditOption(kind, field, key, edit) => TemplateOperation::EditOption {
            field: option_field(kind, field),
            key,
            edit: new_option(edit),
        },
        TemplateChange::RemoveOption(kind, field, key) => TemplateOperation::RemoveOption {
            field: option_field(kind, field),
            key,
        },
    })
}

fn option_field(kind: OptionKind, key: String) -> store::OptionField {
    let kind = match kind {
        OptionKind::Enum => FieldKind::Enum,
        OptionKind::MultiSelect => FieldKind::MultiSelect,
    };
    store::OptionField { kind, key }
}
