//! Store values → wire structs, for files, folders, versions and users.
//!
//! Pure: no I/O, no clock. Invariant: what a principal may do (`permissions`) is what the role allows *and* the scopes
//! of the token allow. Called by the handlers beside this file.

use super::operations::Operation;
use boxwood_api::fields::FieldSelection;
use boxwood_api::files::{File, FilePermissions, FileVersionMini, Files, Lock, LockRequest};
use boxwood_api::folders::{Folder, FolderMini, FolderPermissions, PathCollection};
use boxwood_api::users::{EnterpriseMini, User, UserMini};
use boxwood_api::versions::FileVersion;
use boxwood_api::wire::Moment;
use boxwood_core::Principal;
use boxwood_store as store;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Box writes this for "no bound".
const WITHOUT_BOUND: u64 = 999_999_999_999_999;

/// A user inside another resource.
pub(super) fn user_mini(user: &store::UserRef) -> UserMini {
    UserMini {
        kind: "user",
        id: user.id.to_string(),
        name: user.name.clone(),
        login: user.login.clone(),
    }
}

/// A user in full.
pub(super) fn user(user: &store::User, max_upload_size: u64) -> User {
    User {
        kind: "user",
        id: user.id.to_string(),
        name: user.name.clone(),
        login: user.login.clone(),
        created_at: Moment(user.created_at),
        modified_at: Moment(user.modified_at),
        language: user.language.clone(),
        timezone: user.timezone.clone(),
        space_amount: WITHOUT_BOUND,
        space_used: user.space_used,
        max_upload_size,
        status: if user.active { "active" } else { "inactive" }.to_owned(),
        job_title: String::new(),
        phone: String::new(),
        address: String::new(),
        avatar_url: String::new(),
        notification_email: None,
        role: user.role.as_str().to_owned(),
        enterprise: EnterpriseMini {
            kind: "enterprise",
            id: user.enterprise.id.to_string(),
            name: user.enterprise.name.clone(),
        },
        is_platform_access_only: user.kind == store::UserKind::ServiceAccount,
    }
}

fn folder_mini(folder: &store::FolderRef) -> FolderMini {
    FolderMini {
        kind: "folder",
        id: folder.id.to_string(),
        sequence_id: folder.etag.clone(),
        etag: folder.etag.clone(),
        name: folder.name.clone(),
    }
}

/// Where a trashed item lies: the folder that Box shows in its stead.
fn trash_folder() -> FolderMini {
    FolderMini {
        kind: "folder",
        id: "1".to_owned(),
        sequence_id: None,
        etag: None,
        name: "Trash".to_owned(),
    }
}

fn path_collection(path: &[store::FolderRef], status: store::ItemStatus) -> PathCollection {
    let entries: Vec<FolderMini> = match status {
        store::ItemStatus::Active => path.iter().map(folder_mini).collect(),
        store::ItemStatus::Trashed => vec![trash_folder()],
    };
    PathCollection {
        total_count: entries.len(),
        entries,
    }
}

fn parent(parent: Option<&store::FolderRef>, status: store::ItemStatus) -> Option<FolderMini> {
    match status {
        store::ItemStatus::Active => parent.map(folder_mini),
        store::ItemStatus::Trashed => Some(trash_folder()),
    }
}

fn moment(time: Option<DateTime<Utc>>) -> Option<Moment> {
    time.map(Moment)
}

/// A file in full, without its representations.
pub(super) fn file(principal: &Principal, file: &store::File) -> File {
    File {
        kind: "file",
        id: file.id.to_string(),
        file_version: FileVersionMini {
            kind: "file_version",
            id: file.version.id.to_string(),
            sha1: file.version.sha1.clone(),
        },
        sequence_id: file.etag(),
        etag: file.etag(),
        sha1: file.version.sha1.clone(),
        name: file.name.clone(),
        description: file.description.clone(),
        size: file.version.size,
        path_collection: path_collection(&file.path, file.status),
        created_at: Moment(file.created_at),
        modified_at: Moment(file.modified_at),
        trashed_at: moment(file.trashed_at),
        purged_at: None,
        content_created_at: Moment(file.content_created_at),
        content_modified_at: Moment(file.content_modified_at),
        created_by: user_mini(&file.created_by),
        modified_by: user_mini(&file.modified_by),
        owned_by: user_mini(&file.owned_by),
        shared_link: file.shared_link.clone(),
        parent: parent(file.parent.as_ref(), file.status),
        item_status: file.status.as_str(),
        version_number: file.version.number.to_string(),
        comment_count: 0,
        permissions: file_permissions(principal, &file.permissions),
        tags: file.tags.clone(),
        lock: file.lock.clone(),
        extension: file.extension().to_owned(),
        is_package: false,
        is_accessible_via_shared_link: false,
        allowed_invitee_roles: invitee_roles(&file.permissions),
        is_externally_owned: false,
        has_collaborations: file.has_collaborations,
        expires_at: None,
        representations: None,
        classification: None,
        uploader_display_name: file.version.uploaded_by.name.clone(),
        shared_link_permission_options: Vec::new(),
    }
}

/// As what the principal may invite others.
fn invitee_roles(role: &store::ItemPermissions) -> Vec<String> {
    if !role.can_invite_collaborator {
        return Vec::new();
    }
    let roles = [
        store::Role::Editor,
        store::Role::Viewer,
        store::Role::Previewer,
        store::Role::Uploader,
        store::Role::PreviewerUploader,
        store::Role::ViewerUploader,
        store::Role::CoOwner,
    ];
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

fn file_permissions(principal: &Principal, role: &store::ItemPermissions) -> FilePermissions {
    let scopes = &principal.scopes;
    FilePermissions {
        can_download: role.can_download && Operation::Download.is_allowed_by(scopes),
        can_preview: role.can_preview && Operation::ReadText.is_allowed_by(scopes),
        can_upload: role.can_upload && Operation::Upload.is_allowed_by(scopes),
        can_comment: false,
        can_rename: role.can_rename && Operation::Rename.is_allowed_by(scopes),
        can_delete: role.can_delete && Operation::Delete.is_allowed_by(scopes),
        can_share: false,
        can_set_share_access: false,
        can_invite_collaborator: role.can_invite_collaborator && Operation::Collaborate.is_allowed_by(scopes),
        can_annotate: false,
    }
}

/// The lock that a client asked for, as it is kept and shown.
pub(super) fn lock(id: String, by: UserMini, now: DateTime<Utc>, request: LockRequest) -> Lock {
    Lock {
        id,
        kind: "lock",
        created_by: by,
        created_at: Moment(now),
        expired_at: moment(request.expires_at),
        is_download_prevented: request.is_download_prevented,
        app_type: None,
    }
}

/// A folder in full, without its items.
pub(super) fn folder(principal: &Principal, folder: &store::Folder) -> Folder {
    let scopes = &principal.scopes;
    let role = &folder.permissions;
    Folder {
        kind: "folder",
        id: folder.id.to_string(),
        sequence_id: folder.etag(),
        etag: folder.etag(),
        name: folder.name.clone(),
        created_at: moment(folder.created_at),
        modified_at: moment(folder.modified_at),
        description: folder.description.clone(),
        size: folder.size,
        path_collection: path_collection(&folder.path, folder.status),
        created_by: user_mini(&folder.created_by),
        modified_by: user_mini(&folder.modified_by),
        trashed_at: moment(folder.trashed_at),
        purged_at: None,
        content_created_at: moment(folder.content_created_at),
        content_modified_at: moment(folder.content_modified_at),
        owned_by: user_mini(&folder.owned_by),
        shared_link: folder.shared_link.clone(),
        folder_upload_email: None,
        parent: parent(folder.parent.as_ref(), folder.status),
        item_status: folder.status.as_str(),
        item_collection: None,
        sync_state: "not_synced",
        has_collaborations: folder.has_collaborations,
        permissions: FolderPermissions {
            can_download: role.can_download && Operation::Download.is_allowed_by(scopes),
            can_rename: role.can_rename && Operation::Rename.is_allowed_by(scopes),
            can_delete: role.can_delete && Operation::Delete.is_allowed_by(scopes),
            can_share: false,
            can_set_share_access: false,
            can_invite_collaborator: role.can_invite_collaborator
                && Operation::Collaborate.is_allowed_by(scopes),
            can_upload: role.can_upload && Operation::Upload.is_allowed_by(scopes),
        },
        tags: folder.tags.clone(),
        can_non_owners_invite: false,
        is_externally_owned: false,
        is_collaboration_restricted_to_enterprise: false,
        allowed_shared_link_access_levels: Vec::new(),
        allowed_invitee_roles: invitee_roles(role),
        is_accessible_via_shared_link: false,
        can_non_owners_view_collaborators: true,
        classification: None,
    }
}

/// A version in full.
pub(super) fn version(version: &store::FileVersion) -> FileVersion {
    FileVersion {
        kind: "file_version",
        id: version.id.to_string(),
        sha1: version.sha1.clone(),
        name: version.name.clone(),
        size: version.size,
        created_at: Moment(version.created_at),
        modified_at: Moment(version.modified_at),
        modified_by: Some(user_mini(&version.uploaded_by)),
        trashed_at: moment(version.trashed_at),
        trashed_by: version.trashed_by.as_ref().map(user_mini),
        restored_at: moment(version.restored_at),
        restored_by: version.restored_by.as_ref().map(user_mini),
        purged_at: None,
        uploader_display_name: version.uploaded_by.name.clone(),
        version_number: version.number.to_string(),
    }
}

/// An item, as an entry of a page.
pub(super) fn item(
    principal: &Principal,
    item: &store::Item,
    fields: &FieldSelection,
) -> Result<Value, serde_json::Error> {
    match item {
        store::Item::File(entry) => fields.narrow(&file(principal, entry), File::MINI),
        store::Item::Folder(entry) => fields.narrow(&folder(principal, entry), Folder::MINI),
    }
}

/// The body of an upload: one file.
pub(super) fn one_file(
    principal: &Principal,
    entry: &store::File,
    fields: &FieldSelection,
) -> Result<Files, serde_json::Error> {
    let entry = fields.narrow(&file(principal, entry), File::STANDARD)?;
    Ok(Files {
        total_count: 1,
        entries: vec![entry],
    })
}
