//! Nodes of taxonomies, and the options of taxonomy fields, which are nodes.

use super::taxonomies::authorize_change;
use super::{namespace, page, taxonomy_view};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::handlers::operations::Operation;
use crate::handlers::parameters::read_body;
use crate::state::AppState;
use axum::extract::{Path, RawQuery, State};
use boxwood_api::Reason;
use boxwood_api::metadata::taxonomies::{CreateNode, TaxonomyNode, read_node_name};
use boxwood_api::metadata::templates::MarkerPage;
use boxwood_store::metadata::{NewTaxonomyNode, NodeFilter, TaxonomyTree, TemplateScope};
use boxwood_store::{StoreError, Thing};
use http::StatusCode;
use serde_json::Value;

/// Namespace, taxonomy, node of a path.
type NodePlace = (String, String, String);

/// All values of a parameter, repeated or parted by commas.
fn values(raw: Option<&str>, name: &str) -> Vec<String> {
    url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == name)
        .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|value| !value.is_empty())
        .collect()
}

fn filter(query: &Query, raw: Option<&str>) -> Result<NodeFilter, ApiError> {
    let levels: Result<Vec<u32>, ApiError> = values(raw, "level")
        .iter()
        .map(|level| {
            level
                .parse()
                .map_err(|_| query.refuse("level", "must be the number of a level, counted from 1"))
        })
        .collect();
    Ok(NodeFilter {
        levels: levels?,
        parents: values(raw, "parent"),
        ancestors: values(raw, "ancestor"),
        text: query.text("query").map(str::to_owned),
    })
}

/// A page of a tree's nodes.
fn nodes(
    tree: &TaxonomyTree,
    filter: &NodeFilter,
    query: &Query,
) -> Result<BoxJson<MarkerPage<TaxonomyNode>>, ApiError> {
    let paging = page(query)?;
    let counted = query.flag("include-total-result-count")?.unwrap_or(false);
    let found = tree.page(filter, &paging)?;
    let entries = found
        .entries
        .iter()
        .map(|node| taxonomy_view::node(tree, node))
        .collect();
    let mut shown = MarkerPage::new(entries, paging.limit, found.next_marker);
    shown.total_result_count = counted.then_some(found.total);
    Ok(BoxJson(shown))
}

/// `GET /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    query: Query,
) -> Result<BoxJson<MarkerPage<TaxonomyNode>>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let filter = filter(&query, raw.as_deref())?;
    let tree = state.store.taxonomy(&principal, &namespace(&name)?, &key).await?;
    nodes(&tree, &filter, &query)
}

/// `GET /2.0/metadata_templates/{namespace}/{template_key}/fields/{field_key}/options`: the nodes of a taxonomy field,
/// by default only those that may be chosen.
pub(crate) async fn options(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, template_key, field_key)): Path<NodePlace>,
    RawQuery(raw): RawQuery,
    query: Query,
) -> Result<BoxJson<MarkerPage<TaxonomyNode>>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let mut filter = filter(&query, raw.as_deref())?;
    let template = state
        .store
        .metadata_template(&principal, &namespace(&name)?, &template_key)
        .await?;
    let rule = template
        .field(&field_key)
        .and_then(|field| field.taxonomy.as_ref());
    let rule = rule.ok_or_else(|| {
        let message = "must be the key of a field of type `taxonomy`";
        ApiError::field(Reason::InvalidParameter, "path.field_key", message)
    })?;
    let tree = state
        .store
        .taxonomy(&principal, &TemplateScope::OwnEnterprise, &rule.taxonomy_key)
        .await?;
    if query.flag("only-selectable-options")?.unwrap_or(true) && !rule.selectable_levels.is_empty() {
        if filter.levels.is_empty() {
            filter.levels.clone_from(&rule.selectable_levels);
        } else {
            filter.levels.retain(|level| rule.takes_level(*level));
            // Level 0 has no nodes: nothing that was asked for may be chosen.
            filter.levels.push(0);
        }
    }
    nodes(&tree, &filter, &query)
}

/// `POST /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<(String, String)>,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<TaxonomyNode>), ApiError> {
    authorize_change(&state, &principal).await?;
    let request = read_body(&body, CreateNode::read)?;
    let new = NewTaxonomyNode {
        display_name: request.display_name,
        level: request.level,
        parent: request.parent_id,
    };
    let namespace = namespace(&name)?;
    let made = state
        .store
        .create_taxonomy_node(&principal, &namespace, &key, new)
        .await?;
    let tree = state.store.taxonomy(&principal, &namespace, &key).await?;
    Ok((StatusCode::CREATED, BoxJson(taxonomy_view::node(&tree, &made))))
}

/// `GET /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes/{node_id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key, id)): Path<NodePlace>,
) -> Result<BoxJson<TaxonomyNode>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let tree = state.store.taxonomy(&principal, &namespace(&name)?, &key).await?;
    let shown: String = id.chars().take(64).collect();
    let node = tree
        .node(&id)
        .ok_or_else(|| StoreError::not_found(Thing::TaxonomyNode, shown))?;
    Ok(BoxJson(taxonomy_view::node(&tree, node)))
}

/// `PATCH /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes/{node_id}`: the display name.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key, id)): Path<NodePlace>,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<TaxonomyNode>, ApiError> {
    authorize_change(&state, &principal).await?;
    let namespace = namespace(&name)?;
    if let Some(display_name) = read_body(&body, read_node_name)? {
        state
            .store
            .rename_taxonomy_node(&principal, &namespace, &key, &id, &display_name)
            .await?;
    }
    let tree = state.store.taxonomy(&principal, &namespace, &key).await?;
    let shown: String = id.chars().take(64).collect();
    let node = tree
        .node(&id)
        .ok_or_else(|| StoreError::not_found(Thing::TaxonomyNode, shown))?;
    Ok(BoxJson(taxonomy_view::node(&tree, node)))
}

/// `DELETE /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/nodes/{node_id}`: only one without nodes below it.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key, id)): Path<NodePlace>,
) -> Result<StatusCode, ApiError> {
    authorize_change(&state, &principal).await?;
    state
        .store
        .delete_taxonomy_node(&principal, &namespace(&name)?, &key, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
