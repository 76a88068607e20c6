//! The metadata of one item under one template, as a value.

use super::values::Values;
use crate::items::ItemRef;

/// An instance.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataInstance {
    /// A UUID: `$id`.
    pub id: String,
    /// The item: `$parent`.
    pub item: ItemRef,
    /// The template's UUID.
    pub template_id: String,
    /// The template's key: `$template`.
    pub template_key: String,
    /// `global` or `enterprise_123`: `$scope`.
    pub scope: String,
    /// Counts changes of the values, from 0: `$version`.
    pub version: u32,
    /// The template's revision when the values were last changed: `$typeVersion`.
    pub type_version: u32,
    /// Whether the principal may change it: `$canEdit`.
    pub can_edit: bool,
    /// By the key of their field.
    pub values: Values,
}
