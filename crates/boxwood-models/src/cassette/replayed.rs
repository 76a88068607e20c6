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
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
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

/// A text that was embedded.
#[derive(Debug)]
struct Embedded {
    line: usize,
    model: String,
    text: String,
    vector: Vec<f32>,
}

/// A cassette that is played back.
#[derive(Debug)]
pub(crate) struct Cassette {
    path: PathBuf,
    identities: Vec<ModelIdentity>,
    /// The names of models that think by themselves.
    thinking: HashSet<String>,
    /// Embedders, with the length of their vectors.
    embedders: Vec<(ModelIdentity, usize)>,
    embedded: Vec<Embedded>,
    /// Where a model's vector of a text stands, by the text's sum.
    by_text: HashMap<(String, String), usize>,
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
            thinking: HashSet::new(),
            embedders: Vec::new(),
            embedded: Vec::new(),
            by_text: HashMap::new(),
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
        if let Traffic::Embed {
            dimensions,
            texts,
            vectors,
        } = read.traffic
        {
            self.add_embedded(line, read.model, dimensions, texts, vectors);
            return;
        }
        if read.thinks {
            self.thinking.insert(model.clone());
        }
        if !self.identities.iter().any(|known| known.name == model) {
            self.identities.push(read.model);
        }
        let (asked, reply) = match read.traffic {
            // Added above.
            Traffic::Embed { .. } => return,
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

    fn add_embedded(
        &mut self,
        line: usize,
        model: ModelIdentity,
        dimensions: usize,
        texts: Vec<String>,
        vectors: Vec<Vec<f32>>,
    ) {
        for (text, vector) in texts.into_iter().zip(vectors) {
            let key = (model.name.clone(), sum(text.as_bytes()));
            self.by_text.insert(key, self.embedded.len());
            self.embedded.push(Embedded {
                line,
                model: model.name.clone(),
                text,
                vector,
            });
        }
        if !self.embedders.iter().any(|(known, _)| known.name == model.name) {
            self.embedders.push((model, dimensions));
        }
    }

    /// The embedders that were recorded, with the length of their vectors.
    pub(crate) fn embedders(&self) -> &[(ModelIdentity, usize)] {
        &self.embedders
    }

    /// Whether a model's vector of this text was recorded.
    pub(super) fn holds_vector(&self, model: &str, text: &str) -> bool {
        self.by_text
            .contains_key(&(model.to_owned(), sum(text.as_bytes())))
    }

    /// The vector that a model gave to a text.
    ///
    /// # Errors
    /// A text that was not recorded, with the nearest one that was.
    pub(super) fn vector(&self, model: &str, text: &str) -> Result<Vec<f32>, ModelError> {
        let key = (model.to_owned(), sum(text.as_bytes()));
        let place = self.by_text.get(&key);
        if let Some(found) = place.and_then(|place| self.embedded.get(*place)) {
            return Ok(found.vector.clone());
        }
        let asked = json!({"text": text});
        let of_model = self.embedded.iter().filter(|known| known.model == model);
        let nearest = of_model
            .filter_map(|known| Some((difference(&json!({"text": known.text}), &asked)?, known.line)))
            .min_by_key(|(difference, _)| difference.size());
        let nearest = match nearest {
            Some((difference, line)) => format!("the nearest text is on line {line}: {difference}"),
            None => "it holds no vectors of this model".to_owned(),
        };
        Err(ModelError::Unavailable {
            model: model.to_owned(),
            message: format!(
                "the cassette {} holds no vector of this text; {nearest}. Record it again with `record`",
                self.path.display()
            ),
        })
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

    /// Whether this request of a model was recorded to the end of what was said.
    fn holds(&self, model: &str, asked: &Value) -> bool {
        let places = self.by_request.get(&key(model, asked));
        let is_cut = |place: &usize| {
            let recording = self.recordings.get(*place);
            recording.is_some_and(|recording| matches!(recording.reply, Reply::Chat(_, Some(Failure::Cut))))
        };
        places.is_some_and(|places| !places.iter().any(is_cut))
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

/// A request as it is compared, with the choices that are weighed.
fn asked(request: &ChatRequest, choices: Option<&[String]>) -> Value {
    let written = as_written(request);
    match choices {
        Some(choices) => with_choices(written, choices),
        None => written,
    }
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

    /// The request as it was recorded, with its choices where some were weighed; `None` where it was not.
    pub(super) fn recorded(&self, request: &ChatRequest, choices: Option<&[String]>) -> Option<Value> {
        let asked = asked(request, choices);
        self.cassette.holds(&self.identity.name, &asked).then_some(asked)
    }

    /// What was said to a request as it was recorded.
    ///
    /// # Errors
    /// The recorded one; a request that was not recorded.
    pub(super) fn said(&self, asked: &Value) -> Result<ChatStream, ModelError> {
        let name = &self.identity.name;
        match self.cassette.reply(name, asked)? {
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

    /// How choices were weighed, by the request as it was recorded.
    ///
    /// # Errors
    /// A request that was not recorded.
    pub(super) fn weighed(&self, asked: &Value) -> Result<ChoiceScores, ModelError> {
        match self.cassette.reply(&self.identity.name, asked)? {
            Reply::Score(scores) => Ok(scores.clone().into()),
            Reply::Chat(..) => Err(ModelError::Cancelled),
        }
    }
}

#[async_trait]
impl ChatModel for Replayed {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn thinks(&self) -> bool {
        self.cassette.thinking.contains(&self.identity.name)
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
        self.said(&asked(&request, None))
    }

    async fn score_choices(
        &self,
        request: ChatRequest,
        choices: &[String],
    ) -> Result<ChoiceScores, ModelError> {
        self.weighed(&asked(&request, Some(choices)))
    }
}
