//! A cascade policy as a value: the metadata of a folder goes to everything that comes into it.

use boxwood_core::{EnterpriseId, FolderId};

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CascadePolicy {
    /// A UUID.
    pub id: String,
    /// Whose it is.
    pub enterprise: EnterpriseId,
    /// The folder.
    pub folder: FolderId,
    /// The scope of the template.
    pub scope: String,
    /// The template's key.
    pub template_key: String,
}
