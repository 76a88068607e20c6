//! Step 2: which processor, which model, how many tokens of document.
//!
//! Invariant: the plan never asks a model for more than its own and its card's limits. Called by [`crate::service`]
//! after the files were gathered, since only their size tells whether they fit.

use crate::agent::TextTool;
use crate::answer::Processor;
use crate::error::AnswerError;
use crate::gather::Source;
use crate::prompt::{self, Fence};
use crate::question::Words;
use crate::service::AnswerConfig;
use boxwood_models::{ModelRegistry, ResolvedModel, Served};
use boxwood_search::estimate_tokens;

/// Tokens of the chat template and of the lines around the documents.
const FRAME_TOKENS: u32 = 96;
/// Fewest tokens of document with which an answer is worth trying.
const LEAST_DOCUMENT_TOKENS: u32 = 128;
/// An estimate may be this far off before the model's own tokenizer is asked.
const ESTIMATE_MARGIN: f32 = 1.5;

/// What will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The processor that is reported.
    pub processor: Processor,
    /// Where its settings stand in a request: `ai_agent.basic_text`.
    pub settings_path: String,
    /// Its settings.
    pub tool: TextTool,
    /// What answers.
    pub model: ResolvedModel,
    /// Tokens that the documents may take.
    pub document_tokens: u32,
    /// Tokens that the answer may take.
    pub output_tokens: u32,
    /// Whether all text fits, so that nothing needs to be ranked.
    pub whole: bool,
}

impl Plan {
    /// The path of one setting, for a refusal.
    pub fn field(&self, name: &str) -> String {
        format!("{}.{name}", self.settings_path)
    }
}

/// The settings of one processor, with the place where a caller would change them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ai_agent.basic_text`
    pub path: String,
    /// The settings.
    pub tool: TextTool,
}

/// Decides the plan; `settings_of` gives the settings of a processor.
///
/// # Errors
/// [`AnswerError::Model`] for a name that can't be served, [`AnswerError::Agent`] when the settings leave no room.
pub async fn resolve(
    models: &ModelRegistry,
    config: &AnswerConfig,
    words: Words<'_>,
    sources: &[Source],
    settings_of: impl Fn(Processor) -> Settings,
) -> Result<Plan, AnswerError> {
    let several = sources.len() > 1;
    let fitting = fitting_processor(sources);
    let mut plan = plan_for(fitting, settings_of(fitting), models, config, words)?;
    if fits(&plan, sources).await? {
        return Ok(plan);
    }
    let by_passages = if several {
        Processor::LongTextMulti
    } else {
        Processor::LongText
    };
    // A workbook is computed over whatever its size; its passages are for what can't be computed.
    if plan.processor != Processor::Spreadsheet {
        plan = plan_for(by_passages, settings_of(by_passages), models, config, words)?;
    }
    plan.whole = false;
    Ok(plan)
}

/// The processor for sources that fit.
fn fitting_processor(sources: &[Source]) -> Processor {
    let images = sources.iter().all(|source| source.document.format.is_image());
    match (sources, images) {
        ([_], true) => Processor::BasicImage,
        (_, true) => Processor::BasicImageMulti,
        ([one], false) if one.document.format.is_spreadsheet() => Processor::Spreadsheet,
        ([_], false) => Processor::BasicText,
        _ => Processor::BasicTextMulti,
    }
}

fn plan_for(
    processor: Processor,
    settings: Settings,
    models: &ModelRegistry,
    config: &AnswerConfig,
    words: Words<'_>,
) -> Result<Plan, AnswerError> {
    let Settings { path, tool } = settings;
    let field = |name: &str| format!("{path}.{name}");
    let model = models
        .resolve(Some(&tool.model))
        .map_err(AnswerError::model_of(field("model")))?;
    let output_tokens = tool.completion_tokens.min(model.max_output_tokens());
    let around = FRAME_TOKENS + words_tokens(&tool, words);
    let window = input_window(&model);
    let room = window.saturating_sub(output_tokens).saturating_sub(around);
    // A long completion is asked for by default; a short document window would be the worse trade.
    let (room, output_tokens) = if room < LEAST_DOCUMENT_TOKENS {
        let half = window.saturating_sub(around) / 2;
        (half, output_tokens.min(half))
    } else {
        (room, output_tokens)
    };
    if room < LEAST_DOCUMENT_TOKENS {
        return Err(AnswerError::Agent {
            field: field("prompt_template"),
            message: format!(
                "the question, the dialogue and the agent's words take {around} of the {window} tokens that {} reads; \
                 shorten them",
                model.model.identity().name
            ),
        });
    }
    let runs_here = matches!(model.served, Served::Local | Served::StandIn) && model.capabilities.is_none();
    let document_tokens = if runs_here {
        room.min(config.local_document_tokens)
    } else {
        room
    };
    Ok(Plan {
        processor,
        settings_path: path,
        tool,
        model,
        document_tokens,
        output_tokens,
        whole: true,
    })
}

/// Tokens that the model reads and writes together, no more than the card promises.
pub(crate) fn input_window(model: &ResolvedModel) -> u32 {
    let served = model.model.identity().context_window;
    let card = model.card.and_then(|card| card.input_context_window);
    card.map_or(served, |card| card.min(served))
}

/// Upper estimate of what is not document.
fn words_tokens(tool: &TextTool, asked: Words<'_>) -> u32 {
    let dialogue: u32 = asked
        .dialogue
        .iter()
        .map(|turn| estimate_tokens(&turn.prompt) + estimate_tokens(&turn.answer) + 8)
        .sum();
    let words = estimate_tokens(&tool.system_message)
        + estimate_tokens(&tool.prompt_template)
        + estimate_tokens(asked.prompt)
        + dialogue;
    (words as f32 * ESTIMATE_MARGIN) as u32
}

/// Whether all text fits: by estimate where that is clear, else by the model's own tokenizer.
pub(crate) async fn fits(plan: &Plan, sources: &[Source]) -> Result<bool, AnswerError> {
    let estimate: u32 = sources
        .iter()
        .map(|source| estimate_tokens(&source.document.text))
        .sum();
    if estimate as f32 > plan.document_tokens as f32 * ESTIMATE_MARGIN {
        return Ok(false);
    }
    if (estimate as f32) * ESTIMATE_MARGIN < plan.document_tokens as f32 {
        return Ok(true);
    }
    let whole = prompt::render_whole(sources, Fence::for_sources(sources));
    Ok(plan.model.model.count_tokens(&whole).await? <= plan.document_tokens)
}
