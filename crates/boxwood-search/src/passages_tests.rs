//! Tests of [`super`]: the budget holds, order and fairness are kept.

use super::*;
use crate::chunk::{ChunkOptions, chunk_document};
use crate::tokens::estimate_tokens;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{DocumentFormat, LineKind, TextSource};
use proptest::prelude::*;

/// A document of numbered sentences under two headings, each sentence about a chunk of its own.
fn numbered(count: usize) -> (Document, Vec<Chunk>) {
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
    builder.page(None, None, TextSource::Native);
    for number in 0..count {
        if number % 10 == 0 {
            builder.line(&format!("Part {}", number / 10), LineKind::Heading(1));
        }
        builder.line(
            &format!("Sentence number {number} says something of its own."),
            LineKind::Body,
        );
    }
    let document = builder.finish();
    let chunks = chunk_document(&document, &ChunkOptions::new(16).unwrap());
    (document, chunks)
}

fn scored(document: u32, chunk: u32, score: f32) -> Scored {
    Scored {
        at: ChunkRef { document, chunk },
        score,
    }
}

fn select(documents: &[(Document, Vec<Chunk>)], ranking: &[Scored], options: &SelectOptions) -> Selection {
    let entries: Vec<SearchDocument<'_>> = documents
        .iter()
        .map(|(document, chunks)| SearchDocument {
            name: "",
            document,
            chunks,
        })
        .collect();
    select_passages(&entries, ranking, options, &estimate_tokens)
}

#[test]
fn neighbours_become_one_passage_under_their_heading() {
    let documents = [numbered(30)];
    let selection = select(
        &documents,
        &[scored(0, 14, 1.0), scored(0, 13, 0.9), scored(0, 25, 0.8)],
        &SelectOptions {
            neighbour: 0.0,
            ..SelectOptions::new(50)
        },
    );
    let spans: Vec<&str> = selection
        .passages
        .iter()
        .map(|passage| passage.text.as_str())
        .collect();
    assert_eq!(
        spans[0],
        "Sentence number 13 says something of its own.\nSentence number 14 says something of its own."
    );
    assert_eq!(selection.passages[0].headings, ["Part 1"]);
    assert!(
        selection.passages[0]
            .rendered()
            .starts_with("Part 1\nSentence number 13")
    );
    assert!(spans[1].contains("25") && selection.tokens <= 50);
}

#[test]
fn a_budget_for_everything_selects_everything() {
    let documents = [numbered(25)];
    let selection = select(&documents, &[scored(0, 3, 1.0)], &SelectOptions::new(10_000));
    assert_eq!(selection.passages.len(), 1);
    assert_eq!(selection.coverage[0].share(), 1.0);
    assert_eq!(selection.passages[0].text, documents[0].0.text.trim_end());
    let small = select(&documents, &[scored(0, 3, 1.0)], &SelectOptions::new(40));
    assert!(
        small.coverage[0].share() > 0.0 && small.coverage[0].share() < 0.3,
        "{:?}",
        small.coverage
    );
}

#[test]
fn every_document_gets_a_say() {
    let documents = [numbered(40), numbered(40), numbered(40)];
    let mut ranking: Vec<Scored> = (0..40)
        .map(|chunk| scored(0, chunk, 2.0 - chunk as f32 / 100.0))
        .collect();
    ranking.push(scored(1, 5, 0.2));
    ranking.push(scored(2, 7, 0.1));
    let selection = select(&documents, &ranking, &SelectOptions::new(150));
    let heard: std::collections::BTreeSet<usize> = selection
        .passages
        .iter()
        .map(|passage| passage.document)
        .collect();
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert!(selection.tokens <= 150);
}

#[test]
fn nothing_fits_a_budget_of_nothing() {
    let selection = select(&[numbered(5)], &[scored(0, 1, 1.0)], &SelectOptions::new(0));
    assert_eq!((selection.passages.len(), selection.tokens), (0, 0));
    assert_eq!(select(&[], &[], &SelectOptions::new(100)).passages, []);
}

proptest! {
    #[test]
    fn the_budget_holds_strictly_and_passages_are_exact(
        budget in 0u32..600,
        ranking in prop::collection::vec((0u32..3, 0u32..40, 0.0f32..1.0), 0..60),
        // A counter that is not additive: joined text costs more than its parts.
        surplus in 0usize..4,
    ) {
        let documents = [numbered(30), numbered(12), numbered(0)];
        let ranking: Vec<Scored> = ranking.into_iter().map(|(document, chunk, score)| scored(document, chunk, score)).collect();
        let entries: Vec<SearchDocument<'_>> = documents
            .iter()
            .map(|(document, chunks)| SearchDocument { name: "", document, chunks })
            .collect();
        let count = |text: &str| estimate_tokens(text) + (text.matches('\n').count() * surplus) as u32;
        let selection = select_passages(&entries, &ranking, &SelectOptions::new(budget), &count);
        let total: u32 = selection.passages.iter().map(|passage| count(&passage.rendered())).sum();
        prop_assert!(total <= budget && total == selection.tokens);
        let mut previous: Option<(usize, u32)> = None;
        for passage in &selection.passages {
            prop_assert_eq!(passage.span.text(&documents[passage.document].0), passage.text.as_str());
            prop_assert!(previous.is_none_or(|before| before < (passage.document, passage.span.start)));
            previous = Some((passage.document, passage.span.end));
        }
    }
}
