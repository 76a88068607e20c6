//! Rows of a table field from tables whose cells are known: exact, complete and in order, whatever their number.
//!
//! Invariant: a row is taken or the whole table is left to the model; a cell's value is the file's own. Columns are
//! matched to fields by their headings; where these only partly agree the model is asked which column is meant.
//! Called by the running step before it goes through the pages.

use super::field::{FieldSpec, words_of_key};
use super::finding::Finding;
use super::fold::folded;
use super::ground::Region;
use super::leaf::{Leaf, Looking};
use super::read::{Cell, ReadingOf};
use crate::gather::Source;
use boxwood_core::{Document, LineKind, Table};
use boxwood_search::Span;
use std::collections::{HashMap, HashSet};

/// A heading this alike names the field.
const ALIKE: f32 = 0.6;
/// Tables of so many rows are worth a question about their columns even where no heading agrees.
const LONG_TABLE: usize = 20;
/// Words that begin a line of sums.
const SUMS: [&str; 12] = [
    "total",
    "subtotal",
    "sub-total",
    "grand total",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "zwischensumme",
    "合計",
    "小計",
    "итого",
];

/// Tables of one layout, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct TableGroup {
    /// Index of the source.
    pub source: usize,
    /// Headings of the columns.
    pub headings: Vec<String>,
    /// Indices of the tables, with the first row of data of each.
    tables: Vec<(usize, usize)>,
    /// For each field the column, where the headings agree.
    pub columns: Vec<Option<usize>>,
    rows: usize,
}

impl TableGroup {
    /// Whether the headings agree well enough that these are the rows that are meant.
    pub fn fits(&self) -> bool {
        let known = self.columns.iter().flatten().count();
        known * 2 >= self.columns.len() && (known >= 2 || self.columns.len() == 1)
    }

    /// Whether asking the model about columns can help.
    pub fn is_open(&self) -> bool {
        let missing = self.columns.iter().any(Option::is_none);
        let free = self.headings.len() > self.columns.iter().flatten().count();
        missing && free && (self.fits() || self.rows >= LONG_TABLE)
    }

    /// The first rows, for the question about columns.
    pub fn sample(&self, document: &Document) -> String {
        let rows = self.tables.iter().filter_map(|(table, first)| {
            let rows = document.tables.get(*table)?.rows.get(*first..)?;
            Some(rows.iter().take(3).map(|row| row.join(" | ")))
        });
        rows.flatten().take(3).collect::<Vec<_>>().join("\n")
    }
}

/// The tables of all sources that may hold the rows of a field, largest first.
pub fn groups(sources: &[Source], fields: &[FieldSpec]) -> Vec<TableGroup> {
    let mut groups = Vec::new();
    for (source, of) in sources.iter().enumerate() {
        groups.extend(groups_of(source, &of.document, fields));
    }
    groups
}

fn groups_of(source: usize, document: &Document, fields: &[FieldSpec]) -> Vec<TableGroup> {
    let mut groups: Vec<TableGroup> = Vec::new();
    for (index, table) in document.tables.iter().enumerate() {
        let width = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        if width < 2 || table.rows.is_empty() {
            continue;
        }
        let header = table.header_rows as usize;
        let headings = headings(table, header.max(1));
        let data = table.rows.len();
        if let Some(open) = groups.last_mut() {
            let repeats = open.headings == headings;
            let goes_on = header == 0 && open.headings.len() == width && !names_fields(&headings, fields);
            if repeats || goes_on {
                let first = if repeats { header.max(1) } else { 0 };
                open.tables.push((index, first));
                open.rows += data.saturating_sub(first);
                continue;
            }
        }
        groups.push(TableGroup {
            source,
            columns: columns(&headings, fields),
            headings,
            tables: vec![(index, header.max(1))],
            rows: data.saturating_sub(header.max(1)),
        });
    }
    groups
}

fn headings(table: &Table, rows: usize) -> Vec<String> {
    let width = table.rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..width)
        .map(|column| {
            let cells = table.rows.iter().take(rows).filter_map(|row| row.get(column));
            let mut words: Vec<&str> = cells
                .map(|cell| cell.trim())
                .filter(|cell| !cell.is_empty())
                .collect();
            words.dedup();
            words.join(" ")
        })
        .collect()
}

fn names_fields(headings: &[String], fields: &[FieldSpec]) -> bool {
    columns(headings, fields).iter().flatten().count() >= 2
}

/// For each field the column whose heading is most alike; no column twice.
fn columns(headings: &[String], fields: &[FieldSpec]) -> Vec<Option<usize>> {
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (field, spec) in fields.iter().enumerate() {
        for (column, heading) in headings.iter().enumerate() {
            let alike = likeness(spec, heading);
            if alike >= ALIKE {
                pairs.push((alike, field, column));
            }
        }
    }
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut chosen = vec![None; fields.len()];
    let mut taken = HashSet::new();
    for (_, field, column) in pairs {
        if chosen[field].is_none() && taken.insert(column) {
            chosen[field] = Some(column);
        }
    }
    chosen
}

/// 1: the same words; 0: none in common.
fn likeness(field: &FieldSpec, heading: &str) -> f32 {
    let heading = words(heading);
    let names = [Some(words_of_key(&field.key)), field.display_name.clone()];
    let names = names.into_iter().flatten().map(|name| words(&name));
    names
        .map(|name| {
            let common = name.intersection(&heading).count() as f32;
            let both = (name.len() + heading.len()) as f32;
            if both == 0.0 { 0.0 } else { 2.0 * common / both }
        })
        .fold(0.0, f32::max)
}

fn words(text: &str) -> HashSet<String> {
    folded(&words_of_key(text))
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.strip_suffix('s')
                .filter(|stem| stem.len() > 3)
                .unwrap_or(word)
                .to_owned()
        })
        .collect()
}

/// The rows of a group of tables.
pub fn rows(
    group: &TableGroup,
    fields: &[FieldSpec],
    sources: &[Source],
    reading: ReadingOf<'_>,
) -> Vec<Finding> {
    let Some(source) = sources.get(group.source) else {
        return Vec::new();
    };
    let document = &source.document;
    let lines = lines_of_rows(document);
    let mut findings = Vec::with_capacity(group.rows);
    for (table, first) in &group.tables {
        let Some(content) = document.tables.get(*table) else {
            continue;
        };
        for (number, cells) in content.rows.iter().enumerate().skip(*first) {
            if is_sum(cells, &group.columns) || is_heading(cells, &group.headings) {
                continue;
            }
            let line = lines.get(&(*table, number)).copied();
            let row = row(group, cells, line, fields, reading);
            if !row.is_absent() {
                findings.push(row);
            }
        }
    }
    findings
}

fn row(
    group: &TableGroup,
    cells: &[String],
    line: Option<Span>,
    fields: &[FieldSpec],
    reading: ReadingOf<'_>,
) -> Finding {
    let region = Region(line.map(|line| (group.source, line)).into_iter().collect());
    let here = Looking {
        region: &region,
        ..reading.looking
    };
    let cells = fields.iter().zip(&group.columns).map(|(field, column)| {
        let written = column
            .and_then(|column| cells.get(column))
            .map_or("", String::as_str);
        let leaf: Leaf = here.leaf(&field.kind, written);
        Cell::Leaf(leaf, (None, None))
    });
    let (mut cursor, mut valid) = (None, true);
    reading.row(fields, cells.collect(), &mut cursor, &mut valid)
}

/// Where each row of each table stands.
fn lines_of_rows(document: &Document) -> HashMap<(usize, usize), Span> {
    let mut lines: HashMap<(usize, usize), Span> = HashMap::new();
    for line in document.pages.iter().flat_map(|page| &page.lines) {
        if let LineKind::TableRow { table, row } = line.kind {
            let own = Span::new(line.start, line.end);
            let span = lines.entry((table as usize, row as usize)).or_insert(own);
            *span = Span::new(span.start.min(own.start), span.end.max(own.end));
        }
    }
    lines
}

/// A line of sums fills few of the columns and says so in its first cell.
fn is_sum(cells: &[String], columns: &[Option<usize>]) -> bool {
    let first = cells
        .iter()
        .map(|cell| folded(cell))
        .find(|cell| !cell.is_empty());
    let says_sum = first.is_some_and(|first| SUMS.contains(&first.trim_end_matches([':', ' '])));
    let wanted: Vec<usize> = columns.iter().flatten().copied().collect();
    let filled = wanted
        .iter()
        .filter(|column| cells.get(**column).is_some_and(|cell| !cell.trim().is_empty()))
        .count();
    says_sum && filled < wanted.len()
}

/// The heading again, at the top of a further page.
fn is_heading(cells: &[String], headings: &[String]) -> bool {
    cells.len() == headings.len()
        && cells
            .iter()
            .zip(headings)
            .all(|(cell, heading)| cell.trim() == heading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::document::DocumentBuilder;
    use boxwood_core::{DocumentFormat, TextSource};

    fn cells(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect()
    }

    fn fields() -> Vec<FieldSpec> {
        ["item", "unitPrice"].map(FieldSpec::text).to_vec()
    }

    /// A document with a table on each page.
    fn document(tables: &[(u32, &[&[&str]])]) -> Document {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
        for (header_rows, rows) in tables {
            builder.page(None, None, TextSource::Native);
            builder.table(None, *header_rows, cells(rows));
        }
        builder.finish()
    }

    #[test]
    fn a_table_over_several_pages_is_one_with_and_without_repeated_headings() {
        let document = document(&[
            (1, &[&["Item", "Unit price", "Note"], &["Nail", "1", ""]]),
            (1, &[&["Item", "Unit price", "Note"], &["Screw", "2", ""]]),
            (0, &[&["Bolt", "3", ""], &["Nut", "4", ""]]),
            (1, &[&["Name", "Street"], &["Ada", "Low Road"]]),
        ]);
        let groups = groups_of(0, &document, &fields());
        let tables: Vec<(bool, &[(usize, usize)])> = groups
            .iter()
            .map(|group| (group.fits(), group.tables.as_slice()))
            .collect();
        assert_eq!(
            tables,
            [(true, &[(0, 1), (1, 1), (2, 0)][..]), (false, &[(3, 1)][..])]
        );
        assert_eq!(groups[0].columns, [Some(0), Some(1)]);
        assert_eq!(groups[0].rows, 4);
    }

    #[test]
    fn headings_name_fields_by_their_words() {
        for (heading, key, alike) in [
            ("Unit price", "unit_price", true),
            ("Items", "item", true),
            ("Price (EUR)", "price", true),
            ("Delivery date", "price", false),
        ] {
            assert_eq!(
                likeness(&FieldSpec::text(key), heading) >= ALIKE,
                alike,
                "{heading}"
            );
        }
    }

    #[test]
    fn sums_and_repeated_headings_are_no_rows() {
        let columns = [Some(0), Some(1)];
        for (row, sum) in [
            (["Total", "", "12"], true),
            (["Total", "5", "12"], false),
            (["Totally new nail", "", ""], false),
            (["合計", "", "12"], true),
        ] {
            let row: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
            assert_eq!(is_sum(&row, &columns), sum, "{row:?}");
        }
        let headings = ["Item", "Price"].map(str::to_owned);
        assert!(is_heading(&[" Item".to_owned(), "Price".to_owned()], &headings));
    }
}
