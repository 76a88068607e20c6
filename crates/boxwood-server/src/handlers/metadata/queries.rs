//! `POST /2.0/metadata_queries/execute_read`.

use super::item_view;
use crate::auth::Authenticated;
use crate::error::ApiError;
use crate::extract::BoxJson;
use crate::handlers::operations::Operation;
use crate::handlers::parameters::read_body;
use crate::handlers::present;
use crate::state::AppState;
use axum::extract::State;
use boxwood_api::fields::FieldSelection;
use boxwood_api::metadata::queries::{MetadataQuery as Request, MetadataQueryResults};
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::Principal;
use boxwood_store::metadata::TemplateScope;
use boxwood_store::metadata::query::{MetadataOrder, MetadataQuery};
use serde_json::Value;

/// Finds files and folders by their metadata.
pub(crate) async fn execute(
    State(state): State<AppState>,
    Authenticated(principal): Authenticated,
    BoxJson(body): BoxJson<Value>,
) -> Result<BoxJson<MetadataQueryResults>, ApiError> {
    Operation::ReadMetadata.authorize(&principal)?;
    let request = read_body(&body, Request::read)?;
    let fields = selection(&request.fields);
    let query = query(request)?;
    let found = state.store.query_metadata(&principal, &query).await?;
    let mut entries = Vec::with_capacity(found.entries.len());
    for item in &found.entries {
        entries.push(entry(&state, &principal, item, &fields).await?);
    }
    Ok(BoxJson(MetadataQueryResults {
        entries,
        limit: query.limit,
        next_marker: found.next_marker,
    }))
}

/// Without `fields`: type, id and etag only.
fn selection(fields: &[String]) -> FieldSelection {
    if fields.is_empty() {
        return FieldSelection::parse(Some("id"));
    }
    FieldSelection::parse(Some(&fields.join(",")))
}

async fn entry(
    state: &AppState,
    principal: &Principal,
    item: &boxwood_store::Item,
    fields: &FieldSelection,
) -> Result<Value, ApiError> {
    let mut shown = present::item(principal, item, fields).map_err(ApiError::internal)?;
    item_view::attach(state, principal, &item_view::reference(item), fields, &mut shown).await?;
    Ok(shown)
}

fn query(request: Request) -> Result<MetadataQuery, ApiError> {
    let scope = match TemplateScope::parse(&request.scope) {
        Some(scope @ TemplateScope::Enterprise(_)) => scope,
        _ => {
            let message = "must name a template of the enterprise in full, `enterprise_123.key`";
            return Err(
                ApiError::new(ErrorCode::InvalidQuery, format!("`from` {message}."))
                    .with_error(FieldError::new(Reason::InvalidParameter, "from", message)),
            );
        }
    };
    let order = request.order_by.into_iter().map(|order| MetadataOrder {
        key: order.field_key,
        descending: order.descending,
    });
    Ok(MetadataQuery {
        scope,
        template_key: request.template_key,
        text: request.query,
        arguments: request.query_params,
        ancestor: request.ancestor_folder_id,
        order: order.collect(),
        limit: request.limit,
        marker: request.marker,
    })
}
