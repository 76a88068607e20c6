//! The second reading: each field alone, over the same document, and the decision what is kept.
//!
//! The model scores three beginnings of a reply to a question for this one field: `null`, any value, and the value that was
//! found. How likely a value is at all, and how likely this one is, tell how sure it is; nothing is generated.
//! Invariant: a value that stands nowhere in the files and is no conclusion is kept only where it is likely enough; before
//! it is dropped, the model is told so and asked once more.
//! Called by the running step.

use super::field::{FieldKind, FieldSpec};
use super::fill::Filling;
use super::finding::{Confidence, Content, Finding, Signals};
use super::run::CONCURRENT;
use super::schema::Strictness;
use super::split::Part;
use crate::agent::Language;
use crate::error::AnswerError;
use crate::gather::Source;
use crate::retrieve::Shown;
use boxwood_core::ChatRequest;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

/// Reads every single value of a field again.
///
/// # Errors
/// From the model; cancellation.
pub async fn read_again(
    filling: &Filling<'_>,
    field: &FieldSpec,
    finding: &mut Finding,
    shown: &Shown,
) -> Result<(), AnswerError> {
    if !filling.plan.model.model.identity().scores_choices {
        return Ok(());
    }
    let singles = singles(field, finding);
    let work: Vec<_> = singles
        .iter()
        .map(|single| score(filling, single, shown))
        .collect();
    let scored: Vec<(Option<f32>, Option<f32>)> =
        stream::iter(work).buffered(CONCURRENT).try_collect().await?;
    for (single, (presence, agreement)) in singles.iter().zip(scored) {
        let Some(found) = single.find_in(finding) else {
            continue;
        };
        let signals = Signals {
            presence,
            agreement,
            ..found.confidence.signals.unwrap_or_default()
        };
        found.confidence = rescored(filling, &single.field, found, signals);
    }
    regroup(finding);
    Ok(())
}

/// A single value of a field.
pub struct Single {
    /// What is asked for.
    pub field: FieldSpec,
    /// Which member of a struct it is.
    pub member: Option<usize>,
    written: Option<String>,
}

impl Single {
    /// The finding of it.
    pub fn find_in<'f>(&self, finding: &'f mut Finding) -> Option<&'f mut Finding> {
        let Some(member) = self.member else {
            return Some(finding);
        };
        match &mut finding.content {
            Content::Object(parts) => parts.get_mut(member).map(|(_, part)| part),
            _ => None,
        }
    }
}

/// The single values of a field: itself, or those of a struct.
pub fn singles(field: &FieldSpec, finding: &Finding) -> Vec<Single> {
    match (&field.kind, &finding.content) {
        (FieldKind::Struct(inner), Content::Object(parts)) => inner
            .iter()
            .zip(parts)
            .enumerate()
            .filter(|(_, (inner, _))| !inner.kind.is_open() && inner.kind.fields().is_empty())
            .map(|(index, (inner, (_, part)))| Single {
                field: FieldSpec {
                    display_name: Some(format!("{}: {}", field.label(), inner.label())),
                    ..inner.clone()
                },
                member: Some(index),
                written: part.written.clone(),
            })
            .collect(),
        (FieldKind::Struct(_) | FieldKind::Table(_) | FieldKind::List(_), _) => Vec::new(),
        _ => vec![Single {
            field: field.clone(),
            member: None,
            written: finding.written.clone(),
        }],
    }
}

async fn score(
    filling: &Filling<'_>,
    single: &Single,
    shown: &Shown,
) -> Result<(Option<f32>, Option<f32>), AnswerError> {
    let written = single.written.as_deref();
    odds(filling, &single.field, written, filling.sources, shown).await
}

/// How likely a value of a field is at all, as [`Signals::presence`], and how likely the found one is among values.
///
/// # Errors
/// From the model; cancellation.
pub async fn odds(
    filling: &Filling<'_>,
    field: &FieldSpec,
    written: Option<&str>,
    sources: &[Source],
    shown: &Shown,
) -> Result<(Option<f32>, Option<f32>), AnswerError> {
    let specs = std::slice::from_ref(field);
    let request = ChatRequest {
        response_format: None,
        ..filling.request(specs, sources, shown, Strictness::AsWritten, 1)
    };
    let head = format!("{{{}:", json!(field.key));
    let null = format!("{head}null");
    let mut choices = vec![null];
    choices.extend(
        openings(&field.kind)
            .iter()
            .map(|opening| format!("{head}{opening}")),
    );
    let values = choices.len();
    choices.extend(written.map(|written| format!("{head}{}", unclosed(written))));
    let scores = filling.score(request, &choices).await?;
    let of = |index: usize| scores.log_probs.get(index).copied();
    let any = (1..values).filter_map(of).fold(f32::NEG_INFINITY, f32::max);
    // A bare number opens like no string.
    let any = of(values).map_or(any, |value| value.max(any));
    let presence = of(0).map(|null| (any - null).clamp(-12.0, 12.0));
    let agreement = of(values).map(|value| (value - any).clamp(-12.0, 0.0));
    Ok((presence, agreement))
}

/// A written value without the marks that close it: models close a value and what it stands in by one token, so that a
/// value that is closed alone looks unlikely whatever it says.
fn unclosed(written: &str) -> &str {
    let inner = written.strip_suffix(']').unwrap_or(written);
    match inner.starts_with(['"', '[']) {
        true => inner.strip_suffix('"').unwrap_or(inner),
        false => inner,
    }
}

/// How any value of a kind begins.
fn openings(kind: &FieldKind) -> &'static [&'static str] {
    match kind {
        FieldKind::Boolean => &["true", "false"],
        FieldKind::Table(_) => &["[{\""],
        FieldKind::Choice { multiple: true, .. } | FieldKind::List(_) => &["[\""],
        FieldKind::Taxonomy(choice) if choice.multiple => &["[\""],
        _ => &["\""],
    }
}

/// The score with more signals.
pub fn rescored(filling: &Filling<'_>, field: &FieldSpec, finding: &Finding, signals: Signals) -> Confidence {
    let score = match finding.is_absent() {
        true => filling.scores.absence(&signals),
        false => filling.scores.value(&signals, field.kind.is_inferred()),
    };
    Confidence {
        score,
        signals: Some(signals),
    }
}

/// Whether a value stands nowhere in the files, is no conclusion, and is not likely enough to be kept.
fn is_groundless(filling: &Filling<'_>, kind: &FieldKind, finding: &Finding) -> bool {
    let signals = finding.confidence.signals;
    let ungrounded = signals.is_some_and(|signals| signals.grounding <= 0.0);
    let single = matches!(finding.content, Content::Value(_)) && !kind.is_inferred();
    single && ungrounded && finding.confidence.score < filling.scores.kept_from(kind)
}

/// Asks once more for values that would be dropped, told that the text does not say them; what then stands there is
/// taken.
///
/// # Errors
/// From the model; cancellation.
pub async fn ask_groundless(
    filling: &Filling<'_>,
    field: usize,
    spec: &FieldSpec,
    finding: &mut Finding,
    shown: &Shown,
) -> Result<(), AnswerError> {
    for single in singles(spec, finding) {
        let Some(found) = single.find_in(finding) else {
            continue;
        };
        if !is_groundless(filling, &single.field.kind, found) {
            continue;
        }
        let part = Part {
            field,
            spec: FieldSpec {
                prompt: Some(refused(filling, &single.field, &found.to_value())),
                ..single.field.clone()
            },
        };
        let again = filling.fill(std::slice::from_ref(&part), shown).await?.pop();
        let Some(mut again) = again.filter(Finding::is_grounded) else {
            continue;
        };
        if filling.extraction.confidence {
            read_again(filling, &single.field, &mut again, shown).await?;
        }
        if let Some(found) = single.find_in(finding) {
            *found = again;
        }
    }
    regroup(finding);
    Ok(())
}

/// How to fill in a field, with what its text does not say.
fn refused(filling: &Filling<'_>, field: &FieldSpec, value: &serde_json::Value) -> String {
    let told = match filling.extraction.language {
        Language::English => format!("The text does not say {value}. Copy what it says, or write null"),
        Language::Japanese => {
            format!("文書に {value} という記載はありません。文書の記載を写すか、null とします")
        }
    };
    match &field.prompt {
        Some(prompt) => format!("{}. {told}", prompt.trim().trim_end_matches('.')),
        None => told,
    }
}

/// Drops what stands nowhere and is not likely; puts the scores of structs and lists together again.
pub fn settle(filling: &Filling<'_>, field: &FieldSpec, finding: &mut Finding) {
    match (&field.kind, &mut finding.content) {
        (FieldKind::Struct(inner) | FieldKind::Table(inner), Content::Object(parts)) => {
            for (inner, (_, part)) in inner.iter().zip(parts) {
                settle(filling, inner, part);
            }
        }
        (FieldKind::List(kind), Content::List(entries)) => {
            let of_entry = field.clone().of_kind((**kind).clone());
            entries
                .iter_mut()
                .for_each(|entry| settle(filling, &of_entry, entry));
            entries.retain(|entry| !entry.is_absent());
        }
        (FieldKind::Table(_), Content::List(rows)) => {
            rows.iter_mut().for_each(|row| settle(filling, field, row));
            rows.retain(|row| !row.is_absent());
        }
        _ => {}
    }
    if is_groundless(filling, &field.kind, finding) {
        let score = 1.0 - finding.confidence.score;
        *finding = Finding {
            written: Some(finding.to_value().to_string()),
            confidence: Confidence {
                score: score.min(0.69),
                ..finding.confidence
            },
            ..Finding::absent(score)
        };
    }
    regroup(finding);
}

/// The finding with the scores of its parts put together.
fn regroup(finding: &mut Finding) {
    let taken = std::mem::replace(&mut finding.content, Content::Absent);
    match taken {
        Content::Object(parts) => *finding = Finding::object(parts),
        Content::List(entries) => {
            let score = finding.confidence.score;
            *finding = Finding::list(entries, score);
        }
        other => finding.content = other,
    }
}

#[cfg(test)]
mod tests {
    use super::unclosed;

    #[test]
    fn a_value_is_scored_without_the_marks_that_close_it() {
        for (written, scored) in [
            ("\"EUR\"", "\"EUR"),
            ("19", "19"),
            ("true", "true"),
            ("[\"a\",\"b\"]", "[\"a\",\"b"),
            ("\"in [brackets]\"", "\"in [brackets]"),
            ("\"\"", "\""),
        ] {
            assert_eq!(unclosed(written), scored);
        }
    }
}
