//! From glyphs or recognised words on a page to lines in reading order.
//!
//! Invariant: every word that comes in goes out exactly once, whatever the geometry is; nothing here is quadratic in
//! the number of glyphs. Used by `pdf` (glyphs) and `ocr` (words); knows nothing of either.
//!
//! Steps: glyphs → words (`words.rs`) → segments, pieces of a line without a wide gap (`segments.rs`) → ruled tables
//! (`grid.rs`) → columns, bands and blocks (`order.rs`, `blocks.rs`) → rows and aligned tables (`rows.rs`, `staggered.rs`) → kinds of lines (`kinds.rs`) →
//! [`boxwood_core::DocumentBuilder`] (`emit.rs`).

mod blocks;
mod characters;
mod emit;
mod grid;
mod kinds;
mod order;
mod rows;
mod segments;
mod staggered;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use characters::{is_meaningless, is_unspaced_script};
pub(crate) use emit::emit_page;
pub(crate) use kinds::BodySize;

use boxwood_core::{BoundingBox, LineKind};
use std::collections::BTreeMap;

/// The direction of a text frame for vertical writing: lines run down, the next line stands to the left.
pub(crate) const VERTICAL: i16 = 1000;

/// A glyph on a page. `left`, `right` and `baseline` are measured in the frame of its direction: the first axis runs
/// along the line, the second from one line to the next.
#[derive(Debug, Clone)]
pub(crate) struct Glyph {
    /// Its characters; more than one for a ligature.
    pub text: GlyphText,
    /// Where it begins along the line.
    pub left: f32,
    /// Where its advance ends.
    pub right: f32,
    /// Its baseline (the middle of the column in vertical writing).
    pub baseline: f32,
    /// Font size in points.
    pub size: f32,
    /// Its box on the page.
    pub bounds: BoundingBox,
    /// Angle of the line in degrees, clockwise on the page, or [`VERTICAL`].
    pub direction: i16,
}

/// The characters of a glyph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GlyphText {
    /// The usual case.
    Char(char),
    /// A ligature or a sequence.
    Text(Box<str>),
}

impl GlyphText {
    /// The first character.
    pub fn first(&self) -> char {
        match self {
            Self::Char(c) => *c,
            Self::Text(text) => text.chars().next().unwrap_or(' '),
        }
    }

    /// Whether it only separates words.
    pub fn is_space(&self) -> bool {
        match self {
            Self::Char(c) => characters::is_space(*c),
            Self::Text(text) => text.chars().all(characters::is_space),
        }
    }

    fn push_to(&self, out: &mut String) {
        match self {
            Self::Char(c) => characters::push_normal(out, *c),
            Self::Text(text) => text.chars().for_each(|c| characters::push_normal(out, c)),
        }
    }
}

/// How a word follows the word before it in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    /// A space stands between them.
    Space,
    /// They touch.
    Touch,
    /// Only the geometry can tell.
    Unknown,
}

/// A word with its place in the frame of its direction and its box on the page.
#[derive(Debug, Clone)]
pub(crate) struct LayoutWord {
    /// Its text, never empty.
    pub text: String,
    /// Box on the page.
    pub bounds: BoundingBox,
    /// Where it begins along the line.
    pub left: f32,
    /// Where it ends along the line.
    pub right: f32,
    /// Its baseline.
    pub baseline: f32,
    /// Font size in points.
    pub size: f32,
    /// How it follows the word before it in the same list.
    pub join: Join,
    /// Recognition confidence.
    pub confidence: Option<f32>,
    /// As in [`Glyph::direction`].
    pub direction: i16,
}

/// A straight line drawn on the page, horizontal or vertical.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rule {
    /// Whether it is horizontal.
    pub horizontal: bool,
    /// Its y (horizontal) or x (vertical).
    pub position: f32,
    /// Where it begins along its own axis.
    pub from: f32,
    /// Where it ends.
    pub to: f32,
}

/// A line that is ready for the document.
#[derive(Debug, Clone)]
pub(crate) struct LayoutLine {
    /// Words in reading order.
    pub words: Vec<LineWord>,
    /// What it is; rows of a table count their tables within the page.
    pub kind: LineKind,
    /// The font size of most of its characters.
    pub size: f32,
}

/// A word in a line.
#[derive(Debug, Clone)]
pub(crate) struct LineWord {
    /// The word.
    pub word: LayoutWord,
    /// Whether a space stands before it.
    pub space_before: bool,
    /// How many cells begin here since the word before: 0 within a cell, 2 after an empty one. Outside of tables 1 tells
    /// a gap as wide as between columns.
    pub cells_before: u16,
}

/// A table whose rows are lines of the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LayoutTable {
    /// Cells, row by row; all rows have the same number.
    pub rows: Vec<Vec<String>>,
    /// How many of the first rows are headers.
    pub header_rows: u32,
}

/// A laid-out page.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageLayout {
    /// Lines in reading order.
    pub lines: Vec<LayoutLine>,
    /// Tables, named by [`LineKind::TableRow`] of the lines.
    pub tables: Vec<LayoutTable>,
}

/// Lays out a page of glyphs; the direction that most glyphs have comes first.
pub(crate) fn arrange_glyphs(glyphs: Vec<Glyph>, rules: &[Rule]) -> PageLayout {
    let mut page = PageLayout::default();
    for (direction, glyphs) in by_direction(glyphs, |glyph| glyph.direction) {
        let rules = if direction == 0 { rules } else { &[] };
        arrange_into(&mut page, words::words_of(&glyphs), rules);
    }
    page
}

/// Lays out words, as recognition finds them.
pub(crate) fn arrange_words(words: Vec<LayoutWord>, rules: &[Rule]) -> PageLayout {
    let mut page = PageLayout::default();
    for (direction, words) in by_direction(words, |word| word.direction) {
        let rules = if direction == 0 { rules } else { &[] };
        arrange_into(&mut page, words, rules);
    }
    page
}

fn by_direction<T>(items: Vec<T>, direction: impl Fn(&T) -> i16) -> Vec<(i16, Vec<T>)> {
    let mut groups: BTreeMap<i16, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(direction(&item)).or_default().push(item);
    }
    let mut groups: Vec<(i16, Vec<T>)> = groups.into_iter().collect();
    groups.sort_by_key(|(direction, items)| (std::cmp::Reverse(items.len()), *direction));
    groups
}

fn arrange_into(page: &mut PageLayout, words: Vec<LayoutWord>, rules: &[Rule]) {
    if words.is_empty() {
        return;
    }
    let (grids, rest) = grid::find_grids(&words, rules);
    let mut segments = segments::segments_of(&words, rest);
    for (index, grid) in grids.iter().enumerate() {
        segments.push(grid.as_segment(index));
    }
    for region in order::reading_order(&words, &segments) {
        rows::lay_region(page, &words, &segments, &grids, region);
    }
}
