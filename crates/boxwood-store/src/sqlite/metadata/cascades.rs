//! Cascade policies in SQLite, and what they do when something comes into a folder.

use super::super::SqliteStore;
use super::super::access::{self, Access};
use super::super::commit;
use super::super::convert::{Doing, column, number, unsigned};
use super::{instances, templates};
use crate::error::{StoreError, Thing};
use crate::metadata::key::uuid;
use crate::metadata::{CascadePolicy, MetadataTemplate, TemplateScope};
use crate::store::CascadeStore;
use async_trait::async_trait;
use boxwood_core::{FolderId, Principal};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

#[async_trait]
impl CascadeStore for SqliteStore {
    async fn create_cascade_policy(
        &self,
        principal: &Principal,
        folder: &FolderId,
        scope: &TemplateScope,
        template_key: &str,
    ) -> Result<CascadePolicy, StoreError> {
        let mut writing = self.write().await?;
        let template = templates::find(&mut writing, principal, scope, template_key).await?;
        let access = changeable(&mut writing, principal, folder).await?;
        let id = uuid(self.options.ids.as_ref());
        let made = sqlx::query(
            "INSERT INTO metadata_cascade_policies (id, folder_id, template_id, enterprise_id, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (folder_id, template_id) DO NOTHING",
        )
        .bind(&id)
        .bind(access.item)
        .bind(&template.id)
        .bind(number(principal.enterprise_id.as_str(), Thing::CascadePolicy)?)
        .bind(self.now())
        .execute(&mut *writing)
        .await
        .doing("add a cascade policy")?;
        if made.rows_affected() == 0 {
            return Err(StoreError::AlreadyExists {
                thing: Thing::CascadePolicy,
                id: format!("{}.{} of folder {folder}", template.scope(), template.key),
            });
        }
        commit(writing).await?;
        Ok(policy(principal, id, folder.clone(), &template))
    }

    async fn cascade_policy(&self, principal: &Principal, id: &str) -> Result<CascadePolicy, StoreError> {
        let mut reading = self.read().await?;
        let found = find(&mut reading, principal, id).await?;
        Ok(policy(principal, id.to_owned(), found.folder, &found.template))
    }

    async fn cascade_policies(
        &self,
        principal: &Principal,
        folder: &FolderId,
    ) -> Result<Vec<CascadePolicy>, StoreError> {
        let mut reading = self.read().await?;
        let access = visible(&mut reading, principal, folder).await?;
        let rows = sqlx::query(
            "SELECT id, template_id FROM metadata_cascade_policies WHERE folder_id = ?1 AND enterprise_id = ?2 \
             ORDER BY id",
        )
        .bind(access.item)
        .bind(number(principal.enterprise_id.as_str(), Thing::CascadePolicy)?)
        .fetch_all(&mut *reading)
        .await
        .doing("list cascade policies")?;
        let mut policies = Vec::with_capacity(rows.len());
        for row in &rows {
            let template =
                templates::find_by_id(&mut reading, principal, column(row, "template_id")?).await?;
            if let Some(template) = template {
                policies.push(policy(principal, column(row, "id")?, folder.clone(), &template));
            }
        }
        Ok(policies)
    }

    async fn apply_cascade_policy(
        &self,
        principal: &Principal,
        id: &str,
        overwrite: bool,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let found = find(&mut writing, principal, id).await?;
        let access = changeable(&mut writing, principal, &found.folder).await?;
        let source = source(&mut writing, access.item, &found.template.id).await?;
        let source = source.ok_or_else(|| {
            let id = format!("{}.{}", found.template.scope(), found.template.key);
            StoreError::not_found(Thing::MetadataInstance, id)
        })?;
        spread(self, &mut writing, (access.item, false), &source, overwrite).await?;
        commit(writing).await
    }

    async fn delete_cascade_policy(&self, principal: &Principal, id: &str) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let found = find(&mut writing, principal, id).await?;
        changeable(&mut writing, principal, &found.folder).await?;
        sqlx::query("DELETE FROM metadata_cascade_policies WHERE id = ?1")
            .bind(id)
            .execute(&mut *writing)
            .await
            .doing("remove a cascade policy")?;
        commit(writing).await
    }
}

fn policy(principal: &Principal, id: String, folder: FolderId, template: &MetadataTemplate) -> CascadePolicy {
    CascadePolicy {
        id,
        enterprise: principal.enterprise_id.clone(),
        folder,
        scope: template.scope(),
        template_key: template.key.clone(),
    }
}

/// Finds a folder that may have policies and that the principal may see.
async fn visible(
    connection: &mut SqliteConnection,
    principal: &Principal,
    folder: &FolderId,
) -> Result<Access, StoreError> {
    let access = access::folder(connection, principal, folder).await?;
    if access.root {
        return Err(StoreError::RootFolder {
            action: "given a cascade policy",
        });
    }
    access.require("see the cascade policies of", |may| may.can_preview)?;
    Ok(access)
}

async fn changeable(
    connection: &mut SqliteConnection,
    principal: &Principal,
    folder: &FolderId,
) -> Result<Access, StoreError> {
    let access = visible(connection, principal, folder).await?;
    access.require("change the cascade policies of", |may| may.can_rename)?;
    Ok(access)
}

struct Found {
    folder: FolderId,
    template: MetadataTemplate,
}

/// A policy of the principal's enterprise over a folder that he may see.
async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    id: &str,
) -> Result<Found, StoreError> {
    let missing = || {
        let shown: String = id.chars().take(64).collect();
        StoreError::not_found(Thing::CascadePolicy, shown)
    };
    let row = sqlx::query(
        "SELECT folder_id, template_id FROM metadata_cascade_policies WHERE id = ?1 AND enterprise_id = ?2",
    )
    .bind(id)
    .bind(number(principal.enterprise_id.as_str(), Thing::CascadePolicy)?)
    .fetch_optional(&mut *connection)
    .await
    .doing("find a cascade policy")?;
    let row = row.ok_or_else(missing)?;
    let folder = FolderId::from_number(unsigned(column(&row, "folder_id")?)?);
    match visible(connection, principal, &folder).await {
        Ok(_) => {}
        Err(StoreError::NotFound { .. } | StoreError::Trashed { .. } | StoreError::Forbidden { .. }) => {
            return Err(missing());
        }
        Err(other) => return Err(other),
    }
    let template = templates::find_by_id(connection, principal, column(&row, "template_id")?).await?;
    Ok(Found {
        folder,
        template: template.ok_or_else(missing)?,
    })
}

/// Metadata that goes to other items.
struct Source {
    template: String,
    revision: u32,
    values: String,
}

fn source_of(row: &SqliteRow) -> Result<Source, StoreError> {
    Ok(Source {
        template: column(row, "template_id")?,
        revision: column(row, "type_version")?,
        values: column(row, "field_values")?,
    })
}

/// A folder's metadata under a template.
async fn source(
    connection: &mut SqliteConnection,
    folder: i64,
    template: &str,
) -> Result<Option<Source>, StoreError> {
    let row = sqlx::query("SELECT * FROM metadata_instances WHERE item_id = ?1 AND template_id = ?2")
        .bind(folder)
        .bind(template)
        .fetch_optional(connection)
        .await
        .doing("read metadata")?;
    row.as_ref().map(source_of).transpose()
}

/// Gives metadata to an item (where `own`) and everything below it.
async fn spread(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    (item, own): (i64, bool),
    source: &Source,
    overwrite: bool,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "WITH RECURSIVE below (id) AS ( \
           SELECT ?1 UNION ALL SELECT items.id FROM below JOIN items ON items.parent_id = below.id) \
         SELECT below.id, metadata_instances.id AS instance FROM below \
         LEFT JOIN metadata_instances ON item_id = below.id AND template_id = ?2 \
         WHERE ?3 OR below.id <> ?1",
    )
    .bind(item)
    .bind(&source.template)
    .bind(own)
    .fetch_all(&mut *connection)
    .await
    .doing("look for what metadata cascades to")?;
    for row in &rows {
        match column::<Option<String>>(row, "instance")? {
            None => {
                let template = (source.template.as_str(), source.revision);
                instances::insert(store, connection, column(row, "id")?, template, &source.values).await?;
            }
            Some(instance) if overwrite => {
                overwrite_values(store, connection, &instance, source).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn overwrite_values(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    instance: &str,
    source: &Source,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE metadata_instances SET field_values = ?2, version = version + 1, type_version = ?3, \
         modified_at = ?4 WHERE id = ?1 AND field_values <> ?2",
    )
    .bind(instance)
    .bind(&source.values)
    .bind(source.revision)
    .bind(store.now())
    .execute(connection)
    .await
    .doing("overwrite metadata")?;
    Ok(())
}

/// Gives an item that came into a folder, and everything below it, what policies of the folders above say.
pub(in super::super) async fn inherit(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    item: i64,
) -> Result<(), StoreError> {
    let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM metadata_cascade_policies)")
        .fetch_one(&mut *connection)
        .await
        .doing("look for cascade policies")?;
    if !any {
        return Ok(());
    }
    let rows = sqlx::query(
        "WITH RECURSIVE above (id, depth) AS ( \
           SELECT parent_id, 0 FROM items WHERE id = ?1 UNION ALL \
           SELECT items.parent_id, depth + 1 FROM above JOIN items ON items.id = above.id \
           WHERE items.parent_id IS NOT NULL) \
         SELECT metadata_instances.* FROM above \
         JOIN metadata_cascade_policies ON folder_id = above.id \
         JOIN metadata_instances ON item_id = above.id \
           AND metadata_instances.template_id = metadata_cascade_policies.template_id \
         ORDER BY depth",
    )
    .bind(item)
    .fetch_all(&mut *connection)
    .await
    .doing("look for cascade policies")?;
    for row in &rows {
        spread(store, connection, (item, true), &source_of(row)?, false).await?;
    }
    Ok(())
}

/// After a folder's metadata was made: where a policy says so, everything below gets it.
pub(super) async fn after_create(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    folder: i64,
    template: &str,
) -> Result<(), StoreError> {
    let cascades: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM metadata_cascade_policies WHERE folder_id = ?1 AND template_id = ?2)",
    )
    .bind(folder)
    .bind(template)
    .fetch_one(&mut *connection)
    .await
    .doing("look for a cascade policy")?;
    if cascades && let Some(source) = source(connection, folder, template).await? {
        spread(store, connection, (folder, false), &source, false).await?;
    }
    Ok(())
}

/// With a template its policies go.
pub(super) async fn remove_of_template(
    connection: &mut SqliteConnection,
    template: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM metadata_cascade_policies WHERE template_id = ?1")
        .bind(template)
        .execute(connection)
        .await
        .doing("remove cascade policies")?;
    Ok(())
}
