//! Everything that can keep a data set from being run, scored or reported.

use std::fmt;
use std::path::PathBuf;

/// Why there is no run, no score or no report.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file can't be read or written.
    #[error("{} can't be {action}", path.display())]
    File {
        /// `read`, `written`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Rows of a data set are not what they must be.
    #[error("{}", Mistakes(path, mistakes))]
    Rows {
        /// The data set's file.
        path: PathBuf,
        /// Each with its line and field.
        mistakes: Vec<String>,
    },
    /// A line of predictions is not what it must be.
    #[error("{} line {line}: {message}", path.display())]
    Prediction {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, with the field.
        message: String,
    },
    /// The file of predictions comes from a run with other settings.
    #[error(
        "{} was begun with {field} {was}, not {now}: name another file for --out, or remove this one and {}",
        path.display(), record.display()
    )]
    OtherRun {
        /// The file of predictions.
        path: PathBuf,
        /// The record beside it.
        record: PathBuf,
        /// Which setting differs.
        field: &'static str,
        /// What the file was begun with.
        was: String,
        /// What is wanted now.
        now: String,
    },
    /// The target can't be reached at all, so no row can be asked.
    #[error("{message}")]
    Target {
        /// What is wrong and what to do.
        message: String,
    },
    /// Two runs can't be compared, or a report can't be made.
    #[error("{message}")]
    Report {
        /// What is wrong and what to do.
        message: String,
    },
}

/// Prints mistakes one a line, the first few.
struct Mistakes<'a>(&'a PathBuf, &'a [String]);

/// Mistakes that are printed.
const SHOWN_MISTAKES: usize = 20;

impl fmt::Display for Mistakes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} can't be used:", self.0.display())?;
        for mistake in self.1.iter().take(SHOWN_MISTAKES) {
            write!(f, "\n  {mistake}")?;
        }
        match self.1.len().saturating_sub(SHOWN_MISTAKES) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl EvalError {
    /// For `map_err` on an operation over a file.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
