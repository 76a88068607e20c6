//! What answers a row: the answer service of this process ([`local`]), or a server ([`server`]).
//!
//! Invariant: a target sees of a row only what is asked, never what is right.

mod form;
pub mod local;
mod problem;
pub mod server;
mod wire;

use crate::error::EvalError;
use crate::predictions::Prediction;
use crate::rows::Row;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

/// Why a row has no answer.
#[derive(Debug)]
pub enum RowFailure {
    /// This row failed; the next may not.
    Row(String),
    /// Every row would fail.
    Target(EvalError),
    /// The run was cancelled.
    Cancelled,
}

/// Answers rows.
#[async_trait]
pub trait Target: Send + Sync {
    /// Answers one row. The caller sets id and time of the prediction.
    ///
    /// # Errors
    /// [`RowFailure`].
    async fn answer(&self, row: &Row, cancel: &CancellationToken) -> Result<Prediction, RowFailure>;

    /// Clears up after the last row.
    async fn finish(&self) {}
}
