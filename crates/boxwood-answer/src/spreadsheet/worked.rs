//! A result with the rows that it comes from: what the model words the answer from, what is cited, what is told.
//!
//! Invariant: the cells that are named are those that the result was computed from, all of them. Used by `spreadsheet`.

use super::matching::folded;
use super::query::Query;
use super::run::{GroupResult, Outcome};
use super::table::{SheetTable, letters};
use crate::answer::Calculation;
use crate::prompt::neutralise;
use crate::retrieve::{Shown, ShownSource};
use boxwood_core::{Document, LineKind};
use boxwood_search::{Evidence, EvidenceList, Passage, Span, estimate_tokens};
use std::collections::HashMap;
use std::fmt::Write;

/// Rows that the model is shown, and that are cited.
const SHOWN_ROWS: usize = 12;
/// Results of groups that are listed.
const LISTED_GROUPS: usize = 100;

/// A result and its rows.
pub(crate) struct Worked {
    /// What is told about it.
    pub calculation: Calculation,
    header: String,
    /// The lines of the rows in the document, as far as they are shown.
    lines: Vec<(Span, u32)>,
    /// Texts of which an answer must hold one.
    texts: Vec<String>,
}

impl Worked {
    /// Puts together what is told.
    pub fn of(query: &Query, outcome: &Outcome, tables: &[SheetTable<'_>], document: &Document) -> Self {
        let table = &tables[query.table];
        let header: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let mut texts: Vec<String> = Vec::new();
        if let [one] = outcome.results.as_slice() {
            texts.extend([one.text.clone(), one.group.clone()]);
        }
        // Where a cell itself is the answer, its row may be named instead ("Ann works the most").
        if let [row] = outcome.rows.as_slice() {
            texts.extend((0..table.columns.len()).map(|column| table.rows[*row].text(column).to_owned()));
        }
        Self {
            calculation: Calculation {
                query: query.words(table),
                result: result_text(&outcome.results),
                sheet: table.sheet.map(str::to_owned),
                rows_used: outcome.rows.len(),
                rows_read: table.rows.len(),
                cells_skipped: outcome.skipped,
                cells: cells(query, outcome, table),
            },
            header: header.join(" | "),
            lines: lines_of(outcome, table, document),
            texts: texts.into_iter().filter(|text| !text.trim().is_empty()).collect(),
        }
    }

    /// What the model words the answer from, fenced as a document.
    pub fn content(&self, file_name: &str, document: &Document) -> String {
        let calculation = &self.calculation;
        let mut content = format!(
            "<document name=\"{}\">\n",
            neutralise(file_name).replace('"', "'")
        );
        if let Some(sheet) = &calculation.sheet {
            let _infallible = writeln!(content, "[sheet {}]", neutralise(sheet));
        }
        content.push_str(&neutralise(&self.header));
        content.push('\n');
        for (span, _) in &self.lines {
            content.push_str(&neutralise(document.text.get(span.range()).unwrap_or("")));
            content.push('\n');
        }
        let left = calculation.rows_used.saturating_sub(self.lines.len());
        if left > 0 {
            let _infallible = writeln!(content, "[… and {left} more rows]");
        }
        let _infallible = write!(
            content,
            "Computed exactly over all {} rows: {} = {}\n</document>",
            calculation.rows_read,
            neutralise(&calculation.query),
            neutralise(&calculation.result)
        );
        content
    }

    /// Whether a text gives the result: its digits, or its words.
    pub fn is_said_by(&self, text: &str) -> bool {
        let said = comparable(text);
        let holds = |part: &String| {
            let part = comparable(part);
            !part.is_empty() && holds_whole(&said, &part)
        };
        self.texts.iter().any(holds)
    }

    /// The rows as what the model was shown.
    pub fn shown(&self, document: &Document) -> Shown {
        let passage = |(span, page): &(Span, u32)| {
            let text = document.text.get(span.range()).unwrap_or("").to_owned();
            Passage {
                document: 0,
                span: *span,
                first_page: *page,
                last_page: *page,
                headings: Vec::new(),
                table_header: Some(self.header.clone()),
                tokens: estimate_tokens(&text),
                text,
                score: 1.0,
            }
        };
        Shown {
            sources: vec![ShownSource {
                passages: Some(self.lines.iter().map(passage).collect()),
            }],
            embedding: None,
        }
    }

    /// The rows as evidence: each is a part of what the result comes from.
    pub fn evidence(&self) -> EvidenceList {
        let piece = |(span, page): &(Span, u32)| Evidence {
            document: 0,
            span: *span,
            first_page: *page,
            answer_share: 1.0,
        };
        EvidenceList {
            pieces: self.lines.iter().map(piece).collect(),
            covered: 1.0,
            present: 1.0,
        }
    }
}

fn result_text(results: &[GroupResult]) -> String {
    let one = |result: &GroupResult| match result.group.is_empty() {
        true => result.text.clone(),
        false => format!("{}: {}", result.group, result.text),
    };
    let mut text = results
        .iter()
        .take(LISTED_GROUPS)
        .map(one)
        .collect::<Vec<_>>()
        .join("; ");
    if results.len() > LISTED_GROUPS {
        let _infallible = write!(text, "; and {} more", results.len() - LISTED_GROUPS);
    }
    text
}

/// The cells of the computed column (of the first condition's where rows are counted), as ranges: `Sales!D2:D14`.
fn cells(query: &Query, outcome: &Outcome, table: &SheetTable<'_>) -> Vec<String> {
    let column = query
        .column
        .or_else(|| query.filters.first().map(|filter| filter.column))
        .unwrap_or(0);
    let letter = table
        .columns
        .get(column)
        .map_or_else(|| letters(0), |column| column.letter.clone());
    let sheet = table
        .sheet
        .map_or_else(String::new, |sheet| format!("{}!", quoted(sheet)));
    let numbers: Vec<u32> = outcome.rows.iter().map(|row| table.rows[*row].number()).collect();
    numbers
        .chunk_by(|one, next| one.checked_add(1) == Some(*next))
        .map(|run| match run {
            [first, .., last] => format!("{sheet}{letter}{first}:{letter}{last}"),
            [one] => format!("{sheet}{letter}{one}"),
            [] => String::new(),
        })
        .collect()
}

/// A sheet's name as references write it.
fn quoted(sheet: &str) -> String {
    if sheet.chars().all(|c| c.is_alphanumeric() || c == '_') {
        sheet.to_owned()
    } else {
        format!("'{}'", sheet.replace('\'', "''"))
    }
}

/// Where the first of the used rows stand in the text, with their pages.
fn lines_of(outcome: &Outcome, table: &SheetTable<'_>, document: &Document) -> Vec<(Span, u32)> {
    let wanted: HashMap<(u32, u32), usize> = outcome
        .rows
        .iter()
        .take(SHOWN_ROWS)
        .enumerate()
        .map(|(place, row)| ((table.rows[*row].table, table.rows[*row].index), place))
        .collect();
    let pages = document.pages.iter().filter(|page| page.number == table.page);
    let mut lines: Vec<(usize, Span, u32)> = pages
        .flat_map(|page| page.lines.iter().map(move |line| (page.number, line)))
        .filter_map(|(page, line)| match line.kind {
            LineKind::TableRow { table, row } => {
                let place = wanted.get(&(table, row))?;
                Some((*place, Span::new(line.start, line.end), page))
            }
            _ => None,
        })
        .collect();
    lines.sort_by_key(|(place, _, _)| *place);
    lines.into_iter().map(|(_, span, page)| (span, page)).collect()
}

/// Without what numbers are grouped by, case and width.
fn comparable(text: &str) -> String {
    let folded = folded(text);
    let characters: Vec<char> = folded.chars().collect();
    let separates = |index: usize| {
        let digit = |index: Option<usize>| {
            index
                .and_then(|index| characters.get(index))
                .is_some_and(char::is_ascii_digit)
        };
        matches!(characters[index], ',' | ' ' | '\'' | '’')
            && digit(index.checked_sub(1))
            && digit(Some(index + 1))
    };
    (0..characters.len())
        .filter(|index| !separates(*index))
        .map(|index| characters[index])
        .collect()
}

/// Whether a part stands in a text, not as a piece of a longer number or word.
pub(super) fn holds_whole(text: &str, part: &str) -> bool {
    let joins = |one: Option<char>, other: Option<char>| match (one, other) {
        (Some(one), Some(other)) => {
            one.is_ascii_digit() && (other.is_ascii_digit() || other == '.')
                || one.is_ascii_alphabetic() && other.is_ascii_alphabetic()
        }
        _ => false,
    };
    text.match_indices(part).any(|(start, found)| {
        let (before, after) = (&text[..start], &text[start + found.len()..]);
        let mut next = after.chars();
        let (first, second) = (next.next(), next.next());
        // A point ends a sentence unless a digit follows it.
        let first = first.filter(|c| *c != '.' || second.is_some_and(|c| c.is_ascii_digit()));
        !joins(found.chars().next(), before.chars().next_back()) && !joins(found.chars().next_back(), first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_found_however_its_number_is_grouped() {
        for (text, part, expected) in [
            ("302 vases were sold.", "302", true),
            ("They sold 302.", "302", true),
            ("It was 302.5", "302", false),
            ("It was 1302", "302", false),
            ("Revenue: 14,256 EUR", "14256", true),
            ("Revenue: 14256 EUR", "14,256", true),
            ("North led.", "north", true),
            ("Northern", "North", false),
        ] {
            assert_eq!(
                holds_whole(&comparable(text), &comparable(part)),
                expected,
                "{part} in {text}"
            );
        }
    }

    #[test]
    fn names_of_sheets_are_quoted_where_they_must_be() {
        for (sheet, expected) in [
            ("Sales", "Sales"),
            ("Sales 2026", "'Sales 2026'"),
            ("Ann's", "'Ann''s'"),
        ] {
            assert_eq!(quoted(sheet), expected);
        }
    }
}
