//! The embedder's thread: loads the model at the first job, computes jobs in small batches, frees the model when idle.
//!
//! Invariants: only this thread touches the model and its context; the job with the fewest texts left goes first, and
//! new jobs are looked for between batches, so a question waits for one batch at most (about 0.1 s on one core).

use crate::embed::{EmbedJob, MINILM_DIMENSIONS, MINILM_NAME, MiniLmConfig, WINDOW_TOKENS};
use crate::loaded::backend;
use crate::minilm;
use boxwood_core::ModelError;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

/// Tokens of one batch. Every token of a batch attends over the whole batch before masking, so larger batches cost more.
const BATCH_TOKENS: usize = 512;
/// Windows of one batch.
const BATCH_WINDOWS: usize = 16;

/// A job with what is done of it.
struct Running {
    job: EmbedJob,
    vectors: Vec<Vec<f32>>,
}

impl Running {
    fn new(job: EmbedJob) -> Self {
        Self {
            vectors: Vec::with_capacity(job.texts.len()),
            job,
        }
    }

    fn remaining(&self) -> usize {
        self.job.texts.len() - self.vectors.len()
    }

    fn finish(self, result: Result<(), ModelError>) {
        // An error of the channel means that the caller went away.
        let _ = self.job.reply.send(result.map(|()| self.vectors));
    }
}

/// Runs until the last handle is dropped.
pub(crate) fn serve(config: &MiniLmConfig, queue: &Receiver<EmbedJob>) {
    while let Ok(first) = queue.recv() {
        let model = match load(config) {
            Ok(model) => model,
            Err(error) => {
                // The next job tries again: the model may be pulled meanwhile.
                tracing::warn!(%error, "the embedding model can't be loaded");
                Running::new(first).finish(Err(error));
                continue;
            }
        };
        match new_context(&model, config) {
            Ok(context) => {
                if !serve_loaded(config, queue, &model, context, first) {
                    return;
                }
            }
            Err(error) => Running::new(first).finish(Err(error)),
        }
    }
}

fn failed(message: impl ToString) -> ModelError {
    ModelError::Failed {
        model: MINILM_NAME.to_owned(),
        message: message.to_string(),
    }
}

fn unavailable(error: impl ToString) -> ModelError {
    ModelError::Unavailable {
        model: MINILM_NAME.to_owned(),
        message: error.to_string(),
    }
}

fn load(config: &MiniLmConfig) -> Result<LlamaModel, ModelError> {
    let path = minilm::converted(&config.model_dir, &config.cache_dir).map_err(unavailable)?;
    let library = backend().map_err(unavailable)?;
    LlamaModel::load_from_file(library, &path, &LlamaModelParams::default().with_n_gpu_layers(0))
        .map_err(|error| unavailable(format!("{} can't be loaded: {error}", path.display())))
}

fn new_context<'a>(model: &'a LlamaModel, config: &MiniLmConfig) -> Result<LlamaContext<'a>, ModelError> {
    let wanted = match config.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        threads => threads as usize,
    };
    let threads = i32::try_from(wanted).unwrap_or(1);
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(BATCH_TOKENS as u32))
        .with_n_batch(BATCH_TOKENS as u32)
        .with_n_ubatch(BATCH_TOKENS as u32)
        .with_n_seq_max(BATCH_WINDOWS as u32)
        .with_kv_unified(true)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_embeddings(true)
        .with_pooling_type(LlamaPoolingType::Mean);
    model
        .new_context(backend().map_err(unavailable)?, params)
        .map_err(failed)
}

/// Computes until idle (true) or until the last handle is gone (false).
fn serve_loaded(
    config: &MiniLmConfig,
    queue: &Receiver<EmbedJob>,
    model: &LlamaModel,
    mut context: LlamaContext<'_>,
    first: EmbedJob,
) -> bool {
    let mut running = vec![Running::new(first)];
    let mut batch = LlamaBatch::new(BATCH_TOKENS, 1);
    loop {
        // A hung-up queue is noticed below, when no job is left.
        while let Ok(job) = queue.try_recv() {
            running.push(Running::new(job));
        }
        running.retain(|job| !job.job.reply.is_closed());
        let shortest = running
            .iter()
            .enumerate()
            .min_by_key(|(_, job)| job.remaining())
            .map(|(index, _)| index);
        if let Some(index) = shortest {
            let result = advance(model, &mut context, &mut batch, &mut running[index]);
            if result.is_err() || running[index].remaining() == 0 {
                running.swap_remove(index).finish(result);
            }
            continue;
        }
        let next = match config.idle_unload {
            Some(idle) => queue.recv_timeout(idle),
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(job) => running.push(Running::new(job)),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// A stretch of a text's tokens, with the marks that begin and end a text for this model.
struct Window {
    /// Which text of the batch.
    text: usize,
    tokens: Vec<LlamaToken>,
}

/// Computes the next few texts of a job.
fn advance(
    model: &LlamaModel,
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    running: &mut Running,
) -> Result<(), ModelError> {
    let mut windows: Vec<Window> = Vec::new();
    let mut total = 0;
    let mut texts = 0;
    for text in running.job.texts.iter().skip(running.vectors.len()) {
        let cut = cut_windows(model, text, texts);
        let tokens: usize = cut.iter().map(|window| window.tokens.len()).sum();
        if texts > 0 && (total + tokens > BATCH_TOKENS || windows.len() + cut.len() > BATCH_WINDOWS) {
            break;
        }
        total += tokens;
        texts += 1;
        windows.extend(cut);
    }
    let mut sums = vec![vec![0.0f32; MINILM_DIMENSIONS]; texts];
    for group in group_windows(&windows) {
        compute(context, batch, group, &mut sums)?;
    }
    running.vectors.extend(sums.into_iter().map(normalise));
    Ok(())
}

fn cut_windows(model: &LlamaModel, text: &str, index: usize) -> Vec<Window> {
    let tokens = model.vocab().tokenize(text.as_bytes(), true, false);
    let (Some(&begin), Some(&end)) = (tokens.first(), tokens.last()) else {
        return Vec::new();
    };
    let inner = tokens.get(1..tokens.len().saturating_sub(1)).unwrap_or(&[]);
    if inner.is_empty() {
        return vec![Window { text: index, tokens }];
    }
    inner
        .chunks(WINDOW_TOKENS - 2)
        .map(|part| Window {
            text: index,
            tokens: std::iter::once(begin)
                .chain(part.iter().copied())
                .chain([end])
                .collect(),
        })
        .collect()
}

/// Windows in groups that each fit a batch.
fn group_windows(windows: &[Window]) -> Vec<&[Window]> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut tokens = 0;
    for (index, window) in windows.iter().enumerate() {
        let is_full = tokens + window.tokens.len() > BATCH_TOKENS || index - start == BATCH_WINDOWS;
        if is_full && index > start {
            groups.push(&windows[start..index]);
            start = index;
            tokens = 0;
        }
        tokens += window.tokens.len();
    }
    if start < windows.len() {
        groups.push(&windows[start..]);
    }
    groups
}

/// Adds each window's mean vector to its text's sum, weighted by its length.
fn compute(
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    windows: &[Window],
    sums: &mut [Vec<f32>],
) -> Result<(), ModelError> {
    batch.clear();
    for (sequence, window) in (0i32..).zip(windows) {
        for (position, &token) in (0i32..).zip(&window.tokens) {
            batch.add(token, position, &[sequence], true).map_err(failed)?;
        }
    }
    context.encode(batch).map_err(failed)?;
    for (sequence, window) in (0i32..).zip(windows) {
        let vector = context.embeddings_seq_ith(sequence).map_err(failed)?;
        if vector.iter().any(|value| !value.is_finite()) {
            return Err(failed("it gave a vector that is no number"));
        }
        let sum = sums
            .get_mut(window.text)
            .ok_or_else(|| failed("a window belongs to no text"))?;
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value * window.tokens.len() as f32;
        }
    }
    Ok(())
}

fn normalise(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}
