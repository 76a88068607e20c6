//! A model on a host, as a [`ChatModel`]: admission, tries, deadline, and the stream turned into events.
//!
//! Invariants: a request holds its place until its stream ends or is dropped, and dropping closes the connection; text
//! that was shown is never asked for again (no try after the first event); the identity is what the binding states.
//! Made by the registry, one per binding.

mod running;

use crate::authenticate::{Authenticator, Outgoing, authenticator_of};
use crate::host::Host;
use crate::protocol::errors::{decode_error, transport_error, without_secrets};
use crate::protocol::parameters::output_limit;
use crate::protocol::{Call, CompactJson, VisibleText, WireProtocol, protocol_of};
use crate::retry::{AttemptError, next_delay};
use crate::tokens::{estimate_prompt, estimate_tokens};
use crate::transport::{Reply, Transport, TransportError};
use async_trait::async_trait;
use boxwood_core::{ChatModel, ChatRequest, ChatStream, ModelError, ModelIdentity};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use running::{Place, Reading, Running};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

/// An error's body is read no further than this.
const LONGEST_ERROR_BODY: usize = 64 << 10;

/// A model on a host.
pub(crate) struct RemoteModel {
    identity: ModelIdentity,
    host: Host,
    protocol: &'static dyn WireProtocol,
    authenticator: Arc<dyn Authenticator>,
    url: Url,
    headers: HeaderMap,
    transport: Transport,
    running: Arc<Semaphore>,
    /// Places for running and waiting requests together.
    admitted: Arc<Semaphore>,
}

impl RemoteModel {
    pub(crate) fn new(
        identity: ModelIdentity,
        host: Host,
        transport: Transport,
    ) -> Result<Self, TransportError> {
        let setup = |reason: String| TransportError::Setup { reason };
        let protocol = protocol_of(&host);
        let url = protocol
            .url(&host)
            .map_err(|error| setup(format!("the base URL makes no URL: {error}")))?;
        let authenticator = authenticator_of(&host).map_err(setup)?;
        let limits = &host.limits;
        Ok(Self {
            identity,
            protocol,
            authenticator,
            url,
            headers: headers_of(protocol),
            transport,
            running: Arc::new(Semaphore::new(limits.max_concurrent)),
            admitted: Arc::new(Semaphore::new(
                limits.max_concurrent.saturating_add(limits.max_waiting),
            )),
            host,
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
        let prompt = estimate_prompt(request);
        let wanted = request.max_output_tokens.min(self.identity.max_output_tokens);
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

    async fn admit(&self, deadline: Instant) -> Result<Place, ModelError> {
        let overloaded = || ModelError::Overloaded {
            model: self.model(),
            retry_after: Duration::from_secs(2),
        };
        let admitted = self
            .admitted
            .clone()
            .try_acquire_owned()
            .map_err(|_| overloaded())?;
        match tokio::time::timeout_at(deadline, self.running.clone().acquire_owned()).await {
            Ok(Ok(running)) => Ok(Place {
                _running: running,
                _admitted: admitted,
            }),
            _ => Err(overloaded()),
        }
    }

    /// One try: proves who asks, sends the request and waits for the head of the answer.
    async fn attempt(&self, body: Bytes) -> Result<Reply, AttemptError> {
        let outgoing = Outgoing {
            url: &self.url,
            headers: &self.headers,
            body: &body,
        };
        let mut headers = self.headers.clone();
        headers.extend(self.authenticator.headers(&outgoing).await?);
        let sent = self.transport.post(self.url.clone(), headers, body).await;
        let reply = sent.map_err(|error| transport_error(&self.identity.name, &error))?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        Err(self.refused(reply).await)
    }

    async fn refused(&self, reply: Reply) -> AttemptError {
        let (status, headers) = (reply.status.as_u16(), reply.headers.clone());
        let body = reply.body_start(LONGEST_ERROR_BODY).await;
        let (model, authenticator) = (&self.identity.name, &*self.authenticator);
        let failure = decode_error(model, &self.host, authenticator, status, &headers, &body);
        if status == 401 && self.authenticator.forget() {
            return AttemptError::backoff(failure.error);
        }
        failure
    }

    async fn attempt_with_retries(&self, body: Bytes, deadline: Instant) -> Result<Reply, ModelError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let failure = match tokio::time::timeout_at(deadline, self.attempt(body.clone())).await {
                Err(_) => {
                    return Err(running::deadline_passed(
                        &self.identity.name,
                        self.host.limits.deadline,
                    ));
                }
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(failure)) => failure,
            };
            match next_delay(failure.hint, tries, self.host.limits.retries) {
                Some(delay) if Instant::now() + delay < deadline => {
                    tracing::info!(model = self.identity.name, tries, ?delay, error = %failure.error, "trying again");
                    tokio::time::sleep(delay).await;
                }
                _ => return Err(without_secrets(failure.error, &*self.authenticator)),
            }
        }
    }
}

#[async_trait]
impl ChatModel for RemoteModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// An upper estimate: the host's tokenizer is not at hand.
    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        Ok(estimate_tokens(text))
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let prompt_tokens = self.check(&request)?;
        let body = self.protocol.body(&Call {
            host: &self.host,
            model: &self.identity.name,
            request: &request,
            output_limit: output_limit(&self.host.capabilities, &request, prompt_tokens),
        })?;
        let asked_at = Instant::now();
        let deadline = asked_at + self.host.limits.deadline;
        let place = self.admit(deadline).await?;
        let started_at = Instant::now();
        let reply = self
            .attempt_with_retries(body.to_string().into(), deadline)
            .await?;
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
            authenticator: self.authenticator.clone(),
            limit: self.host.limits.deadline,
            visible: VisibleText::new(stop, self.host.capabilities.rules().think_tags),
            compact: is_value.then(CompactJson::default),
            decoder: self.protocol.decoder(&self.identity.name),
            framer: self.protocol.framing().framer(),
            prompt_tokens,
            deadline,
        }
    }
}

fn headers_of(protocol: &dyn WireProtocol) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static(protocol.accept()));
    headers
}
