//! The enhanced agent: every doubtful value is looked for again, in the passages for this field alone, with the quote
//! before the value; and what was found is checked against the passage it stands in.
//!
//! Invariant: a value is replaced only by one that its own passage supports better. Called by the running step.

use super::field::FieldSpec;
use super::fill::Filling;
use super::finding::{Confidence, Content, Finding, Signals};
use super::schema::{Strictness, object_schema};
use super::second::{Single, rescored, singles};
use crate::error::AnswerError;
use crate::prompt::neutralise;
use crate::resolve::Plan;
use crate::support::{ANSWER_CHECK, NO, YES, passage_around, turn};
use boxwood_search::{Evidence, EvidenceList, Span, estimate_tokens};
use serde_json::{Value, json};

/// A value is looked for again below this score.
const DOUBTFUL: f32 = 0.9;
/// The key of the quote; unlike any key of a field.
const QUOTE: &str = "__quote";
/// Tokens of the passages for one field.
const PASSAGE_TOKENS: u32 = 900;

/// Looks for the doubtful values of a field again.
///
/// # Errors
/// From the model; cancellation.
pub async fn look_again(
    filling: &Filling<'_>,
    field: &FieldSpec,
    finding: &mut Finding,
) -> Result<(), AnswerError> {
    for single in singles(field, finding) {
        let Some(found) = single.find_in(finding) else {
            continue;
        };
        let first = check(filling, &single.field, found.clone()).await?;
        let is_sure = first.confidence.score >= DOUBTFUL;
        let best = match is_sure {
            true => first,
            false => better(first, second_look(filling, &single).await?),
        };
        if let Some(found) = single.find_in(finding) {
            *found = best;
        }
    }
    Ok(())
}

/// The surer of two findings; a value that both gave is surer than either.
fn better(first: Finding, second: Finding) -> Finding {
    if first.content == second.content {
        let (one, other) = (first.confidence.score, second.confidence.score);
        let score = 1.0 - (1.0 - one) * (1.0 - other);
        let surer = if one >= other { first } else { second };
        return Finding {
            confidence: Confidence {
                score,
                ..surer.confidence
            },
            ..surer
        };
    }
    if second.confidence.score > first.confidence.score {
        second
    } else {
        first
    }
}

/// The field alone, over its own passages, quote first.
async fn second_look(filling: &Filling<'_>, single: &Single) -> Result<Finding, AnswerError> {
    let plan = Plan {
        document_tokens: PASSAGE_TOKENS.min(filling.plan.document_tokens),
        whole: false,
        ..filling.plan.clone()
    };
    let text: u32 = filling
        .sources
        .iter()
        .map(|source| estimate_tokens(&source.document.text))
        .sum();
    let shown = match text <= plan.document_tokens {
        true => filling.show(std::slice::from_ref(&single.field)).await?,
        false => filling.passages(&single.field.search_text(), &plan).await?,
    };
    let field = &single.field;
    let value = object_schema(std::slice::from_ref(field), Strictness::AsWritten);
    let schema = json!({
        "type": "object",
        "properties": {
            QUOTE: {"type": ["string", "null"]},
            field.key.clone(): value["properties"][&field.key],
        },
        "required": [QUOTE, field.key],
        "additionalProperties": false,
    });
    let asked = format!(
        "First quote the part of the text above that gives this field, word for word, or null where no part does; then \
         write the value exactly as it stands there, or null.\n- {} ({})\n\nAnswer with one JSON object.",
        json!(field.key),
        field.search_text()
    );
    let region = filling.region(&shown);
    let request = filling.request_for(
        &asked,
        schema,
        filling.sources,
        &shown,
        filling.plan.output_tokens,
    );
    let (raw, parsed) = filling.ask(request, &region).await?;
    let reading = filling
        .read(std::slice::from_ref(field), &raw, &parsed, &region)
        .pop();
    match reading {
        Some(reading) if reading.valid => check(filling, field, reading.finding).await,
        _ => Ok(Finding::absent(0.0)),
    }
}

/// Checks a value against the passage that it stands in: does that say so?
async fn check(filling: &Filling<'_>, field: &FieldSpec, finding: Finding) -> Result<Finding, AnswerError> {
    let Content::Value(value) = &finding.content else {
        return Ok(finding);
    };
    let model = &filling.plan.model.model;
    let Some(evidence) = evidence_of(filling, &finding) else {
        return Ok(finding);
    };
    if !model.identity().scores_choices {
        return Ok(finding);
    }
    let passage = passage_around(filling.sources, &evidence);
    let question = neutralise(&format!("What is the {}?", field.search_text()));
    let said = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let request = ANSWER_CHECK.request(
        &filling.extraction.partition,
        turn(&passage, &question, Some(&said)),
    );
    let choices = [YES, NO].map(str::to_owned);
    let scores = filling.score(request, &choices).await?;
    let check = match scores.log_probs.as_slice() {
        [yes, no] => Some((yes - no).clamp(-12.0, 12.0)),
        _ => None,
    };
    let signals = Signals {
        check,
        ..finding.confidence.signals.unwrap_or_default()
    };
    Ok(Finding {
        confidence: rescored(filling, field, &finding, signals),
        ..finding
    })
}

/// The first place of a finding as evidence.
fn evidence_of(filling: &Filling<'_>, finding: &Finding) -> Option<EvidenceList> {
    let reference = finding.references.first()?;
    let document = filling
        .sources
        .iter()
        .position(|source| *source.file.id() == reference.file_id)?;
    Some(EvidenceList {
        pieces: vec![Evidence {
            document,
            span: Span::new(reference.start, reference.end),
            first_page: reference.page,
            answer_share: 1.0,
        }],
        covered: 1.0,
        present: 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &str, score: f32) -> Finding {
        Finding {
            content: Content::Value(json!(value)),
            confidence: Confidence { score, signals: None },
            ..Finding::absent(score)
        }
    }

    #[test]
    fn two_readings_that_agree_are_surer_and_of_two_that_do_not_the_surer_counts() {
        let agreed = better(found("a", 0.6), found("a", 0.5));
        assert!((agreed.confidence.score - 0.8).abs() < 1e-6);
        assert_eq!(better(found("a", 0.4), found("b", 0.7)).to_value(), json!("b"));
        assert_eq!(better(found("a", 0.7), found("b", 0.7)).to_value(), json!("a"));
    }
}
