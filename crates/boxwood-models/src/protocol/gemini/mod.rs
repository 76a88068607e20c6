//! Google's Gemini API, with an API key (`generativelanguage.googleapis.com`) and on Vertex AI.
//!
//! Invariant: pure. Both hosts speak the same language; they differ in the URL and in how one proves who asks. Requests
//! agree with Google's own description of Vertex (`tests/oracle/google`).
//!
//! * `request`: encode; `schema`: a JSON Schema in the subset of OpenAPI that Google takes
//! * `reply`: decode; `errors`: what `google.rpc.Status` means
//! * `signature`: the signatures of thoughts, which Gemini 3 wants back with a tool's result

mod errors;
mod reply;
mod request;
mod schema;
mod signature;

use super::{Call, ReplyDecoder, WireProtocol, errors::HostError};
use crate::host::{Host, HostKind};
use boxwood_core::ModelError;
use http::HeaderMap;
use serde_json::Value;
use url::{ParseError, Url};

pub(crate) use errors::read_error;

/// The protocol.
pub(crate) struct Gemini;

impl WireProtocol for Gemini {
    fn url(&self, host: &Host) -> Result<Url, ParseError> {
        let mut url = model_url(host, "streamGenerateContent")?;
        url.query_pairs_mut().append_pair("alt", "sse");
        Ok(url)
    }

    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError> {
        request::encode(call)
    }

    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder> {
        Box::new(reply::Decoder::new(model))
    }

    fn read_error(&self, _: &HeaderMap, body: &str) -> HostError {
        errors::read_error(body)
    }
}

/// `{base}/v1beta/models/{model}:{operation}`, on Vertex
/// `{base}/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:{operation}`.
pub(crate) fn model_url(host: &Host, operation: &str) -> Result<Url, ParseError> {
    let model = host.model.as_deref().unwrap_or_default();
    let last = format!("{}:{operation}", model.trim_start_matches("models/"));
    let mut url = host.base_url.clone();
    let mut path = url
        .path_segments_mut()
        .map_err(|()| ParseError::RelativeUrlWithCannotBeABaseBase)?;
    path.pop_if_empty();
    match (host.kind, &host.place) {
        (HostKind::Vertex, place) => {
            path.push(host.api_version.as_deref().unwrap_or("v1"));
            path.extend(["projects", place.project.as_deref().unwrap_or_default()]);
            path.extend(["locations", place.region.as_deref().unwrap_or_default()]);
            path.extend(["publishers", "google", "models", &last]);
        }
        _ => {
            path.push(host.api_version.as_deref().unwrap_or("v1beta"));
            path.extend(["models", &last]);
        }
    }
    drop(path);
    Ok(url)
}
