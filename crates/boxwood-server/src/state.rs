//! What every handler reaches: the store, the answerer, time, chance, settings.

use crate::auth::consent::ConsentKey;
use crate::compat::background::Backgrounds;
use crate::join::Joins;
use crate::keep::Keeper;
use crate::metrics::Metrics;
use crate::painting::Painting;
use crate::seal::SealKey;
use crate::settings::ServerSettings;
use crate::tickets::Tickets;
use async_trait::async_trait;
use boxwood_answer::library::Library;
use boxwood_answer::reason::Sandbox;
use boxwood_answer::{
    AgentPurpose, Answer, AnswerError, AnswerService, AskAgent, ExtractAgent, ExtractMode, Extracted,
    Extraction, GeneratedText, Language, ProgressSink, Question, TextGenAgent, TextGeneration,
};
use boxwood_core::{Clock, Ids};
use boxwood_models::{CardStatus, Meter, ModelRegistry, ModelRow, ResolveError, Served};
use boxwood_store::Store;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What answers questions: `boxwood_answer::AnswerService` in the program, a stub where only HTTP is tested.
#[async_trait]
pub trait Asker: Send + Sync {
    /// Answers, reporting progress on the way. Ends soon after `question.cancel` was cancelled.
    ///
    /// # Errors
    /// See [`AnswerError`].
    async fn ask(&self, question: Question, progress: &dyn ProgressSink) -> Result<Answer, AnswerError>;

    /// Writes a text, reporting progress on the way. Ends soon after `wanted.cancel` was cancelled.
    ///
    /// # Errors
    /// See [`AnswerError`].
    async fn generate_text(
        &self,
        wanted: TextGeneration,
        progress: &dyn ProgressSink,
    ) -> Result<GeneratedText, AnswerError>;

    /// Fills in fields, reporting progress on the way. Ends soon after `extraction.cancel` was cancelled.
    ///
    /// # Errors
    /// See [`AnswerError`].
    async fn extract(
        &self,
        extraction: Extraction,
        progress: &dyn ProgressSink,
    ) -> Result<Extracted, AnswerError>;

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

    /// The complete default agent for writing.
    ///
    /// # Errors
    /// As [`Asker::default_agent`].
    fn default_text_gen_agent(
        &self,
        language: Language,
        model: Option<&str>,
    ) -> Result<TextGenAgent, AnswerError>;

    /// Writes questions that people might ask an agent, for one that was made without any.
    ///
    /// # Errors
    /// See [`AnswerError`].
    async fn suggest_questions(
        &self,
        purpose: &AgentPurpose,
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, AnswerError>;

    /// Whether a name is one of a model, served or not.
    ///
    /// # Errors
    /// Why not, in words that continue "the model …".
    fn knows_model(&self, name: &str) -> Result<(), String>;

    /// Whether nothing serves a model, or Box has withdrawn it and only a stand-in would answer.
    fn is_inactive(&self, model: &str) -> bool;

    /// Every model with what serves it.
    fn models(&self) -> Vec<ModelRow> {
        Vec::new()
    }

    /// Where programs of models run; `None`: nothing is computed by programs.
    fn sandbox(&self) -> Option<&Sandbox> {
        None
    }

    /// Whether a question could be answered now: what is missing, in one sentence a person can act on.
    ///
    /// # Errors
    /// That sentence.
    fn ready(&self) -> Result<(), String>;
}

#[async_trait]
impl Asker for AnswerService {
    async fn extract(
        &self,
        extraction: Extraction,
        progress: &dyn ProgressSink,
    ) -> Result<Extracted, AnswerError> {
        Self::extract(self, extraction, progress).await
    }

    async fn ask(&self, question: Question, progress: &dyn ProgressSink) -> Result<Answer, AnswerError> {
        Self::ask(self, question, progress).await
    }

    async fn generate_text(
        &self,
        wanted: TextGeneration,
        progress: &dyn ProgressSink,
    ) -> Result<GeneratedText, AnswerError> {
        Self::generate_text(self, wanted, progress).await
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

    fn default_text_gen_agent(
        &self,
        language: Language,
        model: Option<&str>,
    ) -> Result<TextGenAgent, AnswerError> {
        Self::default_text_gen_agent(self, language, model)
    }

    async fn suggest_questions(
        &self,
        purpose: &AgentPurpose,
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, AnswerError> {
        Self::suggest_questions(self, purpose, cancel).await
    }

    fn knows_model(&self, name: &str) -> Result<(), String> {
        match Self::models(self).resolve(Some(name)) {
            Err(error @ (ResolveError::Unknown { .. } | ResolveError::WrongPurpose { .. })) => {
                Err(error.to_string())
            }
            _ => Ok(()),
        }
    }

    fn is_inactive(&self, model: &str) -> bool {
        match Self::models(self).resolve(Some(model)) {
            Err(_) => true,
            Ok(resolved) => {
                let listed = resolved.card.is_none_or(|card| card.status == CardStatus::Listed);
                !listed && !matches!(resolved.served, Served::Host | Served::Local)
            }
        }
    }

    fn models(&self) -> Vec<ModelRow> {
        Self::models(self).overview()
    }

    fn sandbox(&self) -> Option<&Sandbox> {
        Self::sandbox(self)
    }

    fn ready(&self) -> Result<(), String> {
        Self::models(self)
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
    /// Models, for the OpenAI-compatible API.
    pub models: ModelRegistry,
    /// Parsed files, for representations.
    pub library: Arc<Library>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What counts and limits the use of models.
    pub meter: Meter,
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
    seals: Arc<SealKey>,
    painting: Painting,
    agents_changed: Arc<Notify>,
    backgrounds: Backgrounds,
}

impl AppState {
    /// Joins the parts.
    pub fn new(parts: AppParts) -> Self {
        let tickets = Arc::new(Tickets::new(parts.ids.as_ref()));
        let settings = &parts.settings;
        let joins = Joins::new(settings.limits.questions, settings.join_grace, parts.stop.clone());
        let backgrounds = Backgrounds::new(settings.limits.questions, parts.stop.clone());
        let keeper = Keeper::new(parts.store.clone(), parts.clock.clone(), settings.keep_answers);
        let painting = Painting::new(parts.library.clone(), parts.stop.clone());
        let consent = Arc::new(ConsentKey::new(parts.ids.as_ref()));
        let seals = SealKey::new(settings.seal_secret.as_ref(), parts.ids.as_ref());
        Self {
            metrics: Arc::new(Metrics::new(joins.clone())),
            joins,
            keeper,
            consent,
            parts: Arc::new(parts),
            tickets,
            seals: Arc::new(seals),
            painting,
            agents_changed: Arc::default(),
            backgrounds,
        }
    }

    /// The questions that run.
    pub fn joins(&self) -> &Joins {
        &self.joins
    }

    /// Responses that go on without their client.
    pub fn backgrounds(&self) -> &Backgrounds {
        &self.backgrounds
    }

    /// What keeps answers for review.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Woken when an agent of AI Studio was made or changed.
    pub fn agents_changed(&self) -> &Notify {
        &self.agents_changed
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The key of consent forms.
    pub fn consent(&self) -> &ConsentKey {
        &self.consent
    }

    /// What makes thumbnails.
    pub fn painting(&self) -> &Painting {
        &self.painting
    }

    /// The key of seals of reasoning items.
    pub(crate) fn seals(&self) -> &Arc<SealKey> {
        &self.seals
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
