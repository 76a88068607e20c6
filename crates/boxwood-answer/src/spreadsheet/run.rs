//! Runs a query over all rows of its table.
//!
//! Invariant: every row is looked at, sums are exact, rows that sum up others are not counted again, and the result
//! names the cells that it comes from. Called by `spreadsheet`.

use super::decimal::Decimal;
use super::matching::{Condition, folded};
use super::query::{Group, Keep, Operation, Part, Query};
use super::table::{Row, SheetTable, Value};
use chrono::{Datelike, NaiveDateTime, NaiveTime};
use std::collections::{HashMap, HashSet};

/// Cells of a lookup that are listed.
const MAX_LISTED: usize = 50;
/// Digits that a mean has more than its numbers.
const MEAN_PLACES: u32 = 2;

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// One a group, in the order of their first rows; a single one without a name where nothing is grouped.
    pub results: Vec<GroupResult>,
    /// Indices of the rows that the results come from, ascending.
    pub rows: Vec<usize>,
    /// Cells that were passed over since they are no numbers or dates.
    pub skipped: usize,
}

/// The result of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupResult {
    /// What its rows have in common; empty where nothing is grouped.
    pub group: String,
    /// The result as the column shows its cells.
    pub text: String,
}

/// Why a query gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    /// No row passes.
    #[error("no row of the sheet fits")]
    NoRows,
    /// The operation needs a column.
    #[error("no column was named to compute over")]
    NoColumn,
    /// The column holds nothing that can be computed with.
    #[error("the column \"{column}\" holds no numbers")]
    NoNumbers {
        /// Its title.
        column: String,
    },
    /// A number has too many digits.
    #[error("the column \"{column}\" holds numbers that can't be added exactly")]
    TooWide {
        /// Its title.
        column: String,
    },
}

/// Something that results can be ordered by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Comparable {
    Number(Decimal),
    Moment(NaiveDateTime),
    Text(String),
}

/// The result of a group on its way.
struct Computed {
    text: String,
    order: Comparable,
    rows: Vec<usize>,
    skipped: usize,
}

/// Runs the query; its filters are changed to say what their values were taken for.
///
/// # Errors
/// [`RunError`]
pub(crate) fn run(query: &mut Query, table: &SheetTable<'_>) -> Result<Outcome, RunError> {
    let conditions: Vec<Condition> = query
        .filters
        .iter_mut()
        .map(|filter| Condition::of(filter, table))
        .collect();
    let looks_up = query.operation == Operation::Lookup;
    let passes = |row: &Row<'_>| {
        (looks_up || !row.is_total()) && conditions.iter().all(|condition| condition.holds(row))
    };
    let rows: Vec<usize> = table
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| passes(row))
        .map(|(index, _)| index)
        .collect();
    if rows.is_empty() {
        return Err(RunError::NoRows);
    }
    let groups = match query.group {
        None => vec![(String::new(), rows)],
        Some(group) => grouped(table, group, rows),
    };
    let mut computed = Vec::with_capacity(groups.len());
    for (name, rows) in groups {
        match compute(query, table, rows) {
            // A group without a number has no result; the others have.
            Err(RunError::NoNumbers { .. }) if query.group.is_some() => {}
            result => computed.push((name, result?)),
        }
    }
    if let Some(group) = query.group {
        keep(group.keep, &mut computed);
    }
    if computed.is_empty() {
        return Err(no_numbers(table, query.column.unwrap_or(0)));
    }
    let mut used: Vec<usize> = computed
        .iter()
        .flat_map(|(_, one)| one.rows.iter().copied())
        .collect();
    used.sort_unstable();
    used.dedup();
    Ok(Outcome {
        skipped: computed.iter().map(|(_, one)| one.skipped).sum(),
        results: computed
            .into_iter()
            .map(|(group, one)| GroupResult {
                group,
                text: one.text,
            })
            .collect(),
        rows: used,
    })
}

/// The rows by their groups, in the order in which these come.
fn grouped(table: &SheetTable<'_>, group: Group, rows: Vec<usize>) -> Vec<(String, Vec<usize>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for index in rows {
        let row = &table.rows[index];
        let name = match (table.value(row, group.column), group.part) {
            (Value::Moment(moment), Part::Year) => moment.year().to_string(),
            (Value::Moment(moment), Part::Month) => moment.format("%Y-%m").to_string(),
            _ => row.text(group.column).to_owned(),
        };
        let place = *places.entry(folded(&name)).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(index);
    }
    groups
}

fn keep(keep: Keep, computed: &mut Vec<(String, Computed)>) {
    let orders = computed.iter().map(|(_, one)| &one.order);
    let best = match keep {
        Keep::All => return,
        Keep::Highest => orders.max().cloned(),
        Keep::Lowest => orders.min().cloned(),
    };
    computed.retain(|(_, one)| Some(&one.order) == best.as_ref());
}

fn compute(query: &Query, table: &SheetTable<'_>, rows: Vec<usize>) -> Result<Computed, RunError> {
    let counted = |count: usize, rows: Vec<usize>| Computed {
        text: count.to_string(),
        order: Comparable::Number(Decimal::whole(count)),
        rows,
        skipped: 0,
    };
    let column = match (query.operation, query.column) {
        (Operation::Count, None) => return Ok(counted(rows.len(), rows)),
        (_, Some(column)) => column,
        (_, None) => return Err(RunError::NoColumn),
    };
    match query.operation {
        Operation::Count => {
            let filled: Vec<usize> = rows
                .into_iter()
                .filter(|row| !table.rows[*row].text(column).is_empty())
                .collect();
            Ok(counted(filled.len(), filled))
        }
        Operation::CountDistinct => {
            let distinct: HashSet<String> = rows
                .iter()
                .map(|row| folded(table.rows[*row].text(column)))
                .filter(|text| !text.is_empty())
                .collect();
            Ok(counted(distinct.len(), rows))
        }
        Operation::Lookup => Ok(looked_up(table, column, rows)),
        Operation::Sum | Operation::Average => added(query.operation, table, column, &rows),
        Operation::Min | Operation::Max => extreme(query.operation, table, column, &rows),
    }
}

/// The different cells, in order.
fn looked_up(table: &SheetTable<'_>, column: usize, rows: Vec<usize>) -> Computed {
    let mut seen = HashSet::new();
    let texts: Vec<&str> = rows
        .iter()
        .map(|row| table.rows[*row].text(column))
        .filter(|text| !text.is_empty() && seen.insert(folded(text)))
        .collect();
    let mut text = texts
        .iter()
        .take(MAX_LISTED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if texts.len() > MAX_LISTED {
        text.push_str(&format!(" and {} more", texts.len() - MAX_LISTED));
    }
    Computed {
        order: Comparable::Text(text.clone()),
        text,
        rows,
        skipped: 0,
    }
}

fn added(
    operation: Operation,
    table: &SheetTable<'_>,
    column: usize,
    rows: &[usize],
) -> Result<Computed, RunError> {
    let too_wide = || RunError::TooWide {
        column: table.columns[column].name.clone(),
    };
    let mut sum = Decimal::ZERO;
    let (mut used, mut skipped) = (Vec::with_capacity(rows.len()), 0);
    for &index in rows {
        match table.value(&table.rows[index], column) {
            Value::Number(number) => {
                sum = sum.add(number).ok_or_else(too_wide)?;
                used.push(index);
            }
            Value::Empty => {}
            Value::Text(_) | Value::Moment(_) => skipped += 1,
            Value::TooWide => return Err(too_wide()),
        }
    }
    if used.is_empty() {
        return Err(no_numbers(table, column));
    }
    let shown = &table.columns[column].shown;
    let result = if operation == Operation::Average {
        let places = shown.places + MEAN_PLACES + if shown.percent { 2 } else { 0 };
        sum.divided(used.len(), places).ok_or_else(too_wide)?
    } else {
        sum
    };
    Ok(Computed {
        text: shown.text(result),
        order: Comparable::Number(result),
        rows: used,
        skipped,
    })
}

/// The smallest or largest cell, with every row that has it.
fn extreme(
    operation: Operation,
    table: &SheetTable<'_>,
    column: usize,
    rows: &[usize],
) -> Result<Computed, RunError> {
    let mut best: Option<(Comparable, Vec<usize>)> = None;
    let mut skipped = 0;
    for &index in rows {
        let value = match table.value(&table.rows[index], column) {
            Value::Number(number) => Comparable::Number(number),
            Value::Moment(moment) => Comparable::Moment(moment),
            Value::Empty => continue,
            Value::Text(_) => {
                skipped += 1;
                continue;
            }
            Value::TooWide => {
                return Err(RunError::TooWide {
                    column: table.columns[column].name.clone(),
                });
            }
        };
        match &mut best {
            Some((kept, rows)) if *kept == value => rows.push(index),
            Some((kept, _)) if (value > *kept) != (operation == Operation::Max) => {}
            _ => best = Some((value, vec![index])),
        }
    }
    let Some((order, rows)) = best else {
        return Err(no_numbers(table, column));
    };
    let text = match &order {
        Comparable::Number(number) => table.columns[column].shown.text(*number),
        Comparable::Moment(moment) => moment_text(*moment),
        Comparable::Text(text) => text.clone(),
    };
    Ok(Computed {
        text,
        order,
        rows,
        skipped,
    })
}

fn no_numbers(table: &SheetTable<'_>, column: usize) -> RunError {
    RunError::NoNumbers {
        column: table
            .columns
            .get(column)
            .map_or_else(String::new, |c| c.name.clone()),
    }
}

fn moment_text(moment: NaiveDateTime) -> String {
    if moment.time() == NaiveTime::MIN {
        moment.date().to_string()
    } else {
        moment.format("%Y-%m-%d %H:%M:%S").to_string()
    }
}
