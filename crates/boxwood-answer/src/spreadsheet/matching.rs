//! Whether a cell passes a condition.
//!
//! Invariant: a condition compares what its column holds: numbers as numbers, dates as spans of time, all else as text
//! without regard to case and width. Used by `spreadsheet::run`.

use super::decimal::Decimal;
use super::infer::{DateNotation, date_of, number_of};
use super::query::{Filter, Test};
use super::table::{Kind, Row, SheetTable, Value};
use crate::numerals::DecimalMark;
use chrono::{Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Different texts of a column that are compared when a value stands in none of its cells.
const MAX_DISTINCT: usize = 5_000;

/// A condition with its values read once.
pub(crate) struct Condition {
    column: usize,
    kind: Kind,
    test: Test,
    operands: Vec<Operand>,
}

/// A value that cells are compared with, in every way that a cell may need.
struct Operand {
    text: String,
    number: Option<Decimal>,
    span: Option<(NaiveDateTime, NaiveDateTime)>,
    month: Option<u32>,
}

impl Operand {
    fn of(value: &str) -> Self {
        Self {
            text: folded(value),
            number: number_of(value, DecimalMark::Point),
            span: span_of(value),
            month: month_of(value),
        }
    }
}

impl Condition {
    /// Reads a filter. A text that stands in no cell is taken for the one cell text that it is a form of
    /// ("vases" for "Vase"), and the filter is changed to say so.
    pub fn of(filter: &mut Filter, table: &SheetTable<'_>) -> Self {
        let kind = table
            .columns
            .get(filter.column)
            .map_or(Kind::Text, |column| column.kind);
        if kind == Kind::Text && matches!(filter.test, Test::Is | Test::IsNot) {
            let distinct = distinct_texts(table, filter.column);
            for value in &mut filter.values {
                if let Some(meant) = meant_by(value, &distinct) {
                    *value = meant;
                }
            }
        }
        Self {
            column: filter.column,
            kind,
            test: filter.test,
            operands: filter.values.iter().map(|value| Operand::of(value)).collect(),
        }
    }

    /// Whether the row passes.
    pub fn holds(&self, row: &Row<'_>) -> bool {
        let value = row.value(self.column, self.kind);
        let any = |test: Test| {
            self.operands
                .iter()
                .any(|operand| compare(test, &value, operand, row, self.column))
        };
        match self.test {
            Test::IsNot => value != Value::Empty && !any(Test::Is),
            Test::Between => match self.operands.as_slice() {
                [from, to, ..] => {
                    compare(Test::AtLeast, &value, from, row, self.column)
                        && compare(Test::AtMost, &value, to, row, self.column)
                }
                _ => false,
            },
            test => any(test),
        }
    }
}

fn compare(test: Test, value: &Value<'_>, operand: &Operand, row: &Row<'_>, column: usize) -> bool {
    if test == Test::Contains {
        return folded(row.text(column)).contains(&operand.text);
    }
    match value {
        Value::Number(number) => compare_number(test, *number, operand),
        Value::Moment(moment) => compare_moment(test, *moment, operand),
        Value::Text(text) => compare_text(test, text, operand),
        Value::Empty | Value::TooWide => false,
    }
}

fn compare_number(test: Test, number: Decimal, operand: &Operand) -> bool {
    let Some(other) = operand.number else { return false };
    match test {
        Test::Less => number < other,
        Test::AtMost => number <= other,
        Test::More => number > other,
        Test::AtLeast => number >= other,
        // A number may be a year, a month or a day.
        Test::Is | Test::Year | Test::Month | Test::Day => number == other,
        Test::IsNot | Test::Contains | Test::Between => false,
    }
}

fn compare_moment(test: Test, moment: NaiveDateTime, operand: &Operand) -> bool {
    let whole = operand.number.map(|number| number.to_string());
    let is = |part: i64| whole.as_deref() == Some(part.to_string().as_str());
    match test {
        Test::Year => {
            is(moment.year().into()) || operand.span.is_some_and(|(from, _)| from.year() == moment.year())
        }
        Test::Month => match (operand.month, operand.span) {
            (Some(month), _) => month == moment.month(),
            (None, Some((from, until))) => from <= moment && moment < until,
            (None, None) => false,
        },
        Test::Day => {
            is(moment.day().into()) || operand.span.is_some_and(|(from, _)| from.day() == moment.day())
        }
        Test::Is if operand.span.is_none() => operand.month == Some(moment.month()),
        _ => operand.span.is_some_and(|(from, until)| match test {
            Test::Is => from <= moment && moment < until,
            Test::Less => moment < from,
            Test::AtMost => moment < until,
            Test::More => moment >= until,
            Test::AtLeast => moment >= from,
            _ => false,
        }),
    }
}

fn compare_text(test: Test, text: &str, operand: &Operand) -> bool {
    let cell = folded(text);
    match test {
        Test::Is | Test::Day => cell == operand.text,
        Test::Year => cell.contains(&operand.text),
        Test::Month => cell == operand.text || operand.month.is_some() && month_of(text) == operand.month,
        Test::Less => cell < operand.text,
        Test::AtMost => cell <= operand.text,
        Test::More => cell > operand.text,
        Test::AtLeast => cell >= operand.text,
        Test::IsNot | Test::Contains | Test::Between => false,
    }
}

/// Text for comparison: composed, narrow, lower case, single spaces.
pub(crate) fn folded(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn distinct_texts(table: &SheetTable<'_>, column: usize) -> BTreeSet<String> {
    let mut distinct = BTreeSet::new();
    for row in &table.rows {
        if distinct.len() == MAX_DISTINCT {
            break;
        }
        distinct.insert(row.text(column).to_owned());
    }
    distinct
}

/// The one text of the column that a value is another form of; `None` where it stands there itself, or none is meant.
fn meant_by(value: &str, distinct: &BTreeSet<String>) -> Option<String> {
    let wanted = folded(value);
    if wanted.is_empty() || distinct.iter().any(|text| folded(text) == wanted) {
        return None;
    }
    let only = |is_meant: &dyn Fn(&str) -> bool| {
        let mut found = distinct
            .iter()
            .filter(|text| !text.is_empty() && is_meant(&folded(text)));
        match (found.next(), found.next()) {
            (Some(text), None) => Some(text.clone()),
            _ => None,
        }
    };
    let month = month_of(&wanted);
    only(&|text| is_other_number(text, &wanted))
        .or_else(|| month.and_then(|month| only(&|text| month_of(text) == Some(month))))
        .or_else(|| only(&|text| text.contains(&wanted) || text.len() >= 3 && wanted.contains(text)))
}

/// Whether one is the English plural of the other.
pub(super) fn is_other_number(one: &str, other: &str) -> bool {
    let is_plural = |long: &str, short: &str| {
        let ending = long.strip_prefix(short);
        let changed = short.strip_suffix('y').and_then(|stem| long.strip_prefix(stem));
        short.len() >= 3 && (matches!(ending, Some("s" | "es")) || changed == Some("ies"))
    };
    is_plural(one, other) || is_plural(other, one)
}

/// The span of time that a value names: a year, a month, a day or a moment.
fn span_of(value: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let value = value.trim();
    let start = |year: i32, month: u32| NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0);
    if let Ok(year) = value.parse::<i32>() {
        let is_year = (1_000..=9_999).contains(&year);
        return is_year.then_some((start(year, 1)?, start(year.saturating_add(1), 1)?));
    }
    if let Some((year, month)) = value.split_once('-').filter(|(year, _)| year.len() == 4)
        && let (Ok(year), Ok(month)) = (year.parse(), month.parse())
    {
        let from = start(year, month)?;
        return Some((from, from.checked_add_months(Months::new(1))?));
    }
    if let Some((month, year)) = value.rsplit_once(' ')
        && let (Some(month), Ok(year)) = (month_of(month), year.parse::<i32>())
    {
        let from = start(year, month)?;
        return Some((from, from.checked_add_months(Months::new(1))?));
    }
    let moment = date_of(value, DateNotation::DayFirst)?;
    let length = if value.contains(':') {
        TimeDelta::seconds(1)
    } else {
        TimeDelta::days(1)
    };
    Some((moment, moment.checked_add_signed(length)?))
}

/// The month that a text names: `3`, `03`, `March`, `mar.`, `3月`, `3월`.
fn month_of(text: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = folded(text);
    let number = text.trim_end_matches(['月', '월']);
    if let Ok(month) = number.parse::<u32>() {
        return (1..=12).contains(&month).then_some(month);
    }
    let name = text.trim_end_matches('.');
    MONTHS
        .iter()
        .position(|month| name.len() >= 3 && month.starts_with(name))
        .map(|month| month as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_named_in_several_ways() {
        for (text, expected) in [
            ("3", Some(3)),
            ("03", Some(3)),
            ("March", Some(3)),
            ("mar.", Some(3)),
            ("3月", Some(3)),
            ("12월", Some(12)),
            ("13", None),
            ("ma", None),
            ("West", None),
            ("", None),
        ] {
            assert_eq!(month_of(text), expected, "{text}");
        }
    }

    #[test]
    fn spans_of_time_are_as_long_as_what_they_name() {
        for (value, days) in [
            ("2026", 365),
            ("2024-02", 29),
            ("2026-03-05", 1),
            ("5.3.2026", 1),
            ("March 2026", 31),
        ] {
            let (from, until) = span_of(value).unwrap_or_else(|| panic!("{value} is no span"));
            assert_eq!((until - from).num_days(), days, "{value}");
        }
        for value in ["", "West", "12", "2026-13"] {
            assert_eq!(span_of(value), None, "{value}");
        }
    }

    #[test]
    fn a_value_may_be_another_form_of_a_cell() {
        let distinct: BTreeSet<String> = ["Vase", "Mug", "Bowl (large)", "March"].map(str::to_owned).into();
        for (value, expected) in [
            ("vases", Some("Vase")),
            ("VASE", None),
            ("bowl", Some("Bowl (large)")),
            ("3", Some("March")),
            ("plate", None),
            ("", None),
        ] {
            assert_eq!(meant_by(value, &distinct).as_deref(), expected, "{value}");
        }
    }
}
