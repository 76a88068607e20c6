//! Keeps answers for review, beside the request and not in its way.
//!
//! How a handler uses it, once for each request that a model worked on (not for each client that waits for it):
//!
//! ```ignore
//! // before the work: what was asked (`body` is the request's JSON; the contents of files in it are left out)
//! let asked = Asked::new(&principal, AnswerOperation::Extract, &files, &body).with_agent(agent_id, &agent_settings);
//! // after it: the body of the answer, with citations or references; or why there is none, in one word
//! state.keeper().answered(asked, &response);
//! state.keeper().failed(&asked, cause(&error));
//! ```
//!
//! Both also record the event "AI query" or "Failed AI query" for the administrators, without the prompt. What happens
//! beside the store, such as a download, is recorded by [`Keeper::happened`].
//!
//! Invariants: nothing here makes a request wait: a bounded queue stands between, and what finds no place in it is dropped
//! and counted in the log. Nothing of an answer is logged. Writing runs in tracked tasks, for which a stop waits. With a
//! retention of zero nothing is kept.

use boxwood_core::{Clock, EnterpriseId, FileId, Principal, UserId};
use boxwood_store::{
    AnswerFile, AnswerOperation, EventAbout, EventKind, NewAnswer, NewEvent, ReadableFiles, Store,
};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Answers and events that may wait to be written.
const MOST_WAITING: usize = 1_024;
/// Answers and events that are written together.
const BATCH: usize = 64;

/// What was asked, as far as it is kept.
#[derive(Debug, Clone)]
pub struct Asked {
    enterprise: EnterpriseId,
    user: UserId,
    operation: AnswerOperation,
    agent: Option<String>,
    prompt_version: String,
    files: Vec<AnswerFile>,
    request: Value,
}

impl Asked {
    /// Of a request that was read and authorised; `body` is its JSON.
    pub fn new(
        principal: &Principal,
        operation: AnswerOperation,
        files: &ReadableFiles,
        body: &Value,
    ) -> Self {
        let files = files.iter().map(|file| AnswerFile {
            id: file.id().clone(),
            version: file.version_id().clone(),
        });
        Self {
            enterprise: principal.enterprise_id.clone(),
            user: principal.user_id.clone(),
            operation,
            agent: None,
            prompt_version: String::new(),
            files: files.collect(),
            request: without_contents(body),
        }
    }

    /// Notes which agent works on it: its id where the request names one, and the settings that are in force, of which a
    /// digest becomes the prompt version.
    #[must_use]
    pub fn with_agent(mut self, id: Option<&str>, settings: &impl Serialize) -> Self {
        self.agent = id.map(str::to_owned);
        self.prompt_version = prompt_version(settings);
        self
    }
}

/// Names the words and settings that a model was told: 12 hexadecimal digits that change when those or the program do.
fn prompt_version(settings: &impl Serialize) -> String {
    let mut hasher = Sha256::new();
    hasher.update(env!("CARGO_PKG_VERSION"));
    hasher.update(serde_json::to_vec(settings).unwrap_or_default());
    hasher
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The body without `content` of its items: that is text of a file.
fn without_contents(body: &Value) -> Value {
    let mut body = body.clone();
    let items = body.get_mut("items").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
        item.remove("content");
    }
    body
}

/// Takes answers and events and writes them in the background. Cheap to clone.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keeps: bool,
    waiting: Mutex<Waiting>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Waiting {
    answers: Vec<NewAnswer>,
    events: Vec<NewEvent>,
    /// How many found no place.
    dropped: u64,
    /// Whether a task writes.
    writing: bool,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("keeps", &self.0.keeps)
            .finish_non_exhaustive()
    }
}

impl Keeper {
    /// Over a store; with `keeps` false nothing is kept.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keeps: bool) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            keeps,
            waiting: Mutex::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Whether answers are kept at all.
    pub fn keeps(&self) -> bool {
        self.0.keeps
    }

    /// Keeps an answer; `response` is the body that the client gets, with citations or references.
    pub fn answered(&self, asked: Asked, response: &impl Serialize) {
        let response = serde_json::to_value(response).unwrap_or_default();
        let details = [
            ("model", response.pointer("/ai_agent_info/models/0/name")),
            ("processor", response.pointer("/ai_agent_info/processor")),
        ];
        let details = details.map(|(name, value)| (name, value.cloned().unwrap_or_default()));
        let event = self.event_of(&asked, EventKind::AiRequest, details);
        let answer = self.0.keeps.then(|| NewAnswer {
            enterprise: asked.enterprise,
            user: asked.user,
            operation: asked.operation,
            agent: asked.agent,
            prompt_version: asked.prompt_version,
            files: asked.files,
            request: asked.request,
            response,
            created_at: self.0.clock.now(),
        });
        self.take(answer, Some(event));
    }

    /// Notes that a request was not answered; `cause` says why in one word.
    pub fn failed(&self, asked: &Asked, cause: &str) {
        let event = self.event_of(asked, EventKind::AiFailedRequest, [("error", Value::from(cause))]);
        self.take(None, Some(event));
    }

    /// Records something that is no change of the store.
    pub fn happened(&self, principal: &Principal, kind: EventKind, about: EventAbout) {
        let event = NewEvent {
            enterprise: principal.enterprise_id.clone(),
            user: principal.user_id.clone(),
            kind,
            about,
            details: Map::new(),
            created_at: self.0.clock.now(),
        };
        self.take(None, Some(event));
    }

    fn event_of<const N: usize>(&self, asked: &Asked, kind: EventKind, more: [(&str, Value); N]) -> NewEvent {
        let files: Vec<&FileId> = asked.files.iter().map(|file| &file.id).collect();
        let mut details = Map::new();
        details.insert("operation".to_owned(), asked.operation.as_str().into());
        details.insert("ai_agent_id".to_owned(), Value::from(asked.agent.clone()));
        details.insert(
            "file_ids".to_owned(),
            serde_json::to_value(files).unwrap_or_default(),
        );
        details.extend(more.map(|(name, value)| (name.to_owned(), value)));
        NewEvent {
            enterprise: asked.enterprise.clone(),
            user: asked.user.clone(),
            kind,
            about: EventAbout::Nothing,
            details,
            created_at: self.0.clock.now(),
        }
    }

    fn take(&self, answer: Option<NewAnswer>, event: Option<NewEvent>) {
        let mut waiting = self.0.waiting.lock();
        if waiting.answers.len().max(waiting.events.len()) >= MOST_WAITING {
            waiting.dropped += 1;
            return;
        }
        waiting.answers.extend(answer);
        waiting.events.extend(event);
        if !waiting.writing {
            waiting.writing = true;
            let inner = Arc::clone(&self.0);
            self.0.tasks.spawn(async move { inner.write().await });
        }
    }

    /// Waits until everything that was taken is written (when no more requests run).
    pub async fn drained(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Inner {
    /// Writes until nothing waits.
    async fn write(&self) {
        loop {
            let (answers, events, dropped) = {
                let mut waiting = self.waiting.lock();
                let (answers, events) = (first(&mut waiting.answers), first(&mut waiting.events));
                waiting.writing = !answers.is_empty() || !events.is_empty();
                (answers, events, std::mem::take(&mut waiting.dropped))
            };
            if dropped > 0 {
                tracing::warn!(
                    dropped,
                    "answers or events were not kept: too many waited to be written"
                );
            }
            if answers.is_empty() && events.is_empty() {
                return;
            }
            if !answers.is_empty()
                && let Err(error) = self.store.keep_answers(&answers).await
            {
                tracing::warn!(%error, count = answers.len(), "answers could not be kept for review");
            }
            if !events.is_empty()
                && let Err(error) = self.store.record_events(&events).await
            {
                tracing::warn!(%error, count = events.len(), "events could not be recorded");
            }
        }
    }
}

/// Takes a batch from the front.
fn first<T>(waiting: &mut Vec<T>) -> Vec<T> {
    let count = waiting.len().min(BATCH);
    waiting.drain(..count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_contents_of_files_are_left_out_and_nothing_else() {
        let body = json!({"prompt": "?", "items": [{"id": "1", "type": "file", "content": "secret"}, 7],
            "dialogue_history": [{"prompt": "a", "answer": "b"}]});
        let kept = json!({"prompt": "?", "items": [{"id": "1", "type": "file"}, 7],
            "dialogue_history": [{"prompt": "a", "answer": "b"}]});
        assert_eq!(without_contents(&body), kept);
        assert_eq!(without_contents(&json!([1])), json!([1]));
    }

    #[test]
    fn a_prompt_version_follows_the_words() {
        assert_eq!(prompt_version(&"a"), prompt_version(&"a"));
        assert_ne!(prompt_version(&"a"), prompt_version(&"b"));
        assert_eq!(prompt_version(&"a").len(), 12);
    }
}
