//! Taxonomies in SQLite.
//!
//! Invariant: only taxonomies of the principal's enterprise are ever read or written.

use super::convert::{Doing, column, json, number, to_json, unsigned};
use super::{SqliteStore, metadata};
use crate::error::{StoreError, Thing};
use crate::metadata::key::{check_name, check_taxonomy_key, taxonomy_key_of, uuid};
use crate::metadata::values::NodeLevels;
use crate::metadata::{
    InstanceEdit, MetadataError, NewTaxonomy, NewTaxonomyNode, Taxonomy, TaxonomyNode, TaxonomyTree,
    TemplateScope,
};
use boxwood_core::{EnterpriseId, Principal};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

fn enterprise_number(principal: &Principal) -> Result<i64, StoreError> {
    number(principal.enterprise_id.as_str(), Thing::Taxonomy)
}

fn taxonomy(row: &SqliteRow) -> Result<Taxonomy, StoreError> {
    Ok(Taxonomy {
        id: column(row, "id")?,
        enterprise: EnterpriseId::from_number(unsigned(column(row, "enterprise_id")?)?),
        key: column(row, "taxonomy_key")?,
        display_name: column(row, "display_name")?,
        levels: json(column(row, "levels")?)?,
    })
}

fn node(row: &SqliteRow) -> Result<TaxonomyNode, StoreError> {
    Ok(TaxonomyNode {
        id: column(row, "id")?,
        display_name: column(row, "display_name")?,
        level: column(row, "level")?,
        parent: column(row, "parent_id")?,
    })
}

/// All taxonomies of the principal's enterprise, by key.
pub(super) async fn of_enterprise(
    connection: &mut SqliteConnection,
    principal: &Principal,
) -> Result<Vec<Taxonomy>, StoreError> {
    sqlx::query("SELECT * FROM metadata_taxonomies WHERE enterprise_id = ?1 ORDER BY taxonomy_key")
        .bind(enterprise_number(principal)?)
        .fetch_all(connection)
        .await
        .doing("list taxonomies")?
        .iter()
        .map(taxonomy)
        .collect()
}

/// A taxonomy by namespace and key.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    principal: &Principal,
    namespace: &TemplateScope,
    key: &str,
) -> Result<Taxonomy, StoreError> {
    let missing = || {
        let shown: String = key.chars().take(64).collect();
        StoreError::not_found(Thing::Taxonomy, shown)
    };
    if !namespace.is_own(principal) {
        return Err(missing());
    }
    let row = sqlx::query("SELECT * FROM metadata_taxonomies WHERE enterprise_id = ?1 AND taxonomy_key = ?2")
        .bind(enterprise_number(principal)?)
        .bind(key)
        .fetch_optional(connection)
        .await
        .doing("find a taxonomy")?;
    row.as_ref().map_or_else(|| Err(missing()), taxonomy)
}

/// A taxonomy with its nodes.
pub(super) async fn tree(
    connection: &mut SqliteConnection,
    principal: &Principal,
    namespace: &TemplateScope,
    key: &str,
) -> Result<TaxonomyTree, StoreError> {
    let taxonomy = find(connection, principal, namespace, key).await?;
    let nodes = sqlx::query("SELECT * FROM metadata_taxonomy_nodes WHERE taxonomy_id = ?1")
        .bind(&taxonomy.id)
        .fetch_all(connection)
        .await
        .doing("read the nodes of a taxonomy")?
        .iter()
        .map(node)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(TaxonomyTree::new(taxonomy, nodes))
}

/// The levels of those of the named nodes that exist; each is named with the id of its taxonomy.
pub(super) async fn levels_of_nodes(
    connection: &mut SqliteConnection,
    named: &[(&str, &str)],
) -> Result<NodeLevels, StoreError> {
    let mut levels = NodeLevels::new();
    for (taxonomy, node) in named {
        let level: Option<u32> = sqlx::query_scalar(
            "SELECT level FROM metadata_taxonomy_nodes WHERE taxonomy_id = ?1 AND id = ?2",
        )
        .bind(taxonomy)
        .bind(node)
        .fetch_optional(&mut *connection)
        .await
        .doing("find a node")?;
        if let Some(level) = level {
            levels.insert(((*taxonomy).to_owned(), (*node).to_owned()), level);
        }
    }
    Ok(levels)
}

/// Makes a taxonomy without levels.
pub(super) async fn create(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    principal: &Principal,
    new: &NewTaxonomy,
) -> Result<Taxonomy, StoreError> {
    check_name(&new.display_name, "displayName")?;
    let key = match &new.key {
        Some(key) => {
            check_taxonomy_key(key, "key")?;
            key.clone()
        }
        None => taxonomy_key_of(&new.display_name),
    };
    let taxonomy = Taxonomy {
        id: uuid(store.options.ids.as_ref()),
        enterprise: principal.enterprise_id.clone(),
        key,
        display_name: new.display_name.clone(),
        levels: Vec::new(),
    };
    let made = sqlx::query(
        "INSERT INTO metadata_taxonomies (id, enterprise_id, taxonomy_key, display_name, levels, created_at, \
         modified_at) VALUES (?1, ?2, ?3, ?4, '[]', ?5, ?5) ON CONFLICT (enterprise_id, taxonomy_key) DO NOTHING",
    )
    .bind(&taxonomy.id)
    .bind(enterprise_number(principal)?)
    .bind(&taxonomy.key)
    .bind(&taxonomy.display_name)
    .bind(store.now())
    .execute(connection)
    .await
    .doing("add a taxonomy")?;
    if made.rows_affected() == 0 {
        return Err(StoreError::AlreadyExists {
            thing: Thing::Taxonomy,
            id: format!("{}.{}", taxonomy.namespace(), taxonomy.key),
        });
    }
    Ok(taxonomy)
}

/// Keeps the display name and the levels of a taxonomy.
pub(super) async fn save(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    taxonomy: &Taxonomy,
) -> Result<(), StoreError> {
    check_name(&taxonomy.display_name, "displayName")?;
    for (index, level) in taxonomy.levels.iter().enumerate() {
        level.check(&format!("levels[{index}]"))?;
    }
    sqlx::query(
        "UPDATE metadata_taxonomies SET display_name = ?2, levels = ?3, modified_at = ?4 WHERE id = ?1",
    )
    .bind(&taxonomy.id)
    .bind(&taxonomy.display_name)
    .bind(to_json(&taxonomy.levels)?)
    .bind(store.now())
    .execute(connection)
    .await
    .doing("change a taxonomy")?;
    Ok(())
}

/// Removes a taxonomy that no template uses.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    principal: &Principal,
    taxonomy: &Taxonomy,
) -> Result<(), StoreError> {
    let templates = metadata::templates_of_enterprise(connection, principal).await?;
    let user = templates
        .iter()
        .find(|template| template.fields_of_taxonomy(&taxonomy.id).next().is_some());
    if let Some(template) = user {
        let reason = format!(
            "is used by the metadata template `{}`; remove its field first",
            template.key
        );
        return Err(MetadataError::invalid("taxonomy_key", reason).into());
    }
    sqlx::query("DELETE FROM metadata_taxonomies WHERE id = ?1")
        .bind(&taxonomy.id)
        .execute(connection)
        .await
        .doing("remove a taxonomy")?;
    Ok(())
}

/// Refuses to take away the last level while it has nodes.
pub(super) async fn check_last_level_empty(
    connection: &mut SqliteConnection,
    taxonomy: &Taxonomy,
) -> Result<(), StoreError> {
    let last = u32::try_from(taxonomy.levels.len()).unwrap_or(u32::MAX);
    if last == 0 {
        return Err(MetadataError::invalid("levels", "can't be trimmed: the taxonomy has none").into());
    }
    let used: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM metadata_taxonomy_nodes WHERE taxonomy_id = ?1 AND level = ?2)",
    )
    .bind(&taxonomy.id)
    .bind(last)
    .fetch_one(connection)
    .await
    .doing("look for nodes")?;
    if used {
        let reason = format!("can't be trimmed: level {last} has nodes; delete them first");
        return Err(MetadataError::invalid("levels", reason).into());
    }
    Ok(())
}

async fn find_node(
    connection: &mut SqliteConnection,
    taxonomy: &Taxonomy,
    id: &str,
) -> Result<Option<TaxonomyNode>, StoreError> {
    let row = sqlx::query("SELECT * FROM metadata_taxonomy_nodes WHERE taxonomy_id = ?1 AND id = ?2")
        .bind(&taxonomy.id)
        .bind(id)
        .fetch_optional(connection)
        .await
        .doing("find a node")?;
    row.as_ref().map(node).transpose()
}

fn missing_node(id: &str) -> StoreError {
    let shown: String = id.chars().take(64).collect();
    StoreError::not_found(Thing::TaxonomyNode, shown)
}

/// Makes a node.
pub(super) async fn create_node(
    store: &SqliteStore,
    connection: &mut SqliteConnection,
    taxonomy: &Taxonomy,
    new: NewTaxonomyNode,
) -> Result<TaxonomyNode, StoreError> {
    check_name(&new.display_name, "displayName")?;
    let above = match &new.parent {
        None => None,
        Some(id) => {
            let found = find_node(connection, taxonomy, id).await?;
            let reason = "must be the id of a node of the taxonomy";
            Some(found.ok_or_else(|| MetadataError::invalid("parentId", reason))?)
        }
    };
    taxonomy.check_place(new.level, above.map(|node| node.level))?;
    let made = TaxonomyNode {
        id: uuid(store.options.ids.as_ref()),
        display_name: new.display_name,
        level: new.level,
        parent: new.parent,
    };
    sqlx::query(
        "INSERT INTO metadata_taxonomy_nodes (id, taxonomy_id, level, parent_id, display_name, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(&made.id)
    .bind(&taxonomy.id)
    .bind(made.level)
    .bind(&made.parent)
    .bind(&made.display_name)
    .bind(store.now())
    .execute(connection)
    .await
    .doing("add a node")?;
    Ok(made)
}

/// Gives a node another display name.
pub(super) async fn rename_node(
    connection: &mut SqliteConnection,
    taxonomy: &Taxonomy,
    id: &str,
    display_name: &str,
) -> Result<TaxonomyNode, StoreError> {
    check_name(display_name, "displayName")?;
    let found = find_node(connection, taxonomy, id).await?;
    let found = found.ok_or_else(|| missing_node(id))?;
    sqlx::query("UPDATE metadata_taxonomy_nodes SET display_name = ?2 WHERE id = ?1")
        .bind(id)
        .bind(display_name)
        .execute(connection)
        .await
        .doing("rename a node")?;
    Ok(TaxonomyNode {
        display_name: display_name.to_owned(),
        ..found
    })
}

/// Removes a node that has none below it, also from the metadata of items.
pub(super) async fn delete_node(
    connection: &mut SqliteConnection,
    principal: &Principal,
    taxonomy: &Taxonomy,
    id: &str,
) -> Result<(), StoreError> {
    if find_node(connection, taxonomy, id).await?.is_none() {
        return Err(missing_node(id));
    }
    let above: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM metadata_taxonomy_nodes WHERE parent_id = ?1)")
            .bind(id)
            .fetch_one(&mut *connection)
            .await
            .doing("look for nodes")?;
    if above {
        return Err(MetadataError::invalid("node_id", "has nodes below it; delete those first").into());
    }
    for template in metadata::templates_of_enterprise(connection, principal).await? {
        let edits: Vec<InstanceEdit> = template
            .fields_of_taxonomy(&taxonomy.id)
            .map(|field| InstanceEdit::RemoveOption {
                field: field.key.clone(),
                option: id.to_owned(),
            })
            .collect();
        if !edits.is_empty() {
            metadata::edit_instances(connection, &template, &edits).await?;
        }
    }
    sqlx::query("DELETE FROM metadata_taxonomy_nodes WHERE id = ?1")
        .bind(id)
        .execute(connection)
        .await
        .doing("remove a node")?;
    Ok(())
}
