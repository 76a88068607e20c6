//! The program that this crate's tests start for what the product starts itself for: parsing files, caging programs.

fn main() -> std::process::ExitCode {
    match std::env::args_os().nth(1) {
        Some(verb) if verb == boxwood_eval::cage::VERB => boxwood_eval::cage::main(),
        _ => boxwood_ingest::worker_main(),
    }
}
