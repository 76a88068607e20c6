//! Documents cut into chunks that ranking works on.
//!
//! Invariants: chunks are in document order, do not overlap, their ranges are exact byte ranges of `Document::text`
//! on character boundaries, and together they hold every character of the document but white space. A chunk never
//! mixes two tables, a table with running text, or two pages, except where a paragraph runs over the page's end.

use crate::units::{Unit, UnitKind, collect_units};
use boxwood_core::Document;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Changes whenever the same document would be cut differently, so that stored vectors are not matched to other chunks.
pub const CHUNKER_VERSION: u32 = 1;

/// A byte range of `Document::text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A range from two positions.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The range as an index into `Document::text`.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text of the range; empty where the document has no such range.
    pub fn text(self, document: &Document) -> &str {
        document.text.get(self.range()).unwrap_or("")
    }
}

/// How a document is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    target_tokens: u32,
}

/// A chunk size outside 1 to 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("chunks of {target_tokens} tokens can't be made: give a number from 1 to 512")]
pub struct ChunkOptionsError {
    /// What was asked for.
    pub target_tokens: u32,
}

impl Default for ChunkOptions {
    /// 64 tokens, as Box's default agent has it.
    fn default() -> Self {
        Self { target_tokens: 64 }
    }
}

impl ChunkOptions {
    /// Chunks of at most this many estimated tokens, 1 to 512.
    ///
    /// # Errors
    /// [`ChunkOptionsError`] outside that range.
    pub fn new(target_tokens: u32) -> Result<Self, ChunkOptionsError> {
        if (1..=512).contains(&target_tokens) {
            Ok(Self { target_tokens })
        } else {
            Err(ChunkOptionsError { target_tokens })
        }
    }

    /// The largest size of a chunk in estimated tokens.
    pub fn target_tokens(self) -> u32 {
        self.target_tokens
    }
}

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChunkKind {
    /// Running text, headings, lists.
    Text,
    /// Rows of this table (index into `Document::tables`).
    Table(u32),
}

/// A part of a document that is ranked as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Where it stands in `Document::text`.
    pub span: Span,
    /// Page of its first line, 1-based.
    pub first_page: u32,
    /// Page of its last line; differs only where a paragraph runs over the page's end.
    pub last_page: u32,
    /// The headings that it stands under, topmost first; a heading inside the chunk itself is not among them.
    pub headings: Vec<Span>,
    /// The header rows of its table, where they are not in the chunk itself.
    pub table_header: Option<Span>,
    /// What it holds.
    pub kind: ChunkKind,
    /// Estimated tokens of its own text.
    pub tokens: u32,
}

impl Chunk {
    /// The chunk's own text.
    pub fn text<'a>(&self, document: &'a Document) -> &'a str {
        self.span.text(document)
    }

    /// Headings and table header, one a line, then the text: what an embedding model should see.
    pub fn text_with_context(&self, document: &Document) -> String {
        let mut text = String::new();
        for span in self.headings.iter().chain(&self.table_header) {
            text.push_str(span.text(document));
            text.push('\n');
        }
        text.push_str(self.text(document));
        text
    }
}

/// Cuts a document into chunks.
pub fn chunk_document(document: &Document, options: &ChunkOptions) -> Vec<Chunk> {
    let mut packer = Packer::new(options.target_tokens);
    for unit in collect_units(document, options.target_tokens) {
        packer.add(unit);
    }
    packer.finish()
}

/// Collects units until a chunk is full or the structure demands a new one.
struct Packer {
    target: u32,
    chunks: Vec<Chunk>,
    pending: Vec<Unit>,
    pending_tokens: u32,
    /// Open headings with their levels.
    path: Vec<(u8, Span)>,
    /// The path as it was when the pending chunk began.
    pending_path: Vec<Span>,
    /// Header rows of the table that was seen last.
    header: Option<(u32, Span)>,
    last_heading_group: Option<u32>,
}

impl Packer {
    fn new(target: u32) -> Self {
        Self {
            target,
            chunks: Vec::new(),
            pending: Vec::new(),
            pending_tokens: 0,
            path: Vec::new(),
            pending_path: Vec::new(),
            header: None,
            last_heading_group: None,
        }
    }

    fn add(&mut self, unit: Unit) {
        if self.must_flush(&unit) {
            self.flush();
        }
        match unit.kind {
            UnitKind::Heading(level) => self.open_heading(level, &unit),
            UnitKind::Row { table, header: true } => self.open_table_header(table, unit.span),
            _ => {}
        }
        if self.pending.is_empty() && !matches!(unit.kind, UnitKind::Heading(_)) {
            self.pending_path = self.path.iter().map(|&(_, span)| span).collect();
        }
        self.pending_tokens += unit.tokens;
        self.pending.push(unit);
    }

    fn open_heading(&mut self, level: u8, unit: &Unit) {
        if self.last_heading_group == Some(unit.group) {
            if let Some((_, span)) = self.path.last_mut() {
                span.end = unit.span.end;
            }
            return;
        }
        self.last_heading_group = Some(unit.group);
        self.path.retain(|&(open, _)| open < level);
        if self.pending.is_empty() {
            self.pending_path = self.path.iter().map(|&(_, span)| span).collect();
        }
        self.path.push((level, unit.span));
    }

    fn open_table_header(&mut self, table: u32, span: Span) {
        match &mut self.header {
            Some((open, header)) if *open == table && header.end <= span.start => header.end = span.end,
            _ => self.header = Some((table, span)),
        }
    }

    fn must_flush(&self, unit: &Unit) -> bool {
        let (Some(first), Some(last)) = (self.pending.first(), self.pending.last()) else {
            return false;
        };
        let same_group = last.group == unit.group;
        let only_headings = is_heading(last) && is_heading(first);
        if self.pending_tokens + unit.tokens > self.target {
            return true;
        }
        if unit.first_page != last.last_page && !same_group {
            return true;
        }
        if is_heading(unit) {
            return !only_headings;
        }
        if table_of(unit) != table_of(last) && !is_heading(last) {
            return true;
        }
        // A paragraph that would not fit is not begun at the end of a chunk that is already well filled.
        !same_group
            && self.pending_tokens * 5 >= self.target * 3
            && self.pending_tokens + unit.group_tokens > self.target
            && unit.group_tokens <= self.target
    }

    fn flush(&mut self) {
        let (Some(first), Some(last)) = (self.pending.first(), self.pending.last()) else {
            return;
        };
        let kind = table_of(last).map_or(ChunkKind::Text, ChunkKind::Table);
        let table_header = match (kind, self.header) {
            (ChunkKind::Table(table), Some((open, header)))
                if open == table && header.end <= first.span.start =>
            {
                Some(header)
            }
            _ => None,
        };
        self.chunks.push(Chunk {
            span: Span::new(first.span.start, last.span.end),
            first_page: first.first_page,
            last_page: last.last_page,
            headings: self
                .pending_path
                .iter()
                .copied()
                .filter(|heading| heading.end <= first.span.start)
                .collect(),
            table_header,
            kind,
            tokens: self.pending_tokens,
        });
        self.pending.clear();
        self.pending_tokens = 0;
    }

    fn finish(mut self) -> Vec<Chunk> {
        self.flush();
        self.chunks
    }
}

fn is_heading(unit: &Unit) -> bool {
    matches!(unit.kind, UnitKind::Heading(_))
}

fn table_of(unit: &Unit) -> Option<u32> {
    match unit.kind {
        UnitKind::Row { table, .. } => Some(table),
        _ => None,
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
