//! What an engine is started with, and what is wrong with it.
//!
//! Invariant: nothing here touches the model file. A missing file is told at the first request, so that a server
//! starts without a model and becomes able to answer as soon as the file is there.
//! Called by the binary, by tests and by benchmarks.

use std::path::PathBuf;
use std::time::Duration;

/// Tokens of a step on a GPU.
const GPU_BATCH_TOKENS: u32 = 1_024;

/// Tokens of a prompt that a GPU reads between two tokens of running answers. What keeps two cores busy for a step is
/// nothing to a GPU: documents would wait for the answers beside them.
const GPU_SHARED_BATCH_TOKENS: u32 = 256;

/// Number type of the attention keys and values that are kept for every token of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvType {
    /// Two bytes a number; the default.
    F16,
    /// About one byte a number: half the memory, somewhat slower on a CPU, slightly different answers.
    Q8_0,
}

/// Where read documents are kept between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixCacheConfig {
    /// Folder of the saved states; made (readable by its owner only) when it is first needed.
    pub dir: PathBuf,
    /// Upper bound of all files together; the least recently used are removed first.
    pub max_bytes: u64,
}

/// What an engine is started with. Make it with [`EngineConfig::new`] and change what differs.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// The GGUF file.
    pub model_path: PathBuf,
    /// As reported in `ai_agent_info.models[].name`: `"boxwood__qwen2_5_coder_1_5b_instruct_q4_k_m"`.
    pub name: String,
    /// Tokens that prompt and completion of one request may have together. At most what the model was trained on.
    pub context_tokens: u32,
    /// Tokens that one completion may have, as told in the model's identity.
    pub max_output_tokens: u32,
    /// Requests that are worked on at the same time; more wait in the queue.
    pub max_sequences: u32,
    /// Tokens for which attention state is kept in memory, over all running requests and kept documents together.
    /// Raised to `context_tokens` if smaller. Costs memory from the first request on (1.5B model: 28.7 KB a token).
    pub cache_tokens: u32,
    /// Threads that compute; 0 means as many as the process may run on. Never set more than there are free cores.
    pub threads: u32,
    /// Requests that may wait; one more is refused with a time to try again.
    pub queue_limit: usize,
    /// Tokens that one step of prefill reads at most.
    pub batch_tokens: u32,
    /// Tokens of a prompt that are read between two tokens of running answers.
    pub shared_batch_tokens: u32,
    /// Where read documents are kept between runs; `None` keeps them in memory only.
    pub prefix_cache: Option<PrefixCacheConfig>,
    /// Number type of kept keys and values.
    pub kv_type: KvType,
    /// Fused attention: faster and smaller.
    pub flash_attention: bool,
    /// Layers that a GPU computes, where the build has a GPU backend.
    pub gpu_layers: u32,
    /// Layer (counted from 0, never the last one) whose output at the beginning of a reply is given with scored choices;
    /// `None` gives no state.
    pub state_layer: Option<u32>,
    /// Frees the model's memory after so long without a request; the next request loads it again.
    pub idle_unload: Option<Duration>,
}

impl EngineConfig {
    /// The settings that were measured best on two cores, for the given file and reported name.
    pub fn new(model_path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self {
            model_path: model_path.into(),
            name: name.into(),
            context_tokens: 8192,
            max_output_tokens: 2048,
            max_sequences: 4,
            cache_tokens: 12_288,
            threads: 0,
            queue_limit: 32,
            batch_tokens: 512,
            shared_batch_tokens: 64,
            prefix_cache: None,
            kv_type: KvType::F16,
            flash_attention: true,
            gpu_layers: 0,
            state_layer: None,
            idle_unload: None,
        }
    }

    /// Has a GPU compute so many layers, in steps of its size. Nothing changes for 0. The sizes were chosen, not measured.
    #[must_use]
    pub fn on_gpu(mut self, layers: u32) -> Self {
        self.gpu_layers = layers;
        if layers > 0 {
            self.batch_tokens = GPU_BATCH_TOKENS;
            self.shared_batch_tokens = GPU_SHARED_BATCH_TOKENS;
        }
        self
    }

    /// Checks the numbers against each other.
    ///
    /// # Errors
    /// [`EngineError::Setting`] with the name of the first setting that can't be.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        let at_least_one = [
            ("context_tokens", self.context_tokens),
            ("max_output_tokens", self.max_output_tokens),
            ("max_sequences", self.max_sequences),
            ("shared_batch_tokens", self.shared_batch_tokens),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(EngineError::setting(setting, "must be at least 1"));
            }
        }
        if self.name.is_empty() {
            return Err(EngineError::setting("name", "must not be empty"));
        }
        if self.max_sequences > 64 {
            return Err(EngineError::setting("max_sequences", "must be at most 64"));
        }
        if self.max_output_tokens >= self.context_tokens {
            return Err(EngineError::setting(
                "max_output_tokens",
                "must be smaller than context_tokens, or no prompt fits",
            ));
        }
        if self.batch_tokens < 32 || self.batch_tokens < self.max_sequences {
            return Err(EngineError::setting(
                "batch_tokens",
                "must be at least 32 and at least max_sequences",
            ));
        }
        Ok(())
    }

    /// Tokens for which the context is made.
    pub(crate) fn total_cells(&self) -> u32 {
        // The library rounds up to 256; doing it here keeps our own count of free cells the same as its.
        self.cache_tokens.max(self.context_tokens).next_multiple_of(256)
    }

    /// Threads that compute, resolved.
    pub(crate) fn thread_count(&self) -> i32 {
        let wanted = if self.threads == 0 {
            std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
        } else {
            self.threads as usize
        };
        i32::try_from(wanted).unwrap_or(i32::MAX)
    }
}

/// Why an engine can't be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A setting can't be.
    #[error("engine setting {setting} {problem}")]
    Setting {
        /// The field of [`EngineConfig`].
        setting: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The operating system gives no thread.
    #[error("the engine's thread can't be started")]
    Thread(#[source] std::io::Error),
}

impl EngineError {
    fn setting(setting: &'static str, problem: &'static str) -> Self {
        Self::Setting { setting, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut EngineConfig), expected: Option<&str>) {
        let mut config = EngineConfig::new("model.gguf", "boxwood__test");
        change(&mut config);
        let found = config.validate().err().map(|error| error.to_string());
        match expected {
            None => assert_eq!(found, None),
            Some(words) => assert!(
                found.as_deref().is_some_and(|text| text.contains(words)),
                "{found:?} should name {words}"
            ),
        }
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        check(|_| (), None);
        check(|config| config.name.clear(), Some("name"));
        check(|config| config.context_tokens = 0, Some("context_tokens"));
        check(|config| config.max_sequences = 0, Some("max_sequences"));
        check(|config| config.max_sequences = 65, Some("max_sequences"));
        check(
            |config| config.max_output_tokens = config.context_tokens,
            Some("max_output_tokens"),
        );
        check(|config| config.batch_tokens = 8, Some("batch_tokens"));
    }

    #[test]
    fn cells_cover_one_whole_context_and_are_rounded_as_the_library_rounds() {
        let mut config = EngineConfig::new("model.gguf", "boxwood__test");
        config.context_tokens = 1000;
        config.cache_tokens = 10;
        assert_eq!(config.total_cells(), 1024);
        config.cache_tokens = 1025;
        assert_eq!(config.total_cells(), 1280);
    }
}
