//! AWS Bedrock's Converse API, streamed: one dialect for every model there (Claude, Nova, Llama, Mistral, …).
//!
//! Invariant: pure. Requests and replies agree with the service model that AWS ships in botocore
//! (`tests/oracle/botocore`); what differs between models comes from [`crate::capability`] only.
//!
//! * `request`: encode; turns are merged, since roles must alternate
//! * `reply`: decode the events of a stream, or a whole reply
//! * `errors`: what the service's exceptions mean

mod errors;
mod reply;
mod request;

use super::framing::Framing;
use super::{Call, ReplyDecoder, WireProtocol, errors::HostError};
use crate::host::Host;
use boxwood_core::ModelError;
use http::HeaderMap;
use serde_json::Value;
use url::{ParseError, Url};

/// The tool by which a model without structured output of its own is held to a schema: its input is the reply.
const REPLY_TOOL: &str = "boxwood_reply";

/// The protocol.
pub(crate) struct Converse;

impl WireProtocol for Converse {
    fn url(&self, host: &Host) -> Result<Url, ParseError> {
        model_url(host, "converse-stream")
    }

    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError> {
        request::encode(call)
    }

    fn accept(&self) -> &'static str {
        "application/vnd.amazon.eventstream, application/json"
    }

    fn framing(&self) -> Framing {
        Framing::AwsEventStream
    }

    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder> {
        Box::new(reply::Decoder::new(model))
    }

    fn read_error(&self, headers: &HeaderMap, body: &str) -> HostError {
        errors::read_error(headers, body)
    }
}

/// `{base}/model/{id}/{operation}`, the id (which may be an ARN) as one segment, every reserved character encoded as
/// AWS's own clients do.
pub(crate) fn model_url(host: &Host, operation: &str) -> Result<Url, ParseError> {
    let model = host.model.as_deref().unwrap_or_default();
    let mut path = host.base_url.path().trim_end_matches('/').to_owned();
    path.push_str("/model/");
    path.push_str(&encoded(model.as_bytes(), b""));
    path.push('/');
    path.push_str(operation);
    let mut url = host.base_url.clone();
    url.set_path(&path);
    Ok(url)
}

/// Percent-encodes everything but unreserved characters and those that are kept.
pub(crate) fn encoded(bytes: &[u8], kept: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
