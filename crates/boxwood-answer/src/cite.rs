//! Step 8a: every quote re-found in the files, with page and boxes.
//!
//! Invariant: a citation's quote is a byte-exact slice of the document, taken from what the model was shown. Whether it
//! supports the answer is [`crate::support`]'s question. Called by [`crate::service`].

use crate::error::AnswerError;
use crate::gather::Source;
use crate::retrieve::{Shown, blocking};
use boxwood_core::{BoundingBox, Citation, Document, Highlight};
use boxwood_search::{Evidence, EvidenceList, ShownDocument, find_evidence};

/// Bytes of shown text that are searched at once: less work than handing it to another thread and back.
const SMALL: usize = 4_096;

/// [`find`], away from the threads that serve requests where there is much to search.
///
/// # Errors
/// Cancellation.
pub(crate) async fn find_aside(
    sources: &[Source],
    shown: &Shown,
    question: &str,
    answer: &str,
    limit: usize,
) -> Result<EvidenceList, AnswerError> {
    let bytes: u32 = sources
        .iter()
        .enumerate()
        .flat_map(|(index, source)| shown.spans(index, &source.document))
        .map(|span| span.end.saturating_sub(span.start))
        .sum();
    if bytes as usize <= SMALL {
        return Ok(find(sources, shown, question, answer, limit));
    }
    let (sources, shown) = (sources.to_vec(), shown.clone());
    let (question, answer) = (question.to_owned(), answer.to_owned());
    blocking(move || find(&sources, &shown, &question, &answer, limit)).await
}

/// Finds where the files say what the answer says, best place first.
pub fn find(sources: &[Source], shown: &Shown, question: &str, answer: &str, limit: usize) -> EvidenceList {
    let documents: Vec<ShownDocument<'_>> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| ShownDocument {
            document: &source.document,
            spans: shown.spans(index, &source.document),
        })
        .collect();
    find_evidence(&documents, question, answer, limit)
}

/// The citation of a piece of evidence.
pub fn cite(sources: &[Source], evidence: &Evidence, support: f32) -> Option<Citation> {
    let source = sources.get(evidence.document)?;
    let range = evidence.span.range();
    Some(Citation {
        file_id: source.file.id().clone(),
        file_name: source.file.name().to_owned(),
        quote: source.document.text.get(range)?.to_owned(),
        start: evidence.span.start,
        end: evidence.span.end,
        highlights: highlights(&source.document, evidence.span.start, evidence.span.end),
        support: support * evidence.answer_share.clamp(0.0, 1.0),
    })
}

/// Where a range stands: for each page it touches, one box a line around the words inside the range.
pub fn highlights(document: &Document, start: u32, end: u32) -> Vec<Highlight> {
    document
        .pages
        .iter()
        .filter(|page| page.start < end && start < page.end)
        .map(|page| Highlight {
            page: page.number,
            label: page.label.clone(),
            page_size: page.size,
            boxes: page
                .lines
                .iter()
                .filter(|line| line.start < end && start < line.end)
                .filter_map(|line| {
                    let words = line
                        .words
                        .iter()
                        .filter(|word| word.start < end && start < word.end);
                    words
                        .map(|word| word.bounds)
                        .reduce(BoundingBox::union)
                        .or(line.bounds)
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::document::{DocumentBuilder, PlacedWord};
    use boxwood_core::{DocumentFormat, LineKind, PageSize, TextSource};

    #[test]
    fn a_quote_over_a_page_break_is_marked_on_both_pages_word_by_word() {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
        let word = |text, left: f32, space_before| PlacedWord {
            text,
            bounds: BoundingBox {
                left,
                top: 10.0,
                right: left + 5.0,
                bottom: 20.0,
            },
            confidence: None,
            space_before,
        };
        let size = Some(PageSize {
            width: 100.0,
            height: 100.0,
        });
        builder.page(None, size, TextSource::Native);
        builder.line_of_words(
            &[word("one", 0.0, false), word("two", 10.0, true)],
            LineKind::Body,
        );
        builder.page(None, size, TextSource::Native);
        builder.line_of_words(
            &[word("three", 20.0, false), word("four", 30.0, true)],
            LineKind::Body,
        );
        let document = builder.finish();
        let start = document.text.find("two").unwrap() as u32;
        let end = document.text.find(" four").unwrap() as u32;
        let found = highlights(&document, start, end);
        let boxes: Vec<(u32, f32, f32)> = found
            .iter()
            .map(|h| (h.page, h.boxes[0].left, h.boxes[0].right))
            .collect();
        assert_eq!(boxes, [(1, 10.0, 15.0), (2, 20.0, 25.0)]);
    }
}
