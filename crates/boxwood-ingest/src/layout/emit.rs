//! A laid-out page → lines of the document.
//!
//! Invariant: cells of a row are separated by ` | ` in the text, as everywhere in a document, an empty one too, and each
//! separator is a word without width at the edge of its cell. A gap of a line that is as wide as between columns is told
//! in the same way, so that nobody takes what stands apart for one phrase. Called by `pdf` and `ocr`.

use super::kinds::{BodySize, kind_of};
use super::{LayoutLine, LineWord, PageLayout};
use boxwood_core::document::{DocumentBuilder, PlacedWord};
use boxwood_core::{BoundingBox, LineKind};

/// Appends the lines and tables of a page to the document, on the page that was started last.
pub(crate) fn emit_page(builder: &mut DocumentBuilder, page: PageLayout, body: &mut BodySize) {
    body.learn(&page.lines);
    let body = body.points();
    let tables: Vec<u32> = page
        .tables
        .into_iter()
        .map(|table| builder.register_table(None, table.header_rows, table.rows))
        .collect();
    for line in &page.lines {
        let placed = placed_words(line);
        let kind = match line.kind {
            LineKind::TableRow { table, row } => LineKind::TableRow {
                table: tables.get(table as usize).copied().unwrap_or(table),
                row,
            },
            _ => kind_of(line, &line_text(&line.words), body),
        };
        builder.line_of_words(&placed, kind);
    }
}

/// The words of a line or cell as text.
pub(super) fn line_text(words: &[LineWord]) -> String {
    let mut text = String::new();
    for word in words {
        if word.space_before && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&word.word.text);
    }
    text
}

fn placed_words(line: &LayoutLine) -> Vec<PlacedWord<'_>> {
    let mut placed = Vec::with_capacity(line.words.len() + 4);
    for word in &line.words {
        let bounds = word.word.bounds;
        for _ in 0..word.cells_before {
            placed.push(PlacedWord {
                text: "|",
                bounds: BoundingBox {
                    right: bounds.left,
                    ..bounds
                },
                confidence: None,
                space_before: true,
            });
        }
        placed.push(PlacedWord {
            text: &word.word.text,
            bounds,
            confidence: word.word.confidence,
            space_before: word.space_before || word.cells_before > 0,
        });
    }
    placed
}
