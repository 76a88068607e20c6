//! The OpenAI dialect of chat completions, as Azure (v1 and dated), OpenAI, vLLM, llama-server, Ollama and xAI speak it.
//!
//! Invariant: pure. What differs between hosts and models comes from [`crate::host`] and [`crate::capability`] only, and
//! everything that a host may legally leave out or add is tolerated; what would make an answer wrong is an error.

mod request;
mod stream;

use super::{Call, ReplyDecoder, WireProtocol};
use crate::host::{Host, HostKind};
use boxwood_core::ModelError;
use serde_json::Value;
use url::{ParseError, Url};

/// The protocol.
pub(crate) struct OpenaiChat;

impl WireProtocol for OpenaiChat {
    fn url(&self, host: &Host) -> Result<Url, ParseError> {
        let mut url = match host.kind {
            HostKind::AzureOpenai => host.base_url.join("openai/v1/chat/completions")?,
            HostKind::AzureOpenaiDated => {
                let mut url = host.base_url.clone();
                let deployment = host.deployment.as_deref().unwrap_or_default();
                url.path_segments_mut()
                    .map_err(|()| ParseError::RelativeUrlWithCannotBeABaseBase)?
                    .pop_if_empty()
                    .extend(["openai", "deployments", deployment, "chat", "completions"]);
                url
            }
            _ => host.base_url.join("chat/completions")?,
        };
        if let Some(version) = &host.api_version {
            url.query_pairs_mut().append_pair("api-version", version);
        }
        Ok(url)
    }

    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError> {
        request::encode(call)
    }

    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder> {
        Box::new(stream::Decoder::new(model))
    }
}
