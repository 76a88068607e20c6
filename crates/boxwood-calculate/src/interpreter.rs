//! One program from its text to its output.
//!
//! Invariant: the program gets the values that it was handed and the prelude, and nothing else of the world; every call
//! to the system that the interpreter passes on is answered with an error. Called by [`crate::work`].

use crate::console::Console;
use crate::prepare;
use monty::MontyRepl;
use monty_types::{
    CompileOptions, MontyDate, MontyException, MontyObject, PrintWriter, ResourceLimits, ResourceTracker,
};
use serde_json::Value;
use std::time::Duration;

/// Python that every program can use.
const PRELUDE: &str = include_str!("prelude.py");
/// Where the prelude notes the cells that were read.
const CELLS: &str = "_read_cells";
/// Functions that may stand within each other.
pub(crate) const MAX_DEPTH: usize = 400;
/// The largest single number, text or list.
const MAX_RESULT_BYTES: usize = 32 << 20;
/// Steps of one program: 1.1 s of the interpreter on one core of a Xeon at 2.6 GHz (measured), so that a machine of a third
/// of its speed comes to them before the time limit.
const MAX_STEPS: u64 = 50_000_000;
/// Cells that are told; a program that reads more reads whole tables.
const MAX_CELLS: usize = 200;

/// What a program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What it printed, or the value of its last expression where it printed nothing.
    pub output: String,
    /// Why it ended early, as Python words it.
    pub error: Option<String>,
    /// Cells of `tables` that it read by their labels: table, row, column, all from 0.
    pub cells: Vec<[u32; 3]>,
}

/// How long a program may run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Time of the interpreter.
    pub time: Duration,
    /// Its instructions, so that what never ends does so on every machine at the same place.
    pub steps: u64,
}

impl Patience {
    /// This time, and the usual steps.
    pub(crate) fn of(time: Duration) -> Self {
        Self {
            time,
            steps: MAX_STEPS,
        }
    }
}

/// Runs a program with values under their names.
pub(crate) fn run(program: &str, values: &serde_json::Map<String, Value>, patience: Patience) -> Outcome {
    let limits = ResourceLimits::default()
        .max_duration(patience.time)
        // Refuses single results that are too large before they are made; the sum of all is the kernel's to limit.
        .max_memory(MAX_RESULT_BYTES)
        .max_recursion_depth(MAX_DEPTH);
    let mut session = MontyRepl::new(
        "program.py",
        ResourceTracker::new(limits),
        CompileOptions::default(),
    );
    let mut console = Console::new(patience.steps);
    let result = session
        .feed_run(PRELUDE, Vec::new(), PrintWriter::Disabled)
        .and_then(|_| {
            let inputs = values
                .iter()
                .map(|(name, value)| (name.clone(), object(value)))
                .collect();
            session.feed_run(
                &prepare::prepare(program),
                inputs,
                PrintWriter::Callback(&mut console),
            )
        });
    // The interpreter's state is of no use after it was stopped in the middle.
    let cells = match &result {
        Ok(_) => session.feed_run(CELLS, Vec::new(), PrintWriter::Disabled),
        Err(_) => Ok(MontyObject::None),
    };
    let cells = cells.map_or_else(|_| Vec::new(), |cells| places(&cells));
    finish(console, result, cells)
}

fn finish(console: Console, result: Result<MontyObject, MontyException>, cells: Vec<[u32; 3]>) -> Outcome {
    // Also where the program caught what stopped it.
    let (value, error) = match (console.stopped(), result) {
        (Some(error), _) => (None, Some(error)),
        (None, Ok(MontyObject::None)) => (None, None),
        (None, Ok(value)) => (Some(value.to_string()), None),
        (None, Err(error)) => (None, Some(words(&error))),
    };
    let printed = console.into_text();
    let output = match value {
        Some(value) if printed.trim().is_empty() => value,
        _ => printed,
    };
    Outcome {
        output: prepare::without_binary_noise(output.trim()),
        error,
        cells,
    }
}

/// What the prelude noted of the cells that were read. A program may have put anything in its place.
fn places(noted: &MontyObject) -> Vec<[u32; 3]> {
    let MontyObject::List(noted) = noted else {
        return Vec::new();
    };
    let number = |part: &MontyObject| match part {
        MontyObject::Int(number) => u32::try_from(*number).ok(),
        _ => None,
    };
    let place = |place: &MontyObject| match place {
        MontyObject::List(parts) => match parts.as_slice() {
            [table, row, column] => Some([number(table)?, number(row)?, number(column)?]),
            _ => None,
        },
        _ => None,
    };
    noted.iter().filter_map(place).take(MAX_CELLS).collect()
}

/// The kind, the message and the line within the program.
fn words(error: &MontyException) -> String {
    let line = error.traceback().last().map(|frame| frame.start.line);
    match line {
        Some(line) => format!("{} (line {line})", error.summary()),
        None => error.summary(),
    }
}

/// A value as the program sees it: `{"date": "2024-03-01"}` alone is a date.
fn object(value: &Value) -> MontyObject {
    match value {
        Value::Null => MontyObject::None,
        Value::Bool(value) => MontyObject::Bool(*value),
        Value::Number(number) => number.as_i64().map_or_else(
            || MontyObject::Float(number.as_f64().unwrap_or(f64::NAN)),
            MontyObject::Int,
        ),
        Value::String(text) => MontyObject::String(text.clone()),
        Value::Array(items) => MontyObject::List(items.iter().map(object).collect()),
        Value::Object(fields) => {
            let date = fields.get("date").and_then(Value::as_str).and_then(date);
            match date {
                Some(date) if fields.len() == 1 => MontyObject::Date(date),
                _ => {
                    let pairs: Vec<(MontyObject, MontyObject)> = fields
                        .iter()
                        .map(|(name, value)| (MontyObject::String(name.clone()), object(value)))
                        .collect();
                    MontyObject::dict(pairs)
                }
            }
        }
    }
}

fn date(text: &str) -> Option<MontyDate> {
    let mut parts = text.split('-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Some(MontyDate { year, month, day })
}
