//! Taxonomies and their levels. Only administrators change them. Nodes are in `taxonomy_nodes`.

use super::{namespace, page, taxonomy_view};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::handlers::administration::require_administrator;
use crate::handlers::operations::Operation;
use crate::handlers::parameters::read_body;
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::metadata::taxonomies::{
    CreateTaxonomy, MetadataTaxonomy, NewLevel, TaxonomyLevel as WireLevel, TaxonomyLevels, read_display_name,
};
use boxwood_api::metadata::templates::MarkerPage;
use boxwood_api::{ErrorCode, Reason};
use boxwood_core::Principal;
use boxwood_store::metadata::{NewTaxonomy, Taxonomy, TaxonomyLevel, TemplateScope};
use http::StatusCode;
use serde_json::Value;

/// Namespace and key of a path.
type Place = (String, String);

pub(super) async fn authorize_change(state: &AppState, principal: &Principal) -> Result<(), ApiError> {
    Operation::ManageTemplates.authorize(principal)?;
    let words = "Only administrators and service accounts change taxonomies.";
    require_administrator(state, principal, words).await
}

/// `POST /2.0/metadata_taxonomies`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<MetadataTaxonomy>), ApiError> {
    authorize_change(&state, &principal).await?;
    let request = read_body(&body, CreateTaxonomy::read)?;
    let own = TemplateScope::parse(&request.namespace).is_some_and(|namespace| namespace.is_own(&principal));
    if !own {
        let message = "Taxonomies can only be made in the own enterprise: send `enterprise_` with its id as `namespace`.";
        return Err(ApiError::new(ErrorCode::Forbidden, message));
    }
    let new = NewTaxonomy {
        key: request.key,
        display_name: request.display_name,
    };
    let made = state.store.create_taxonomy(&principal, new).await?;
    Ok((StatusCode::CREATED, BoxJson(taxonomy_view::taxonomy(&made))))
}

/// `GET /2.0/metadata_taxonomies/{namespace}`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(name): Path<String>,
    query: Query,
) -> Result<BoxJson<MarkerPage<MetadataTaxonomy>>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let query = page(&query)?;
    let limit = query.limit;
    let found = state
        .store
        .taxonomies(&principal, &namespace(&name)?, query)
        .await?;
    let entries = found.entries.iter().map(taxonomy_view::taxonomy).collect();
    Ok(BoxJson(MarkerPage::new(entries, limit, found.next_marker)))
}

/// `GET /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<Place>,
) -> Result<BoxJson<MetadataTaxonomy>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let tree = state.store.taxonomy(&principal, &namespace(&name)?, &key).await?;
    Ok(BoxJson(taxonomy_view::taxonomy(&tree.taxonomy)))
}

/// `PATCH /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}`: the display name.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<Place>,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<MetadataTaxonomy>, ApiError> {
    authorize_change(&state, &principal).await?;
    let display_name = read_body(&body, read_display_name)?;
    let changed = state
        .store
        .rename_taxonomy(&principal, &namespace(&name)?, &key, &display_name)
        .await?;
    Ok(BoxJson(taxonomy_view::taxonomy(&changed)))
}

/// `DELETE /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}`: with its nodes, for good.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<Place>,
) -> Result<StatusCode, ApiError> {
    authorize_change(&state, &principal).await?;
    state
        .store
        .delete_taxonomy(&principal, &namespace(&name)?, &key)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn level(level: NewLevel) -> TaxonomyLevel {
    TaxonomyLevel {
        display_name: level.display_name,
        description: level.description,
    }
}

fn shown(taxonomy: &Taxonomy) -> BoxJson<TaxonomyLevels> {
    BoxJson(TaxonomyLevels {
        entries: taxonomy_view::levels(taxonomy),
    })
}

/// `POST /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels`: adds levels below those that are there.
pub(crate) async fn create_levels(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<Place>,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<TaxonomyLevels>), ApiError> {
    authorize_change(&state, &principal).await?;
    let levels = read_body(&body, NewLevel::read_all)?;
    let levels = levels.into_iter().map(level).collect();
    let changed = state
        .store
        .add_taxonomy_levels(&principal, &namespace(&name)?, &key, levels)
        .await?;
    Ok((StatusCode::CREATED, shown(&changed)))
}

/// `POST /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels:append`: adds one level at the bottom.
pub(crate) async fn append_level(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<Place>,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<TaxonomyLevels>), ApiError> {
    authorize_change(&state, &principal).await?;
    let added = read_body(&body, NewLevel::read)?;
    let changed = state
        .store
        .add_taxonomy_levels(&principal, &namespace(&name)?, &key, vec![level(added)])
        .await?;
    Ok((StatusCode::CREATED, shown(&changed)))
}

/// `POST /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels:trim`: removes the last level.
pub(crate) async fn trim_levels(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key)): Path<Place>,
) -> Result<BoxJson<TaxonomyLevels>, ApiError> {
    authorize_change(&state, &principal).await?;
    let changed = state
        .store
        .trim_taxonomy_levels(&principal, &namespace(&name)?, &key)
        .await?;
    Ok(shown(&changed))
}

/// `PATCH /2.0/metadata_taxonomies/{namespace}/{taxonomy_key}/levels/{level_index}`.
pub(crate) async fn update_level(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((name, key, index)): Path<(String, String, String)>,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<WireLevel>, ApiError> {
    authorize_change(&state, &principal).await?;
    let number: u32 = index.parse().map_err(|_| {
        let message = "must be the number of a level, counted from 1";
        ApiError::field(Reason::WrongType, "path.level_index", message)
    })?;
    let names = level(read_body(&body, NewLevel::read)?);
    state
        .store
        .update_taxonomy_level(&principal, &namespace(&name)?, &key, number, names.clone())
        .await?;
    Ok(BoxJson(taxonomy_view::level(number, &names)))
}
