//! `boxwood.toml`: as written ([`raw`]) → valid ([`Config`]).
//!
//! Invariant: a [`Config`] holds nothing optional that means "not yet known", and the checker reports every mistake it
//! can see, each with its path. The commented default file is embedded: `boxwood config default` prints it.

mod budgets;
mod raw;

use anyhow::{Context, bail};
use boxwood_answer::AnswerConfig;
use boxwood_ingest::{IngestLimits, OcrEngine};
use boxwood_models::ModelSettings;
use boxwood_models::meter::Budget;
use boxwood_server::ServerSettings;
use raw::Raw;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The commented default file.
pub const DEFAULT_FILE: &str = include_str!("../../../boxwood.toml");
/// Where plain HTTP listens.
const DEFAULT_HTTP: &str = "127.0.0.1:8020";
/// Where HTTPS listens.
const DEFAULT_HTTPS: &str = "127.0.0.1:8443";
/// Name of the file that is looked for in the current folder.
const FILE_NAME: &str = "boxwood.toml";

/// What arguments and environment say; it wins over the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--cache`
    pub cache: Option<PathBuf>,
    /// `--http`
    pub http: Option<String>,
    /// `--https`
    pub https: Option<String>,
}

/// The valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Files, users, certificates.
    pub data: PathBuf,
    /// Models and what can be computed again.
    pub cache: PathBuf,
    /// Plain HTTP.
    pub http: Option<SocketAddr>,
    /// HTTPS.
    pub https: Option<SocketAddr>,
    /// The server.
    pub server: ServerSettings,
    /// The identity that replaces the development one.
    pub identity: Option<Identity>,
    /// Models and hosts.
    pub models: ModelSettings,
    /// Limits of the use of models.
    pub budgets: Vec<Budget>,
    /// The engine in this process.
    pub engine: EngineSettings,
    /// The answer pipeline.
    pub answers: AnswerConfig,
    /// Reading files.
    pub ingest: IngestSettings,
    /// How long things are kept.
    pub keep: KeepSettings,
    /// Whether logs are JSON lines.
    pub json_logs: bool,
}

/// The enterprise, administrator and application of an installation beyond loopback.
#[derive(Debug, Clone)]
pub struct Identity {
    /// OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Where authorization codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Name of the enterprise.
    pub enterprise_name: String,
    /// Name of the administrator.
    pub admin_name: String,
    /// Login of the administrator.
    pub admin_login: String,
}

/// The engine in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// The catalogue model that is loaded; `None`: the catalogue's default.
    pub model: Option<String>,
    /// Threads; 0: as many as there are cores.
    pub threads: u32,
    /// Tokens that one request may have.
    pub context_tokens: u32,
    /// Requests that are worked on together.
    pub sequences: u32,
    /// Tokens whose attention state is kept in memory, over all requests and kept documents.
    pub cache_tokens: u32,
    /// Requests that may wait.
    pub queue: usize,
    /// Layers on a GPU, where the build has a GPU backend.
    pub gpu_layers: u32,
    /// Bytes of read documents kept on disk; 0 keeps none.
    pub prefix_cache_bytes: u64,
    /// The model's memory is freed after so long without a request.
    pub idle_unload: Option<Duration>,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepSettings {
    /// Answers, for review; zero: not at all.
    pub answers: chrono::Duration,
    /// Responses of the OpenAI-compatible API.
    pub responses: chrono::Duration,
    /// Events.
    pub events: chrono::Duration,
    /// Uses of models.
    pub usage: chrono::Duration,
}

/// Reading files.
#[derive(Debug, Clone)]
pub struct IngestSettings {
    /// Files that are read at the same time.
    pub workers: usize,
    /// Bounds of one file.
    pub limits: IngestLimits,
    /// Which OCR engine.
    pub ocr: OcrEngine,
    /// Languages that OCR expects.
    pub ocr_languages: Vec<String>,
}

impl Config {
    /// Reads and checks.
    ///
    /// # Errors
    /// A file that can't be read, and every mistake in it.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> anyhow::Result<Self> {
        let text = match file {
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?
            }
            None => match std::fs::read_to_string(FILE_NAME) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                Err(error) => return Err(error).with_context(|| format!("{FILE_NAME} can't be read")),
            },
        };
        Self::from_text(&text, overrides)
    }

    /// Checks a text.
    ///
    /// # Errors
    /// Every mistake, one a line.
    pub fn from_text(text: &str, overrides: &Overrides) -> anyhow::Result<Self> {
        let mut mistakes = Vec::new();
        let raw = Raw::read(text, &mut mistakes);
        let config = raw.validate(overrides, &mut mistakes);
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => bail!(
                "the configuration has {} mistake(s):\n  {}",
                mistakes.len(),
                mistakes.join("\n  ")
            ),
        }
    }

    /// Folder of the local models.
    pub fn models_dir(&self) -> PathBuf {
        self.cache.join("models")
    }

    /// Folder of certificates and development keys.
    pub fn tls_dir(&self) -> PathBuf {
        self.data.join("tls")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_default_file_is_valid_and_says_what_the_program_does_without_it() {
        let from_file = Config::from_text(DEFAULT_FILE, &Overrides::default()).unwrap();
        let without = Config::from_text("", &Overrides::default()).unwrap();
        assert_eq!(format!("{from_file:?}"), format!("{without:?}"));
    }

    #[test]
    fn every_mistake_is_reported_with_its_path() {
        let text = "[server]\nhttp = \"nowhere\"\n[engine]\nthreads = \"two\"\n[answers]\nabstain_below = 7.0\n[typo]\n";
        let error = Config::from_text(text, &Overrides::default())
            .unwrap_err()
            .to_string();
        for path in ["server.http", "engine", "answers.abstain_below", "typo"] {
            assert!(error.contains(path), "{path} is missing in {error}");
        }
    }

    #[test]
    fn beyond_loopback_the_development_identity_is_refused() {
        let text = "[server]\nhttp = \"0.0.0.0:8020\"\n";
        let error = Config::from_text(text, &Overrides::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("development"), "{error}");
    }
}
