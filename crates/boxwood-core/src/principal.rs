//! Who asks, and what the token allows.
//!
//! A [`Principal`] is made by the server's authenticator (or by the CLI for the user who typed the command) and is the
//! value that every store method demands: the store never hands out a file without one.

use crate::ids::{EnterpriseId, FileId, FolderId, UserId};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The OAuth scopes that Boxwood knows, as Box names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `root_readonly`: read all files and folders.
    RootReadonly,
    /// `root_readwrite`: read and write all files and folders.
    RootReadwrite,
    /// `manage_managed_users`
    ManageManagedUsers,
    /// `manage_groups`
    ManageGroups,
    /// `manage_webhook`
    ManageWebhook,
    /// `manage_enterprise_properties`
    ManageEnterpriseProperties,
    /// `ai.readwrite`: use the AI operations.
    AiReadwrite,
    /// `base_explorer`: list a folder's items (down-scoping).
    BaseExplorer,
    /// `base_picker`
    BasePicker,
    /// `base_preview`: preview (read) a file.
    BasePreview,
    /// `base_upload`: upload into a folder.
    BaseUpload,
    /// `item_delete`
    ItemDelete,
    /// `item_download`
    ItemDownload,
    /// `item_preview`
    ItemPreview,
    /// `item_rename`
    ItemRename,
    /// `item_share`
    ItemShare,
    /// `item_upload`
    ItemUpload,
    /// `item_readwrite`
    ItemReadwrite,
}

impl Scope {
    /// Every scope with its wire name: the one table that parsing and printing use.
    pub const TABLE: [(Scope, &'static str); 18] = [
        (Scope::RootReadonly, "root_readonly"),
        (Scope::RootReadwrite, "root_readwrite"),
        (Scope::ManageManagedUsers, "manage_managed_users"),
        (Scope::ManageGroups, "manage_groups"),
        (Scope::ManageWebhook, "manage_webhook"),
        (Scope::ManageEnterpriseProperties, "manage_enterprise_properties"),
        (Scope::AiReadwrite, "ai.readwrite"),
        (Scope::BaseExplorer, "base_explorer"),
        (Scope::BasePicker, "base_picker"),
        (Scope::BasePreview, "base_preview"),
        (Scope::BaseUpload, "base_upload"),
        (Scope::ItemDelete, "item_delete"),
        (Scope::ItemDownload, "item_download"),
        (Scope::ItemPreview, "item_preview"),
        (Scope::ItemRename, "item_rename"),
        (Scope::ItemShare, "item_share"),
        (Scope::ItemUpload, "item_upload"),
        (Scope::ItemReadwrite, "item_readwrite"),
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(scope, _)| *scope == self)
            .map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A scope name that is not in [`Scope::TABLE`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::TABLE
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(scope, _)| *scope)
            .ok_or_else(|| UnknownScope(name.chars().take(64).collect()))
    }
}

/// The scopes of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// What an application of the development enterprise gets: everything that is not a down-scoping scope.
    pub fn full() -> Self {
        Self::from_iter([
            Scope::RootReadwrite,
            Scope::ManageManagedUsers,
            Scope::ManageGroups,
            Scope::ManageWebhook,
            Scope::ManageEnterpriseProperties,
            Scope::AiReadwrite,
        ])
    }

    /// Whether the scope itself is in the set; what one scope implies is decided by the server's authoriser.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether any of the scopes is in the set.
    pub fn contains_any(&self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.contains(*scope))
    }

    /// All scopes, in table order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Reads a space-separated list.
    ///
    /// # Errors
    /// The first name that is not a scope.
    pub fn parse(list: &str) -> Result<Self, UnknownScope> {
        list.split_whitespace()
            .map(Scope::from_str)
            .collect::<Result<BTreeSet<_>, _>>()
            .map(Self)
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// The one item that a down-scoped token reaches (a folder reaches what is below it).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Resource {
    /// One file.
    File(FileId),
    /// One folder with everything below it.
    Folder(FolderId),
}

/// Who asks, with what the token allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The user on whose behalf the request runs; a service account is a user too.
    pub user_id: UserId,
    /// The enterprise of that user.
    pub enterprise_id: EnterpriseId,
    /// The scopes of the token.
    pub scopes: ScopeSet,
    /// The item that the token is limited to; `None`: everything the user reaches.
    pub resource: Option<Resource>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_in_the_table_once_and_reads_back() {
        for (scope, name) in Scope::TABLE {
            assert_eq!(name.parse::<Scope>(), Ok(scope));
            assert_eq!(scope.as_str(), name);
        }
    }

    #[test]
    fn scope_lists_name_the_unknown_scope() {
        assert_eq!(
            ScopeSet::parse("item_preview nonsense"),
            Err(UnknownScope("nonsense".into()))
        );
        assert_eq!(
            ScopeSet::parse("item_rename item_preview")
                .map(|s| s.to_string())
                .as_deref(),
            Ok("item_preview item_rename")
        );
    }
}
