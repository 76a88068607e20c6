//! The part of the contract that keeps taxonomies.
//!
//! Invariant: another enterprise's taxonomies are *not found*. Whether the principal may change taxonomies (an
//! administrator), the server has checked.

use crate::error::StoreError;
use crate::metadata::{
    NewTaxonomy, NewTaxonomyNode, Page, PageQuery, Taxonomy, TaxonomyLevel, TaxonomyNode, TaxonomyTree,
    TemplateScope,
};
use async_trait::async_trait;
use boxwood_core::Principal;

/// Taxonomies, their levels and nodes.
#[async_trait]
pub trait TaxonomyStore: Send + Sync {
    /// Makes a taxonomy without levels in the principal's enterprise.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], [`StoreError::Metadata`].
    async fn create_taxonomy(
        &self,
        principal: &Principal,
        taxonomy: NewTaxonomy,
    ) -> Result<Taxonomy, StoreError>;

    /// A page of a namespace's taxonomies, by key.
    ///
    /// # Errors
    /// A marker that was not made by this listing.
    async fn taxonomies(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        query: PageQuery,
    ) -> Result<Page<Taxonomy>, StoreError>;

    /// A taxonomy with its levels and all its nodes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn taxonomy(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
    ) -> Result<TaxonomyTree, StoreError>;

    /// Gives a taxonomy another display name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Metadata`].
    async fn rename_taxonomy(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        display_name: &str,
    ) -> Result<Taxonomy, StoreError>;

    /// Removes a taxonomy with its nodes for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Metadata`] while a template has a field of it.
    async fn delete_taxonomy(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
    ) -> Result<(), StoreError>;

    /// Adds levels below the last one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Metadata`].
    async fn add_taxonomy_levels(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        levels: Vec<TaxonomyLevel>,
    ) -> Result<Taxonomy, StoreError>;

    /// Replaces the names of a level; `level` counts from 1.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Metadata`].
    async fn update_taxonomy_level(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        level: u32,
        names: TaxonomyLevel,
    ) -> Result<Taxonomy, StoreError>;

    /// Removes the last level.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Metadata`] where there is none, or while it has nodes.
    async fn trim_taxonomy_levels(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
    ) -> Result<Taxonomy, StoreError>;

    /// Makes a node.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Metadata`] for a level or a parent that does not fit.
    async fn create_taxonomy_node(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        node: NewTaxonomyNode,
    ) -> Result<TaxonomyNode, StoreError>;

    /// Gives a node another display name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Metadata`].
    async fn rename_taxonomy_node(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        node: &str,
        display_name: &str,
    ) -> Result<TaxonomyNode, StoreError>;

    /// Removes a node for good, also from the metadata of items.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Metadata`] while it has nodes below it.
    async fn delete_taxonomy_node(
        &self,
        principal: &Principal,
        namespace: &TemplateScope,
        key: &str,
        node: &str,
    ) -> Result<(), StoreError>;
}
