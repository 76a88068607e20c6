//! Tables in a text, as values for programs: rows of cells, in which a number is a number. Pure.
//!
//! Lines whose cells stand between pipes (as every reader of files writes tables, and Markdown does) or between tabs.
//! Invariant: a cell becomes a number only where all of it is one; whether a point or a comma divides the decimals is
//! decided once a table. Called by the methods that compute, and by what tells where a value stands.

use crate::numerals::{CURRENCIES, DecimalMark, is_neutral_mark};
use crate::spreadsheet::{decimal_mark, number_of};
use serde_json::{Map, Number, Value};
use std::ops::RangeInclusive;

/// Bytes of all tables as a program gets them.
const MOST_BYTES: usize = 200_000;
/// Digits of a number; longer ones are names of things.
const MOST_DIGITS: usize = 15;
/// Whole numbers that are years where a heading may stand.
const YEARS: RangeInclusive<i64> = 1900..=2100;

/// A table: rows of cells.
type Table = Vec<Vec<Cell>>;

/// Where a cell stands: table, row, column, all from 0.
pub(super) type Place = [u32; 3];

/// A cell.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    /// As the text has it.
    text: String,
    number: Option<Number>,
}

/// The tables of a text, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tables {
    tables: Vec<Table>,
    /// Tables that were left out, since all would be too large: the smallest.
    pub left_out: usize,
}

impl Tables {
    /// Finds the tables of a text.
    pub fn of(text: &str) -> Self {
        let found: Vec<Table> = blocks(text).iter().filter_map(|lines| table(lines)).collect();
        let mut sizes: Vec<(usize, usize)> = found
            .iter()
            .map(|table| value(table).to_string().len())
            .enumerate()
            .collect();
        sizes.sort_by_key(|(at, size)| (std::cmp::Reverse(*size), *at));
        let mut left = MOST_BYTES;
        let mut is_kept = vec![false; found.len()];
        for (at, size) in sizes {
            if let Some(rest) = left.checked_sub(size) {
                (left, is_kept[at]) = (rest, true);
            }
        }
        let count = found.len();
        let kept = found.into_iter().zip(is_kept);
        let tables: Vec<Table> = kept.filter_map(|(table, kept)| kept.then_some(table)).collect();
        Self {
            left_out: count - tables.len(),
            tables,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.tables.len()
    }

    /// The values that a program gets: `tables`, where there are any.
    pub fn values(&self) -> Map<String, Value> {
        let mut values = Map::new();
        if !self.tables.is_empty() {
            let tables = self.tables.iter().map(value).collect();
            values.insert("tables".to_owned(), Value::Array(tables));
        }
        values
    }

    /// A cell as a program sees it and as the text has it; `None` where it is empty or not there.
    pub fn cell(&self, place: Place) -> Option<(String, &str)> {
        let [table, row, column] = place.map(|index| index as usize);
        let cell = self.tables.get(table)?.get(row)?.get(column)?;
        let number = cell.number.as_ref().map(Number::to_string);
        (!cell.text.is_empty()).then(|| (number.unwrap_or_else(|| cell.text.clone()), cell.text.as_str()))
    }

    /// The labels of a cell's row and column: `Net income, 2019`.
    pub fn labels(&self, place: Place) -> Option<String> {
        let [table, row, column] = place.map(|index| index as usize);
        let rows = self.tables.get(table)?;
        let named = |cell: &&Cell| cell.number.is_none() && !cell.text.is_empty();
        let of_row = rows.get(row)?.iter().find(named).map(|cell| cell.text.clone());
        let heads = rows.iter().take(header_rows(rows).min(row));
        let of_column = heads
            .filter_map(|head| head.get(column))
            .map(|cell| cell.text.clone())
            .filter(|text| !text.is_empty());
        let labels: Vec<String> = of_row.into_iter().chain(of_column).collect();
        (!labels.is_empty()).then(|| labels.join(", "))
    }

    /// Where a place that a program writes stands; negative numbers count from the end.
    pub fn place(&self, written: [i64; 3]) -> Option<Place> {
        let [table, row, column] = written;
        let at = |index: i64, length: usize| -> Option<usize> {
            let length = i64::try_from(length).ok()?;
            let index = if index < 0 { length + index } else { index };
            usize::try_from(index).ok().filter(|_| index < length)
        };
        let table = at(table, self.tables.len())?;
        let row = at(row, self.tables[table].len())?;
        let column = at(column, self.tables[table][row].len())?;
        let place = [table, row, column].map(u32::try_from);
        let [Ok(table), Ok(row), Ok(column)] = place else {
            return None;
        };
        Some([table, row, column])
    }
}

/// How many rows at the top name columns: those before the first with a number that is no year, at least one.
fn header_rows(rows: &[Vec<Cell>]) -> usize {
    let is_data = |cell: &Cell| {
        cell.number
            .as_ref()
            .is_some_and(|number| !number.as_i64().is_some_and(|number| YEARS.contains(&number)))
    };
    let first = rows.iter().position(|row| row.iter().skip(1).any(is_data));
    first.unwrap_or(1).max(1)
}

fn value(table: &Table) -> Value {
    let cell = |cell: &Cell| match &cell.number {
        Some(number) => Value::Number(number.clone()),
        None => Value::String(cell.text.clone()),
    };
    let rows = table
        .iter()
        .map(|row| Value::Array(row.iter().map(cell).collect()));
    Value::Array(rows.collect())
}

/// What stands between the cells of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Pipe,
    Tab,
}

fn mark_of(line: &str) -> Option<Mark> {
    if line.contains('|') {
        Some(Mark::Pipe)
    } else if line.contains('\t') {
        Some(Mark::Tab)
    } else {
        None
    }
}

/// Lines with the same mark that follow each other.
fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    let mut open = None;
    for line in text.lines() {
        let mark = mark_of(line);
        if mark.is_some() {
            match blocks.last_mut().filter(|_| mark == open) {
                Some(block) => block.push(line),
                None => blocks.push(vec![line]),
            }
        }
        open = mark;
    }
    blocks
}

/// The table of a block; `None` where fewer than two lines have two filled cells.
fn table(lines: &[&str]) -> Option<Table> {
    let framed = lines.iter().all(|line| {
        let line = line.trim();
        line.len() > 1 && line.starts_with('|') && line.ends_with('|')
    });
    let rows: Vec<Vec<&str>> = lines
        .iter()
        .map(|line| cells(line, framed))
        .filter(|row| !is_rule(row))
        .collect();
    let filled = |row: &&Vec<&str>| row.iter().filter(|cell| !cell.is_empty()).count() >= 2;
    // `a || b` is no row of a table.
    let is_code = !framed && lines.iter().any(|line| line.contains("||"));
    if is_code || rows.iter().filter(filled).count() < 2 {
        return None;
    }
    let numerals: Vec<String> = rows
        .iter()
        .flatten()
        .filter_map(|cell| numeral(cell).map(|(_, digits)| digits))
        .collect();
    let mark = decimal_mark(numerals.iter().map(String::as_str)).unwrap_or_default();
    let cell = |text: &&str| Cell {
        number: number(text, mark),
        text: (*text).to_owned(),
    };
    Some(rows.iter().map(|row| row.iter().map(cell).collect()).collect())
}

fn cells(line: &str, framed: bool) -> Vec<&str> {
    // Only one pipe on each side is the frame; a second one is an empty cell.
    let inside = line
        .trim()
        .strip_prefix('|')
        .and_then(|line| line.strip_suffix('|'));
    match (inside.filter(|_| framed), mark_of(line)) {
        (Some(inside), _) => inside.split('|').map(str::trim).collect(),
        (None, Some(Mark::Tab)) => line.split('\t').map(str::trim).collect(),
        (None, _) => line.split('|').map(str::trim).collect(),
    }
}

/// The line under the headings of a Markdown table.
fn is_rule(row: &[&str]) -> bool {
    row.iter().all(|cell| {
        let dashes = cell.trim_matches(':');
        // A dash alone is an amount of nothing.
        let long = dashes.len() >= 3 || (!dashes.is_empty() && dashes.len() < cell.len());
        long && dashes.bytes().all(|byte| byte == b'-')
    })
}

/// A cell that is a number: `$(1,234.50)` is -1234.5, `12.5%` is 12.5.
fn number(text: &str, mark: DecimalMark) -> Option<Number> {
    let (negative, digits) = numeral(text)?;
    let is_name = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if is_name || digits.bytes().filter(u8::is_ascii_digit).count() > MOST_DIGITS {
        return None;
    }
    let plain = number_of(&digits, mark)?.to_string();
    let sign = if negative { "-" } else { "" };
    let written = format!("{sign}{plain}");
    match written.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(written.parse().ok()?),
    }
}

/// Whether a number is negative, and its digits with their separators; `None` for anything else.
fn numeral(text: &str) -> Option<(bool, String)> {
    let text: String = text.chars().map(narrow).collect();
    let mut rest = text.trim();
    let mut negative = false;
    // A sign, a unit and a pair of parentheses, in any order: none of them comes often.
    for _ in 0..5 {
        if let Some(unsigned) = rest.strip_prefix(['-', '−', '–', '△', '▲']) {
            (negative, rest) = (true, unsigned.trim());
        } else if let Some(inside) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            (negative, rest) = (true, inside.trim());
        } else if let Some(bare) = without_unit(rest) {
            rest = bare.trim();
        }
    }
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',') || is_neutral_mark(c);
    let whole = rest.ends_with(|c: char| c.is_ascii_digit()) && rest.chars().all(is_part);
    whole.then(|| (negative, rest.to_owned()))
}

/// Without a currency or the sign of a share, before or after the number.
fn without_unit(text: &str) -> Option<&str> {
    let mut units = CURRENCIES.iter().chain(&["%"]);
    units.find_map(|unit| text.strip_prefix(unit).or_else(|| text.strip_suffix(unit)))
}

/// Digits and signs of full width as those of a keyboard.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        '\u{3000}' => ' ',
        '￥' => '¥',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        let tables = Tables::of(text);
        assert_eq!(
            tables.values().get("tables").cloned().unwrap_or(json!([])),
            expected,
            "{text}"
        );
        assert_eq!(tables.left_out, 0);
    }

    #[test]
    fn tables_of_texts() {
        // As TAT-QA has them.
        check(
            "|  | 2019 | 2018 |\n| Net income (1) | $206,587 | $(254,127) |\n| Warrants | — | 3,551 |\n\nText | here.",
            json!([[
                ["", 2019, 2018],
                ["Net income (1)", 206_587, -254_127],
                ["Warrants", "—", 3_551]
            ]]),
        );
        // As our readers write them; the first and the last cell of a row may be empty.
        check(
            "[page 1]\nItem | Qty | Price\nWidget | 2 | 9.99\n | 3 | \n\nNext\nA | B\n1 | 2\n",
            json!([
                [["Item", "Qty", "Price"], ["Widget", 2, 9.99], ["", 3, ""]],
                [["A", "B"], [1, 2]]
            ]),
        );
        check(
            "| a | b |\n|---|:-:|\n| x | 5% |\n",
            json!([[["a", "b"], ["x", 5]]]),
        );
        check(
            "Region\tUnits\nWest\t1 200\n",
            json!([[["Region", "Units"], ["West", 1_200]]]),
        );
        check(
            "Posten | Betrag\nMiete | 1.200,50 €\nStrom | 80 €\nSumme | 1.280,50 €",
            json!([[
                ["Posten", "Betrag"],
                ["Miete", 1200.5],
                ["Strom", 80],
                ["Summe", 1280.5]
            ]]),
        );
        check(
            "科目 | 金額\n売上高 | １，２３４\n営業利益 | △56\n",
            json!([[["科目", "金額"], ["売上高", 1234], ["営業利益", -56]]]),
        );
        for none in [
            "",
            "one | line",
            "a || b\nc || d",
            "\tif x:\n\t\treturn y",
            "No table here.\nNone.",
        ] {
            check(none, json!([]));
        }
    }

    #[test]
    fn cells_that_are_numbers() {
        for (text, expected) in [
            ("$206,587", Some(json!(206_587))),
            ("$(26,811)", Some(json!(-26_811))),
            ("($1.50)", Some(json!(-1.5))),
            ("(12.5)%", Some(json!(-12.5))),
            ("-$3", Some(json!(-3))),
            ("EUR 1 234", Some(json!(1_234))),
            ("¥5", Some(json!(5))),
            ("1,200円", Some(json!(1_200))),
            ("0.5", Some(json!(0.5))),
            ("0", Some(json!(0))),
            ("007", None),
            ("1234567890123456", None),
            ("2024-03-01", None),
            ("12 kg", None),
            ("Note 5", None),
            ("1,234²", None),
            ("1.", None),
            ("—", None),
            ("-", None),
            ("", None),
        ] {
            let read = number(text, DecimalMark::Point).map(Value::Number);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn a_cell_is_told_with_its_labels() {
        let tables = Tables::of(
            "|  | Fiscal year |  |\n|  | 2019 | 2018 |\n| Net income (1) | $206,587 | $254,127 |\n| Loss | (3) | 4 |",
        );
        assert_eq!(tables.cell([0, 2, 1]), Some(("206587".to_owned(), "$206,587")));
        assert_eq!(
            tables.labels([0, 2, 1]).as_deref(),
            Some("Net income (1), Fiscal year, 2019")
        );
        assert_eq!(tables.labels([0, 3, 2]).as_deref(), Some("Loss, 2018"));
        assert_eq!(tables.cell([0, 0, 0]), None);
        assert_eq!(tables.place([0, -1, -2]), Some([0, 3, 1]));
        assert_eq!(tables.place([1, 0, 0]), None);
    }

    #[test]
    fn the_largest_tables_are_kept_and_the_rest_is_counted() {
        let small = "a | 1\nb | 2\n\n";
        let row = format!("{} | 5\n", "x".repeat(90));
        let large = row.repeat(1_990);
        let tables = Tables::of(&format!("{small}{large}\n{large}\n{small}"));
        assert_eq!((tables.count(), tables.left_out), (3, 1));
        assert_eq!(tables.tables[1].len(), 1_990);
        let too_large = Tables::of(&row.repeat(3_000));
        assert_eq!((too_large.count(), too_large.left_out), (0, 1));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[|\\t\\n a1,.()%$—-]{0,120}") {
            let tables = Tables::of(&text);
            for (table, rows) in tables.tables.iter().enumerate() {
                for (row, cells) in rows.iter().enumerate() {
                    for column in 0..cells.len() {
                        let place = [table as u32, row as u32, column as u32];
                        tables.labels(place);
                        prop_assert_eq!(tables.place(place.map(i64::from)), Some(place));
                    }
                }
            }
        }
    }
}
