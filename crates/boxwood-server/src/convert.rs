//! The wire's agents, questions and answers ↔ those of `boxwood_answer`. Pure.

use boxwood_answer::agent::{AgentOverride, EmbeddingStrategy, EndpointParams, TextToolOverride};
use boxwood_answer::text_gen::GenToolOverride;
use boxwood_answer::{
    Answer, AskAgent, ExtractAgent, ExtractAgentOverride, GeneratedText, ModelUse, QuestionMode,
    TextGenAgent, TextTool,
};
use boxwood_api::ai::agent::{
    AskOverride, BASIC_STRATEGY, EmbeddingsBody, SpreadsheetToolBody, StrategyBody, ToolOverride,
};
use boxwood_api::ai::studio::ExtractTools;
use boxwood_api::ai::text_gen::{GenToolBody, TEXT_GEN_AGENT};
use boxwood_api::ai::{
    AgentInfo, AiResponse, AiResponseFull, AskAgentBody, AskMode, CitationBody, EndpointParams as WireParams,
    ExtractAgentBody, ExtractKind, ModelInfo, ParamsFamily, TextGenAgentBody, TextGenOverride, TextToolBody,
};
use boxwood_api::wire::Moment;
use boxwood_core::{Citation, Highlight, Sampling, Usage};
use boxwood_models::ParameterKind;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// The mode of a question.
pub(crate) fn endpoint_mode(mode: AskMode) -> QuestionMode {
    match mode {
        AskMode::SingleItem => QuestionMode::SingleItem,
        AskMode::MultipleItems => QuestionMode::MultipleItems,
    }
}

/// A request's override; what it leaves out of `embeddings` comes from the defaults.
pub(crate) fn ask_override(over: &AskOverride, defaults: &AskAgent) -> AgentOverride {
    let tool = |over: &Option<ToolOverride>, default: &TextTool| {
        over.as_ref()
            .map(|over| tool_override(over, default))
            .unwrap_or_default()
    };
    AgentOverride {
        basic_text: tool(&over.basic_text, &defaults.basic_text),
        basic_text_multi: tool(&over.basic_text_multi, &defaults.basic_text_multi),
        long_text: tool(&over.long_text, &defaults.long_text),
        long_text_multi: tool(&over.long_text_multi, &defaults.long_text_multi),
        basic_image: tool(&over.basic_image, &defaults.basic_image),
        basic_image_multi: tool(&over.basic_image_multi, &defaults.basic_image_multi),
        spreadsheet: tool(&over.spreadsheet, &defaults.spreadsheet),
    }
}

/// A request's override of an extraction agent.
pub(crate) fn extract_override(over: &ExtractTools, defaults: &ExtractAgent) -> ExtractAgentOverride {
    let tool = |over: &Option<ToolOverride>, default: &TextTool| {
        over.as_ref()
            .map(|over| tool_override(over, default))
            .unwrap_or_default()
    };
    ExtractAgentOverride {
        basic_text: tool(&over.basic_text, &defaults.basic_text),
        long_text: tool(&over.long_text, &defaults.long_text),
        basic_image: tool(&over.basic_image, &defaults.basic_image),
    }
}

/// An extraction agent as an answer.
pub(crate) fn extract_agent_body(agent: &ExtractAgent, kind: ExtractKind) -> ExtractAgentBody {
    ExtractAgentBody {
        kind: kind.agent_type(),
        long_text: tool_body(&agent.long_text),
        basic_text: tool_body(&agent.basic_text),
        basic_image: tool_body(&agent.basic_image),
    }
}

/// As [`ask_override`], for the agent that writes.
pub(crate) fn text_gen_override(over: &TextGenOverride, defaults: &TextGenAgent) -> GenToolOverride {
    let Some(over) = &over.basic_gen else {
        return GenToolOverride::default();
    };
    GenToolOverride {
        tool: tool_override(&over.tool, &defaults.basic_gen.tool),
        content_template: over.content_template.clone(),
    }
}

fn tool_override(over: &ToolOverride, default: &TextTool) -> TextToolOverride {
    let embeddings = over
        .embeddings
        .as_ref()
        .zip(default.embeddings.as_ref())
        .map(|(over, default)| EmbeddingStrategy {
            model: over.model.clone().unwrap_or_else(|| default.model.clone()),
            id: default.id.clone(),
            chunk_tokens: over.num_tokens_per_chunk.unwrap_or(default.chunk_tokens),
        });
    TextToolOverride {
        model: over.model.clone(),
        system_message: over.system_message.clone(),
        prompt_template: over.prompt_template.clone(),
        completion_tokens: over.num_tokens_for_completion,
        endpoint_params: over.llm_endpoint_params.as_ref().map(endpoint_params),
        embeddings,
    }
}

fn endpoint_params(params: &WireParams) -> EndpointParams {
    EndpointParams {
        sampling: Sampling {
            temperature: params.temperature.map(narrow),
            // Google's published range ends at 2; as a probability mass it ends at 1.
            top_p: params.top_p.map(|value| narrow(value.min(1.0))),
            // A number of candidates is at least 1; Google's published range begins at 0.1.
            top_k: params.top_k.map(|value| narrow(value.round().max(1.0))),
            frequency_penalty: params.frequency_penalty.map(narrow),
            presence_penalty: params.presence_penalty.map(narrow),
            seed: None,
        },
        stop: params.stop.clone().filter(|stop| !stop.is_empty()),
        effort: params.reasoning_effort,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "sampling settings need no more than a float's precision"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Widens by way of the decimal digits, so that 0.1 stays 0.1 on the wire.
fn widen(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// An agent as an answer.
pub(crate) fn agent_body(agent: &AskAgent) -> AskAgentBody {
    AskAgentBody {
        kind: "ai_agent_ask",
        long_text: tool_body(&agent.long_text),
        basic_text: tool_body(&agent.basic_text),
        spreadsheet: SpreadsheetToolBody {
            model: agent.spreadsheet.model.clone(),
            num_tokens_for_completion: agent.spreadsheet.completion_tokens,
            llm_endpoint_params: params_body(&agent.spreadsheet),
        },
        long_text_multi: tool_body(&agent.long_text_multi),
        basic_text_multi: tool_body(&agent.basic_text_multi),
        basic_image: tool_body(&agent.basic_image),
        basic_image_multi: tool_body(&agent.basic_image_multi),
    }
}

/// The agent that writes, as an answer.
pub(crate) fn text_gen_agent_body(agent: &TextGenAgent) -> TextGenAgentBody {
    TextGenAgentBody {
        kind: TEXT_GEN_AGENT,
        basic_gen: GenToolBody {
            tool: tool_body(&agent.basic_gen.tool),
            content_template: agent.basic_gen.content_template.clone(),
        },
    }
}

fn tool_body(tool: &TextTool) -> TextToolBody {
    TextToolBody {
        model: tool.model.clone(),
        system_message: tool.system_message.clone(),
        prompt_template: tool.prompt_template.clone(),
        num_tokens_for_completion: tool.completion_tokens,
        llm_endpoint_params: params_body(tool),
        embeddings: tool.embeddings.as_ref().map(|embeddings| EmbeddingsBody {
            model: Some(embeddings.model.clone()).filter(|name| !name.is_empty()),
            strategy: StrategyBody {
                id: BASIC_STRATEGY.to_owned(),
                num_tokens_per_chunk: embeddings.chunk_tokens,
            },
        }),
    }
}

/// In the dialect of the model's name, so that a client which knows Box finds the object it expects.
fn params_body(tool: &TextTool) -> WireParams {
    let card = boxwood_models::find_card(&tool.model);
    let kind = card.map(|card| card.parameter_kind);
    let family = match kind.or_else(|| ParameterKind::of_name(&tool.model)) {
        Some(ParameterKind::Google) => ParamsFamily::Google,
        Some(ParameterKind::Aws) => ParamsFamily::Aws,
        Some(ParameterKind::Ibm) => ParamsFamily::Ibm,
        Some(ParameterKind::Openai) | None => ParamsFamily::OpenAi,
    };
    let openai = family == ParamsFamily::OpenAi;
    let sampling = &tool.sampling;
    WireParams {
        family,
        temperature: sampling.temperature.map(widen),
        top_p: sampling.top_p.map(widen),
        top_k: sampling
            .top_k
            .map(widen)
            .filter(|_| matches!(family, ParamsFamily::Google | ParamsFamily::Ibm)),
        frequency_penalty: sampling.frequency_penalty.map(widen).filter(|_| openai),
        presence_penalty: sampling.presence_penalty.map(widen).filter(|_| openai),
        stop: tool.stop.clone().filter(|_| openai),
        reasoning_effort: tool.effort.filter(|_| openai),
    }
}

/// An answer on the wire.
pub(crate) fn answer_body(answer: &Answer, include_citations: bool, now: DateTime<Utc>) -> AiResponseFull {
    AiResponseFull {
        answer: answer.text.clone(),
        created_at: Moment(now),
        completion_reason: "done",
        citations: include_citations.then(|| answer.citations.iter().map(citation_body).collect()),
        ai_agent_info: agent_info(&answer.models, answer.processor.as_str()),
        boxwood: extension(answer, include_citations),
    }
}

/// A written text on the wire.
pub(crate) fn text_body(text: &GeneratedText, now: DateTime<Utc>) -> AiResponse {
    let timings = &text.timings;
    AiResponse {
        answer: text.text.clone(),
        created_at: Moment(now),
        completion_reason: "done",
        ai_agent_info: agent_info(&text.models, GeneratedText::PROCESSOR),
        boxwood: json!({
            "truncated": text.truncated,
            "served_by": text.served_by,
            "coverage": text.coverage,
            "usage": usage(&text.usage),
            "timings": {
                "gather": seconds(timings.gather),
                "retrieve": seconds(timings.retrieve),
                "generate": seconds(timings.generate),
                "total": seconds(timings.total),
            },
            "warnings": text.warnings,
        }),
    }
}

fn agent_info(models: &[ModelUse], processor: &'static str) -> AgentInfo {
    let models = models.iter();
    AgentInfo {
        models: models
            .map(|model| ModelInfo {
                name: model.name.clone(),
                provider: model.provider.clone(),
                supported_purpose: model.supported_purpose,
            })
            .collect(),
        processor,
    }
}

fn citation_body(citation: &Citation) -> CitationBody {
    CitationBody {
        content: citation.quote.clone(),
        id: citation.file_id.to_string(),
        kind: "file",
        name: citation.file_name.clone(),
    }
}

/// What Box's form has no place for. Times are seconds.
fn extension(answer: &Answer, include_citations: bool) -> Value {
    let timings = &answer.timings;
    let mut extension = json!({
        "abstained": answer.abstained,
        "truncated": answer.truncated,
        "support": answer.support,
        "served_by": answer.served_by,
        "coverage": answer.coverage,
        "usage": usage(&answer.usage),
        "timings": {
            "gather": seconds(timings.gather),
            "retrieve": seconds(timings.retrieve),
            "generate": seconds(timings.generate),
            "check": seconds(timings.check),
            "total": seconds(timings.total),
        },
        "warnings": answer.warnings,
    });
    if let Some(calculation) = &answer.calculation {
        extension["calculation"] = json!(calculation);
    }
    if let Some(reasoning) = &answer.reasoning {
        extension["reasoning"] = json!(reasoning);
    }
    if let Some(pictures) = &answer.pictures {
        extension["images"] = json!(pictures);
    }
    if include_citations {
        extension["citations"] = answer.citations.iter().map(cited).collect();
    }
    extension
}

fn cited(citation: &Citation) -> Value {
    json!({
        "file_id": citation.file_id,
        "file_name": citation.file_name,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
        "support": citation.support,
        "pages": citation.highlights.iter().map(|highlight| highlight.page).collect::<Vec<_>>(),
        "highlights": citation.highlights.iter().map(highlight).collect::<Vec<_>>(),
    })
}

fn highlight(highlight: &Highlight) -> Value {
    json!({
        "page": highlight.page,
        "label": highlight.label,
        "page_size": highlight.page_size,
        "boxes": highlight.boxes,
    })
}

pub(crate) fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "queue_time": seconds(usage.queue_time),
        "time_to_first_token": seconds(usage.time_to_first_token),
        "total_time": seconds(usage.total_time),
    })
}

/// Seconds with three digits after the point.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_answer::Language;
    use boxwood_api::ai::{AgentChoice, AskRequest};

    /// What `GET /2.0/ai_agent_default` gives may be sent back and changes nothing.
    #[test]
    fn the_default_agent_survives_the_wire() {
        for model in ["azure__openai__gpt_o4_mini", "boxwood__local"] {
            let agent = AskAgent::default_for(Language::English, model, "e");
            let body = json!({
                "mode": "single_item_qa", "prompt": "?", "items": [{"id": "1", "type": "file"}],
                "ai_agent": agent_body(&agent),
            });
            let request = AskRequest::read(&body).unwrap();
            assert!(request.warnings.is_empty(), "{:?}", request.warnings);
            let Some(AgentChoice::Override(over)) = request.agent else {
                panic!("no override in {body}")
            };
            assert_eq!(agent.clone().with_override(ask_override(&over, &agent)), agent);
        }
    }

    #[test]
    fn default_extraction_agents_survive_the_wire() {
        use boxwood_answer::ExtractMode::{Freeform, Structured};
        use boxwood_api::ai::{ExtractRequest, ExtractStructuredRequest};
        for model in ["google__gemini_2_5_flash", "boxwood__local"] {
            for (mode, kind) in [
                (Freeform, ExtractKind::Freeform),
                (Structured, ExtractKind::Structured),
            ] {
                let agent = ExtractAgent::default_for(mode, Language::English, model, "e");
                let body = json!({
                    "prompt": "name", "fields": [{"key": "name"}], "items": [{"id": "1", "type": "file"}],
                    "ai_agent": extract_agent_body(&agent, kind),
                });
                let choice = match mode {
                    Freeform => ExtractRequest::read(&body).unwrap().agent,
                    Structured => ExtractStructuredRequest::read(&body).unwrap().agent,
                };
                let Some(AgentChoice::Override(over)) = choice else {
                    panic!("no override in {body}")
                };
                assert_eq!(
                    agent.clone().with_override(extract_override(&over, &agent)),
                    agent
                );
            }
        }
    }

    #[test]
    fn parameters_of_google_are_translated() {
        let params = WireParams {
            family: ParamsFamily::Google,
            temperature: Some(0.5),
            top_p: Some(2.0),
            top_k: Some(0.1),
            frequency_penalty: None,
            presence_penalty: None,
            stop: None,
            reasoning_effort: None,
        };
        let translated = endpoint_params(&params);
        assert_eq!(translated.sampling.top_p, Some(1.0));
        assert_eq!(translated.sampling.top_k, Some(1.0));
    }

    #[test]
    fn floats_keep_their_digits() {
        assert_eq!(widen(0.1).to_string(), "0.1");
        assert_eq!(widen(1.5).to_string(), "1.5");
    }
}
