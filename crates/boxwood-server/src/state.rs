//! What every handler reaches: the store, the answerer, time, chance, settings.

use crate::settings::ServerSettings;
use async_trait::async_trait;
use boxwood_answer::{Answer, AnswerError, AskAgent, Language, ProgressSink, Question};
use boxwood_core::{Clock, Ids};
use boxwood_store::Store;
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What answers questions: `boxwood_answer::AnswerService` in the program, a stub where only HTTP is tested.
#[async_trait]
pub trait Asker: Send + Sync {
    /// Answers, reporting progress on the way. Ends soon after `question.cancel` was cancelled.
    ///
    /// # Errors
    /// See [`AnswerError`].
    async fn ask(&self, question: Question, progress: &dyn ProgressSink) -> Result<Answer, AnswerError>;

    /// The complete default agent in a language, for a model's name (`None`: the server's default model).
    ///
    /// # Errors
    /// A name that is no model, or one that nothing serves.
    fn default_agent(&self, language: Language, model: Option<&str>) -> Result<AskAgent, AnswerError>;

    /// Whether a question could be answered now: what is missing, in one sentence a person can act on.
    ///
    /// # Errors
    /// That sentence.
    fn ready(&self) -> Result<(), String>;
}

/// The parts of [`AppState`].
pub struct AppParts {
    /// Files, users, tokens.
    pub store: Arc<dyn Store>,
    /// Questions.
    pub asker: Arc<dyn Asker>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub ids: Arc<dyn Ids>,
    /// What the operator decided.
    pub settings: ServerSettings,
    /// Cancelled when the server stops and its grace is over: every running answer ends then.
    pub stop: CancellationToken,
}

/// Shared by every handler; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<AppParts>);

impl AppState {
    /// Joins the parts.
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}
