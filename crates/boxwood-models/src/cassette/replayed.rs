//! A model that says what a cassette holds, and nothing else.
//!
//! Invariant: no request leaves this process; a request without a recording is refused with the nearest one. Made by the
//! registry, in place of every model while `[models] replay` is set.

use super::difference::{Difference, difference};
use super::{Failure, Line, Scores, Traffic, VERSION, as_written, sum};
use async_trait::async_trait;
use boxwood_core::{ChatEvent, ChatModel, ChatRequest, ChatStream, ChoiceScores, ModelError, ModelIdentity};
use futures::StreamExt;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was recorded of one request.
#[derive(Debug, Clone)]
enum Reply {
    Chat(Vec<ChatEvent>, Option<Failure>),
    Score(Scores),
}

#[derive(Debug)]
struct Recording {
    /// The line of the file, from 1.
    line: usize,
    model: String,
    /// The request, with the choices where some were weighed.
    asked: Value,
    reply: Reply,
}

/// A cassette that is played back.
#[derive(Debug)]
pub(crate) struct Cassette {
    path: PathBuf,
    identities: Vec<ModelIdentity>,
    recordings: Vec<Recording>,
    /// Recordings of the same request by the same model, in their order.
    by_request: HashMap<String, Vec<usize>>,
    counts: HashMap<(String, String), u32>,
    /// How often each request came.
    played: Mutex<HashMap<String, usize>>,
}

impl Cassette {
    /// Reads a cassette.
    ///
    /// # Errors
    /// What can't be read, with its line.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the cassette {shown} can't be read: {error}"))?;
        let mut cassette = Self {
            path: path.to_owned(),
            identities: Vec::new(),
            recordings: Vec::new(),
            by_request: HashMap::new(),
            counts: HashMap::new(),
            played: Mutex::default(),
        };
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let read: Line = serde_json::from_str(line).map_err(|error| {
                format!(
                    "line {} of the cassette {shown} can't be read: {error}",
                    index + 1
                )
            })?;
            if read.cassette != VERSION {
                return Err(format!(
                    "the cassette {shown} is of version {}, and this program reads {VERSION}",
                    read.cassette
                ));
            }
            cassette.add(index + 1, read);
        }
        Ok(cassette)
    }

    fn add(&mut self, line: usize, read: Line) {
        let model = read.model.name.clone();
        if !self.identities.iter().any(|known| known.name == model) {
            self.identities.push(read.model);
        }
        let (asked, reply) = match read.traffic {
            Traffic::Count { text, tokens } => {
                self.counts.insert((model, text), tokens);
                return;
            }
            Traffic::Chat {
                request,
                events,
                error,
            } => (request, Reply::Chat(events, error)),
            Traffic::Score {
                request,
                choices,
                scores,
            } => (with_choices(request, &choices), Reply::Score(scores)),
        };
        let key = key(&model, &asked);
        self.by_request
            .entry(key)
            .or_default()
            .push(self.recordings.len());
        self.recordings.push(Recording {
            line,
            model,
            asked,
            reply,
        });
    }

    /// The models that were recorded.
    pub(crate) fn identities(&self) -> &[ModelIdentity] {
        &self.identities
    }

    /// What was recorded of this request: the n-th time it comes, the n-th recording, later the last.
    fn reply(&self, model: &str, asked: &Value) -> Result<&Reply, ModelError> {
        let key = key(model, asked);
        let Some(places) = self.by_request.get(&key) else {
            return Err(ModelError::Unavailable {
                model: model.to_owned(),
                message: self.miss(model, asked),
            });
        };
        let mut played = self.played.lock();
        let turn = played.entry(key).or_default();
        let place = places
            .get((*turn).min(places.len() - 1))
            .copied()
            .unwrap_or_default();
        *turn += 1;
        match self.recordings.get(place) {
            Some(recording) => Ok(&recording.reply),
            None => Err(ModelError::Cancelled),
        }
    }

    /// Which recording is nearest, and where the request differs from it.
    fn miss(&self, model: &str, asked: &Value) -> String {
        let of_model = self
            .recordings
            .iter()
            .filter(|recording| recording.model == model);
        let nearest = of_model
            .map(|recording| (difference(&recording.asked, asked), recording.line))
            .min_by_key(|(difference, _)| difference.as_ref().map_or(0, Difference::size));
        let path = self.path.display();
        match nearest {
            Some((Some(difference), line)) => format!(
                "the cassette {path} holds no recording of this request. The nearest is on line {line}: {difference}. Record \
                 it again with `record`, or ask what was recorded"
            ),
            _ => {
                let known: Vec<&str> = self.identities.iter().map(|known| known.name.as_str()).collect();
                format!(
                    "the cassette {path} holds no recording of this model; it holds {}",
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
                )
            }
        }
    }
}

fn with_choices(mut request: Value, choices: &[String]) -> Value {
    if let Some(request) = request.as_object_mut() {
        request.insert(
            "choices".to_owned(),
            serde_json::to_value(choices).unwrap_or_default(),
        );
    }
    request
}

fn key(model: &str, asked: &Value) -> String {
    sum(format!("{model}\n{asked}").as_bytes())
}

/// A model of a cassette.
pub(crate) struct Replayed {
    identity: ModelIdentity,
    cassette: Arc<Cassette>,
}

impl Replayed {
    pub(crate) fn new(identity: ModelIdentity, cassette: Arc<Cassette>) -> Self {
        Self { identity, cassette }
    }
}

#[async_trait]
impl ChatModel for Replayed {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    async fn count_tokens(&self, text: &str) -> Result<u32, ModelError> {
        let asked = (self.identity.name.clone(), sum(text.as_bytes()));
        self.cassette.counts.get(&asked).copied().ok_or_else(|| ModelError::Unavailable {
            model: self.identity.name.clone(),
            message: format!(
                "the cassette {} does not tell how many tokens a text of {} bytes has: it belongs to a request that was not \
                 recorded",
                self.cassette.path.display(),
                text.len()
            ),
        })
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let name = &self.identity.name;
        match self.cassette.reply(name, &as_written(&request))? {
            Reply::Chat(events, failure) => {
                // What was refused at once is refused at once again.
                if let (true, Some(failure)) = (events.is_empty(), failure) {
                    return Err(failure.clone().into_error(name.clone()));
                }
                let failure = failure
                    .clone()
                    .map(|failure| Err(failure.into_error(name.clone())));
                let events: Vec<_> = events.iter().cloned().map(Ok).chain(failure).collect();
                Ok(futures::stream::iter(events).boxed())
            }
            Reply::Score(_) => Err(ModelError::Cancelled),
        }
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        let asked = with_choices(as_written(&request), choices);
        match self.cassette.reply(&self.identity.name, &asked)? {
            Reply::Score(scores) => Ok(scores.clone().into()),
            Reply::Chat(..) => Err(ModelError::Cancelled),
        }
    }
}
