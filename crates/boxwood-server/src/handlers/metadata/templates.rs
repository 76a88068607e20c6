//! Metadata templates: make, read, list, change, remove. Only administrators change them.

use super::{convert, page, scope};
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::handlers::administration::require_administrator;
use crate::handlers::operations::Operation;
use crate::handlers::parameters::read_body;
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::metadata::template_update::TemplateChange;
use boxwood_api::metadata::templates::{CreateTemplate, MarkerPage, MetadataTemplate};
use boxwood_api::{ErrorCode, Reason};
use boxwood_core::Principal;
use boxwood_store::metadata::TemplateScope;
use boxwood_store::metadata::key::is_uuid;
use boxwood_store::{StoreError, Thing};
use http::StatusCode;
use serde_json::Value;

async fn authorize_change(state: &AppState, principal: &Principal) -> Result<(), ApiError> {
    Operation::ManageTemplates.authorize(principal)?;
    let words = "Only administrators and service accounts change metadata templates.";
    require_administrator(state, principal, words).await
}

/// `POST /2.0/metadata_templates/schema`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<MetadataTemplate>), ApiError> {
    authorize_change(&state, &principal).await?;
    let request = read_body(&body, CreateTemplate::read)?;
    let own = TemplateScope::parse(&request.scope).is_some_and(|scope| scope.is_own(&principal));
    if !own {
        let message = "Templates can only be made in the own enterprise: send `enterprise` as `scope`.";
        return Err(ApiError::new(ErrorCode::Forbidden, message));
    }
    let template = convert::new_template(request)?;
    let made = state.store.create_metadata_template(&principal, template).await?;
    Ok((StatusCode::CREATED, BoxJson(convert::template(&made))))
}

/// `GET /2.0/metadata_templates/{scope}/{template_key}/schema`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((scope_name, key)): Path<(String, String)>,
) -> Result<BoxJson<MetadataTemplate>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let found = state
        .store
        .metadata_template(&principal, &scope(&scope_name)?, &key)
        .await?;
    Ok(BoxJson(convert::template(&found)))
}

/// `GET /2.0/metadata_templates/{template_id}`. An id that is not known is a bad request, as at Box.
pub(crate) async fn get_by_id(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<BoxJson<MetadataTemplate>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    match state.store.metadata_template_by_id(&principal, &id).await {
        Ok(found) => Ok(BoxJson(convert::template(&found))),
        Err(StoreError::NotFound {
            thing: Thing::MetadataTemplate,
            ..
        }) => Err(ApiError::field(
            Reason::NotFound,
            "path.template_id",
            "must be the id of a template that you can see",
        )),
        Err(other) => Err(other.into()),
    }
}

/// `GET /2.0/metadata_templates/global`.
pub(crate) async fn list_global(
    state: State<AppState>,
    principal: Authenticated,
    query: Query,
) -> Result<BoxJson<MarkerPage<MetadataTemplate>>, ApiError> {
    list(state, principal, query, TemplateScope::Global).await
}

/// `GET /2.0/metadata_templates/enterprise`.
pub(crate) async fn list_enterprise(
    state: State<AppState>,
    principal: Authenticated,
    query: Query,
) -> Result<BoxJson<MarkerPage<MetadataTemplate>>, ApiError> {
    list(state, principal, query, TemplateScope::OwnEnterprise).await
}

async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
    scope: TemplateScope,
) -> Result<BoxJson<MarkerPage<MetadataTemplate>>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let query = page(&query)?;
    let limit = query.limit;
    let found = state.store.metadata_templates(&principal, &scope, query).await?;
    let entries = found.entries.iter().map(convert::template).collect();
    Ok(BoxJson(MarkerPage::new(entries, limit, found.next_marker)))
}

/// `GET /2.0/metadata_templates?metadata_instance_id=…`: the template of an instance, or an empty list.
pub(crate) async fn of_instance(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<MarkerPage<MetadataTemplate>>, ApiError> {
    Operation::ReadTemplates.authorize(&principal)?;
    let limit = page(&query)?.limit;
    let id = query.text("metadata_instance_id").unwrap_or_default();
    if !is_uuid(id) {
        return Err(query.refuse("metadata_instance_id", "must be the id of metadata, a UUID"));
    }
    let found = state.store.template_of_metadata(&principal, id).await?;
    let entries = found.iter().map(convert::template).collect();
    Ok(BoxJson(MarkerPage::new(entries, limit, None)))
}

/// `PUT /2.0/metadata_templates/{scope}/{template_key}/schema`: all operations or none.
pub(crate) async fn update(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((scope_name, key)): Path<(String, String)>,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<MetadataTemplate>, ApiError> {
    authorize_change(&state, &principal).await?;
    let scope = scope(&scope_name)?;
    let operations = convert::operations(read_body(&body, TemplateChange::read_all)?)?;
    let changed = state
        .store
        .update_metadata_template(&principal, &scope, &key, operations)
        .await?;
    Ok(BoxJson(convert::template(&changed)))
}

/// `DELETE /2.0/metadata_templates/{scope}/{template_key}/schema`: with all its instances, for good.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path((scope_name, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    authorize_change(&state, &principal).await?;
    state
        .store
        .delete_metadata_template(&principal, &scope(&scope_name)?, &key)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
