//! The passage that the support check reads: the cited pieces with what stands around them.
//!
//! Invariant: the passage is made of text that the model was shown, at most about [`PASSAGE_TOKENS`] long, so that a
//! check costs seconds on a CPU whatever the size of the document.

use crate::gather::Source;
use crate::prompt::neutralise;
use boxwood_core::Document;
use boxwood_search::{EvidenceList, Span, estimate_tokens};

/// Estimated tokens of the whole passage.
const PASSAGE_TOKENS: u32 = 260;
/// Estimated tokens that a piece gets at least, with its surroundings.
const LEAST_PIECE_TOKENS: u32 = 80;

/// The cited pieces with their surroundings, in document order.
pub fn passage_around(sources: &[Source], evidence: &EvidenceList) -> String {
    let pieces = evidence.pieces.len().max(1) as u32;
    let share = (PASSAGE_TOKENS / pieces).max(LEAST_PIECE_TOKENS);
    let mut windows: Vec<(usize, Span)> = Vec::new();
    for piece in &evidence.pieces {
        let Some(source) = sources.get(piece.document) else {
            continue;
        };
        windows.push((piece.document, widen(&source.document, piece.span, share)));
    }
    windows.sort_by_key(|(document, span)| (*document, span.start));
    let mut merged: Vec<(usize, Span)> = Vec::new();
    for (document, span) in windows {
        match merged.last_mut() {
            Some((last, open)) if *last == document && span.start <= open.end => {
                open.end = open.end.max(span.end)
            }
            _ => merged.push((document, span)),
        }
    }
    let texts: Vec<String> = merged
        .iter()
        .filter_map(|(document, span)| Some(sources.get(*document)?.document.text.get(span.range())?.trim()))
        .map(neutralise)
        .collect();
    texts.join("\n…\n")
}

/// Takes whole lines before and after, by turns, while they fit.
fn widen(document: &Document, span: Span, tokens: u32) -> Span {
    let lines: Vec<(u32, u32)> = document
        .pages
        .iter()
        .flat_map(|page| &page.lines)
        .map(|line| (line.start, line.end))
        .collect();
    let mut first = lines.partition_point(|(_, end)| *end <= span.start);
    let mut last = lines.partition_point(|(start, _)| *start < span.end);
    let mut wide = span;
    let fits = |wide: Span| estimate_tokens(wide.text(document)) <= tokens;
    loop {
        let mut grown = false;
        if let Some((start, _)) = lines.get(first) {
            let candidate = Span::new((*start).min(wide.start), wide.end);
            if fits(candidate) {
                wide = candidate;
                if first > 0 {
                    first -= 1;
                    grown = true;
                }
            }
        }
        if let Some((_, end)) = last.checked_sub(1).and_then(|index| lines.get(index)) {
            let candidate = Span::new(wide.start, (*end).max(wide.end));
            if fits(candidate) {
                wide = candidate;
                if last < lines.len() {
                    last += 1;
                    grown = true;
                }
            }
        }
        if !grown {
            return wide;
        }
    }
}
