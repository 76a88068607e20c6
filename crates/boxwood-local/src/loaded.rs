//! A model file in memory: weights, vocabulary, chat template, and what identifies it.
//!
//! Invariant: immutable once made, so that callers tokenise on their own threads while the engine's thread computes; the
//! table for grammars is built once, whoever wants it first.
//! Made by `thread`; used by `prompt` and `scheduler`.

use crate::channels::Marks;
use crate::config::EngineConfig;
use crate::grammar::{GrammarError, GrammarTable};
use crate::native::system_info;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatTemplate, LlamaModel};
use llama_cpp_2::{LogOptions, send_logs_to_tracing};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The library whose saved states we keep; a state of another one is never loaded. Held to `Cargo.lock` by a test.
pub(crate) const LIBRARY_BUILD: &str = "llama-cpp-sys-2 0.1.161";

/// Why a model can't be loaded; told to every request that waits for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("its file {} is missing: run `boxwood models pull`", path.display())]
    Missing { path: PathBuf },
    #[error("its file {} can't be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("its file {} is no GGUF file that this engine can run ({reason}): run `boxwood models verify`", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("its file has no chat template, so it can't hold a conversation: choose an instruct model")]
    NoTemplate,
    #[error("it was trained for {trained} tokens, but context_tokens is {wanted}: lower the setting")]
    ContextTooLarge { trained: u32, wanted: u32 },
    #[error("the engine library can't be started: {reason}")]
    Library { reason: String },
}

/// A loaded model.
#[derive(Debug)]
pub(crate) struct LoadedModel {
    /// Weights and vocabulary.
    pub model: Arc<LlamaModel>,
    /// As the file gives it.
    pub template: LlamaChatTemplate,
    /// Identifies the file for the prefix cache.
    pub fingerprint: [u8; 32],
    /// How it marks its thinking, where it thinks by itself.
    pub marks: Option<Marks>,
    /// Whether a part of a kept state can be continued (false for recurrent networks, whose state is one whole).
    pub divisible: bool,
    grammars: OnceLock<Result<GrammarTable, GrammarError>>,
}

impl LoadedModel {
    /// Reads the file. Takes seconds.
    pub fn load(config: &EngineConfig) -> Result<Self, LoadError> {
        let path = &config.model_path;
        let fingerprint = fingerprint(path)?;
        let started = Instant::now();
        let library = backend()?;
        if config.gpu_layers > 0 && !library.supports_gpu_offload() {
            tracing::warn!(
                gpu_layers = config.gpu_layers,
                "there is no GPU that this build of the engine can use: the CPU computes every layer \
                 (`make build GPU=cuda` builds for NVIDIA GPUs; `nvidia-smi` tells whether the driver works)"
            );
        }
        let params = LlamaModelParams::default().with_n_gpu_layers(config.gpu_layers);
        let model =
            LlamaModel::load_from_file(library, path, &params).map_err(|error| LoadError::Broken {
                path: path.clone(),
                reason: error.to_string(),
            })?;
        let trained = model.n_ctx_train();
        if trained < config.context_tokens {
            return Err(LoadError::ContextTooLarge {
                trained,
                wanted: config.context_tokens,
            });
        }
        let template = model.chat_template(None).map_err(|_| LoadError::NoTemplate)?;
        let marks = thinking_marks(&model, &template);
        let divisible = !model.is_recurrent() && !model.is_hybrid();
        tracing::info!(
            model = %config.name,
            file = %path.display(),
            bytes = model.size(),
            seconds = started.elapsed().as_secs_f64(),
            "the model is loaded"
        );
        Ok(Self {
            model: Arc::new(model),
            template,
            fingerprint,
            marks,
            divisible,
            grammars: OnceLock::new(),
        })
    }

    /// The vocabulary for grammars; builds it, or waits for whoever builds it.
    pub fn grammars(&self) -> Result<&GrammarTable, &GrammarError> {
        self.grammars
            .get_or_init(|| {
                let started = Instant::now();
                let table = GrammarTable::new(Arc::clone(&self.model));
                match &table {
                    Ok(_) => {
                        tracing::info!(
                            seconds = started.elapsed().as_secs_f64(),
                            "the table for schemas is built"
                        );
                    }
                    Err(error) => tracing::warn!(%error, "no request can have a schema"),
                }
                table
            })
            .as_ref()
    }

    /// Builds the table for grammars on a thread of its own, so that no request waits for it.
    pub fn prepare_grammars(self: &Arc<Self>) {
        let loaded = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name("boxwood-schemas".to_owned())
            .spawn(move || {
                // Whoever needs the table is told why there is none.
                let _ = loaded.grammars();
            });
        if let Err(error) = spawned {
            tracing::warn!(%error, "the table for schemas is built with the first request that needs it");
        }
    }
}

/// What the file's own template and vocabulary say about thinking.
fn thinking_marks(model: &LlamaModel, template: &LlamaChatTemplate) -> Option<Marks> {
    let template = template.to_str().ok()?;
    Marks::of(template, |text| {
        let tokens = model.vocab().tokenize(text.as_bytes(), false, true);
        tokens.into_iter().map(|token| token.0).collect()
    })
}

/// The library, started once and kept until the process ends: several engines share it.
pub(crate) fn backend() -> Result<&'static LlamaBackend, LoadError> {
    static BACKEND: Mutex<Option<&'static LlamaBackend>> = Mutex::new(None);
    let mut backend = BACKEND.lock();
    if let Some(backend) = *backend {
        return Ok(backend);
    }
    send_logs_to_tracing(LogOptions::default());
    tracing::info!(instructions = %system_info(), "the engine library is started");
    let started = LlamaBackend::init().map_err(|error| LoadError::Library {
        reason: error.to_string(),
    })?;
    Ok(backend.insert(Box::leak(Box::new(started))))
}

/// Size, time of change and first mebibyte (which holds the names and settings): cheap, and different for every file
/// that is put in this place.
fn fingerprint(path: &Path) -> Result<[u8; 32], LoadError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing {
            path: path.to_path_buf(),
        },
        _ => LoadError::Unreadable {
            path: path.to_path_buf(),
            source,
        },
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let changed = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |age| age.as_nanos());
    let mut head = Vec::with_capacity(1 << 20);
    file.take(1 << 20).read_to_end(&mut head).map_err(unreadable)?;
    if !head.starts_with(b"GGUF") {
        return Err(LoadError::Broken {
            path: path.to_path_buf(),
            reason: "it does not begin with GGUF".to_owned(),
        });
    }
    let mut hash = Sha256::new();
    hash.update(metadata.len().to_le_bytes());
    hash.update(changed.to_le_bytes());
    hash.update(&head);
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_build_is_the_one_in_the_lock_file() {
        let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
        let (name, version) = LIBRARY_BUILD.split_once(' ').unwrap();
        let expected = format!("name = \"{name}\"\nversion = \"{version}\"");
        assert!(
            lock.contains(&expected),
            "LIBRARY_BUILD says {LIBRARY_BUILD}, Cargo.lock says otherwise: saved states of another build must not be loaded"
        );
    }

    #[test]
    fn a_file_that_is_missing_or_no_model_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let missing = EngineConfig::new(folder.path().join("none.gguf"), "boxwood__test");
        let error = LoadedModel::load(&missing).unwrap_err().to_string();
        assert!(
            error.contains("missing") && error.contains("boxwood models pull"),
            "{error}"
        );
        let path = folder.path().join("text.gguf");
        std::fs::write(&path, b"no model").unwrap();
        let error = LoadedModel::load(&EngineConfig::new(&path, "boxwood__test"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no GGUF file"), "{error}");
        std::fs::write(&path, b"GGUF and then nothing that belongs there").unwrap();
        let error = LoadedModel::load(&EngineConfig::new(&path, "boxwood__test"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no GGUF file"), "{error}");
    }
}
