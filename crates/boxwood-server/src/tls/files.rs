//! Files that only their owner may read, written so that a crash leaves the old or the new one.

use super::TlsError;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Makes the folder, closed to others.
pub(crate) fn make_folder(folder: &Path) -> Result<(), TlsError> {
    let failed = |source| TlsError::File {
        action: "make the folder",
        path: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    restrict(folder, 0o700).map_err(failed)
}

/// Replaces a file in one step. A secret one is never readable by others, not even for a moment.
pub(crate) fn replace(path: &Path, content: &str, secret: bool) -> Result<(), TlsError> {
    let failed = |source| TlsError::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let draft = path.with_extension(format!("draft{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    let mut file = options.open(&draft).map_err(failed)?;
    file.write_all(content.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)
}

/// [`replace`] for a secret.
pub(crate) fn replace_secret(path: &Path, content: &str) -> Result<(), TlsError> {
    replace(path, content, true)
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
