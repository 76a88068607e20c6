//! Counts the tokens of files as OpenAI's models do: `bench_tokens FILE…` prints name, tokens, and seconds of the processor.
//!
//! Run by `scripts/bench/tokens.py`, beside `tiktoken` on the same files.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use boxwood_models::count_o200k_tokens;
use std::error::Error;

/// Rounds of which the best is told; in each, a text is counted so often that the clock's steps don't matter.
const ROUNDS: usize = 12;
const COUNTS: u32 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    for name in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&name)?;
        let tokens = count_o200k_tokens(&text).ok_or("the vocabulary can't be read")?;
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let began = seconds_of_processor()?;
            for _ in 0..COUNTS {
                std::hint::black_box(count_o200k_tokens(std::hint::black_box(&text)));
            }
            best = best.min((seconds_of_processor()? - began) / f64::from(COUNTS));
        }
        println!("{name} {tokens} {best}");
    }
    Ok(())
}

/// Seconds that this process has run on a processor.
fn seconds_of_processor() -> Result<f64, Box<dyn Error>> {
    let told = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = told.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}
