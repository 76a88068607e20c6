//! How a template and its fields are made: every rule that a template must keep.
//!
//! Pure: randomness and the taxonomies that exist come in by [`Making`]. Called by the stores.

use super::error::MetadataError;
use super::key::{check_description, check_key, check_name, check_template_key, template_key_of, uuid};
use super::scope::TemplateScope;
use super::taxonomy::Taxonomy;
use super::template::{
    FieldKind, FieldOption, MetadataTemplate, NewField, NewOption, NewTaxonomyRule, NewTemplate,
    TaxonomyRule, TemplateField,
};
use boxwood_core::{EnterpriseId, Ids};
use std::collections::HashSet;

/// What is needed to make something.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// Randomness for ids.
    pub ids: &'a dyn Ids,
    /// The enterprise's taxonomies.
    pub taxonomies: &'a [Taxonomy],
}

impl MetadataTemplate {
    /// Makes a template. Its key is the wished one or made from the display name; whether it is free, the store sees.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] with the path of the field.
    pub fn make(
        new: &NewTemplate,
        enterprise: &EnterpriseId,
        making: Making<'_>,
    ) -> Result<Self, MetadataError> {
        check_name(&new.display_name, "displayName")?;
        let key = match &new.key {
            Some(key) => {
                check_template_key(key, "templateKey")?;
                key.clone()
            }
            None => template_key_of(&new.display_name),
        };
        let mut template = Self {
            id: uuid(making.ids),
            enterprise: Some(enterprise.clone()),
            key,
            display_name: new.display_name.clone(),
            hidden: new.hidden,
            copy_with_item: new.copy_with_item,
            revision: 0,
            fields: Vec::with_capacity(new.fields.len()),
        };
        for (index, field) in new.fields.iter().enumerate() {
            template.add_field(field, &format!("fields[{index}]"), making)?;
        }
        Ok(template)
    }

    /// Adds a field at the end; `path` is where the wire has it.
    pub(super) fn add_field(
        &mut self,
        new: &NewField,
        path: &str,
        making: Making<'_>,
    ) -> Result<(), MetadataError> {
        if self.field(&new.key).is_some() {
            let reason = format!(
                "must be unique: the template has a field `{}` already",
                shown(&new.key)
            );
            return Err(MetadataError::invalid(format!("{path}.key"), reason));
        }
        let field = TemplateField::make(new, path, making)?;
        self.fields.push(field);
        Ok(())
    }
}

impl TemplateField {
    fn make(new: &NewField, path: &str, making: Making<'_>) -> Result<Self, MetadataError> {
        check_key(&new.key, &format!("{path}.key"))?;
        check_name(&new.display_name, &format!("{path}.displayName"))?;
        if let Some(description) = &new.description {
            check_description(description, &format!("{path}.description"))?;
        }
        if new.kind == FieldKind::Integer {
            let reason = "must be another type: new fields can't be `integer`; use `float`";
            return Err(MetadataError::invalid(format!("{path}.type"), reason));
        }
        Ok(Self {
            id: uuid(making.ids),
            kind: new.kind,
            key: new.key.clone(),
            display_name: new.display_name.clone(),
            description: new.description.clone(),
            hidden: new.hidden,
            options: options(new, path, making)?,
            taxonomy: taxonomy(new, path, making)?,
        })
    }
}

fn options(new: &NewField, path: &str, making: Making<'_>) -> Result<Vec<FieldOption>, MetadataError> {
    let path = format!("{path}.options");
    if !new.kind.has_options() {
        if new.options.is_empty() {
            return Ok(Vec::new());
        }
        let reason = format!("must be left out: a `{}` field has no options", new.kind.as_str());
        return Err(MetadataError::invalid(path, reason));
    }
    let mut seen = HashSet::new();
    let mut options = Vec::with_capacity(new.options.len());
    for (index, option) in new.options.iter().enumerate() {
        let path = format!("{path}[{index}].key");
        if !seen.insert(option.key.as_str()) {
            let reason = format!(
                "must be unique: there is an option `{}` already",
                shown(&option.key)
            );
            return Err(MetadataError::invalid(path, reason));
        }
        options.push(make_option(option, &path, making)?);
    }
    Ok(options)
}

/// Makes an option; that it is unique was checked.
pub(super) fn make_option(
    new: &NewOption,
    path: &str,
    making: Making<'_>,
) -> Result<FieldOption, MetadataError> {
    check_key(&new.key, path)?;
    Ok(FieldOption {
        id: uuid(making.ids),
        key: new.key.clone(),
        static_config: new.static_config.clone(),
    })
}

fn taxonomy(new: &NewField, path: &str, making: Making<'_>) -> Result<Option<TaxonomyRule>, MetadataError> {
    match (&new.taxonomy, new.kind) {
        (Some(rule), FieldKind::Taxonomy) => resolve(rule, path, making.taxonomies).map(Some),
        (None, FieldKind::Taxonomy) => Err(MetadataError::invalid(
            format!("{path}.taxonomyKey"),
            "must name the taxonomy of the field",
        )),
        (Some(_), kind) => Err(MetadataError::invalid(
            format!("{path}.taxonomyKey"),
            format!("must be left out: a `{}` field has no taxonomy", kind.as_str()),
        )),
        (None, _) => Ok(None),
    }
}

/// Finds the taxonomy that a field names.
fn resolve(
    rule: &NewTaxonomyRule,
    path: &str,
    taxonomies: &[Taxonomy],
) -> Result<TaxonomyRule, MetadataError> {
    let in_namespace = |taxonomy: &&Taxonomy| match &rule.namespace {
        None | Some(TemplateScope::OwnEnterprise) => true,
        Some(TemplateScope::Enterprise(id)) => taxonomy.enterprise == *id,
        Some(TemplateScope::Global) => false,
    };
    let found = taxonomies.iter().filter(in_namespace).find(|taxonomy| {
        rule.taxonomy_key.as_ref().is_none_or(|key| *key == taxonomy.key)
            && rule.taxonomy_id.as_ref().is_none_or(|id| *id == taxonomy.id)
            && (rule.taxonomy_key.is_some() || rule.taxonomy_id.is_some())
    });
    let Some(taxonomy) = found else {
        let name = if rule.taxonomy_key.is_some() {
            "taxonomyKey"
        } else {
            "taxonomyId"
        };
        let reason = "must name a taxonomy of the enterprise; create it first";
        return Err(MetadataError::invalid(format!("{path}.{name}"), reason));
    };
    let deepest = u32::try_from(taxonomy.levels.len()).unwrap_or(u32::MAX);
    let beyond = rule
        .selectable_levels
        .iter()
        .find(|level| !(1..=deepest).contains(*level));
    if let Some(level) = beyond {
        let reason = format!("must hold levels of the taxonomy, 1 to {deepest}, not {level}");
        return Err(MetadataError::invalid(
            format!("{path}.optionsRules.selectableLevels"),
            reason,
        ));
    }
    Ok(TaxonomyRule {
        taxonomy_id: taxonomy.id.clone(),
        taxonomy_key: taxonomy.key.clone(),
        namespace: taxonomy.namespace(),
        multi_select: rule.multi_select,
        selectable_levels: rule.selectable_levels.clone(),
    })
}

/// A name for a message, cut.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::SequentialIds;

    fn field(kind: FieldKind, key: &str, options: &[&str]) -> NewField {
        NewField {
            kind,
            key: key.into(),
            display_name: key.to_uppercase(),
            description: None,
            hidden: false,
            options: options
                .iter()
                .map(|key| NewOption {
                    key: (*key).into(),
                    static_config: None,
                })
                .collect(),
            taxonomy: None,
        }
    }

    #[track_caller]
    fn check(fields: Vec<NewField>, refused: Option<&str>) {
        let new = NewTemplate {
            key: None,
            display_name: "Deal".into(),
            hidden: false,
            copy_with_item: false,
            fields,
        };
        let ids = SequentialIds::default();
        let making = Making {
            ids: &ids,
            taxonomies: &[],
        };
        let made = MetadataTemplate::make(&new, &"1".parse().unwrap(), making);
        let path = match &made {
            Err(MetadataError::Invalid { field, .. }) => Some(field.as_str()),
            Err(other) => panic!("{other}"),
            Ok(template) => {
                assert_eq!(
                    (template.key.as_str(), template.scope().as_str()),
                    ("deal", "enterprise_1")
                );
                None
            }
        };
        assert_eq!(path, refused);
    }

    #[test]
    fn every_rule_names_its_field() {
        let text = || field(FieldKind::Text, "a", &[]);
        check(vec![text(), field(FieldKind::Enum, "b", &["x", "y"])], None);
        check(vec![text(), text()], Some("fields[1].key"));
        check(vec![field(FieldKind::Text, "$a", &[])], Some("fields[0].key"));
        check(vec![field(FieldKind::Text, "", &[])], Some("fields[0].key"));
        check(
            vec![field(FieldKind::Text, "a", &["x"])],
            Some("fields[0].options"),
        );
        check(vec![field(FieldKind::Enum, "a", &[])], None);
        check(
            vec![field(FieldKind::MultiSelect, "a", &["x", "x"])],
            Some("fields[0].options[1].key"),
        );
        check(vec![field(FieldKind::Integer, "a", &[])], Some("fields[0].type"));
        check(
            vec![field(FieldKind::Taxonomy, "a", &[])],
            Some("fields[0].taxonomyKey"),
        );
        let mut named = field(FieldKind::Taxonomy, "a", &[]);
        named.taxonomy = Some(NewTaxonomyRule {
            taxonomy_key: Some("gone".into()),
            ..NewTaxonomyRule::default()
        });
        check(vec![named], Some("fields[0].taxonomyKey"));
    }
}
