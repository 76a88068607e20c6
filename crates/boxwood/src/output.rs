//! Everything that the program prints: standard output for results, standard error for what happens meanwhile.

use std::fmt::Display;
use std::io::Write;

/// A line of the result.
pub fn line(text: impl Display) {
    // A reader that went away (`boxwood models | head`) is no error.
    let _closed = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line about what happens.
pub fn note(text: impl Display) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}

/// An error with its causes, one a line, without repeating what the line before said.
pub fn error(error: &anyhow::Error) {
    let mut said = error.to_string();
    note(format_args!("boxwood: {said}"));
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            note(format_args!("  because: {cause}"));
        }
        said = cause;
    }
}
