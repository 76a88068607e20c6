//! All text of a document in windows that one completion can list the rows of, and the rows of neighbouring windows joined.
//!
//! Invariant: windows hold every line; each begins with a few lines of the one before, so that a row that runs over the
//! seam stands whole in one of them; what both then gave is kept once. Called by the running step.

use super::finding::{Content, Finding, Reference};
use boxwood_core::Document;
use boxwood_search::{Passage, Span, estimate_tokens};

/// Lines of the window before that a window begins with.
const LEAD_LINES: usize = 3;
/// Fewest estimated tokens of a window; a smaller one is not divided again.
pub const LEAST_TOKENS: u32 = 120;

/// A part of a source that is read for rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Index of the source.
    pub source: usize,
    /// What the model is shown.
    pub span: Span,
    /// Where what is new in it begins.
    pub fresh: u32,
    /// Page of its first line.
    pub first_page: u32,
    /// Page of its last line.
    pub last_page: u32,
}

/// A line, or a piece of one that is longer than a window.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u32,
    end: u32,
    page: u32,
}

impl Piece {
    fn tokens(self, document: &Document) -> u32 {
        estimate_tokens(Span::new(self.start, self.end).text(document)) + 1
    }
}

/// The windows of a range of a document.
pub fn windows(source: usize, document: &Document, range: Span, tokens: u32) -> Vec<Window> {
    let pieces = pieces(document, range, tokens);
    let mut windows = Vec::new();
    let mut first = 0;
    while first < pieces.len() {
        let end = end_of_window(document, &pieces, first, tokens);
        let (lead, last) = (pieces[lead_of(document, &pieces, first, tokens)], pieces[end - 1]);
        windows.push(Window {
            source,
            span: Span::new(lead.start, last.end),
            fresh: pieces[first].start,
            first_page: lead.page,
            last_page: last.page,
        });
        first = end;
    }
    windows
}

/// The lines within a range; those that no window would hold are cut at spaces.
fn pieces(document: &Document, range: Span, tokens: u32) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for page in &document.pages {
        for line in &page.lines {
            let (start, end) = (line.start.max(range.start), line.end.min(range.end));
            if start < end {
                let line = Piece {
                    start,
                    end,
                    page: page.number,
                };
                push_cut(document, line, tokens, &mut pieces);
            }
        }
    }
    pieces
}

fn push_cut(document: &Document, mut line: Piece, tokens: u32, pieces: &mut Vec<Piece>) {
    // An estimated token has at least one byte, so a cut piece fits.
    let most = tokens.max(1) as usize;
    while line.tokens(document) > tokens {
        let text = Span::new(line.start, line.end).text(document);
        let mut at = most.min(text.len().saturating_sub(1));
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let at = text[..at]
            .rfind(char::is_whitespace)
            .filter(|space| *space > at / 2)
            .unwrap_or(at);
        if at == 0 {
            break;
        }
        let cut = line.start + at as u32;
        pieces.push(Piece { end: cut, ..line });
        line.start = cut;
    }
    pieces.push(line);
}

/// The first of the few lines before a window that it begins with; long ones are not repeated.
fn lead_of(document: &Document, pieces: &[Piece], first: usize, tokens: u32) -> usize {
    let mut lead = first;
    let mut used = 0;
    while lead > 0 && first - lead < LEAD_LINES {
        used += pieces[lead - 1].tokens(document);
        if used > tokens / 4 {
            break;
        }
        lead -= 1;
    }
    lead
}

/// One past the last line: as many as fit, rather ending at a page's end or before an empty line than in the middle.
fn end_of_window(document: &Document, pieces: &[Piece], first: usize, tokens: u32) -> usize {
    let mut used = 0;
    let mut full = pieces.len();
    for (index, piece) in pieces.iter().enumerate().skip(first) {
        used += piece.tokens(document);
        if used > tokens && index > first {
            full = index;
            break;
        }
    }
    if full == pieces.len() {
        return full;
    }
    let earliest = first + (full - first) * 3 / 4;
    let is_break = |index: &usize| {
        let (before, after) = (pieces[*index - 1], pieces[*index]);
        let between = Span::new(before.end, after.start).text(document);
        before.page != after.page || between.matches('\n').count() > 1
    };
    (earliest.max(first + 1)..=full)
        .rev()
        .find(is_break)
        .unwrap_or(full)
}

/// The window as a passage, for the prompt.
pub fn passage(window: &Window, document: &Document) -> Passage {
    Passage {
        document: 0,
        span: window.span,
        first_page: window.first_page,
        last_page: window.last_page,
        headings: Vec::new(),
        table_header: None,
        text: window.span.text(document).to_owned(),
        tokens: 0,
        score: 0.0,
    }
}

/// Adds the rows of the next window to those before it. A row that stands wholly in the lead was read before; where one
/// of the two knows more of it, that one is kept.
pub fn join_rows(rows: &mut Vec<Finding>, next: Vec<Finding>, fresh: u32) {
    for row in next {
        let places = places_of(&row);
        let only_in_lead = !places.is_empty() && places.iter().all(|place| place.start < fresh);
        let known = rows
            .iter()
            .rposition(|before| same_row(before, &row, only_in_lead) && touches(before, &row, fresh));
        match known {
            Some(at) if filled(&row) > filled(&rows[at]) => rows[at] = row,
            Some(_) => {}
            None if only_in_lead => {}
            None => rows.push(row),
        }
    }
}

/// Whether two rows of neighbouring windows can be the same place of the document.
fn touches(before: &Finding, row: &Finding, fresh: u32) -> bool {
    let (old, new) = (places_of(before), places_of(row));
    old.iter().any(|one| {
        new.iter()
            .any(|other| one.start < other.end && other.start < one.end)
    }) || (old.is_empty() && new.is_empty())
        || new.iter().any(|place| place.start < fresh)
}

/// Equal in every cell that both know.
fn same_row(before: &Finding, row: &Finding, one_is_enough: bool) -> bool {
    let (Content::Object(old), Content::Object(new)) = (&before.content, &row.content) else {
        return before.content == row.content;
    };
    let mut agreed = 0;
    for ((_, one), (_, other)) in old.iter().zip(new) {
        if one.is_absent() || other.is_absent() {
            continue;
        }
        if one.to_value() != other.to_value() {
            return false;
        }
        agreed += 1;
    }
    agreed > usize::from(!one_is_enough && old.len() > 2)
}

fn filled(row: &Finding) -> usize {
    match &row.content {
        Content::Object(parts) => parts.iter().filter(|(_, part)| !part.is_absent()).count(),
        Content::Absent => 0,
        _ => 1,
    }
}

/// The places of a row's cells.
pub fn places_of(row: &Finding) -> Vec<&Reference> {
    match &row.content {
        Content::Object(parts) => parts
            .iter()
            .flat_map(|(_, part)| part.references.iter())
            .collect(),
        _ => row.references.iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Confidence;
    use super::*;
    use boxwood_core::document::DocumentBuilder;
    use boxwood_core::{DocumentFormat, FileId, LineKind, TextSource};
    use serde_json::json;

    fn document(pages: usize, lines: usize) -> Document {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
        for page in 0..pages {
            builder.page(None, None, TextSource::Native);
            for line in 0..lines {
                builder.line(&format!("item {page}-{line} costs {line} euros"), LineKind::Body);
            }
        }
        builder.finish()
    }

    #[test]
    fn windows_hold_every_line_and_rather_end_at_pages() {
        let document = document(5, 20);
        let all = Span::new(0, document.text.len() as u32);
        let windows = windows(0, &document, all, 220);
        assert!(windows.len() >= 5, "{}", windows.len());
        let mut reached = 0;
        for window in &windows {
            assert!(window.span.start <= window.fresh);
            let between = &document.text[reached as usize..window.fresh as usize];
            assert!(between.trim().is_empty(), "nothing is left out: {between:?}");
            reached = window.span.end;
        }
        assert!(document.text[reached as usize..].trim().is_empty());
    }

    #[test]
    fn a_line_longer_than_a_window_is_cut_and_nothing_of_it_lost() {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Text);
        let line: String = (0..2_000).map(|number| format!("w{number} ")).collect();
        builder.line(line.trim(), LineKind::Body);
        builder.line(&"契約".repeat(3_000), LineKind::Body);
        let document = builder.finish();
        let all = Span::new(0, document.text.len() as u32);
        let windows = windows(0, &document, all, 200);
        let mut reached = 0;
        for window in &windows {
            assert!(
                document.text[reached as usize..window.fresh as usize]
                    .trim()
                    .is_empty()
            );
            assert!(estimate_tokens(window.span.text(&document)) <= 260);
            reached = window.span.end;
        }
        assert!(document.text[reached as usize..].trim().is_empty());
    }

    fn row(cells: &[Option<&str>], at: Option<(u32, u32)>) -> Finding {
        let parts = cells.iter().enumerate().map(|(index, cell)| {
            let finding = match cell {
                None => Finding::absent(1.0),
                Some(text) => Finding {
                    content: Content::Value(json!(text)),
                    confidence: Confidence {
                        score: 1.0,
                        signals: None,
                    },
                    references: at
                        .iter()
                        .map(|(start, end)| Reference {
                            file_id: FileId::from_number(1),
                            file_name: String::new(),
                            quote: String::new(),
                            page: 1,
                            label: None,
                            page_size: None,
                            boxes: Vec::new(),
                            start: *start,
                            end: *end,
                        })
                        .collect(),
                    written: None,
                },
            };
            (format!("c{index}"), finding)
        });
        Finding::object(parts.collect())
    }

    #[track_caller]
    fn check(before: Vec<Finding>, next: Vec<Finding>, fresh: u32, expected: &[&[Option<&str>]]) {
        let mut rows = before;
        join_rows(&mut rows, next, fresh);
        let found: Vec<serde_json::Value> = rows.iter().map(Finding::to_value).collect();
        let expected: Vec<serde_json::Value> =
            expected.iter().map(|cells| row(cells, None).to_value()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_at_the_seam_are_neither_lost_nor_doubled() {
        let a = || row(&[Some("a"), Some("1"), Some("x")], Some((0, 10)));
        let b = || row(&[Some("b"), Some("2"), Some("y")], Some((90, 99)));
        let c = || row(&[Some("c"), Some("3"), Some("z")], Some((100, 110)));
        // The lead gives row b again.
        check(
            vec![a(), b()],
            vec![b(), c()],
            100,
            &[
                &[Some("a"), Some("1"), Some("x")],
                &[Some("b"), Some("2"), Some("y")],
                &[Some("c"), Some("3"), Some("z")],
            ],
        );
        // The first window held only half of row b.
        let half = row(&[Some("b"), Some("2"), None], Some((90, 99)));
        check(
            vec![a(), half],
            vec![b()],
            100,
            &[
                &[Some("a"), Some("1"), Some("x")],
                &[Some("b"), Some("2"), Some("y")],
            ],
        );
    }

    #[test]
    fn equal_rows_at_different_places_are_two_rows() {
        let at = |start| {
            row(
                &[Some("coffee"), Some("3"), Some("EUR")],
                Some((start, start + 9)),
            )
        };
        check(
            vec![at(10)],
            vec![at(200)],
            100,
            &[
                &[Some("coffee"), Some("3"), Some("EUR")],
                &[Some("coffee"), Some("3"), Some("EUR")],
            ],
        );
    }
}
