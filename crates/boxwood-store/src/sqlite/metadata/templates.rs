//! Templates in SQLite.
//!
//! Invariant: only rows of the principal's enterprise are ever read or written; built-in templates have no row.

use super::super::SqliteStore;
use super::super::convert::{Doing, column, json, number, to_json, unsigned};
use super::super::taxonomies;
use super::cascades;
use crate::error::{StoreError, Thing};
use crate::metadata::key::numbered_key;
use crate::metadata::{
    FieldKind, InstanceEdit, Making, MetadataTemplate, NewTemplate, Page, PageQuery, Taxonomy,
    TemplateOperation, TemplateScope,
};
use boxwood_core::{EnterpriseId, Principal};
use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// The principal's enterprise as a row number.
pub(super) fn enterprise_number(principal: &Principal) -> Result<i64, StoreError> {
    number(principal.enterprise_id.as_str(), Thing::MetadataTemplate)
}

pub(super) fn missing(id: &str) -> StoreError {
    let shown: String = id.chars().take(64).collect();
    StoreError::not_found(Thing::MetadataTemplate, shown)
}

fn template(row: &SqliteRow) -> Result<MetadataTemplate, StoreError> {
    Ok(MetadataTemplate {
        id: column(row, "id")?,
        enterprise: Some(EnterpriseId::from_number(unsigned(column(
            row,
            "enterprise_id",
        )?)?)),
        key: column(row, "template_key")?,
        display_name: column(row, "display_name")?,
        hidden: column(row, "hidden")?,
        copy_with_item: column(row, "copy_with_item")?,
        revision: column(row, "revision")?,
        fields: json(column(row, "fields")?)?,
    })
}

/// A template by scope and key.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    scope: &TemplateScope,
    key: &str,
) -> Result<MetadataTemplate, StoreError> {
    if *scope == TemplateScope::Global {
        return MetadataTemplate::built_in_by_key(key).ok_or_else(|| missing(key));
    }
    if !scope.is_own(principal) {
        return Err(missing(key));
    }
    let row = sqlx::query("SELECT * FROM metadata_templates WHERE enterprise_id = ?1 AND template_key = ?2")
        .bind(enterprise_number(principal)?)
        .bind(key)
        .fetch_optional(connection)
        .await
        .doing("find a template")?;
    row.as_ref().map_or_else(|| Err(missing(key)), template)
}

/// A template by its id, if the principal sees it.
pub(super) async fn find_by_id(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &str,
) -> Result<Option<MetadataTemplate>, StoreError> {
    let built_in = MetadataTemplate::built_in();
    if let Some(found) = built_in.into_iter().find(|template| template.id == id) {
        return Ok(Some(found));
    }
    let row = sqlx::query("SELECT * FROM metadata_templates WHERE enterprise_id = ?1 AND id = ?2")
        .bind(enterprise_number(principal)?)
        .bind(id)
        .fetch_optional(connection)
        .await
        .doing("find a template")?;
    row.as_ref().map(template).transpose()
}

/// A page of a scope's templates.
pub(super) async fn list(
    connection: &mut SqliteConnection,
    principal: &Principal,
    scope: &TemplateScope,
    query: &PageQuery,
) -> Result<Page<MetadataTemplate>, StoreError> {
    let all = if *scope == TemplateScope::Global {
        MetadataTemplate::built_in()
    } else if scope.is_own(principal) {
        of_enterprise(connection, principal).await?
    } else {
        Vec::new()
    };
    Ok(Page::cut(all, query, |template| template.key.clone())?)
}

/// All templates of the principal's enterprise, by key.
pub(in super::super) async fn of_enterprise(
    connection: &mut SqliteConnection,
    principal: &Principal,
) -> Result<Vec<MetadataTemplate>, StoreError> {
    sqlx::query("SELECT * FROM metadata_templates WHERE enterprise_id = ?1 ORDER BY template_key")
        .bind(enterprise_number(principal)?)
        .fetch_all(connection)
        .await
        .doing("list templates")?
        .iter()
        .map(template)
        .collect()
}

/// The taxonomies that new fields may name; not read where no field names one.
async fn named_taxonomies(
    connection: &mut SqliteConnection,
    principal: &Principal,
    mut kinds: impl Iterator<Item = FieldKind>,
) -> Result<Vec<Taxonomy>, StoreError> {
    if kinds.any(|kind| kind == FieldKind::Taxonomy) {
        taxonomies::of_enterprise(connection, principal).await
    } else {
        Ok(Vec::new())
    }
}

/// Makes a template.
pub(super) async fn create(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    new: &NewTemplate,
) -> Result<MetadataTemplate, StoreError> {
    let kinds = new.fields.iter().map(|field| field.kind);
    let taxonomies = named_taxonomies(connection, principal, kinds).await?;
    let making = Making {
        ids: store.options.ids.as_ref(),
        taxonomies: &taxonomies,
    };
    let mut made = MetadataTemplate::make(new, &principal.enterprise_id, making)?;
    if new.key.is_some() {
        check_free(connection, principal, &made).await?;
    } else {
        made.key = free_key(connection, principal, &made.key).await?;
    }
    let now = store.now();
    sqlx::query(
        "INSERT INTO metadata_templates (id, enterprise_id, template_key, display_name, hidden, copy_with_item, \
         revision, fields, created_at, modified_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    )
    .bind(&made.id)
    .bind(enterprise_number(principal)?)
    .bind(&made.key)
    .bind(&made.display_name)
    .bind(made.hidden)
    .bind(made.copy_with_item)
    .bind(made.revision)
    .bind(to_json(&made.fields)?)
    .bind(now)
    .execute(connection)
    .await
    .doing("add a template")?;
    Ok(made)
}

async fn is_taken(
    connection: &mut SqliteConnection,
    principal: &Principal,
    key: &str,
    except: &str,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM metadata_templates WHERE enterprise_id = ?1 AND template_key = ?2 AND id <> ?3)",
    )
    .bind(enterprise_number(principal)?)
    .bind(key)
    .bind(except)
    .fetch_one(connection)
    .await
    .doing("look for a template")
}

async fn check_free(
    connection: &mut SqliteConnection,
    principal: &Principal,
    template: &MetadataTemplate,
) -> Result<(), StoreError> {
    if is_taken(connection, principal, &template.key, &template.id).await? {
        return Err(StoreError::AlreadyExists {
            thing: Thing::MetadataTemplate,
            id: format!("{}.{}", template.scope(), template.key),
        });
    }
    Ok(())
}

async fn free_key(
    connection: &mut SqliteConnection,
    principal: &Principal,
    stem: &str,
) -> Result<String, StoreError> {
    let mut attempt = 0;
    loop {
        let key = numbered_key(stem, attempt);
        if !is_taken(connection, principal, &key, "").await? {
            return Ok(key);
        }
        attempt += 1;
    }
}

fn changeable(template: &MetadataTemplate, action: &'static str) -> Result<(), StoreError> {
    if template.enterprise.is_some() {
        return Ok(());
    }
    Err(StoreError::Forbidden {
        action,
        thing: Thing::MetadataTemplate,
        id: template.key.clone(),
    })
}

/// Applies operations to a template and its instances.
pub(super) async fn update(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    template: &MetadataTemplate,
    operations: &[TemplateOperation],
) -> Result<MetadataTemplate, StoreError> {
    changeable(template, "change")?;
    let kinds = operations.iter().filter_map(|operation| match operation {
        TemplateOperation::AddField(field) => Some(field.kind),
        _ => None,
    });
    let taxonomies = named_taxonomies(connection, principal, kinds).await?;
    let making = Making {
        ids: store.options.ids.as_ref(),
        taxonomies: &taxonomies,
    };
    let (changed, edits) = template.changed(operations, making)?;
    check_free(connection, principal, &changed).await?;
    sqlx::query(
        "UPDATE metadata_templates SET template_key = ?2, display_name = ?3, hidden = ?4, copy_with_item = ?5, \
         revision = ?6, fields = ?7, modified_at = ?8 WHERE id = ?1",
    )
    .bind(&changed.id)
    .bind(&changed.key)
    .bind(&changed.display_name)
    .bind(changed.hidden)
    .bind(changed.copy_with_item)
    .bind(changed.revision)
    .bind(to_json(&changed.fields)?)
    .bind(store.now())
    .execute(&mut *connection)
    .await
    .doing("change a template")?;
    if !edits.is_empty() {
        edit_instances(connection, &changed, &edits).await?;
    }
    Ok(changed)
}

/// Changes the values of all instances as the template's operations demand.
pub(in super::super) async fn edit_instances(
    connection: &mut SqliteConnection,
    template: &MetadataTemplate,
    edits: &[InstanceEdit],
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT id, field_values FROM metadata_instances WHERE template_id = ?1")
        .bind(&template.id)
        .fetch_all(&mut *connection)
        .await
        .doing("read metadata")?;
    for row in &rows {
        let before: Map<String, Value> = json(column(row, "field_values")?)?;
        let mut after = before.clone();
        for edit in edits {
            edit.apply(&mut after);
        }
        if after == before {
            continue;
        }
        sqlx::query("UPDATE metadata_instances SET field_values = ?2, type_version = ?3 WHERE id = ?1")
            .bind(column::<&str>(row, "id")?)
            .bind(to_json(&after)?)
            .bind(template.revision)
            .execute(&mut *connection)
            .await
            .doing("change metadata")?;
    }
    Ok(())
}

/// Removes a template and its instances.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    template: &MetadataTemplate,
) -> Result<(), StoreError> {
    changeable(template, "delete")?;
    cascades::remove_of_template(connection, &template.id).await?;
    sqlx::query("DELETE FROM metadata_instances WHERE template_id = ?1")
        .bind(&template.id)
        .execute(&mut *connection)
        .await
        .doing("remove metadata")?;
    sqlx::query("DELETE FROM metadata_templates WHERE id = ?1")
        .bind(&template.id)
        .execute(connection)
        .await
        .doing("remove a template")?;
    Ok(())
}
