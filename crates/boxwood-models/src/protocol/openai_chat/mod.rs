//! The OpenAI dialect of chat completions, as Azure (v1 and dated), OpenAI, vLLM, llama-server, Ollama and xAI speak it.
//!
//! Invariant: pure. What differs between hosts and models comes from [`crate::host`] and [`crate::capability`] only, and
//! everything that a host may legally leave out or add is tolerated; what would make an answer wrong is an error.
//!
//! * `request`: encode, with the list of what was left out
//! * `stream`: decode events (and whole replies)
//! * `errors`: what a host's refusal means and whether to try again
//! * `visible`: stop strings and thinking on the visible text
//! * `strict_schema`, `compact`: a schema as strict hosts take it, and its replies without white space

mod compact;
mod errors;
mod request;
mod stream;
mod strict_schema;
mod visible;

pub(crate) use compact::CompactJson;
pub(crate) use errors::{decode_error, transport_error, without_key};
pub(crate) use request::{encode, output_limit, response_format, warnings};
pub(crate) use stream::{Decoded, StreamDecoder, decode_reply};
pub(crate) use visible::VisibleText;
