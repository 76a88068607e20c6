//! Cascade policies: make, read, list, apply, remove.

use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::{BoxJson, Query};
use crate::handlers::operations::Operation;
use crate::handlers::parameters::{id, read_body};
use crate::state::AppState;
use axum::extract::{Path, State};
use boxwood_api::metadata::cascades::{CascadePolicy, CreateCascadePolicy, Reference, read_overwrite};
use boxwood_api::metadata::templates::MarkerPage;
use boxwood_api::{ErrorCode, Reason};
use boxwood_core::FolderId;
use boxwood_store::StoreError;
use boxwood_store::metadata as store;
use http::StatusCode;
use serde_json::Value;

fn shown(policy: &store::CascadePolicy) -> CascadePolicy {
    CascadePolicy {
        id: policy.id.clone(),
        kind: "metadata_cascade_policy",
        owner_enterprise: Reference {
            kind: "enterprise",
            id: policy.enterprise.to_string(),
        },
        parent: Reference {
            kind: "folder",
            id: policy.folder.to_string(),
        },
        scope: policy.scope.clone(),
        template_key: policy.template_key.clone(),
    }
}

/// The root folder is forbidden, as at Box.
fn refusal(error: StoreError) -> ApiError {
    match error {
        StoreError::RootFolder { .. } => ApiError::new(
            ErrorCode::Forbidden,
            "The root folder can't have cascade policies.",
        ),
        other => other.into(),
    }
}

/// `POST /2.0/metadata_cascade_policies`.
pub(crate) async fn create(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    BoxJson(body): BoxJson<Value>,
) -> Result<(StatusCode, BoxJson<CascadePolicy>), ApiError> {
    Operation::WriteMetadata.authorize(&principal)?;
    let request = read_body(&body, CreateCascadePolicy::read)?;
    let scope = store::TemplateScope::parse(&request.scope).ok_or_else(|| {
        ApiError::field(
            Reason::InvalidParameter,
            "scope",
            "must be `enterprise` or `global`",
        )
    })?;
    let made = state
        .store
        .create_cascade_policy(&principal, &request.folder_id, &scope, &request.template_key)
        .await
        .map_err(refusal)?;
    Ok((StatusCode::CREATED, BoxJson(shown(&made))))
}

/// `GET /2.0/metadata_cascade_policies?folder_id=…`.
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    query: Query,
) -> Result<BoxJson<MarkerPage<CascadePolicy>>, ApiError> {
    Operation::ReadMetadata.authorize(&principal)?;
    let folder: Option<FolderId> = id(&query, "folder_id")?;
    let folder = folder.ok_or_else(|| query.refuse("folder_id", "is required"))?;
    let found = state
        .store
        .cascade_policies(&principal, &folder)
        .await
        .map_err(refusal)?;
    let own = query
        .text("owner_enterprise_id")
        .is_none_or(|id| id == principal.enterprise_id.as_str());
    let entries = found.iter().filter(|_| own).map(shown).collect();
    Ok(BoxJson(MarkerPage::new(entries, 100, None)))
}

/// `GET /2.0/metadata_cascade_policies/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<BoxJson<CascadePolicy>, ApiError> {
    Operation::ReadMetadata.authorize(&principal)?;
    let found = state.store.cascade_policy(&principal, &id).await?;
    Ok(BoxJson(shown(&found)))
}

/// `DELETE /2.0/metadata_cascade_policies/{id}`: metadata that it gave stays.
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    Operation::WriteMetadata.authorize(&principal)?;
    state.store.delete_cascade_policy(&principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /2.0/metadata_cascade_policies/{id}/apply`: done when it is answered.
pub(crate) async fn apply(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    Path(id): Path<String>,
    BoxJson(body): BoxJson<Value>,
) -> Result<StatusCode, ApiError> {
    Operation::WriteMetadata.authorize(&principal)?;
    let overwrite = read_body(&body, read_overwrite)?;
    state
        .store
        .apply_cascade_policy(&principal, &id, overwrite)
        .await?;
    Ok(StatusCode::ACCEPTED)
}
