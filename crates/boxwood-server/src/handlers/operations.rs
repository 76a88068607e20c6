//! What each operation on files, folders and users demands of a token: one table.
//!
//! Invariant: a handler calls [`Operation::authorize`] before it touches the store. The store enforces the *resource* of
//! a down-scoped token and the user's role; this table enforces the *scopes*. Scopes are named as Box documents them.

use crate::error::ApiError;
use boxwood_core::{Principal, Scope, ScopeSet};

/// Something that a token must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// See a file's or folder's name, size, dates.
    ReadInfo,
    /// List a folder.
    List,
    /// Read a file's text: representations, thumbnails.
    ReadText,
    /// Download a file's bytes.
    Download,
    /// Upload a file or a version.
    Upload,
    /// Make a folder.
    CreateFolder,
    /// Change name, description, tags.
    Rename,
    /// Set or take away a shared link.
    Share,
    /// Move, copy, lock, promote and restore.
    Write,
    /// Move to the trash, or remove from it for good.
    Delete,
    /// See metadata templates and taxonomies.
    ReadTemplates,
    /// Make, change and remove metadata templates and taxonomies.
    ManageTemplates,
    /// See the metadata of items, and ask by it.
    ReadMetadata,
    /// Change the metadata of items.
    WriteMetadata,
    /// See other users.
    ReadUsers,
    /// Make, change and remove users.
    ManageUsers,
    /// See, make, change and remove groups.
    ManageGroups,
    /// See and make invitations to files and folders.
    Collaborate,
}

impl Operation {
    /// Every operation with the scopes of which one is enough.
    const TABLE: [(Operation, &'static [Scope]); 18] = [
        (
            Operation::ReadInfo,
            &[
                Scope::RootReadonly,
                Scope::RootReadwrite,
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
        ),
        (
            Operation::List,
            &[
                Scope::RootReadonly,
                Scope::RootReadwrite,
                Scope::BaseExplorer,
                Scope::BasePicker,
                Scope::ItemPreview,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::ReadText,
            &[
                Scope::RootReadonly,
                Scope::RootReadwrite,
                Scope::BaseExplorer,
                Scope::BasePreview,
                Scope::ItemDownload,
                Scope::ItemPreview,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::Download,
            &[
                Scope::RootReadonly,
                Scope::RootReadwrite,
                Scope::ItemDownload,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::Upload,
            &[
                Scope::RootReadwrite,
                Scope::BaseUpload,
                Scope::ItemUpload,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::CreateFolder,
            &[
                Scope::RootReadwrite,
                Scope::BaseUpload,
                Scope::ItemUpload,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::Rename,
            &[Scope::RootReadwrite, Scope::ItemRename, Scope::ItemReadwrite],
        ),
        (
            Operation::Share,
            &[Scope::RootReadwrite, Scope::ItemShare, Scope::ItemReadwrite],
        ),
        (Operation::Write, &[Scope::RootReadwrite, Scope::ItemReadwrite]),
        (
            Operation::Delete,
            &[Scope::RootReadwrite, Scope::ItemDelete, Scope::ItemReadwrite],
        ),
        (
            Operation::ReadTemplates,
            &[
                Scope::RootReadonly,
                Scope::RootReadwrite,
                Scope::ManageEnterpriseProperties,
                Scope::BaseExplorer,
                Scope::BasePreview,
                Scope::ItemPreview,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::ManageTemplates,
            &[Scope::RootReadwrite, Scope::ManageEnterpriseProperties],
        ),
        (
            Operation::ReadMetadata,
            &[
                Scope::RootReadonly,
                Scope::RootReadwrite,
                Scope::BaseExplorer,
                Scope::BasePreview,
                Scope::ItemPreview,
                Scope::ItemReadwrite,
            ],
        ),
        (
            Operation::WriteMetadata,
            &[Scope::RootReadwrite, Scope::ItemReadwrite],
        ),
        (Operation::ReadUsers, &[Scope::ManageManagedUsers]),
        (Operation::ManageUsers, &[Scope::ManageManagedUsers]),
        (Operation::ManageGroups, &[Scope::ManageGroups]),
        (
            Operation::Collaborate,
            &[Scope::RootReadwrite, Scope::ItemShare, Scope::ItemReadwrite],
        ),
    ];

    fn sufficient(self) -> &'static [Scope] {
        Self::TABLE
            .iter()
            .find(|(operation, _)| *operation == self)
            .map_or(&[], |(_, scopes)| scopes)
    }

    /// Whether one of the scopes is enough.
    pub(crate) fn is_allowed_by(self, scopes: &ScopeSet) -> bool {
        scopes.contains_any(self.sufficient())
    }

    /// Refuses a token whose scopes don't allow the operation.
    ///
    /// # Errors
    /// `insufficient_scope`, 403, with the scopes of which one is needed.
    pub(crate) fn authorize(self, principal: &Principal) -> Result<(), ApiError> {
        if self.is_allowed_by(&principal.scopes) {
            Ok(())
        } else {
            Err(ApiError::insufficient_scope(self.sufficient()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scopes: &str, operation: Operation, allowed: bool) {
        let set = ScopeSet::parse(scopes).unwrap();
        assert_eq!(operation.is_allowed_by(&set), allowed, "{scopes}: {operation:?}");
    }

    #[test]
    fn down_scoped_tokens_do_what_their_scope_says_and_no_more() {
        check("item_rename item_preview", Operation::Rename, true);
        check("item_rename item_preview", Operation::ReadText, true);
        check("item_rename item_preview", Operation::Delete, false);
        check("item_rename item_preview", Operation::Download, false);
        check("root_readonly", Operation::Download, true);
        check("root_readonly", Operation::Upload, false);
        check("root_readonly", Operation::Rename, false);
        check("base_upload", Operation::Upload, true);
        check("base_upload", Operation::Download, false);
        check("item_upload", Operation::ReadText, false);
        check("base_explorer", Operation::List, true);
        check("base_explorer", Operation::Download, false);
        check("item_delete", Operation::Delete, true);
        check("item_delete", Operation::Write, false);
        check("root_readwrite", Operation::ManageUsers, false);
        check("ai.readwrite", Operation::ReadInfo, false);
    }

    #[test]
    fn no_operation_is_open_to_every_token() {
        for (operation, scopes) in Operation::TABLE {
            assert!(!scopes.is_empty(), "{operation:?}");
            assert_eq!(operation.sufficient(), scopes);
        }
    }
}
