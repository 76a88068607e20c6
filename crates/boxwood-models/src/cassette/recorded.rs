//! A model whose traffic is written to a cassette.
//!
//! Invariant: what the model says is passed on unchanged, and a file that can't be written is told in the log and in
//! nobody's answer. Made by the registry, around every model while `[models] record` is set.

use super::{Failure, Line, Scores, Traffic, VERSION, as_written, sum};
use async_trait::async_trait;
use boxwood_core::{ChatEvent, ChatModel, ChatRequest, ChatStream, ChoiceScores, ModelError, ModelIdentity};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The cassette that is being written.
#[derive(Debug)]
pub(crate) struct Recorder(Mutex<File>);

impl Recorder {
    /// Opens a cassette; what it holds stays.
    ///
    /// # Errors
    /// From the file system.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Mutex::new(options.open(path)?)))
    }

    pub(super) fn write(&self, model: &ModelIdentity, thinks: bool, traffic: Traffic) {
        let line = Line {
            cassette: VERSION,
            model: model.clone(),
            thinks,
            traffic,
        };
        let written = serde_json::to_vec(&line).map_err(std::io::Error::from);
        let written = written.and_then(|mut line| {
            line.push(b'\n');
            self.0.lock().write_all(&line)
        });
        if let Err(error) = written {
            tracing::error!(%error, "a recording could not be written to the cassette");
        }
    }
}

/// A model that is recorded.
pub(crate) struct Recorded {
    inner: Arc<dyn ChatModel>,
    recorder: Arc<Recorder>,
}

impl Recorded {
    pub(crate) fn new(inner: Arc<dyn ChatModel>, recorder: Arc<Recorder>) -> Self {
        Self { inner, recorder }
    }

    fn write(&self, traffic: Traffic) {
        self.recorder.write(self.identity(), self.thinks(), traffic);
    }
}

#[async_trait]
impl ChatModel for Recorded {
    fn identity(&self) -> &ModelIdentity {
        self.inner.identity()
    }

    fn thinks(&self) -> bool {
        self.inner.thinks()
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        let tokens = self.inner.count_tokens(text).await?;
        let text = sum(text.as_bytes());
        self.write(Traffic::Count { text, tokens });
        Ok(tokens)
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let recording = Recording {
            recorder: self.recorder.clone(),
            model: self.identity().clone(),
            thinks: self.thinks(),
            request: as_written(&request),
            events: Vec::new(),
        };
        match self.inner.stream(request).await {
            Ok(events) => Ok(RecordedStream {
                events,
                recording: Some(recording),
            }
            .boxed()),
            Err(error) => {
                recording.end(Some(&error));
                Err(error)
            }
        }
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        let written = as_written(&request);
        let scores = self.inner.score_choices(request, choices).await?;
        let traffic = Traffic::Score {
            request: written,
            choices: choices.to_vec(),
            scores: Scores::from(scores.clone()),
        };
        self.write(traffic);
        Ok(scores)
    }
}

/// What has come so far.
struct Recording {
    recorder: Arc<Recorder>,
    model: ModelIdentity,
    thinks: bool,
    request: Value,
    events: Vec<ChatEvent>,
}

impl Recording {
    fn end(self, error: Option<&ModelError>) {
        let failure = error.and_then(Failure::of);
        if error.is_some() && failure.is_none() {
            return;
        }
        self.write(failure);
    }

    fn write(self, failure: Option<Failure>) {
        let traffic = Traffic::Chat {
            request: self.request,
            events: self.events,
            error: failure,
        };
        self.recorder.write(&self.model, self.thinks, traffic);
    }
}

struct RecordedStream {
    events: ChatStream,
    /// Gone once it is written.
    recording: Option<Recording>,
}

impl Stream for RecordedStream {
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = self.events.poll_next_unpin(context);
        match &event {
            Poll::Ready(Some(Ok(event))) => {
                if let Some(recording) = &mut self.recording {
                    recording.events.push(event.clone());
                }
                if matches!(event, ChatEvent::End { .. })
                    && let Some(recording) = self.recording.take()
                {
                    recording.end(None);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                if let Some(recording) = self.recording.take() {
                    recording.end(Some(error));
                }
            }
            Poll::Ready(None) | Poll::Pending => {}
        }
        event
    }
}

impl Drop for RecordedStream {
    fn drop(&mut self) {
        let heard = |recording: &Recording| {
            let mut events = recording.events.iter();
            events.any(|event| !matches!(event, ChatEvent::PromptProgress { .. }))
        };
        if let Some(recording) = self.recording.take().filter(heard) {
            recording.write(Some(Failure::Cut));
        }
    }
}
