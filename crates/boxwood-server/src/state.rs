//! What every handler reaches: the store, the answerer, time, chance, settings.

use crate::auth::consent::ConsentKey;
use crate::join::Joins;
use crate::keep::Keeper;
use crate::metrics::Metrics;
use crate::settings::ServerSettings;
use crate::tickets::Tickets;
use async_trait::async_trait;
use boxwood_answer::library::Library;
use boxwood_answer::{
    Answer, AnswerError, AnswerService, AskAgent, ExtractAgent, ExtractMode, Language, ProgressSink, Question,
};
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

    /// The complete default agent for extraction.
    ///
    /// # Errors
    /// As [`Asker::default_agent`].
    fn default_extract_agent(
        &self,
        mode: ExtractMode,
        language: Language,
        model: Option<&str>,
    ) -> Result<ExtractAgent, AnswerError>;

    /// Whether a question could be answered now: what is missing, in one sentence a person can act on.
    ///
    /// # Errors
    /// That sentence.
    fn ready(&self) -> Result<(), String>;
}

#[async_trait]
impl Asker for AnswerService {
    async fn ask(&self, question: Question, progress: &dyn ProgressSink) -> Result<Answer, AnswerError> {
        Self::ask(self, question, progress).await
    }

    fn default_agent(&self, language: Language, model: Option<&str>) -> Result<AskAgent, AnswerError> {
        Self::default_agent(self, language, model)
    }

    fn default_extract_agent(
        &self,
        mode: ExtractMode,
        language: Language,
        model: Option<&str>,
    ) -> Result<ExtractAgent, AnswerError> {
        Self::default_extract_agent(self, mode, language, model)
    }

    fn ready(&self) -> Result<(), String> {
        self.models()
            .resolve(None)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

/// The parts of [`AppState`].
pub struct AppParts {
    /// Files, users, tokens.
    pub store: Arc<dyn Store>,
    /// Questions.
    pub asker: Arc<dyn Asker>,
    /// Parsed files, for representations.
    pub library: Arc<Library>,
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
pub struct AppState {
    parts: Arc<AppParts>,
    joins: Joins,
    keeper: Keeper,
    metrics: Arc<Metrics>,
    consent: Arc<ConsentKey>,
    tickets: Arc<Tickets>,
}

impl AppState {
    /// Joins the parts.
    pub fn new(parts: AppParts) -> Self {
        let tickets = Arc::new(Tickets::new(parts.ids.as_ref()));
        let settings = &parts.settings;
        let joins = Joins::new(settings.limits.questions, settings.join_grace, parts.stop.clone());
        let keeper = Keeper::new(parts.store.clone(), parts.clock.clone(), settings.keep_answers);
        let consent = Arc::new(ConsentKey::new(parts.ids.as_ref()));
        Self {
            metrics: Arc::new(Metrics::new(joins.clone())),
            joins,
            keeper,
            consent,
            parts: Arc::new(parts),
            tickets,
        }
    }

    /// The questions that run.
    pub fn joins(&self) -> &Joins {
        &self.joins
    }

    /// What keeps answers for review.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The key of consent forms.
    pub fn consent(&self) -> &ConsentKey {
        &self.consent
    }

    /// The key of download addresses.
    pub fn tickets(&self) -> &Tickets {
        &self.tickets
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.parts
    }
}
