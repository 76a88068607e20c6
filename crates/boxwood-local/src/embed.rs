//! The in-process embedder: short texts into unit vectors, by llama.cpp on its own thread.
//!
//! Invariants: the async runtime never computes; jobs pass a bounded queue (full: an answer that says when to try
//! again); a job whose caller went away is dropped; short jobs (a question) overtake long ones (a whole document); a
//! text longer than the model's window is embedded in windows and averaged, never cut. Called by `boxwood-answer`
//! through [`Embedder`].

use crate::config::EngineError;
use crate::embed_thread;
use async_trait::async_trait;
use boxwood_core::{Embedder, ModelError, ModelIdentity};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// As reported in `ai_agent_info.models[].name`, and as the catalogue names its files.
pub const MINILM_NAME: &str = "boxwood__all_minilm_l6_v2";
/// Length of its vectors.
pub const MINILM_DIMENSIONS: usize = 384;
/// Tokens of one window, as the model was published to be used.
pub(crate) const WINDOW_TOKENS: usize = 256;

/// What the embedder is started with.
#[derive(Debug, Clone)]
pub struct MiniLmConfig {
    /// Folder with `model.safetensors` and `vocab.txt`, as pulled.
    pub model_dir: PathBuf,
    /// Folder for the converted model; made when needed.
    pub cache_dir: PathBuf,
    /// Threads that compute; 0 means as many as the process may run on.
    pub threads: u32,
    /// Jobs that may wait; one more is refused with a time to try again.
    pub queue_limit: usize,
    /// Frees the model's memory (about 60 MB) after so long without a job; the next job loads it again.
    pub idle_unload: Option<Duration>,
}

impl MiniLmConfig {
    /// The usual settings.
    pub fn new(model_dir: impl Into<PathBuf>, cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            model_dir: model_dir.into(),
            cache_dir: cache_dir.into(),
            threads: 0,
            queue_limit: 64,
            idle_unload: None,
        }
    }
}

/// Texts on their way to the thread.
pub(crate) struct EmbedJob {
    pub texts: Vec<String>,
    pub reply: oneshot::Sender<Result<Vec<Vec<f32>>, ModelError>>,
}

/// all-MiniLM-L6-v2: 384 dimensions, English. Cheap to clone; all clones share one thread, which loads the model at
/// the first job and ends when the last clone is gone.
#[derive(Debug, Clone)]
pub struct MiniLmEmbedder {
    identity: Arc<ModelIdentity>,
    jobs: SyncSender<EmbedJob>,
}

impl MiniLmEmbedder {
    /// Starts the thread. No file is touched before the first job.
    ///
    /// # Errors
    /// [`EngineError::Thread`] when the operating system gives no thread.
    pub fn start(config: MiniLmConfig) -> Result<Self, EngineError> {
        let (jobs, queue) = sync_channel(config.queue_limit.max(1));
        std::thread::Builder::new()
            .name("embedder".to_owned())
            .spawn(move || embed_thread::serve(&config, &queue))
            .map_err(EngineError::Thread)?;
        Ok(Self {
            identity: Arc::new(ModelIdentity {
                name: MINILM_NAME.to_owned(),
                provider: "boxwood".to_owned(),
                context_window: WINDOW_TOKENS as u32,
                max_output_tokens: 0,
                images: false,
                scores_choices: false,
                json_schema: false,
                tools: false,
            }),
            jobs,
        })
    }

    /// Loads the model, so that the first question need not wait for it.
    ///
    /// # Errors
    /// As [`Embedder::embed`].
    pub async fn warm_up(&self) -> Result<(), ModelError> {
        self.embed(&["warm".to_owned()]).await.map(|_| ())
    }
}

#[async_trait]
impl Embedder for MiniLmEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn dimensions(&self) -> usize {
        MINILM_DIMENSIONS
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let job = EmbedJob {
            texts: texts.to_vec(),
            reply,
        };
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => ModelError::Overloaded {
                model: MINILM_NAME.to_owned(),
                retry_after: Duration::from_secs(2),
            },
            TrySendError::Disconnected(_) => thread_is_gone(),
        })?;
        answer.await.map_err(|_| thread_is_gone())?
    }
}

fn thread_is_gone() -> ModelError {
    ModelError::Failed {
        model: MINILM_NAME.to_owned(),
        message: "its thread has ended".to_owned(),
    }
}

#[cfg(test)]
#[path = "embed_tests.rs"]
mod tests;
