//! What kind of line a line is, by its size relative to the body text and by its first characters.
//!
//! Invariant: never changes text, only [`LineKind`]. Called by `layout::emit_page`.

use super::{LayoutLine, VERTICAL};
use boxwood_core::LineKind;
use std::collections::BTreeMap;

/// Longer lines are never headings.
const MAX_HEADING_CHARS: usize = 160;

/// The size of the body text: the one that most characters have, over all pages so far.
#[derive(Debug, Default)]
pub(crate) struct BodySize {
    /// Characters by font size in quarter points.
    characters: BTreeMap<u32, u64>,
}

impl BodySize {
    /// Counts the characters of a page.
    pub fn learn(&mut self, lines: &[LayoutLine]) {
        for line in lines {
            let count: usize = line.words.iter().map(|word| word.word.text.len()).sum();
            *self
                .characters
                .entry((line.size * 4.0).round() as u32)
                .or_default() += count as u64;
        }
    }

    /// The size in points; 0 before any text.
    pub fn points(&self) -> f32 {
        let most = self.characters.iter().max_by_key(|(_, count)| **count);
        most.map_or(0.0, |(size, _)| *size as f32 / 4.0)
    }
}

/// The kind of a line that is not a row of a table.
pub(super) fn kind_of(line: &LayoutLine, text: &str, body: f32) -> LineKind {
    if has_bullet(text) {
        return LineKind::ListItem;
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let upright = line
        .words
        .iter()
        .all(|word| matches!(word.word.direction, 0 | VERTICAL));
    if body > 0.0 && upright && letters >= 2 && text.chars().count() <= MAX_HEADING_CHARS {
        // Heights of recognised lines vary with their letters.
        let recognised = line.words.iter().any(|word| word.word.confidence.is_some());
        let ratio = line.size / body / if recognised { 1.2 } else { 1.0 };
        for (level, least) in [(1, 1.7), (2, 1.35), (3, 1.15)] {
            if ratio >= least {
                return LineKind::Heading(level);
            }
        }
    }
    if is_list_item(text) {
        return LineKind::ListItem;
    }
    LineKind::Body
}

/// Whether the text is only the mark before an item of a list.
pub(super) fn is_list_marker(text: &str) -> bool {
    let text = text.trim();
    if matches!(
        text,
        "•" | "◦" | "▪" | "■" | "‣" | "●" | "○" | "–" | "-" | "—" | "*" | "·" | "" | "➢" | "✓"
    ) {
        return true;
    }
    let inner = text
        .trim_start_matches(['(', '['])
        .trim_end_matches([')', '.', ']', ':']);
    inner.len() < text.len()
        && !inner.is_empty()
        && inner.len() <= 4
        && (inner.chars().all(|c| c.is_ascii_digit())
            || inner
                .chars()
                .all(|c| matches!(c, 'i' | 'v' | 'x' | 'I' | 'V' | 'X'))
            || (inner.len() == 1 && inner.chars().all(|c| c.is_ascii_alphabetic())))
}

fn has_bullet(text: &str) -> bool {
    text.starts_with(['•', '◦', '▪', '■', '‣', '●', '○', '➢', '✓', '・', '\u{f0b7}'])
}

fn is_list_item(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(first, rest)| is_list_marker(first) && !rest.trim().is_empty())
}
