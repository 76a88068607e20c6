//! Measures answers on data sets: runs them, scores them, says how sure the score is, compares runs, writes reports.
//!
//! The path of one run is [`run::run`]: [`rows`] (the data set) → [`target`] (this process's answer service, or a server
//! that the command names) → [`predictions`] (one line a row, which `score.py` of the data sets reads) → [`score`] →
//! [`statistics`], [`calibration`], [`compare`] → [`report`] and [`html`]. Called by `boxwood eval`.
//!
//! Architecture invariant: a question goes through the same functions as the server's, or through the server itself;
//! what is known about the right answer never reaches a target. A prediction is on disk before the next row is asked.

pub mod cage;
pub mod calibration;
pub mod compare;
pub mod error;
pub mod html;
pub mod predictions;
pub mod program;
pub mod record;
pub mod report;
pub mod rows;
pub mod run;
pub mod score;
pub mod statistics;
pub mod target;

pub use error::EvalError;
pub use predictions::{Prediction, Predictions};
pub use record::{EffortChoice, RunRecord};
pub use rows::{DataSet, DocumentChoice, Row, Task};
