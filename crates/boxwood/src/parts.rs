//! Builds the parts of the program from the configuration: models, library, answer service.
//!
//! Nothing is loaded here: the engine and the embedder open their files at the first request.

use crate::config::Config;
use anyhow::Context;
use boxwood_answer::reason::Sandbox;
use boxwood_answer::support::ReadOut;
use boxwood_answer::{AnswerService, Library};
use boxwood_core::{ChatModel, Embedder, SystemClock};
use boxwood_ingest::{IngestConfig, Ingestor, OcrConfig};
use boxwood_local::{EngineConfig, LocalEngine, LocalModel, MiniLmConfig, MiniLmEmbedder, PrefixCacheConfig};
use boxwood_models::meter::Budgets;
use boxwood_models::pull::{is_complete, model_path};
use boxwood_models::{
    CatalogModel, CatalogPurpose, Meter, ModelRegistry, catalog, default_chat_model, find_local,
};
use boxwood_server::UsageWriter;
use boxwood_store::Store;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that answers questions.
pub struct Parts {
    /// The engine of this process, where its model is installed.
    pub engine: Option<LocalModel>,
    /// What counts and limits the use of models.
    pub meter: Meter,
    /// The answer service.
    pub service: Arc<AnswerService>,
}

/// Local models for a listing, without starting anything else.
///
/// # Errors
/// As [`build`].
pub fn local_models(config: &Config) -> anyhow::Result<Vec<Arc<dyn ChatModel>>> {
    Ok(start_engine(config)?
        .into_iter()
        .map(|engine| Arc::new(engine) as Arc<dyn ChatModel>)
        .collect())
}

/// The model that this process is configured to run.
pub fn chat_model(config: &Config) -> &'static CatalogModel {
    config
        .engine
        .model
        .as_deref()
        .and_then(find_local)
        .unwrap_or_else(default_chat_model)
}

/// What has to be pulled before questions can be answered well: the chat model, the embedder, the OCR models.
pub fn needed_models(config: &Config) -> Vec<&'static CatalogModel> {
    let chat = chat_model(config);
    let others = catalog()
        .iter()
        .filter(|model| !matches!(model.purpose, CatalogPurpose::Chat));
    std::iter::once(chat).chain(others).collect()
}

/// Builds all parts over a store.
///
/// # Errors
/// When a thread can't be started or a host is bound without trusted certificates on this machine.
pub fn build(config: &Config, store: Arc<dyn Store>) -> anyhow::Result<Parts> {
    let engine = start_engine(config)?;
    let locals: Vec<Arc<dyn ChatModel>> = engine
        .iter()
        .map(|engine| Arc::new(engine.clone()) as Arc<dyn ChatModel>)
        .collect();
    let meter = Meter::new(
        Arc::new(SystemClock),
        Arc::new(UsageWriter::new(store.clone())),
        Budgets::new(config.budgets.clone()),
    );
    let registry = ModelRegistry::new(config.models.clone(), locals, start_embedder(config)?)
        .context("the bound hosts can't be reached securely")?
        .with_meter(meter.clone());
    let library = Arc::new(Library::new(store, Ingestor::new(ingest_config(config))));
    let service = AnswerService::new(library, registry, config.answers.clone());
    let service = Arc::new(service.with_sandbox(Sandbox::beside_this_program()));
    Ok(Parts {
        engine,
        meter,
        service,
    })
}

fn start_engine(config: &Config) -> anyhow::Result<Option<LocalModel>> {
    let model = chat_model(config);
    let models_dir = config.models_dir();
    // What is played back needs no engine.
    if config.models.replay.is_some() || !is_complete(model, &models_dir) {
        return Ok(None);
    }
    let settings = &config.engine;
    let mut engine =
        EngineConfig::new(model_path(model, &models_dir), model.name).on_gpu(settings.gpu_layers);
    engine.threads = settings.threads;
    engine.context_tokens = settings.context_tokens;
    engine.max_output_tokens = engine.max_output_tokens.min(settings.context_tokens / 2);
    engine.max_sequences = settings.sequences;
    engine.queue_limit = settings.queue;
    engine.cache_tokens = settings.cache_tokens;
    engine.state_layer = ReadOut::of(model.name).map(|read_out| read_out.layer);
    engine.idle_unload = settings.idle_unload;
    engine.prefix_cache = (settings.prefix_cache_bytes > 0).then(|| PrefixCacheConfig {
        dir: config.cache.join("prefixes"),
        max_bytes: settings.prefix_cache_bytes,
    });
    Ok(Some(LocalEngine::start(engine)?))
}

fn start_embedder(config: &Config) -> anyhow::Result<Option<Arc<dyn Embedder>>> {
    let Some(dir) = installed_folder(config, CatalogPurpose::Embedding) else {
        return Ok(None);
    };
    // One thread: texts are short, and threads of llama.cpp that wait for each other spin.
    let settings = MiniLmConfig {
        threads: 1,
        ..MiniLmConfig::new(dir, config.cache.join("converted"))
    };
    let embedder = MiniLmEmbedder::start(settings)?;
    Ok(Some(Arc::new(embedder)))
}

fn ingest_config(config: &Config) -> IngestConfig {
    IngestConfig {
        workers: config.ingest.workers,
        limits: config.ingest.limits.clone(),
        ocr: OcrConfig {
            models_dir: installed_folder(config, CatalogPurpose::Ocr),
            languages: config.ingest.ocr_languages.clone(),
            engine: config.ingest.ocr,
        },
        ..IngestConfig::default()
    }
}

/// Folder of the installed model of a purpose.
fn installed_folder(config: &Config, purpose: CatalogPurpose) -> Option<PathBuf> {
    let models_dir = config.models_dir();
    let model = catalog()
        .iter()
        .find(|model| model.purpose == purpose && is_complete(model, &models_dir))?;
    model_path(model, &models_dir).parent().map(PathBuf::from)
}
