//! A model on a host, as a [`ChatModel`]: admission, tries, deadline, and the stream turned into events.
//!
//! Invariants: a request holds its place until its stream ends or is dropped, and dropping closes the connection; text
//! that was shown is never asked for again (no try after the first event); the identity is what the binding states.
//! Made by the registry, one per binding.

use crate::host::Host;
use crate::protocol::openai_chat::{
    CompactJson, Decoded, StreamDecoder, VisibleText, decode_error, decode_reply, encode, output_limit,
    response_format, transport_error, without_key,
};
use crate::retry::{AttemptError, next_delay};
use crate::tokens::{estimate_prompt, estimate_tokens};
use crate::transport::{Reply, Transport, TransportError};
use async_trait::async_trait;
use boxwood_core::{
    ChatEvent, ChatModel, ChatRequest, ChatStream, FinishReason, ModelError, ModelIdentity, Usage,
};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use url::Url;

/// An error's body is read no further than this.
const LONGEST_ERROR_BODY: usize = 64 << 10;
/// A whole reply (from a host that does not stream) is read no further than this.
const LONGEST_REPLY: usize = 64 << 20;

/// A model on a host.
pub(crate) struct RemoteModel {
    identity: ModelIdentity,
    host: Host,
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
        let url = host
            .chat_url()
            .map_err(|error| setup(format!("the base URL makes no URL: {error}")))?;
        let headers = headers_of(&host).ok_or_else(|| setup("the key can't be sent in a header".into()))?;
        let limits = &host.limits;
        Ok(Self {
            identity,
            url,
            headers,
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

    /// One try: sends the request and waits for the head of the answer.
    async fn attempt(&self, body: Bytes) -> Result<Reply, AttemptError> {
        let sent = self
            .transport
            .post(self.url.clone(), self.headers.clone(), body)
            .await;
        let reply = sent.map_err(|error| transport_error(&self.identity.name, &error))?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        let (status, headers) = (reply.status.as_u16(), reply.headers.clone());
        let body = reply.body_start(LONGEST_ERROR_BODY).await;
        Err(decode_error(
            &self.identity.name,
            &self.host,
            status,
            &headers,
            &body,
        ))
    }

    async fn attempt_with_retries(&self, body: Bytes, deadline: Instant) -> Result<Reply, ModelError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let failure = match tokio::time::timeout_at(deadline, self.attempt(body.clone())).await {
                Err(_) => return Err(deadline_passed(&self.host, &self.identity.name)),
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(failure)) => failure,
            };
            match next_delay(failure.hint, tries, self.host.limits.retries) {
                Some(delay) if Instant::now() + delay < deadline => {
                    tracing::info!(model = self.identity.name, tries, ?delay, error = %failure.error, "trying again");
                    tokio::time::sleep(delay).await;
                }
                _ => return Err(failure.error),
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
        let format = request
            .response_format
            .as_ref()
            .map(|wanted| response_format(&self.host, &self.identity.name, wanted))
            .transpose()?;
        // A value ends where it is complete: stop strings are for free text.
        let stop = if format.is_none() {
            request.stop.as_slice()
        } else {
            &[]
        };
        let visible = VisibleText::new(stop, self.host.capabilities.rules().think_tags);
        let compact = format.is_some().then(CompactJson::default);
        let asked_at = Instant::now();
        let deadline = asked_at + self.host.limits.deadline;
        let place = self.admit(deadline).await?;
        let started_at = Instant::now();
        let limit = output_limit(&self.host.capabilities, &request, prompt_tokens);
        let body = encode(&self.host, &request, limit, format).to_string();
        let reply = self.attempt_with_retries(body.into(), deadline).await?;
        let content_type = reply
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let whole = content_type.is_some_and(|kind| kind.starts_with("application/json"));
        let running = Running {
            model: self.model(),
            host: self.host.clone(),
            visible,
            compact,
            decoder: StreamDecoder::new(&self.identity.name),
            pieces: reply.pieces().boxed(),
            whole: whole.then(Vec::new),
            events: VecDeque::new(),
            over: false,
            shown: false,
            pieces_of_text: 0,
            prompt_tokens,
            deadline,
            started_at,
            queue_time: started_at - asked_at,
            first_text: None,
            _place: place,
        };
        Ok(futures::stream::unfold(running, Running::next).boxed())
    }
}

fn headers_of(host: &Host) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("text/event-stream, application/json"),
    );
    if let Some(key) = &host.api_key {
        let (name, value) = match host.authentication {
            crate::host::Authentication::ApiKey => {
                (HeaderName::from_static("api-key"), key.expose_secret().to_owned())
            }
            crate::host::Authentication::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
        };
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

fn refused_by_model(model: &str) -> ModelError {
    ModelError::Refused {
        model: model.to_owned(),
        status: None,
        code: None,
        message: "the model itself refuses to answer this".to_owned(),
    }
}

fn deadline_passed(host: &Host, model: &str) -> ModelError {
    let seconds = host.limits.deadline.as_secs();
    let message = format!("the host did not finish within {seconds} s (`deadline_seconds` of the binding)");
    ModelError::Failed {
        model: model.to_owned(),
        message,
    }
}

/// A place among the running requests.
struct Place {
    _running: OwnedSemaphorePermit,
    _admitted: OwnedSemaphorePermit,
}

/// A stream that runs.
struct Running {
    model: String,
    host: Host,
    visible: VisibleText,
    /// For a reply that keeps to a schema.
    compact: Option<CompactJson>,
    decoder: StreamDecoder,
    pieces: BoxStream<'static, Result<Bytes, TransportError>>,
    /// The body so far, where the host answers with one JSON body.
    whole: Option<Vec<u8>>,
    events: VecDeque<ChatEvent>,
    over: bool,
    shown: bool,
    pieces_of_text: u32,
    prompt_tokens: u32,
    deadline: Instant,
    started_at: Instant,
    queue_time: Duration,
    first_text: Option<Instant>,
    _place: Place,
}

impl Running {
    async fn next(mut self) -> Option<(Result<ChatEvent, ModelError>, Self)> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some((Ok(event), self));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.advance().await {
                self.over = true;
                return Some((Err(without_key(error, &self.host)), self));
            }
        }
    }

    async fn advance(&mut self) -> Result<(), ModelError> {
        let piece = match tokio::time::timeout_at(self.deadline, self.pieces.next()).await {
            Err(_) => return Err(deadline_passed(&self.host, &self.model)),
            Ok(Some(Err(error))) => return Err(transport_error(&self.model, &error).error),
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => return self.end(),
        };
        if let Some(whole) = &mut self.whole {
            whole.extend_from_slice(&piece);
            if whole.len() > LONGEST_REPLY {
                let message = "the host sent a reply that is too long".to_owned();
                return Err(ModelError::Failed {
                    model: self.model.clone(),
                    message,
                });
            }
            return Ok(());
        }
        let decoded = self.decoder.push(&piece)?;
        let is_done = decoded.contains(&Decoded::Done);
        self.take(decoded)?;
        if is_done && !self.over { self.end() } else { Ok(()) }
    }

    /// Turns decoded text into events; ends at a stop string.
    fn take(&mut self, decoded: Vec<Decoded>) -> Result<(), ModelError> {
        for piece in decoded {
            let text = match piece {
                Decoded::Text(text) => text,
                // In words it is an answer of the model; where a value was asked for, there is none.
                Decoded::Refusal(text) if self.compact.is_none() => text,
                Decoded::Refusal(_) => return Err(refused_by_model(&self.model)),
                Decoded::Thinking | Decoded::Done => continue,
            };
            self.pieces_of_text = self.pieces_of_text.saturating_add(1);
            let visible = self.visible.push(&text);
            self.show(visible);
            if self.visible.stopped() {
                // Dropping the rest saves the user's time. The host never tells the usage then, so it is estimated:
                // hosts send about one token a piece.
                let usage = Usage {
                    input_tokens: self.prompt_tokens,
                    output_tokens: self.pieces_of_text,
                    estimated: true,
                    ..Usage::default()
                };
                self.finish(FinishReason::Stop, Some(usage));
                return Ok(());
            }
        }
        Ok(())
    }

    fn show(&mut self, mut text: String) {
        if let Some(compact) = &mut self.compact {
            text = compact.push(&text);
        }
        if !text.is_empty() {
            self.first_text.get_or_insert_with(Instant::now);
            self.shown |= !text.trim().is_empty();
            self.events.push_back(ChatEvent::Text { text, log_prob: None });
        }
    }

    fn end(&mut self) -> Result<(), ModelError> {
        let (decoded, finish, usage) = match &self.whole {
            Some(body) => decode_reply(&self.model, body)?,
            None => self.decoder.end()?,
        };
        self.take(decoded)?;
        if self.over {
            return Ok(());
        }
        let rest = self.visible.finish();
        self.show(rest);
        if finish == FinishReason::Length && !self.shown {
            let message = "the whole output limit went into thinking and no answer came: ask for more output tokens, \
                           lower the effort, or raise `reasoning_reserve` of the binding";
            return Err(ModelError::Failed {
                model: self.model.clone(),
                message: message.into(),
            });
        }
        self.finish(finish, usage);
        Ok(())
    }

    fn finish(&mut self, finish: FinishReason, usage: Option<Usage>) {
        let now = Instant::now();
        let usage = usage.unwrap_or_else(|| Usage {
            input_tokens: self.prompt_tokens,
            output_tokens: self.pieces_of_text,
            estimated: true,
            ..Usage::default()
        });
        let usage = Usage {
            queue_time: self.queue_time,
            time_to_first_token: self.first_text.unwrap_or(now) - self.started_at,
            total_time: now - self.started_at,
            ..usage
        };
        self.events.push_back(ChatEvent::End { finish, usage });
        self.over = true;
        // Closes the connection where the host would go on sending.
        self.pieces = futures::stream::empty().boxed();
    }
}
