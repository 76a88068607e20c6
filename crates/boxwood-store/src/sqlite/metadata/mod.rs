//! Metadata in SQLite: the contract's methods, each over the functions of the files beside this one.

mod cascades;
mod copying;
mod instances;
mod queries;
mod templates;

pub(super) use cascades::inherit;
pub(super) use copying::copy_metadata;
pub(super) use templates::{edit_instances, of_enterprise as templates_of_enterprise};

use super::{SqliteStore, commit};
use crate::error::StoreError;
use crate::items::ItemRef;
use crate::metadata::query::{MetadataFilter, MetadataMatches, MetadataQuery};
use crate::metadata::{
    MetadataInstance, MetadataTemplate, NewTemplate, Page, PageQuery, PatchOperation, TemplateOperation,
    TemplateScope, Values,
};
use crate::store::MetadataStore;
use async_trait::async_trait;
use boxwood_core::Principal;

#[async_trait]
impl MetadataStore for SqliteStore {
    async fn create_metadata_template(
        &self,
        principal: &Principal,
        template: NewTemplate,
    ) -> Result<MetadataTemplate, StoreError> {
        let mut writing = self.write().await?;
        let made = templates::create(self, &mut writing, principal, &template).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn metadata_template(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<MetadataTemplate, StoreError> {
        let mut reading = self.read().await?;
        templates::find(&mut reading, principal, scope, key).await
    }

    async fn metadata_template_by_id(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<MetadataTemplate, StoreError> {
        let mut reading = self.read().await?;
        let found = templates::find_by_id(&mut reading, principal, id).await?;
        found.ok_or_else(|| templates::missing(id))
    }

    async fn template_of_metadata(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<Option<MetadataTemplate>, StoreError> {
        let mut reading = self.read().await?;
        instances::template_of(&mut reading, principal, id).await
    }

    async fn metadata_templates(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        query: PageQuery,
    ) -> Result<Page<MetadataTemplate>, StoreError> {
        let mut reading = self.read().await?;
        templates::list(&mut reading, principal, scope, &query).await
    }

    async fn update_metadata_template(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        key: &str,
        operations: Vec<TemplateOperation>,
    ) -> Result<MetadataTemplate, StoreError> {
        let mut writing = self.write().await?;
        let template = templates::find(&mut writing, principal, scope, key).await?;
        let changed = templates::update(self, &mut writing, principal, &template, &operations).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn delete_metadata_template(
        &self,
        principal: &Principal,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let template = templates::find(&mut writing, principal, scope, key).await?;
        templates::delete(&mut writing, &template).await?;
        commit(writing).await
    }

    async fn metadata_of_item(
        &self,
        principal: &Principal,
        item: &ItemRef,
    ) -> Result<Vec<MetadataInstance>, StoreError> {
        let mut reading = self.read().await?;
        instances::list(&mut reading, principal, item).await
    }

    async fn metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<MetadataInstance, StoreError> {
        let mut reading = self.read().await?;
        let template = templates::find(&mut reading, principal, scope, key).await?;
        instances::get(&mut reading, principal, item, &template).await
    }

    async fn create_metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
        values: Values,
    ) -> Result<MetadataInstance, StoreError> {
        let mut writing = self.write().await?;
        let template = templates::find(&mut writing, principal, scope, key).await?;
        let made = instances::create(self, &mut writing, (principal, item), &template, &values).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn update_metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
        patch: Vec<PatchOperation>,
    ) -> Result<MetadataInstance, StoreError> {
        let mut writing = self.write().await?;
        let template = templates::find(&mut writing, principal, scope, key).await?;
        let changed = instances::update(self, &mut writing, (principal, item), &template, &patch).await?;
        commit(writing).await?;
        Ok(changed)
    }

    async fn delete_metadata(
        &self,
        principal: &Principal,
        item: &ItemRef,
        scope: &TemplateScope,
        key: &str,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let template = templates::find(&mut writing, principal, scope, key).await?;
        instances::delete(&mut writing, principal, item, &template).await?;
        commit(writing).await
    }

    async fn query_metadata(
        &self,
        principal: &Principal,
        query: &MetadataQuery,
    ) -> Result<MetadataMatches, StoreError> {
        let mut reading = self.read().await?;
        queries::run(&mut reading, principal, query).await
    }

    async fn items_with_metadata(
        &self,
        principal: &Principal,
        filter: &MetadataFilter,
    ) -> Result<Vec<ItemRef>, StoreError> {
        let mut reading = self.read().await?;
        queries::filtered(&mut reading, principal, filter).await
    }
}
