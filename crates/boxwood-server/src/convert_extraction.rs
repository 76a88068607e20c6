//! What was extracted → `AiResponse` and `AiExtractStructuredResponse` with the `boxwood` extension. Pure.

use crate::convert::{seconds, usage};
use boxwood_answer::Extracted;
use boxwood_answer::extract::{Finding, spaced_json};
use boxwood_api::ai::{AgentInfo, AiExtractStructuredResponse, AiResponse, ModelInfo};
use boxwood_api::wire::Moment;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The answer to a freeform extraction: the object as a string.
pub(crate) fn freeform_body(extracted: &Extracted, now: DateTime<Utc>) -> AiResponse {
    AiResponse {
        answer: spaced_json(&extracted.to_value()),
        created_at: Moment(now),
        completion_reason: "done",
        ai_agent_info: agent_info(extracted),
        boxwood: extension(extracted, false),
    }
}

/// The answer to a structured extraction.
pub(crate) fn structured_body(
    extracted: &Extracted,
    confidence: bool,
    reference: bool,
    now: DateTime<Utc>,
) -> AiExtractStructuredResponse {
    AiExtractStructuredResponse {
        answer: extracted.to_value(),
        created_at: Moment(now),
        completion_reason: "done",
        confidence_score: confidence.then(|| extracted.object(Finding::confidence_value)),
        reference: reference.then(|| extracted.object(Finding::reference_value)),
        ai_agent_info: agent_info(extracted),
        boxwood: extension(extracted, confidence),
    }
}

fn agent_info(extracted: &Extracted) -> AgentInfo {
    AgentInfo {
        models: extracted
            .models
            .iter()
            .map(|model| ModelInfo {
                name: model.name.clone(),
                provider: model.provider.clone(),
                supported_purpose: model.supported_purpose,
            })
            .collect(),
        processor: extracted.processor.as_str(),
    }
}

/// What Box's form has no place for. Times are seconds.
fn extension(extracted: &Extracted, signals: bool) -> Value {
    let timings = &extracted.timings;
    let mut extension = json!({
        "served_by": extracted.served_by,
        "coverage": extracted.coverage,
        "usage": usage(&extracted.usage),
        "completions": extracted.completions,
        "timings": {
            "gather": seconds(timings.gather),
            "generate": seconds(timings.generate),
            "total": seconds(timings.total),
        },
        "warnings": extracted.warnings,
    });
    if signals {
        extension["signals"] = extracted.object(Finding::signals_value);
    }
    extension
}
