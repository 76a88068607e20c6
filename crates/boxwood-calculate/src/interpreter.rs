//! One program from its text to its output.
//!
//! Invariant: the program gets the values that it was handed and the prelude, and nothing else of the world; every call
//! to the system that the interpreter passes on is answered with an error. Called by [`crate::work`].

use crate::prepare;
use monty::MontyRepl;
use monty_types::{
    CompileOptions, MontyDate, MontyException, MontyObject, PrintWriter, ResourceLimits, ResourceTracker,
};
use serde_json::Value;
use std::time::Duration;

/// Python that every program can use.
const PRELUDE: &str = include_str!("prelude.py");
/// Functions that may stand within each other.
pub(crate) const MAX_DEPTH: usize = 400;
/// The largest single number, text or list.
const MAX_RESULT_BYTES: usize = 32 << 20;
/// Bytes of output that are kept; a program that prints more ends.
pub(crate) const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// What a program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What it printed, or the value of its last expression where it printed nothing.
    pub output: String,
    /// Why it ended early, as Python words it.
    pub error: Option<String>,
}

/// Runs a program with values under their names.
pub(crate) fn run(program: &str, values: &serde_json::Map<String, Value>, time: Duration) -> Outcome {
    let limits = ResourceLimits::default()
        .max_duration(time)
        // Refuses single results that are too large before they are made; the sum of all is the kernel's to limit.
        .max_memory(MAX_RESULT_BYTES)
        .max_recursion_depth(MAX_DEPTH);
    let mut session = MontyRepl::new(
        "program.py",
        ResourceTracker::new(limits),
        CompileOptions::default(),
    );
    let mut printed = String::new();
    let result = session
        .feed_run(PRELUDE, Vec::new(), PrintWriter::Disabled)
        .and_then(|_| {
            let inputs = values
                .iter()
                .map(|(name, value)| (name.clone(), object(value)))
                .collect();
            let print = PrintWriter::CollectString(&mut printed, Some(MAX_OUTPUT_BYTES));
            session.feed_run(&prepare::prepare(program), inputs, print)
        });
    finish(printed, result)
}

fn finish(printed: String, result: Result<MontyObject, MontyException>) -> Outcome {
    let (value, error) = match result {
        Ok(MontyObject::None) => (None, None),
        Ok(value) => (Some(value.to_string()), None),
        Err(error) => (None, Some(words(&error))),
    };
    let output = match value {
        Some(value) if printed.trim().is_empty() => value,
        _ => printed,
    };
    Outcome {
        output: prepare::without_binary_noise(output.trim()),
        error,
    }
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
