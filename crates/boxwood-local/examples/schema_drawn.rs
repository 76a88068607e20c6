//! Writes one value for each schema without a model: tokens drawn at random among those that the grammar allows.
//!
//! `cargo run --release -p boxwood-local --example schema_drawn -- MODEL.gguf SCHEMAS.jsonl OUT.jsonl [SEED]`
//!
//! Whatever a model prefers, it can write nothing that this could not draw: so each value must be valid, and it takes
//! seconds where a model takes hours. Of the model only the vocabulary is read. OUT.jsonl gets `{"id", "answer"}` a line,
//! as `score.py` of the sets under `eval/` reads them.
#![expect(clippy::print_stdout, reason = "a measuring program prints its figures")]

use boxwood_local::grammar::{Grammar, GrammarError, GrammarTable};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;

/// From so many tokens on, whatever can be closed is closed.
const FREE_TOKENS: usize = 60;
/// A value that is longer than this is given up.
const MOST_TOKENS: usize = 4_000;
/// Marks between values that bring the end nearer, the best first.
const CLOSERS: [u8; 4] = *b"}],\"";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let usage = "usage: schema_drawn MODEL.gguf SCHEMAS.jsonl OUT.jsonl [SEED]";
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let (model, schemas, out) = (next().ok_or(usage)?, next().ok_or(usage)?, next().ok_or(usage)?);
    let mut random = StdRng::seed_from_u64(next().map_or(Ok(1), |text| text.parse())?);
    let table = GrammarTable::of_file(Path::new(&model))?;
    let mut out = std::fs::File::create(out)?;
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for line in std::fs::read_to_string(schemas)?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let end = match table.compile(&row["schema"]) {
            Err(_) => "refused",
            Ok(grammar) => match value(&table, grammar, &mut random) {
                Err(error) => {
                    println!("{}: {error}", row["id"]);
                    "failed"
                }
                Ok(None) => "endless",
                Ok(Some(bytes)) => {
                    let answer = String::from_utf8(bytes)?;
                    writeln!(out, "{}", json!({"id": row["id"], "answer": answer}))?;
                    "whole"
                }
            },
        };
        *ends.entry(end).or_default() += 1;
    }
    println!("{ends:?}");
    Ok(())
}

/// One whole value, or nothing when it does not come to an end.
fn value(
    table: &GrammarTable,
    mut grammar: Grammar,
    random: &mut StdRng,
) -> Result<Option<Vec<u8>>, GrammarError> {
    let mut bytes = Vec::new();
    for count in 0..MOST_TOKENS {
        for token in grammar.forced() {
            grammar.push(token)?;
            bytes.extend_from_slice(table.bytes(token));
        }
        let may_end = grammar.is_whole() || grammar.may_end()?;
        if grammar.is_whole() || (may_end && (count > FREE_TOKENS || random.random_bool(0.3))) {
            return Ok(Some(bytes));
        }
        let allowed: Vec<i32> = grammar
            .mask()?
            .tokens()
            .filter(|token| !table.bytes(*token).is_empty())
            .collect();
        let closes = count > FREE_TOKENS || random.random_bool(0.3);
        let closers: &[u8] = if in_string(&bytes) { b"\"" } else { &CLOSERS };
        let Some(token) = choose(table, &allowed, if closes { closers } else { &[] }, random) else {
            return Ok(may_end.then_some(bytes));
        };
        grammar.push(token)?;
        bytes.extend_from_slice(table.bytes(token));
    }
    Ok(None)
}

/// A token that begins with one of these marks, or any.
fn choose(table: &GrammarTable, allowed: &[i32], closers: &[u8], random: &mut StdRng) -> Option<i32> {
    let closer = closers.iter().find_map(|mark| {
        let begins = |token: &&i32| table.bytes(**token).first() == Some(mark);
        allowed
            .iter()
            .filter(begins)
            .min_by_key(|token| table.bytes(**token).len())
    });
    closer.copied().or_else(|| allowed.choose(random).copied())
}

/// Whether the text ends inside a string.
fn in_string(text: &[u8]) -> bool {
    let (mut inside, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = inside,
            b'"' => inside = !inside,
            _ => {}
        }
    }
    inside
}
