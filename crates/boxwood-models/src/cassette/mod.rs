//! Cassettes: the traffic with models, recorded to a file of JSON lines and played back without a model.
//!
//! ```text
//! {"cassette":1,"kind":"chat","model":{identity},"request":{…},"events":[…],"error":null}
//! {"cassette":1,"kind":"score","model":{identity},"request":{…},"choices":["…"],"scores":{…}}
//! {"cassette":1,"kind":"count","model":{identity},"text":"<SHA-256>","tokens":12}
//! {"cassette":1,"kind":"embed","model":{identity},"dimensions":2,"texts":["…"],"vectors":[[…]]}
//! ```
//! Recorded is what is asked of a model and what it says, whatever host or engine it has; so keys, URLs and headers are
//! never part of it, but prompts and documents are: the file is made for its owner only. Pictures are kept as their
//! SHA-256. `"thinks":true` stands beside a model that thinks by itself.
//!
//! Invariants: an answer of which nobody heard the end is recorded with what was heard, ends there when it is played, and
//! is asked anew where the cassette is extended; played back, the n-th request of one form gets the
//! n-th recording of it, and later ones the last; a text has one vector; a request without a recording is an error that names the nearest one and
//! where it differs, and nothing is asked in its stead unless the cassette is to be extended. Switched on by `[models]
//! record`, `replay` and `extend`; called by the registry.

mod difference;
mod embedded;
mod extended;
mod recorded;
mod replayed;
mod tape;

use embedded::{RecordedEmbedder, ReplayedEmbedder};
use extended::{Extended, ExtendedEmbedder};
use recorded::{Recorded, Recorder};
use replayed::{Cassette, Replayed};
pub(crate) use tape::Tape;

use boxwood_core::{ChatEvent, ChatRequest, ChoiceScores, ModelError, ModelIdentity};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The version of the format.
const VERSION: u32 = 1;

/// A line of a cassette.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    cassette: u32,
    /// What answered.
    model: ModelIdentity,
    /// Whether it thinks by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    thinks: bool,
    #[serde(flatten)]
    traffic: Traffic,
}

/// What was asked, and what came.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Traffic {
    /// A completion.
    Chat {
        request: Value,
        events: Vec<ChatEvent>,
        error: Option<Failure>,
    },
    /// Choices that were weighed.
    Score {
        request: Value,
        choices: Vec<String>,
        scores: Scores,
    },
    /// Tokens that were counted.
    Count { text: String, tokens: u32 },
    /// Texts that were turned into vectors.
    Embed {
        dimensions: usize,
        texts: Vec<String>,
        vectors: Vec<Vec<f32>>,
    },
}

/// [`ChoiceScores`] as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Scores {
    log_probs: Vec<f32>,
    token_log_probs: Vec<Vec<f32>>,
    state: Option<Vec<f32>>,
}

impl From<ChoiceScores> for Scores {
    fn from(scores: ChoiceScores) -> Self {
        Self {
            log_probs: scores.log_probs,
            token_log_probs: scores.token_log_probs,
            state: scores.state,
        }
    }
}

impl From<Scores> for ChoiceScores {
    fn from(scores: Scores) -> Self {
        Self {
            log_probs: scores.log_probs,
            token_log_probs: scores.token_log_probs,
            state: scores.state,
        }
    }
}

/// A [`ModelError`] as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
enum Failure {
    ContextTooLong {
        tokens: u32,
        limit: u32,
    },
    Overloaded {
        retry_after: Duration,
    },
    Refused {
        status: Option<u16>,
        code: Option<String>,
        message: String,
    },
    Unavailable {
        message: String,
    },
    Failed {
        message: String,
    },
    SchemaUnsupported {
        message: String,
    },
    /// No failure of the model: whoever asked had heard enough.
    Cut,
}

impl Failure {
    /// `None` for what is no answer of the model: a cancellation, a refusal by a budget.
    fn of(error: &ModelError) -> Option<Self> {
        Some(match error {
            ModelError::ContextTooLong { tokens, limit, .. } => Self::ContextTooLong {
                tokens: *tokens,
                limit: *limit,
            },
            ModelError::Overloaded { retry_after, .. } => Self::Overloaded {
                retry_after: *retry_after,
            },
            ModelError::Refused {
                status,
                code,
                message,
                ..
            } => Self::Refused {
                status: *status,
                code: code.clone(),
                message: message.clone(),
            },
            ModelError::Unavailable { message, .. } => Self::Unavailable {
                message: message.clone(),
            },
            ModelError::Failed { message, .. } => Self::Failed {
                message: message.clone(),
            },
            ModelError::SchemaUnsupported { message, .. } => Self::SchemaUnsupported {
                message: message.clone(),
            },
            ModelError::Cancelled | ModelError::BudgetExceeded { .. } | ModelError::Unsupported { .. } => {
                return None;
            }
        })
    }

    fn into_error(self, model: String) -> ModelError {
        match self {
            Self::ContextTooLong { tokens, limit } => ModelError::ContextTooLong { model, tokens, limit },
            Self::Overloaded { retry_after } => ModelError::Overloaded { model, retry_after },
            Self::Refused {
                status,
                code,
                message,
            } => ModelError::Refused {
                model,
                status,
                code,
                message,
            },
            Self::Unavailable { message } => ModelError::Unavailable { model, message },
            Self::Failed { message } => ModelError::Failed { model, message },
            Self::SchemaUnsupported { message } => ModelError::SchemaUnsupported { model, message },
            Self::Cut => ModelError::Failed {
                model,
                message: "its recording ends here, since whoever asked did not hear more of it; record it again with \
                          `record`"
                    .to_owned(),
            },
        }
    }
}

/// A request as it is written and compared: pictures by their sums.
fn as_written(request: &ChatRequest) -> Value {
    let mut request = request.clone();
    let mut sums = Vec::new();
    for message in &mut request.messages {
        for image in &mut message.images {
            sums.push(sum(&image.bytes));
            image.bytes.clear();
        }
    }
    let mut written = serde_json::to_value(&request).unwrap_or_default();
    let mut sums = sums.into_iter();
    let messages = written.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let images = message.get_mut("images").and_then(Value::as_array_mut);
        for image in images.into_iter().flatten() {
            if let (Some(image), Some(sum)) = (image.as_object_mut(), sums.next()) {
                image.remove("bytes");
                image.insert("sha256".to_owned(), sum.into());
            }
        }
    }
    written
}

fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
#[path = "cassette_tests.rs"]
mod tests;
