//! Metadata on the wire: templates, instances, queries, taxonomies.

pub mod cascades;
pub mod instances;
pub mod queries;
pub mod taxonomies;
pub mod template_update;
pub mod templates;
