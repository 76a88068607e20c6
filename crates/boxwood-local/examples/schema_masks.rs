//! Measures what schemas cost beside the model: the table, compiling, and the mask of every token.
//!
//! `cargo run --release -p boxwood-local --example schema_masks -- MODEL.gguf SCHEMAS.jsonl`
//!
//! SCHEMAS.jsonl holds `{"id", "schema", "tests": [{"valid", "data"}]}` a line, as the sets under `eval/` do. Of the model
//! only the vocabulary is read. Times are the thread's own, so that a busy machine does not add to them. Each instance is written token by token, compact, as far as the grammar follows it
//! (it wants keys in the schema's order, so some end early); at every token the quick check and the whole mask are timed.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use boxwood_local::grammar::GrammarTable;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// Tokens of one instance that are timed at most.
const LONGEST: usize = 400;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Default)]
struct Figures {
    compiled: usize,
    refused: BTreeMap<String, usize>,
    compiling: Vec<Duration>,
    checks: Vec<Duration>,
    masks: Vec<Duration>,
    first_masks: Vec<Duration>,
    /// Instances that the grammar followed to their end: valid ones, invalid ones.
    followed: [usize; 2],
    instances: [usize; 2],
    /// The slowest masks, with their schema.
    slowest: Vec<(Duration, String)>,
}

/// Time that this thread has computed.
struct Clock(Duration);

impl Clock {
    fn now() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(
            time.tv_sec.unsigned_abs(),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    }

    fn start() -> Self {
        Self(Self::now())
    }

    fn elapsed(&self) -> Duration {
        Self::now().saturating_sub(self.0)
    }
}

fn main() -> Outcome<()> {
    let usage = "usage: schema_masks MODEL.gguf SCHEMAS.jsonl";
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or(usage)?;
    let schemas = std::fs::read_to_string(arguments.next().ok_or(usage)?)?;
    let started = Clock::start();
    let table = GrammarTable::of_file(Path::new(&model))?;
    println!(
        "table      {:.2} s, the reading of the vocabulary included",
        started.elapsed().as_secs_f64()
    );
    let mut figures = Figures::default();
    for line in schemas.lines() {
        let row: Value = serde_json::from_str(line)?;
        schema(&table, &row, &mut figures)?;
    }
    figures.print();
    Ok(())
}

fn schema(table: &GrammarTable, row: &Value, figures: &mut Figures) -> Outcome<()> {
    let started = Clock::start();
    let compiled = table.compile(&row["schema"]);
    let took = started.elapsed();
    if let Err(error) = compiled {
        let words: String = error.to_string().chars().take(60).collect();
        *figures.refused.entry(words).or_default() += 1;
        return Ok(());
    }
    figures.compiled += 1;
    figures.compiling.push(took);
    for test in row["tests"].as_array().into_iter().flatten() {
        let kind = usize::from(test["valid"] != true);
        figures.instances[kind] += 1;
        let id = row["id"].as_str().unwrap_or_default();
        if instance(table, &row["schema"], &test["data"].to_string(), id, figures)? {
            figures.followed[kind] += 1;
        }
    }
    Ok(())
}

/// Writes one instance; gives whether the grammar followed it to its end.
fn instance(
    table: &GrammarTable,
    schema: &Value,
    text: &str,
    id: &str,
    figures: &mut Figures,
) -> Outcome<bool> {
    let mut grammar = table.compile(schema)?;
    for (index, token) in table.tokens(text).into_iter().enumerate() {
        let started = Clock::start();
        let accepted = grammar.accepts(token)?;
        figures.checks.push(started.elapsed());
        if index < LONGEST {
            let started = Clock::start();
            let mask = grammar.mask()?;
            let took = started.elapsed();
            if mask.allows(token) && !accepted {
                return Err(format!("{id}: mask and check disagree at token {index} of {text}").into());
            }
            if index == 0 {
                figures.first_masks.push(took)
            } else {
                figures.masks.push(took)
            }
            figures.slowest.push((took, id.to_owned()));
            figures.slowest.sort_by(|left, right| right.cmp(left));
            figures.slowest.truncate(5);
        }
        if !accepted {
            return Ok(false);
        }
        grammar.push(token)?;
    }
    Ok(grammar.is_whole() || grammar.may_end()?)
}

impl Figures {
    fn print(mut self) {
        let refused: usize = self.refused.values().sum();
        println!("schemas    {} compile, {refused} are refused", self.compiled);
        let mut kinds: Vec<_> = self.refused.iter().collect();
        kinds.sort_by(|left, right| right.1.cmp(left.1));
        for (words, count) in kinds {
            println!("           {count:4} {}", words.replace('\n', " "));
        }
        row("compiling", &mut self.compiling);
        row("check", &mut self.checks);
        row("first mask", &mut self.first_masks);
        row("mask", &mut self.masks);
        for (took, id) in &self.slowest {
            println!("           slow: {:.2} ms in {id}", took.as_secs_f64() * 1e3);
        }
        println!(
            "instances  valid {} of {} followed to the end, invalid {} of {}",
            self.followed[0], self.instances[0], self.followed[1], self.instances[1]
        );
    }
}

fn row(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    println!(
        "{what:10} {:6} times: median {:.0} µs, p90 {:.0}, p99 {:.0}, p99.9 {:.0}, most {:.0}",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
