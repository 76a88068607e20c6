//! A query over one table: which rows, what is computed over them.
//!
//! Invariant: a [`Query`] names only a table and columns that exist; [`Query::words`] says all that it does. Made by
//! `spreadsheet::choose` from the model's reply, run by `spreadsheet::run`.

use super::table::SheetTable;
use std::fmt::Write;

/// What is asked of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Index of the table.
    pub table: usize,
    /// What is computed.
    pub operation: Operation,
    /// Over which column; `None` only where rows are counted.
    pub column: Option<usize>,
    /// Rows must pass all of these.
    pub filters: Vec<Filter>,
    /// Computed for each value of a column.
    pub group: Option<Group>,
}

/// What is computed over the rows that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// The cells themselves.
    Lookup,
    /// How many rows.
    Count,
    /// How many different cells.
    CountDistinct,
    /// Their sum.
    Sum,
    /// Their mean.
    Average,
    /// The smallest, or the earliest.
    Min,
    /// The largest, or the latest.
    Max,
}

impl Operation {
    /// All of them, by the name that the model writes.
    pub const ALL: [(&'static str, Self); 7] = [
        ("lookup", Self::Lookup),
        ("count", Self::Count),
        ("count_distinct", Self::CountDistinct),
        ("sum", Self::Sum),
        ("average", Self::Average),
        ("min", Self::Min),
        ("max", Self::Max),
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Lookup => "cells",
            Self::Count => "number of rows",
            Self::CountDistinct => "number of different cells",
            Self::Sum => "sum",
            Self::Average => "average",
            Self::Min => "minimum",
            Self::Max => "maximum",
        }
    }
}

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The column.
    pub column: usize,
    /// What its cell must be.
    pub test: Test,
    /// Compared with: one value, any of several for [`Test::Is`], both ends for [`Test::Between`]. Never empty.
    pub values: Vec<String>,
}

/// What a cell must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// Equal to one of the values.
    Is,
    /// Equal to none of them.
    IsNot,
    /// Holds the text.
    Contains,
    /// Below.
    Less,
    /// Below or equal.
    AtMost,
    /// Above.
    More,
    /// Above or equal.
    AtLeast,
    /// From the first to the second value, both included.
    Between,
    /// A date in this year.
    Year,
    /// A date (or the name of a month) in this month of any year.
    Month,
    /// A date on this day of any month.
    Day,
}

impl Test {
    /// All of them, by the name that the model writes.
    pub const ALL: [(&'static str, Self); 11] = [
        ("=", Self::Is),
        ("!=", Self::IsNot),
        ("contains", Self::Contains),
        ("<", Self::Less),
        ("<=", Self::AtMost),
        (">", Self::More),
        (">=", Self::AtLeast),
        ("between", Self::Between),
        ("year", Self::Year),
        ("month", Self::Month),
        ("day", Self::Day),
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Year => "in the year",
            Self::Month => "in the month",
            Self::Day => "on the day",
            other => Self::ALL
                .iter()
                .find(|(_, test)| *test == other)
                .map_or("", |(name, _)| name),
        }
    }
}

/// One result for each value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// The column.
    pub column: usize,
    /// For a column of dates: by what of them.
    pub part: Part,
    /// Which of the groups are asked for.
    pub keep: Keep,
}

/// What of a cell makes its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// The year of a date.
    Year,
    /// Year and month of a date.
    Month,
}

/// Which groups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All.
    All,
    /// Those with the highest result.
    Highest,
    /// Those with the lowest result.
    Lowest,
}

impl Query {
    /// The query in words, for people: `sum of "Units" in "Sales" where "Region" = "West"`.
    pub fn words(&self, table: &SheetTable<'_>) -> String {
        let mut words = self.operation.words().to_owned();
        let counts_rows = self.operation == Operation::Count;
        if let Some(column) = self.column.filter(|_| !counts_rows) {
            let _infallible = write!(words, " of \"{}\"", name_of(table, column));
        }
        let _infallible = write!(words, " in \"{}\"", table.name);
        if !self.filters.is_empty() {
            let _infallible = write!(words, " where {}", self.conditions(table));
        }
        words.push_str(&self.grouping(table));
        words
    }

    fn conditions(&self, table: &SheetTable<'_>) -> String {
        let condition = |filter: &Filter| {
            let values: Vec<String> = filter.values.iter().map(|value| format!("\"{value}\"")).collect();
            let between = if filter.test == Test::Between {
                " and "
            } else {
                " or "
            };
            let column = name_of(table, filter.column);
            format!("\"{column}\" {} {}", filter.test.words(), values.join(between))
        };
        let conditions: Vec<String> = self.filters.iter().map(condition).collect();
        conditions.join(" and ")
    }

    fn grouping(&self, table: &SheetTable<'_>) -> String {
        let Some(group) = &self.group else {
            return String::new();
        };
        let part = match group.part {
            Part::Whole => "",
            Part::Year => "year of ",
            Part::Month => "month of ",
        };
        let kept = match group.keep {
            Keep::All => "",
            Keep::Highest => ", the highest",
            Keep::Lowest => ", the lowest",
        };
        format!(", for each {part}\"{}\"{kept}", name_of(table, group.column))
    }
}

fn name_of<'t>(table: &'t SheetTable<'_>, column: usize) -> &'t str {
    table
        .columns
        .get(column)
        .map_or("?", |column| column.name.as_str())
}
