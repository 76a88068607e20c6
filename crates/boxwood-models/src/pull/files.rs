//! Files of a pull: sums, locks, moving into place. All blocking work runs on the blocking threads.
//!
//! Invariant: nothing here contacts anything.

use super::{OnProgress, PullError, PullProgress, PullStage};
use crate::catalog::{CatalogFile, CatalogModel};
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A file of a model, as it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheck {
    /// Where it is.
    pub path: PathBuf,
    /// How it is.
    pub state: FileState,
}

/// How a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Size and sum are right.
    Good,
    /// It is not there.
    Missing,
    /// Another size.
    WrongSize {
        /// Bytes that it has.
        found: u64,
        /// Bytes that it should have.
        expected: u64,
    },
    /// Another sum.
    WrongSum {
        /// The SHA-256 that it has.
        found: String,
    },
}

pub(super) fn io(path: &Path, source: std::io::Error) -> PullError {
    PullError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Checks every file of a model, the sum only where the size is right.
pub(super) async fn check_all(
    model: &CatalogModel,
    models_dir: &Path,
    progress: OnProgress<'_>,
    cancel: &CancellationToken,
) -> Result<Vec<FileCheck>, PullError> {
    let mut checks = Vec::new();
    let mut done = 0;
    for file in model.files {
        let path = models_dir.join(file.path);
        let state = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => FileState::Missing,
            Err(error) => return Err(io(&path, error)),
            Ok(metadata) if metadata.len() != file.size => FileState::WrongSize {
                found: metadata.len(),
                expected: file.size,
            },
            Ok(_) => {
                let total = model.size();
                let report = |bytes| {
                    progress(PullProgress {
                        stage: PullStage::Checking,
                        done: done + bytes,
                        total,
                    });
                };
                let found = sum(&path, &report, cancel).await?;
                if found == file.sha256 {
                    FileState::Good
                } else {
                    FileState::WrongSum { found }
                }
            }
        };
        done += file.size;
        checks.push(FileCheck { path, state });
    }
    Ok(checks)
}

/// The SHA-256 of a file, in lower-case hexadecimal.
pub(super) async fn sum(
    path: &Path,
    report: &(dyn Fn(u64) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<String, PullError> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let (owned_path, token) = (path.to_owned(), cancel.clone());
    let work = tokio::task::spawn_blocking(move || {
        let mut file = File::open(&owned_path).map_err(|error| io(&owned_path, error))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut done = 0;
        loop {
            let read = file.read(&mut buffer).map_err(|error| io(&owned_path, error))?;
            if read == 0 {
                return Ok(hex::encode(hasher.finalize()));
            }
            hasher.update(&buffer[..read]);
            done += read as u64;
            // Nobody listens any more once the caller went away.
            if token.is_cancelled() || sender.send(done).is_err() {
                return Err(PullError::Cancelled);
            }
        }
    });
    while let Some(done) = receiver.recv().await {
        report(done);
    }
    joined(work).await
}

/// The result of blocking work; a panic there is an error here.
pub(super) async fn joined<T>(work: tokio::task::JoinHandle<Result<T, PullError>>) -> Result<T, PullError> {
    work.await
        .unwrap_or_else(|error| Err(io(Path::new("worker"), std::io::Error::other(error))))
}

/// Checks a fetched file and renames it into place; a wrong one is deleted.
pub(super) async fn install(
    partial: &Path,
    target: &Path,
    file: &CatalogFile,
    progress: OnProgress<'_>,
    cancel: &CancellationToken,
) -> Result<(), PullError> {
    let size = fs::metadata(partial).map_err(|error| io(partial, error))?.len();
    let wrong = if size == file.size {
        let report = |done| {
            progress(PullProgress {
                stage: PullStage::Checking,
                done,
                total: file.size,
            })
        };
        let found = sum(partial, &report, cancel).await?;
        (found != file.sha256).then(|| format!("SHA-256 {found} instead of {}", file.sha256))
    } else {
        Some(format!("{size} bytes instead of {}", file.size))
    };
    if let Some(what) = wrong {
        delete(partial)?;
        return Err(PullError::Corrupt {
            file: file.path.to_owned(),
            what,
        });
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(|error| io(folder, error))?;
    }
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(|error| io(partial, error))?;
    fs::rename(partial, target).map_err(|error| io(target, error))
}

/// Takes the model's lock; it is freed when the value is dropped or the process ends.
pub(super) fn lock(work: &Path) -> Result<File, PullError> {
    fs::create_dir_all(work).map_err(|error| io(work, error))?;
    let path = work.join("lock");
    let file = File::create(&path).map_err(|error| io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PullError::Busy { lock: path }),
        Err(TryLockError::Error(error)) => Err(io(&path, error)),
    }
}

/// Bytes that an interrupted pull has kept.
pub(super) fn partial_bytes(work: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(work) else { return 0 };
    let partial = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "partial"));
    partial
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Bytes of everything below a folder (two levels: the package client's own temporary folders).
pub(super) fn folder_bytes(folder: &Path, depth: u8) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() && depth > 0 => folder_bytes(&entry.path(), depth - 1),
        Ok(metadata) if metadata.is_file() => metadata.len(),
        _ => 0,
    });
    bytes.sum()
}

/// Deletes a file if it is there; gives its size.
pub(super) fn delete(path: &Path) -> Result<u64, PullError> {
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(io(path, error)),
    };
    fs::remove_file(path).map_err(|error| io(path, error))?;
    Ok(size)
}

/// Deletes a folder with everything in it, if it is there.
pub(super) fn delete_folder(path: &Path) -> Result<(), PullError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(path, error)),
        _ => Ok(()),
    }
}
