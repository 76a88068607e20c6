//! The way out of the trash, for files and folders alike.

use super::conflicts::refusal;
use super::optional_json::OptionalJson;
use super::parameters::read_body;
use crate::error::ApiError;
use crate::state::AppState;
use boxwood_api::folders::RestoreItem;
use boxwood_core::Principal;
use boxwood_store::{Item, ItemKind, ItemRef};

/// Takes an item out of the trash, into the folder and under the name that the body says, else to where it was.
///
/// # Errors
/// A body that is wrong, a name that is taken, and those of the store.
pub(super) async fn restored(
    state: &AppState,
    principal: &Principal,
    item: &ItemRef,
    body: &OptionalJson,
) -> Result<Item, ApiError> {
    let request = read_body(&body.0, RestoreItem::read)?;
    let (parent, name) = (request.parent.as_ref(), request.name.as_deref());
    let restored = state.store.restore_item(principal, item, parent, name).await;
    let kind = match item {
        ItemRef::File(_) => ItemKind::File,
        ItemRef::Folder(_) => ItemKind::Folder,
    };
    restored.map_err(|error| refusal(principal, kind, error))
}
