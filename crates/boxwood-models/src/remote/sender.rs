//! One binding's way to its host: a place among the running requests, proof of who asks, tries, deadline.
//!
//! Invariants: a request holds its [`Place`] until its reply was read or dropped; nothing is tried again after the head of
//! an answer came; no error leaves with a secret in it. Used by [`super::RemoteModel`] and [`super::RemoteEmbedder`].

use super::pace::{Held, Pace};
use super::running::{Place, deadline_passed};
use crate::authenticate::{Authenticator, Outgoing, authenticator_of};
use crate::host::Host;
use crate::protocol::errors::{decode_error, transport_error, without_secrets};
use crate::protocol::host_failed;
use crate::retry::{AttemptError, LONGEST_WAIT, next_delay};
use crate::transport::{Reply, Transport, TransportError};
use boxwood_core::ModelError;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

/// An error's body is read no further than this.
const LONGEST_ERROR_BODY: usize = 64 << 10;

/// Sends one binding's requests.
pub(super) struct Sender {
    /// Stands in errors.
    model: String,
    pub(super) host: Host,
    pub(super) authenticator: Arc<dyn Authenticator>,
    url: Url,
    headers: HeaderMap,
    transport: Transport,
    /// Is told by whoever reads a reply how it ended.
    pub(super) pace: Arc<Pace>,
    running: Arc<Semaphore>,
    /// Places for running and waiting requests together.
    admitted: Arc<Semaphore>,
}

impl Sender {
    pub(super) fn new(
        model: &str,
        host: Host,
        url: Url,
        accept: &'static str,
        transport: Transport,
    ) -> Result<Self, TransportError> {
        let authenticator =
            authenticator_of(&host, &transport).map_err(|reason| TransportError::Setup { reason })?;
        let limits = &host.limits;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        Ok(Self {
            model: model.to_owned(),
            authenticator,
            url,
            headers,
            transport,
            pace: Arc::new(Pace::new(limits.pace.clone())),
            running: Arc::new(Semaphore::new(limits.max_concurrent)),
            admitted: Arc::new(Semaphore::new(
                limits.max_concurrent.saturating_add(limits.max_waiting),
            )),
            host,
        })
    }

    /// Waits for a place, and until the limits per minute have room for so many tokens.
    pub(super) async fn admit(&self, tokens: u32, deadline: Instant) -> Result<Place, ModelError> {
        let now = Instant::now();
        let patience = LONGEST_WAIT.min(deadline.saturating_duration_since(now));
        let wait = self
            .pace
            .take(tokens, now, patience)
            .map_err(|held| self.held(held))?;
        let place = self.place(deadline).await?;
        // A timer takes at least a millisecond, also where there is nothing to wait for.
        if !wait.is_zero() {
            tokio::time::sleep_until(now + wait).await;
        }
        Ok(place)
    }

    fn held(&self, held: Held) -> ModelError {
        match held {
            Held::Limit(wait) | Held::Asked(wait) => ModelError::Overloaded {
                model: self.model.clone(),
                retry_after: wait.max(Duration::from_secs(1)),
            },
            Held::Broken(failures, wait) => {
                let seconds = wait.as_secs().max(1);
                let what = format!("failed {failures} times in a row and is asked again in {seconds} s");
                host_failed(&self.model, &what)
            }
        }
    }

    async fn place(&self, deadline: Instant) -> Result<Place, ModelError> {
        let overloaded = || ModelError::Overloaded {
            model: self.model.clone(),
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

    /// Sends and waits for the head of the answer, with as many tries as the binding allows.
    pub(super) async fn send(&self, body: Bytes, deadline: Instant) -> Result<Reply, ModelError> {
        let sent = self.send_with_retries(body, deadline).await;
        sent.inspect_err(|error| self.pace.learn(error, Instant::now()))
    }

    async fn send_with_retries(&self, body: Bytes, deadline: Instant) -> Result<Reply, ModelError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let failure = match tokio::time::timeout_at(deadline, self.attempt(body.clone())).await {
                Err(_) => return Err(deadline_passed(&self.model, self.host.limits.deadline)),
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(failure)) => failure,
            };
            match next_delay(failure.hint, tries, self.host.limits.retries) {
                Some(delay) if Instant::now() + delay < deadline => {
                    tracing::info!(model = self.model, tries, ?delay, error = %failure.error, "trying again");
                    tokio::time::sleep(delay).await;
                }
                _ => return Err(without_secrets(failure.error, &*self.authenticator)),
            }
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
        let reply = sent.map_err(|error| transport_error(&self.model, &error))?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        Err(self.refused(reply).await)
    }

    async fn refused(&self, reply: Reply) -> AttemptError {
        let (status, headers) = (reply.status.as_u16(), reply.headers.clone());
        let body = reply.body_start(LONGEST_ERROR_BODY).await;
        let failure = decode_error(
            &self.model,
            &self.host,
            &*self.authenticator,
            status,
            &headers,
            &body,
        );
        if status == 401 && self.authenticator.forget() {
            return AttemptError::backoff(failure.error);
        }
        failure
    }
}
