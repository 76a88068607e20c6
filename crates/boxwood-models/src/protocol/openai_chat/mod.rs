//! The OpenAI dialect of chat completions, as Azure (v1 and dated), OpenAI, vLLM, llama-server, Ollama and xAI speak it.
//!
//! Invariant: pure. What differs between hosts and models comes from [`crate::host`] and [`crate::capability`] only, and
//! everything that a host may legally leave out or add is tolerated; what would make an answer wrong is an error.

mod request;
mod stream;

use super::{Call, ReplyDecoder, WireProtocol};
use crate::host::Host;
use boxwood_core::ModelError;
use serde_json::Value;
use url::{ParseError, Url};

/// The protocol.
pub(crate) struct OpenaiChat;

impl WireProtocol for OpenaiChat {
    fn url(&self, host: &Host) -> Result<Url, ParseError> {
        super::openai_url(host, "chat/completions")
    }

    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError> {
        request::encode(call)
    }

    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder> {
        Box::new(stream::Decoder::new(model))
    }
}
