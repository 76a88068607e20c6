//! `POST /2.0/ai/text_gen`: a text that is written, or rewritten, as the caller asks, with or without a file before it.
//!
//! Invariants: what the model was shown of the file is told in [`GeneratedText::coverage`]; an empty `content` or a
//! template without `{content}` shows nothing, and says so. A written text is no answer about a file, so nothing is
//! cited and no support is measured. Called by the server's handler.

mod agent;

pub use agent::{GenTool, GenToolOverride, TextGenAgent};

use crate::agent::Language;
use crate::answer::{Coverage, ModelUse, ServedBy, StepTimings};
use crate::error::AnswerError;
use crate::gather::{self, Gathered, Items, Source};
use crate::generate::{self, Completion};
use crate::progress::{Progress, ProgressSink};
use crate::question::{DialogueTurn, Words};
use crate::resolve::{self, Plan, Settings};
use crate::retrieve::{self, Shown, default_embedding};
use crate::service::{AnswerService, unread_warnings};
use crate::{parse, prompt};
use boxwood_core::{Caller, ChatRequest, FileId, FinishReason, Usage};
use boxwood_store::ReadableFiles;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Where the settings stand in a request.
const SETTINGS: &str = "ai_agent.basic_gen";

/// A text to be written.
#[derive(Debug)]
pub struct TextGeneration {
    /// What is wanted, 1 to 10,000 characters.
    pub prompt: String,
    /// The file that the text is about.
    pub files: ReadableFiles,
    /// Text that replaces the file's own; empty: nothing is shown.
    pub contents: HashMap<FileId, String>,
    /// Prior exchanges, oldest first.
    pub dialogue: Vec<DialogueTurn>,
    /// The complete agent: defaults with the caller's override already merged.
    pub agent: TextGenAgent,
    /// On whose behalf models work.
    pub caller: Caller,
    /// Cache partition: the enterprise of the asker.
    pub partition: String,
    /// For `{current_date}`.
    pub now: DateTime<Utc>,
    /// How long it may take; `None`: until the caller goes away.
    pub time_limit: Option<Duration>,
    /// Cancelled when nobody waits any more.
    pub cancel: CancellationToken,
}

/// A written text.
#[derive(Debug, Clone)]
pub struct GeneratedText {
    /// The text.
    pub text: String,
    /// Whether the model's output ended at the limit.
    pub truncated: bool,
    /// What really wrote, and what embedded.
    pub models: Vec<ModelUse>,
    /// The card (or name) that was asked for, and what served it.
    pub served_by: ServedBy,
    /// What was read of what is present.
    pub coverage: Coverage,
    /// Tokens and times of the completion.
    pub usage: Usage,
    /// Time of each step.
    pub timings: StepTimings,
    /// Parameters that were dropped or translated, and similar.
    pub warnings: Vec<String>,
}

impl GeneratedText {
    /// Box's name of the processor, as in `ai_agent_info.processor`.
    pub const PROCESSOR: &'static str = "basic_gen";
}

impl TextGeneration {
    fn words(&self) -> Words<'_> {
        Words {
            prompt: &self.prompt,
            dialogue: &self.dialogue,
        }
    }

    /// Why the model is shown nothing of the file; `None`: it is shown what fits.
    fn shows_nothing(&self) -> Option<&'static str> {
        let given = |file: &boxwood_store::ReadableFile| self.contents.get(file.id());
        let tool = &self.agent.basic_gen;
        if self
            .files
            .iter()
            .all(|file| given(file).is_some_and(|text| text.trim().is_empty()))
        {
            Some("the item's `content` is empty: the text was written without the file")
        } else if !tool.content_template.contains("{content}") {
            Some("`content_template` has no `{content}`: the text was written without the file")
        } else {
            None
        }
    }
}

impl AnswerService {
    /// The default agent for writing, complete and fit to be sent back as an override.
    ///
    /// # Errors
    /// [`AnswerError::Model`] for a name that can't be served.
    pub fn default_text_gen_agent(
        &self,
        language: Language,
        model: Option<&str>,
    ) -> Result<TextGenAgent, AnswerError> {
        let resolved = self.models.resolve(model);
        let resolved = resolved.map_err(AnswerError::model_of("model"))?;
        let embedding = default_embedding(&self.models);
        let mut agent = TextGenAgent::default_for(language, &resolved.requested, &embedding);
        agent.basic_gen.tool.fit(&resolved);
        Ok(agent)
    }

    /// Writes a text.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing is kept of a text that failed except what was read from the file.
    pub async fn generate_text(
        &self,
        wanted: TextGeneration,
        progress: &dyn ProgressSink,
    ) -> Result<GeneratedText, AnswerError> {
        let service = self.on_behalf_of(&wanted.caller);
        let Some(limit) = wanted.time_limit else {
            return service.write(&wanted, progress).await;
        };
        match tokio::time::timeout(limit, service.write(&wanted, progress)).await {
            Ok(text) => text,
            Err(_) => Err(AnswerError::DeadlinePassed { limit }),
        }
    }

    async fn write(
        &self,
        wanted: &TextGeneration,
        progress: &dyn ProgressSink,
    ) -> Result<GeneratedText, AnswerError> {
        let started = Instant::now();
        let mut timings = StepTimings::default();
        let unshown = wanted.shows_nothing();
        let gathered = match unshown {
            Some(_) => Gathered::default(),
            None => self.gather_for(wanted, progress).await?,
        };
        let sources = &gathered.sources;
        timings.gather = started.elapsed();

        let settings = || Settings {
            path: SETTINGS.to_owned(),
            tool: wanted.agent.basic_gen.tool.clone(),
        };
        let words = wanted.words();
        let plan = resolve::resolve(&self.models, &self.config, words, sources, |_| settings()).await?;
        progress.report(Progress::Searching);
        let query = retrieve::search_query(words);
        let shown = retrieve::retrieve(&self.library, &self.models, &plan, &query, sources).await?;
        timings.retrieve = started.elapsed() - timings.gather;

        let request = build(&plan, wanted, sources, &shown);
        let mut warnings = unread_warnings(&gathered);
        warnings.extend(unshown.map(str::to_owned));
        let of_model = plan.model.warnings_for(&request).into_iter();
        warnings.extend(of_model.map(|warning| format!("{}: {}", warning.parameter, warning.message)));
        let generating = Instant::now();
        let completion = generate::generate(&plan.model, request, &wanted.cancel, progress).await?;
        timings.generate = generating.elapsed();
        timings.total = started.elapsed();
        let coverage = Coverage {
            files: shown.coverage(&wanted.files, &gathered),
        };
        Ok(finish(completion, shown, coverage, timings, warnings))
    }

    async fn gather_for(
        &self,
        wanted: &TextGeneration,
        progress: &dyn ProgressSink,
    ) -> Result<Gathered, AnswerError> {
        let items = Items {
            files: &wanted.files,
            contents: &wanted.contents,
            cancel: &wanted.cancel,
        };
        gather::gather(&self.library, items, progress).await
    }
}

/// The content in its own template, then the caller's words; or where the caller's template wants it.
fn build(plan: &Plan, wanted: &TextGeneration, sources: &[Source], shown: &Shown) -> ChatRequest {
    let tool = &wanted.agent.basic_gen;
    let texts: Vec<String> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let text = prompt::shown_text(shown, index, &source.document);
            prompt::neutralise(text.trim_end())
        })
        .collect();
    let places = tool.content_template.contains("{content}");
    let content = match texts.is_empty() && places {
        true => String::new(),
        false => tool
            .content_template
            .replacen("{content}", &texts.join("\n\n"), 1),
    };
    let template = match content.is_empty() {
        true => tool.tool.prompt_template.clone(),
        false => with_content(&tool.tool.prompt_template),
    };
    let asked = prompt::Asked {
        text: &prompt::with_dialogue(wanted.words()),
        now: wanted.now,
        partition: &wanted.partition,
    };
    prompt::fill(plan, &template, &content, asked)
}

/// The content stands first where the template does not say where, so that requests over one file share its prefix.
fn with_content(template: &str) -> String {
    if template.contains("{content}") {
        template.to_owned()
    } else {
        format!("{{content}}\n\n{template}")
    }
}

fn finish(
    completion: Completion,
    shown: Shown,
    coverage: Coverage,
    timings: StepTimings,
    warnings: Vec<String>,
) -> GeneratedText {
    let identity = completion.model.model.identity();
    let mut models = vec![ModelUse {
        name: identity.name.clone(),
        provider: identity.provider.clone(),
        supported_purpose: "chat",
    }];
    models.extend(shown.embedding);
    GeneratedText {
        text: parse::read_draft(&completion.text).text,
        truncated: completion.finish == FinishReason::Length,
        served_by: ServedBy {
            requested: completion.model.requested.clone(),
            answered: identity.name.clone(),
            kind: completion.model.served.as_str(),
        },
        models,
        coverage,
        usage: completion.usage,
        timings,
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_stands_first_unless_the_template_says_where() {
        for (template, expected) in [
            ("{user_question}", "{content}\n\n{user_question}"),
            (
                "Do {user_question} with {content}",
                "Do {user_question} with {content}",
            ),
        ] {
            assert_eq!(with_content(template), expected);
        }
    }
}
