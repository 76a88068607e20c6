//! One extraction from files to findings: the steps, in their order.
//!
//! Called through [`AnswerService::extract`] by the server's handlers and the CLI. Invariant: every field that was asked
//! for stands in the result, in its order, with a value that its type allows or none.

use super::deep;
use super::extraction::{Extracted, Extraction, Wanted};
use super::field::FieldSpec;
use super::fill::Filling;
use super::finding::Finding;
use super::freeform::{self, Freeform};
use super::ground::Grounds;
use super::plan;
use super::split::{Part, Task, merge, split};
use super::{Depth, rows, second};
use crate::answer::{Coverage, ModelUse, ServedBy, StepTimings};
use crate::error::AnswerError;
use crate::gather::{self, Gathered};
use crate::progress::{Progress, ProgressSink};
use crate::resolve::Plan;
use crate::retrieve::{Shown, blocking, coverage_of};
use crate::service::{AnswerService, unread_warnings};
use boxwood_core::ModelError;
use boxwood_search::Span;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::time::Instant;

/// Completions that run at the same time; the engine computes four sequences together.
pub(super) const CONCURRENT: usize = 4;

impl AnswerService {
    /// Fills in fields from files.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing is kept of an extraction that failed except what was read from the files.
    pub async fn extract(
        &self,
        extraction: Extraction,
        progress: &dyn ProgressSink,
    ) -> Result<Extracted, AnswerError> {
        let service = self.on_behalf_of(&extraction.caller);
        let Some(limit) = extraction.time_limit else {
            return run(&service, &extraction, progress).await;
        };
        match tokio::time::timeout(limit, run(&service, &extraction, progress)).await {
            Ok(extracted) => extracted,
            Err(_) => Err(AnswerError::DeadlinePassed { limit }),
        }
    }
}

async fn run(
    service: &AnswerService,
    extraction: &Extraction,
    progress: &dyn ProgressSink,
) -> Result<Extracted, AnswerError> {
    let started = Instant::now();
    let mut timings = StepTimings::default();
    let gathered = gather::gather(service.library(), extraction.items(), progress).await?;
    timings.gather = started.elapsed();

    let plan = plan::plan(service.models(), service.config(), extraction, &gathered.sources).await?;
    let sources = gathered.sources.clone();
    let grounds = blocking(move || Grounds::of(&sources)).await?;
    let filling = Filling::new(service, extraction, &gathered.sources, &plan, &grounds, progress);
    let fields = wanted_fields(&filling).await?;
    let tasks = split(&fields, plan.whole);
    let found = fill_all(&filling, &tasks).await?;
    timings.generate = started.elapsed() - timings.gather;
    timings.total = started.elapsed();

    let fields = merge(&fields, found);
    Ok(finish(extraction, &gathered, &plan, filling, fields, timings))
}

/// The fields of the request, or those that its prompt asks for.
async fn wanted_fields(filling: &Filling<'_>) -> Result<Vec<FieldSpec>, AnswerError> {
    match &filling.extraction.wanted {
        Wanted::Fields(fields) => Ok(fields.clone()),
        Wanted::Prompt(prompt) => match freeform::read(prompt) {
            Freeform::Fields(fields) => Ok(fields),
            Freeform::Sentences => filling.name_keys(prompt).await,
        },
    }
}

async fn fill_all(filling: &Filling<'_>, tasks: &[Task]) -> Result<Vec<(usize, Finding)>, AnswerError> {
    let total = tasks.len();
    filling.progress.report(Progress::Fields { done: 0, total });
    // Made before they are streamed: the compiler can't prove a lazily mapped one to be `Send`.
    let work: Vec<_> = tasks.iter().map(|task| fill_one(filling, task)).collect();
    let mut found = Vec::new();
    let mut done = stream::iter(work).buffered(CONCURRENT);
    let mut count = 0;
    while let Some(findings) = done.try_next().await? {
        count += 1;
        filling.progress.report(Progress::Fields { done: count, total });
        found.extend(findings);
    }
    Ok(found)
}

/// Fills in the fields of one task. What no completion has room for is told, and does not take the other fields with it.
async fn fill_one(filling: &Filling<'_>, task: &Task) -> Result<Vec<(usize, Finding)>, AnswerError> {
    let filled = fill_task(filling, task).await;
    let Err(AnswerError::Generation(ModelError::ContextTooLong { tokens, limit, .. })) = filled else {
        return filled;
    };
    let absent = task.parts.iter().map(|part| {
        filling.warn(format!(
            "the field `{}` was not read: with the text it takes {tokens} tokens, of which the model reads {limit}; describe it \
             in fewer words or fields",
            part.spec.key
        ));
        (part.field, Finding::absent(0.0))
    });
    Ok(absent.collect())
}

/// Fills in the fields of one task, reads them again where that is wanted, and decides what is kept.
async fn fill_task(filling: &Filling<'_>, task: &Task) -> Result<Vec<(usize, Finding)>, AnswerError> {
    if task.open {
        let mut found = Vec::with_capacity(task.parts.len());
        for part in &task.parts {
            let mut finding = rows::fill(filling, part).await?;
            second::settle(filling, &part.spec, &mut finding);
            found.push((part.field, finding));
        }
        return Ok(found);
    }
    let shown = filling.show(&task.specs()).await?;
    let readings = filling.fill(&task.parts, &shown).await?;
    // Made before they are streamed: the compiler can't prove a lazily mapped one to be `Send`.
    let parts = task.parts.iter().zip(readings);
    let work: Vec<_> = parts
        .map(|(part, finding)| check(filling, part, finding, &shown))
        .collect();
    stream::iter(work).buffered(CONCURRENT).try_collect().await
}

/// Reads a field again where that is wanted, and decides what is kept.
async fn check(
    filling: &Filling<'_>,
    part: &Part,
    mut finding: Finding,
    shown: &Shown,
) -> Result<(usize, Finding), AnswerError> {
    let is_enhanced = filling.extraction.depth == Depth::Enhanced;
    if filling.extraction.confidence || is_enhanced {
        second::read_again(filling, &part.spec, &mut finding, shown).await?;
    }
    if is_enhanced {
        deep::look_again(filling, &part.spec, &mut finding).await?;
    } else {
        second::ask_groundless(filling, part.field, &part.spec, &mut finding, shown).await?;
    }
    second::settle(filling, &part.spec, &mut finding);
    Ok((part.field, finding))
}

/// Puts everything together.
fn finish(
    extraction: &Extraction,
    gathered: &Gathered,
    plan: &Plan,
    filling: Filling<'_>,
    fields: Vec<(String, Finding)>,
    timings: StepTimings,
) -> Extracted {
    let tally = filling.into_tally();
    let answering = tally.model.as_ref().unwrap_or(&plan.model);
    let identity = answering.model.identity();
    let mut models = vec![ModelUse {
        name: identity.name.clone(),
        provider: identity.provider.clone(),
        supported_purpose: "chat",
    }];
    models.extend(tally.embedding);
    let spans = |source: usize| joined_spans(&tally.shown, source);
    let mut warnings = unread_warnings(gathered);
    warnings.extend(tally.warnings);
    Extracted {
        fields,
        processor: plan.processor,
        models,
        served_by: ServedBy {
            requested: answering.requested.clone(),
            answered: identity.name.clone(),
            kind: answering.served.as_str(),
        },
        coverage: Coverage {
            files: coverage_of(&extraction.files, gathered, spans),
        },
        usage: tally.usage,
        completions: tally.completions,
        timings,
        warnings,
    }
}

/// What any of the completions was shown of a source, without overlaps.
fn joined_spans(shown: &[(usize, Span)], source: usize) -> Vec<Span> {
    let mut spans: Vec<Span> = shown
        .iter()
        .filter(|(of, _)| *of == source)
        .map(|(_, span)| *span)
        .collect();
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut().filter(|last| span.start <= last.end) {
            Some(last) => last.end = last.end.max(span.end),
            None => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_twice_counts_once() {
        let shown = [
            (0, Span::new(50, 90)),
            (1, Span::new(0, 5)),
            (0, Span::new(0, 60)),
            (0, Span::new(95, 99)),
        ];
        assert_eq!(joined_spans(&shown, 0), [Span::new(0, 90), Span::new(95, 99)]);
    }
}
