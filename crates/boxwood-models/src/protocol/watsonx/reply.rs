//! Reads watsonx's chunks, which are OpenAI's, and its errors, which are not.
//!
//! Invariant: an event named `error`, or one that holds `errors`, is an error, however the stream goes on.

use super::errors;
use crate::protocol::{Decoded, Ending, Frame, ReplyDecoder};
use boxwood_core::ModelError;
use serde_json::Value;

/// Decodes one reply.
pub(super) struct Decoder {
    model: String,
    inner: Box<dyn ReplyDecoder>,
}

impl Decoder {
    pub(super) fn new(model: &str, inner: Box<dyn ReplyDecoder>) -> Self {
        Self {
            model: model.to_owned(),
            inner,
        }
    }

    fn check(&self, data: &[u8], is_error: bool) -> Result<(), ModelError> {
        let parsed: Option<Value> = serde_json::from_slice(data).ok();
        let tells_errors = parsed.as_ref().is_some_and(|parsed| parsed["errors"].is_array());
        if is_error || tells_errors {
            return Err(errors::in_stream(&self.model, &String::from_utf8_lossy(data)));
        }
        Ok(())
    }
}

impl ReplyDecoder for Decoder {
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Decoded>, ModelError> {
        let name = frame.name.as_deref();
        self.check(&frame.data, frame.is_error || name == Some("error"))?;
        if name == Some("close") {
            return Ok(Vec::new());
        }
        self.inner.frame(frame)
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Decoded>, ModelError> {
        self.check(body, false)?;
        self.inner.whole(body)
    }

    fn end(&mut self) -> Result<Ending, ModelError> {
        self.inner.end()
    }
}
