//! A document as a list of the smallest parts that a chunk is packed from: headings, sentences, list items, table rows.
//!
//! Invariant: units are in document order, do not overlap, hold every character of the lines but white space, and
//! none is larger than the target that it was cut for. Called only by `chunk`.

use crate::chunk::Span;
use crate::sentences::{split_long, split_sentences};
use crate::tokens::estimate_tokens;
use boxwood_core::{Document, Line, LineKind};

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnitKind {
    /// A heading of this level.
    Heading(u8),
    /// A sentence, or a piece of one.
    Sentence,
    /// A list item, or a sentence of one.
    ListItem,
    /// A row of this table.
    Row {
        /// Index into `Document::tables`.
        table: u32,
        /// Whether it is a header row.
        header: bool,
    },
}

/// The smallest part of a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) span: Span,
    pub(crate) kind: UnitKind,
    /// Page numbers of its first and last line.
    pub(crate) first_page: u32,
    pub(crate) last_page: u32,
    /// Units of one paragraph, list item or row share it.
    pub(crate) group: u32,
    /// Estimated tokens of the unit.
    pub(crate) tokens: u32,
    /// Estimated tokens of its whole group.
    pub(crate) group_tokens: u32,
}

/// A paragraph, list item, row or heading before it is cut into sentences.
struct Block {
    span: Span,
    kind: UnitKind,
    /// Where each further page begins inside the block.
    first_page: u32,
    page_breaks: Vec<(u32, u32)>,
}

/// The units of a document, none larger than `target` estimated tokens.
pub(crate) fn collect_units(document: &Document, target: u32) -> Vec<Unit> {
    let blocks = collect_blocks(document);
    let mut units = Vec::with_capacity(2 * blocks.len());
    for (group, block) in blocks.into_iter().enumerate() {
        push_units(document, &block, group as u32, target, &mut units);
    }
    units
}

fn collect_blocks(document: &Document) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut previous: Option<(&Line, u32)> = None;
    for page in &document.pages {
        for line in &page.lines {
            let text = document.line_text(line);
            if text.trim().is_empty() {
                previous = None;
                continue;
            }
            let kind = unit_kind(document, line.kind);
            let continues = previous.is_some_and(|(before, before_page)| {
                continues_paragraph(document, before, line, before_page == page.number)
            });
            match blocks.last_mut().filter(|_| continues) {
                Some(block) => {
                    block.span.end = line.end;
                    if previous.is_some_and(|(_, before_page)| before_page != page.number) {
                        block.page_breaks.push((line.start, page.number));
                    }
                }
                None => blocks.push(Block {
                    span: Span::new(line.start, line.end),
                    kind,
                    first_page: page.number,
                    page_breaks: Vec::new(),
                }),
            }
            previous = Some((line, page.number));
        }
    }
    blocks
}

fn unit_kind(document: &Document, kind: LineKind) -> UnitKind {
    match kind {
        LineKind::Body => UnitKind::Sentence,
        LineKind::Heading(level) => UnitKind::Heading(level),
        LineKind::ListItem => UnitKind::ListItem,
        LineKind::TableRow { table, row } => UnitKind::Row {
            table,
            header: document
                .tables
                .get(table as usize)
                .is_some_and(|found| row < found.header_rows),
        },
    }
}

/// Whether a line goes on with the paragraph of the line before it.
fn continues_paragraph(document: &Document, before: &Line, line: &Line, same_page: bool) -> bool {
    match (before.kind, line.kind) {
        // A wrapped list item may have body lines as its continuation; only geometry can tell.
        (LineKind::Body, LineKind::Body) => {}
        (LineKind::ListItem, LineKind::Body) if before.bounds.is_some() && same_page => {}
        _ => return false,
    }
    let before_text = document.line_text(before).trim_end();
    let line_text = document.line_text(line).trim_start();
    let ended = before_text.ends_with(['.', '!', '?', ':', '。', '！', '？', '：', '”', '"', '」']);
    if !same_page {
        return !ended
            && line_text
                .chars()
                .next()
                .is_some_and(|first| first.is_alphabetic() && !first.is_uppercase());
    }
    match (before.bounds, line.bounds) {
        (Some(above), Some(below)) => {
            let gap = below.top - above.bottom;
            let height = above.height().max(below.height());
            let left_item = matches!(before.kind, LineKind::ListItem) && below.left <= above.left + 1.0;
            gap < 0.6 * height && !left_item
        }
        // Without geometry a line is a paragraph of its own, unless it was plainly wrapped in the middle of a sentence.
        _ => !ended && line_text.chars().next().is_some_and(char::is_lowercase),
    }
}

fn push_units(document: &Document, block: &Block, group: u32, target: u32, units: &mut Vec<Unit>) {
    let Some(text) = document.text.get(block.span.range()) else {
        return;
    };
    let group_tokens = estimate_tokens(text);
    let sentences = match block.kind {
        UnitKind::Sentence | UnitKind::ListItem => split_sentences(text),
        UnitKind::Heading(_) | UnitKind::Row { .. } => split_long(text, u32::MAX),
    };
    for sentence in sentences {
        let slice = text.get(sentence.clone()).unwrap_or("");
        let is_whole = slice.len() == text.len();
        let slice_tokens = if is_whole {
            group_tokens
        } else {
            estimate_tokens(slice)
        };
        let pieces = if slice_tokens > target {
            split_long(slice, target)
        } else {
            std::iter::once(0..slice.len()).collect()
        };
        for piece in pieces {
            let tokens = match piece.len() == slice.len() {
                true => slice_tokens,
                false => estimate_tokens(slice.get(piece.clone()).unwrap_or("")),
            };
            let start = block.span.start + (sentence.start + piece.start) as u32;
            let end = block.span.start + (sentence.start + piece.end) as u32;
            units.push(Unit {
                span: Span::new(start, end),
                kind: block.kind,
                first_page: page_of(block, start),
                last_page: page_of(block, end.saturating_sub(1)),
                group,
                tokens,
                group_tokens,
            });
        }
    }
}

fn page_of(block: &Block, position: u32) -> u32 {
    block
        .page_breaks
        .iter()
        .rev()
        .find(|(start, _)| *start <= position)
        .map_or(block.first_page, |&(_, page)| page)
}
