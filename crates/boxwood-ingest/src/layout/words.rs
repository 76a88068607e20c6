//! Glyphs of one direction, in the order of the file → words.
//!
//! A chain is a run of glyphs in which each follows the one before on the same baseline. Within a chain, words end at
//! spaces, at gaps that are wide for this chain (letter-spaced text has wide gaps everywhere), and around characters
//! of scripts without spaces, which stand alone so that a quotation gets exact boxes.
//! Invariant: each glyph that is not a space is part of exactly one word. Called by `layout::arrange_glyphs`.

use super::characters::{is_right_to_left, is_unspaced_script};
use super::{Glyph, Join, LayoutWord};

/// A gap that separates words, in font sizes.
const WORD_GAP: f32 = 0.125;
/// The same between two characters of a script without spaces.
const UNSPACED_GAP: f32 = 0.55;
/// A gap that ends a chain, in font sizes.
const CHAIN_GAP: f32 = 1.0;

/// The words of these glyphs.
pub(super) fn words_of(glyphs: &[Glyph]) -> Vec<LayoutWord> {
    let mut words = Vec::with_capacity(glyphs.len() / 4);
    let mut chain = Chain::default();
    for glyph in glyphs {
        if glyph.text.is_space() {
            chain.space_pending = true;
            continue;
        }
        if !chain.takes(glyph) {
            chain.flush(&mut words);
        }
        chain.push(glyph);
    }
    chain.flush(&mut words);
    words
}

#[derive(Default)]
struct Chain<'a> {
    /// Glyphs with whether a space stands before them and whether they follow to the left of the one before.
    glyphs: Vec<(&'a Glyph, bool)>,
    leftward: bool,
    space_pending: bool,
    gaps: Vec<f32>,
}

impl<'a> Chain<'a> {
    fn takes(&self, glyph: &Glyph) -> bool {
        let Some((last, _)) = self.glyphs.last() else {
            return true;
        };
        let size = last.size.max(glyph.size);
        let smaller = last.size.min(glyph.size);
        if (glyph.baseline - last.baseline).abs() > 0.12 * size || smaller < 0.6 * size {
            return false;
        }
        let onward = glyph.left - last.right;
        let backward = last.left - glyph.right;
        let may_turn = self.glyphs.len() == 1 || self.leftward;
        let first = glyph.text.first();
        if (is_right_to_left(first) || (self.leftward && !first.is_alphabetic()))
            && may_turn
            && backward > -0.3 * size
            && backward < CHAIN_GAP * size
        {
            return true;
        }
        !self.leftward && onward > -0.35 * size && onward < CHAIN_GAP * size
    }

    fn push(&mut self, glyph: &'a Glyph) {
        if let Some((last, _)) = self.glyphs.last() {
            self.leftward = glyph.left < last.left - 0.2 * glyph.size;
        }
        self.glyphs.push((glyph, self.space_pending));
        self.space_pending = false;
    }

    fn gap(&self, index: usize) -> f32 {
        let (before, after) = (self.glyphs[index - 1].0, self.glyphs[index].0);
        if self.leftward {
            before.left - after.right
        } else {
            after.left - before.right
        }
    }

    /// The gap that separates words in this chain, in points.
    fn word_gap(&mut self) -> f32 {
        let size = self.glyphs.first().map_or(1.0, |(glyph, _)| glyph.size);
        let mut gaps = std::mem::take(&mut self.gaps);
        gaps.clear();
        gaps.extend(
            (1..self.glyphs.len())
                .filter(|&index| !self.glyphs[index].1)
                .map(|index| self.gap(index)),
        );
        let mut limit = WORD_GAP * size;
        if gaps.len() >= 3 {
            let middle = gaps.len() / 2;
            let (_, median, _) = gaps.select_nth_unstable_by(middle, f32::total_cmp);
            if *median > 0.07 * size {
                limit = *median + 0.12 * size;
            }
        }
        self.gaps = gaps;
        limit
    }

    fn flush(&mut self, words: &mut Vec<LayoutWord>) {
        if self.glyphs.is_empty() {
            return;
        }
        let limit = self.word_gap();
        let mut start = 0;
        let mut join = if self.glyphs[0].1 {
            Join::Space
        } else {
            Join::Unknown
        };
        for index in 1..self.glyphs.len() {
            let (before, after) = (self.glyphs[index - 1].0, self.glyphs[index].0);
            let unspaced = |glyph: &Glyph| is_unspaced_script(glyph.text.first());
            let (left, right) = (unspaced(before), unspaced(after));
            let limit = if left && right {
                UNSPACED_GAP * after.size
            } else {
                limit
            };
            let spaced = self.glyphs[index].1 || self.gap(index) > limit;
            if spaced || left || right {
                words.push(self.word(start, index, join));
                start = index;
                join = if spaced { Join::Space } else { Join::Touch };
            }
        }
        words.push(self.word(start, self.glyphs.len(), join));
        self.glyphs.clear();
        self.leftward = false;
    }

    fn word(&self, start: usize, end: usize, join: Join) -> LayoutWord {
        let glyphs = &self.glyphs[start..end];
        let first = glyphs[0].0;
        let mut word = LayoutWord {
            text: String::with_capacity(glyphs.len()),
            bounds: first.bounds,
            left: first.left,
            right: first.right,
            baseline: first.baseline,
            size: first.size,
            join,
            confidence: None,
            direction: first.direction,
        };
        // Right-to-left characters that were drawn from left to right stand in the file in the order of the eye.
        let visual = !self.leftward && glyphs.len() > 1 && is_right_to_left(first.text.first());
        let mut append = |(glyph, _): &(&Glyph, bool)| {
            glyph.text.push_to(&mut word.text);
            word.bounds = word.bounds.union(glyph.bounds);
            word.left = word.left.min(glyph.left);
            word.right = word.right.max(glyph.right);
            word.size = word.size.max(glyph.size);
        };
        if visual {
            glyphs.iter().rev().for_each(&mut append);
        } else {
            glyphs.iter().for_each(&mut append);
        }
        word
    }
}
