//! OpenAI's and Azure's API over any model that this server knows: cards, bindings, local models.
//!
//! The path of a request: `caller` (bearer token or `api-key`, scope, dialect of the address) → `serving` (name → model,
//! contract of the name, limits) → `boxwood_api::openai` (strict reading) → `run` (the completion, with `thinking` before
//! it where a local model is to think) → `chat`, `responses` (answers in the API's shapes). Failures become OpenAI's or
//! Azure's error object in `failure`.
//!
//! Invariants: the contract belongs to the name that was asked for, the header `x-boxwood-served-by` and the member
//! `boxwood` tell what really answered; a request reads no file, so no file's permission is concerned; nothing is
//! kept but responses, for their user alone.

pub mod background;
pub(crate) mod caller;
pub(crate) mod chat;
mod chat_stream;
pub(crate) mod embeddings;
pub(crate) mod failure;
pub(crate) mod models;
pub(crate) mod responses;
mod run;
mod serving;
mod sse;
mod thinking;

use boxwood_api::openai::Dialect;

/// The dialect of an address of this API; `None` for any other address.
pub(crate) fn dialect_of(path: &str) -> Option<Dialect> {
    let below = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if below("/openai") {
        Some(Dialect::Azure)
    } else if below("/v1") {
        Some(Dialect::OpenAi)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_dialects() {
        for (path, expected) in [
            ("/v1/chat/completions", Some(Dialect::OpenAi)),
            ("/openai/v1/responses", Some(Dialect::Azure)),
            ("/openai/deployments/a/chat/completions", Some(Dialect::Azure)),
            ("/openapi.json", None),
            ("/2.0/ai/ask", None),
            ("/v10", None),
        ] {
            assert_eq!(dialect_of(path), expected, "{path}");
        }
    }
}
