//! One question from files to checked answer: the steps, in their order.
//!
//! Built once by the binary; called by the server's ask handler, the CLI and the evaluation runner. Invariant: an answer
//! leaves only after its support was measured, and says what answered and what was read.

use crate::agent::{AskAgent, Language};
use crate::answer::{Answer, Coverage, ModelUse, PicturesRead, ServedBy, StepTimings, Support, Worked};
use crate::error::AnswerError;
use crate::extract::{ExtractAgent, ExtractMode};
use crate::gather::{self, Gathered, Source};
use crate::generate::{self, Completion};
use crate::library::Library;
use crate::parse;
use crate::progress::{Progress, ProgressSink};
use crate::question::Question;
use crate::reason::{self, Sandbox};
use crate::resolve::{self, Plan};
use crate::retrieve::{self, Shown, default_embedding};
use crate::spreadsheet::{self, Attempt, Computed};
use crate::support::{self, Measured, SupportModel};
use crate::{cite, opinions, pictures, prompt};
use boxwood_core::{Caller, ChatRequest, Effort, FinishReason};
use boxwood_models::ModelRegistry;
use boxwood_search::EvidenceList;
use std::sync::Arc;
use std::time::Instant;

/// Settings of the answer pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerConfig {
    /// Tokens of document that a model in this process is shown at most: reading costs about 15 ms a token on two cores.
    pub local_document_tokens: u32,
    /// Citations of one answer at most.
    pub max_citations: usize,
    /// An answer whose support is measured below this is replaced by an honest abstention. 0 never abstains.
    pub abstain_below: f32,
    /// Weights of the support check.
    pub support: SupportModel,
    /// How much is thought about a question that its agent says nothing about.
    pub effort: Effort,
}

impl Default for AnswerConfig {
    fn default() -> Self {
        Self {
            local_document_tokens: 2_400,
            max_citations: 3,
            abstain_below: 0.38,
            support: SupportModel::DEFAULT,
            effort: Effort::Medium,
        }
    }
}

/// Answers questions about files.
pub struct AnswerService {
    pub(crate) library: Arc<Library>,
    pub(crate) models: ModelRegistry,
    pub(crate) config: AnswerConfig,
    sandbox: Option<Sandbox>,
}

impl AnswerService {
    /// A service over a library of files and the models of this process.
    pub fn new(library: Arc<Library>, models: ModelRegistry, config: AnswerConfig) -> Self {
        Self {
            library,
            models,
            config,
            sandbox: None,
        }
    }

    /// The same service, whose models work on behalf of a caller. Every operation begins with it.
    pub(crate) fn on_behalf_of(&self, caller: &Caller) -> Self {
        Self {
            library: self.library.clone(),
            models: self.models.on_behalf_of(caller),
            config: self.config.clone(),
            sandbox: self.sandbox.clone(),
        }
    }

    /// The same with a sandbox, in which calculations run.
    #[must_use]
    pub fn with_sandbox(mut self, sandbox: Option<Sandbox>) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// Where calculations run; `None`: nothing is computed by programs.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }

    /// The parsed files.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// The models.
    pub fn models(&self) -> &ModelRegistry {
        &self.models
    }

    /// The settings.
    pub fn config(&self) -> &AnswerConfig {
        &self.config
    }

    /// The default agent for questions, complete and fit to be sent back as an override.
    ///
    /// # Errors
    /// [`AnswerError::Model`] for a name that can't be served.
    pub fn default_agent(&self, language: Language, model: Option<&str>) -> Result<AskAgent, AnswerError> {
        let resolved = self.models.resolve(model);
        let resolved = resolved.map_err(AnswerError::model_of("model"))?;
        let embedding = default_embedding(&self.models);
        let mut agent = AskAgent::default_for(language, &resolved.requested, &embedding);
        for tool in agent.tools_mut() {
            tool.fit(&resolved);
        }
        Ok(agent)
    }

    /// The default agent for extraction, complete and fit to be sent back as an override.
    ///
    /// # Errors
    /// [`AnswerError::Model`] for a name that can't be served.
    pub fn default_extract_agent(
        &self,
        mode: ExtractMode,
        language: Language,
        model: Option<&str>,
    ) -> Result<ExtractAgent, AnswerError> {
        let resolved = self.models.resolve(model);
        let resolved = resolved.map_err(AnswerError::model_of("model"))?;
        let embedding = default_embedding(&self.models);
        let mut agent = ExtractAgent::default_for(mode, language, &resolved.requested, &embedding);
        for tool in [
            &mut agent.basic_text,
            &mut agent.long_text,
            &mut agent.basic_image,
        ] {
            tool.fit(&resolved);
        }
        Ok(agent)
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing is kept of a question that failed except what was read from the files.
    pub async fn ask(&self, question: Question, progress: &dyn ProgressSink) -> Result<Answer, AnswerError> {
        let service = self.on_behalf_of(&question.caller);
        let Some(limit) = question.time_limit else {
            return service.run(&question, progress).await;
        };
        match tokio::time::timeout(limit, service.run(&question, progress)).await {
            Ok(answer) => answer,
            Err(_) => Err(AnswerError::DeadlinePassed { limit }),
        }
    }

    async fn run(&self, question: &Question, progress: &dyn ProgressSink) -> Result<Answer, AnswerError> {
        let started = Instant::now();
        let mut timings = StepTimings::default();

        let sees = pictures::may_be_seen(&self.models, question);
        let gathered = gather::gather_for(&self.library, question.items(), sees, progress).await?;
        let sources = &gathered.sources;
        timings.gather = started.elapsed();

        let plan = resolve::resolve(
            &self.models,
            &self.config,
            question.words(),
            sources,
            |processor| question.agent.settings(processor),
        )
        .await?;
        let passed = match spreadsheet::compute(&plan, question, sources, progress).await? {
            Attempt::Computed(computed) => {
                timings.total = started.elapsed();
                timings.generate = timings.total - timings.gather;
                return Ok(self.finish_computed(question, &gathered, &plan, *computed, timings));
            }
            Attempt::FromText(why) => why,
        };
        progress.report(Progress::Searching);
        let retrieving = Instant::now();
        let query = retrieve::search_query(question.words());
        let shown = retrieve::retrieve(&self.library, &self.models, &plan, &query, sources).await?;
        timings.retrieve = retrieving.elapsed();

        let calculating = Instant::now();
        let effort = plan.tool.effort.unwrap_or(self.config.effort);
        let asked = reason::Asked {
            plan: &plan,
            question,
            sources,
            shown: &shown,
        };
        let computed = reason::by_calculation(&asked, effort, self.sandbox(), progress).await?;
        if let Some(computed) = computed {
            timings.generate = calculating.elapsed();
            timings.total = started.elapsed();
            return self
                .finish_reasoned(question, &gathered, &plan, shown, computed, timings)
                .await;
        }

        let mut request = prompt::build(&plan, question, sources, &shown);
        let pictures = pictures::add(&mut request, &plan, question, &self.library, sources).await?;
        let warnings = plan.model.warnings_for(&request);
        let generating = Instant::now();
        let completion = generate::generate(&plan.model, request.clone(), &question.cancel, progress).await?;
        timings.generate = generating.elapsed();

        let checking = Instant::now();
        progress.report(Progress::Checking);
        let work = Work {
            question,
            sources,
            shown: &shown,
            request: &request,
            pictures: pictures.as_ref(),
        };
        let checked = self.check(&work, &completion).await?;
        let opinion = opinions::Opinion::first(completion, checked);
        let opinion = match effort {
            Effort::High => opinions::ask_again(self, &work, opinion, progress).await?,
            Effort::Low | Effort::Medium => opinion,
        };
        timings.check = checking.elapsed();
        timings.total = started.elapsed();

        let reasoning = opinion.report;
        let mut answer = self.finish(
            question,
            &gathered,
            &plan,
            shown,
            opinion.completion,
            opinion.checked,
        );
        answer.reasoning = reasoning;
        answer.warnings.extend(
            warnings
                .into_iter()
                .map(|warning| format!("{}: {}", warning.parameter, warning.message)),
        );
        answer.warnings.extend(passed);
        if let Some(pictures) = &pictures {
            pictures::report(pictures, &mut answer.coverage.files);
        }
        answer.pictures = pictures;
        answer.timings = timings;
        Ok(answer)
    }

    /// How well the files support a completion.
    pub(crate) async fn check(
        &self,
        work: &Work<'_>,
        completion: &Completion,
    ) -> Result<Checked, AnswerError> {
        let draft = parse::read_draft(&completion.text);
        let evidence = cite::find_aside(
            work.sources,
            work.shown,
            &work.question.prompt,
            &draft.text,
            self.config.max_citations,
        )
        .await?;
        let model = completion.model.model.as_ref();
        let measured = Measured {
            question: work.question,
            sources: work.sources,
            request: work.request,
            draft: &draft,
            evidence: &evidence,
        };
        let support = support::measure(model, &self.config.support, measured).await?;
        let support = pictures::support(support, work.pictures, draft.declines);
        Ok(Checked {
            draft: draft.text,
            evidence,
            support,
        })
    }

    /// An answer that was computed: its support is how surely the query is the one that was asked for.
    fn finish_computed(
        &self,
        question: &Question,
        gathered: &Gathered,
        plan: &Plan,
        computed: Computed,
        timings: StepTimings,
    ) -> Answer {
        let checked = Checked {
            draft: computed.text,
            evidence: computed.evidence,
            support: Support {
                probability: computed.probability,
                method: "calculation",
                signals: None,
            },
        };
        let answer = self.finish(
            question,
            gathered,
            plan,
            computed.shown,
            computed.completion,
            checked,
        );
        Answer {
            calculation: Some(Worked::Query(computed.calculation)).filter(|_| !answer.abstained),
            timings,
            ..answer
        }
    }

    /// An answer that a program gave.
    async fn finish_reasoned(
        &self,
        question: &Question,
        gathered: &Gathered,
        plan: &Plan,
        shown: Shown,
        computed: reason::Computed,
        timings: StepTimings,
    ) -> Result<Answer, AnswerError> {
        let places = self.config.max_citations;
        let checked = Checked {
            evidence: cite::find_aside(
                &gathered.sources,
                &shown,
                &question.prompt,
                &computed.stated,
                places,
            )
            .await?,
            draft: computed.text.clone(),
            support: computed.support,
        };
        let completion = Completion {
            text: computed.text,
            finish: FinishReason::Stop,
            usage: computed.usage,
            model: plan.model.clone(),
        };
        let answer = self.finish(question, gathered, plan, shown, completion, checked);
        Ok(Answer {
            calculation: Some(Worked::Program(computed.program)).filter(|_| !answer.abstained),
            reasoning: Some(computed.report),
            timings,
            ..answer
        })
    }

    /// Decides between answer and abstention and puts everything together.
    fn finish(
        &self,
        question: &Question,
        gathered: &Gathered,
        plan: &Plan,
        shown: Shown,
        completion: Completion,
        checked: Checked,
    ) -> Answer {
        let abstained = checked.support.probability < self.config.abstain_below;
        let support = checked.support.probability;
        let citations = match abstained {
            true => Vec::new(),
            false => {
                let pieces = checked.evidence.pieces.iter();
                pieces
                    .filter_map(|piece| cite::cite(&gathered.sources, piece, support))
                    .collect()
            }
        };
        let text = match abstained {
            true => parse::abstention(&question.prompt, gathered.sources.len()).to_owned(),
            false => checked.draft,
        };
        let identity = completion.model.model.identity();
        let mut models = vec![ModelUse {
            name: identity.name.clone(),
            provider: identity.provider.clone(),
            supported_purpose: "chat",
        }];
        let coverage = Coverage {
            files: shown.coverage(&question.files, gathered),
        };
        models.extend(shown.embedding);
        Answer {
            text,
            abstained,
            truncated: completion.finish == FinishReason::Length,
            citations,
            support: checked.support,
            processor: plan.processor,
            models,
            served_by: ServedBy {
                requested: completion.model.requested.clone(),
                answered: identity.name.clone(),
                kind: completion.model.served.as_str(),
            },
            coverage,
            calculation: None,
            reasoning: None,
            pictures: None,
            usage: completion.usage,
            timings: StepTimings::default(),
            warnings: unread_warnings(gathered),
        }
    }
}

impl std::fmt::Debug for AnswerService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerService")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A question on its way to an answer from the text.
pub(crate) struct Work<'a> {
    pub question: &'a Question,
    pub sources: &'a [Source],
    pub shown: &'a Shown,
    pub request: &'a ChatRequest,
    pub pictures: Option<&'a PicturesRead>,
}

/// The draft with what was measured about it.
pub(crate) struct Checked {
    pub draft: String,
    pub evidence: EvidenceList,
    pub support: Support,
}

/// Files that took no part are named in the answer, never left out silently.
pub(crate) fn unread_warnings(gathered: &Gathered) -> Vec<String> {
    let unread = gathered.unread.iter();
    unread
        .map(|unread| {
            format!(
                "file {} ({}) was not read: {}",
                unread.file.id(),
                unread.file.name(),
                unread.note.message
            )
        })
        .collect()
}
