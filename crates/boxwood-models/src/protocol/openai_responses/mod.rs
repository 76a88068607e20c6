//! OpenAI's Responses API, as Azure (v1 and dated), OpenAI, xAI and some compatible servers speak it.
//!
//! Invariants: pure; nothing is stored at the host (`store: false`), since Boxwood keeps conversations itself; only
//! `response.completed` and `response.incomplete` end a reply, so that a stream that broke off is an error.

mod request;
mod stream;

use super::{Call, ReplyDecoder, WireProtocol};
use crate::host::{Host, HostKind};
use boxwood_core::ModelError;
use serde_json::Value;
use url::{ParseError, Url};

/// The protocol.
pub(crate) struct OpenaiResponses;

impl WireProtocol for OpenaiResponses {
    fn url(&self, host: &Host) -> Result<Url, ParseError> {
        let url = host.base_url.join(match host.kind {
            HostKind::AzureOpenai => "openai/v1/responses",
            // Not under the deployment: the body names it.
            HostKind::AzureOpenaiDated => "openai/responses",
            _ => "responses",
        })?;
        Ok(super::with_api_version(url, host))
    }

    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError> {
        request::encode(call)
    }

    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder> {
        Box::new(stream::Decoder::new(model))
    }
}
