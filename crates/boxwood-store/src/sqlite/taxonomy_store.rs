//! The contract's methods of taxonomies, each over the functions of `taxonomies`.

use super::SqliteStore;
use super::{commit, taxonomies};
use crate::error::StoreError;
use crate::metadata::{
    MetadataError, NewTaxonomy, NewTaxonomyNode, Page, PageQuery, Taxonomy, TaxonomyLevel, TaxonomyNode,
    TaxonomyTree, TemplateScope,
};
use crate::store::TaxonomyStore;
use async_trait::async_trait;
use boxwood_core::Principal;

#[async_trait]
impl TaxonomyStore for SqliteStore {
    async fn create_taxonomy(
        &self,
        principal: &Principal,
        taxonomy: NewTaxonomy,
    ) -> Result<Taxonomy, StoreError> {
        let mut writing = self.write().await?;
        let made = taxonomies::create(self, &mut writing, principal, &taxonomy).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn taxonomies(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        query: PageQuery,
    ) -> Result<Page<Taxonomy>, StoreError> {
        let mut reading = self.read().await?;
        let all = if namespace.is_own(principal) {
            taxonomies::of_enterprise(&mut reading, principal).await?
        } else {
            Vec::new()
        };
        Ok(Page::cut(all, &query, |taxonomy| taxonomy.key.clone())?)
    }

    async fn taxonomy(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
    ) -> Result<TaxonomyTree, StoreError> {
        let mut reading = self.read().await?;
        taxonomies::tree(&mut reading, principal, namespace, key).await
    }

    async fn rename_taxonomy(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        display_name: &str,
    ) -> Result<Taxonomy, StoreError> {
        let mut writing = self.write().await?;
        let mut taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        taxonomy.display_name = display_name.to_owned();
        taxonomies::save(self, &mut writing, &taxonomy).await?;
        commit(writing).await?;
        Ok(taxonomy)
    }

    async fn delete_taxonomy(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        taxonomies::delete(&mut writing, principal, &taxonomy).await?;
        commit(writing).await
    }

    async fn add_taxonomy_levels(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        levels: Vec<TaxonomyLevel>,
    ) -> Result<Taxonomy, StoreError> {
        let mut writing = self.write().await?;
        let mut taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        taxonomy.levels.extend(levels);
        taxonomies::save(self, &mut writing, &taxonomy).await?;
        commit(writing).await?;
        Ok(taxonomy)
    }

    async fn update_taxonomy_level(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        level: u32,
        names: TaxonomyLevel,
    ) -> Result<Taxonomy, StoreError> {
        let mut writing = self.write().await?;
        let mut taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        let count = taxonomy.levels.len();
        let index = usize::try_from(level).unwrap_or(usize::MAX).wrapping_sub(1);
        match taxonomy.levels.get_mut(index) {
            Some(place) => *place = names,
            None => {
                let reason = format!("must be a level of the taxonomy: it has {count}, counted from 1");
                return Err(MetadataError::invalid("level_index", reason).into());
            }
        }
        taxonomies::save(self, &mut writing, &taxonomy).await?;
        commit(writing).await?;
        Ok(taxonomy)
    }

    async fn trim_taxonomy_levels(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
    ) -> Result<Taxonomy, StoreError> {
        let mut writing = self.write().await?;
        let mut taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        taxonomies::check_last_level_empty(&mut writing, &taxonomy).await?;
        taxonomy.levels.pop();
        taxonomies::save(self, &mut writing, &taxonomy).await?;
        commit(writing).await?;
        Ok(taxonomy)
    }

    async fn create_taxonomy_node(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        node: NewTaxonomyNode,
    ) -> Result<TaxonomyNode, StoreError> {
        let mut writing = self.write().await?;
        let taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        let made = taxonomies::create_node(self, &mut writing, &taxonomy, node).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn rename_taxonomy_node(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        node: &str,
        display_name: &str,
    ) -> Result<TaxonomyNode, StoreError> {
        let mut writing = self.write().await?;
        let taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        let renamed = taxonomies::rename_node(&mut writing, &taxonomy, node, display_name).await?;
        commit(writing).await?;
        Ok(renamed)
    }

    async fn delete_taxonomy_node(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        node: &str,
    ) -> Result<(), StoreError> {
        let mut writing = self.write().await?;
        let taxonomy = taxonomies::find(&mut writing, principal, namespace, key).await?;
        taxonomies::delete_node(&mut writing, principal, &taxonomy, node).await?;
        commit(writing).await
    }
}
