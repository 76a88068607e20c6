//! Metadata as values and pure rules: templates, their instances on items, taxonomies, queries.
//!
//! Invariant: everything here is decided without a database, so every store decides alike; what is kept went through
//! these rules. Called by the stores; the server converts its wire structs from and to these types.

pub mod cascade;
pub mod error;
pub mod instance;
pub mod key;
pub mod patch;
pub mod query;
pub mod scope;
pub mod taxonomy;
pub mod template;
pub mod template_change;
pub mod template_rules;
#[cfg(test)]
mod testing;
pub mod values;

pub use cascade::CascadePolicy;
pub use error::MetadataError;
pub use instance::MetadataInstance;
pub use patch::PatchOperation;
pub use scope::TemplateScope;
pub use taxonomy::{
    NewTaxonomy, NewTaxonomyNode, NodeFilter, NodePage, Taxonomy, TaxonomyLevel, TaxonomyNode, TaxonomyTree,
};
pub use template::{
    FieldKind, FieldOption, MetadataTemplate, NewField, NewOption, NewTaxonomyRule, NewTemplate, Page,
    PageQuery, TaxonomyRule, TemplateField,
};
pub use template_change::{FieldEdit, InstanceEdit, OptionField, TemplateEdit, TemplateOperation};
pub use template_rules::Making;
pub use values::Values;
