//! The tables of a workbook as queries see them: named columns with types, and every row.
//!
//! Invariant: a table holds all rows of its sheet's block, however the parser split them, and every cell knows its
//! sheet and its place there. Made from a [`Document`] by [`tables_of`], used by the other modules of `spreadsheet`.

use super::decimal::Decimal;
use super::infer::{DateNotation, date_notation, date_of, decimal_mark, number_of};
use crate::numerals::DecimalMark;
use boxwood_core::{CellValue, Document, Grid, Table};
use chrono::{DateTime, NaiveDateTime};

/// Rows that decide the type of a column; all rows of a longer column are still read by it.
const TYPED_ROWS: usize = 2_000;
/// Words with which a row of totals begins, lower case.
const TOTALS: [&str; 14] = [
    "total",
    "totals",
    "grand total",
    "subtotal",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "итого",
    "всего",
    "合計",
    "总计",
    "合计",
    "합계",
];

/// A table of a workbook.
pub(crate) struct SheetTable<'a> {
    /// Its sheet's name, made unique by a number.
    pub name: String,
    /// The sheet's name; `None` in a CSV file.
    pub sheet: Option<&'a str>,
    /// The page of the document.
    pub page: u32,
    /// Columns, left to right.
    pub columns: Vec<Column>,
    /// Data rows, top to bottom, headers left out.
    pub rows: Vec<Row<'a>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// Its title, unique in the table; its letter where it has none.
    pub name: String,
    /// Its letter in the sheet: `A`, `AB`.
    pub letter: String,
    /// What its cells hold.
    pub kind: Kind,
    /// How its numbers are shown.
    pub shown: Shown,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers; with this mark where they stand as text.
    Number(DecimalMark),
    /// Dates; in this notation where they stand as text.
    Moment(DateNotation),
    /// Anything.
    Text,
}

/// How a column shows its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Digits after the point.
    pub places: u32,
    /// Whether the numbers are shown times 100 with a percent sign.
    pub percent: bool,
    /// Stands before every number: `€`.
    pub prefix: String,
    /// Stands behind every number, after a space: `EUR`.
    pub suffix: String,
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The table of the document that holds it.
    pub table: u32,
    /// Its index there.
    pub index: u32,
    texts: &'a [String],
    values: &'a [CellValue],
    number: u32,
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Empty,
    /// Words.
    Text(&'a str),
    /// A number.
    Number(Decimal),
    /// A date with or without a time.
    Moment(NaiveDateTime),
    /// A number that can't be computed with exactly.
    TooWide,
}

impl<'a> Row<'a> {
    /// The text that a cell shows.
    pub fn text(&self, column: usize) -> &'a str {
        self.texts.get(column).map_or("", String::as_str).trim()
    }

    /// What a cell holds, read as its column is.
    pub fn value(&self, column: usize, kind: Kind) -> Value<'a> {
        match self.values.get(column) {
            Some(CellValue::Number(number)) => {
                Decimal::of_float(*number).map_or(Value::TooWide, Value::Number)
            }
            Some(CellValue::Moment(seconds)) => DateTime::from_timestamp(*seconds, 0)
                .map_or(Value::TooWide, |moment| Value::Moment(moment.naive_utc())),
            Some(CellValue::Text | CellValue::Boolean(_)) | None => self.value_of_text(column, kind),
        }
    }

    /// Whether a cell holds text, whatever that says.
    fn is_text(&self, column: usize) -> bool {
        matches!(self.values.get(column), None | Some(CellValue::Text))
    }

    fn value_of_text(&self, column: usize, kind: Kind) -> Value<'a> {
        let text = self.text(column);
        let read = match kind {
            _ if text.is_empty() => Some(Value::Empty),
            Kind::Number(notation) => number_of(text, notation).map(Value::Number),
            Kind::Moment(notation) => date_of(text, notation).map(Value::Moment),
            Kind::Text => None,
        };
        read.unwrap_or(Value::Text(text))
    }

    /// The row's number in the sheet, from 1.
    pub fn number(&self) -> u32 {
        self.number.saturating_add(1)
    }

    /// Whether the row sums up others, so that computing over it would count them twice.
    pub fn is_total(&self) -> bool {
        let first = self
            .texts
            .iter()
            .map(|text| text.trim())
            .find(|text| !text.is_empty());
        first.is_some_and(|text| {
            let text = text.trim_end_matches([':', '.']).to_lowercase();
            TOTALS.contains(&text.as_str())
        })
    }
}

impl SheetTable<'_> {
    /// The index of a column by its title or letter, without regard to case.
    pub fn column(&self, name: &str) -> Option<usize> {
        let name = name.trim().to_lowercase();
        let by_name = self
            .columns
            .iter()
            .position(|column| column.name.to_lowercase() == name);
        by_name.or_else(|| {
            self.columns
                .iter()
                .position(|column| column.letter.to_lowercase() == name)
        })
    }

    /// What a cell of a row holds.
    pub fn value<'a>(&self, row: &Row<'a>, column: usize) -> Value<'a> {
        row.value(
            column,
            self.columns.get(column).map_or(Kind::Text, |column| column.kind),
        )
    }
}

/// Every table of a workbook that has a place in its sheets.
pub(crate) fn tables_of(document: &Document) -> Vec<SheetTable<'_>> {
    let mut tables: Vec<SheetTable<'_>> = Vec::new();
    let mut last: Option<(&Grid, u32)> = None;
    for (index, table) in document.tables.iter().enumerate() {
        let Some(grid) = &table.grid else { continue };
        let continues = last.is_some_and(|(before, page)| page == table.page && follows(before, grid));
        last = Some((grid, table.page));
        match tables.last_mut() {
            Some(open) if continues => open.rows.extend(rows_of(index, table, grid, 0)),
            _ => tables.push(table_of(document, index, table, grid)),
        }
    }
    for table in &mut tables {
        type_columns(table);
    }
    name_apart(&mut tables);
    tables
}

/// Whether the parser split a block of rows between these two.
fn follows(before: &Grid, grid: &Grid) -> bool {
    let end = before.rows.last().map(|row| row.saturating_add(1));
    before.columns == grid.columns && end.is_some() && end == grid.rows.first().copied()
}

fn table_of<'a>(document: &'a Document, index: usize, table: &'a Table, grid: &'a Grid) -> SheetTable<'a> {
    let header = table.header_rows as usize;
    let page = document.pages.iter().find(|page| page.number == table.page);
    let sheet = page.and_then(|page| page.label.as_deref());
    let mut columns: Vec<Column> = Vec::with_capacity(grid.columns.len());
    for (place, column) in grid.columns.iter().enumerate() {
        let letter = letters(*column);
        let titles = table.rows.iter().take(header).filter_map(|row| row.get(place));
        let title = titles.map(|title| title.trim()).filter(|title| !title.is_empty());
        let title = title.collect::<Vec<_>>().join(" ");
        let taken = columns
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&title));
        let name = match (title.is_empty(), taken) {
            (true, _) => letter.clone(),
            (false, true) => format!("{title} ({letter})"),
            (false, false) => title,
        };
        columns.push(Column {
            name,
            letter,
            kind: Kind::Text,
            shown: Shown::default(),
        });
    }
    SheetTable {
        name: sheet.unwrap_or("table").to_owned(),
        sheet,
        page: table.page,
        columns,
        rows: rows_of(index, table, grid, header).collect(),
    }
}

fn rows_of<'a>(
    index: usize,
    table: &'a Table,
    grid: &'a Grid,
    header: usize,
) -> impl Iterator<Item = Row<'a>> {
    table
        .rows
        .iter()
        .enumerate()
        .skip(header)
        .map(move |(row, texts)| Row {
            table: index as u32,
            index: row as u32,
            texts,
            values: grid.values.get(row).map_or(&[], Vec::as_slice),
            number: grid.rows.get(row).copied().unwrap_or(0),
        })
}

fn name_apart(tables: &mut [SheetTable<'_>]) {
    for index in 1..tables.len() {
        let (before, rest) = tables.split_at_mut(index);
        let base = rest[0].name.clone();
        let mut number = 2;
        while before.iter().any(|table| table.name == rest[0].name) {
            rest[0].name = format!("{base} {number}");
            number += 1;
        }
    }
}

/// The letters of a sheet's column: 0 is `A`, 27 is `AB`.
pub(crate) fn letters(mut column: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (column % 26) as u8));
        match (column / 26).checked_sub(1) {
            Some(rest) => column = rest,
            None => break,
        }
    }
    letters.into_iter().rev().collect()
}

fn type_columns(table: &mut SheetTable<'_>) {
    for place in 0..table.columns.len() {
        let rows: Vec<&Row<'_>> = table
            .rows
            .iter()
            .filter(|row| !row.is_total() && !row.text(place).is_empty())
            .take(TYPED_ROWS)
            .collect();
        let typed = |row: &&Row<'_>| row.values.get(place).copied().unwrap_or(CellValue::Text);
        let numbers = rows
            .iter()
            .filter(|row| matches!(typed(row), CellValue::Number(_)))
            .count();
        let moments = rows
            .iter()
            .filter(|row| matches!(typed(row), CellValue::Moment(_)))
            .count();
        let texts = rows
            .iter()
            .filter(|row| typed(row) == CellValue::Text)
            .map(|row| row.text(place));
        let half = rows.len().div_ceil(2).max(1);
        let kind = if numbers >= half {
            Kind::Number(decimal_mark(texts).unwrap_or(DecimalMark::Point))
        } else if moments >= half {
            Kind::Moment(date_notation(texts).unwrap_or(DateNotation::Iso))
        } else if numbers + moments > 0 {
            Kind::Text
        } else if let Some(notation) = decimal_mark(texts.clone()) {
            Kind::Number(notation)
        } else {
            date_notation(texts).map_or(Kind::Text, Kind::Moment)
        };
        let shown = match kind {
            Kind::Number(_) => shown_of(&rows, place, kind),
            _ => Shown::default(),
        };
        table.columns[place].kind = kind;
        table.columns[place].shown = shown;
    }
}

/// What all numbers of a column have around them, and their most digits after the point.
fn shown_of(rows: &[&Row<'_>], place: usize, kind: Kind) -> Shown {
    let mut shown: Option<Shown> = None;
    for row in rows {
        let Value::Number(number) = row.value(place, kind) else {
            continue;
        };
        let text = row.text(place);
        let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        let end = text
            .rfind(|c: char| c.is_ascii_digit())
            .map_or(text.len(), |end| end + 1);
        let after = text[end..].trim().to_owned();
        let percent = after == "%";
        let fraction = match kind {
            Kind::Number(DecimalMark::Comma) if row.is_text(place) => text[start..end].rsplit_once(','),
            _ => text[start..end].rsplit_once('.'),
        };
        let written = fraction.map_or(0, |(_, digits)| digits.len() as u32);
        let own = if percent {
            number.shifted(2).unwrap_or(number).places()
        } else {
            number.places()
        };
        let places = own.max(written);
        let one = Shown {
            places,
            percent,
            prefix: text[..start].trim_matches(['-', '−', '+', '(', ' ']).to_owned(),
            suffix: if percent || after == ")" {
                String::new()
            } else {
                after
            },
        };
        shown = Some(match shown {
            None => one,
            Some(before) => Shown {
                places: before.places.max(one.places),
                percent: before.percent && one.percent,
                prefix: if before.prefix == one.prefix {
                    one.prefix
                } else {
                    String::new()
                },
                suffix: if before.suffix == one.suffix {
                    one.suffix
                } else {
                    String::new()
                },
            },
        });
    }
    shown.unwrap_or_default()
}

impl Shown {
    /// A number as the column would show it, with no fewer digits than it has.
    pub fn text(&self, number: Decimal) -> String {
        let (digits, sign) = match self.percent.then(|| number.shifted(2)).flatten() {
            Some(hundredfold) => (hundredfold.with_places(self.places), "%"),
            None => (number.with_places(self.places), ""),
        };
        let space = if self.suffix.is_empty() { "" } else { " " };
        format!("{}{digits}{sign}{space}{}", self.prefix, self.suffix)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use boxwood_core::DocumentFormat;
    use boxwood_core::document::DocumentBuilder;

    /// A CSV file as the parser leaves it: lines of cells separated by `;`, the first line is the header.
    pub(crate) fn csv(text: &str) -> Document {
        let rows: Vec<Vec<String>> = text
            .lines()
            .map(|line| line.split(';').map(str::to_owned).collect())
            .collect();
        let grid = Grid {
            columns: (0..rows[0].len() as u32).collect(),
            rows: (0..rows.len() as u32).collect(),
            values: Vec::new(),
        };
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Csv);
        builder.sheet_table(None, 1, rows, grid);
        builder.finish()
    }

    #[test]
    fn columns_are_typed_by_what_they_hold() {
        let document = csv("Item;Price;Share;Sold on;Code;Note\n\
             Mug;1,50 EUR;12%;2026-03-01;A12;x\n\
             Bowl;12,75 EUR;7.5%;2026-04-01;B7;\n\
             Total;14,25 EUR;;;;");
        let tables = tables_of(&document);
        let kinds: Vec<Kind> = tables[0].columns.iter().map(|column| column.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Text,
                Kind::Number(DecimalMark::Comma),
                Kind::Number(DecimalMark::Point),
                Kind::Moment(DateNotation::Iso),
                Kind::Text,
                Kind::Text
            ]
        );
        let price = &tables[0].columns[1].shown;
        assert_eq!((price.places, price.suffix.as_str()), (2, "EUR"));
        assert_eq!(price.text(Decimal::whole(3)), "3.00 EUR");
        let share = &tables[0].columns[2].shown;
        assert_eq!(share.text(Decimal::parse("0.125").unwrap()), "12.5%");
        assert!(tables[0].rows[2].is_total());
    }

    #[test]
    fn a_block_that_was_split_is_one_table_and_names_are_unique() {
        let cells = |texts: &[&str]| vec![texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()];
        let grid = |row: u32| Grid {
            columns: vec![0, 27],
            rows: vec![row],
            values: Vec::new(),
        };
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Xlsx);
        builder.page(Some("Plan".into()), None, boxwood_core::TextSource::Native);
        let header = Grid {
            rows: vec![0, 1],
            ..grid(0)
        };
        let first = [cells(&["Name", "Name"]), cells(&["a", "1"])].concat();
        builder.sheet_table(None, 1, first, header);
        builder.sheet_table(None, 0, cells(&["b", "2"]), grid(2));
        builder.sheet_table(None, 0, cells(&["c", "3"]), grid(9));
        let document = builder.finish();
        let tables = tables_of(&document);
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["Plan", "Plan 2"]);
        assert_eq!(tables[0].rows.len(), 2);
        assert_eq!(tables[0].rows[1].number(), 3);
        let columns: Vec<&str> = tables[0]
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(columns, ["Name", "Name (AB)"]);
        assert_eq!(
            (tables[0].column("name (ab)"), tables[0].column("AB")),
            (Some(1), Some(1))
        );
    }

    #[test]
    fn columns_have_letters() {
        for (column, expected) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (27, "AB"),
            (701, "ZZ"),
            (702, "AAA"),
        ] {
            assert_eq!(letters(column), expected);
        }
    }
}
