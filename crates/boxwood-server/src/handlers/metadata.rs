//! Metadata: templates, instances, queries, taxonomies. What their handlers share: scopes of a path, pages.

pub(crate) mod cascades;
pub(crate) mod instances;
pub(crate) mod item_view;
pub(crate) mod queries;
pub(crate) mod taxonomies;
pub(crate) mod taxonomy_nodes;
pub(crate) mod templates;

mod convert;
mod present;
mod taxonomy_view;

use super::parameters::limit;
use crate::error::ApiError;
use crate::extract::Query;
use boxwood_api::Reason;
use boxwood_store::metadata::{PageQuery, TemplateScope};

/// The scope of a path.
///
/// # Errors
/// 400, as Box does, for anything but `global`, `enterprise` and `enterprise_<id>`.
fn scope(text: &str) -> Result<TemplateScope, ApiError> {
    TemplateScope::parse(text).ok_or_else(|| {
        let message = "must be `global`, `enterprise`, or `enterprise_` with the enterprise's id";
        ApiError::field(Reason::InvalidParameter, "path.scope", message)
    })
}

/// The namespace of a path: an enterprise.
///
/// # Errors
/// 400 for anything but `enterprise` and `enterprise_<id>`.
fn namespace(text: &str) -> Result<TemplateScope, ApiError> {
    let found = TemplateScope::parse(text).filter(|scope| *scope != TemplateScope::Global);
    found.ok_or_else(|| {
        let message = "must be `enterprise_` with the enterprise's id";
        ApiError::field(Reason::InvalidParameter, "path.namespace", message)
    })
}

/// `marker` and `limit`.
fn page(query: &Query) -> Result<PageQuery, ApiError> {
    Ok(PageQuery {
        marker: query.text("marker").map(str::to_owned),
        limit: limit(query, 100, 1_000)?,
    })
}
