//! The part of the contract that keeps metadata: templates, the metadata of items, queries over it.
//!
//! Invariants: another enterprise's templates are *not found*; changes of a template change its
//! instances in the same transaction. Whether the principal may make and change templates (an administrator), the
//! server has checked.

use crate::error::StoreError;
use crate::items::ItemRef;
use crate::metadata::query::{MetadataFilter, MetadataMatches, MetadataQuery};
use crate::metadata::{
    MetadataInstance, MetadataTemplate, NewTemplate, Page, PageQuery, PatchOperation, TemplateOperation,
    TemplateScope, Values,
};
use async_trait::async_trait;
use boxwood_core::Principal;

/// Metadata.
#[async_trait]
pub trait MetadataStore: Send + Sync {
    /// Makes a template in the principal's enterprise. A key that is made from the display name is made free by a number.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a wished key; [`StoreError::Metadata`].
    async fn create_metadata_template(
        &self,
        principal: &Principal,
        template: NewTemplate,
    ) -> Result<MetadataTemplate, StoreError>;

    /// A template by scope and key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn metadata_template(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<MetadataTemplate, StoreError>;

    /// A template by its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn metadata_template_by_id(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<MetadataTemplate, StoreError>;

    /// The template of an item's metadata by the id of that metadata; `None` where the principal does not see the item.
    ///
    /// # Errors
    /// From the database.
    async fn template_of_metadata(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<MetadataTemplate>, StoreError>;

    /// A page of a scope's templates, by key.
    ///
    /// # Errors
    /// A marker that was not made by this listing.
    async fn metadata_templates(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        query: PageQuery,
    ) -> Result<Page<MetadataTemplate>, StoreError>;

    /// Applies all operations to a template and its instances, or none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Metadata`]; [`StoreError::Forbidden`] for a built-in one;
    /// [`StoreError::AlreadyExists`] for a key that is taken.
    async fn update_metadata_template(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        key: &str,
        operations: Vec<TemplateOperation>,
    ) -> Result<MetadataTemplate, StoreError>;

    /// Removes a template and all its instances for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Forbidden`] for a built-in one.
    async fn delete_metadata_template(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<(), StoreError>;

    /// All metadata of an item, by scope and key.
    ///
    /// # Errors
    /// No such item; [`StoreError::Forbidden`] for those who may not see its content.
    async fn metadata_of_item(
        &self,
        principal: &Principal,
        item: &ItemRef,
    ) -> Result<Vec<MetadataInstance>, StoreError>;

    /// The metadata of an item under a template.
    ///
    /// # Errors
    /// As [`MetadataStore::metadata_of_item`]; no such template, or no metadata of it.
    async fn metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<MetadataInstance, StoreError>;

    /// Gives an item metadata under a template.
    ///
    /// # Errors
    /// As [`MetadataStore::metadata`]; [`StoreError::AlreadyExists`], [`StoreError::Metadata`]; the root folder.
    async fn create_metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
        values: Values,
    ) -> Result<MetadataInstance, StoreError>;

    /// Applies all operations of a patch to the values, or none.
    ///
    /// # Errors
    /// As [`MetadataStore::metadata`]; [`StoreError::Metadata`].
    async fn update_metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
        patch: Vec<PatchOperation>,
    ) -> Result<MetadataInstance, StoreError>;

    /// Takes the metadata of a template from an item.
    ///
    /// # Errors
    /// As [`MetadataStore::metadata`].
    async fn delete_metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<(), StoreError>;

    /// A page of the items whose metadata a query finds, of those that the principal sees.
    ///
    /// # Errors
    /// No such template or folder; [`StoreError::Metadata`] for the text, an argument, the order or the marker.
    async fn query_metadata(
        &self,
        principal: &Principal,
        query: &MetadataQuery,
    ) -> Result<MetadataMatches, StoreError>;

    /// All items that the principal sees and whose metadata fits a filter, in the order of their ids: for searches.
    ///
    /// # Errors
    /// No such template; [`StoreError::Metadata`] with `filters.<key>`.
    async fn items_with_metadata(
        &self,
        principal: &Principal,
        filter: &MetadataFilter,
    ) -> Result<Vec<ItemRef>, StoreError>;
}
