//! Wire protocols: each of pure functions from a request to HTTP parts, and from a reply to events. Nothing here sends.
//!
//! Invariant: `remote` knows no protocol. It asks [`WireProtocol`] for the URL and the body, gives the bytes of the
//! reply to a [`Framer`] and the frames to a [`ReplyDecoder`]; what a refusal means is worked out by [`errors`] from the
//! parts that the protocol found in it. A protocol never words an error that another one has as well.
//!
//! A new protocol: a module that implements [`WireProtocol`], a row in [`crate::host::HostKind::TABLE`], an arm in
//! [`protocol_of`]. Shared by all: `parameters` (what a family takes, output limits, warnings), `schema` (what a host is
//! asked for a reply that keeps to one), `visible` and `compact` (applied to the text by `remote`).

pub(crate) mod bedrock;
mod compact;
pub(crate) mod embeddings;
pub(crate) mod errors;
mod event_stream;
mod framing;
pub(crate) mod gemini;
mod openai_chat;
mod openai_responses;
pub(crate) mod parameters;
pub(crate) mod schema;
mod sse;
mod strict_schema;
mod tool_calls;
mod visible;
pub(crate) mod watsonx;

pub(crate) use compact::CompactJson;
pub(crate) use framing::{Frame, Framer, Framing};
pub(crate) use tool_calls::ToolCalls;
pub(crate) use visible::VisibleText;

use crate::host::{Api, Host, HostKind};
use boxwood_core::{ChatRequest, FinishReason, ModelError, ToolCall, Usage};
use errors::HostError;
use http::HeaderMap;
use serde_json::Value;
use url::{ParseError, Url};

/// One way of asking a host for a completion.
pub(crate) trait WireProtocol: Send + Sync {
    /// Where requests go; asked for when the settings are read, so that later calls can't fail.
    fn url(&self, host: &Host) -> Result<Url, ParseError>;

    /// The body of a streamed completion.
    ///
    /// # Errors
    /// What the host can't be asked for: a schema that it does not keep to, a picture of a kind that it does not take.
    fn body(&self, call: &Call<'_>) -> Result<Value, ModelError>;

    /// The value of `Accept`.
    fn accept(&self) -> &'static str {
        "text/event-stream, application/json"
    }

    /// How the bytes of a streamed reply are cut into frames.
    fn framing(&self) -> Framing {
        Framing::ServerSentEvents
    }

    /// A decoder for one reply. `model` stands in its errors.
    fn decoder(&self, model: &str) -> Box<dyn ReplyDecoder>;

    /// The parts of a refusal. The default reads OpenAI's error object and what resembles it.
    fn read_error(&self, headers: &HeaderMap, body: &str) -> HostError {
        let _ = headers;
        errors::read_openai_error(body)
    }
}

/// Where a host of the OpenAI dialect takes requests of a kind: `chat/completions`, `embeddings`.
fn openai_url(host: &Host, kind: &str) -> Result<Url, ParseError> {
    let url = match host.kind {
        HostKind::AzureOpenai => host.base_url.join(&format!("openai/v1/{kind}"))?,
        HostKind::AzureOpenaiDated => {
            let mut url = host.base_url.clone();
            let deployment = host.deployment.as_deref().unwrap_or_default();
            url.path_segments_mut()
                .map_err(|()| ParseError::RelativeUrlWithCannotBeABaseBase)?
                .pop_if_empty()
                .extend(["openai", "deployments", deployment])
                .extend(kind.split('/'));
            url
        }
        _ => host.base_url.join(kind)?,
    };
    Ok(with_api_version(url, host))
}

/// The version of the host's API, where it has one, as Azure reads it.
fn with_api_version(mut url: Url, host: &Host) -> Url {
    if let Some(version) = &host.api_version {
        url.query_pairs_mut().append_pair("api-version", version);
    }
    url
}

/// The protocol that a host is asked in.
pub(crate) fn protocol_of(host: &Host) -> &'static dyn WireProtocol {
    match host.kind {
        HostKind::AzureOpenai
        | HostKind::AzureOpenaiDated
        | HostKind::Openai
        | HostKind::Xai
        | HostKind::Vllm
        | HostKind::LlamaServer
        | HostKind::Ollama
        | HostKind::OpenaiCompatible => match host.api {
            Api::ChatCompletions => &openai_chat::OpenaiChat,
            Api::Responses => &openai_responses::OpenaiResponses,
        },
        HostKind::Gemini | HostKind::Vertex => &gemini::Gemini,
        HostKind::Bedrock => &bedrock::Converse,
        HostKind::Watsonx => &watsonx::Watsonx,
    }
}

/// What a request is made of.
pub(crate) struct Call<'a> {
    /// The host, with what the model accepts.
    pub(crate) host: &'a Host,
    /// The name for errors.
    pub(crate) model: &'a str,
    /// What is asked.
    pub(crate) request: &'a ChatRequest,
    /// Tokens to ask for, thinking included: [`parameters::output_limit`].
    pub(crate) output_limit: u32,
}

/// What a frame of a reply held.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decoded {
    /// Text of the answer.
    Text(String),
    /// What the model says instead of an answer that it refuses.
    Refusal(String),
    /// Thinking, or a summary of it, that the host shows apart from the answer.
    Reasoning(String),
    /// A call of a tool, when its arguments are complete.
    ToolCall(ToolCall),
    /// The host says that nothing follows.
    Done,
}

/// How a reply ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    /// Why.
    pub(crate) finish: FinishReason,
    /// Tokens, where the host told them; times are filled in by `remote`.
    pub(crate) usage: Option<Usage>,
}

impl Ending {
    /// The end of a reply, where its host said why it ended.
    ///
    /// # Errors
    /// Where it never did.
    pub(crate) fn of(
        model: &str,
        finish: Option<FinishReason>,
        usage: Option<Usage>,
    ) -> Result<Self, ModelError> {
        let finish = finish.ok_or_else(|| host_failed(model, "broke off before the answer was complete"))?;
        Ok(Self { finish, usage })
    }
}

/// Decodes one reply: frames of a stream, or a whole body where the host does not stream, then the end.
pub(crate) trait ReplyDecoder: Send {
    /// Takes the next frame of a stream.
    ///
    /// # Errors
    /// A frame that is not of the protocol, or one that tells of an error ([`errors::error_in_stream`]).
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Decoded>, ModelError>;

    /// Takes a body that holds the whole reply.
    ///
    /// # Errors
    /// As for a frame.
    fn whole(&mut self, body: &[u8]) -> Result<Vec<Decoded>, ModelError>;

    /// Nothing follows.
    ///
    /// # Errors
    /// When the host never said why it ended: half an answer is never taken for a whole one.
    fn end(&mut self) -> Result<Ending, ModelError>;
}

/// The JSON of a frame of a stream.
///
/// # Errors
/// What is none.
pub(crate) fn json_of_frame(model: &str, frame: &Frame) -> Result<Value, ModelError> {
    json(model, &frame.data, "sent a piece of the stream that is no JSON")
}

/// The JSON of a whole reply.
///
/// # Errors
/// What is none.
pub(crate) fn json_of_reply(model: &str, body: &[u8]) -> Result<Value, ModelError> {
    json(model, body, "sent a reply that is no JSON")
}

fn json(model: &str, bytes: &[u8], otherwise: &str) -> Result<Value, ModelError> {
    serde_json::from_slice(bytes).map_err(|_| host_failed(model, otherwise))
}

/// A failure of the host, in the words that follow "the host".
pub(crate) fn host_failed(model: &str, what: &str) -> ModelError {
    ModelError::Failed {
        model: model.to_owned(),
        message: format!("the host {what}"),
    }
}
