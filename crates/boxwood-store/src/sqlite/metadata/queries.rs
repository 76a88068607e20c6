//! Metadata queries in SQLite.
//!
//! Invariant: permission comes first. The statement gives only items that the principal may see; the predicate is
//! evaluated over those, and each item of a page is found once more by `access` before it is given out.

use super::super::access::{self, Access, user_number};
use super::super::convert::{Doing, column, json, to_json};
use super::super::{rows, sharing};
use super::instances::item_ref;
use super::templates;
use crate::error::StoreError;
use crate::items::{Item, ItemRef};
use crate::metadata::query::{
    Candidate, ItemFacts, MetadataFilter, MetadataMatches, MetadataQuery, Ordering, parse,
};
use crate::metadata::{MetadataError, MetadataTemplate};
use boxwood_core::{FolderId, Principal, Resource};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

/// Items with metadata of the template `?2` that the user `?1` may see: his own, and what he was invited to as more than
/// an uploader. `?3`: only below this folder; `?4`: only this item and what lies below it (a limited token).
const CANDIDATES: &str = "WITH RECURSIVE \
     shared (id) AS ( \
       SELECT item_id FROM grants WHERE user_id = ?1 AND role <> 'uploader' UNION \
       SELECT items.id FROM shared JOIN items ON items.parent_id = shared.id), \
     below (id) AS ( \
       SELECT id FROM items WHERE parent_id = ?3 UNION \
       SELECT items.id FROM below JOIN items ON items.parent_id = below.id), \
     limited (id) AS ( \
       SELECT ?4 UNION \
       SELECT items.id FROM limited JOIN items ON items.parent_id = limited.id) \
     SELECT items.id, items.kind, items.name, items.description, items.owner_id, users.enterprise_id, \
       items.created_at, items.modified_at, items.content_created_at, items.content_modified_at, \
       metadata_instances.field_values \
     FROM metadata_instances JOIN items ON items.id = item_id JOIN users ON users.id = items.owner_id \
     WHERE template_id = ?2 AND items.trashed_at IS NULL \
       AND (items.owner_id = ?1 OR items.id IN (SELECT id FROM shared)) \
       AND (?3 IS NULL OR items.id IN (SELECT id FROM below)) \
       AND (?4 IS NULL OR items.id IN (SELECT id FROM limited))";

/// The folder that a query is narrowed to; `None`: everything.
async fn ancestor(
    connection: &mut SqliteConnection,
    principal: &Principal,
    folder: &FolderId,
) -> Result<Option<i64>, StoreError> {
    if folder.is_root() {
        return Ok(None);
    }
    let access: Access = access::folder(connection, principal, folder).await?;
    Ok(Some(access.item))
}

/// The item that the token is limited to.
async fn limit(connection: &mut SqliteConnection, principal: &Principal) -> Result<Option<i64>, StoreError> {
    match &principal.resource {
        None => Ok(None),
        Some(Resource::File(id)) => Ok(Some(access::file(connection, principal, id).await?.item)),
        Some(Resource::Folder(id)) => Ok(Some(access::folder(connection, principal, id).await?.item)),
    }
}

fn candidate(row: &SqliteRow) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        facts: ItemFacts {
            id: column(row, "id")?,
            is_file: column::<i64>(row, "kind")? == 1,
            name: column(row, "name")?,
            description: column(row, "description")?,
            owner: column(row, "owner_id")?,
            enterprise: column(row, "enterprise_id")?,
            created_at: column(row, "created_at")?,
            modified_at: column(row, "modified_at")?,
            content_created_at: column(row, "content_created_at")?,
            content_modified_at: column(row, "content_modified_at")?,
        },
        values: json(column(row, "field_values")?)?,
    })
}

async fn candidates(
    connection: &mut SqliteConnection,
    principal: &Principal,
    template: &MetadataTemplate,
    ancestor: Option<i64>,
) -> Result<Vec<Candidate>, StoreError> {
    let limit = limit(connection, principal).await?;
    sqlx::query(CANDIDATES)
        .bind(user_number(principal)?)
        .bind(&template.id)
        .bind(ancestor)
        .bind(limit)
        .fetch_all(connection)
        .await
        .doing("look for metadata")?
        .iter()
        .map(candidate)
        .collect()
}

/// A page of what a query finds.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    principal: &Principal,
    query: &MetadataQuery,
) -> Result<MetadataMatches, StoreError> {
    let template = templates::find(connection, principal, &query.scope, &query.template_key).await?;
    let predicate = match &query.text {
        Some(text) if !text.trim().is_empty() => Some(parse(text, &template, &query.arguments)?),
        _ => None,
    };
    let order = Ordering::new(&template, &query.order)?;
    let ancestor = ancestor(connection, principal, &query.ancestor).await?;
    let mut found = candidates(connection, principal, &template, ancestor).await?;
    if let Some(predicate) = &predicate {
        found.retain(|candidate| predicate.holds(candidate));
    }
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let (page, next_marker) = order.page(found, &fingerprint(query)?, query.marker.as_deref(), limit)?;
    let mut entries = Vec::with_capacity(page.len());
    for candidate in &page {
        entries.extend(load(connection, principal, candidate).await?);
    }
    Ok(MetadataMatches { entries, next_marker })
}

/// What a marker is compared with: everything of a query but its page.
fn fingerprint(query: &MetadataQuery) -> Result<String, StoreError> {
    let order: Vec<(&str, bool)> = query
        .order
        .iter()
        .map(|order| (order.key.as_str(), order.descending))
        .collect();
    let words = to_json(&(
        &query.template_key,
        &query.text,
        &query.arguments,
        query.ancestor.as_str(),
        order,
    ))?;
    let hash = Sha256::digest(words.as_bytes());
    Ok(hex::encode(&hash[..8]))
}

fn reference(candidate: &Candidate) -> Result<ItemRef, StoreError> {
    item_ref(candidate.facts.id, i64::from(candidate.facts.is_file))
}

/// The item of a candidate, if `access` lets the principal see it.
async fn load(
    connection: &mut SqliteConnection,
    principal: &Principal,
    candidate: &Candidate,
) -> Result<Option<Item>, StoreError> {
    let access = match sharing::any_item(connection, principal, &reference(candidate)?).await {
        Ok(access) => access,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    if access.trashed || !access.permissions().can_preview {
        return Ok(None);
    }
    rows::load(connection, user_number(principal)?, &access)
        .await
        .map(Some)
}

/// All items whose metadata fits a filter, in the order of their ids.
pub(super) async fn filtered(
    connection: &mut SqliteConnection,
    principal: &Principal,
    filter: &MetadataFilter,
) -> Result<Vec<ItemRef>, StoreError> {
    let template = templates::find(connection, principal, &filter.scope, &filter.template_key).await?;
    if template.is_free_form() {
        let reason = "must be a template of the enterprise: free key–value pairs can't be searched";
        return Err(MetadataError::invalid("scope", reason).into());
    }
    let predicate = filter.predicate(&template)?;
    let mut found = candidates(connection, principal, &template, None).await?;
    found.retain(|candidate| predicate.holds(candidate));
    found.sort_by_key(|candidate| candidate.facts.id);
    found.iter().map(reference).collect()
}
