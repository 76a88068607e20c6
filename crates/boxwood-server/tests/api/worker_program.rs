//! The program that parses files in tests: the same entry as the hidden verb of `boxwood`.

fn main() -> std::process::ExitCode {
    boxwood_ingest::worker_main()
}
