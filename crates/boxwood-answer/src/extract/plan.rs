//! Step 2 of an extraction: which processor, which model, how many tokens of document.
//!
//! Invariant: the plan leaves room for the words around the largest group of fields and for its values. Called by the
//! running step after the files were gathered.

use super::agent::Depth;
use super::extraction::Extraction;
use crate::answer::Processor;
use crate::error::AnswerError;
use crate::gather::Source;
use crate::resolve::{Plan, fits, input_window};
use crate::service::AnswerConfig;
use boxwood_models::{ModelRegistry, Served};

/// Tokens of a document that a model in this process reads whole: all groups of fields share them, so more is worth
/// reading than for one question.
const LOCAL_WHOLE_TOKENS: u32 = 4_400;
/// The same for the enhanced agent.
const LOCAL_WHOLE_TOKENS_ENHANCED: u32 = 5_200;
/// Tokens of the chat template, the agent's words and the description of one group of fields.
const AROUND_TOKENS: u32 = 1_300;
/// Tokens that the values of one group take, with a reserve.
const VALUES_TOKENS: u32 = 1_280;
/// Fewest tokens of document with which an extraction is worth trying.
const LEAST_DOCUMENT_TOKENS: u32 = 128;

/// Decides the plan.
///
/// # Errors
/// [`AnswerError::Model`] for a name that can't be served, [`AnswerError::Agent`] when the model's window is too small.
pub async fn plan(
    models: &ModelRegistry,
    config: &AnswerConfig,
    extraction: &Extraction,
    sources: &[Source],
) -> Result<Plan, AnswerError> {
    let images = sources.iter().all(|source| source.document.format.is_image());
    let fitting = if images {
        Processor::BasicImage
    } else {
        Processor::BasicText
    };
    let plan = plan_for(fitting, models, config, extraction)?;
    if fits(&plan, sources).await? {
        return Ok(plan);
    }
    let mut plan = plan_for(Processor::LongText, models, config, extraction)?;
    plan.whole = false;
    Ok(plan)
}

fn plan_for(
    processor: Processor,
    models: &ModelRegistry,
    config: &AnswerConfig,
    extraction: &Extraction,
) -> Result<Plan, AnswerError> {
    let tool = extraction.agent.tool(processor).clone();
    let field = |name: &str| format!("ai_agent.{}.{name}", processor.as_str());
    let model = models
        .resolve(Some(&tool.model))
        .map_err(AnswerError::model_of(field("model")))?;
    let output_tokens = tool.completion_tokens.min(model.max_output_tokens());
    let values = VALUES_TOKENS.min(output_tokens);
    let room = input_window(&model).saturating_sub(AROUND_TOKENS + values);
    if room < LEAST_DOCUMENT_TOKENS {
        return Err(AnswerError::Agent {
            field: field("model"),
            message: format!(
                "{} reads {} tokens at a time, too few for an extraction; choose a model with a larger window",
                model.model.identity().name,
                input_window(&model)
            ),
        });
    }
    let runs_here = matches!(model.served, Served::Local | Served::StandIn) && model.capabilities.is_none();
    let document_tokens = match (runs_here, processor, extraction.depth) {
        (false, _, _) => room,
        (true, Processor::LongText, Depth::Standard) => room.min(config.local_document_tokens),
        (true, Processor::LongText, Depth::Enhanced) => room.min(config.local_document_tokens * 3 / 2),
        (true, _, Depth::Standard) => room.min(LOCAL_WHOLE_TOKENS.max(config.local_document_tokens)),
        (true, _, Depth::Enhanced) => room.min(LOCAL_WHOLE_TOKENS_ENHANCED.max(config.local_document_tokens)),
    };
    Ok(Plan {
        processor,
        settings_path: format!("ai_agent.{}", processor.as_str()),
        tool,
        model,
        document_tokens,
        output_tokens,
        whole: true,
    })
}
