//! One process a data folder.
//!
//! Invariant: the operating system holds the lock, so it ends with the process, however that ends. The file's text (the
//! process number) is only for the error message.

use crate::error::StoreError;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The lock, as long as it lives.
#[derive(Debug)]
pub(super) struct FolderLock(File);

impl Drop for FolderLock {
    /// Closing the file is not enough: a child that another thread is starting holds a copy of it until it runs its own
    /// program, and the lock with it.
    fn drop(&mut self) {
        let _ends_with_the_file_otherwise = self.0.unlock();
    }
}

impl FolderLock {
    /// Makes the folder (private to its user) and takes its lock.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        let failed = |action, source| StoreError::Io {
            action,
            path: folder.to_owned(),
            source,
        };
        make_private_folder(folder).map_err(|error| failed("create", error))?;
        let path = folder.join("boxwood.lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed("open the lock file of", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let known = file.read_to_string(&mut owner).is_ok() && !owner.trim().is_empty();
                let owner = if known {
                    format!("process {}", owner.trim())
                } else {
                    "another process".into()
                };
                return Err(StoreError::DataFolderInUse {
                    path: folder.to_owned(),
                    owner,
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(|error| failed("write the lock file of", error))?;
        Ok(Self(file))
    }
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
