//! The fields of an extraction: of a request, of a metadata template, with the terms of their taxonomies.
//!
//! Invariant: a template or taxonomy that the caller may not see is *not found*, at the path of the field that names it.
//! Called by the extraction handlers.

use super::ai_call::AiCall;
use crate::error::ApiError;
use crate::state::AppState;
use boxwood_answer::extract::{DateForm, FieldKind, FieldSpec, Taxonomy, TaxonomyChoice, TaxonomyNode};
use boxwood_answer::library::ReadError;
use boxwood_api::ai::{ExtractField, FieldType, StructuredWanted, TaxonomyPlace, TaxonomySource};
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::{Document, FileId};
use boxwood_store::StoreError;
use boxwood_store::metadata::{FieldKind as TemplateKind, MetadataTemplate, TaxonomyTree, TemplateScope};
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The fields of a structured extraction.
///
/// # Errors
/// A template, taxonomy or file that is not there, with the path of what names it.
pub(super) async fn structured_fields(
    state: &AppState,
    call: &AiCall,
    wanted: &StructuredWanted,
) -> Result<Vec<FieldSpec>, ApiError> {
    match wanted {
        StructuredWanted::Template { scope, key } => {
            let found = TemplateScope::parse(scope).ok_or_else(|| no_template(scope, key))?;
            let template = state.store.metadata_template(&call.principal, &found, key).await;
            let template = template.map_err(|error| match error {
                StoreError::NotFound { .. } => no_template(scope, key),
                other => other.into(),
            })?;
            of_template(state, call, &template).await
        }
        StructuredWanted::Fields { fields, taxonomies } => {
            let mut terms = Terms {
                state,
                call,
                known: HashMap::new(),
            };
            let mut specs = Vec::with_capacity(fields.len());
            for (index, field) in fields.iter().enumerate() {
                let taxonomy = terms.of_field(field, index, taxonomies).await?;
                specs.push(spec(field, taxonomy));
            }
            Ok(specs)
        }
    }
}

fn no_template(scope: &str, key: &str) -> ApiError {
    let shown: String = key.chars().take(64).collect();
    not_found(
        "metadata_template.template_key",
        format!("No metadata template `{shown}` in the scope `{scope}` is there."),
    )
}

fn not_found(path: &str, message: String) -> ApiError {
    ApiError::new(ErrorCode::NotFound, message.clone()).with_error(FieldError::new(
        Reason::NotFound,
        path,
        message,
    ))
}

/// A wire field as one of the pipeline's.
fn spec(field: &ExtractField, taxonomy: Option<TaxonomyChoice>) -> FieldSpec {
    let inner = |fields: &[ExtractField]| fields.iter().map(|field| spec(field, None)).collect();
    let kind = match &field.kind {
        FieldType::Text => FieldKind::Text,
        FieldType::Number => FieldKind::Number,
        FieldType::Date => FieldKind::Date(DateForm::Day),
        FieldType::Boolean => FieldKind::Boolean,
        FieldType::Choice { options, multiple } => FieldKind::Choice {
            options: options.clone(),
            multiple: *multiple,
        },
        FieldType::Taxonomy { .. } => taxonomy.map_or(FieldKind::Text, FieldKind::Taxonomy),
        FieldType::Struct(fields) => FieldKind::Struct(inner(fields)),
        FieldType::Table(fields) => FieldKind::Table(inner(fields)),
    };
    FieldSpec {
        key: field.key.clone(),
        display_name: field.display_name.clone(),
        description: field.description.clone(),
        prompt: field.prompt.clone(),
        kind,
    }
}

/// The fields of a template that people fill in; dates as metadata holds them.
async fn of_template(
    state: &AppState,
    call: &AiCall,
    template: &MetadataTemplate,
) -> Result<Vec<FieldSpec>, ApiError> {
    let mut specs = Vec::with_capacity(template.fields.len());
    for field in &template.fields {
        let options = || field.options.iter().map(|option| option.key.clone()).collect();
        let kind = match field.kind {
            TemplateKind::Text => FieldKind::Text,
            TemplateKind::Float | TemplateKind::Integer => FieldKind::Number,
            TemplateKind::Date => FieldKind::Date(DateForm::Moment),
            TemplateKind::Enum => FieldKind::Choice {
                options: options(),
                multiple: false,
            },
            TemplateKind::MultiSelect => FieldKind::Choice {
                options: options(),
                multiple: true,
            },
            TemplateKind::Taxonomy => match &field.taxonomy {
                Some(rule) => {
                    let path = "metadata_template.template_key";
                    let tree = stored(state, call, &rule.namespace, &rule.taxonomy_key, path).await?;
                    FieldKind::Taxonomy(of_tree(&tree).choice(&rule.selectable_levels, rule.multi_select))
                }
                None => FieldKind::Text,
            },
        };
        specs.push(FieldSpec {
            key: field.key.clone(),
            display_name: Some(field.display_name.clone()),
            description: field.description.clone(),
            prompt: None,
            kind,
        });
    }
    if specs.is_empty() {
        let message = "has no fields to fill in; choose another template, or send `fields`";
        return Err(ApiError::field(
            Reason::InvalidParameter,
            "metadata_template.template_key",
            message,
        ));
    }
    Ok(specs)
}

/// The taxonomies of one request, each read once.
struct Terms<'a> {
    state: &'a AppState,
    call: &'a AiCall,
    known: HashMap<String, Arc<Taxonomy>>,
}

impl Terms<'_> {
    async fn of_field(
        &mut self,
        field: &ExtractField,
        index: usize,
        sources: &[TaxonomySource],
    ) -> Result<Option<TaxonomyChoice>, ApiError> {
        let FieldType::Taxonomy {
            key,
            namespace,
            multiple,
            selectable_levels,
        } = &field.kind
        else {
            return Ok(None);
        };
        let listed = sources.iter().position(|source| source.taxonomy_key == *key);
        let (name, path) = match listed {
            Some(at) => (format!("source {at}"), format!("taxonomy_sources[{at}]")),
            None => (
                format!("stored {namespace:?} {key}"),
                format!("fields[{index}].taxonomy_key"),
            ),
        };
        if !self.known.contains_key(&name) {
            let taxonomy = match (listed.map(|at| &sources[at].place), namespace) {
                (Some(TaxonomyPlace::File(id)), _) => self.of_file(id, &format!("{path}.id")).await?,
                (Some(TaxonomyPlace::Stored { namespace }), _) | (None, Some(namespace)) => {
                    of_tree(&stored(self.state, self.call, namespace, key, &path).await?)
                }
                (None, None) => return Ok(None),
            };
            self.known.insert(name.clone(), Arc::new(taxonomy));
        }
        let Some(taxonomy) = self.known.get(&name) else {
            return Ok(None);
        };
        let choice = taxonomy.choice(selectable_levels, *multiple);
        if choice.options.is_empty() {
            let message = format!("names no level of the taxonomy, which has {}", taxonomy.levels());
            return Err(ApiError::field(
                Reason::InvalidParameter,
                format!("fields[{index}].options_rules.selectable_levels"),
                message,
            ));
        }
        Ok(Some(choice))
    }

    async fn of_file(&self, id: &FileId, path: &str) -> Result<Taxonomy, ApiError> {
        let readable = self
            .state
            .store
            .readable(&self.call.principal, std::slice::from_ref(id))
            .await;
        let readable = readable.map_err(|error| match error {
            StoreError::NotFound { .. } | StoreError::Trashed { .. } | StoreError::Forbidden { .. } => {
                not_found(path, format!("File {id} is not there."))
            }
            other => other.into(),
        })?;
        let Some(file) = readable.iter().next() else {
            return Err(not_found(path, format!("File {id} is not there.")));
        };
        let refused = |message: String| ApiError::field(Reason::InvalidParameter, path, message);
        let document = self.state.library.document(file, &CancellationToken::new()).await;
        let document = document.map_err(|error| match error {
            ReadError::Refused { message, .. } => refused(format!("can't be read: {message}")),
            ReadError::Store(error) => error.into(),
            other => ApiError::new(ErrorCode::Unavailable, other.to_string()),
        })?;
        let rows = rows_of(&document).ok_or_else(|| refused("is no CSV file".to_owned()))?;
        Taxonomy::from_rows(rows).map_err(|error| refused(error.to_string()))
    }
}

fn rows_of(document: &Document) -> Option<&[Vec<String>]> {
    document.tables.first().map(|table| table.rows.as_slice())
}

async fn stored(
    state: &AppState,
    call: &AiCall,
    namespace: &str,
    key: &str,
    path: &str,
) -> Result<TaxonomyTree, ApiError> {
    let missing = || {
        not_found(
            path,
            format!("No taxonomy `{key}` in the namespace `{namespace}` is there."),
        )
    };
    let scope = TemplateScope::parse(namespace).ok_or_else(missing)?;
    let tree = state.store.taxonomy(&call.principal, &scope, key).await;
    tree.map_err(|error| match error {
        StoreError::NotFound { .. } => missing(),
        other => other.into(),
    })
}

fn of_tree(tree: &TaxonomyTree) -> Taxonomy {
    let mut nodes = Vec::with_capacity(tree.nodes().len());
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut ordered: Vec<_> = tree.nodes().iter().collect();
    ordered.sort_by_key(|node| node.level);
    for node in ordered {
        places.insert(&node.id, nodes.len());
        nodes.push(TaxonomyNode {
            id: Some(node.id.clone()),
            name: node.display_name.clone(),
            level: node.level,
            parent: node
                .parent
                .as_deref()
                .and_then(|parent| places.get(parent).copied()),
        });
    }
    Taxonomy { nodes }
}
