//! Name conflicts, as Box shows them: the item that has the name, in its short form.
//!
//! Box's own shapes differ: uploads, copies and changes of a *file* give one object, those of a *folder* a list. Clients
//! read both, so both are kept. Called by every handler that gives something a name.

use super::present;
use crate::error::ApiError;
use boxwood_api::fields::FieldSelection;
use boxwood_api::{ErrorCode, FieldError, Reason};
use boxwood_core::Principal;
use boxwood_store::{ItemKind, StoreError};
use serde_json::Value;

/// The refusal for a store error of an operation that names an item of this kind.
pub(super) fn refusal(principal: &Principal, wanted: ItemKind, error: StoreError) -> ApiError {
    let StoreError::NameInUse { conflict } = error else {
        return error.into();
    };
    match present::item(principal, &conflict, &FieldSelection::default()) {
        Ok(item) => {
            let conflicts = match wanted {
                ItemKind::File => item,
                ItemKind::Folder => Value::Array(vec![item]),
            };
            let words = format!("An item named `{}` exists in the folder.", conflict.name());
            ApiError::new(ErrorCode::ItemNameInUse, words)
                .with_error(FieldError::new(
                    Reason::NameInUse,
                    "name",
                    "is taken by another item of the folder",
                ))
                .with_context("conflicts", conflicts)
        }
        Err(error) => ApiError::internal(error),
    }
}
