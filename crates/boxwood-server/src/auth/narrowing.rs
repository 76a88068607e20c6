//! What a token may be narrowed to.
//!
//! Invariant: a narrowed token never allows more than the token it was made from. Which scope holds which others is one
//! table.

use boxwood_core::{Scope, ScopeSet};

/// Scopes that read.
const READING: &[Scope] = &[
    Scope::RootReadonly,
    Scope::BaseExplorer,
    Scope::BasePicker,
    Scope::BasePreview,
    Scope::ItemDownload,
    Scope::ItemPreview,
];
/// Scopes of items that read and write.
const ITEMS: &[Scope] = &[
    Scope::ItemDelete,
    Scope::ItemDownload,
    Scope::ItemPreview,
    Scope::ItemRename,
    Scope::ItemShare,
    Scope::ItemUpload,
    Scope::BaseExplorer,
    Scope::BasePreview,
    Scope::BaseUpload,
];

/// The scopes that a scope holds besides itself.
fn held_by(scope: Scope) -> &'static [Scope] {
    match scope {
        Scope::RootReadonly => READING,
        Scope::RootReadwrite => &[
            Scope::RootReadonly,
            Scope::BaseExplorer,
            Scope::BasePicker,
            Scope::BasePreview,
            Scope::BaseUpload,
            Scope::ItemDelete,
            Scope::ItemDownload,
            Scope::ItemPreview,
            Scope::ItemRename,
            Scope::ItemShare,
            Scope::ItemUpload,
            Scope::ItemReadwrite,
        ],
        Scope::ItemReadwrite => ITEMS,
        Scope::ItemDownload => &[Scope::ItemPreview, Scope::BasePreview],
        _ => &[],
    }
}

/// The wanted scopes, if the token's own hold them all.
///
/// # Errors
/// The first scope that goes beyond the token.
pub(crate) fn narrowed_scopes(own: &ScopeSet, wanted: ScopeSet) -> Result<ScopeSet, Scope> {
    let held = |wanted: Scope| {
        own.iter()
            .any(|scope| scope == wanted || held_by(scope).contains(&wanted))
    };
    let beyond = wanted.iter().find(|scope| !held(*scope));
    beyond.map_or(Ok(wanted), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(own: &str, wanted: &str, beyond: Option<Scope>) {
        let narrowed = narrowed_scopes(&ScopeSet::parse(own).unwrap(), ScopeSet::parse(wanted).unwrap());
        assert_eq!(narrowed.err(), beyond, "{own} → {wanted}");
    }

    #[test]
    fn narrowing_never_widens() {
        check("root_readwrite", "item_rename item_preview", None);
        check("root_readwrite", "root_readonly", None);
        check("root_readwrite ai.readwrite", "ai.readwrite item_preview", None);
        check("root_readwrite", "ai.readwrite", Some(Scope::AiReadwrite));
        check("root_readwrite", "manage_groups", Some(Scope::ManageGroups));
        check("root_readonly", "item_download", None);
        check("root_readonly", "item_upload", Some(Scope::ItemUpload));
        check("root_readonly", "root_readwrite", Some(Scope::RootReadwrite));
        check("item_preview", "item_download", Some(Scope::ItemDownload));
        check("item_readwrite", "item_rename", None);
        check("item_readwrite", "root_readonly", Some(Scope::RootReadonly));
    }

    /// Narrowing twice can't reach what narrowing once can't.
    #[test]
    fn holding_is_transitive() {
        for (scope, _) in Scope::TABLE {
            for held in held_by(scope) {
                for below in held_by(*held) {
                    assert!(
                        scope == *below || held_by(scope).contains(below),
                        "{scope} → {held} → {below}"
                    );
                }
            }
        }
    }
}
