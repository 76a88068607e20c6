//! The verbs, one a file, and the arguments that all of them take.

pub mod ask;
pub mod ca;
pub mod config;
pub mod dev_config;
pub mod doctor;
pub mod eval;
pub mod extract;
pub mod models;
pub mod openapi;
pub mod serve;
pub mod usage;

use crate::config::{Config, Overrides};
use clap::Args;
use std::path::PathBuf;

/// Arguments of every verb.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Configuration file [default: boxwood.toml in the current folder, if there is one].
    #[arg(long, global = true, env = "BOXWOOD_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of files, users and settings made at run time.
    #[arg(long, global = true, env = "BOXWOOD_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Folder of models and of what can be computed again.
    #[arg(long, global = true, env = "BOXWOOD_CACHE", value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
    /// Address of plain HTTP, or `off`.
    #[arg(long, global = true, env = "BOXWOOD_HTTP", value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Address of HTTPS, or `off`.
    #[arg(long, global = true, env = "BOXWOOD_HTTPS", value_name = "ADDRESS")]
    pub https: Option<String>,
}

impl Common {
    /// Reads the configuration: defaults, then the file, then environment and arguments.
    ///
    /// # Errors
    /// Every mistake in the file, with its path.
    pub fn load(&self) -> anyhow::Result<Config> {
        let overrides = Overrides {
            data: self.data.clone(),
            cache: self.cache.clone(),
            http: self.http.clone(),
            https: self.https.clone(),
        };
        Config::load(self.config.as_deref(), &overrides)
    }
}
