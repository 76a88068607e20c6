//! The in-process engine: any GGUF model on its own thread, by llama.cpp.
//!
//! Architecture invariant: only this crate knows llama.cpp; nothing of its types leaves it. One thread per engine owns
//! the context; the async runtime never computes. Requests pass a bounded queue (full: an answer that says when to try
//! again, never an unbounded wait), run as parallel sequences of one context, and end when their stream is dropped.
//!
//! * [`config`]: what an engine is started with
//! * `handle`: [`LocalModel`], the [`boxwood_core::ChatModel`] that callers hold
//! * `prompt`: conversation → template → tokens, control words of documents never becoming control tokens
//! * [`grammar`], `constrained`: replies that keep to a JSON Schema, token by token
//! * `tools`: tools told to the model, and calls read out of what it writes
//! * `thread`: the engine's thread: loads, serves, unloads, ends
//! * `scheduler`: which tokens are computed next; `running`: one request while it is worked on
//! * `prefix`: documents kept in memory; `disk`: documents kept between runs
//! * `native`: the library's context, the only `unsafe` code; `pace`: how many threads compute on a busy machine
//! * `sampler`, `text`, `choices`: from logits to tokens, from tokens to text, from logits to probabilities of choices
//! * `embed`: [`MiniLmEmbedder`], the [`boxwood_core::Embedder`]; `embed_thread`: its thread; `minilm`: its model file
//!
//! Called by the binary (which hands [`LocalModel`] to `boxwood-models`), by tests and by the programs in `examples`.

mod channels;
mod choices;
pub mod config;
mod constrained;
mod disk;
mod embed;
mod embed_thread;
pub mod grammar;
mod handle;
mod job;
mod loaded;
mod minilm;
mod minilm_gguf;
mod native;
mod pace;
mod prefix;
mod prompt;
mod running;
mod sampler;
mod scheduler;
mod status;
mod text;
mod thread;
mod tools;

pub use config::{EngineConfig, EngineError, KvType, PrefixCacheConfig};
pub use embed::{MINILM_DIMENSIONS, MINILM_NAME, MiniLmConfig, MiniLmEmbedder};
pub use handle::{LocalEngine, LocalModel};
pub use status::EngineStatus;
