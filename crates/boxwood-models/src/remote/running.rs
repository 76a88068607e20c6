//! A reply that is being read: pieces of the body in, events out.
//!
//! Invariants: the stream ends with exactly one `End` or one error; what a stop string cuts off closes the connection;
//! no error leaves with a secret in it. Made by [`super::RemoteModel`] only.

use super::pace::Pace;
use crate::authenticate::Authenticator;
use crate::protocol::errors::{transport_error, without_secrets};
use crate::protocol::{CompactJson, Decoded, Framer, ReplyDecoder, VisibleText, host_failed};
use crate::transport::{Reply, TransportError};
use boxwood_core::{ChatEvent, ChatStream, FinishReason, ModelError, Usage};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::header::CONTENT_TYPE;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// A whole reply (from a host that does not stream) is read no further than this.
const LONGEST_REPLY: usize = 64 << 20;

/// A place among the running requests.
pub(super) struct Place {
    pub(super) _running: OwnedSemaphorePermit,
    pub(super) _admitted: OwnedSemaphorePermit,
}

/// How a reply is read.
pub(super) struct Reading {
    pub(super) model: String,
    pub(super) authenticator: Arc<dyn Authenticator>,
    /// Is told how it ended.
    pub(super) pace: Arc<Pace>,
    /// The whole time, for the message when it is over.
    pub(super) limit: Duration,
    pub(super) visible: VisibleText,
    /// For a reply that keeps to a schema.
    pub(super) compact: Option<CompactJson>,
    /// The caller's limit holds thinking and answer together, so that an end without an answer is what was asked for.
    pub(super) total_limit: bool,
    pub(super) decoder: Box<dyn ReplyDecoder>,
    pub(super) framer: Box<dyn Framer>,
    /// An estimate, for a host that tells no usage.
    pub(super) prompt_tokens: u32,
    pub(super) deadline: Instant,
}

/// A stream that runs.
pub(super) struct Running {
    reading: Reading,
    pieces: BoxStream<'static, Result<Bytes, TransportError>>,
    /// The body so far, where the host answers with one JSON body.
    whole: Option<Vec<u8>>,
    events: VecDeque<ChatEvent>,
    over: bool,
    shown: bool,
    called: bool,
    pieces_of_text: u32,
    started_at: Instant,
    queue_time: Duration,
    first_text: Option<Instant>,
    _place: Place,
}

impl Running {
    pub(super) fn new(reading: Reading, reply: Reply, place: Place) -> Self {
        let content_type = reply
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let whole = content_type.is_some_and(|kind| kind.starts_with("application/json"));
        Self {
            reading,
            pieces: reply.pieces().boxed(),
            whole: whole.then(Vec::new),
            events: VecDeque::new(),
            over: false,
            shown: false,
            called: false,
            pieces_of_text: 0,
            started_at: Instant::now(),
            queue_time: Duration::ZERO,
            first_text: None,
            _place: place,
        }
    }

    /// When it was asked for, and when the work began.
    pub(super) fn timed(self, asked_at: Instant, started_at: Instant) -> Self {
        Self {
            started_at,
            queue_time: started_at - asked_at,
            ..self
        }
    }

    pub(super) fn events(self) -> ChatStream {
        futures::stream::unfold(self, Self::next).boxed()
    }

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
                self.reading.pace.learn(&error, Instant::now());
                let error = without_secrets(error, &*self.reading.authenticator);
                return Some((Err(error), self));
            }
        }
    }

    async fn advance(&mut self) -> Result<(), ModelError> {
        let piece = tokio::time::timeout_at(self.reading.deadline, self.pieces.next()).await;
        let piece = match piece {
            Err(_) => return Err(deadline_passed(&self.reading.model, self.reading.limit)),
            Ok(Some(Err(error))) => return Err(transport_error(&self.reading.model, &error).error),
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => return self.end(),
        };
        if let Some(whole) = &mut self.whole {
            whole.extend_from_slice(&piece);
            if whole.len() > LONGEST_REPLY {
                return Err(host_failed(&self.reading.model, "sent a reply that is too long"));
            }
            return Ok(());
        }
        let frames = self
            .reading
            .framer
            .push(&piece)
            .map_err(|what| self.failed(what))?;
        for frame in frames {
            let decoded = self.reading.decoder.frame(&frame)?;
            let is_done = decoded.contains(&Decoded::Done);
            self.take(decoded)?;
            if is_done && !self.over {
                return self.end();
            }
            if self.over {
                return Ok(());
            }
        }
        Ok(())
    }

    fn failed(&self, what: &str) -> ModelError {
        host_failed(&self.reading.model, what)
    }

    /// Turns decoded text into events; ends at a stop string.
    fn take(&mut self, decoded: Vec<Decoded>) -> Result<(), ModelError> {
        for piece in decoded {
            let text = match piece {
                Decoded::Text(text) => text,
                // In words it is an answer of the model; where a value was asked for, there is none.
                Decoded::Refusal(text) if self.reading.compact.is_none() => text,
                Decoded::Refusal(_) => return Err(refused_by_model(&self.reading.model)),
                Decoded::Reasoning(text) => {
                    self.events.push_back(ChatEvent::Reasoning { text });
                    continue;
                }
                Decoded::ToolCall(call) => {
                    self.called = true;
                    self.first_text.get_or_insert_with(Instant::now);
                    self.events.push_back(ChatEvent::ToolCall(call));
                    continue;
                }
                Decoded::Done => continue,
            };
            self.pieces_of_text = self.pieces_of_text.saturating_add(1);
            let visible = self.reading.visible.push(&text);
            let thought = self.reading.visible.take_thought();
            if !thought.is_empty() {
                self.events.push_back(ChatEvent::Reasoning { text: thought });
            }
            self.show(visible);
            if self.reading.visible.stopped() {
                // Dropping the rest saves the user's time. The host never tells the usage then, so it is estimated:
                // hosts send about one token a piece.
                self.finish(FinishReason::Stop, None);
                return Ok(());
            }
        }
        Ok(())
    }

    fn show(&mut self, mut text: String) {
        if let Some(compact) = &mut self.reading.compact {
            text = compact.push(&text);
        }
        if !text.is_empty() {
            self.first_text.get_or_insert_with(Instant::now);
            self.shown |= !text.trim().is_empty();
            self.events.push_back(ChatEvent::Text { text, log_prob: None });
        }
    }

    fn end(&mut self) -> Result<(), ModelError> {
        match self.whole.take() {
            Some(body) => {
                let decoded = self.reading.decoder.whole(&body)?;
                self.take(decoded)?;
            }
            None => {
                for frame in self.reading.framer.end().map_err(|what| self.failed(what))? {
                    let decoded = self.reading.decoder.frame(&frame)?;
                    self.take(decoded)?;
                }
            }
        }
        if self.over {
            return Ok(());
        }
        let ending = self.reading.decoder.end()?;
        let rest = self.reading.visible.finish();
        self.show(rest);
        // Some hosts say `stop` after a call.
        let finish = match ending.finish {
            FinishReason::Stop if self.called => FinishReason::ToolCalls,
            finish => finish,
        };
        let is_empty = !self.shown && !self.called;
        if finish == FinishReason::Length && is_empty && !self.reading.total_limit {
            let message = "the whole output limit went into thinking and no answer came: ask for more output tokens, \
                           lower the effort, or raise `reasoning_reserve` of the binding";
            return Err(ModelError::Failed {
                model: self.reading.model.clone(),
                message: message.into(),
            });
        }
        self.finish(finish, ending.usage);
        Ok(())
    }

    fn finish(&mut self, finish: FinishReason, usage: Option<Usage>) {
        let now = Instant::now();
        let usage = usage.unwrap_or_else(|| Usage {
            input_tokens: self.reading.prompt_tokens,
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
        self.reading.pace.succeeded();
        self.events.push_back(ChatEvent::End { finish, usage });
        self.over = true;
        // Closes the connection where the host would go on sending.
        self.pieces = futures::stream::empty().boxed();
    }
}

fn refused_by_model(model: &str) -> ModelError {
    ModelError::Refused {
        model: model.to_owned(),
        status: None,
        code: None,
        message: "the model itself refuses to answer this".to_owned(),
    }
}

/// The whole time is over.
pub(super) fn deadline_passed(model: &str, limit: Duration) -> ModelError {
    let seconds = limit.as_secs();
    host_failed(
        model,
        &format!("did not finish within {seconds} s (`deadline_seconds` of the binding)"),
    )
}
