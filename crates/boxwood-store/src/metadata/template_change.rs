//! Operations on a template, and what they do to its instances.
//!
//! Invariant: all operations of a list are applied or none; each names its field by `[index]` of the list. Pure; called
//! by the stores, which apply the [`InstanceEdit`]s to every instance in the same transaction.

use super::error::MetadataError;
use super::key::{check_description, check_key, check_name, check_template_key};
use super::template::{FieldKind, FieldOption, MetadataTemplate, NewField, NewOption, TemplateField};
use super::template_rules::{Making, make_option, shown};
use serde_json::{Map, Value};

/// What `editTemplate` changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateEdit {
    /// The key.
    pub key: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// Whether user interfaces leave it out.
    pub hidden: Option<bool>,
    /// Whether copies of items get copies of instances.
    pub copy_with_item: Option<bool>,
}

/// What `editField` changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldEdit {
    /// The key; values move along.
    pub key: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// The description; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// Whether user interfaces leave it out.
    pub hidden: Option<bool>,
}

/// The field whose options an operation changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionField {
    /// [`FieldKind::Enum`] or [`FieldKind::MultiSelect`], as the operation's name says.
    pub kind: FieldKind,
    /// The field's key.
    pub key: String,
}

/// One operation of Box's list.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateOperation {
    /// `editTemplate`
    EditTemplate(TemplateEdit),
    /// `addField`
    AddField(NewField),
    /// `reorderFields`: all keys in their new order.
    ReorderFields(Vec<String>),
    /// `editField`
    EditField {
        /// The field's key.
        key: String,
        /// What changes.
        edit: FieldEdit,
    },
    /// `removeField`
    RemoveField {
        /// The field's key.
        key: String,
    },
    /// `addEnumOption`, `addMultiSelectOption`
    AddOption {
        /// The field.
        field: OptionField,
        /// The option.
        option: NewOption,
    },
    /// `reorderEnumOptions`, `reorderMultiSelectOptions`: all keys in their new order.
    ReorderOptions {
        /// The field.
        field: OptionField,
        /// The options' keys.
        keys: Vec<String>,
    },
    /// `editEnumOption`, `editMultiSelectOption`
    EditOption {
        /// The field.
        field: OptionField,
        /// The option's key.
        key: String,
        /// Its new key and configuration.
        edit: NewOption,
    },
    /// `removeEnumOption`, `removeMultiSelectOption`
    RemoveOption {
        /// The field.
        field: OptionField,
        /// The option's key.
        key: String,
    },
}

/// What an operation does to the values of instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceEdit {
    /// A field has another key.
    RenameField {
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// A field is gone.
    RemoveField(String),
    /// An option has another key.
    RenameOption {
        /// The field.
        field: String,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// An option is gone.
    RemoveOption {
        /// The field.
        field: String,
        /// The option.
        option: String,
    },
}

impl InstanceEdit {
    /// Changes the values of one instance.
    pub fn apply(&self, values: &mut Map<String, Value>) {
        match self {
            Self::RenameField { from, to } => {
                if let Some(value) = values.shift_remove(from) {
                    values.insert(to.clone(), value);
                }
            }
            Self::RemoveField(key) => {
                values.shift_remove(key);
            }
            Self::RenameOption { field, from, to } => match values.get_mut(field) {
                Some(Value::String(value)) if value == from => value.clone_from(to),
                Some(Value::Array(chosen)) => {
                    for value in chosen.iter_mut().filter(|value| **value == from.as_str()) {
                        *value = Value::String(to.clone());
                    }
                }
                _ => {}
            },
            Self::RemoveOption { field, option } => {
                let emptied = match values.get_mut(field) {
                    Some(Value::String(value)) => value == option,
                    Some(Value::Array(chosen)) => {
                        let before = chosen.len();
                        chosen.retain(|value| value != option.as_str());
                        chosen.is_empty() && before > 0
                    }
                    _ => false,
                };
                if emptied {
                    values.shift_remove(field);
                }
            }
        }
    }
}

impl MetadataTemplate {
    /// Applies all operations or none; what they do to instances is given back.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] with the path of the field: `[1].fieldKey`.
    pub fn changed(
        &self,
        operations: &[TemplateOperation],
        making: Making<'_>,
    ) -> Result<(Self, Vec<InstanceEdit>), MetadataError> {
        let mut changed = self.clone();
        let mut edits = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            let step = Step {
                path: format!("[{index}]"),
                making,
            };
            edits.extend(step.apply(&mut changed, operation)?);
        }
        if !operations.is_empty() {
            changed.revision += 1;
        }
        Ok((changed, edits))
    }
}

/// One operation of the list.
struct Step<'a> {
    path: String,
    making: Making<'a>,
}

impl Step<'_> {
    fn apply(
        &self,
        template: &mut MetadataTemplate,
        operation: &TemplateOperation,
    ) -> Result<Option<InstanceEdit>, MetadataError> {
        match operation {
            TemplateOperation::EditTemplate(edit) => self.edit_template(template, edit).map(|()| None),
            TemplateOperation::AddField(new) => {
                let path = format!("{}.data", self.path);
                template.add_field(new, &path, self.making).map(|()| None)
            }
            TemplateOperation::ReorderFields(keys) => {
                let own = |field: &TemplateField| field.key.clone();
                self.reorder(&mut template.fields, keys, own, "fieldKeys")
                    .map(|()| None)
            }
            TemplateOperation::EditField { key, edit } => self.edit_field(template, key, edit),
            TemplateOperation::RemoveField { key } => {
                let index = self.position(template, key)?;
                template.fields.remove(index);
                Ok(Some(InstanceEdit::RemoveField(key.clone())))
            }
            TemplateOperation::AddOption { field, option } => self.add_option(template, field, option),
            TemplateOperation::ReorderOptions { field, keys } => {
                let own = |option: &FieldOption| option.key.clone();
                let name = format!("{}OptionKeys", option_word(field.kind));
                let found = self.option_field(template, field)?;
                self.reorder(&mut found.options, keys, own, &name).map(|()| None)
            }
            TemplateOperation::EditOption { field, key, edit } => {
                self.edit_option(template, field, key, edit)
            }
            TemplateOperation::RemoveOption { field, key } => self.remove_option(template, field, key),
        }
    }

    fn refuse<T>(&self, name: &str, reason: impl Into<String>) -> Result<T, MetadataError> {
        Err(MetadataError::invalid(format!("{}.{name}", self.path), reason))
    }

    fn edit_template(
        &self,
        template: &mut MetadataTemplate,
        edit: &TemplateEdit,
    ) -> Result<(), MetadataError> {
        if let Some(key) = &edit.key {
            check_template_key(key, &format!("{}.data.templateKey", self.path))?;
            template.key.clone_from(key);
        }
        if let Some(name) = &edit.display_name {
            check_name(name, &format!("{}.data.displayName", self.path))?;
            template.display_name.clone_from(name);
        }
        template.hidden = edit.hidden.unwrap_or(template.hidden);
        template.copy_with_item = edit.copy_with_item.unwrap_or(template.copy_with_item);
        Ok(())
    }

    fn position(&self, template: &MetadataTemplate, key: &str) -> Result<usize, MetadataError> {
        let found = template.fields.iter().position(|field| field.key == key);
        found.map_or_else(
            || {
                let reason = format!("must name a field of the template; there is no `{}`", shown(key));
                self.refuse("fieldKey", reason)
            },
            Ok,
        )
    }

    fn field<'t>(
        &self,
        template: &'t mut MetadataTemplate,
        key: &str,
    ) -> Result<&'t mut TemplateField, MetadataError> {
        let index = self.position(template, key)?;
        Ok(&mut template.fields[index])
    }

    fn edit_field(
        &self,
        template: &mut MetadataTemplate,
        key: &str,
        edit: &FieldEdit,
    ) -> Result<Option<InstanceEdit>, MetadataError> {
        let renamed = edit.key.as_ref().filter(|new| *new != key);
        if let Some(new) = renamed {
            check_key(new, &format!("{}.data.key", self.path))?;
            if template.field(new).is_some() {
                let reason = format!(
                    "must be unique: the template has a field `{}` already",
                    shown(new)
                );
                return self.refuse("data.key", reason);
            }
        }
        if let Some(name) = &edit.display_name {
            check_name(name, &format!("{}.data.displayName", self.path))?;
        }
        if let Some(Some(description)) = &edit.description {
            check_description(description, &format!("{}.data.description", self.path))?;
        }
        let field = self.field(template, key)?;
        if let Some(new) = renamed {
            field.key.clone_from(new);
        }
        if let Some(name) = &edit.display_name {
            field.display_name.clone_from(name);
        }
        if let Some(description) = &edit.description {
            field.description.clone_from(description);
        }
        field.hidden = edit.hidden.unwrap_or(field.hidden);
        Ok(renamed.map(|new| InstanceEdit::RenameField {
            from: key.to_owned(),
            to: new.clone(),
        }))
    }

    fn option_field<'t>(
        &self,
        template: &'t mut MetadataTemplate,
        wanted: &OptionField,
    ) -> Result<&'t mut TemplateField, MetadataError> {
        let field = self.field(template, &wanted.key)?;
        if field.kind == wanted.kind {
            return Ok(field);
        }
        let reason = format!(
            "must name a field of type `{}`; `{}` is of type `{}`",
            wanted.kind.as_str(),
            shown(&wanted.key),
            field.kind.as_str()
        );
        self.refuse("fieldKey", reason)
    }

    fn add_option(
        &self,
        template: &mut MetadataTemplate,
        field: &OptionField,
        new: &NewOption,
    ) -> Result<Option<InstanceEdit>, MetadataError> {
        let found = self.option_field(template, field)?;
        self.check_unique(found, &new.key)?;
        let option = make_option(new, &format!("{}.data.key", self.path), self.making)?;
        found.options.push(option);
        Ok(None)
    }

    fn check_unique(&self, field: &TemplateField, key: &str) -> Result<(), MetadataError> {
        if !field.has_option(key) {
            return Ok(());
        }
        let reason = format!("must be unique: the field has an option `{}` already", shown(key));
        self.refuse("data.key", reason)
    }

    fn option_position(&self, field: &TemplateField, key: &str) -> Result<usize, MetadataError> {
        let found = field.options.iter().position(|option| option.key == key);
        found.map_or_else(
            || {
                let reason = format!("must name an option of the field; there is no `{}`", shown(key));
                self.refuse(&format!("{}OptionKey", option_word(field.kind)), reason)
            },
            Ok,
        )
    }

    fn edit_option(
        &self,
        template: &mut MetadataTemplate,
        field: &OptionField,
        key: &str,
        edit: &NewOption,
    ) -> Result<Option<InstanceEdit>, MetadataError> {
        let found = self.option_field(template, field)?;
        let index = self.option_position(found, key)?;
        check_key(&edit.key, &format!("{}.data.key", self.path))?;
        if edit.key != key {
            self.check_unique(found, &edit.key)?;
        }
        let option = &mut found.options[index];
        option.key.clone_from(&edit.key);
        if edit.static_config.is_some() {
            option.static_config.clone_from(&edit.static_config);
        }
        Ok((edit.key != key).then(|| InstanceEdit::RenameOption {
            field: field.key.clone(),
            from: key.to_owned(),
            to: edit.key.clone(),
        }))
    }

    fn remove_option(
        &self,
        template: &mut MetadataTemplate,
        field: &OptionField,
        key: &str,
    ) -> Result<Option<InstanceEdit>, MetadataError> {
        let found = self.option_field(template, field)?;
        let index = self.option_position(found, key)?;
        found.options.remove(index);
        Ok(Some(InstanceEdit::RemoveOption {
            field: field.key.clone(),
            option: key.to_owned(),
        }))
    }

    /// Puts entries into the order of `keys`, which must name each exactly once.
    fn reorder<T>(
        &self,
        entries: &mut Vec<T>,
        keys: &[String],
        own: impl Fn(&T) -> String,
        name: &str,
    ) -> Result<(), MetadataError> {
        let mut left = std::mem::take(entries);
        for key in keys {
            let Some(index) = left.iter().position(|entry| own(entry) == *key) else {
                let reason = format!(
                    "must name each key once; `{}` is not there or named twice",
                    shown(key)
                );
                return self.refuse(name, reason);
            };
            entries.push(left.remove(index));
        }
        match left.first() {
            None => Ok(()),
            Some(missing) => {
                let reason = format!("must name every key; `{}` is missing", shown(&own(missing)));
                self.refuse(name, reason)
            }
        }
    }
}

/// How the wire's names of option keys begin.
fn option_word(kind: FieldKind) -> &'static str {
    if kind == FieldKind::Enum {
        "enum"
    } else {
        "multiSelect"
    }
}

#[cfg(test)]
#[path = "template_change_tests.rs"]
mod tests;
