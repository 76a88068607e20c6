//! A model on a host, as a [`ChatModel`]: admission, tries, deadline, and the stream turned into events.
//!
//! Invariants: a request holds its place until its stream ends or is dropped, and dropping closes the connection; text
//! that was shown is never asked for again (no try after the first event); the identity is what the binding states.
//! Made by the registry, one per binding.

mod embedder;
mod pace;
mod running;
mod sender;

pub(crate) use embedder::RemoteEmbedder;

use crate::host::Host;
use crate::protocol::parameters::output_limit;
use crate::protocol::{Call, CompactJson, VisibleText, WireProtocol, protocol_of};
use crate::tokens;
use crate::transport::{Transport, TransportError};
use async_trait::async_trait;
use boxwood_core::{ChatModel, ChatRequest, ChatStream, ModelError, ModelIdentity};
use running::{Reading, Running};
use sender::Sender;
use tokio::time::Instant;

/// A model on a host.
pub(crate) struct RemoteModel {
    identity: ModelIdentity,
    protocol: &'static dyn WireProtocol,
    sender: Sender,
}

impl RemoteModel {
    pub(crate) fn new(
        identity: ModelIdentity,
        host: Host,
        transport: Transport,
    ) -> Result<Self, TransportError> {
        let protocol = protocol_of(&host);
        let url = protocol.url(&host).map_err(|error| TransportError::Setup {
            reason: format!("the base URL makes no URL: {error}"),
        })?;
        let sender = Sender::new(&identity.name, host, url, protocol.accept(), transport)?;
        Ok(Self {
            identity,
            protocol,
            sender,
        })
    }

    fn model(&self) -> String {
        self.identity.name.clone()
    }

    /// Refuses what can't work before anything is sent.
    fn check(&self, request: &ChatRequest) -> Result<u32, ModelError> {
        let has_images = request.messages.iter().any(|message| !message.images.is_empty());
        if has_images && !self.identity.images {
            return Err(ModelError::Unsupported {
                model: self.model(),
                what: "read images",
            });
        }
        self.identity.check_tools(request)?;
        let wanted = request.max_output_tokens.min(self.identity.max_output_tokens);
        let family = self.sender.host.capabilities.family;
        let prompt = tokens::prompt_tokens(family, request, wanted, self.identity.context_window);
        let tokens = prompt.saturating_add(wanted);
        if tokens > self.identity.context_window {
            let limit = self.identity.context_window;
            return Err(ModelError::ContextTooLong {
                model: self.model(),
                tokens,
                limit,
            });
        }
        Ok(prompt)
    }
}

#[async_trait]
impl ChatModel for RemoteModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// Exactly for OpenAI's models; for others an upper estimate, since the host's tokenizer is not at hand.
    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        Ok(tokens::count_tokens(self.sender.host.capabilities.family, text))
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let prompt_tokens = self.check(&request)?;
        let output_limit = output_limit(&self.sender.host.capabilities, &request, prompt_tokens);
        let body = self.protocol.body(&Call {
            host: &self.sender.host,
            model: &self.identity.name,
            request: &request,
            output_limit,
        })?;
        let asked_at = Instant::now();
        let deadline = asked_at + self.sender.host.limits.deadline;
        // Hosts count what may be written as well.
        let tokens = prompt_tokens.saturating_add(output_limit);
        let place = self.sender.admit(tokens, deadline).await?;
        let started_at = Instant::now();
        let reply = self.sender.send(body.to_string().into(), deadline).await?;
        let running = Running::new(self.reading(&request, prompt_tokens, deadline), reply, place)
            .timed(asked_at, started_at);
        Ok(running.events())
    }
}

impl RemoteModel {
    /// How the reply to this request is read.
    fn reading(&self, request: &ChatRequest, prompt_tokens: u32, deadline: Instant) -> Reading {
        // A value ends where it is complete: stop strings are for free text.
        let is_value = request.response_format.is_some();
        let stop = if is_value { &[] } else { request.stop.as_slice() };
        Reading {
            model: self.model(),
            authenticator: self.sender.authenticator.clone(),
            pace: self.sender.pace.clone(),
            limit: self.sender.host.limits.deadline,
            visible: VisibleText::new(stop, self.sender.host.capabilities.rules().think_tags),
            compact: is_value.then(CompactJson::default),
            total_limit: request.total_limit,
            decoder: self.protocol.decoder(&self.identity.name),
            framer: self.protocol.framing().framer(),
            prompt_tokens,
            deadline,
        }
    }
}
