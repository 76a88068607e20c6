//! Tests of [`super`]: chunks lose nothing, stay within their size and keep their context.

use super::*;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{DocumentFormat, LineKind, TextSource};
use proptest::prelude::*;

fn options(target: u32) -> ChunkOptions {
    ChunkOptions::new(target).unwrap()
}

/// A contract over two pages with a list, a running paragraph over the page's end, and a table.
fn sample() -> Document {
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
    builder.page(None, None, TextSource::Native);
    builder.line("Lease", LineKind::Heading(1));
    builder.line("1 Term", LineKind::Heading(2));
    builder.line("The lease begins on 1 April 2024.", LineKind::Body);
    builder.line(
        "It ends on 31 March 2027 and may be renewed by the",
        LineKind::Body,
    );
    builder.page(None, None, TextSource::Native);
    builder.line("tenant in writing.", LineKind::Body);
    builder.line("2 Rent", LineKind::Heading(2));
    let rows = [
        ["Year", "Rent"],
        ["2024", "1,000"],
        ["2025", "1,100"],
        ["2026", "1,200"],
    ];
    builder.table(None, 1, rows.map(|row| row.map(str::to_owned).to_vec()).to_vec());
    builder.line("Heating is extra.", LineKind::Body);
    builder.finish()
}

fn texts(document: &Document, chunks: &[Chunk]) -> Vec<String> {
    chunks
        .iter()
        .map(|chunk| chunk.text(document).to_owned())
        .collect()
}

#[test]
fn structure_decides_where_chunks_end() {
    let document = sample();
    let chunks = chunk_document(&document, &options(64));
    assert_eq!(
        texts(&document, &chunks),
        [
            "Lease\n1 Term\nThe lease begins on 1 April 2024.\nIt ends on 31 March 2027 and may be renewed by the\n\n\
             tenant in writing.",
            "2 Rent\nYear | Rent\n2024 | 1,000\n2025 | 1,100\n2026 | 1,200",
            "Heating is extra.",
        ]
    );
    let pages: Vec<(u32, u32)> = chunks
        .iter()
        .map(|chunk| (chunk.first_page, chunk.last_page))
        .collect();
    assert_eq!(pages, [(1, 2), (2, 2), (2, 2)]);
    let headings = |chunk: &Chunk| {
        chunk
            .headings
            .iter()
            .map(|span| span.text(&document))
            .collect::<Vec<_>>()
    };
    assert_eq!(headings(&chunks[0]), Vec::<&str>::new());
    assert_eq!(headings(&chunks[1]), ["Lease"]);
    assert_eq!(headings(&chunks[2]), ["Lease", "2 Rent"]);
}

#[test]
fn rows_keep_their_table_header_in_reach() {
    let document = sample();
    let chunks = chunk_document(&document, &options(14));
    let row = chunks
        .iter()
        .find(|chunk| chunk.text(&document).contains("1,200"))
        .unwrap();
    assert_eq!(row.kind, ChunkKind::Table(0));
    assert_eq!(
        row.text_with_context(&document),
        "Lease\n2 Rent\nYear | Rent\n2025 | 1,100\n2026 | 1,200"
    );
}

#[test]
fn pages_end_chunks_unless_a_paragraph_runs_on() {
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
    builder.page(None, None, TextSource::Native);
    builder.line("A sentence that ends.", LineKind::Body);
    builder.page(None, None, TextSource::Native);
    builder.line("another begins.", LineKind::Body);
    let document = builder.finish();
    assert_eq!(
        texts(&document, &chunk_document(&document, &options(64))),
        ["A sentence that ends.", "another begins."]
    );
}

#[test]
fn sizes_outside_the_range_are_refused() {
    for target in [0, 513] {
        assert_eq!(
            ChunkOptions::new(target),
            Err(ChunkOptionsError {
                target_tokens: target
            })
        );
    }
}

fn line_kind() -> impl Strategy<Value = LineKind> {
    prop_oneof![
        4 => Just(LineKind::Body),
        1 => (1u8..4).prop_map(LineKind::Heading),
        1 => Just(LineKind::ListItem),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_and_the_target_holds(
        lines in prop::collection::vec(("[a-zA-Z0-9 .,;。、契約期間ü\u{3000}]{0,60}", line_kind(), prop::bool::weighted(0.1)), 0..40),
        target in 1u32..80,
    ) {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
        for (text, kind, new_page) in &lines {
            if *new_page {
                builder.page(None, None, TextSource::Native);
            }
            builder.line(text, *kind);
        }
        let document = builder.finish();
        let chunks = chunk_document(&document, &options(target));
        let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let joined: String = chunks.iter().map(|chunk| chunk.text(&document)).collect();
        prop_assert_eq!(squeeze(&joined), squeeze(&document.text));
        let mut end = 0;
        for chunk in &chunks {
            prop_assert!(chunk.span.start >= end && chunk.span.end > chunk.span.start);
            prop_assert!(chunk.tokens <= target, "{} > {}", chunk.tokens, target);
            prop_assert_eq!(document.page_at(chunk.span.start as usize).map(|page| page.number), Some(chunk.first_page));
            end = chunk.span.end;
        }
    }
}
