//! Pictures of pages for a model that sees.
//!
//! Box sends the first five images or pages, at most 1,024 pixels a side; so do we. The recognised text of all pages
//! goes along, so that what has no picture is still read, and quotes can be cited. Invariants: pages are rendered in the
//! worker process only; every answer over pictures says who read them, and its coverage names the pages that the model
//! did not see. Called by [`crate::service`].

use crate::answer::{FileCoverage, PicturesRead, Processor, Support};
use crate::error::AnswerError;
use crate::gather::Source;
use crate::library::{Library, ReadError};
use crate::question::Question;
use crate::resolve::Plan;
use boxwood_core::{ChatRequest, ImageInput, ReadNote, ReadNoteKind};
use boxwood_ingest::{PagePicture, PictureRequest};
use boxwood_models::ModelRegistry;

/// Pictures of one question at most.
const MOST: u32 = 5;
/// Longest side in pixels.
const SIDE: u32 = 1_024;
/// Support of what a model says of a picture that it saw and that no recognised text confirms: it can't be measured.
const SEEN: f32 = 0.6;

/// Whether pictures without any text may be asked about: the model of the picture processors sees.
pub(crate) fn may_be_seen(models: &ModelRegistry, question: &Question) -> bool {
    let tools = [&question.agent.basic_image, &question.agent.basic_image_multi];
    tools.iter().all(|tool| {
        let resolved = models.resolve(Some(&tool.model));
        resolved.is_ok_and(|resolved| resolved.model.identity().images)
    })
}

/// Adds the pictures of the sources to the last message of the request, where the processor is one for pictures and the
/// model sees. `None` for another processor.
///
/// # Errors
/// From the store, or cancellation. A file that can't be painted is left out and told.
pub(crate) async fn add(
    request: &mut ChatRequest,
    plan: &Plan,
    question: &Question,
    library: &Library,
    sources: &[Source],
) -> Result<Option<PicturesRead>, AnswerError> {
    if !matches!(plan.processor, Processor::BasicImage | Processor::BasicImageMulti) {
        return Ok(None);
    }
    let pages = |source: &Source| source.document.pages.len() as u32;
    let mut read = PicturesRead {
        read_by: "ocr",
        shown: 0,
        pages: sources.iter().map(pages).sum(),
        left_out: Vec::new(),
    };
    let sees = plan.model.model.identity().images;
    let Some(message) = request.messages.last_mut().filter(|_| sees) else {
        return Ok(Some(read));
    };
    for source in sources {
        let wanted = PictureRequest {
            most: MOST.saturating_sub(read.shown),
            side: SIDE,
        };
        let pictures = pictures_of(source, wanted, question, library).await?;
        let shown = pictures.len() as u32;
        if shown < pages(source) {
            let note = left_out(shown, pages(source));
            read.left_out.push((source.file.id().clone(), note));
        }
        read.shown += shown;
        message
            .images
            .extend(pictures.into_iter().map(|picture| ImageInput {
                media_type: "image/jpeg".to_owned(),
                bytes: picture.jpeg,
            }));
    }
    if read.shown > 0 {
        read.read_by = "model";
    }
    Ok(Some(read))
}

async fn pictures_of(
    source: &Source,
    wanted: PictureRequest,
    question: &Question,
    library: &Library,
) -> Result<Vec<PagePicture>, AnswerError> {
    if wanted.most == 0 || source.given {
        return Ok(Vec::new());
    }
    match library.pictures(&source.file, wanted, &question.cancel).await {
        Ok(pictures) => Ok(pictures),
        Err(ReadError::Cancelled) => Err(AnswerError::Cancelled),
        Err(ReadError::Store(error)) => Err(error.into()),
        Err(error @ (ReadError::Refused { .. } | ReadError::Failed { .. })) => {
            tracing::warn!(file = %source.file.id(), %error, "a file could not be painted");
            Ok(Vec::new())
        }
    }
}

/// The note on the pages of a file that the model did not see.
fn left_out(shown: u32, pages: u32) -> ReadNote {
    let which = match (shown + 1, pages) {
        (first, last) if first == last => format!("page {last} was"),
        (first, last) => format!("pages {first}–{last} were"),
    };
    ReadNote {
        page: None,
        kind: ReadNoteKind::LimitReached,
        message: format!("{which} not shown to the model as a picture, only as recognised text"),
    }
}

/// Reports the pages that the model did not see as a part of what was read of each file.
pub(crate) fn report(read: &PicturesRead, files: &mut [FileCoverage]) {
    for (file_id, note) in &read.left_out {
        for file in files.iter_mut().filter(|file| file.file_id == *file_id) {
            file.notes.push(note.clone());
        }
    }
}

/// The support of an answer over pictures that the model saw: text can confirm it, but its lack says nothing.
pub(crate) fn support(measured: Support, read: Option<&PicturesRead>, declines: bool) -> Support {
    let seen = read.is_some_and(|read| read.read_by == "model");
    if !seen || declines || measured.probability >= SEEN {
        return measured;
    }
    Support {
        probability: SEEN,
        method: "picture",
        signals: measured.signals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_were_not_seen_are_named() {
        for (shown, pages, expected) in [
            (5, 6, "page 6 was not"),
            (5, 9, "pages 6–9 were not"),
            (0, 1, "page 1 was not"),
        ] {
            let note = left_out(shown, pages);
            assert!(note.message.starts_with(expected), "{}", note.message);
        }
    }

    #[test]
    fn only_a_model_that_saw_and_answered_is_believed_without_text() {
        let measured = |probability| Support {
            probability,
            method: "text",
            signals: None,
        };
        let read = |read_by| PicturesRead {
            read_by,
            shown: 1,
            pages: 1,
            left_out: Vec::new(),
        };
        for (probability, read, declines, expected) in [
            (0.0, Some(read("model")), false, SEEN),
            (0.9, Some(read("model")), false, 0.9),
            (0.0, Some(read("model")), true, 0.0),
            (0.0, Some(read("ocr")), false, 0.0),
            (0.0, None, false, 0.0),
        ] {
            let found = support(measured(probability), read.as_ref(), declines);
            assert_eq!(found.probability, expected, "{read:?} {declines}");
        }
    }
}
