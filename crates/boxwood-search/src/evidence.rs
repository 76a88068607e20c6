//! Which sentences, list items or table rows of the shown text hold what an answer says.
//!
//! Invariant: evidence is an exact range of a document that the caller passed as shown; whether it *supports* the
//! answer is decided by the caller's support check, not here. Called by `boxwood-answer`'s cite step.

use crate::chunk::Span;
use crate::terms::for_each_term;
use crate::units::{UnitKind, collect_units};
use boxwood_core::Document;
use std::collections::{HashMap, HashSet};
use unicode_normalization::UnicodeNormalization;

/// Largest piece that is cited as one quote, in estimated tokens.
const QUOTE_TOKENS: u32 = 96;
/// How much a word of the question counts beside one of the answer.
const QUESTION_WEIGHT: f32 = 0.4;
/// How much it counts that the whole answer stands in one piece, as a share of the answer's weight.
const WHOLE_ANSWER_BONUS: f32 = 0.6;
/// A further quote must add this share of the answer's weight.
const LEAST_NEW_SHARE: f32 = 0.12;

/// A document and the parts of it that were shown to the model.
#[derive(Debug, Clone)]
pub struct ShownDocument<'a> {
    /// The document.
    pub document: &'a Document,
    /// Shown ranges of its text.
    pub spans: Vec<Span>,
}

/// A piece of a document that holds words of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Index into the shown documents.
    pub document: usize,
    /// The exact range.
    pub span: Span,
    /// Page of its first character, 1-based.
    pub first_page: u32,
    /// Share of the answer's weighted words that stand in it, 0 to 1.
    pub answer_share: f32,
}

/// What was found for an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvidenceList {
    /// Best first.
    pub pieces: Vec<Evidence>,
    /// Share of the answer's weighted words that stand in any of the pieces, 0 to 1.
    pub covered: f32,
    /// Share of the answer's weighted words that stand anywhere in the shown text, 0 to 1.
    pub present: f32,
}

struct Piece {
    document: usize,
    span: Span,
    first_page: u32,
    /// The terms of question and answer that it holds, sorted.
    terms: Vec<u64>,
    holds_answer: bool,
}

/// The pieces that hold the answer's words, at most `limit`: the best one first, then those that add words which the
/// earlier ones lack.
pub fn find_evidence(
    documents: &[ShownDocument<'_>],
    question: &str,
    answer: &str,
    limit: usize,
) -> EvidenceList {
    let answer_terms = distinct_terms(answer);
    let question_terms: Vec<u64> = distinct_terms(question)
        .into_iter()
        .filter(|term| !answer_terms.contains(term))
        .collect();
    let wanted: HashSet<u64> = answer_terms.iter().chain(&question_terms).copied().collect();
    let pieces = collect_pieces(documents, answer, &wanted);
    if answer_terms.is_empty() || pieces.is_empty() {
        return EvidenceList::default();
    }
    let rarity = Rarity::of(answer_terms.iter().chain(&question_terms), &pieces);
    let total: f32 = answer_terms.iter().map(|term| rarity.weight(*term)).sum();
    let aside: Vec<f32> = pieces
        .iter()
        .map(|piece| {
            let shared = rarity.shared(&question_terms, &piece.terms) * QUESTION_WEIGHT;
            if piece.holds_answer {
                shared + total * WHOLE_ANSWER_BONUS
            } else {
                shared
            }
        })
        .collect();
    let mut open = answer_terms.clone();
    let mut list = EvidenceList::default();
    let mut taken = vec![false; pieces.len()];
    while list.pieces.len() < limit {
        let best = pieces
            .iter()
            .enumerate()
            .filter(|(index, _)| !taken[*index])
            .map(|(index, piece)| (index, rarity.shared(&open, &piece.terms), aside[index]))
            .filter(|(_, new, _)| *new > 0.0)
            .max_by(|(_, new_a, aside_a), (_, new_b, aside_b)| {
                (new_a + aside_a).total_cmp(&(new_b + aside_b))
            });
        let Some((index, new, _)) = best else { break };
        if !list.pieces.is_empty() && new < total * LEAST_NEW_SHARE {
            break;
        }
        taken[index] = true;
        let piece = &pieces[index];
        open.retain(|term| piece.terms.binary_search(term).is_err());
        list.pieces.push(Evidence {
            document: piece.document,
            span: piece.span,
            first_page: piece.first_page,
            answer_share: rarity.shared(&answer_terms, &piece.terms) / total,
        });
    }
    let is_shown = |term: &&u64| rarity.is_held(**term);
    list.present = answer_terms
        .iter()
        .filter(is_shown)
        .map(|term| rarity.weight(*term))
        .sum::<f32>()
        / total;
    list.covered = 1.0 - open.iter().map(|term| rarity.weight(*term)).sum::<f32>() / total;
    list
}

fn collect_pieces(documents: &[ShownDocument<'_>], answer: &str, wanted: &HashSet<u64>) -> Vec<Piece> {
    let needle = folded(answer);
    let mut pieces = Vec::new();
    for (index, shown) in documents.iter().enumerate() {
        let units = collect_units(shown.document, QUOTE_TOKENS);
        pieces.reserve(units.len());
        for unit in units {
            let inside = shown
                .spans
                .iter()
                .any(|span| span.start <= unit.span.start && unit.span.end <= span.end);
            if !inside || matches!(unit.kind, UnitKind::Row { header: true, .. }) {
                continue;
            }
            let text = unit.span.text(shown.document);
            pieces.push(Piece {
                document: index,
                span: unit.span,
                first_page: unit.first_page,
                terms: distinct_terms_among(text, |term| wanted.contains(&term)),
                holds_answer: holds(text, &needle),
            });
        }
    }
    pieces
}

/// Hashes of the words that mean something, sorted, each once. A text of stop words alone keeps them.
fn distinct_terms(text: &str) -> Vec<u64> {
    distinct_terms_among(text, |_| true)
}

/// The same, without those that are not wanted.
fn distinct_terms_among(text: &str, wanted: impl Fn(u64) -> bool) -> Vec<u64> {
    let (mut meaning, mut stops) = (Vec::new(), Vec::new());
    let mut means_something = false;
    for_each_term(text, |term| {
        means_something |= !term.stop;
        if (term.stop && means_something) || !wanted(term.hash) {
            return;
        }
        let list = if term.stop { &mut stops } else { &mut meaning };
        list.push(term.hash);
    });
    let mut terms = if means_something { meaning } else { stops };
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// Whether a text holds a folded answer.
fn holds(text: &str, needle: &str) -> bool {
    // Folding makes an ASCII text no longer.
    let is_shorter = text.len() < needle.len() && text.is_ascii();
    !needle.is_empty() && !is_shorter && folded(text).contains(needle)
}

/// Width, case, white space and the quotation marks and stops around it do not matter.
fn folded(text: &str) -> String {
    let folded: String = match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.nfkc().flat_map(char::to_lowercase).collect(),
    };
    let mut words = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
        .trim_matches(|c: char| c.is_ascii_punctuation() || "。、「」『』“”‘’".contains(c))
        .to_owned()
}

/// How rare a word of the question or the answer is among the pieces.
struct Rarity {
    pieces: f32,
    holding: HashMap<u64, f32>,
}

impl Rarity {
    fn of<'a>(wanted: impl Iterator<Item = &'a u64>, pieces: &[Piece]) -> Self {
        let held_by = |term: &u64| {
            pieces
                .iter()
                .filter(|piece| piece.terms.binary_search(term).is_ok())
                .count()
        };
        Self {
            pieces: pieces.len() as f32,
            holding: wanted.map(|term| (*term, held_by(term) as f32)).collect(),
        }
    }

    fn is_held(&self, term: u64) -> bool {
        self.holding.get(&term).is_some_and(|holding| *holding > 0.0)
    }

    fn weight(&self, term: u64) -> f32 {
        let holding = self.holding.get(&term).copied().unwrap_or(0.0);
        (1.0 + (self.pieces - holding + 0.5) / (holding + 0.5)).ln() + 0.1
    }

    fn shared(&self, wanted: &[u64], terms: &[u64]) -> f32 {
        wanted
            .iter()
            .filter(|term| terms.binary_search(term).is_ok())
            .map(|term| self.weight(*term))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::document::DocumentBuilder;
    use boxwood_core::{DocumentFormat, LineKind};

    fn check(lines: &[&str], question: &str, answer: &str, expected: &[&str]) {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
        for line in lines {
            builder.line(line, LineKind::ListItem);
        }
        let document = builder.finish();
        let spans = vec![Span::new(0, document.text.len() as u32)];
        let list = find_evidence(
            &[ShownDocument {
                document: &document,
                spans,
            }],
            question,
            answer,
            3,
        );
        let found: Vec<&str> = list
            .pieces
            .iter()
            .map(|piece| piece.span.text(&document))
            .collect();
        assert_eq!(found, expected, "{question} / {answer}");
    }

    #[test]
    fn the_piece_that_holds_the_answer_comes_first() {
        let lines = [
            "The rent is 1,200 euros.",
            "The deposit is 2,400 euros.",
            "Keys are returned on the last day.",
        ];
        check(
            &lines,
            "How high is the deposit?",
            "2,400 euros",
            &["The deposit is 2,400 euros."],
        );
        check(
            &lines,
            "When are the keys returned?",
            "On the last day.",
            &["Keys are returned on the last day."],
        );
        check(&lines, "Who signs?", "zebra", &[]);
    }

    #[test]
    fn an_answer_from_two_places_cites_both() {
        let lines = [
            "The tenant is Ada Moss.",
            "The weather is fine.",
            "The landlord is Ben Oak.",
        ];
        check(
            &lines,
            "Who are the parties?",
            "Tenant Ada Moss and landlord Ben Oak",
            &["The landlord is Ben Oak.", "The tenant is Ada Moss."],
        );
    }

    #[test]
    fn what_is_cited_and_what_is_anywhere_in_the_text_are_told_apart() {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
        for line in [
            "Rain fell in Oslo.",
            "Snow fell in Bergen.",
            "Fog lay over Molde.",
        ] {
            builder.line(line, LineKind::ListItem);
        }
        let document = builder.finish();
        let spans = vec![Span::new(0, document.text.len() as u32)];
        let shown = ShownDocument {
            document: &document,
            spans,
        };
        let list = find_evidence(
            &[shown],
            "What was the weather?",
            "rain, snow and fog; hail in Narvik",
            1,
        );
        assert!(list.covered < list.present && list.present < 1.0, "{list:?}");
    }

    #[test]
    fn japanese_without_spaces_is_found() {
        let lines = ["契約期間は三年間とする。", "賃料は月額十二万円とする。"];
        check(
            &lines,
            "賃料はいくらですか",
            "月額十二万円",
            &["賃料は月額十二万円とする。"],
        );
    }

    #[test]
    fn what_was_not_shown_is_not_cited() {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
        builder.line("The code is 4711.", LineKind::ListItem);
        let document = builder.finish();
        let shown = ShownDocument {
            document: &document,
            spans: Vec::new(),
        };
        assert_eq!(
            find_evidence(&[shown], "What is the code?", "4711", 3),
            EvidenceList::default()
        );
    }
}
